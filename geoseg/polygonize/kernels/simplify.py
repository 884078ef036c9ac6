"""Simplify boundaries, each shared one once, in any order, without gaps, overlaps or lost rings.

An *arc* is the boundary between two nodes, points where three or more boundaries meet (or a ring without nodes). It is
simplified by the method of Douglas and Peucker (1973, "Algorithms for the reduction of the number of points required to
represent a digitized line", Cartographica 10(2)): a chord replaces a stretch of an arc if no vertex is farther from it
than the tolerance; else the stretch is split at the farthest vertex. The direction of an arc is defined by its
coordinates, so both neighbours get the same points.

**Guard.** A chord is accepted only if the area between it and its stretch holds no point of any other boundary. Then
the result has the topology of the raster, whatever happens elsewhere: suppose two chords a and b crossed. The ends of b
lie outside the area of a, so b, which crosses a once, must also cross the stretch of a; the straight edge of that
stretch which it crosses then enters the area of b, may cross b only once and the stretch of b never, so it ends inside:
a point of another boundary in the area of b, which the guard excludes. The guard looks only at the raster's own
boundaries, not at simplified ones, so it needs no order, no lock, and not the whole map in memory. (de Berg, van
Kreveld, Schirra, "Topologically correct subdivision simplification using the bandwidth criterion", 1998, use the same
area; here "other boundary" is a lookup in a bitmap.)

Two arcs between the same two nodes may not both become their chord (``_rival``), and a ring keeps at least three
vertices (``_loop``); both are decided locally.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from geoseg.jit import compiled
from geoseg.polygonize.kernels.chord import clear
from geoseg.polygonize.kernels.lattice import edges_at
from geoseg.polygonize.kernels.rings import Rings
from geoseg.polygonize.kernels.types import NODE, PLAIN, Array


@compiled
def _farthest(xs: Array, ys: Array, i: int, j: int, sx: float, sy: float) -> Any:
    """Return the first vertex between ``i`` and ``j`` farthest from their chord, and its squared distance."""
    ax = xs[i] * sx
    ay = ys[i] * sy
    dx = xs[j] * sx - ax
    dy = ys[j] * sy - ay
    length = dx * dx + dy * dy
    best = -1.0
    at = -1
    for k in range(i + 1, j):
        ex = xs[k] * sx - ax
        ey = ys[k] * sy - ay
        if length > 0:
            t = min(max((ex * dx + ey * dy) / length, 0.0), 1.0)
            ex -= t * dx
            ey -= t * dy
        d = ex * ex + ey * ey
        if d > best:
            best = d
            at = k
    return at, best


@compiled
def _divide(
    xs: Array,
    ys: Array,
    i: int,
    j: int,
    sx: float,
    sy: float,
    limit: float,
    keep: Array,
    lattice: Array,
    stack: Array,
    own: Array,
    walls: Array,
) -> None:
    """Mark in ``keep`` the vertices to keep between two that are kept."""
    stack[0] = i
    stack[1] = j
    top = 2
    while top:
        top -= 2
        a = stack[top]
        b = stack[top + 1]
        if b - a < 2:
            continue
        at, far = _farthest(xs, ys, a, b, sx, sy)
        if far <= limit and clear(xs, ys, a, b, lattice, own, walls):
            continue
        keep[at] = 1
        stack[top] = a
        stack[top + 1] = at
        stack[top + 2] = at
        stack[top + 3] = b
        top += 4


@compiled
def _is_node(lattice: Array, x: int, y: int, edges: int, width: int) -> bool:
    count = (edges & 1) + ((edges >> 1) & 1) + ((edges >> 2) & 1) + ((edges >> 3) & 1)
    return count > 2 or ((x in (0, width)) and (y in (0, lattice.shape[0] - 1)))


@compiled
def _rival(xs: Array, ys: Array, last: int, lattice: Array, width: int, reach_x: float, reach_y: float) -> bool:
    """Whether another arc joins the same two nodes and could become the same chord.

    It cannot where it leaves the chord by more than the tolerance, so it is followed only near the chord.
    """
    px = xs[0]
    py = ys[0]
    qx = xs[last]
    qy = ys[last]
    low_x = min(px, qx) - reach_x
    high_x = max(px, qx) + reach_x
    low_y = min(py, qy) - reach_y
    high_y = max(py, qy) + reach_y
    own = 0
    if ys[1] > py:
        own = 1
    elif xs[1] < px:
        own = 2
    elif ys[1] < py:
        own = 3
    start = edges_at(lattice, px, py)
    for first in range(4):
        if first == own or not (start >> first) & 1:
            continue
        x = px
        y = py
        heading = first
        while True:
            if heading == 0:
                x += 1
            elif heading == 1:
                y += 1
            elif heading == 2:
                x -= 1
            else:
                y -= 1
            if x == qx and y == qy:
                return True
            if x < low_x or x > high_x or y < low_y or y > high_y:
                break
            edges = edges_at(lattice, x, y)
            if _is_node(lattice, x, y, edges, width):
                break
            edges &= 15 ^ (1 << ((heading + 2) & 3))
            if edges == 0:
                break
            heading = 0
            while not (edges >> heading) & 1:
                heading += 1
    return False


@compiled
def _arc(
    xs: Array, ys: Array, last: int, sx: float, sy: float, limit: float, keep: Array, lattice: Array, width: int,
    stack: Array, own: Array, walls: Array,
) -> None:  # fmt: skip
    """Simplify an arc between two different nodes."""
    if last < 2:
        return
    at, far = _farthest(xs, ys, 0, last, sx, sy)
    reach = np.sqrt(limit)
    if (
        far <= limit
        and clear(xs, ys, 0, last, lattice, own, walls)
        and not _rival(xs, ys, last, lattice, width, reach / sx, reach / sy)
    ):
        return
    keep[at] = 1
    _divide(xs, ys, 0, at, sx, sy, limit, keep, lattice, stack, own, walls)
    _divide(xs, ys, at, last, sx, sy, limit, keep, lattice, stack, own, walls)


@compiled
def _loop(
    xs: Array,
    ys: Array,
    last: int,
    sx: float,
    sy: float,
    limit: float,
    keep: Array,
    lattice: Array,
    stack: Array,
    own: Array,
    walls: Array,
) -> None:
    """Simplify an arc that returns to its start; it keeps at least three vertices, which span an area."""
    middle, _ = _farthest(xs, ys, 0, last, sx, sy)
    keep[middle] = 1
    _divide(xs, ys, 0, middle, sx, sy, limit, keep, lattice, stack, own, walls)
    _divide(xs, ys, middle, last, sx, sy, limit, keep, lattice, stack, own, walls)
    for k in range(1, last):
        if k != middle and keep[k]:
            return
    first, one = _farthest(xs, ys, 0, middle, sx, sy)
    second, two = _farthest(xs, ys, middle, last, sx, sy)
    begin, at, end = 0, first, middle
    if one < two:
        begin, at, end = middle, second, last
    keep[at] = 1
    _divide(xs, ys, begin, at, sx, sy, limit, keep, lattice, stack, own, walls)
    _divide(xs, ys, at, end, sx, sy, limit, keep, lattice, stack, own, walls)


@compiled
def _take(xy: Array, begin: int, stop: int, start: int, count: int, xs: Array, ys: Array) -> bool:
    """Copy ``count + 1`` vertices of a ring from ``start`` on, in the direction that the arc's coordinates define.

    Returns whether that is against the direction of the ring.
    """
    size = stop - begin
    for k in range(count + 1):
        at = begin + (start - begin + k) % size
        xs[k] = xy[2 * at] & PLAIN
        ys[k] = xy[2 * at + 1]
    if xs[0] == xs[count] and ys[0] == ys[count]:
        ahead = (ys[1] << 32) + xs[1]
        behind = (ys[count - 1] << 32) + xs[count - 1]
    else:
        ahead = (ys[0] << 32) + xs[0]
        behind = (ys[count] << 32) + xs[count]
    if ahead <= behind:
        return False
    for k in range((count + 1) // 2):
        xs[k], xs[count - k] = xs[count - k], xs[k]
        ys[k], ys[count - k] = ys[count - k], ys[k]
    return True


@compiled
def _simplify(
    xy: Array,
    start: Array,
    stop: Array,
    tolerance: float,
    pixel_width: Array,
    pixel_height: Array,
    lattice: Array,
    width: int,
    xs: Array,
    ys: Array,
    keep: Array,
    stack: Array,
    own: Array,
    walls: Array,
    kept: Array,
) -> None:
    """Mark in ``kept`` the vertices to keep; the other arrays are scratch for the longest ring."""
    for r in range(start.size):
        begin = start[r]
        end = stop[r]
        first = -1
        for k in range(begin, end):
            if xy[2 * k] & NODE:
                first = k
                break
        lone = first < 0
        if lone:
            first = begin  # the ring's first vertex, the same from both sides
        at = first
        done = 0
        while done < end - begin:
            count = 1
            while count < end - begin:
                k = begin + (at - begin + count) % (end - begin)
                if xy[2 * k] & NODE or k == first:
                    break
                count += 1
            backwards = _take(xy, begin, end, at, count, xs, ys)
            for k in range(count + 1):
                keep[k] = 0
            # The pixel size where the arc begins, so that both neighbours measure the same.
            sx = pixel_width[ys[0]]
            sy = pixel_height[ys[0]]
            limit = tolerance * tolerance
            if xs[0] == xs[count] and ys[0] == ys[count]:
                _loop(xs, ys, count, sx, sy, limit, keep, lattice, stack, own, walls)
            else:
                _arc(xs, ys, count, sx, sy, limit, keep, lattice, width, stack, own, walls)
            keep[0] = 1
            keep[count] = 1
            for k in range(count):
                source = begin + (at - begin + k) % (end - begin)
                kept[source] = keep[count - k] if backwards else keep[k]
            at = begin + (at - begin + count) % (end - begin)
            done += count


@compiled
def _longest(xy: Array, start: Array, stop: Array) -> int:
    """Return the length of the longest ring in pixel sides."""
    longest = 0
    for r in range(start.size):
        length = 0
        before = stop[r] - 1
        for k in range(start[r], stop[r]):
            length += abs((xy[2 * k] & PLAIN) - (xy[2 * before] & PLAIN)) + abs(xy[2 * k + 1] - xy[2 * before + 1])
            before = k
        longest = max(longest, length)
    return longest


@compiled
def _compact(xy: Array, start: Array, stop: Array, kept: Array, out: Array, out_start: Array, out_stop: Array) -> None:
    at = 0
    for r in range(start.size):
        out_start[r] = at
        for k in range(start[r], stop[r]):
            if kept[k]:
                out[2 * at] = xy[2 * k]
                out[2 * at + 1] = xy[2 * k + 1]
                at += 1
        out_stop[r] = at


def choose(rings: Rings, tolerance: float, pixel: tuple[Array, Array], lattice: Array, width: int) -> Array:
    """Choose the vertices to keep: uint8 (vertices), 1 for these, 0 for the others.

    Parameters
    ----------
    rings
        Traced with nodes.
    tolerance
        Maximum distance in metres between a vertex and the boundary that replaces it. 0 keeps all vertices.
    pixel
        Width and height of pixels in metres at each lattice line.
    lattice
        The raster's edges, see ``lattice``; those within the tolerance of the rings must have been marked.
    width
        Columns of the raster.
    """
    if tolerance == 0:
        return np.ones(rings.xy.size // 2, np.uint8)
    longest = int((rings.stop - rings.start).max(initial=0)) + 2
    xs, ys, stack = np.empty(longest, np.int64), np.empty(longest, np.int64), np.empty(4 * longest, np.int64)
    keep = np.empty(longest, np.uint8)
    room = np.empty((2, _longest(rings.xy, rings.start, rings.stop) + 1), np.int64)
    kept = np.zeros(rings.xy.size // 2, np.uint8)
    _simplify(rings.xy, rings.start, rings.stop, tolerance, *pixel, lattice, width, xs, ys, keep, stack, *room, kept)
    return kept


def take(rings: Rings, kept: Array) -> Rings:
    """Return rings that consist of the chosen vertices."""
    out = np.empty(2 * int(np.count_nonzero(kept)), np.int32)
    start, stop = np.empty_like(rings.start), np.empty_like(rings.stop)
    _compact(rings.xy, rings.start, rings.stop, kept, out, start, stop)
    return Rings(out, start, stop, rings.part)
