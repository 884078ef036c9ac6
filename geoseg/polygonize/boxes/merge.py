"""Objects that several windows found -> each of them once.

Windows overlap, and an object near the border of two keep cells is found by both, not quite alike. Of its copies that
one is taken which its window saw most centrally:

1. A detection is *at home* if its centre lies in the keep cell of its own window. Others are copies of what the
   window at home there says, or what only a window that saw less of the surroundings says: they are left out.
2. Two detections of different windows are *the same* if each is the other's best match in that window: their boxes,
   clipped to what both windows read, have an IoU of at least :data:`SAME`. (Clipped, because a window sees of an object
   at its edge only a part. Intersection over the smaller box would take a small object for a part of a larger one.)
3. Windows may disagree on which side of a keep line a centre lies. If two are the same and both at home, the less
   central one is left out. If a detection's home says that its own copy is at home elsewhere, and so on in a circle,
   the most central one of the circle is taken, as if it were at home.

Only direct matches leave anything out, the most central first, so that rows of touching objects are not chained into
one. The result depends on the set of detections alone, not on their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from geoseg.models.boxes.detections import Detections
from geoseg.polygonize.kernels.types import Array
from geoseg.tiling import Box, Tiling

SAME = 0.4
"""Least IoU of what two windows say about one object. (Detectors that suppress duplicates within a window do so from
0.5 on; what two windows say differs a little more than that.)"""

_AT_EDGE = 1.5
"""A box that ends so many pixels before the edge of what its window read, or nearer, is taken to be cut by it."""


@dataclass(frozen=True)
class Lattice:
    """The windows of a scene, of which each row and each column reads the same rows or columns.

    Attributes
    ----------
    tiling
        The windows.
    """

    tiling: Tiling

    @cached_property
    def rows(self) -> Array:
        """int64 (windows down, 2): first row that each reads, and last + 1, within the scene."""
        size = self.tiling.height
        reads = [window.read for window in self.tiling.windows(Box(0, 0, size, 1))]
        return np.array([(read.row, min(read.bottom, size)) for read in reads], np.int64)

    @cached_property
    def cols(self) -> Array:
        """int64 (windows across, 2): first column that each reads, and last + 1, within the scene."""
        size = self.tiling.width
        reads = [window.read for window in self.tiling.windows(Box(0, 0, 1, size))]
        return np.array([(read.col, min(read.right, size)) for read in reads], np.int64)

    def home(self, boxes: Array) -> Array:
        """Return row and column of the keep cell in which the centre of each box lies, int64 (n, 2)."""
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        last = np.array([len(self.rows), len(self.cols)]) - 1
        return np.asarray(np.clip(np.floor(centres / self.tiling.keep).astype(np.int64), 0, last))

    def reads(self, windows: Array) -> Array:
        """Return what windows read, float64 (n, 4): top, left, bottom, right."""
        rows, cols = self.rows[windows[:, 0]], self.cols[windows[:, 1]]
        return np.asarray(np.stack([rows[:, 0], cols[:, 0], rows[:, 1], cols[:, 1]], 1), np.float64)

    def room(self, boxes: Array, windows: Array) -> Array:
        """Return the pixels between each box and the nearest edge of what its window read, float64 (n,).

        The scene's own edges do not count: no window sees beyond them.
        """
        reads, (height, width) = self.reads(windows), (self.tiling.height, self.tiling.width)
        gaps = np.hstack([boxes[:, :2] - reads[:, :2], reads[:, 2:] - boxes[:, 2:]])
        open_ends = np.hstack([reads[:, :2] <= 0, reads[:, 2:] >= [height, width]])
        return np.asarray(np.where(open_ends, np.inf, gaps).min(1, initial=np.inf))


@dataclass(frozen=True)
class Merged:
    """What :func:`merge` found.

    Attributes
    ----------
    kept
        int64: positions of the detections that are objects, sorted by the place of their boxes: bottom, right, top,
        left.
    cut
        bool: which of these end at the edge of what their window read, as objects do that are too large for it.
    """

    kept: Array
    cut: Array


def merge(found: Detections, tiling: Tiling) -> Merged:
    """Return which detections are objects.

    Parameters
    ----------
    found
        Detections of all windows, in any order.
    tiling
        The windows.

    Examples
    --------
    Two windows found the object at columns 7…12; the line between their keep cells is column 10.

    >>> import numpy as np
    >>> from geoseg.models.boxes.detections import Detections
    >>> from geoseg.tiling import Tiling
    >>> boxes = np.array([[2, 7, 8, 12], [2, 7, 8, 12.5]], np.float32)
    >>> windows = np.array([[0, 0], [0, 1]])
    >>> found = Detections(boxes, np.float32([0.8, 0.9]), np.uint8([1, 1]), windows, np.zeros(2, bool))
    >>> merge(found, Tiling(10, 20, keep=10, margin=5)).kept
    array([0])
    """
    lattice = Lattice(tiling)
    boxes, windows = found.boxes.astype(np.float64), found.windows
    # One order for any order of arrival: ties below are decided by it.
    order = np.lexsort((found.classes, *boxes.T[::-1], -found.scores.astype(np.float64), windows[:, 1], windows[:, 0]))
    boxes, windows = boxes[order], windows[order]
    room, home = lattice.room(boxes, windows), lattice.home(boxes)
    cells = windows[:, 0] * len(lattice.cols) + windows[:, 1]
    homes = home[:, 0] * len(lattice.cols) + home[:, 1]
    first, second = _same(boxes, windows, lattice)
    rank = np.empty(len(order), np.int64)
    rank[np.lexsort((boxes[:, 1], boxes[:, 0], -found.scores[order].astype(np.float64), -room))] = np.arange(len(order))
    objects = (cells == homes) | _homeless(first, second, cells, homes, rank)
    _leave_out_copies(objects, first, second, rank)
    kept = np.flatnonzero(objects)
    kept = kept[np.lexsort((boxes[kept, 1], boxes[kept, 0], boxes[kept, 3], boxes[kept, 2]))]
    return Merged(order[kept], room[kept] <= _AT_EDGE)


def _same(boxes: Array, windows: Array, lattice: Lattice) -> tuple[Array, Array]:
    """Return the pairs of detections that are the same, each pair once."""
    reads = lattice.reads(windows)
    firsts, seconds, values = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0)]
    for one, other in _meeting(boxes, windows, lattice):
        both = np.hstack([np.maximum(reads[one, :2], reads[other, :2]), np.minimum(reads[one, 2:], reads[other, 2:])])
        iou = _iou(_clipped(boxes[one], both), _clipped(boxes[other], both))
        near = iou >= SAME
        firsts.append(one[near])
        seconds.append(other[near])
        values.append(iou[near])
    one, other, value = np.concatenate(firsts), np.concatenate(seconds), np.concatenate(values)
    cells = windows[:, 0] * len(lattice.cols) + windows[:, 1]
    mutual = _best(one, cells[other], other, value) & _best(other, cells[one], one, value)
    return one[mutual], other[mutual]


def _best(one: Array, cell: Array, other: Array, value: Array) -> Array:
    """Return which pairs have the highest value of those of one detection and one window; the first of equal ones."""
    order = np.lexsort((other, -value, cell, one))
    best = np.zeros(len(one), np.bool_)
    starts = np.ones(len(one), np.bool_)
    starts[1:] = (np.diff(one[order]) != 0) | (np.diff(cell[order]) != 0)
    best[order[starts]] = True
    return best


def _meeting(boxes: Array, windows: Array, lattice: Lattice) -> Iterator[tuple[Array, Array]]:
    """Yield pairs of detections of different windows whose boxes meet, row of windows by row of windows."""
    import shapely

    count = len(lattice.rows)
    starts = np.searchsorted(windows[:, 0], np.arange(count + 1))
    trees: dict[int, shapely.STRtree] = {}
    for row in range(count):
        trees.pop(row - 1, None)
        if starts[row] == starts[row + 1]:
            continue
        # Rows of windows that read some of the same pixels.
        for below in range(row, int(np.searchsorted(lattice.rows[:, 0], lattice.rows[row, 1]))):
            if below not in trees:
                left, top, right, bottom = boxes[starts[below] : starts[below + 1]].T[[1, 0, 3, 2]]
                trees[below] = shapely.STRtree(shapely.box(left, top, right, bottom))
            one, other = trees[below].query(trees[row].geometries)
            one, other = one + starts[row], other + starts[below]
            if below == row:
                once = windows[one, 1] < windows[other, 1]
                one, other = one[once], other[once]
            yield one, other


def _clipped(boxes: Array, region: Array) -> Array:
    return np.hstack([np.maximum(boxes[:, :2], region[:, :2]), np.minimum(boxes[:, 2:], region[:, 2:])])


def _iou(one: Array, other: Array) -> Array:
    def area(boxes: Array) -> Array:
        return np.asarray(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), 1))

    shared = area(_clipped(one, other))
    return np.asarray(shared / np.maximum(area(one) + area(other) - shared, 1e-9))


def _homeless(first: Array, second: Array, cells: Array, homes: Array, rank: Array) -> Array:
    """Return the most central detection of each circle in which every one says that the next window is its home."""
    says = np.full(len(cells), -1, np.int64)
    for one, other in ((first, second), (second, first)):
        sent = (homes[one] == cells[other]) & (homes[one] != cells[one])
        says[one[sent]] = other[sent]
    chosen = np.zeros(len(cells), np.bool_)
    seen = np.zeros(len(cells), np.int64)
    for start in np.flatnonzero(says >= 0).tolist():
        path, node = [], start
        while node >= 0 and not seen[node]:
            seen[node] = start + 1
            path.append(node)
            node = int(says[node])
        if node >= 0 and seen[node] == start + 1:  # the path has come back to itself
            circle = path[path.index(node) :]
            chosen[min(circle, key=lambda one: int(rank[one]))] = True
    return chosen


def _leave_out_copies(objects: Array, first: Array, second: Array, rank: Array) -> None:
    """Of objects that are the same, leave out the less central ones."""
    both = objects[first] & objects[second]
    copies: dict[int, list[int]] = {}
    for one, other in zip(first[both].tolist(), second[both].tolist(), strict=True):
        copies.setdefault(one, []).append(other)
        copies.setdefault(other, []).append(one)
    for one in sorted(copies, key=lambda one: int(rank[one])):
        if objects[one]:
            objects[copies[one]] = False
