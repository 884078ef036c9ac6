"""Round the corners of boundaries, with the guarantee of ``simplify``.

Each corner between two edges is replaced by a quadratic Bézier curve that starts and ends on them (a quadratic B-spline
where both reach the middle of their edges; Chaikin 1974, "An algorithm for high-speed curve generation"). The curve
stays in the triangle of the corner and its two ends. A corner is rounded only if that triangle holds no point of
another boundary; else half the reach is tried, and half of that. By the argument in ``simplify`` two such triangles
never meet, so curves never cross. Nodes, where three or more boundaries meet, are kept.

Coordinates are integers divided by powers of two, so both neighbours compute the same curve to the last bit.
"""

from __future__ import annotations

import numpy as np

from geoseg.jit import compiled
from geoseg.polygonize.kernels.lattice import edges_at
from geoseg.polygonize.kernels.rings import Rings
from geoseg.polygonize.kernels.types import NODE, PLAIN, Array

_MAX_POINTS = 5
"""Maximum number of points that replace one corner."""


@compiled
def _on_stretch(xy: Array, begin: int, end: int, a: int, c: int, x: int, y: int) -> bool:
    """Whether a point lies on the traced boundary strictly between vertices ``a`` and ``c`` (around the ring)."""
    ax = xy[2 * a] & PLAIN
    ay = xy[2 * a + 1]
    if (x == ax and y == ay) or (x == (xy[2 * c] & PLAIN) and y == xy[2 * c + 1]):
        return False
    k = a
    while True:
        k += 1
        if k == end:
            k = begin
        bx = xy[2 * k] & PLAIN
        by = xy[2 * k + 1]
        if min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by):
            return True
        if k == c:
            return False
        ax = bx
        ay = by


@compiled
def _free(
    xy: Array, begin: int, end: int, a: int, c: int, lattice: Array,
    px: float, py: float, bx: float, by: float, qx: float, qy: float,
) -> bool:  # fmt: skip
    """Whether the closed triangle p, b, q holds no point of a boundary other than the stretch ``a … c``."""
    turn = (bx - px) * (qy - py) - (by - py) * (qx - px)
    for y in range(int(np.ceil(min(py, by, qy))), int(np.floor(max(py, by, qy))) + 1):
        for x in range(int(np.ceil(min(px, bx, qx))), int(np.floor(max(px, bx, qx))) + 1):
            one = ((bx - px) * (y - py) - (by - py) * (x - px)) * turn
            two = ((qx - bx) * (y - by) - (qy - by) * (x - bx)) * turn
            three = ((px - qx) * (y - qy) - (py - qy) * (x - qx)) * turn
            if one < 0 or two < 0 or three < 0:
                continue
            if edges_at(lattice, x, y) and not _on_stretch(xy, begin, end, a, c, x, y):
                return False
    return True


@compiled
def _reach(dx: float, dy: float, max_reach: float) -> float:
    """Return the largest share ½, ¼, … of an edge that is no longer than ``max_reach``."""
    part = 0.5
    while part * part * (dx * dx + dy * dy) > max_reach * max_reach:
        part *= 0.5
    return part


@compiled
def _round(  # noqa: PLR0915
    xy: Array, start: Array, stop: Array, kept: Array, lattice: Array, max_reach: float,
    out: Array, out_start: Array, out_stop: Array,
) -> None:  # fmt: skip
    at = 0
    for r in range(start.size):
        begin = start[r]
        end = stop[r]
        out_start[r] = at
        a = end - 1
        while not kept[a]:
            a -= 1
        b = begin
        while not kept[b]:
            b += 1
        first = b
        while True:
            c = b + 1
            while c < end and not kept[c]:
                c += 1
            if c == end:
                c = first
            bx = np.float64(xy[2 * b] & PLAIN)
            by = np.float64(xy[2 * b + 1])
            done = False
            if not xy[2 * b] & NODE:
                ax = np.float64(xy[2 * a] & PLAIN)
                ay = np.float64(xy[2 * a + 1])
                cx = np.float64(xy[2 * c] & PLAIN)
                cy = np.float64(xy[2 * c + 1])
                before = _reach(ax - bx, ay - by, max_reach)
                after = _reach(cx - bx, cy - by, max_reach)
                for _ in range(3):
                    px = bx + before * (ax - bx)
                    py = by + before * (ay - by)
                    qx = bx + after * (cx - bx)
                    qy = by + after * (cy - by)
                    turn = (bx - px) * (qy - py) - (by - py) * (qx - px)
                    if turn != 0 and _free(xy, begin, end, a, c, lattice, px, py, bx, by, qx, qy):
                        if at == out_start[r] or out[2 * at - 2] != px or out[2 * at - 1] != py:
                            out[2 * at] = px
                            out[2 * at + 1] = py
                            at += 1
                        # A step of one pixel is cut straight, into one slanted edge.
                        if abs(px - bx) + abs(py - by) > 0.5 or abs(qx - bx) + abs(qy - by) > 0.5:
                            for k in range(1, 4):
                                t = 0.25 * k
                                u = 1 - t
                                out[2 * at] = u * u * px + 2 * t * u * bx + t * t * qx
                                out[2 * at + 1] = u * u * py + 2 * t * u * by + t * t * qy
                                at += 1
                        out[2 * at] = qx
                        out[2 * at + 1] = qy
                        at += 1
                        done = True
                        break
                    before *= 0.5
                    after *= 0.5
            if not done:
                out[2 * at] = bx
                out[2 * at + 1] = by
                at += 1
            a = b
            b = c
            if c == first:
                break
        last = at - 1
        start_x = out[2 * out_start[r]]
        start_y = out[2 * out_start[r] + 1]
        if last > out_start[r] and out[2 * last] == start_x and out[2 * last + 1] == start_y:
            at -= 1
        out_stop[r] = at


def smooth(rings: Rings, kept: Array, max_reach: float, lattice: Array) -> Rings:
    """Round the corners of rings.

    Parameters
    ----------
    rings
        Traced with nodes.
    kept
        Vertices that simplification keeps, see ``simplify.choose``.
    max_reach
        Maximum distance from a corner, in pixels, at which its curve may begin.
    lattice
        The raster's edges.

    Returns
    -------
    Rings
        With float64 vertices, without flags.
    """
    out = np.empty(2 * _MAX_POINTS * int(np.count_nonzero(kept)), np.float64)
    start, stop = np.empty_like(rings.start), np.empty_like(rings.stop)
    _round(rings.xy, rings.start, rings.stop, kept, lattice, max_reach, out, start, stop)
    return Rings(out, start, stop, rings.part)
