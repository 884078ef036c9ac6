"""Locations of training windows: drawn on the fly, rare classes more often, never on validation cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import InputError
from geoseg.tiling import Box
from geoseg.train.data.label_counts import box_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.train.validation.split import Parts

# A class with share p of the labelled pixels is drawn with a probability proportional to p to this power: 1 keeps the
# shares, 0 makes all classes equal. The square root is usual (Mahajan et al. 2018, arXiv 1805.00932).
_POWER = 0.5

# Labels are few if less than so many pixels are labelled, and less than this share of the windows around them.
_FEW_PIXELS, _FEW_SHARE = 100_000, 0.25


def places_of(counts: Sequence[NDArray[np.int64]], cell: int, window: int) -> int:
    """Return how many windows on a lattice have labels: about as many as see all of them once.

    Parameters
    ----------
    counts
        (rows, cols, K) labelled pixels per cell and class of each image.
    cell, window
        Sides of cells and windows in pixels.
    """
    side = max(window // cell, 1)
    places = 0
    for count in counts:
        row, col = np.nonzero(count.any(-1))
        places += len(np.unique(row // side * (count.shape[1] + 1) + col // side))
    return places


def are_few(counts: Sequence[NDArray[np.int64]], cell: int, window: int) -> bool:
    """Return whether labels are few: under 100,000 pixels, and under a quarter of what windows around them see.

    Parameters
    ----------
    counts, cell, window
        As of :func:`places_of`.
    """
    labelled = sum(int(count.sum()) for count in counts)
    return labelled < min(_FEW_PIXELS, _FEW_SHARE * places_of(counts, cell, window) * window**2)


@dataclass(frozen=True, eq=False)
class Anchors:
    """Squares of an image in which windows may be placed.

    Attributes
    ----------
    rows, cols
        (n,) int: upper left pixel of each.
    side
        Side in pixels; squares extend beyond images that are smaller.
    counts
        (n, K) int64: labelled training pixels of each class in it.
    """

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    side: int
    counts: NDArray[np.int64]


def anchors(shape: tuple[int, int], cell: int, side: int, part: Parts) -> Anchors:
    """Return the squares of ``side`` pixels that hold training labels and touch no forbidden cell."""
    spans = []
    for n in shape:
        first = np.unique(np.minimum(np.arange(0, n, cell), max(n - side, 0)))
        last = np.minimum(first + side, n)
        spans.append((first, (first // cell, -(-last // cell))))
    (row, rows), (col, cols) = spans
    closed = box_sums(part.forbidden.astype(np.int64), rows, cols)
    counts = box_sums(part.training, rows, cols)
    free = (closed == 0) & (counts.sum(-1) > 0)
    i, j = np.nonzero(free)
    return Anchors(row[i], col[j], side, counts[i, j])


class WindowSampler:
    """Draws windows: first a class, then a location with that class.

    Parameters
    ----------
    shapes
        Height and width of each image.
    parts
        Split of each image.
    cell
        Side of a cell in pixels.
    window
        Side of a window in pixels.
    zoom
        Windows are read with sides from ``window / zoom`` to ``window * zoom`` pixels and resampled; 1 for none.

    Raises
    ------
    InputError
        If no window fits anywhere.
    """

    def __init__(
        self, shapes: Sequence[tuple[int, int]], parts: Sequence[Parts], cell: int, window: int, zoom: float = 1.0
    ) -> None:
        self.window = window
        # Squares are a cell larger than windows, so that windows do not always start at cell borders; if no such square
        # fits, less room is used.
        for wide, room in ((zoom, cell), (1.0, cell), (1.0, 0)):
            side = round(window * wide) + room
            self.anchors = [anchors(shape, cell, side, part) for shape, part in zip(shapes, parts, strict=True)]
            self.most = round(window * wide)
            if any(len(found.rows) for found in self.anchors):
                break
        else:
            raise InputError(
                f"the split would leave the training part empty: no window of {window} px with labels fits beside the "
                "validation cells; use a smaller --window or another --block-size"
            )
        self.least = round(window / zoom)
        self.shapes = list(shapes)
        self._image = np.concatenate([np.full(len(a.rows), i) for i, a in enumerate(self.anchors)])
        self._rows = np.concatenate([a.rows for a in self.anchors])
        self._cols = np.concatenate([a.cols for a in self.anchors])
        counts = np.concatenate([a.counts for a in self.anchors]).astype(np.float64)
        totals = sum(part.training.sum((0, 1)) for part in parts).astype(np.float64)
        totals = np.where(counts.sum(0) > 0, totals, 0)
        chances = (totals / max(totals.sum(), 1)) ** _POWER
        self.class_chances = chances / chances.sum()
        self._steps = np.cumsum(counts, 0)

    @property
    def side(self) -> int:
        """Side of the squares in which windows are placed, in pixels."""
        return self.anchors[0].side

    def draw(self, rng: np.random.Generator) -> tuple[int, Box]:
        """Return the index of an image and a square box, inside the image unless that is smaller."""
        wanted = int(rng.choice(len(self.class_chances), p=self.class_chances))
        steps = self._steps[:, wanted]
        place = int(np.searchsorted(steps, rng.random() * steps[-1], side="right"))
        place = min(place, len(steps) - 1)
        image = int(self._image[place])
        side = int(rng.integers(min(self.least, self.most), self.most + 1))
        height, width = self.shapes[image]
        room = self.side - side
        row = int(self._rows[place]) + int(rng.integers(0, room + 1))
        col = int(self._cols[place]) + int(rng.integers(0, room + 1))
        return image, Box(max(min(row, height - side), 0), max(min(col, width - side), 0), side, side)


def spread(count: int, most: int | None) -> list[int]:
    """Return at most so many of the numbers 0…count − 1, spread evenly.

    Examples
    --------
    >>> from geoseg.train.data.windows import spread
    >>> spread(10, 4), spread(2, 4)
    ([0, 3, 6, 9], [0, 1])
    """
    if most is None or count <= most:
        return list(range(count))
    return [int(number) for number in np.linspace(0, count - 1, most).round()]
