"""Labelled pixels of each value per coarse cell, counted in one pass over the labels.

The counts give the classes that occur, the split, and the probability of each training window; the labels themselves
stay on disk. A cell is a square of ``side`` pixels; the number of cells of all images together is bounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import InputError
from geoseg.raster import release_handles
from geoseg.system.threads import ordered_map
from geoseg.tiling import Box, squares
from geoseg.train.data.labels import MOST_VALUES, NO_VALUE, LabelSource

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Labels are read in squares of this side: whole blocks of usual files, and memory that does not grow with the scene.
_CHUNK = 1024

# Maximum cells of all images together: with twenty classes their counts take 80 MB.
_MOST_CELLS = 500_000


@dataclass(frozen=True, eq=False)
class LabelCounts:
    """Labelled pixels of one image.

    Attributes
    ----------
    side
        Side of a cell in pixels.
    values
        (V,) int64: label values that occur, ascending.
    counts
        (rows, cols, V) int64: labelled pixels of each value in each cell.
    nodata
        Unlabelled pixels of each value that the files declare nodata.
    """

    side: int
    values: NDArray[np.int64]
    counts: NDArray[np.int64]
    nodata: Mapping[int, int] = field(default_factory=dict)

    def totals(self) -> dict[int, int]:
        """Return the labelled pixels of each value."""
        sums = self.counts.sum((0, 1))
        return {int(value): int(n) for value, n in zip(self.values, sums, strict=True)}

    def by_class(self, values: NDArray[np.int64], indices: NDArray[np.uint8], classes: int) -> NDArray[np.int64]:
        """Return the counts by class, int64 (rows, cols, classes)."""
        result = np.zeros((*self.counts.shape[:2], classes), np.int64)
        for value, index in zip(values, indices, strict=True):
            column = np.flatnonzero(self.values == value)
            if column.size and index < classes:
                result[..., index] += self.counts[..., column[0]]
        return result


def cell_side(shapes: Sequence[tuple[int, int]], window: int) -> int:
    """Return the side of cells in pixels: a power of two, at most an eighth of a window unless there were too many."""
    side = 8
    while side * 16 <= window:
        side *= 2
    while sum(-(-h // side) * -(-w // side) for h, w in shapes) > _MOST_CELLS:
        side *= 2
    return side


def count_labels(
    source: LabelSource,
    shape: tuple[int, int],
    side: int,
    tick: Callable[[], None] | None = None,
    valid: Callable[[Box], NDArray[np.bool_]] | None = None,
) -> LabelCounts:
    """Count the labels of an image.

    Parameters
    ----------
    source
        Raw labels.
    shape
        Height and width of the image.
    side
        Of a cell, a power of two.
    tick
        Called after every chunk; there are :func:`chunk_count` of them.
    valid
        Returns the pixels of a box to count; all if None.

    Raises
    ------
    InputError
        If there are too many different values for a class raster.
    """
    rows, cols = -(-shape[0] // side), -(-shape[1] // side)
    columns: dict[int, NDArray[np.int64]] = {}

    nodata: Counter[int] = Counter()

    def count(box: Box) -> tuple[Box, NDArray[np.int64], NDArray[np.int64], Counter[int]]:
        values, labelled = source.read(box)
        hidden, numbers = np.unique(values[~labelled & (values != NO_VALUE)], return_counts=True)
        if valid is not None:
            labelled = labelled & valid(box)
        found, inverse = np.unique(values[labelled], return_inverse=True)
        down, across = -(-box.height // side), -(-box.width // side)
        row, col = np.nonzero(labelled)
        cell = (row // side) * across + col // side
        counts = np.bincount(cell * max(len(found), 1) + inverse, minlength=down * across * max(len(found), 1))
        return (
            box,
            found,
            counts.reshape(down, across, -1),
            Counter(dict(zip(hidden.tolist(), numbers.tolist(), strict=True))),
        )

    try:
        for box, found, counts, hidden in ordered_map(count, squares(*shape, max(_CHUNK, side)), 2, ahead=8):
            nodata.update(hidden)
            place = (slice(box.row // side, -(-box.bottom // side)), slice(box.col // side, -(-box.right // side)))
            for i, value in enumerate(found):
                if value not in columns:
                    columns[int(value)] = np.zeros((rows, cols), np.int64)
                columns[int(value)][place] += counts[..., i]
            if len(columns) > MOST_VALUES:
                raise InputError(
                    f"{source.label}: holds more than {MOST_VALUES} different values; is it a class raster?"
                )
            if tick:
                tick()
    finally:
        release_handles()
    values = np.array(sorted(columns), np.int64)
    stacked = [columns[int(value)] for value in values]
    counted = np.stack(stacked, -1) if stacked else np.zeros((rows, cols, 0), np.int64)
    return LabelCounts(side, values, counted, dict(nodata))


def chunk_count(shape: tuple[int, int], side: int) -> int:
    """Return how often ``tick`` is called."""
    return sum(1 for _ in squares(*shape, max(_CHUNK, side)))


def box_sums(
    grid: NDArray[np.int64], rows: tuple[NDArray[np.int64], ...], cols: tuple[NDArray[np.int64], ...]
) -> NDArray[np.int64]:
    """Return sums over rectangles of cells, by a summed-area table.

    Parameters
    ----------
    grid
        (R, C) or (R, C, V).
    rows, cols
        First and one past the last row (and column) of each rectangle: (r,) and (c,).

    Returns
    -------
    (r, c) or (r, c, V).
    """
    table = np.zeros((grid.shape[0] + 1, grid.shape[1] + 1, *grid.shape[2:]), np.int64)
    table[1:, 1:] = grid.cumsum(0).cumsum(1)
    (top, bottom), (left, right) = rows, cols
    return np.asarray(
        table[np.ix_(bottom, right)]
        - table[np.ix_(top, right)]
        - table[np.ix_(bottom, left)]
        + table[np.ix_(top, left)]
    )


def dilated(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """Return ``mask`` dilated by a square of ``reach`` cells on each side."""
    if not reach or not mask.any():
        return mask
    spans = []
    for n in mask.shape:
        index = np.arange(n)
        spans.append((np.maximum(index - reach, 0), np.minimum(index + reach + 1, n)))
    return box_sums(mask.astype(np.int64), spans[0], spans[1]) > 0
