"""Where: a vector file, a bounding box or WKT, as an area in degrees and in its own coordinates."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError, one_line
from geoseg.geodesy.crs import crs_name, transformer
from geoseg.system.files import exists, is_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEGREES = "EPSG:4326"

# Pieces into which the longest side of a place is cut before it is transformed: straight lines become curves.
_PIECES = 200

_WKT = re.compile(
    r"\s*(?:SRID\s*=\s*(\d{4,6})\s*;)?\s*(?:(?:MULTI)?(?:POLYGON|POINT|LINESTRING)|GEOMETRYCOLLECTION)", re.IGNORECASE
)


@dataclass(frozen=True, eq=False)
class Place:
    """An area.

    Attributes
    ----------
    area
        shapely polygons in degrees, longitudes −180…180; across the antimeridian in two parts.
    shape
        The same in the coordinates of ``crs``, as it was given.
    crs
        CRS of ``shape``, as rasterio takes it.
    is_box
        Whether it is a bounding box, which is enlarged to whole pixels and not cut.
    label
        What messages call it.
    """

    area: Any
    shape: Any
    crs: Any
    is_box: bool
    label: str

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees; west > east across the antimeridian."""
        west, south, east, north = self.area.bounds
        if self.crosses:
            parts = [part.bounds for part in self.area.geoms]
            west = min(part[0] for part in parts if part[0] > 0)
            east = max(part[2] for part in parts if part[2] < 0)
        return west, south, east, north

    @property
    def crosses(self) -> bool:
        """Whether it crosses the antimeridian."""
        west, _, east, _ = self.area.bounds
        parts = getattr(self.area, "geoms", ())
        return bool(west == -180 and east == 180 and not any(p.bounds[0] < 0 < p.bounds[2] for p in parts) and parts)

    def in_crs(self, crs: Any, label: str) -> Any:
        """Return the area in another CRS, its sides as curved there as they are.

        Raises
        ------
        InputError
            If it cannot be transformed.
        """
        moved = _transformed(self.shape, self.crs, crs, label)
        if moved is None:
            raise InputError(f"{self.label}: lies outside the CRS of {label} ({crs_name(crs)})")
        return moved


def read_place(text: str) -> Place:
    """Return the area that a user names.

    Parameters
    ----------
    text
        A vector file with polygons; ``west,south,east,north`` in degrees, west > east across the antimeridian; or WKT
        of polygons in degrees, or in another CRS as ``SRID=32633;POLYGON(…)``.

    Raises
    ------
    InputError
        If it is none of these, has no area, or lies outside of the Earth's degrees.

    Examples
    --------
    >>> from geoseg.raster.catalog.place import read_place
    >>> read_place("13.1,52.3,13.7,52.7").bounds
    (13.1, 52.3, 13.7, 52.7)
    >>> read_place("179,-17,-179,-16").area.bounds
    (-180.0, -17.0, 180.0, -16.0)
    """
    numbers = _numbers(text)
    if numbers is not None:
        return _from_box(numbers, text)
    found = _WKT.match(text)
    if found is not None and not exists(text):
        return _from_wkt(text, found)
    if not exists(text) or is_folder(text):
        raise InputError(
            f"aoi {text[:200]!r} is no place: name a file with polygons, west,south,east,north in degrees, or WKT"
        )
    return _from_file(text)


def _numbers(text: str) -> tuple[float, ...] | None:
    try:
        numbers = tuple(float(part) for part in text.replace(",", " ").split())
    except ValueError:
        return None
    return numbers or None


def _from_box(numbers: tuple[float, ...], text: str) -> Place:
    import shapely

    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise InputError(f"aoi {text}: give four numbers west,south,east,north in degrees")
    west, south, east, north = numbers
    if south >= north or west == east:
        raise InputError(f"aoi {text}: is empty; write west,south,east,north in degrees")
    label = f"aoi {text}"
    if west < east:
        shape = shapely.box(west, south, east, north)
    else:
        _check_degrees(shapely.box(east, south, west, north), label)
        shape = shapely.multipolygons([shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)])
    _check_degrees(shape, label)
    return Place(shape, shape, DEGREES, is_box=True, label=label)


def _from_wkt(text: str, found: Any) -> Place:
    import shapely

    label = f"aoi {text[:40]}…" if len(text) > 40 else f"aoi {text}"
    try:
        shape = shapely.from_wkt(text.partition(";")[2] if found[1] else text)
    except shapely.errors.GEOSException as error:
        raise InputError(f"{label}: is no valid WKT ({one_line(error)[:100]}); write POLYGON((x y, …))") from error
    return _place(np.array([shape]), f"EPSG:{found[1]}" if found[1] else DEGREES, label)


def _from_file(text: str) -> Place:
    from geoseg.raster.vectors import open_vector

    file = open_vector(text)
    layers = [(name, kind) for name, kind in file.layers() if kind is not None]
    if len(layers) != 1:
        names = ", ".join(name for name, _ in layers) or "none"
        raise InputError(f"{text}: has {len(layers)} layers with geometries ({names}); a place is a file with one")
    frame = file.read(layers[0][0])
    if frame.crs is None:
        raise InputError(f"{text}: has no CRS, so its place is unknown; give it one with ogr2ogr -a_srs EPSG:…")
    return _place(frame.geometry.to_numpy(), frame.crs, text)


def _place(shapes: NDArray[Any], crs: Any, label: str) -> Place:
    import shapely

    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    if any(shapely.get_dimensions(shapes) < 2) or not len(shapes):
        raise InputError(f"{label}: a place needs polygons; buffer points and lines first")
    shape = shapely.union_all(shapely.make_valid(shapely.force_2d(shapes)))
    if not shape.area > 0 or not math.isfinite(shape.area):
        raise InputError(f"{label}: its polygons have no area")
    area = shape if crs == DEGREES else _transformed(shape, crs, DEGREES, label)
    if area is None:
        raise InputError(f"{label}: its coordinates lie outside of {crs_name(crs)}; check its CRS")
    area = within_degrees(area)
    _check_degrees(area, label)
    return Place(area, shape, crs, is_box=False, label=label)


def _transformed(shape: Any, source: Any, target: Any, label: str) -> Any:
    """Return a shape in another CRS, its sides cut so that they bend; None where it leaves the CRS."""
    import shapely

    west, south, east, north = shape.bounds
    dense = shapely.segmentize(shape, max(east - west, north - south) / _PIECES)
    convert = transformer(source, target, label)
    moved = shapely.transform(dense, convert.transform, interleaved=False)
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        return None
    return shapely.make_valid(moved)


def within_degrees(area: Any) -> Any:
    """Return an area in degrees whose parts lie between −180 and 180: those beyond, or drawn around the globe, cut."""
    import shapely

    west, _, east, _ = area.bounds
    if east - west > 180 and west >= -180 and east <= 180:
        parts = list(getattr(area, "geoms", [area]))
        if any(part.bounds[2] - part.bounds[0] > 180 for part in parts):  # from 179 to −179 by way of 0
            area = shapely.union_all(
                [shapely.make_valid(shapely.transform(part, _eastern)) if _around(part) else part for part in parts]
            )
            west, _, east, _ = area.bounds
    if west >= -180 and east <= 180:
        return area
    pieces = [
        shapely.transform(shapely.intersection(area, shapely.box(left, -90, left + 360, 90)), _moved(left + 180))
        for left in (-540.0, -180.0, 180.0)
    ]
    return shapely.union_all(pieces)


def _around(part: Any) -> bool:
    return bool(part.bounds[2] - part.bounds[0] > 180)


def _eastern(xy: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([np.where(xy[:, 0] < 0, xy[:, 0] + 360, xy[:, 0]), xy[:, 1]])


def _moved(distance: float) -> Any:
    return lambda xy: xy - np.array([distance, 0.0])


def _check_degrees(area: Any, label: str) -> None:
    west, south, east, north = area.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise InputError(
            f"{label}: covers {west:g}…{east:g}, {south:g}…{north:g}, which are no degrees; "
            "write longitude before latitude, or name the CRS: SRID=32633;POLYGON(…)"
        )
