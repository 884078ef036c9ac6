"""Where to read a scene to learn about its values, at a cost that does not grow with the scene.

A decimated read of a file without overviews decodes all of it. Windows that lie within the file's blocks decode those
blocks alone: 25 windows of 128 pixels touch at most 25 tiles of 128, 256 or 512 pixels.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import ReadError
from geoseg.raster.types import Pixels
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

_PLACES = 5
"""Sampled places along each side of the scene."""

_MOST_CHUNKS = 9
"""Chunks of a lazy array that are computed to learn about its values, at most."""

_GOLDEN = (math.sqrt(5) - 1) / 2


def sample_boxes(shape: tuple[int, int], block_shape: tuple[int, int], max_pixels: int) -> list[Box]:
    """Return boxes spread evenly over a scene.

    Parameters
    ----------
    shape
        Height and width of the scene in pixels.
    block_shape
        Height and width of the blocks in which the scene is stored.
    max_pixels
        Upper limit for the pixels of all boxes together, as long as it allows a row (strips) or a pixel per place.

    Returns
    -------
    Disjoint boxes inside the scene in row order. One box that covers the whole scene if that is no more to read; whole
    rows at 5 to 25 places of a file stored in strips; up to 5 x 5 squares elsewhere.
    """
    height, width = shape
    # A power of two: squares that start at multiples of it do not cross the borders of tiles.
    side = 2 ** int(math.log2(max(math.isqrt(max_pixels // _PLACES**2), 1)))
    limit = (_PLACES * side) ** 2
    if height * width <= limit:
        return [Box(0, 0, height, width)]
    strips = block_shape[1] >= width and block_shape[0] < height
    return sorted(set(_rows(shape, block_shape[0], limit) if strips else _squares(shape, side)))


def chunk_boxes(scene: Box, row_sizes: Sequence[int], col_sizes: Sequence[int]) -> list[Box]:
    """Return some whole chunks of an array that is computed when it is read: one of ten, at least one, at most nine.

    Parameters
    ----------
    scene
        The part of the array that is read.
    row_sizes, col_sizes
        Heights and widths of the array's chunks.

    Returns
    -------
    Disjoint boxes inside the scene, spread over rows evenly and over columns by the golden ratio.
    """
    rows, cols = _spans(scene.row, scene.bottom, row_sizes), _spans(scene.col, scene.right, col_sizes)
    count = min(max(len(rows) * len(cols) // 10, 1), _MOST_CHUNKS)
    places = dict.fromkeys(
        (int((i + 0.5) / count * len(rows)), int((i + 0.5) * _GOLDEN % 1 * len(cols))) for i in range(count)
    )
    return [
        Box(top, left, bottom - top, right - left)
        for (top, bottom), (left, right) in ((rows[row], cols[col]) for row, col in places)
    ]


def boxes_within(chunks: Sequence[Box], max_pixels: int) -> list[Box]:
    """Return boxes spread evenly over each of some chunks, with at most ``max_pixels`` together."""
    return [
        Box(chunk.row + part.row, chunk.col + part.col, part.height, part.width)
        for chunk in chunks
        for part in sample_boxes((chunk.height, chunk.width), (chunk.height, chunk.width), max_pixels // len(chunks))
    ]


def onto_areas(
    boxes: Sequence[Box], areas: NDArray[np.int64], origin: tuple[int, int], shape: tuple[int, int]
) -> list[Box]:
    """Move boxes that lie where there are no pixels into the middle of the nearest area that has some.

    Parameters
    ----------
    boxes
        Boxes in a scene of ``shape``.
    areas
        First row and column of each area, and those after its last, (n, 4), in a grid in which the scene's first pixel
        is at ``origin``.

    Returns
    -------
    Boxes inside the scene, each once, in row order; those that touch an area are as they were.
    """
    top_left = np.array(origin)
    first = np.maximum(areas[:, :2] - top_left, 0)
    last = np.minimum(areas[:, 2:] - top_left, shape)
    some = (first < last).all(1)
    first, last = first[some], last[some]
    if not len(first):
        return list(boxes)
    moved = []
    for box in boxes:
        start, stop = np.array((box.row, box.col)), np.array((box.bottom, box.right))
        apart = np.maximum(np.maximum(first - stop, start - last), -1) + 1  # 0 where they overlap
        nearest = int((apart.astype(np.float64) ** 2).sum(1).argmin())
        if not apart[nearest].any():
            moved.append(box)
            continue
        size = np.minimum(stop - start, last[nearest] - first[nearest])
        row, col = (first[nearest] + last[nearest] - size) // 2
        moved.append(Box(int(row), int(col), int(size[0]), int(size[1])))
    return sorted(set(moved))


def _spans(first: int, last: int, sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Return the parts of a range that lie in one chunk each."""
    ends = list(itertools.accumulate(sizes))
    spans = [(max(end - size, first), min(end, last)) for end, size in zip(ends, sizes, strict=True)]
    return [(start, stop) for start, stop in spans if start < stop]


def read_sample(read: Callable[[Box], Pixels], boxes: list[Box]) -> Pixels:
    """Read boxes into one row of pixels: ``data`` (bands, 1, n), ``valid`` (1, n).

    Boxes that cannot be read are left out.

    Raises
    ------
    ReadError
        If more than half of the boxes cannot be read.
    """
    found, failures = [], 0
    for box in boxes:
        try:
            found.append(read(box))
        except ReadError:
            failures += 1
            if failures * 2 > len(boxes):
                raise
    data = np.concatenate([pixels.data.reshape(len(pixels.data), -1) for pixels in found], 1)
    valid = np.concatenate([pixels.valid.ravel() for pixels in found])
    return Pixels(data[:, None], valid[None])


def _rows(shape: tuple[int, int], strip: int, limit: int) -> Iterator[Box]:
    height, width = shape
    high = min(strip, max(limit // width // _PLACES, 1))
    places = min(max(limit // (width * high), _PLACES), _PLACES**2)
    for i in range(places):
        row = (height * (2 * i + 1) // (2 * places)) // strip * strip
        yield Box(row, 0, min(high, height - row), width)


def _squares(shape: tuple[int, int], side: int) -> Iterator[Box]:
    height, width = shape
    for i in range(_PLACES):
        row = (height * (2 * i + 1) // (2 * _PLACES)) // side * side
        for j in range(_PLACES):
            col = (width * (2 * j + 1) // (2 * _PLACES)) // side * side
            yield Box(row, col, min(side, height - row), min(side, width - col))
