"""Rows and columns of a variable: which dimensions they are, and where their cells lie."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError
from geoseg.raster.arrays import role_of, spacing
from geoseg.raster.cf.geozarr import dimensions_of
from geoseg.raster.cf.selection import decoded, text_of

if TYPE_CHECKING:
    import xarray as xr
    from rasterio.crs import CRS

_STANDARD = {
    "projection_y_coordinate": "row", "projection_x_coordinate": "column", "latitude": "row", "longitude": "column",
    "projection_y_angular_coordinate": "row", "projection_x_angular_coordinate": "column",
    "grid_latitude": "row", "grid_longitude": "column", "time": "time",
}  # fmt: skip
_NORTH = re.compile(r"degrees?_?(?:north|n)", re.IGNORECASE)
_EAST = re.compile(r"degrees?_?(?:east|e)", re.IGNORECASE)
_SINCE = re.compile(r"^\s*\w+\s+since\s", re.IGNORECASE)
_METRES = {
    "m": 1.0, "metre": 1.0, "meter": 1.0, "metres": 1.0, "meters": 1.0, "km": 1000.0, "kilometre": 1000.0,
    "kilometer": 1000.0, "kilometres": 1000.0, "kilometers": 1000.0, "cm": 0.01, "ft": 0.3048, "foot": 0.3048,
    "feet": 0.3048, "us_survey_foot": 1200 / 3937, "us survey foot": 1200 / 3937,
}  # fmt: skip
_ANGLES = ("rad", "radian", "radians")


@dataclass(frozen=True)
class Axis:
    """Where the cells along a dimension lie, in units of the CRS.

    Attributes
    ----------
    start
        Outer edge of the first cell.
    step
        Size of a cell, negative where coordinates fall; 0 if unknown, because there is one cell without bounds.
    degrees
        Whether coordinates are said to be degrees of latitude or longitude.
    """

    start: float
    step: float
    degrees: bool


def kind_of(data: xr.Dataset, dim: str) -> str:
    """Return what a dimension is: ``"row"``, ``"column"``, ``"time"``, ``"band"`` or ``"other"``."""
    if dim in (stated := dimensions_of(data.attrs) or ()):
        return ("row", "column")[stated.index(dim)]
    attributes: dict[str, Any] = data[dim].attrs if dim in data.variables else {}
    known = _STANDARD.get(text_of(attributes, "standard_name").lower())
    known = known or {"Y": "row", "X": "column", "T": "time"}.get(text_of(attributes, "axis").upper())
    units = text_of(attributes, "units")
    if known is None and _NORTH.fullmatch(units):
        known = "row"
    if known is None and _EAST.fullmatch(units):
        known = "column"
    if known is None and _SINCE.match(units):
        known = "time"
    return known or ("time" if dim.lower() in ("time", "t", "date") else role_of(dim))


def axis_of(data: xr.Dataset, dim: str, label: str) -> Axis | None:
    """Return where the cells of a dimension lie, in its own units; None if it has no coordinates.

    Raises
    ------
    InputError
        If they are not evenly spaced.
    """
    if dim not in data.variables or data[dim].dims != (dim,):
        return None
    coordinate = data[dim]
    attributes = {**coordinate.encoding, **coordinate.attrs}
    values = decoded(coordinate)
    if values.dtype.kind not in "iuf":
        raise InputError(f"{label}: coordinate {dim!r} is not a row of numbers; resample it to a regular grid")
    values = values.astype(float)
    units = text_of(attributes, "units")
    degrees = _NORTH.fullmatch(units) is not None or _EAST.fullmatch(units) is not None
    edges = _edges(data, text_of(attributes, "bounds"), coordinate)
    if edges is not None:
        step = spacing(edges, f"{label}: the bounds of coordinate {dim!r} are")
        return Axis(float(edges[0]), step, degrees)
    step = spacing(values, f"{label}: coordinate {dim!r} is")
    return Axis(float(values[0]) - step / 2, step, degrees)


def _edges(data: xr.Dataset, name: str, coordinate: xr.DataArray) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Return the edges (n + 1,) of cells from their bounds (n, 2); None if there are none that join."""
    if name not in data.variables or data[name].shape != (coordinate.size, 2) or not coordinate.size:
        return None
    inherited = {key: v for key, v in coordinate.attrs.items() if key in ("scale_factor", "add_offset")}
    bounds = decoded(data[name].assign_attrs({**inherited, **data[name].attrs}))
    if bounds.dtype.kind not in "iuf":
        return None
    bounds = bounds.astype(float)
    if coordinate.size > 1 and (bounds[1, 0] < bounds[0, 0]) != (bounds[0, 1] < bounds[0, 0]):
        bounds = bounds[:, ::-1]  # each from low to high along an axis that falls
    size = abs(bounds[0, 1] - bounds[0, 0])
    if not size or np.abs(bounds[1:, 0] - bounds[:-1, 1]).max(initial=0) > 1e-3 * size:
        return None
    return np.append(bounds[:, 0], bounds[-1, 1])


def factor_of(data: xr.Dataset, dim: str, crs: CRS, mapping: dict[str, Any], label: str) -> float:
    """Return what coordinates are multiplied with to be in units of the CRS.

    Raises
    ------
    InputError
        If their unit is not one of that CRS.
    """
    units = text_of({**data[dim].encoding, **data[dim].attrs}, "units").strip()
    if crs.is_geographic:
        if units.lower() in _METRES:
            raise InputError(
                f"{label}: coordinate {dim!r} is in {units}, but its CRS is in degrees; correct one of them"
            )
        return 180 / np.pi if units.lower() in _ANGLES else 1.0
    if units.lower() in _ANGLES and mapping.get("perspective_point_height") is not None:
        return float(np.asarray(mapping["perspective_point_height"]).ravel()[0])  # of geostationary satellites
    if not units or units == "1":
        return 1.0
    if units.lower() not in _METRES:
        raise InputError(f"{label}: coordinate {dim!r} is in {units[:40]!r}, which is no unit of its CRS; correct it")
    return _METRES[units.lower()] / (crs.linear_units_factor[1] or 1.0)
