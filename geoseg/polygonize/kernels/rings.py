"""Turn closed boundaries into valid polygons: split rings that touch themselves, order them, write WKB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geoseg.jit import compiled
from geoseg.polygonize.kernels.types import PLAIN, SADDLE, Array

if TYPE_CHECKING:
    from geoseg.geodesy import Edges


class Rings(NamedTuple):
    """Rings sorted by part, the shell of each part first, then its holes by their first vertex.

    A *part* is one 4-connected region: one shell with its holes. Rings start at their first vertex in the order of
    rows and then columns and are not closed (the first vertex is not repeated).

    Attributes
    ----------
    xy
        int32 (2·vertices), interleaved, x with flags; or float64 once smoothed, without flags.
    start, stop
        int64 (rings): vertices of each ring.
    part
        int64 (parts + 1): rings of part ``p`` are ``part[p] … part[p + 1] - 1``.
    """

    xy: Array
    start: Array
    stop: Array
    part: Array


@compiled
def _emit(xy: Array, begin: int, end: int, out: Array, at: int) -> Any:
    """Copy one ring, rotated to its first vertex; return twice its signed area, and that vertex as a key."""
    first = begin
    key: Any = 2**62
    twice: Any = 0
    px = np.int64(xy[2 * end - 2] & PLAIN)
    py = np.int64(xy[2 * end - 1])
    for k in range(begin, end):
        x = np.int64(xy[2 * k] & PLAIN)
        y = np.int64(xy[2 * k + 1])
        twice += px * y - x * py
        px = x
        py = y
        if (y << 32) + x < key:
            key = (y << 32) + x
            first = k
    k = first
    for _ in range(end - begin):
        out[2 * at] = xy[2 * k]
        out[2 * at + 1] = xy[2 * k + 1]
        at += 1
        k += 1
        if k == end:
            k = begin
    return twice, key


@compiled
def _before(a: int, b: int, hole: Array, key: Array) -> bool:
    if hole[a] != hole[b]:
        return bool(hole[a] < hole[b])
    return bool(key[a] < key[b])


@compiled
def _sort(order: Array, low: int, high: int, hole: Array, key: Array) -> None:
    """Shell sort: in place, and fast for rings that are nearly in order, as these are."""
    gap = 1
    while gap < (high - low) // 3:
        gap = 3 * gap + 1
    while gap:
        for i in range(low + gap, high):
            item = order[i]
            j = i
            while j - gap >= low and _before(item, order[j - gap], hole, key):
                order[j] = order[j - gap]
                j -= gap
            order[j] = item
        gap //= 3


@compiled
def _count(xy: Array, ring_start: Array, ring_stop: Array, totals: Array) -> None:
    """Count all vertices, rings that splitting may add, and vertices of the longest ring that may be split."""
    for r in range(ring_start.size):
        touches = 0
        for k in range(ring_start[r], ring_stop[r]):
            touches += (xy[2 * k] & SADDLE) >> 30
        count = ring_stop[r] - ring_start[r]
        totals[0] += count
        totals[1] += touches >> 1
        if touches > 1 and count > totals[2]:
            totals[2] = count


@compiled
def _split(
    xy: Array,
    ring_start: Array,
    ring_stop: Array,
    ring_part: Array,
    stack: Array,
    place: Array,
    out: Array,
    start: Array,
    part: Array,
    key: Array,
    hole: Array,
) -> int:
    at = 0
    n = 0
    for r in range(ring_start.size):
        begin = ring_start[r]
        end = ring_stop[r]
        touches = 0
        if stack.size:
            for k in range(begin, end):
                touches += (xy[2 * k] & SADDLE) >> 30
        if touches <= 1:
            start[n] = at
            part[n] = ring_part[r]
            twice, key[n] = _emit(xy, begin, end, out, at)
            hole[n] = twice < 0
            at += end - begin
            n += 1
            continue
        # A closed walk that passes a vertex twice is two loops: pop the inner one off the stack. Boundaries do not
        # cross themselves, so no vertex of a popped loop is passed again.
        size = 1
        while size < 2 * touches:
            size *= 2
        for k in range(size):
            place[k] = -1
        top = 0
        for k in range(begin, end + 1):
            cut = -1
            if k == end:
                cut = 0
            elif xy[2 * k] & SADDLE:
                x = np.int64(xy[2 * k] & PLAIN)
                y = np.int64(xy[2 * k + 1])
                slot = ((x * 73856093) ^ (y * 19349663)) & (size - 1)
                while place[slot] >= 0:
                    visited = place[slot]
                    if visited < top and (stack[2 * visited] & PLAIN) == x and stack[2 * visited + 1] == y:
                        cut = visited
                        break
                    slot = (slot + 1) & (size - 1)
                if cut < 0:
                    place[slot] = top
            if cut >= 0:
                start[n] = at
                part[n] = ring_part[r]
                twice, key[n] = _emit(stack, cut, top, out, at)
                hole[n] = twice < 0
                at += top - cut
                top = cut
                n += 1
            if k < end:
                stack[2 * top] = xy[2 * k]
                stack[2 * top + 1] = xy[2 * k + 1]
                top += 1
    start[n] = at
    return n


@compiled
def _order(part: Array, hole: Array, key: Array, ptr: Array, order: Array) -> None:
    """Sort rings by part, shells first, then by first vertex; ``ptr`` is passed as zeros."""
    for r in range(order.size):
        ptr[part[r] + 1] += 1
    for p in range(ptr.size - 1):
        ptr[p + 1] += ptr[p]
    for r in range(order.size):
        order[ptr[part[r]]] = r
        ptr[part[r]] += 1
    for p in range(ptr.size - 1, 0, -1):
        ptr[p] = ptr[p - 1]
    ptr[0] = 0
    for p in range(ptr.size - 1):
        if ptr[p + 1] - ptr[p] > 1:
            _sort(order, ptr[p], ptr[p + 1], hole, key)


def arrange(xy: Array, ring_start: Array, ring_stop: Array, ring_part: Array, parts: int) -> Rings:
    """Make valid rings of closed boundaries, canonical: the result depends on the regions alone.

    Parameters
    ----------
    xy
        int32, interleaved vertices with flags; boundaries may be anywhere in it.
    ring_start, ring_stop
        int64: vertices of each boundary.
    ring_part
        int64: the part each boundary belongs to, ``0 … parts - 1``.
    parts
        Number of parts.
    """
    totals = np.zeros(3, np.int64)
    _count(xy, ring_start, ring_stop, totals)
    vertices, extra, longest = totals.tolist()
    capacity = ring_start.size + extra
    out = np.empty(2 * vertices, np.int32)
    start, part, key = np.empty(capacity + 1, np.int64), np.empty(capacity, np.int64), np.empty(capacity, np.int64)
    hole = np.empty(capacity, np.uint8)
    stack = np.empty(2 * longest, np.int32)
    place = np.empty(4 * longest + 1, np.int64)
    n = _split(xy, ring_start, ring_stop, ring_part, stack, place, out, start, part, key, hole)
    ptr = np.zeros(parts + 1, np.int64)
    order = np.empty(n, np.int64)
    _order(part, hole, key, ptr, order)
    return Rings(out, start[:-1][order], start[1:][order], ptr)


@compiled
def _put32(out: Array, at: int, value: int) -> int:
    for k in range(4):
        out[at + k] = (value >> (8 * k)) & 255
    return at + 4


@compiled
def _write(
    xy: Array,
    start: Array,
    stop: Array,
    part: Array,
    feature: Array,
    affine: Array,
    backwards: bool,  # noqa: FBT001
    multi: bool,  # noqa: FBT001
    scratch: Array,
    bytes_: Array,
    out: Array,
    offsets: Array,
) -> int:
    at = 0
    offsets[0] = 0
    for f in range(feature.size - 1):
        if multi:
            out[at] = 1
            at = _put32(out, at + 1, 6)
            at = _put32(out, at, feature[f + 1] - feature[f])
        for p in range(feature[f], feature[f + 1]):
            out[at] = 1
            at = _put32(out, at + 1, 3)
            at = _put32(out, at, part[p + 1] - part[p])
            for r in range(part[p], part[p + 1]):
                count = stop[r] - start[r]
                at = _put32(out, at, count + 1)
                for k in range(count + 1):
                    step = k if k < count else 0
                    source = start[r] + step
                    if backwards and step:
                        source = stop[r] - step
                    x = xy[2 * source]
                    y = xy[2 * source + 1]
                    scratch[2 * k] = affine[0] * x + affine[1] * y + affine[2]
                    scratch[2 * k + 1] = affine[3] * x + affine[4] * y + affine[5]
                for k in range(16 * (count + 1)):
                    out[at + k] = bytes_[k]
                at += 16 * (count + 1)
        offsets[f + 1] = at
    return at


def write_wkb(rings: Rings, feature: Array, affine: Array, *, multi: bool) -> tuple[Array, Array]:
    """Write polygons, shells counterclockwise on the map, as little-endian WKB, one after the other.

    Parameters
    ----------
    rings
        Rings of all parts, without flags.
    feature
        int64 (features + 1): parts of each feature.
    affine
        float64 (6): ``a b c d e f`` of the raster's transform.
    multi
        Write MultiPolygons.

    Returns
    -------
    buffer : uint8
    offsets : int64 (features + 1)
    """
    backwards = bool(affine[0] * affine[4] - affine[1] * affine[3] < 0)
    counts = rings.stop - rings.start
    size = 16 * int(counts.sum() + counts.size) + 4 * counts.size + 9 * (rings.part.size + feature.size)
    out = np.empty(size, np.uint8)
    offsets = np.empty(feature.size, np.int64)
    scratch = np.empty(2 * int(counts.max(initial=0)) + 2, np.float64)
    used = _write(*rings, feature, affine, backwards, multi, scratch, scratch.view(np.uint8), out, offsets)
    return out[:used], offsets


@compiled
def strip_flags(xy: Array) -> None:
    """Remove the flags from every x, in place."""
    for k in range(xy.size // 2):
        xy[2 * k] &= PLAIN


@compiled
def _between(table: Array, at: float) -> float:
    """Interpolate a table linearly."""
    low = int(at)
    if low >= table.size - 1:
        return float(table[table.size - 1])
    return float(table[low] + (at - low) * (table[low + 1] - table[low]))


@compiled
def _lengths(
    xy: Array,
    start: Array,
    stop: Array,
    part: Array,
    feature: Array,
    columns: Array,
    column_scale: Array,
    rows: Array,
    row_scale: Array,
    length: Array,
    area: Array,
) -> None:
    for f in range(feature.size - 1):
        total = 0.0
        twice = 0.0
        for r in range(part[feature[f]], part[feature[f + 1]]):
            px = np.float64(xy[2 * stop[r] - 2])
            py = np.float64(xy[2 * stop[r] - 1])
            for k in range(start[r], stop[r]):
                x = np.float64(xy[2 * k])
                y = np.float64(xy[2 * k + 1])
                twice += px * y - x * py
                dx = 0.0
                dy = 0.0
                if x != px:
                    dx = (_between(columns, x) - _between(columns, px)) * _between(row_scale, 0.5 * (y + py))
                if y != py:
                    dy = (_between(rows, y) - _between(rows, py)) * _between(column_scale, 0.5 * (x + px))
                total += np.sqrt(dx * dx + dy * dy)
                px, py = x, y
        length[f] = total
        area[f] = 0.5 * twice


def lengths(rings: Rings, feature: Array, edges: Edges) -> tuple[Array, Array]:
    """Return the perimeter of each polygon in metres, holes included, and its area in pixels."""
    length, area = np.zeros(feature.size - 1), np.zeros(feature.size - 1)
    _lengths(*rings, feature, *edges, length, area)
    return length, area


@compiled
def _bounds(xy: Array, start: Array, stop: Array, part: Array, feature: Array, out: Array) -> None:
    for f in range(feature.size - 1):
        low_x = low_y = np.inf
        high_x = high_y = -np.inf
        for p in range(feature[f], feature[f + 1]):
            for k in range(start[part[p]], stop[part[p]]):  # the shell comes first and bounds its holes
                x = np.float64(xy[2 * k])
                y = np.float64(xy[2 * k + 1])
                low_x = min(low_x, x)
                high_x = max(high_x, x)
                low_y = min(low_y, y)
                high_y = max(high_y, y)
        out[f, 0] = low_x
        out[f, 1] = low_y
        out[f, 2] = high_x
        out[f, 3] = high_y


def bounds(rings: Rings, feature: Array, affine: Array) -> Array:
    """Return bounding boxes in the CRS, float64 (features, 4): xmin, ymin, xmax, ymax; larger ones if rotated."""
    box = np.empty((feature.size - 1, 4))
    _bounds(*rings, feature, box)
    a, b, c, d, e, f = affine
    xs = [a * box[:, i] + b * box[:, j] + c for i in (0, 2) for j in (1, 3)]
    ys = [d * box[:, i] + e * box[:, j] + f for i in (0, 2) for j in (1, 3)]
    return np.stack(
        [np.minimum.reduce(xs), np.minimum.reduce(ys), np.maximum.reduce(xs), np.maximum.reduce(ys)], axis=1
    )
