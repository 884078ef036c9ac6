"""A minimum mapping unit: merge small regions into their neighbours, over the whole raster.

**Rule.** While any region is smaller than the minimum, not of a class to keep, and shares an edge with another region,
the smallest such region (on a tie, the one whose last pixel comes first in row-major order) takes the class of the
neighbour with which it shares the longest boundary (on a tie, the largest; then the one whose last pixel comes first).
It becomes one region with that neighbour and with all other neighbours of that class. Pixels without a class belong to
no region: they are neither merged nor merged into.

The rule needs only the regions, areas and shared lengths of the whole raster: a first pass collects them strip by
strip, a second traces the raster with the new classes. Lengths and areas are integers, so sums do not depend on their
order.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from geoseg.geodesy import PixelGeodesy, StripAreas
from geoseg.polygonize.kernels import dissolve
from geoseg.polygonize.kernels.runs import NO_CONFIDENCE, dense, flatten, label, measure, paint, union_all
from geoseg.polygonize.kernels.types import Array

_UNITS_PER_PIXEL = 1024
"""Units of length per shorter pixel side."""


class StripRegions(NamedTuple):
    """Regions of one strip and their adjacency.

    Attributes
    ----------
    above, below
        int32: region of each run of the row above the strip, and of its last row.
    value, last, area, group
        Per region: code, flat raster index of the last pixel, area in units, and the polygon it belongs to.
    pair, length
        Pairs of regions that touch, and the length that they share, see ``dissolve.shared_edges``.
    """

    above: Array
    below: Array
    value: Array
    last: Array
    area: Array
    group: Array
    pair: Array
    length: Array


class Sides(NamedTuple):
    """Integer lengths of pixel edges: of horizontal ones per lattice line, of vertical ones per row."""

    line: Array
    row: Array

    @classmethod
    def of(cls, ground: PixelGeodesy) -> Sides:
        """Measure the edges of a raster's pixels."""
        edges = ground.edges
        across = edges.row_scale * float(np.diff(edges.columns).mean())
        along = np.diff(edges.rows) * float(edges.column_scale.mean())
        unit = min(float(across.mean()), float(along.mean())) / _UNITS_PER_PIXEL
        return cls(np.rint(across / unit).astype(np.int64), np.rint(along / unit).astype(np.int64))


def strip_regions(
    codes: Array, absent: int, first_row: int, areas: StripAreas, sides: Sides, *, eight: bool
) -> StripRegions:
    """Label one strip and measure its regions and their shared edges; arguments as for ``strips.trace_strip``."""
    runs = label(codes, absent, eight=eight)
    value, last, sums, _ = measure(codes, runs, first_row, areas, NO_CONFIDENCE)
    rows = codes.shape[0] - 1
    line = sides.line[first_row : first_row + rows]
    row = sides.row[first_row : first_row + rows]
    row = np.r_[row, np.zeros(rows - row.size, np.int64)]  # the row that ends the raster is empty
    pair, length = dissolve.shared_edges(runs, line, row, corners=eight)
    above, below = runs.region[: runs.row_ptr[1]], runs.region[runs.row_ptr[-2] :]
    return StripRegions(above.copy(), below.copy(), value, last, sums[:, 1].copy(), runs.group, pair, length)


class NewClasses(NamedTuple):
    """The new class of every region; those of strip ``k`` begin at ``base[k - first]``."""

    value: Array
    base: Array
    dtype: type
    absent: int
    first: int = 0

    def part(self, index: int) -> NewClasses:
        """Return the classes of strip ``index`` alone."""
        begin, end = self.base[index - self.first : index - self.first + 2].tolist()
        return self._replace(value=self.value[begin:end], base=np.array([0, end - begin]), first=index)

    def apply(self, codes: Array, absent: int, index: int, *, eight: bool) -> tuple[Array, int]:
        """Return the codes of strip ``index`` with the new classes, and the code of absent pixels."""
        runs = label(codes, absent, eight=eight)
        out: Array = np.full(codes.shape, self.absent, self.dtype)
        paint(*runs[:4], self.part(index).value, out)
        return out, self.absent


def merge_small(strips: Iterable[StripRegions], min_area: float, keep: Iterable[int]) -> NewClasses:
    """Apply the rule to strips from top to bottom.

    Parameters
    ----------
    strips
        The regions of every strip.
    min_area
        Minimum area, in the units of ``StripRegions.area``.
    keep
        Classes that are never merged into others.
    """
    tables: list[StripRegions] = []
    base = [0]
    seams = []
    for item in strips:
        if tables:
            seams.append((base[-2] + tables[-1].below.astype(np.int64), base[-1] + item.above.astype(np.int64)))
        pair = item.pair + ((base[-1] << 32) + base[-1])
        tables.append(item._replace(pair=pair, group=item.group.astype(np.int64) + base[-1]))
        base.append(base[-1] + item.value.size)
    if not base[-1]:
        return NewClasses(np.zeros(0, np.uint8), np.array(base), np.uint8, 255)
    root = _roots(base[-1], seams, [(base[k], table.group) for k, table in enumerate(tables)])
    value, last, area, pair, length = (
        np.concatenate([getattr(table, name) for table in tables])
        for name in ("value", "last", "area", "pair", "length")
    )
    tables.clear()
    region, value, area = _canonical(root, value, last, area)
    pair, length = _renamed(region, pair, length)
    fixed = np.isin(value, np.asarray(list(keep), np.int64)) if keep else np.zeros(value.size, bool)
    final = _merged(int(np.ceil(min_area)), value, area, fixed, pair, length)[region]
    low, high = int(final.min()), int(final.max())
    dtype: type = np.uint8 if low >= 0 and high < 255 else np.int32
    return NewClasses(final.astype(dtype), np.array(base), dtype, 255 if dtype is np.uint8 else low - 1)


def _roots(count: int, seams: Iterable[tuple[Array, Array]], groups: Iterable[tuple[int, Array]]) -> Array:
    """Return a number per region, the same for regions joined across seams or at corners."""
    parent = np.arange(count, dtype=np.int32)
    for above, below in seams:
        union_all(parent, above, below)
    for base, group in groups:
        _, first = np.unique(group, return_index=True)
        if first.size < group.size:
            leader = np.empty(group.size, np.int64)
            member = group - base
            leader[member[first]] = base + first
            union_all(parent, base + np.arange(group.size), leader[member])
    root = np.empty(count, np.int32)
    dense(parent, root)
    return root


def _canonical(root: Array, value: Array, last: Array, area: Array) -> tuple[Array, Array, Array]:
    """Renumber regions by their last pixels, which do not depend on how the raster is cut into strips."""
    count = int(root.max()) + 1
    ends = np.zeros(count, np.int64)
    np.maximum.at(ends, root, last)
    total = np.zeros(count, np.int64)
    np.add.at(total, root, area)
    values = np.empty(count, np.int32)
    values[root] = value
    order = np.argsort(ends, kind="stable")
    rank = np.empty(count, np.int64)
    rank[order] = np.arange(count)
    return rank[root], values[order], total[order]


def _renamed(region: Array, pair: Array, length: Array) -> tuple[Array, Array]:
    a, b = region[pair >> 32], region[pair & 0xFFFFFFFF]
    low, high = np.minimum(a, b), np.maximum(a, b)
    differ = low != high
    return dissolve.summed(((low << 32) + high)[differ], length[differ])


def _merged(min_area: int, value: Array, area: Array, fixed: Array, pair: Array, length: Array) -> Array:
    """Return the new class of every canonical region."""
    count = value.size
    a, b = pair >> 32, pair & 0xFFFFFFFF
    owner, other, length = np.r_[a, b], np.r_[b, a], np.r_[length, length]
    # Only regions that may be merged need their neighbours.
    needed = (area[owner] < min_area) & ~fixed[owner]
    owner, other, length = owner[needed], other[needed], length[needed]
    order = np.argsort(owner, kind="stable")
    owner, other, length = owner[order], other[order].astype(np.int32), length[order]
    head, tail = np.full(count, -1, np.int64), np.full(count, -1, np.int64)
    follow = np.arange(1, owner.size + 1, dtype=np.int64)
    if owner.size:
        first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
        last = np.r_[first[1:], owner.size] - 1
        head[owner[first]] = first
        tail[owner[first]] = last
        follow[last] = -1
    parent = np.arange(count, dtype=np.int32)
    scratch = np.full(count, -1, np.int64)
    dissolve.dissolve(
        min_area, area, value, fixed, head, tail, follow, other, length, parent, scratch,
        *np.empty((5, count), np.int64),
    )  # fmt: skip
    flatten(parent)
    return value[parent]
