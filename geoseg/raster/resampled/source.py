"""Reads a raster at another pixel size: a source of bands like a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from geoseg.raster.raster import Part, Raster
from geoseg.raster.resampled.lattice import Axis
from geoseg.raster.sources import read_reduced
from geoseg.tiling import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.raster.types import BandSource, ReadRequest

# Values of one band that are computed with at a time, in double precision.
_STRIP = 2**21


@dataclass(frozen=True, eq=False)
class ResampledSource:
    """The bands of a raster at another pixel size; whole numbers are rounded once, half to even.

    Of coarser pixels the values are the mean of the valid pixels below, by area, and they are missing where none is
    valid. Of finer ones they are bilinear among valid pixels, and missing where the pixel is in which they lie.

    Attributes
    ----------
    raster
        What is read.
    rows, cols
        Its axes, with how many of its pixels are one of the other size.
    """

    raster: Raster
    rows: Axis
    cols: Axis

    @property
    def label(self) -> str:
        """Name of what is read."""
        return self.raster.sources[0]

    @property
    def block_shape(self) -> tuple[int, int]:
        """Height and width of the blocks of what is read, in pixels of the other size."""
        high, wide = self.raster.block_shape
        wide = self.cols.count if wide >= self.cols.size else max(round(wide / self.cols.ratio), 1)
        return max(round(high / self.rows.ratio), 1), wide

    @property
    def sources(self) -> tuple[BandSource, ...]:
        """The files that are read."""
        return self.raster.leaves

    def recipe(self) -> str:
        """Return text that changes whenever the pixels might change."""
        return repr((self.raster.fingerprint(), self.rows, self.cols))

    def overview(self, factor: float) -> int | None:
        """Return None: all pixels are read."""
        del factor
        return None

    def unmasked(self, names: frozenset[str]) -> ResampledSource:
        """Return the same with some of clouds, shadows and snow not masked."""
        return replace(self, raster=self.raster.unmasked(names))

    def read(self, request: ReadRequest) -> None:
        """Fill ``request.out`` and clear ``request.valid`` where pixels are missing.

        Raises
        ------
        ReadError, ChangedError
            As the files raise them.
        """
        box, (height, width) = request.box, request.shape
        if (height, width) != (box.height, box.width):
            read_reduced(self, request)
            return
        chosen = self.raster.select(list(request.bands))
        _, weights = self.rows.taps(box.row, box.row + 1)
        high = max(int(_STRIP // max(len(weights) * self._span(box)[1], 1)), 1)
        for top in range(box.row, box.bottom, high):
            self._strip(request, chosen, Box(top, box.col, min(high, box.bottom - top), box.width))

    def _span(self, box: Box) -> tuple[int, int]:
        index, _ = self.cols.taps(box.col, box.right)
        return int(index.min()), int(index.max()) + 1 - int(index.min())

    def _strip(self, request: ReadRequest, chosen: Raster, box: Box) -> None:
        rows, row_weights = self.rows.taps(box.row, box.bottom)
        cols, col_weights = self.cols.taps(box.col, box.right)
        top, left = int(rows.min()), int(cols.min())
        pixels = chosen.read(Box(top, left, int(rows.max()) + 1 - top, int(cols.max()) + 1 - left))
        place = box.within(request.box)
        weight = _weighted(_weighted(pixels.valid, rows - top, row_weights, 0), cols - left, col_weights, 1)
        if self.rows.ratio >= 1 or self.cols.ratio >= 1:
            there = weight > 0
        else:
            down, across = self.rows.own_nearest(box.row, box.bottom), self.cols.own_nearest(box.col, box.right)
            there = pixels.valid[np.ix_(down - top, across - left)]
        for position, values in enumerate(pixels.data):
            masked = np.where(pixels.valid, values, 0).astype(np.float64)
            total = _weighted(_weighted(masked, rows - top, row_weights, 0), cols - left, col_weights, 1)
            mean = np.divide(total, weight, out=np.zeros_like(total), where=there)
            request.out[position][place] = mean if request.out.dtype.kind == "f" else np.rint(mean)
        request.valid[..., place[0], place[1]] &= there


def _weighted(
    values: NDArray[Any], index: NDArray[np.intp], weights: NDArray[np.float64], axis: int
) -> NDArray[np.float64]:
    """Return weighted sums along an axis, tap by tap: a sum of BLAS would depend on the size of the box."""
    shape = (-1, 1) if axis == 0 else (1, -1)
    total: NDArray[np.float64] = np.take(values, index[0], axis) * weights[0].reshape(shape)
    for places, weight in zip(index[1:], weights[1:], strict=True):
        total += np.take(values, places, axis) * weight.reshape(shape)
    return total


def resampled(raster: Raster, ratio: tuple[float, float]) -> Raster:
    """Return a raster at another pixel size, from the same corner.

    Parameters
    ----------
    raster
        The raster.
    ratio
        Its pixels in one of the new ones, along rows (down) and along columns (across).
    """
    height, width = raster.shape
    source = ResampledSource(raster, Axis(height, ratio[0]), Axis(width, ratio[1]))
    transform = raster.transform * Affine.scale(ratio[1], ratio[0])
    grid = replace(raster.grid, height=source.rows.count, width=source.cols.count, transform=transform)
    bands = tuple(replace(band, dtype=str(raster.dtype)) for band in raster.bands)
    parts = tuple(Part(0, number) for number in range(1, len(bands) + 1))
    return replace(raster, grid=grid, bands=bands, parts=parts, inputs=(source,), origin=(0, 0), quality=None)


def resampled_source(raster: Raster) -> ResampledSource | None:
    """Return how a raster is resampled; None if it is not."""
    first = raster.inputs[raster.parts[0].source]
    return first if isinstance(first, ResampledSource) else None
