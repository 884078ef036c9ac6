"""Drawn polygons, points and lines with a class: read, and turned into the pixels that they label."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError
from geoseg.geodesy.crs import to_crs
from geoseg.raster.vectors import open_vector
from geoseg.train.data.polygons import is_polygons, read_polygons

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geoseg.raster import Raster
    from geoseg.raster.files.georeference import Grid
    from geoseg.train.data.polygons import Polygons

# Side of the square that stands for a pixel, in pixels: less than 1, so that it contains no other pixel's centre.
_SQUARE = 0.5

# Parts of drawings that are closer than this, in pixels, are one place: their pixels are neighbours.
_NEAR = 3.0

# Longest line and largest number of pixels of one drawing that are looked at, in pixels.
_MOST_PIXELS = 50_000_000


@dataclass(frozen=True, eq=False)
class DrawnPixels:
    """Labelled pixels of one scene, each once.

    Attributes
    ----------
    pixels
        (n,) int64, ascending: row × width + column.
    codes
        (n,) int64: class of each, as a position in the vocabulary.
    places
        (n,) int64: number of the place that each belongs to: drawings of a class that (nearly) touch are one.
    contradicted
        Pixels that were drawn with several classes, of which the one drawn last counts.
    drawn
        Classes that were drawn, ascending, also those of which no pixel is left.
    """

    pixels: NDArray[np.int64]
    codes: NDArray[np.int64]
    places: NDArray[np.int64]
    contradicted: int
    drawn: NDArray[np.int64]


def read_drawings(sources: Sequence[Any], rasters: Sequence[Raster], field: str | None) -> Polygons:
    """Read polygons, points and lines; points become the pixel that they lie in, lines the pixels that they cross.

    Raises
    ------
    InputError
        If a source is no vector file, cannot be read, or lacks the class field.
    """
    frames = []
    for source in sources:
        if not is_polygons(source):
            raise InputError(
                f"{source}: a sketch is drawn: give polygons, points or lines with a class, such as a GeoPackage; "
                "for class rasters there is: geoseg train"
            )
        frames += _frames(source)
    return read_polygons([_with_areas(frame, rasters) for frame in frames], field, None)


def _frames(source: Any) -> list[Any]:
    """Return the layers with geometries of a file, or the table itself."""
    if not isinstance(source, str | Path):
        return [source]
    file = open_vector(source)
    layers = [name for name, kind in file.layers() if kind]
    frames = [frame for frame in (file.read(layer) for layer in layers) if len(frame)]
    if not frames:
        raise InputError(f"{source}: holds no geometries; draw some first")
    return frames


def _with_areas(frame: Any, rasters: Sequence[Raster]) -> Any:
    """Return the table with points and lines replaced by squares on the pixels of the first scene that they are on."""
    import shapely

    from geoseg.raster.vectors import has_shape

    drawn = has_shape(frame) & ~np.isin(frame.geom_type, ("Polygon", "MultiPolygon"))
    if not drawn.any():
        return frame
    shapes = frame.geometry.to_numpy().copy()
    left = np.flatnonzero(drawn)
    for raster in rasters:
        grid = raster.grid
        if (frame.crs is None) != (grid.crs is None) or not left.size:
            continue
        moves = frame.crs is not None and frame.crs != grid.crs
        part = frame.geometry.iloc[left]
        part = to_crs(part, grid.crs, "the labels") if moves else part
        squares = [_squares(shape, grid) for shape in part]
        found = np.array([square is not None for square in squares])
        if not found.any():
            continue
        areas = part[found].set_axis(range(int(found.sum())))
        areas = type(areas)([square for square in squares if square is not None], crs=part.crs)
        shapes[left[found]] = (to_crs(areas, frame.crs, "the labels") if moves else areas).to_numpy()
        left = left[~found]
    # What lies on no scene stays so: a square of no size would be invalid.
    for row in left:
        shapes[row] = shapely.Point(shapely.get_coordinates(shapes[row])[0]).buffer(1e-9)
    return frame.set_geometry(type(frame.geometry)(shapes, index=frame.index, crs=frame.crs))


def _squares(shape: Any, grid: Grid) -> Any:
    """Return squares on the pixels of a point or line in the grid's CRS; None if it lies on none."""
    import shapely
    from affine import Affine

    pixels = _rasterized(shape, grid, all_touched=True)
    if not pixels.size:
        return None
    rows, cols = np.divmod(pixels, grid.width)
    inner = (1 - _SQUARE) / 2
    boxes = shapely.box(cols + inner, rows + inner, cols + 1 - inner, rows + 1 - inner)
    t: Affine = grid.transform
    return shapely.union_all(
        shapely.transform(boxes, lambda xy: np.column_stack([
            t.a * xy[:, 0] + t.b * xy[:, 1] + t.c, t.d * xy[:, 0] + t.e * xy[:, 1] + t.f,
        ]))
    )  # fmt: skip


def _rasterized(shape: Any, grid: Grid, *, all_touched: bool) -> NDArray[np.int64]:
    """Return the pixels, row × width + column ascending, of a geometry in the grid's CRS."""
    import shapely
    from affine import Affine
    from rasterio.features import rasterize

    if shape is None or shape.is_empty:
        return np.empty(0, np.int64)
    corners = shapely.get_coordinates(shape)
    if not np.isfinite(corners).all():
        return np.empty(0, np.int64)
    to_pixels = ~grid.transform
    cols = to_pixels.a * corners[:, 0] + to_pixels.b * corners[:, 1] + to_pixels.c
    rows = to_pixels.d * corners[:, 0] + to_pixels.e * corners[:, 1] + to_pixels.f
    top, left = max(int(np.floor(rows.min())), 0), max(int(np.floor(cols.min())), 0)
    bottom, right = min(int(np.floor(rows.max())) + 1, grid.height), min(int(np.floor(cols.max())) + 1, grid.width)
    if bottom <= top or right <= left:
        return np.empty(0, np.int64)
    if (bottom - top) * (right - left) > _MOST_PIXELS:
        raise InputError(
            f"a drawing covers {bottom - top} x {right - left} pixels: a sketch takes small ones; cut it, or use: "
            "geoseg train"
        )
    burned = rasterize(
        [(shape, 1)],
        out_shape=(bottom - top, right - left),
        transform=grid.transform * Affine.translation(left, top),
        dtype="uint8",
        all_touched=all_touched,
    )
    down, across = np.nonzero(burned)
    return (down + top).astype(np.int64) * grid.width + across + left


def drawn_pixels(drawings: Polygons, raster: Raster, codes: NDArray[np.int64]) -> DrawnPixels | None:
    """Return the pixels that drawings label on a scene; None if none does.

    A polygon labels the pixels whose centres it contains; one that contains none labels the pixel at its middle.

    Parameters
    ----------
    drawings
        As :func:`read_drawings` returns them.
    raster
        The scene.
    codes
        New class of each position in the vocabulary, negative for those to ignore.
    """
    import shapely

    labels = drawings.on(raster.grid, raster.sources[0])
    if labels is None:
        return None
    parts, owner = shapely.get_parts(labels.geometries, return_index=True)
    found = []
    for part in parts:
        inside = _rasterized(part, raster.grid, all_touched=False)
        found.append(inside if inside.size else _rasterized(part.representative_point(), raster.grid, all_touched=True))
    sizes = [len(pixels) for pixels in found]
    pixels = np.concatenate(found) if found else np.empty(0, np.int64)
    own = codes[labels.codes[owner]]
    values = np.repeat(own, sizes)
    places = np.repeat(_places(parts, own, raster), sizes)
    kept = values >= 0
    pixels, values, places = pixels[kept], values[kept], places[kept]
    if not pixels.size:
        return None
    return DrawnPixels(*_last(pixels, values, places), np.unique(values))


def _places(parts: NDArray[Any], codes: NDArray[np.int64], raster: Raster) -> NDArray[np.int64]:
    """Return the number of each part's place: parts of a class within :data:`_NEAR` pixels of one another share one."""
    import shapely

    side = abs(raster.transform.determinant) ** 0.5
    one, other = shapely.STRtree(parts).query(parts, predicate="dwithin", distance=_NEAR * side)
    alike = codes[one] == codes[other]
    one, other = one[alike], other[alike]
    place = np.arange(len(parts))
    while True:  # the smallest number spreads along chains of neighbours
        lowest = place.copy()
        np.minimum.at(lowest, one, place[other])
        if (lowest == place).all():
            return place
        place = lowest


def _last(
    pixels: NDArray[np.int64], codes: NDArray[np.int64], places: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]:
    """Return each pixel once, as it was drawn last, and how many were drawn with several classes."""
    order = np.argsort(pixels, kind="stable")
    pixels, codes, places = pixels[order], codes[order], places[order]
    last = np.append(pixels[1:] != pixels[:-1], True)
    first = np.flatnonzero(np.append(True, last[:-1]))
    differs = np.maximum.reduceat(codes, first) != np.minimum.reduceat(codes, first)
    return pixels[last], codes[last], places[last], int(differs.sum())
