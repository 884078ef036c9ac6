"""Names of bands: of variables, and of the steps along a dimension of bands."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.raster.bands import names
from geoseg.raster.bands.sensors import code_of
from geoseg.raster.cf.selection import decoded, labels_of, text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

_WAVELENGTH = "radiation_wavelength"
_NANOMETRES = {"nm": 1.0, "nanometer": 1.0, "nanometers": 1.0, "um": 1e3, "µm": 1e3, "micron": 1e3, "microns": 1e3,
               "micrometer": 1e3, "micrometers": 1e3, "m": 1e9}  # fmt: skip

# Where the centre of a band lies, in nm, that has a common name of the STAC electro-optical extension. Narrower than
# there, where nir, nir08 and the red edges overlap: outside of them a band keeps its own name.
_CENTRES = {
    "coastal": (430, 450), "blue": (455, 510), "green": (530, 580), "red": (630, 680), "rededge071": (695, 715),
    "rededge075": (730, 750), "rededge078": (775, 790), "nir": (820, 850), "nir08": (855, 880), "nir09": (930, 955),
    "cirrus": (1360, 1390), "swir16": (1560, 1660), "swir22": (2080, 2300), "lwir11": (10500, 11200),
    "lwir12": (11600, 12400),
}  # fmt: skip
_GENERIC = re.compile(r"band[\s_-]?\d+|__xarray_dataarray_variable__|gdal band number \d+", re.IGNORECASE)


def band_names(variables: Sequence[xr.DataArray], stem: str) -> tuple[list[str], list[str]]:
    """Return a name for each variable, and notes.

    It is the variable's own, unless that says nothing (``Band1``) or another attribute has the common name. One that
    is alone and says nothing may be named by the file, whose name without suffix is ``stem``.
    """
    own = [_plain(str(variable.name)) for variable in variables]
    found = [_from_texts(variable) for variable in variables]
    if any(name is None for name in found):
        waves = _by_wavelength([_scalar_wavelength(variable) for variable in variables])
        found = [name or wave for name, wave in zip(found, waves, strict=True)]
    if len(found) == 1 and found[0] is None and _GENERIC.fullmatch(own[0]):
        found = [names.from_filename(stem)]
    # A name that several have says too little: they are told apart by their own.
    kept = [name if name and found.count(name) == 1 else mine for name, mine in zip(found, own, strict=True)]
    told = [
        f"{mine} is {name}" for name, mine in zip(kept, own, strict=True)
        if name != mine and names.from_text(mine) != name and not _GENERIC.fullmatch(mine)
    ]  # fmt: skip
    return kept, [f"bands named by their attributes: {', '.join(told)}"] if told else []


def _plain(name: str) -> str:
    """Return the name of a variable; those that GDAL and xarray give to unnamed ones as other files have them."""
    if not _GENERIC.fullmatch(name):
        return name
    return f"band{re.sub('[^0-9]', '', name) or 1}"


def _from_texts(variable: xr.DataArray) -> str | None:
    own = str(variable.name)
    if (name := names.from_text(own)) or code_of(own):
        return name or own
    for key in ("long_name", "standard_name"):
        text = variable.attrs.get(key)
        if not isinstance(text, str) or _GENERIC.fullmatch(text.strip()):
            continue
        if name := names.from_text(text):
            return name
        if _GENERIC.fullmatch(own) and key == "long_name":
            return "_".join(re.sub(r"[,=:]", " ", text).split())[:40] or None
    return None


def step_names(variable: xr.DataArray, dim: str) -> list[str]:
    """Return names of the steps along a dimension of bands: by words, by wavelength, else by their values."""
    texts = labels_of(variable, dim)
    if dim not in variable.coords:
        long_name = variable.attrs.get("long_name")
        known: list[Any] = [] if isinstance(long_name, str) or long_name is None else np.ravel(long_name).tolist()
        return [str(name) for name in known] if len(known) == len(texts) else [f"band{int(text) + 1}" for text in texts]
    coordinate = variable[dim]
    if coordinate.dtype.kind not in "iuf":
        return texts
    units = _unit(coordinate)
    if units is None:
        whole = texts == [str(number) for number in range(1, len(texts) + 1)]
        return [f"band{text}" if whole else f"{dim}{text}" for text in texts]
    waves = [float(value) * units for value in decoded(coordinate)]
    return [name or f"{wave:.6g}nm" for name, wave in zip(_by_wavelength(list(waves)), waves, strict=True)]


def _by_wavelength(waves: list[float | None]) -> list[str | None]:
    """Return the common names of bands; None where it is none, or where several would have it."""
    found = [
        next((name for name, (low, high) in _CENTRES.items() if wave is not None and low <= wave <= high), None)
        for wave in waves
    ]
    return [name if found.count(name) == 1 else None for name in found]


def _scalar_wavelength(variable: xr.DataArray) -> float | None:
    """Return the wavelength in nm of a variable: a coordinate without dimensions, or an attribute."""
    for coordinate in variable.coords.values():
        if not coordinate.dims and text_of(coordinate.attrs, "standard_name") == _WAVELENGTH:
            return _number(coordinate.values, _unit(coordinate))
    for key in (_WAVELENGTH, "wavelength", "center_wavelength"):
        if (value := variable.attrs.get(key)) is not None:
            return _number(value, _NANOMETRES.get((text_of(variable.attrs, f"{key}_unit") or "nm").strip()))
    return None


def _number(value: Any, factor: float | None) -> float | None:
    try:
        return None if factor is None else float(value) * factor
    except (TypeError, ValueError):
        return None


def _unit(coordinate: xr.DataArray) -> float | None:
    """Return nm per unit of a coordinate of wavelengths; None if it is none."""
    named = text_of(coordinate.attrs, "standard_name") == _WAVELENGTH or "wavelength" in str(coordinate.name).lower()
    return _NANOMETRES.get(text_of(coordinate.attrs, "units").strip()) if named else None
