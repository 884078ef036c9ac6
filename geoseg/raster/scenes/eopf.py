"""Sentinel-2 products of EOPF: a Zarr store with groups of bands at 10, 20 and 60 m.

Format: Product Structure and Format Definition of ESA's Earth Observation Processing Framework,
https://cpm.pages.eopf.copernicus.eu/eopf-cpm. Stored counts become reflectance by ``scale_factor`` and ``add_offset``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from geoseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import xarray as xr

REFLECTANCE = "measurements/reflectance"
_SIZES = ("r10m", "r20m", "r60m")
_CLASSIFICATION = "conditions/mask/l2a_classification/r20m"
_BAND = re.compile(r"b(?:0[1-9]|1[0-2]|8a)", re.ASCII)


def open_eopf(
    has: Callable[[str], bool], attributes: Mapping[str, Any], opened: Callable[[str], xr.Dataset], label: str
) -> tuple[list[xr.Dataset], xr.DataArray | None]:
    """Return the bands of a product, each at its finest size, one Dataset for each size; and its scene classification.

    Parameters
    ----------
    has
        Whether the store has a group.
    attributes
        Those of the store.
    opened
        Opens a group as a Dataset of stored values.
    label
        Name of the store, for messages.

    Raises
    ------
    InputError
        If it has no bands, or states no CRS.
    """
    crs, found, known = _crs(attributes), list[Any](), set[str]()
    for size in _SIZES:
        if not has(f"{REFLECTANCE}/{size}"):
            continue
        data = opened(f"{REFLECTANCE}/{size}")
        names = sorted(str(name) for name in data.data_vars if _BAND.fullmatch(str(name)) and name not in known)
        known.update(names)
        if names:
            found.append(_georeferenced(data[names], crs, label))
    if not found:
        raise InputError(f"{label}: has no bands in {REFLECTANCE}; copy or download the product again")
    if not has(_CLASSIFICATION):
        return found, None
    masks = opened(_CLASSIFICATION)
    return found, masks.get("scl")


def _crs(attributes: Mapping[str, Any]) -> Any:
    """Return the CRS that the attributes of the store state; None if there is none."""
    discovery = attributes.get("stac_discovery")
    properties = discovery.get("properties") if isinstance(discovery, dict) else None
    other = attributes.get("other_metadata")
    return _of_projection(properties) or (other.get("horizontal_CRS_code") if isinstance(other, dict) else None)


def _of_projection(attributes: Any) -> Any:
    stated = attributes if isinstance(attributes, dict) else {}
    return stated.get("proj:epsg") or stated.get("proj:code") or stated.get("proj:wkt2")


def _georeferenced(data: xr.Dataset, crs: Any, label: str) -> xr.Dataset:
    """Return bands with their CRS, and with scale and offset where xarray has them."""
    import odc.geo.xr  # noqa: F401  registers .odc

    data.attrs["sensor"] = "Sentinel-2"  # which decides what the codes of bands mean
    first = next(iter(data.data_vars.values()))
    stated = _of_projection(first.attrs) or crs
    if data.odc.crs is None:
        if stated is None:
            raise InputError(f"{label}: states no CRS of its bands; copy or download the product again")
        try:
            data = data.odc.assign_crs(stated)
        except Exception as error:  # of PROJ, of many kinds
            raise InputError(f"{label}: its CRS {str(stated)[:60]!r} is not known; download it again") from error
    for variable in data.data_vars.values():
        variable.attrs = _stored(variable.attrs) if variable.dtype.kind in "iu" else _decoded(variable.attrs)
    return data


def _stored(attributes: Mapping[str, Any]) -> dict[str, Any]:
    own = attributes.get("_eopf_attrs")
    own = own if isinstance(own, dict) else {}
    names = (("scale_factor", "scale_factor"), ("add_offset", "add_offset"), ("_FillValue", "fill_value"))
    known = {name: own[theirs] for name, theirs in names if name not in attributes and own.get(theirs) is not None}
    return {"_FillValue": 0, **known, **attributes}


def _decoded(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of values that are reflectance already, of which some stores keep the scale."""
    return {key: value for key, value in attributes.items() if key not in ("scale_factor", "add_offset")}
