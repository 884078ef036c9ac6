"""Circles for rings that are round and touch no other polygon: of the same centroid and area."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geoseg.polygonize.kernels.types import NODE, Array, Floats
from geoseg.polygonize.regular.checks import boundary_of
from geoseg.polygonize.regular.graph import Outlines
from geoseg.polygonize.regular.kernels import intrudes
from geoseg.polygonize.regular.square import ROUNDING, Ground

_FEWEST, _MOST = 16, 128
"""Corners of a circle."""

_SAGITTA = 1 / 8
"""Part of the tolerance by which sides of the polygon may lie within the circle."""


class Circles(NamedTuple):
    """Rings that became circles.

    Attributes
    ----------
    ring
        int64 (circles)
    corners
        int64 (circles): corners of each.
    xy
        float64 (corners, 2), in pixels, in the order of the traced rings.
    """

    ring: Array
    corners: Array
    xy: Floats


def no_circles() -> Circles:
    """Return none."""
    return Circles(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2)))


def circles_of(
    outlines: Outlines, flags: Array, ground: Ground, lattice: Array, tolerance: float, large: Array
) -> Circles:
    """Return circles for those rings that they differ from by no more than the tolerance in metres.

    Parameters
    ----------
    outlines
        The traced rings.
    flags
        x of their vertices with flags.
    lattice
        Boundary edges of the raster: circles keep their distance from other boundaries.
    large
        bool (clusters): groups whose rings stay.
    """
    rings = outlines.start.size
    with_nodes = np.bincount(outlines.ring, (flags & NODE) > 0, rings) > 0
    x0, y0 = outlines.x[outlines.start], outlines.y[outlines.start]
    ahead = np.arange(1, outlines.x.size + 1)
    ahead[outlines.stop - 1] = outlines.start
    x, y = outlines.x - x0[outlines.ring], outlines.y - y0[outlines.ring]
    cross = x * y[ahead] - x[ahead] * y
    # Sums of whole numbers: the same for both polygons that a ring belongs to.
    twice = _exact(outlines, cross)
    safe = np.where(twice == 0, 1, twice)
    cx = _exact(outlines, (x + x[ahead]) * cross) / (3 * safe) + x0
    cy = _exact(outlines, (y + y[ahead]) * cross) / (3 * safe) + y0
    wide, high = ground.wide[outlines.cluster], ground.high[outlines.cluster]
    area = np.abs(twice) / 2 * wide * high
    radius = np.sqrt(area / np.pi)
    ratio = np.clip(1 - _SAGITTA * tolerance / np.maximum(radius, 1e-12), -1, 1 - 1e-6)
    count = (np.ceil(np.pi / np.arccos(ratio) / 4) * 4).clip(_FEWEST, _MOST).astype(np.int64)
    corner = np.sqrt(2 * area / (count * np.sin(2 * np.pi / count)))

    near, far, winding = _extremes(outlines, ahead, (cx, cy), (wide, high))
    inner = corner * np.cos(np.pi / count)
    stray = np.maximum(far - inner, corner - near)
    edge = np.zeros(rings, bool)
    for values, limit in ((outlines.x, ground.width), (outlines.y, ground.height)):
        edge[outlines.ring[(values == 0) | (values == limit)]] = True
    for centre, size, limit in ((cx, wide, ground.width), (cy, high, ground.height)):
        edge |= (centre - corner / size < 0) | (centre + corner / size > limit)
    round_ = ~with_nodes & ~edge & ~large[outlines.cluster] & (stray <= tolerance) & (np.abs(winding) > 1) & (near > 0)
    chosen = np.flatnonzero(round_)
    xy = _corners(chosen, count, (cx, cy), (corner / wide, corner / high), twice < 0)
    clear = _clear(outlines, chosen, count[chosen], xy, (wide, high, stray), ground, lattice)
    return Circles(chosen[clear], count[chosen][clear], xy[np.repeat(clear, count[chosen])])


def _exact(outlines: Outlines, values: Array) -> Array:
    total = np.zeros(values.size + 1, np.int64)
    np.cumsum(values, out=total[1:])
    return total[outlines.stop] - total[outlines.start]


def _extremes(
    outlines: Outlines, ahead: Array, centre: tuple[Floats, Floats], size: tuple[Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """Return the smallest and largest distance of each ring from a point, in metres, and its turns around it × 2π."""
    ring, rings = outlines.ring, outlines.start.size
    px, py = (outlines.x - centre[0][ring]) * size[0][ring], (outlines.y - centre[1][ring]) * size[1][ring]
    qx, qy = px[ahead], py[ahead]
    # Segments are along rows or columns: the nearest point is the end, or the foot where the ends are on two sides.
    near = np.hypot(
        np.where(px * qx < 0, 0.0, np.minimum(np.abs(px), np.abs(qx))),
        np.where(py * qy < 0, 0.0, np.minimum(np.abs(py), np.abs(qy))),
    )
    low, high = np.full(rings, np.inf), np.zeros(rings)
    np.minimum.at(low, ring, near)
    np.maximum.at(high, ring, np.hypot(px, py))
    turn = np.arctan2(px * qy - py * qx, px * qx + py * qy)
    return low, high, np.asarray(np.bincount(ring, turn, rings), np.float64)


def _corners(
    chosen: Array, count: Array, centre: tuple[Floats, Floats], radius: tuple[Floats, Floats], backwards: Array
) -> Floats:
    owner = np.repeat(chosen, count[chosen])
    first = np.repeat(np.cumsum(count[chosen]) - count[chosen], count[chosen])
    step = np.arange(owner.size) - first
    step = np.where(backwards[owner], count[owner] - 1 - step, step)
    angle = 2 * np.pi * step / count[owner]
    xy = np.stack(
        [centre[0][owner] + radius[0][owner] * np.cos(angle), centre[1][owner] + radius[1][owner] * np.sin(angle)]
    )
    return np.asarray(np.rint(xy.T * ROUNDING) / ROUNDING)


def _clear(
    outlines: Outlines, chosen: Array, count: Array, xy: Floats, sizes: tuple[Floats, Floats, Floats], ground: Ground,
    lattice: Array,
) -> Array:  # fmt: skip
    """Return which circles are nearer to their own traced ring than to any other boundary."""
    # A ring and the ring of the polygon within it start at the same vertex.
    cycle = (outlines.y[outlines.start] << 32) | outlines.x[outlines.start]
    boundary = boundary_of(outlines._replace(cluster=cycle), lattice)
    owner = np.repeat(np.arange(chosen.size), count)
    ahead = np.arange(1, owner.size + 1)
    ends = np.cumsum(count)
    ahead[ends - 1] = ends - count
    ring = chosen[owner]
    places = [np.ascontiguousarray(a) for a in (xy[:, 0], xy[:, 1], xy[ahead, 0], xy[ahead, 1])]
    found = np.empty(owner.size, np.uint8)
    intrudes(
        lattice, ground.width, ground.height, boundary.keys, boundary.owner, np.arange(owner.size), cycle[ring],
        *places, sizes[0][ring], sizes[1][ring], np.maximum(sizes[2][ring], 1e-9), found,
    )  # fmt: skip
    return np.asarray(np.bincount(owner, found, chosen.size) == 0)
