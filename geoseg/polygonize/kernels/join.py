"""Join regions and boundaries across the seams of strips.

The state between two strips holds *open* polygons only: those that may still grow. Two strips share one row of pixels,
which both have labelled, and the vertical edges that cross the seam. Joining is union-find over the runs of that row
and linking of chain ends at the same port; no geometry is compared.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geoseg.jit import compiled
from geoseg.polygonize.kernels.runs import find, union
from geoseg.polygonize.kernels.types import Array


class Open(NamedTuple):
    """The open parts of a strip or of the frontier, numbered 0 … parts - 1.

    Attributes
    ----------
    value, last, sums, confidence_min
        Per part, as ``runs.measure`` returns them.
    group
        int32 (parts): the polygon each part belongs to, dense.
    below
        int32: part of each run of the last row.
    """

    value: Array
    last: Array
    sums: Array
    confidence_min: Array
    group: Array
    below: Array


class BoundaryPool(NamedTuple):
    """Boundaries of open parts: linked lists of pieces over one array of vertices.

    Attributes
    ----------
    xy
        int32 (2·capacity); ``used[0]`` vertices are occupied, of which ``used[1]`` are no longer needed.
    start, length, follow
        int64 (pieces): vertices of each piece, and the piece that continues it or -1. ``used[2]`` pieces are occupied.
    ring_piece, ring_part
        int64 (rings): first piece of each closed boundary, and its part.
    chain_first, chain_end, chain_part, chain_head, chain_tail
        int64 (chains): first and last piece, part, and the columns of both ports of each open boundary.
    """

    xy: Array
    used: Array
    start: Array
    length: Array
    follow: Array
    ring_piece: Array
    ring_part: Array
    chain_first: Array
    chain_end: Array
    chain_part: Array
    chain_head: Array
    chain_tail: Array


def empty_pool() -> BoundaryPool:
    """Return a pool without boundaries."""
    none = np.zeros(0, np.int64)
    return BoundaryPool(np.empty(1 << 14, np.int32), np.zeros(3, np.int64), none, none, none, *(none,) * 7)


def empty_open(sums: int) -> Open:
    """Return the state without open parts, with so many sums per part."""
    none = np.zeros(0, np.int32)
    return Open(none, np.zeros(0, np.int64), np.zeros((0, sums), np.int64), none, none, none)


def add_pieces(pool: BoundaryPool, xy: Array, length: Array) -> tuple[BoundaryPool, int]:
    """Append pieces whose vertices are concatenated in ``xy``; return the new pool and the first piece's number."""
    used, _, pieces = (int(v) for v in pool.used)
    vertices = xy.size // 2
    store = pool.xy
    if 2 * used + xy.size > store.size:
        store = np.empty(max(int(store.size * 1.5), 2 * used + xy.size), np.int32)
        store[: 2 * used] = pool.xy[: 2 * used]
    store[2 * used : 2 * used + xy.size] = xy
    ends = np.cumsum(length)
    start = np.concatenate([pool.start[:pieces], used + ends - length])
    follow = np.full(start.size, -1, np.int64)
    follow[:pieces] = pool.follow[:pieces]
    counts = np.array([used + vertices, pool.used[1], start.size], np.int64)
    lengths = np.concatenate([pool.length[:pieces], length])
    return pool._replace(xy=store, used=counts, start=start, length=lengths, follow=follow), pieces


def join_parts(old_below: Array, new_above: Array, old_group: Array, new_group: Array) -> tuple[Array, Array]:
    """Union the parts of the frontier with those of a strip along their common row.

    Returns the root part and the root group of each of the ``old + new`` parts.
    """
    count = old_group.size + new_group.size
    part = np.arange(count, dtype=np.int32)
    group = np.arange(count, dtype=np.int32)
    seen = np.full(count, -1, np.int32)
    # Both sides number their groups from 0: shift the second.
    members = np.concatenate([old_group, new_group + old_group.size]).astype(np.int32)
    _join_parts(old_below, new_above, old_group.size, members, seen, part, group)
    return part, group


@compiled
def _join_parts(
    old_below: Array, new_above: Array, old: int, members: Array, seen: Array, part: Array, group: Array
) -> None:
    for p in range(members.size):
        g = members[p]
        if seen[g] < 0:
            seen[g] = p
        else:
            union(group, seen[g], p)
    for k in range(old_below.size):
        union(part, old_below[k], old + new_above[k])
        union(group, old_below[k], old + new_above[k])
    for p in range(members.size):
        part[p] = find(part, p)
        group[p] = find(group, p)


def link_chains(
    width: int,
    follow: Array,
    first: Array,
    end: Array,
    old_ports: tuple[Array, Array],
    new_ports: tuple[Array, Array],
) -> tuple[Array, Array, Array]:
    """Join chains across a seam at the ports that they share.

    Units are the old chains, then the new ones; ``first`` and ``end`` are their first and last pieces, old and new.
    ``follow`` is updated. Returns, per unit, its kind (1: begins an open chain, 2: begins a ring, 0: continues another
    unit), and the last piece and last unit of the chain or ring that it begins.
    """
    units = first.size
    kind = np.zeros(units, np.uint8)
    last_piece, last_unit = np.full(units, -1, np.int64), np.full(units, -1, np.int64)
    begins_at, heads_at = np.full(width, -1, np.int64), np.full(width, -1, np.int64)
    done = np.zeros(units, np.uint8)
    _link(follow, first, end, *old_ports, *new_ports, begins_at, heads_at, done, kind, last_piece, last_unit)
    return kind, last_piece, last_unit


@compiled
def _link(
    follow: Array,
    first: Array,
    end: Array,
    old_head: Array,
    old_tail: Array,
    new_head: Array,
    new_tail: Array,
    begins_at: Array,  # the new chain whose head is at the port of a column
    heads_at: Array,  # the old chain whose head is there
    done: Array,
    kind: Array,
    last_piece: Array,
    last_unit: Array,
) -> None:
    width = begins_at.size
    old = old_head.size
    units = done.size
    for o in range(old):
        heads_at[old_head[o]] = o
    for c in range(new_head.size):
        if new_head[c] < width:
            begins_at[new_head[c]] = old + c
    for sweep in range(2):
        for u in range(units):
            # First chains that begin on the last line; those left over form cycles.
            if done[u] or (sweep == 0 and (u < old or new_head[u - old] < width)):
                continue
            kind[u] = 1 + sweep
            current = u
            while True:
                done[current] = 1
                if current < old:
                    following = begins_at[old_tail[current]]
                elif new_tail[current - old] < width:
                    following = heads_at[new_tail[current - old]]
                else:
                    following = -1
                if following < 0 or following == u:
                    break
                follow[end[current]] = first[following]
                current = following
            last_piece[u] = end[current]
            last_unit[u] = current


def gather(pool: BoundaryPool, heads: Array) -> tuple[Array, Array]:
    """Copy linked pieces into one array, boundary by boundary; return it and the offset of each."""
    ptr = np.zeros(heads.size + 1, np.int64)
    _count(pool.length, pool.follow, heads, ptr)
    out = np.empty(2 * int(ptr[-1]), np.int32)
    _gather(pool.xy, pool.start, pool.length, pool.follow, heads, out)
    return out, ptr


@compiled
def _count(length: Array, follow: Array, heads: Array, ptr: Array) -> None:
    total = 0
    for h in range(heads.size):
        piece = heads[h]
        while piece >= 0:
            total += length[piece]
            piece = follow[piece]
        ptr[h + 1] = total


@compiled
def _gather(xy: Array, start: Array, length: Array, follow: Array, heads: Array, out: Array) -> None:
    at = 0
    for h in range(heads.size):
        piece = heads[h]
        while piece >= 0:
            for k in range(2 * start[piece], 2 * (start[piece] + length[piece])):
                out[at] = xy[k]
                at += 1
            piece = follow[piece]


@compiled
def accumulate(root: Array, last: Array, sums: Array, confidence_min: Array) -> None:
    """Add the attributes of each part to those of its root, in place."""
    for p in range(root.size):
        r = root[p]
        if r != p:
            last[r] = max(last[r], last[p])
            confidence_min[r] = min(confidence_min[r], confidence_min[p])
            for k in range(sums.shape[1]):
                sums[r, k] += sums[p, k]


def pick(xy: Array, ptr: Array, chosen: Array) -> tuple[Array, Array]:
    """Copy the chosen pieces into one array; return it and their lengths."""
    start = ptr[chosen].astype(np.int64)
    length = ptr[chosen + 1] - start
    out = np.empty(2 * int(length.sum()), np.int32)
    unlinked = np.full(chosen.size, -1, np.int64)
    _gather(xy, start, length, unlinked, np.arange(chosen.size), out)
    return out, length
