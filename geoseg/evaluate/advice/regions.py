"""The polygon around an uncertain place: of one believed class, and of a size that a person can judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.evaluate.advice.places import Place, borders, padded
from geoseg.geodesy.pixels import PixelGeodesy
from geoseg.tiling import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.advice.maps import ResultMap

# A region without its border pixels must have so many, else it keeps them.
_LEAST = 9

# The least certain place is the centre of the least certain square of 2 × this + 1 pixels.
_AROUND = 2


@dataclass(frozen=True, eq=False)
class Region:
    """A polygon to label.

    Attributes
    ----------
    result, number
        Its map, and the class that the model believes.
    geometry
        Polygon in the map's CRS.
    pixels, confidence
        Number of its pixels, and their mean confidence in percent.
    area_m2
        Its area; in units of the coordinates without CRS.
    row, col
        Its least certain pixel.
    bands
        (B,) mean of each band of the scene over its pixels, as stored; None without a scene.
    """

    result: ResultMap
    number: int
    geometry: Any
    pixels: int
    confidence: float
    area_m2: float
    row: int
    col: int
    bands: NDArray[np.float64] | None

    @property
    def mass(self) -> float:
        """Uncertainty × area, in pixels."""
        return (100 - self.confidence) / 100 * self.pixels


def region_at(result: ResultMap, place: Place, mean: float, side: int) -> Region:
    """Return the region around the least certain pixel of a place, cut to a square of ``side`` pixels around it.

    Parameters
    ----------
    result, place
        The map, and a place of it.
    mean
        Mean confidence of the map in percent: the region consists of pixels that are less certain.
    side
        Side of the largest region in pixels.
    """
    area = Box(place.row, place.col, side, side).grown(side)
    classes, confidence = padded(result, area, 1)
    own, sure = classes[1:-1, 1:-1], confidence[1:-1, 1:-1]
    mask = (own == place.number) & (sure <= mean) & (sure < 100)
    inner = mask & ~borders(classes)
    row, col = _peak(np.where(mask, 100.0 - sure, 0), mask, inner, side)
    window = np.s_[row - side // 2 : row - side // 2 + side, col - side // 2 : col - side // 2 + side]
    box = Box(area.row + window[0].start, area.col + window[1].start, side, side)
    start = (side // 2, side // 2)
    region = _connected(inner[window], start) if inner[row, col] else np.zeros((side, side), np.bool_)
    if region.sum() < _LEAST:
        region = _connected(mask[window], start)
    certainty = float(sure[window][region].mean())
    return _described(result, place.number, box, region, certainty, (area.row + row, area.col + col))


def _peak(
    uncertainty: NDArray[np.float64], mask: NDArray[np.bool_], inner: NDArray[np.bool_], side: int
) -> tuple[int, int]:
    """Return the pixel of the square in the middle whose surroundings are least certain, off borders if it can be."""
    summed = np.pad(uncertainty, _AROUND)
    for axis in (0, 1):
        summed = np.lib.stride_tricks.sliding_window_view(summed, 2 * _AROUND + 1, axis).sum(-1)
    square = np.s_[side : 2 * side, side : 2 * side]
    chosen = inner[square] if inner[square].any() else mask[square]
    at = int(np.where(chosen, summed[square], -1).argmax())
    return side + at // side, side + at % side


def _connected(mask: NDArray[np.bool_], start: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the 4-connected part of a mask that holds a pixel."""
    found = np.zeros_like(mask)
    found[start] = True
    while True:
        grown = found.copy()
        grown[1:] |= found[:-1]
        grown[:-1] |= found[1:]
        grown[:, 1:] |= found[:, :-1]
        grown[:, :-1] |= found[:, 1:]
        grown &= mask
        if (grown == found).all():
            return found
        found = grown


def _described(
    result: ResultMap, number: int, box: Box, region: NDArray[np.bool_], confidence: float, peak: tuple[int, int]
) -> Region:
    import shapely
    from affine import Affine
    from rasterio.features import shapes
    from shapely.geometry import shape

    raster = result.classes.raster
    transform = raster.transform * Affine.translation(box.col, box.row)
    outlines = [shape(outline) for outline, _ in shapes(region.astype(np.uint8), mask=region, transform=transform)]
    pixels = int(region.sum())
    pixel = PixelGeodesy(transform, raster.grid.crs, box.height, box.width).pixel_size ** 2
    bands = None
    if result.scene is not None:
        inside = box.intersection(raster.box)
        read = result.scene.read(inside)
        known = region[inside.within(box)] & read.valid
        if known.any():
            bands = read.data[:, known].astype(np.float64).mean(1)
    geometry = shapely.union_all(outlines)
    return Region(result, number, geometry, pixels, confidence, pixels * pixel, *peak, bands)
