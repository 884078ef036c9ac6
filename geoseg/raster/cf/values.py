"""Stored values of a variable with one nodata value: unsigned where they are said to be, missing where out of range."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

# What the NetCDF library writes where nothing was written, if a variable names no value (netcdf.h, NC_FILL_…); bytes
# have none, because all of their values are in use.
_UNWRITTEN = {
    "i2": -32767, "u2": 65535, "i4": -2147483647, "u4": 4294967295, "i8": -9223372036854775806,
    "u8": 18446744073709551614, "f4": 9.9692099683868690e36, "f8": 9.9692099683868690e36,
}  # fmt: skip
_READ_HERE = (
    "_FillValue", "missing_value", "valid_min", "valid_max", "valid_range", "_Unsigned", "actual_range", "grid_mapping",
    "coordinates", "crs",
)  # fmt: skip


def with_one_nodata(variable: xr.DataArray, label: str, *, netcdf: bool) -> xr.DataArray:
    """Return a variable whose missing values are all ``_FillValue`` (or NaN), and not said otherwise.

    Parameters
    ----------
    variable
        Stored values, lazy, with the attributes that the file gives them.
    label
        Name for messages.
    netcdf
        Whether values that were never written are those of the NetCDF library.

    Raises
    ------
    InputError
        If an attribute is no number.
    """
    attributes = dict(variable.attrs)
    for key in ("_FillValue", "missing_value"):  # where xarray puts those that it has read
        if key in variable.encoding:
            attributes.setdefault(key, variable.encoding[key])
    variable, signs = _signed_as_said(variable, str(attributes.get("_Unsigned", "")).lower())
    kind = variable.dtype
    missing = _missing(attributes, kind, signs, label)
    if not missing and netcdf:
        unwritten = _UNWRITTEN.get(f"{kind.kind}{kind.itemsize}")
        missing = [] if unwritten is None else [kind.type(unwritten)]
    low, high = _range(attributes, kind, signs, label)
    nodata: Any = missing[0] if missing else None
    if nodata is None and (low is not None or high is not None) and kind.kind in "iu":
        nodata = _outside(kind, low, high)
    others = [value for value in missing[1:] if not math.isnan(value)]  # NaN is missing anyhow
    bad: Any = None
    for test in (
        *(variable == value for value in others),
        *(() if low is None else (variable < kind.type(low),)),
        *(() if high is None else (variable > kind.type(high),)),
    ):
        bad = test if bad is None else bad | test
    if bad is not None and (nodata is not None or kind.kind == "f"):
        fill = np.nan if nodata is None or kind.kind == "f" else nodata
        variable = variable.where(~bad, kind.type(fill))
    variable.attrs = {key: value for key, value in attributes.items() if key not in _READ_HERE}
    if nodata is not None:
        variable.attrs["_FillValue"] = nodata
    variable.encoding = {}
    return variable


def _signed_as_said(variable: xr.DataArray, said: str) -> tuple[xr.DataArray, Any]:
    """Return the variable with the sign that ``_Unsigned`` gives its integers, and its type as stored."""
    stored = variable.dtype
    wanted = {("true", "i"): "u", ("false", "u"): "i"}.get((said, stored.kind))
    return (variable, stored) if wanted is None else (variable.astype(f"{wanted}{stored.itemsize}"), stored)


def _missing(attributes: dict[str, Any], kind: Any, stored: Any, label: str) -> list[Any]:
    found: list[Any] = []
    for key in ("_FillValue", "missing_value"):
        if (given := attributes.get(key)) is None:
            continue
        for value in _numbers(given, f"{label}: its attribute {key}"):
            usable = _as_stored(value, kind, stored)
            if usable is not None and usable not in found:
                found.append(usable)
    return found


def _as_stored(value: float, kind: Any, stored: Any) -> Any:
    """Return a value in the type of the variable, None if it cannot occur in it."""
    if kind.kind == "f":
        with np.errstate(over="ignore"):
            return kind.type(value)
    if not math.isfinite(value) or int(value) != value:
        return None
    with suppress(OverflowError):
        if kind != stored and not np.iinfo(kind).min <= value <= np.iinfo(kind).max:
            return np.array(int(value), dtype=stored).astype(kind)[()]  # -1 of what is unsigned is its largest
        if np.iinfo(kind).min <= value <= np.iinfo(kind).max:
            return kind.type(int(value))
    return None


def _range(attributes: dict[str, Any], kind: Any, stored: Any, label: str) -> tuple[Any, Any]:
    """Return the least and the greatest valid stored value; None where there is no bound."""
    bounds: list[Any] = [None, None]
    given = attributes.get("valid_range")
    if given is not None:
        bounds = _numbers(given, f"{label}: its attribute valid_range")
        if len(bounds) != 2:
            raise InputError(f"{label}: its attribute valid_range is {str(given)[:60]!r}, not two numbers; correct it")
    for place, key in enumerate(("valid_min", "valid_max")):
        if given is None and attributes.get(key) is not None:
            bounds[place] = _numbers(attributes[key], f"{label}: its attribute {key}")[0]
    if kind.kind == "f" or all(bound is None for bound in bounds):
        return bounds[0], bounds[1]
    source = given if given is not None else attributes.get("valid_min", attributes.get("valid_max"))
    if np.asarray(source).dtype.kind == "f" and attributes.get("scale_factor") is not None:
        # A range of the type of the scale is one of physical values (CF 2.5.1).
        scale = _numbers(attributes["scale_factor"], f"{label}: its attribute scale_factor")[0]
        offset = _numbers(attributes.get("add_offset", 0), f"{label}: its attribute add_offset")[0]
        if not scale:
            raise InputError(f"{label}: its attribute scale_factor is 0; correct it")
        bounds = [None if bound is None else round((bound - offset) / scale, 6) for bound in bounds]
        bounds = bounds if scale > 0 else bounds[::-1]
    limits = np.iinfo(kind)
    if kind != stored:
        bounds = [None if bound is None else _as_stored(bound, kind, stored) for bound in bounds]
    low = None if bounds[0] is None or bounds[0] <= limits.min else int(np.ceil(min(bounds[0], limits.max)))
    high = None if bounds[1] is None or bounds[1] >= limits.max else int(np.floor(max(bounds[1], limits.min)))
    return low, high


def _outside(kind: Any, low: int | None, high: int | None) -> Any:
    return kind.type(np.iinfo(kind).max if high is not None else np.iinfo(kind).min if low is not None else 0)


def _numbers(value: Any, what: str) -> list[Any]:
    with suppress(TypeError, ValueError):
        array = np.atleast_1d(np.asarray(value))
        if array.dtype.kind not in "iuf":
            array = np.atleast_1d(np.asarray(value, dtype=float))
        if array.size:
            return list(array.ravel().tolist())
    raise InputError(f"{what} is {str(value)[:60]!r}, not a number; correct or remove it")
