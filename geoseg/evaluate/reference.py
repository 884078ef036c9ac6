"""What is compared, on the map's grid: class rasters, and polygons burnt in where they are needed.

A reference on another grid is brought to the map's by the nearest pixel: each map pixel is held against the reference
at its centre. That keeps areas true on average, where a majority filter would take area from small classes and a
finer grid than the map's would count one decision many times.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from geoseg.classes import MapClass, default_color, is_number
from geoseg.errors import InputError, OptionError
from geoseg.evaluate.class_matching import Side
from geoseg.geodesy.crs import to_crs, transformer
from geoseg.geodesy.pixels import pixel_sides
from geoseg.raster.burn import buffered, burn
from geoseg.raster.files.members import check_unchanged
from geoseg.raster.scenes.suffixes import VECTOR_SUFFIXES
from geoseg.raster.vectors import has_shape
from geoseg.write.class_names import tidy

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from geoseg.raster import Raster
    from geoseg.raster.files.georeference import Grid
    from geoseg.tiling import Box

# Up to this many polygons a layer is kept in memory; larger ones are read by window through the spatial index.
_LARGEST = 2**31 - 1
_KEPT = 200_000

_BURNABLE = re.compile(r"polygon|line|point|^unknown$|^geometry$", re.IGNORECASE)


class ClassLayer(Protocol):
    """Classes on the map's grid. ``read`` is called by several threads at once."""

    @property
    def side(self) -> Side:
        """Name for messages, and the classes that it names."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What is left out, one line each."""
        ...

    def read(self, box: Box) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return values and validity (h, w) of a box of the map's pixels."""
        ...

    def check_unchanged(self) -> None:
        """Check that the files are still those that were opened; raises ChangedError."""
        ...


@dataclass(frozen=True)
class RasterLayer:
    """One band of class numbers."""

    raster: Raster
    classes: tuple[MapClass, ...]
    label: str
    notes: tuple[str, ...] = ()

    @property
    def side(self) -> Side:
        """Name for messages, and the classes that it names."""
        return Side(self.label, self.classes)

    def read(self, box: Box) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return values and validity (h, w) of a box."""
        pixels = self.raster.read(box)
        return pixels.data[0], pixels.valid

    def check_unchanged(self) -> None:
        """Check that the files are still those that were opened; raises ChangedError."""
        check_unchanged(self.raster)


def is_vector(source: Any) -> bool:
    """Whether a map or reference is polygons: a vector file by its suffix, or a GeoDataFrame."""
    if isinstance(source, str | Path):
        return str(source).lower().endswith(VECTOR_SUFFIXES)
    return hasattr(source, "geometry") and hasattr(source, "sindex")


def open_map(source: Any, grid: Grid | None = None, named: Collection[int] = (), otherwise: str = "") -> RasterLayer:
    """Open a class raster on its own grid, or on another.

    Parameters
    ----------
    source
        Path, URL or ``xarray.DataArray`` (y, x).
    grid
        Grid to warp it to, by the nearest pixel; its own if None.
    named
        Values that are classes even if the file declares them nodata.
    otherwise
        What else to do about a raster of several bands, for the message.

    Raises
    ------
    InputError
        If it cannot be opened, has several bands, has no CRS where the grid has one (or the other way round), or does
        not overlap it.
    """
    if isinstance(source, str | Path):
        return _open_file(str(source), grid, named, otherwise)
    from geoseg.raster import open_raster
    from geoseg.write.class_names import classes_of_attributes

    raster = open_raster(source)
    label = raster.name
    _one_band(label, len(raster.bands), otherwise)
    if grid is not None and raster.grid != grid:
        raise InputError(f"{label}: an array must be on the map's grid; reproject it first with .odc.reproject")
    return RasterLayer(raster, classes_of_attributes(source.attrs), label)


def _open_file(path: str, grid: Grid | None, named: Collection[int], otherwise: str) -> RasterLayer:
    from geoseg.raster.gdal.environment import is_remote
    from geoseg.raster.grids import place
    from geoseg.raster.probe import probe, stem_of
    from geoseg.raster.raster import Part, Raster

    info = replace(probe(path, remote=is_remote(path)), categorical=True)
    label = Path(path).name
    _one_band(label, len(info.bands), otherwise)
    if info.bands[0].nodata in named:
        info = replace(info, bands=(replace(info.bands[0], nodata=None),))
    target = info.grid if grid is None else grid
    if grid is not None:
        check_place(info.grid, grid, label)
    notes = tuple(note for note in info.notes if "palette" not in note)
    source = place(info, target)
    raster = Raster(stem_of(path), target, info.bands, notes, (Part(0, info.indexes[0]),), (source,))
    return RasterLayer(raster, _classes_of(info.path), label)


def _classes_of(path: str) -> tuple[MapClass, ...]:
    """Return the classes that a file names; a palette alone has colours but no names."""
    from geoseg.raster.gdal.datasets import open_dataset
    from geoseg.raster.gdal.environment import environment
    from geoseg.write.class_names import classes_of

    with environment(path), open_dataset(path) as dataset:
        found = classes_of(dataset, 1)
    # GDAL's category names are a list from 0 on, in which unused numbers are empty.
    return tuple(item for item in found if item.name != f"class {item.id}")


def _one_band(label: str, count: int, otherwise: str = "") -> None:
    if count != 1:
        raise InputError(
            f"{label} has {count} bands: a class map has one; extract it with: gdal_translate -b 1{otherwise}"
        )


def check_place(own: Grid, target: Grid, label: str) -> None:
    """Check that a reference can be compared on the map's grid.

    Raises
    ------
    InputError
        If one of the two lacks a CRS, or they do not overlap.
    """
    from geoseg.raster.grids import bounds_in

    if (own.crs is None) != (target.crs is None):
        lacking = "it has no CRS and the map has one" if own.crs is None else "it has a CRS and the map has none"
        raise InputError(
            f"{label} cannot be aligned with the map: {lacking}; set it with gdal_edit.py -a_srs EPSG:… FILE"
        )
    check_overlap(bounds_in(own, target.crs, label), target, label)


def check_overlap(bounds: tuple[float, float, float, float], target: Grid, label: str) -> None:
    """Check that bounds in the map's CRS overlap the map.

    Raises
    ------
    InputError
        If they do not, with both extents.
    """
    west, south, east, north = bounds
    left, bottom, right, top = target.bounds()
    if min(east, right) <= max(west, left) or min(north, top) <= max(south, bottom):
        here, there = (", ".join(f"{value:.8g}" for value in box) for box in (bounds, (left, bottom, right, top)))
        remedy = "compare maps of one place"
        turn = round((left + right - west - east) / 720) * 360
        if target.crs is not None and target.crs.is_geographic and turn and west + turn < right and east + turn > left:
            remedy = (
                f"their longitudes differ by a whole turn: gdal_edit.py -a_ullr {west + turn:.12g} {north:.12g} "
                f"{east + turn:.12g} {south:.12g} FILE"
            )
        raise InputError(f"{label} covers ({here}) and the map ({there}): they do not overlap; {remedy}")


class PolygonLayer:
    """Polygons with a class field, rasterized by window: a pixel has the class of the polygon over its centre.

    A line labels the pixels that it crosses, a point the one that it lies in. Where several overlap, the last in the
    file wins.

    Parameters
    ----------
    source
        Vector file or GeoDataFrame.
    grid
        The map's grid.
    field
        Field with class names or numbers; ``class_name`` of geoseg's own polygons if None.
    buffer
        Points and lines label the area within so many metres (pixels without CRS); None for no such area.

    Raises
    ------
    InputError
        If it cannot be read, is no layer of polygons, lines or points, is empty, has no CRS or lies elsewhere.
    OptionError
        If the field is missing.
    """

    def __init__(self, source: Any, grid: Grid, field: str | None = None, buffer: float | None = None) -> None:
        self._grid, self._buffer = grid, buffer
        self._path = str(source) if isinstance(source, str | Path) else None
        self._label = Path(self._path).name if self._path else "polygons"
        fields, count, crs, kind = self._describe(source)
        self._field = self._choose_field(field, fields)
        if not count:
            raise InputError(f"{self._label} holds no polygons; there is nothing to compare with")
        if kind and not _BURNABLE.search(kind):
            raise InputError(f"{self._label} holds {kind}s, not polygons; give polygons, lines, points, or a raster")
        if buffer and "polygon" in kind.lower():
            raise OptionError(f"{self._label}: buffer is for points and lines, but it holds polygons; leave it out")
        if (crs is None) != (grid.crs is None):
            lacking = "they have no CRS" if crs is None else "the map has no CRS"
            raise InputError(
                f"{self._label}: {lacking}, so the polygons cannot be aligned with the map; assign one first"
            )
        self._crs = crs
        self._frame = self._read_all(source) if self._path is None or count <= _KEPT else None
        self._values, self.classes = self._classes()
        self._check_extent()

    @property
    def side(self) -> Side:
        """Name for messages, and the classes that it names."""
        return Side(self._label, self.classes, numbered=not self.classes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is left out, one line each."""
        if not self._without:
            return ()
        one = self._without == 1
        what = f"{self._without:,} polygon{'' if one else 's'} without a class in field {self._field!r}"
        return (f"{self._label}: {what} {'is' if one else 'are'} left out",)

    @property
    def values(self) -> tuple[int, ...]:
        """Class numbers that occur."""
        return tuple(sorted(set(self._values.values())))

    def read(self, box: Box) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return values and validity (h, w) of a box."""
        from affine import Affine

        transform = self._grid.transform * Affine.translation(box.col, box.row)
        shape = box.height, box.width
        frame = self._within(box)
        burnt = np.full(shape, -1, np.int32)
        if len(frame):
            frame = frame[has_shape(frame)]
            values = frame[self._field].map(self._values)
            known = values.notna().to_numpy()
            positions = burn(frame.geometry.to_numpy()[known], transform, shape)
            burnt = np.append(values.to_numpy()[known].astype(np.int32), np.int32(-1))[positions]
        return burnt, burnt >= 0

    def check_unchanged(self) -> None:
        """Check that the file is still the one that was opened; raises ChangedError."""
        if self._path is not None:
            self._file.check_unchanged()

    def _describe(self, source: Any) -> tuple[list[str], int, Any, str]:
        if self._path is None:
            kinds = source.geom_type.dropna().unique()
            fields = [name for name in source.columns if name != source.geometry.name]
            return fields, len(source), source.crs, str(kinds[0]) if len(kinds) == 1 else "Unknown"
        from geoseg.raster.vectors import open_vector

        self._file = open_vector(self._path)
        self._layer = self._only_layer(self._file.layers())
        info = self._file.info(self._layer)
        return list(info["fields"]), int(info["features"]), info["crs"], str(info["geometry_type"])

    def _only_layer(self, layers: list[tuple[str, str | None]]) -> str:
        """Return the one layer with geometries; GeoPackages have others, for styles."""
        found = [name for name, kind in layers if kind is not None]
        if len(found) != 1:
            listing = ", ".join(found) or "none with geometries"
            raise InputError(
                f"{self._label} has the layers {listing}; write the one to compare with to a file of its own"
            )
        return found[0]

    def _choose_field(self, field: str | None, fields: list[str]) -> str:
        if field is None and "class_name" in fields:
            return "class_name"
        listing = ", ".join(fields[:12]) or "none"
        if field is None:
            raise OptionError(
                f"{self._label}: which field holds the class? The fields are {listing}: add --class-field NAME"
            )
        if field not in fields:
            raise OptionError(f"{self._label} has no field {field!r}; it has {listing}")
        return field

    def _read_all(self, source: Any) -> Any:
        frame = source if self._path is None else self._read_file()
        return self._placed(frame[has_shape(frame)])

    def _placed(self, frame: Any) -> Any:
        """Return rows in the map's CRS, points and lines as the areas that they label."""
        frame = frame if self._crs is None else to_crs(frame, self._target, self._label)
        if not self._buffer:
            return frame
        return frame.set_geometry(buffered(frame.geometry.to_numpy(), self._buffer, self._grid), crs=frame.crs)

    def _read_file(self, bounds: tuple[float, ...] | None = None, *, geometry: bool = True) -> Any:
        return self._file.read(
            self._layer, columns=[self._field], bbox=bounds, read_geometry=geometry, on_invalid="ignore"
        )

    def _classes(self) -> tuple[dict[Any, int], tuple[MapClass, ...]]:
        """Return the class number of each value of the field, and the classes if the field holds text."""
        column = (self._frame if self._frame is not None else self._read_file(geometry=False))[self._field]
        empty = column.isna() | (column.astype(str).str.strip() == "")
        self._without = int(empty.sum())
        column = column[~empty]
        found = sorted(column.unique().tolist(), key=str)
        if not found:
            raise InputError(f"{self._label}: field {self._field!r} is empty everywhere; name another --class-field")
        if all(isinstance(value, int | float | bool) for value in found):
            odd = [value for value in found if not math.isfinite(value) or value != int(value)]
            if odd:
                raise InputError(f"{self._label}: field {self._field!r} holds {odd[0]:g}, which is not a class number")
            if min(found) < 0:
                raise InputError(f"{self._label}: field {self._field!r} holds {min(found)}; class numbers start at 0")
            if max(found) > _LARGEST:
                raise InputError(
                    f"{self._label}: field {self._field!r} holds {max(found)}, too large for a class number"
                )
            return {value: int(value) for value in found}, ()
        if all(isinstance(value, str) and is_number(value.strip()) and 0 <= int(value) <= _LARGEST for value in found):
            return {value: int(value) for value in found}, ()
        named = {value: tidy(str(value)) for value in found}
        classes = tuple(
            MapClass(number, name, default_color(number)) for number, name in enumerate(dict.fromkeys(named.values()))
        )
        numbers = {item.name: item.id for item in classes}
        return {value: numbers[name] for value, name in named.items()}, classes

    @property
    def _target(self) -> str:
        """The map's CRS as WKT."""
        return str(self._grid.crs.to_wkt()) if self._grid.crs is not None else ""

    @cached_property
    def _reach(self) -> int:
        """How far the areas around points and lines reach, in pixels."""
        grid = self._grid
        sides = pixel_sides(grid.crs, grid.transform, (grid.height, grid.width)) or (1.0, 1.0)
        return math.ceil((self._buffer or 0) / min(sides))

    @cached_property
    def _to_own(self) -> Any:
        return transformer(self._target, self._crs, self._label)

    def _bounds(self, box: Box) -> tuple[float, float, float, float]:
        corners = [self._grid.transform * (col, row) for col in (box.col, box.right) for row in (box.row, box.bottom)]
        xs, ys = zip(*corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    def _within(self, box: Box) -> Any:
        """Return the polygons that touch a box, in the map's CRS and the file's order."""
        bounds = self._bounds(box.grown(self._reach))
        if self._frame is not None:
            from shapely.geometry import box as rectangle

            return self._frame.iloc[np.sort(self._frame.sindex.query(rectangle(*bounds)))]
        if self._crs is not None:
            bounds = self._to_own.transform_bounds(*bounds, densify_pts=21)
        frame = self._read_file(bounds)
        return self._placed(frame[has_shape(frame)]) if len(frame) else frame

    def _check_extent(self) -> None:
        if self._frame is not None:
            if not len(self._frame):
                raise InputError(f"{self._label} holds no polygon with an area; there is nothing to compare with")
            check_overlap(tuple(self._frame.total_bounds), self._grid, self._label)


def open_reference(
    source: Any,
    grid: Grid,
    field: str | None = None,
    renames: Mapping[str, str] | None = None,
    buffer: float | None = None,
) -> ClassLayer:
    """Open a reference on the map's grid: a class raster, or polygons, lines and points with a class field.

    A value that ``renames`` gives a class is one even if the raster declares it nodata.

    Raises
    ------
    InputError, OptionError
        See :func:`open_map` and :class:`PolygonLayer`.
    """
    if buffer is not None and not 0 < buffer < math.inf:
        raise OptionError(f"buffer must be positive, got {buffer:g}; without it a point labels its pixel")
    if is_vector(source):
        return PolygonLayer(source, grid, field, buffer)
    if field is not None:
        raise OptionError(f"class-field is for polygons, but {source} is a raster; leave it out")
    if buffer is not None:
        raise OptionError(f"buffer is for points and lines, but {source} is a raster; leave it out")
    return open_map(source, grid, {int(left) for left, right in (renames or {}).items() if right and is_number(left)})
