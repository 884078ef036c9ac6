"""Detections -> outlines in pixels of the scene, and their measures on the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geoseg.models.boxes.detections import touched
from geoseg.polygonize.kernels.types import Array

if TYPE_CHECKING:
    from geoseg.geodesy import PixelGeodesy


def rectangles(boxes: Array) -> Array:
    """Return boxes (n, 4) of top, left, bottom, right as polygons in (column, row)."""
    import shapely

    top, left, bottom, right = boxes.astype(np.float64).T
    return np.asarray(shapely.box(left, top, right, bottom))


def outlines(boxes: Array, bits: Array, offsets: Array) -> Array:
    """Return masks as polygons in (column, row); None for those without a pixel.

    Of a mask in several pieces (pixels that share an edge are one piece) the largest is taken, of equal ones the first.

    Parameters
    ----------
    boxes
        float32 (n, 4).
    bits
        Masks of all detections, see :class:`~geoseg.models.boxes.detections.Detections`.
    offsets
        int64 (n,): where in ``bits`` the mask of each box begins.
    """
    import rasterio.features
    import shapely
    from affine import Affine

    shapes: list[Any] = []
    for (row, col, last_row, last_col), offset in zip(touched(boxes), offsets.tolist(), strict=True):
        height, width = last_row - row, last_col - col
        size = -(-height * width // 8)
        mask = np.unpackbits(bits[offset : offset + size])[: height * width].reshape(height, width)
        if mask.size and not mask.any():
            shapes.append(None)
            continue
        pieces = [
            shapely.geometry.shape(piece)
            for piece, _ in rasterio.features.shapes(
                mask, mask=mask > 0, connectivity=4, transform=Affine.translation(col, row)
            )
        ]
        shapes.append(max(pieces, key=lambda piece: float(piece.area)))
    return np.array(shapes, object)


class Measures(NamedTuple):
    """Measures of shapes on the ground, float64 (n,) each.

    Attributes
    ----------
    perimeter
        Length of the outline in metres.
    width, height
        Longer and shorter side of the smallest rectangle around each, however turned, in metres.
    angle
        Direction of the longer side, 0 ≤ angle < 180: degrees clockwise from the raster's columns, which is from north
        where north is up.
    """

    perimeter: Array
    width: Array
    height: Array
    angle: Array


def measure(shapes: Array, ground: PixelGeodesy) -> Measures:
    """Measure shapes in (column, row), each by the size of pixels at its own place."""
    import shapely

    bounds = shapely.bounds(shapes)
    middle = (bounds[:, :2] + bounds[:, 2:]) / 2
    edges = ground.edges
    col = np.clip(middle[:, 0].astype(np.int64), 0, len(edges.columns) - 2)
    row = np.clip(middle[:, 1].astype(np.int64), 0, len(edges.rows) - 2)
    along = (edges.columns[col + 1] - edges.columns[col]) * edges.row_scale[row]
    across = (edges.rows[row + 1] - edges.rows[row]) * edges.column_scale[col]
    coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
    moved = (coordinates - middle[owner]) * np.stack([along, across], 1)[owner]
    metric = shapely.set_coordinates(shapes.copy(), moved)
    corners = shapely.get_coordinates(shapely.get_exterior_ring(shapely.oriented_envelope(metric))).reshape(-1, 5, 2)
    one, two = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 1]
    first, second = np.hypot(*one.T), np.hypot(*two.T)
    # Of a square that side is the longer one which points more along the columns.
    steep = (np.abs(first - second) <= 1e-9 * first) & (np.abs(two[:, 1]) > np.abs(one[:, 1]))
    longer = np.where(((second > first * (1 + 1e-9)) | steep)[:, None], two, one)
    angle = np.degrees(np.arctan2(longer[:, 0], -longer[:, 1])) % 180
    angle = np.where(np.isclose(angle, 180, atol=1e-6), 0.0, angle)
    return Measures(shapely.length(metric), np.maximum(first, second), np.minimum(first, second), angle)
