"""What a coordinate reference system measures in, its short name, and checked transformations between two.

A CRS here is whatever ``pyproj.CRS.from_user_input`` takes, or has ``to_wkt``: those of rasterio, odc-geo and pyproj.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from geoseg.errors import InputError, one_line

_MOST_DEGREES = 720.0
"""Longitudes that have gone round, too, and gons."""


def horizontal(crs: Any) -> Any:
    """Return the ``pyproj.CRS`` of the ground coordinates: without heights, and without a transformation bound to it.

    Parameters
    ----------
    crs
        Anything that ``pyproj.CRS.from_user_input`` takes, or that has ``to_wkt``.

    Raises
    ------
    InputError
        If PROJ does not understand it.
    """
    found: Any = _parsed(crs)
    if found.is_compound:
        found = found.sub_crs_list[0]
    return found.source_crs if found.is_bound else found


def on_earth(crs: Any) -> Any:
    """Return the horizontal CRS if there is an ellipsoid to measure on, else None."""
    if crs is None:
        return None
    found = horizontal(crs)
    return found if found.ellipsoid is not None and (found.is_geographic or found.is_projected) else None


def _parsed(crs: Any) -> Any:
    import pyproj

    if isinstance(crs, pyproj.CRS):
        return crs
    text = _as_text(crs)
    try:
        return pyproj.CRS.from_user_input(text)
    except pyproj.exceptions.CRSError as error:
        raise InputError(
            f"PROJ does not understand the CRS {' '.join(str(text).split())[:60]!r}; "
            "give the file another one with: gdal_edit.py -a_srs EPSG:… FILE"
        ) from error


def _as_text(crs: Any) -> Any:
    return crs.to_wkt() if hasattr(crs, "to_wkt") else crs


def crs_text(crs: Any) -> str:
    """Return a ``rasterio.crs.CRS`` as text, ``"EPSG:32633"`` or WKT; GDAL's messages go to the log, not to stderr."""
    import rasterio

    with rasterio.Env():
        return str(crs.to_string())


def is_measurable(crs: Any) -> bool:
    """Return whether areas and lengths in a CRS, or None, are known in metres."""
    return crs is not None and (on_earth(crs) is not None or metres_per_unit(crs) is not None)


def is_local(crs: Any) -> bool:
    """Return whether a CRS is local (engineering): a site grid without a known place on Earth."""
    return bool(horizontal(crs).is_engineering)


def metres_per_unit(crs: Any) -> float | None:
    """Return the length in metres of a unit of a plane CRS; None for degrees and where the unit is unknown.

    Examples
    --------
    >>> metres_per_unit('LOCAL_CS["site",UNIT["foot",0.3048]]')
    0.3048
    """
    found = horizontal(crs)
    if not (found.is_projected or found.is_engineering):
        return None
    axis = found.axis_info[0] if found.axis_info else None
    if axis is None or axis.unit_name.lower() in ("", "unknown", "unnamed"):
        return None
    factor = float(axis.unit_conversion_factor)
    return factor if 0 < factor < math.inf else None


def unit_name(crs: Any) -> str:
    """Return the name of the unit of a CRS's coordinates, in the singular: ``"metre"``, ``"degree"``."""
    axes = horizontal(crs).axis_info
    return str(axes[0].unit_name) if axes else "unit"


def crs_name(crs: Any) -> str:
    """Return the shortest name of a CRS: ``"EPSG:32633"``, else its own name."""
    text = crs_text(crs) if hasattr(crs, "to_string") and not hasattr(crs, "sub_crs_list") else str(crs)
    if re.fullmatch(r"[A-Za-z]+:\d+", text):
        return text
    found = _parsed(crs)
    authority = found.to_authority(min_confidence=100)
    if authority is not None:
        return ":".join(authority)
    name = " ".join(str(found.name).split())
    return "custom CRS" if name.lower() in ("", "unknown", "unnamed", "undefined") else name[:60]


def same_crs(a: Any, b: Any) -> bool:
    """Return whether coordinates in two CRSs, or None, are the same.

    Local CRSs of one unit count as the same, whatever their names: they know no other relation than by coordinates.
    """
    if a is None or b is None:
        return a is b
    if a == b:
        return True
    first, second = horizontal(a), horizontal(b)
    if not (first.is_engineering and second.is_engineering):
        return False
    return metres_per_unit(first) == metres_per_unit(second)


def transform_bounds(
    bounds: tuple[float, float, float, float], source: Any, target: Any, label: str
) -> tuple[float, float, float, float]:
    """Return the bounds in another CRS of the area inside bounds, as ``rasterio.warp.transform_bounds`` does.

    Parameters
    ----------
    bounds
        West, south, east, north in ``source``.
    source, target
        ``rasterio.crs.CRS``.
    label
        Name in messages of the file that lies in ``source``.

    Raises
    ------
    InputError
        If one CRS is local, or PROJ knows no transformation.
    """
    import rasterio.warp
    from rasterio.errors import RasterioError

    try:
        _check_local(source, target, label)
        found: tuple[float, float, float, float] = rasterio.warp.transform_bounds(
            source, target, *bounds, densify_pts=21
        )
    except (RasterioError, rasterio._err.CPLE_BaseError, *_crs_errors()) as error:  # noqa: SLF001
        raise _no_transformation(source, target, label, error) from error
    return found


def transformer(source: Any, target: Any, label: str) -> Any:
    """Return a ``pyproj.Transformer`` with x before y.

    Raises
    ------
    InputError
        As :func:`transform_bounds`.
    """
    import pyproj

    try:
        _check_local(source, target, label)
        return pyproj.Transformer.from_crs(_as_text(source), _as_text(target), always_xy=True)
    except _crs_errors() as error:
        raise _no_transformation(source, target, label, error) from error


def to_crs(frame: Any, target: Any, label: str) -> Any:
    """Return a GeoSeries or GeoDataFrame in another CRS.

    Raises
    ------
    InputError
        As :func:`transform_bounds`; or if rings are damaged, or degrees are none.
    """
    import shapely

    if same_crs(frame.crs, target):
        return frame.set_crs(_as_text(target), allow_override=True)
    check_degrees(frame, label)
    try:
        _check_local(frame.crs, target, label)
        return frame.to_crs(_as_text(target))
    except _crs_errors() as error:
        raise _no_transformation(frame.crs, target, label, error) from error
    except shapely.errors.GEOSException as error:
        raise InputError(f"{label}: its geometries are damaged ({one_line(error)}); repair them with QGIS") from error


def check_degrees(frame: Any, label: str) -> None:
    """Check that the coordinates of a GeoDataFrame in a geographic CRS can be degrees.

    Raises
    ------
    InputError
        If none of them can: GeoJSON without a CRS is in degrees by its standard, whatever was written into it.
    """
    if frame.crs is None or not horizontal(frame.crs).is_geographic:
        return
    bounds = frame.geometry.bounds.to_numpy()
    bounds = bounds[np.isfinite(bounds).all(1)]
    if len(bounds) and (np.abs(bounds).max(1) > _MOST_DEGREES).all():
        x, y = bounds[0, :2]
        raise InputError(
            f"{label}: its coordinates ({x:.8g}, {y:.8g}) are no degrees, but its CRS is {crs_name(frame.crs)}, as of "
            f"any GeoJSON that names none; say in which CRS they are with: ogr2ogr -a_srs EPSG:… NEW.gpkg {label}"
        )


def _crs_errors() -> tuple[type[Exception], ...]:
    from pyproj.exceptions import ProjError
    from rasterio.errors import CRSError

    return ProjError, CRSError  # pyproj's own CRSError is a ProjError


def _check_local(source: Any, target: Any, label: str) -> None:
    here, there = crs_name(source), crs_name(target)
    remedy = "say so with: gdal_edit.py -a_srs"
    if is_local(source):
        raise InputError(
            f"{label}: has a local CRS ({here}), which cannot be transformed to {there}; if its coordinates are in "
            f"{there}, {remedy} {there if ':' in there else 'EPSG:…'} {label}"
        )
    if is_local(target):
        raise InputError(
            f"{label}: its CRS {here} cannot be transformed to the local CRS ({there}) of the other file; if the "
            f"coordinates of that are in {here}, {remedy} {here if ':' in here else 'EPSG:…'} FILE"
        )


def _no_transformation(source: Any, target: Any, label: str, error: Exception) -> InputError:
    reason = " ".join(str(error).split())[:120]
    return InputError(
        f"{label}: cannot be transformed from {crs_name(source)} to {crs_name(target)} ({reason}); "
        "bring the files to one CRS first, with gdalwarp or ogr2ogr -t_srs EPSG:…"
    )
