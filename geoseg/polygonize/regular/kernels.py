"""How far new edges stray from the traced boundary, and whether they come near to other polygons' boundaries."""

from __future__ import annotations

import numpy as np

from geoseg.jit import compiled
from geoseg.polygonize.kernels.lattice import edges_at
from geoseg.polygonize.kernels.types import Array

_AROUND = 64
"""Traced segments before and after the nearest one to a sample among which that of the next sample is sought."""


@compiled
def _squared(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Return the squared distance of a point from a segment."""
    dx = bx - ax
    dy = by - ay
    ex = px - ax
    ey = py - ay
    length = dx * dx + dy * dy
    if length > 0:
        t = min(max((ex * dx + ey * dy) / length, 0.0), 1.0)
        ex -= t * dx
        ey -= t * dy
    return float(ex * ex + ey * ey)


@compiled
def _is_own(keys: Array, owner: Array, key: int, cluster: int) -> bool:
    low = 0
    high = keys.size
    while low < high:
        middle = (low + high) >> 1
        if keys[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low < keys.size and keys[low] == key and owner[low] == cluster


@compiled
def strays(
    x: Array, y: Array, start: Array, stop: Array, ring: Array, begin: Array, count: Array, before: Array,
    following: Array, side: Array, edge: Array, tail_x: Array, tail_y: Array, head_x: Array, head_y: Array,
    wide: Array, high: Array, traced: Array, inner: Array, outer: Array,
) -> None:  # fmt: skip
    """Measure in metres how far each new edge is from the boundary that it replaces, as each of ``side`` sees it.

    ``inner`` is the largest distance of the boundary's vertices from the new outline, ``outer`` that of points of the
    edge from the boundary; both are 0 where ``traced`` is 1, for edges that stay as they were traced.
    """
    for n in range(side.size):
        inner[n] = 0.0
        outer[n] = 0.0
        k = side[n]
        e = edge[k]
        if traced[e]:
            continue
        r = ring[k]
        size = stop[r] - start[r]
        sx = wide[e]
        sy = high[e]
        p = before[k]
        q = following[k]
        # Vertices of the boundary from the new edge and its neighbours.
        worst = 0.0
        for i in range(count[k] + 1):
            at = start[r] + (begin[k] - start[r] + i) % size
            vx = x[at] * sx
            vy = y[at] * sy
            near = _squared(vx, vy, tail_x[k] * sx, tail_y[k] * sy, head_x[k] * sx, head_y[k] * sy)
            if not traced[edge[p]]:
                near = min(near, _squared(vx, vy, tail_x[p] * sx, tail_y[p] * sy, head_x[p] * sx, head_y[p] * sy))
            if not traced[edge[q]]:
                near = min(near, _squared(vx, vy, tail_x[q] * sx, tail_y[q] * sy, head_x[q] * sx, head_y[q] * sy))
            worst = max(worst, near)
        inner[n] = np.sqrt(worst)
        worst = 0.0
        # Points of the new edge from the boundary: that of the edge and of its neighbours.
        total = min(count[p] + count[k] + count[q], size)
        dx = head_x[k] - tail_x[k]
        dy = head_y[k] - tail_y[k]
        steps = int(np.ceil(2 * max(abs(dx), abs(dy)))) + 1
        nearest = -1
        for s in range(steps + 1):
            vx = (tail_x[k] + dx * s / steps) * sx
            vy = (tail_y[k] + dy * s / steps) * sy
            low = 0
            last = total
            if nearest >= 0:
                low = max(nearest - _AROUND, 0)
                last = min(nearest + _AROUND, total)
            best = -1.0
            for i in range(low, last):
                a = start[r] + (begin[p] - start[r] + i) % size
                b = start[r] + (begin[p] - start[r] + i + 1) % size
                d = _squared(vx, vy, x[a] * sx, y[a] * sy, x[b] * sx, y[b] * sy)
                if best < 0 or d < best:
                    best = d
                    nearest = i
            worst = max(worst, best)
        outer[n] = np.sqrt(worst)


@compiled
def intrudes(
    lattice: Array, width: int, height: int, keys: Array, owner: Array, side: Array, cluster: Array, tail_x: Array,
    tail_y: Array, head_x: Array, head_y: Array, wide: Array, high: Array, stray: Array, found: Array,
) -> None:  # fmt: skip
    """Write into ``found`` whether a boundary of other polygons is as near to a new edge as its own may be.

    Every point of a new edge that passes is nearer to its own polygons' traced boundary than to that of others, so new
    edges of two groups of polygons, which no one compares, cannot meet.
    """
    for e in range(side.size):
        found[e] = 0
        if stray[e] <= 0:
            continue
        k = side[e]
        sx = wide[e]
        sy = high[e]
        # Half a step between samples, and half a side of a pixel: boundaries are known at the corners of pixels.
        reach = stray[e] + 0.8 * max(sx, sy)
        low_x = max(int(np.floor(min(tail_x[k], head_x[k]) - reach / sx)), 0)
        high_x = min(int(np.ceil(max(tail_x[k], head_x[k]) + reach / sx)), width)
        low_y = max(int(np.floor(min(tail_y[k], head_y[k]) - reach / sy)), 0)
        high_y = min(int(np.ceil(max(tail_y[k], head_y[k]) + reach / sy)), height)
        dx = (head_x[k] - tail_x[k]) * sx
        dy = (head_y[k] - tail_y[k]) * sy
        length = np.sqrt(dx * dx + dy * dy)
        for row in range(low_y, high_y + 1):
            for col in range(low_x, high_x + 1):
                ex = (col - tail_x[k]) * sx
                ey = (row - tail_y[k]) * sy
                if abs(dx * ey - dy * ex) > reach * length and length > 0:
                    continue
                if edges_at(lattice, col, row) == 0:
                    continue
                if _squared(col * sx, row * sy, tail_x[k] * sx, tail_y[k] * sy, head_x[k] * sx, head_y[k] * sy) > (
                    reach * reach
                ):
                    continue
                if not _is_own(keys, owner, (row << 32) + col, cluster[e]):
                    found[e] = 1
                    break
            if found[e]:
                break
