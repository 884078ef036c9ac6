"""Adjacency of regions, and merging of small regions into their neighbours."""

from __future__ import annotations

import numpy as np

from geoseg.jit import compiled
from geoseg.polygonize.kernels.runs import Runs, find
from geoseg.polygonize.kernels.types import Array


@compiled
def _touching(
    row_ptr: Array, start: Array, stop: Array, region: Array, line_weight: Array, row_weight: Array,
    corners: bool, pair: Array, length: Array,  # noqa: FBT001
) -> int:  # fmt: skip
    """List shared edges, run by run, as pairs (smaller << 32) + larger; return their number."""
    n = 0
    for i in range(1, row_ptr.size - 1):
        above = row_ptr[i - 1]
        for k in range(row_ptr[i], row_ptr[i + 1]):
            if k > row_ptr[i] and stop[k - 1] == start[k]:
                a = region[k - 1]
                b = region[k]
                if a != b:
                    pair[n] = (np.int64(min(a, b)) << 32) + max(a, b)
                    length[n] = row_weight[i - 1]
                    n += 1
            reach = 1 if corners else 0
            while above < row_ptr[i] and stop[above] + reach <= start[k]:
                above += 1
            j = above
            while j < row_ptr[i] and start[j] < stop[k] + reach:
                a = region[j]
                b = region[k]
                if a != b:
                    pair[n] = (np.int64(min(a, b)) << 32) + max(a, b)
                    length[n] = max(min(stop[j], stop[k]) - max(start[j], start[k]), 0) * line_weight[i - 1]
                    n += 1
                j += 1
    return n


def shared_edges(runs: Runs, line_weight: Array, row_weight: Array, *, corners: bool) -> tuple[Array, Array]:
    """Return the pairs of regions of a strip that touch, and the length that each pair shares.

    Parameters
    ----------
    runs
        Runs of the strip; row 0 repeats the last row of the strip above.
    line_weight, row_weight
        int64: length of a horizontal pixel edge per lattice line, and of a vertical one per row, for rows 1 ….
    corners
        Include pairs that touch at corners only, with length 0.

    Returns
    -------
    pair : int64, (smaller region << 32) + larger region, sorted
    length : int64
    """
    capacity = 4 * runs.start.size + 1
    pair, length = np.empty(capacity, np.int64), np.empty(capacity, np.int64)
    n = _touching(runs.row_ptr, runs.start, runs.stop, runs.region, line_weight, row_weight, corners, pair, length)
    return summed(pair[:n], length[:n])


def summed(pair: Array, length: Array) -> tuple[Array, Array]:
    """Sort pairs and sum the lengths of equal ones."""
    if not pair.size:
        return pair.copy(), length.copy()
    order = np.argsort(pair, kind="stable")
    pair = pair[order]
    first = np.flatnonzero(np.r_[True, pair[1:] != pair[:-1]])
    return pair[first], np.add.reduceat(length[order], first)


@compiled
def _push(heap: Array, size: int, area: Array, rank: Array, item: int) -> None:
    """Add a region to a heap of ``size`` regions, sorted by area, then rank."""
    k = size
    while k:
        up = (k - 1) >> 1
        other = heap[up]
        if area[other] < area[item] or (area[other] == area[item] and rank[other] < rank[item]):
            break
        heap[k] = other
        k = up
    heap[k] = item


@compiled
def _pop(heap: Array, size: int, area: Array, rank: Array) -> int:
    """Remove and return the smallest of ``size`` regions; the caller decrements ``size``."""
    top = heap[0]
    item = heap[size - 1]
    k = 0
    while 2 * k + 1 < size - 1:
        down = 2 * k + 1
        if down + 1 < size - 1:
            a = heap[down]
            b = heap[down + 1]
            if area[b] < area[a] or (area[b] == area[a] and rank[b] < rank[a]):
                down += 1
        other = heap[down]
        if area[item] < area[other] or (area[item] == area[other] and rank[item] < rank[other]):
            break
        heap[k] = other
        k = down
    heap[k] = item
    return int(top)


@compiled
def dissolve(  # noqa: PLR0915
    min_area: int, area: Array, value: Array, fixed: Array, head: Array, tail: Array, follow: Array, other: Array,
    length: Array, parent: Array, shared: Array, met: Array, heap: Array, stale: Array, stale_rank: Array, rank: Array,
) -> None:  # fmt: skip
    """Merge until no region that may be merged is smaller than ``min_area``, by the rule of ``minimum_mapping_unit``.

    ``head``, ``tail``, ``follow``, ``other`` and ``length`` are linked lists of the neighbours of such regions.
    ``parent`` is passed as the identity and returned as the forest of merged regions, whose roots keep ``value``.
    Regions may grow while they are in the heap: each is there once, and is pushed again if its area has changed when it
    is popped. ``stale`` and ``stale_rank`` are the area and rank with which it was pushed, ``rank`` is the order of
    last pixels; these, ``met`` and ``heap`` are scratch of any content, ``shared`` is scratch filled with -1.
    """
    size = 0
    for r in range(area.size):
        stale[r] = area[r]
        stale_rank[r] = r
        rank[r] = r
        if area[r] < min_area and not fixed[r]:
            _push(heap, size, stale, stale_rank, r)
            size += 1
    while size:
        r = _pop(heap, size, stale, stale_rank)
        size -= 1
        if parent[r] != r or area[r] >= min_area:
            continue
        if stale[r] != area[r]:
            stale[r] = area[r]
            stale_rank[r] = rank[r]
            _push(heap, size, stale, stale_rank, r)
            size += 1
            continue
        count = 0
        entry = head[r]
        while entry >= 0:
            u = find(parent, other[entry])
            if u != r:
                if shared[u] < 0:
                    shared[u] = 0
                    met[count] = u
                    count += 1
                shared[u] += length[entry]
            entry = follow[entry]
        best = -1
        for k in range(count):
            u = met[k]
            if shared[u] <= 0:
                continue
            if (
                best < 0
                or shared[u] > shared[best]
                or (
                    shared[u] == shared[best]
                    and (area[u] > area[best] or (area[u] == area[best] and rank[u] < rank[best]))
                )
            ):
                best = u
        if best >= 0:
            # Keep one entry per neighbour, for the region that this one is merged into.
            entry = head[r]
            last = -1
            for k in range(count):
                other[entry] = met[k]
                length[entry] = shared[met[k]]
                last = entry
                entry = follow[entry]
            follow[last] = -1
            tail[r] = last
        for k in range(count):
            shared[met[k]] = -1
        if best < 0:
            continue
        parent[r] = best
        area[best] += area[r]
        rank[best] = max(rank[best], rank[r])
        _append(head, tail, follow, best, r)
        for k in range(count):
            u = met[k]
            # Neighbours of the new class become one region with it.
            if u != best and value[u] == value[best]:
                parent[u] = best
                area[best] += area[u]
                rank[best] = max(rank[best], rank[u])
                _append(head, tail, follow, best, u)


@compiled
def _append(head: Array, tail: Array, follow: Array, target: int, source: int) -> None:
    """Append the neighbours of one region to those of another."""
    if head[source] < 0:
        return
    if head[target] < 0:
        head[target] = head[source]
    else:
        follow[tail[target]] = head[source]
    tail[target] = tail[source]
