"""A minimum mapping unit: small regions merged into neighbours, on the whole raster at once.

**Rule.** As long as there is a region that is smaller than the minimum, is not of a class to keep, and shares an edge
with another region, the smallest of them (of equals, the one whose last pixel comes first in the raster) takes the
class of the neighbour with which it shares the longest boundary (of equals, the largest; of equals, the one whose last
pixel comes first). With that neighbour, and with others of its class that it touches, it is one region from then on.
Pixels without class belong to no region: they neither dissolve nor take anything in.

The rule asks for regions, areas and shared lengths of the whole raster, and is applied to these alone: a first pass
collects them strip by strip, a second traces the raster with the new classes. Lengths and areas are whole numbers, so
nothing depends on the order in which they are summed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from geoseg.geodesy import PixelGeodesy, StripAreas
from geoseg.polygonize.kernels import dissolve
from geoseg.polygonize.kernels.runs import dense, flatten, label, measure, paint, union_all
from geoseg.polygonize.kernels.types import Array

_FINE = 1024
"""Units of length per shorter pixel side."""


class Sketch(NamedTuple):
    """Regions of one strip and how they touch."""

    above: Array
    below: Array
    value: Array
    last: Array
    area: Array
    group: Array
    pair: Array
    length: Array


class Sides(NamedTuple):
    """Whole-number lengths of pixel edges: per lattice line across, per row along."""

    line: Array
    row: Array

    @classmethod
    def of(cls, ground: PixelGeodesy) -> Sides:
        """Measure the edges of a raster's pixels."""
        edges = ground.edges
        across = edges.row_scale * float(np.diff(edges.columns).mean())
        along = np.diff(edges.rows) * float(edges.column_scale.mean())
        unit = min(float(across.mean()), float(along.mean())) / _FINE
        return cls(np.rint(across / unit).astype(np.int64), np.rint(along / unit).astype(np.int64))


def sketch(codes: Array, absent: int, first_row: int, areas: StripAreas, sides: Sides, *, eight: bool) -> Sketch:
    """Label one strip and measure its regions; arguments as for ``strips.trace_strip``."""
    runs = label(codes, absent, eight=eight)
    value, last, sums, _ = measure(codes, runs, first_row, areas, (np.zeros((0, 0), np.uint8), 255))
    rows = codes.shape[0] - 1
    line = sides.line[first_row : first_row + rows]
    row = sides.row[first_row : first_row + rows]
    row = np.r_[row, np.zeros(rows - row.size, np.int64)]  # the row that ends the raster is empty
    pair, length = dissolve.shared_edges(runs, line, row, corners=eight)
    above, below = runs.region[: runs.row_ptr[1]], runs.region[runs.row_ptr[-2] :]
    return Sketch(above.copy(), below.copy(), value, last, sums[:, 1].copy(), runs.group, pair, length)


class NewClasses(NamedTuple):
    """New class of every region of every strip: those of strip ``k`` begin at ``base[k - first]``."""

    value: Array
    base: Array
    dtype: type
    absent: int
    first: int = 0

    def part(self, index: int) -> NewClasses:
        """Return what strip ``index`` needs."""
        begin, end = self.base[index - self.first : index - self.first + 2].tolist()
        return self._replace(value=self.value[begin:end], base=np.array([0, end - begin]), first=index)

    def apply(self, codes: Array, absent: int, index: int, *, eight: bool) -> tuple[Array, int]:
        """Return the codes of strip ``index`` with the new classes, and their code of absent pixels."""
        runs = label(codes, absent, eight=eight)
        out: Array = np.full(codes.shape, self.absent, self.dtype)
        paint(*runs[:4], self.part(index).value, out)
        return out, self.absent


def merge_small(sketches: Iterable[Sketch], least: float, keep: Iterable[int]) -> NewClasses:
    """Apply the rule to strips from top to bottom.

    Parameters
    ----------
    sketches
        All strips.
    least
        Minimum area, in the units of ``Sketch.area``.
    keep
        Classes that are never dissolved.
    """
    tables: list[Sketch] = []
    base = [0]
    seams = []
    for item in sketches:
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
    final = _merged(int(np.ceil(least)), value, area, fixed, pair, length)[region]
    low, high = int(final.min()), int(final.max())
    dtype: type = np.uint8 if low >= 0 and high < 255 else np.int32
    return NewClasses(final.astype(dtype), np.array(base), dtype, 255 if dtype is np.uint8 else low - 1)


def _roots(count: int, seams: Iterable[tuple[Array, Array]], groups: Iterable[tuple[int, Array]]) -> Array:
    """Regions that are one over seams, or by corners, get one number."""
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
    """Renumber regions by their last pixels, which no cut into strips changes."""
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


def _merged(least: int, value: Array, area: Array, fixed: Array, pair: Array, length: Array) -> Array:
    """Return the new class of every canonical region."""
    count = value.size
    a, b = pair >> 32, pair & 0xFFFFFFFF
    owner, other, length = np.r_[a, b], np.r_[b, a], np.r_[length, length]
    # Neighbours matter to regions that may go, and to none else.
    needed = (area[owner] < least) & ~fixed[owner]
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
        least, area, value, fixed, head, tail, follow, other, length, parent, scratch,
        *np.empty((5, count), np.int64),
    )  # fmt: skip
    flatten(parent)
    return value[parent]
