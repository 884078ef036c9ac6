"""Trace the strips of a raster and join them: finished polygons are returned, open ones are carried on.

``trace_strip`` is a pure function of its pixels and may run anywhere, in any order. ``Frontier.push`` takes the strips
from top to bottom.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geoseg.geodesy import StripAreas
from geoseg.polygonize.kernels import join, trace
from geoseg.polygonize.kernels.join import BoundaryPool, Open
from geoseg.polygonize.kernels.rings import Rings, arrange
from geoseg.polygonize.kernels.runs import Confidence, label, measure, touching
from geoseg.polygonize.kernels.types import Array


class Finished(NamedTuple):
    """Complete polygons, sorted by their last pixel in row-major order.

    Attributes
    ----------
    rings
        Rings of all parts; a polygon has one part, with 8-connectivity one or more.
    feature
        int64 (features + 1): parts of each polygon.
    value
        int32 (features): code of its pixels.
    last
        int64 (features): flat raster index of its last pixel.
    sums, confidence_min
        Per polygon, as ``runs.measure`` returns them per region; with clusters, a fifth sum tells large groups.
    cluster
        int64 (clusters + 1): polygons of each group of touching ones, if these are traced together; ``last`` then is
        that of the group.
    """

    rings: Rings
    feature: Array
    value: Array
    last: Array
    sums: Array
    confidence_min: Array
    cluster: Array


class Strip(NamedTuple):
    """A traced strip: finished polygons, and the parts and boundaries that its seams leave open."""

    finished: Finished | None
    open: Open
    above: Array
    xy: Array
    length: Array
    part: Array
    head: Array
    tail: Array
    width: int


@dataclass(frozen=True)
class Tracing:
    """Options of tracing, the same for all strips of a raster.

    Attributes
    ----------
    height
        Rows of the raster.
    eight
        Parts of equal value that touch at corners are one polygon.
    nodes
        Vertices where boundaries meet are kept and flagged.
    clusters
        Polygons that touch, also at corners, are finished together.
    """

    height: int
    eight: bool = False
    nodes: bool = False
    clusters: bool = False


def trace_strip(
    codes: Array,
    absent: int,
    first_row: int,
    tracing: Tracing,
    areas: StripAreas,
    confidence: Confidence,
    large: Array | None = None,
) -> Strip:
    """Trace one strip.

    Parameters
    ----------
    codes
        uint8 or int32 (1 + rows, 1 + columns + 1): the row above the strip (``absent`` above the raster), then its
        rows; one column of ``absent`` on each side. The strip that ends the raster has one more row of ``absent``.
    absent
        The code of pixels outside all polygons.
    first_row
        Raster row of ``codes[1]``.
    tracing
        Options.
    areas
        Areas of the pixels of these rows.
    confidence
        Confidence of the strip's pixels, without rows if there is no confidence raster.
    large
        bool per group of touching polygons, see ``regular.groups``: the polygons of these are finished one by one. With
        it, a fifth sum is not 0 for them.
    """
    runs = label(codes, absent, eight=tracing.eight)
    group = touching(runs) if tracing.clusters else runs.group
    if large is not None:
        alone = large[group]
        group = np.where(alone, group.size + np.arange(group.size), group)
        group = np.unique(group, return_inverse=True)[1].astype(np.int32)
    runs = runs._replace(group=group)
    regions = runs.group.size
    value, last, sums, confidence_min = measure(codes, runs, first_row, areas, confidence)
    if large is not None:
        sums = np.column_stack([sums, alone])
    pieces = trace.trace(codes, absent, runs, first_row, tracing.height, nodes=tracing.nodes)
    above = runs.region[: runs.row_ptr[1]]
    below = runs.region[runs.row_ptr[-2] :]
    groups = int(runs.group.max()) + 1 if regions else 0
    open_group = np.zeros(groups, bool)
    open_group[runs.group[above]] = True
    open_group[runs.group[below]] = True
    is_open = open_group[runs.group]

    closed = np.flatnonzero(~is_open)
    number = np.full(regions, -1, np.int64)
    number[closed] = np.arange(closed.size)
    chosen = np.flatnonzero(~is_open[pieces.region])
    finished = finish(
        pieces.xy,
        pieces.ptr[chosen].astype(np.int64),
        pieces.ptr[chosen + 1].astype(np.int64),
        number[pieces.region[chosen]],
        runs.group[closed],
        (value[closed], last[closed], sums[closed], confidence_min[closed]),
        clusters=tracing.clusters,
    )

    kept = np.flatnonzero(is_open)
    number[kept] = np.arange(kept.size)
    _, group = np.unique(runs.group[kept], return_inverse=True)
    left = Open(
        value[kept],
        last[kept],
        sums[kept],
        confidence_min[kept],
        group.astype(np.int32),
        number[below].astype(np.int32),
    )
    chosen = np.flatnonzero(is_open[pieces.region])
    xy, length = join.pick(pieces.xy, pieces.ptr, chosen)
    return Strip(
        finished, left, number[above].astype(np.int32), xy, length, number[pieces.region[chosen]],
        pieces.head[chosen].astype(np.int64), pieces.tail[chosen].astype(np.int64), codes.shape[1],
    )  # fmt: skip


def finish(
    xy: Array,
    start: Array,
    stop: Array,
    ring_part: Array,
    group: Array,
    table: tuple[Array, Array, Array, Array],
    *,
    clusters: bool,
) -> Finished:
    """Build polygons from closed boundaries of complete parts.

    Parts of equal ``group`` make one polygon, or with ``clusters`` one group of them; ``table`` is (value, last, sums,
    confidence_min) per part.
    """
    value, last, sums, confidence_min = table
    parts = value.size
    # Order polygons by the last pixel of any part, parts within by their own last pixel.
    _, member = np.unique(group, return_inverse=True)
    features = int(member.max()) + 1 if parts else 0
    if features == parts:
        order = np.argsort(last, kind="stable")
    else:
        ends = np.zeros(features, np.int64)
        np.maximum.at(ends, member, last)
        order = np.lexsort((last, ends[member]))
    rank = np.empty(parts, np.int64)
    rank[order] = np.arange(parts)
    rings = arrange(xy, start, stop, rank[ring_part], parts)
    value, last, sums, confidence_min, member = (
        value[order],
        last[order],
        sums[order],
        confidence_min[order],
        member[order],
    )
    each = np.arange(parts + 1)
    if features == parts:
        return Finished(rings, each, value, last, sums, confidence_min, each)
    first = np.flatnonzero(np.r_[True, member[1:] != member[:-1]])
    if clusters:
        return Finished(rings, each, value, ends[member], sums, confidence_min, np.r_[first, parts])
    feature = np.r_[first, parts]
    return Finished(
        rings,
        feature,
        value[first],
        np.maximum.reduceat(last, first),
        np.add.reduceat(sums, first),
        np.minimum.reduceat(confidence_min, first),
        np.arange(first.size + 1),
    )


class Frontier:
    """The polygons still open after the strips so far; with ``clusters`` also those that touch one of them."""

    def __init__(self, *, clusters: bool = False) -> None:
        self._clusters = clusters
        self._open = join.empty_open(5 if clusters else 4)
        self._pool = join.empty_pool()

    def push(self, strip: Strip) -> Finished:
        """Join the next strip below; return the polygons that it completes, ``strip.finished`` excluded."""
        old, new = self._open, strip.open
        count = old.value.size
        part, group = join.join_parts(old.below, strip.above, old.group, new.group)
        table = [np.concatenate(pair) for pair in zip(old[:4], new[:4], strict=True)]
        join.accumulate(part, *table[1:])

        open_group = np.zeros(part.size, bool)
        open_group[group[count + new.below]] = True
        roots = np.flatnonzero(part == np.arange(part.size))
        still_open = open_group[group[roots]]
        number = np.full(part.size, -1, np.int64)
        kept, gone = roots[still_open], roots[~still_open]
        number[kept] = np.arange(kept.size)
        number[gone] = np.arange(gone.size)
        is_gone = ~open_group[group]

        pool = self._join_boundaries(strip, part, count)
        leaving = is_gone[pool.ring_part]
        xy, ptr = join.gather(pool, pool.ring_piece[leaving])
        done = finish(
            xy, ptr[:-1], ptr[1:], number[pool.ring_part[leaving]], group[gone],
            (table[0][gone], table[1][gone], table[2][gone], table[3][gone]), clusters=self._clusters,
        )  # fmt: skip

        _, dense = np.unique(group[kept], return_inverse=True)
        below = number[part[count + new.below]].astype(np.int32)
        self._open = Open(table[0][kept], table[1][kept], table[2][kept], table[3][kept], dense.astype(np.int32), below)
        pool.used[1] += xy.size // 2
        self._pool = _compact(
            pool._replace(
                ring_piece=pool.ring_piece[~leaving],
                ring_part=number[pool.ring_part[~leaving]],
                chain_part=number[pool.chain_part],
            )
        )
        return done

    def _join_boundaries(self, strip: Strip, part: Array, count: int) -> BoundaryPool:
        """Append the strip's pieces and join chains across the seam; parts become the roots in ``part``."""
        pool, base = join.add_pieces(self._pool, strip.xy, strip.length)
        ring = strip.head < 0
        pieces = base + np.arange(strip.head.size)
        old = pool.chain_head.size
        new_head, new_tail = strip.head[~ring], strip.tail[~ring]
        first = np.concatenate([pool.chain_first, pieces[~ring]])
        end = np.concatenate([pool.chain_end, pieces[~ring]])
        owner = part[np.concatenate([pool.chain_part, count + strip.part[~ring]])]
        kind, last_piece, last_unit = join.link_chains(
            strip.width, pool.follow, first, end, (pool.chain_head, pool.chain_tail), (new_head, new_tail)
        )
        chains, cycles = np.flatnonzero(kind == 1), np.flatnonzero(kind == 2)
        return pool._replace(
            ring_piece=np.concatenate([pool.ring_piece, pieces[ring], first[cycles]]),
            ring_part=np.concatenate([part[pool.ring_part], part[count + strip.part[ring]], owner[cycles]]),
            chain_first=first[chains],
            chain_end=last_piece[chains],
            chain_part=owner[chains],
            chain_head=new_head[chains - old] - strip.width,
            chain_tail=new_tail[last_unit[chains] - old] - strip.width,
        )

    @property
    def is_empty(self) -> bool:
        """Whether no polygon is open."""
        return self._open.value.size == 0

    @property
    def nbytes(self) -> int:
        """Memory of the open boundaries, in bytes."""
        return sum(array.nbytes for array in self._pool)


def _compact(pool: BoundaryPool) -> BoundaryPool:
    """Drop vertices and pieces that are no longer needed, once they are more than half."""
    used, garbage, pieces = (int(v) for v in pool.used)
    live = pool.ring_piece.size + pool.chain_first.size
    if 2 * garbage <= used and pieces <= 4 * live + 4096:
        return pool
    heads = np.concatenate([pool.ring_piece, pool.chain_first])
    xy, ptr = join.gather(pool, heads)
    rings = pool.ring_piece.size
    number = np.arange(heads.size)
    return pool._replace(
        xy=xy if xy.size else np.empty(1 << 14, np.int32),
        used=np.array([xy.size // 2, 0, heads.size], np.int64),
        start=ptr[:-1].copy(),
        length=np.diff(ptr),
        follow=np.full(heads.size, -1, np.int64),
        ring_piece=number[:rings],
        chain_first=number[rings:],
        chain_end=number[rings:],
    )
