"""Outlines of masks made regular, each for itself: what a detector finds may overlap, and shares no walls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from affine import Affine

from geoseg.geodesy import PixelGeodesy
from geoseg.polygonize.codes import Coder
from geoseg.polygonize.encode import Encoding
from geoseg.polygonize.kernels.types import Array
from geoseg.polygonize.request import PolygonizeJob
from geoseg.polygonize.reshape import PIXELS, reshaping
from geoseg.polygonize.source import ArraySource
from geoseg.polygonize.strips import Tracing

if TYPE_CHECKING:
    from geoseg.polygonize.reshape import ReshapeOptions

_WIDTH = 2048
"""Columns of a sheet, unless a mask is wider."""

_PIXELS = 1 << 24
"""Pixels of a sheet from which on the next mask begins a new one."""

_MEMORY = 256_000_000


def regular(shapes: Array, options: ReshapeOptions, pixel: tuple[float, float]) -> Array:
    """Return outlines made regular as :class:`geoseg.polygonize.regular.api.Regularize` makes polygons of a map.

    Masks are laid out on sheets, so far from one another that none sees its neighbours.

    Parameters
    ----------
    shapes
        Polygons in (column, row) whose edges are edges of pixels.
    options
        The shape, and by how many metres outlines may move; two pixels if nothing is said.
    pixel
        Width and height of a pixel in metres.
    """
    import shapely

    out = np.empty(len(shapes), object)
    bounds = shapely.bounds(shapes).astype(np.int64)
    tolerance = options.simplify or PIXELS * float(np.sqrt(pixel[0] * pixel[1]))
    gap = 2 * int(np.ceil(tolerance / min(pixel))) + 4
    start = 0
    while start < len(shapes):
        corners, extent, stop = _laid_out(bounds, start, gap)
        moves = (corners - bounds[start:stop, :2]).astype(np.float64)
        out[start:stop] = _on_sheet(shapes[start:stop], moves, extent, options, pixel)
        start = stop
    return out


def _laid_out(bounds: Array, start: int, gap: int) -> tuple[Array, tuple[int, int], int]:
    """Return upper left corners of masks from ``start`` on, rows and columns of their sheet, and the first left out."""
    sizes = bounds[:, 2:] - bounds[:, :2]
    width = max(_WIDTH, int(sizes[start:, 0].max()) + 2 * gap)
    corners: list[tuple[int, int]] = []
    left, top, bottom = gap, gap, gap
    for wide, high in sizes[start:].tolist():
        if left + wide + gap > width:
            left, top = gap, bottom + gap
        if corners and (top + high + gap) * width > _PIXELS:
            break
        corners.append((left, top))
        left, bottom = left + wide + gap, max(bottom, top + high)
    return np.array(corners), (bottom + gap, width), start + len(corners)


def _on_sheet(
    shapes: Array, moves: Array, extent: tuple[int, int], options: ReshapeOptions, pixel: tuple[float, float]
) -> Array:
    import shapely
    import xarray as xr
    from rasterio.features import rasterize

    from geoseg.polygonize.stream import Totals, record_batches, strip_rows

    count = len(shapes)
    owner = np.repeat(np.arange(count), shapely.get_num_coordinates(shapes))
    placed = shapely.set_coordinates(shapes.copy(), shapely.get_coordinates(shapes) + moves[owner])
    sheet = rasterize(zip(placed, range(1, count + 1), strict=True), extent, dtype="int32")
    source = ArraySource(xr.DataArray(sheet, dims=("y", "x"), attrs={"nodata": 0}))
    encoding = Encoding(
        PixelGeodesy(Affine.identity(), None, *extent),
        np.array(Affine.identity()[:6], np.float64),
        multi=False,
        confidence_scale=None,
    )
    job = PolygonizeJob(
        source,
        Coder(source, None, None, ()),
        Tracing(extent[0], nodes=True, clusters=True),
        encoding,
        workers=1,
        rows=strip_rows(source, _MEMORY, 1),
        reshape=reshaping(PixelGeodesy(Affine.scale(*pixel), None, *extent), *extent, options, _MEMORY),
        names=dict.fromkeys(range(1, count + 1), ""),
    )
    new = shapes.copy()
    for batch in record_batches(job, Totals()):
        numbers = batch.column("class_id").to_numpy() - 1
        new[numbers] = shapely.from_wkb(batch.column("geometry").to_numpy(zero_copy_only=False))
    owner = np.repeat(np.arange(count), shapely.get_num_coordinates(new))
    return np.asarray(shapely.set_coordinates(new, shapely.get_coordinates(new) - moves[owner]))
