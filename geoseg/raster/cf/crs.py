"""The CRS of a variable: from its grid mapping, from an attribute, or from what its coordinates are."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from rasterio.crs import CRS
from rasterio.errors import CRSError

from geoseg.errors import InputError, one_line
from geoseg.raster.cf.geozarr import projection_of
from geoseg.raster.cf.selection import text_of

if TYPE_CHECKING:
    import xarray as xr

_WKT = ("crs_wkt", "spatial_ref", "esri_pe_string")
_ROTATED = "rotated_latitude_longitude"


def grid_mapping_of(variable: xr.DataArray, data: xr.Dataset, dims: tuple[str, str]) -> dict[str, Any]:
    """Return the attributes of the grid mapping of a variable; empty if it has none.

    Parameters
    ----------
    variable
        The variable.
    data
        The Dataset it is from.
    dims
        Its dimensions of rows and columns, which tell several mappings apart.
    """
    own = text_of({**variable.encoding, **variable.attrs}, "grid_mapping")
    text = (own or text_of(data.attrs, "grid_mapping"))[:1000]
    # "crs", or "crs_osgb: x y crs_wgs84: lat lon" where a variable has coordinates of two systems.
    pairs = re.findall(r"(\S+):((?:\s+[^\s:]+(?!\S*:))+)", text)
    names = [name for name, inside in pairs if set(dims) <= set(inside.split())] or ([] if pairs else [text])
    lone = [name for name in data.variables if not data[name].dims and _is_mapping(data[name].attrs)]
    for name in [name for name in names if name in data.variables] or (lone if len(lone) == 1 else []):
        return dict(data[name].attrs)
    return {}


def _is_mapping(attributes: dict[str, Any]) -> bool:
    return any(key in attributes for key in ("grid_mapping_name", *_WKT))


def crs_of(mapping: dict[str, Any], attributes: dict[str, Any], label: str) -> CRS | None:
    """Return the CRS; None if nothing states it.

    Parameters
    ----------
    mapping
        Attributes of the grid mapping.
    attributes
        Those of the Dataset and the variable, of which ``crs`` or those of GeoZarr may name one.
    label
        Name for messages.

    Raises
    ------
    InputError
        If it is not understood, or is one in which a raster has no upright grid.
    """
    if text_of(mapping, "grid_mapping_name") == _ROTATED:
        raise InputError(
            f"{label}: lies in latitudes and longitudes of a rotated pole, which class maps and polygons cannot have; "
            f'warp it first, with: gdalwarp -t_srs EPSG:4326 NETCDF:"FILE":VARIABLE warped.tif'
        )
    if mapping:
        wkt = next((text for key in _WKT if (text := text_of(mapping, key))), None)
        try:
            return _from_wkt(wkt) if wkt else _from_parameters(mapping)
        except CRSError as error:
            raise InputError(f"{label}: its CRS is not understood ({one_line(error)[:120]}); correct it") from error
    if (projection := projection_of(attributes, label)) is not None:
        return projection
    if stated := text_of(attributes, "crs"):
        try:
            return CRS.from_user_input(stated)
        except CRSError as error:
            raise InputError(f"{label}: its CRS {stated[:60]!r} is not understood; correct it") from error
    return None


def _from_parameters(mapping: dict[str, Any]) -> CRS | None:
    """Return the CRS of ``grid_mapping_name`` and its parameters."""
    import pyproj

    if not text_of(mapping, "grid_mapping_name"):
        return None
    plain = {key: value.item() if getattr(value, "size", 0) == 1 else value for key, value in mapping.items()}
    try:
        return _from_wkt(pyproj.CRS.from_cf(plain).to_wkt())
    except (pyproj.exceptions.CRSError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__} {error}" if isinstance(error, KeyError) else str(error)
        raise CRSError(f"grid mapping {plain['grid_mapping_name']}: {reason}") from error


@functools.lru_cache(maxsize=64)  # PROJ looks through its whole database
def _from_wkt(text: str) -> CRS:
    """Return the CRS by its code, if it has exactly one, as other files of the same place have it."""
    crs = CRS.from_wkt(text)
    code = crs.to_authority(confidence_threshold=100)
    known = None if code is None else CRS.from_authority(*code)
    return known if known is not None and known == crs else crs
