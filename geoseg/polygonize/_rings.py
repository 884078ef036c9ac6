"""From closed boundaries to valid polygons: rings taken apart at corner touches, ordered, written as WKB."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from geoseg.polygonize._types import PLAIN, SADDLE, Array


class Rings(NamedTuple):
    """Rings sorted by part, the shell of each part first, then its holes by their first vertex.

    A *part* is one 4-connected region: one shell with its holes. Rings start at their first vertex in the order of
    rows and then columns and are not closed (the first vertex is not repeated).

    Attributes
    ----------
    xy
        int32 (2·vertices), flags still on x; or float64 once smoothed, without flags.
    start, stop
        int64 (rings): vertices of each ring.
    part
        int64 (parts + 1): rings of part ``p`` are ``part[p] … part[p + 1] - 1``.
    """

    xy: Array
    start: Array
    stop: Array
    part: Array


@njit(cache=True, nogil=True)
def _emit(xy: Array, begin: int, end: int, out: Array, at: int) -> Any:
    """Copy one ring, rotated to its first vertex; return where it ends, twice its area, and that vertex as a key."""
    first = begin
    key = np.int64(2**62)
    twice = np.int64(0)
    px = np.int64(xy[2 * end - 2] & PLAIN)
    py = np.int64(xy[2 * end - 1])
    for k in range(begin, end):
        x = np.int64(xy[2 * k] & PLAIN)
        y = np.int64(xy[2 * k + 1])
        twice += px * y - x * py
        px, py = x, y
        if (y << 32) + x < key:
            key = (y << 32) + x
            first = k
    for k in range(first, end):
        out[2 * at] = xy[2 * k]
        out[2 * at + 1] = xy[2 * k + 1]
        at += 1
    for k in range(begin, first):
        out[2 * at] = xy[2 * k]
        out[2 * at + 1] = xy[2 * k + 1]
        at += 1
    return at, twice, key


@njit(cache=True, nogil=True)
def _before(a: int, b: int, hole: Array, key: Array) -> bool:
    if hole[a] != hole[b]:
        return bool(hole[a] < hole[b])
    return bool(key[a] < key[b])


@njit(cache=True, nogil=True)
def _sort(order: Array, low: int, high: int, hole: Array, key: Array) -> None:
    """Shell sort: short, in place, and quick where the rings come nearly in order, as they do."""
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


@njit(cache=True, nogil=True)
def _arrange(xy: Array, ring_start: Array, ring_stop: Array, ring_part: Array, parts: int) -> Any:  # noqa: PLR0915
    rings = ring_start.size
    total = 0
    extra = 0
    most = 0
    for r in range(rings):
        total += ring_stop[r] - ring_start[r]
        touches = 0
        for k in range(ring_start[r], ring_stop[r]):
            if xy[2 * k] & SADDLE:
                touches += 1
        extra += touches // 2
        if touches > 1:
            most = max(most, ring_stop[r] - ring_start[r])
    out = np.empty(2 * total, np.int32)
    start = np.empty(rings + extra, np.int64)
    stop = np.empty(rings + extra, np.int64)
    part = np.empty(rings + extra, np.int64)
    key = np.empty(rings + extra, np.int64)
    hole = np.empty(rings + extra, np.uint8)
    stack = np.empty(2 * most, np.int32)
    slots = 1
    while slots < 2 * most:
        slots *= 2
    place = np.full(slots, -1, np.int64)
    at = 0
    n = 0
    for r in range(rings):
        begin, end = ring_start[r], ring_stop[r]
        touches = 0
        for k in range(begin, end):
            if xy[2 * k] & SADDLE:
                touches += 1
        if touches > 1:
            # A closed walk that meets itself at a vertex is two walks: cut the loop off the stack. Walks along
            # boundaries do not cross themselves, so a vertex inside a loop cut off is never met again.
            size = 1
            while size < 2 * touches:
                size *= 2
            place[:size] = -1
            top = 0
            for k in range(begin, end):
                x = xy[2 * k]
                y = xy[2 * k + 1]
                if x & SADDLE:
                    slot = ((np.int64(x & PLAIN) * 73856093) ^ (np.int64(y) * 19349663)) & (size - 1)
                    while True:
                        found = place[slot]
                        if found < 0:
                            place[slot] = top
                            break
                        if found < top and (stack[2 * found] ^ x) & PLAIN == 0 and stack[2 * found + 1] == y:
                            start[n] = at
                            at, twice, key[n] = _emit(stack, found, top, out, at)
                            stop[n] = at
                            part[n] = ring_part[r]
                            hole[n] = twice < 0
                            n += 1
                            top = found
                            break
                        slot = (slot + 1) & (size - 1)
                stack[2 * top] = x
                stack[2 * top + 1] = y
                top += 1
            start[n] = at
            at, twice, key[n] = _emit(stack, 0, top, out, at)
        else:
            start[n] = at
            at, twice, key[n] = _emit(xy, begin, end, out, at)
        stop[n] = at
        part[n] = ring_part[r]
        hole[n] = twice < 0
        n += 1
    ptr = np.zeros(parts + 1, np.int64)
    for r in range(n):
        ptr[part[r] + 1] += 1
    for p in range(parts):
        ptr[p + 1] += ptr[p]
    fill = ptr[:-1].copy()
    order = np.empty(n, np.int64)
    for r in range(n):
        order[fill[part[r]]] = r
        fill[part[r]] += 1
    for p in range(parts):
        if ptr[p + 1] - ptr[p] > 1:
            _sort(order, ptr[p], ptr[p + 1], hole, key)
    return out, start[order], stop[order], ptr


def arrange(xy: Array, ring_start: Array, ring_stop: Array, ring_part: Array, parts: int) -> Rings:
    """Make valid, canonical rings of closed boundaries: the result depends on the regions alone.

    Parameters
    ----------
    xy
        int32, interleaved vertices with flags; boundaries may lie anywhere in it.
    ring_start, ring_stop
        Vertices of each boundary.
    ring_part
        The part each boundary belongs to, ``0 … parts - 1``.
    parts
        Number of parts.
    """
    return Rings(*_arrange(xy, ring_start, ring_stop, ring_part, parts))


@njit(cache=True, nogil=True)
def _put32(out: Array, at: int, value: int) -> int:
    for k in range(4):
        out[at + k] = (value >> (8 * k)) & 255
    return at + 4


@njit(cache=True, nogil=True)
def _write(
    xy: Array,
    start: Array,
    stop: Array,
    part: Array,
    feature: Array,
    affine: Array,
    backwards: bool,  # noqa: FBT001
    multi: bool,  # noqa: FBT001
) -> Any:
    features = feature.size - 1
    rings = start.size
    vertices = 0
    longest = 0
    for r in range(rings):
        vertices += stop[r] - start[r]
        longest = max(longest, stop[r] - start[r])
    out = np.empty(16 * (vertices + rings) + 4 * rings + 9 * (part.size - 1) + 9 * features, np.uint8)
    offsets = np.zeros(features + 1, np.int64)
    scratch = np.empty(2 * longest + 2, np.float64)
    bytes_ = scratch.view(np.uint8)
    at = 0
    for f in range(features):
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
    return out[:at], offsets


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
    return _write(rings.xy, rings.start, rings.stop, rings.part, feature, affine, backwards, multi)  # type: ignore[no-any-return]


@njit(cache=True, nogil=True)
def strip_flags(xy: Array) -> None:
    """Take the flags off every x, in place."""
    for k in range(xy.size // 2):
        xy[2 * k] &= PLAIN


@njit(cache=True, nogil=True)
def _between(table: Array, at: float) -> float:
    """Value of a table at a fractional place."""
    low = int(at)
    if low >= table.size - 1:
        return float(table[table.size - 1])
    return float(table[low] + (at - low) * (table[low + 1] - table[low]))


@njit(cache=True, nogil=True)
def lengths(
    xy: Array,
    start: Array,
    stop: Array,
    part: Array,
    feature: Array,
    columns: Array,
    column_scale: Array,
    rows: Array,
    row_scale: Array,
) -> Any:
    """Length in metres of all rings of each feature, and its area in pixels; for the tables see ``ground.py``."""
    features = feature.size - 1
    length = np.zeros(features, np.float64)
    area = np.zeros(features, np.float64)
    for f in range(features):
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
    return length, area


@njit(cache=True, nogil=True)
def _bounds(xy: Array, start: Array, stop: Array, part: Array, feature: Array) -> Any:
    features = feature.size - 1
    out = np.empty((features, 4), np.float64)
    for f in range(features):
        low_x = low_y = np.inf
        high_x = high_y = -np.inf
        for p in range(feature[f], feature[f + 1]):
            for k in range(start[part[p]], stop[part[p]]):  # the shell comes first and bounds its holes
                x = np.float64(xy[2 * k])
                y = np.float64(xy[2 * k + 1])
                low_x, high_x = min(low_x, x), max(high_x, x)
                low_y, high_y = min(low_y, y), max(high_y, y)
        out[f, 0], out[f, 1], out[f, 2], out[f, 3] = low_x, low_y, high_x, high_y
    return out


def bounds(rings: Rings, feature: Array, affine: Array) -> Array:
    """Bounding boxes on the map, float64 (features, 4): xmin, ymin, xmax, ymax (of a rotated raster: generous)."""
    box = _bounds(rings.xy, rings.start, rings.stop, rings.part, feature)
    a, b, c, d, e, f = affine
    xs = [a * box[:, i] + b * box[:, j] + c for i in (0, 2) for j in (1, 3)]
    ys = [d * box[:, i] + e * box[:, j] + f for i in (0, 2) for j in (1, 3)]
    return np.stack(
        [np.minimum.reduce(xs), np.minimum.reduce(ys), np.maximum.reduce(xs), np.maximum.reduce(ys)], axis=1
    )
