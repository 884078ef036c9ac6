"""Square outlines: edges turned to the main directions of their polygons, and moved onto common lines.

An edge along a main direction lies on a *line*, with all edges of that direction that it meets at its corners: the
facade of a terrace is one line, however many houses share it. A line keeps the area on both sides of the traced
boundary. A corner is where its two lines cross, so each corner moves once, for all polygons that share it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geoseg.polygonize.kernels.runs import dense, union_all
from geoseg.polygonize.kernels.types import Array, Floats
from geoseg.polygonize.regular.graph import Graph, Outlines

_WIDEST_TURN = np.radians(32)
"""Edges farther from the main directions stay as they are."""

_OWN_DIRECTION = np.radians(5)
"""Polygons that deviate more from the direction of their neighbours have their own."""

_LEAST_CROSSING = np.sin(np.radians(30))
"""Sine of the smallest angle between two lines that make a corner."""

ROUNDING = 4096
"""Corners are whole multiples of this part of a pixel: sums in another order make no difference."""


class Ground(NamedTuple):
    """Where and how large pixels are: origin in pixels and size in metres of each cluster, and the raster's size."""

    x: Array
    y: Array
    wide: Floats
    high: Floats
    width: int
    height: int


class Edges(NamedTuple):
    """What is measured of each edge once.

    Attributes
    ----------
    cluster, length
        Cluster; metres between the corners.
    angle
        Direction of the traced boundary in radians.
    theta
        Main direction of the polygon that decides.
    axis
        0 along it, 1 across.
    square
        bool: whether the edge is close enough to be turned.
    border
        Side of the raster on which the edge lies, 1 … 4, or 0.
    """

    cluster: Array
    length: Floats
    angle: Floats
    theta: Floats
    axis: Array
    square: Array
    border: Array


class Corners(NamedTuple):
    """Corners in their new place.

    Attributes
    ----------
    x, y
        float64 (corners), in pixels.
    root
        int64 (corners): the corner that it became one with, or itself.
    straight
        bool (corners): whether it lies within a line, and only one or two polygons meet there.
    """

    x: Floats
    y: Floats
    root: Array
    straight: Array


def edges_of(graph: Graph, outlines: Outlines, ground: Ground, tolerance: float) -> Edges:
    """Measure edges and decide which are turned, and where to."""
    ring = outlines.ring[graph.begin[graph.side]]
    cluster = outlines.cluster[ring]
    wide, high = ground.wide[cluster], ground.high[cluster]
    one, two = graph.tail[graph.side], graph.head[graph.side]
    length = np.hypot(
        (graph.corner_x[two] - graph.corner_x[one]) * wide, (graph.corner_y[two] - graph.corner_y[one]) * high
    )
    border = _borders(graph, ground, one, two)
    angle = _slopes(graph.sums[graph.side].astype(np.float64), wide, high)
    weight = np.where(border > 0, 1e-6, 1.0) * length * length

    polygon = outlines.polygon[ring]
    neighbour = np.where(graph.other >= 0, outlines.polygon[outlines.ring[graph.begin[graph.other]]], -1)
    polygons = int(outlines.polygon.max()) + 1
    shared = neighbour >= 0
    owner = np.r_[polygon, neighbour[shared]]
    own, support = _main(owner, np.r_[angle, angle[shared]], np.r_[weight, weight[shared]], polygons)
    common, _ = _main(cluster, angle, weight, ground.x.size)
    of_polygon = np.empty(polygons, np.int64)
    of_polygon[outlines.polygon] = outlines.cluster
    common = common[of_polygon]
    main = np.where(np.abs(_turn(own - common)) < _OWN_DIRECTION, common, own)
    decides = np.where(shared & (support[neighbour] > support[polygon]), neighbour, polygon)
    theta = main[decides]
    quarters = np.rint((angle - theta) / (np.pi / 2)).astype(np.int64)
    turn = np.abs(_turn(angle - theta))
    square = (turn < _WIDEST_TURN) & (length * np.sin(turn) < 2 * tolerance) & (border == 0)
    return Edges(cluster, length, angle, theta, quarters & 1, square, border)


def _borders(graph: Graph, ground: Ground, one: Array, two: Array) -> Array:
    x1, x2, y1, y2 = graph.corner_x[one], graph.corner_x[two], graph.corner_y[one], graph.corner_y[two]
    sides = ((x1, x2, 0), (y1, y2, 0), (x1, x2, ground.width), (y1, y2, ground.height))
    return np.select([(a == b) & (a == limit) for a, b, limit in sides], [1, 2, 3, 4], 0)


def _slopes(sums: Floats, wide: Floats, high: Floats) -> Floats:
    """Return the direction of each stretch: that of the regression line through its boundary."""
    length = np.maximum(sums[:, 0], 1)
    mx, my = sums[:, 1] / (2 * length), sums[:, 2] / (2 * length)
    xx = (sums[:, 3] / (12 * length) - mx * mx) * wide * wide
    yy = (sums[:, 4] / (12 * length) - my * my) * high * high
    xy = (sums[:, 5] / (12 * length) - mx * my) * wide * high
    return np.asarray(0.5 * np.arctan2(2 * xy, xx - yy))


def _turn(angle: Floats) -> Floats:
    """Return the angle from the nearest multiple of 90°."""
    return np.asarray(angle - np.rint(angle / (np.pi / 2)) * (np.pi / 2))


def _main(owner: Array, angle: Floats, weight: Floats, count: int) -> tuple[Floats, Floats]:
    """Return the direction, up to quarter turns, in which most of each owner's length lies, and how much that is."""
    weights = weight
    for _ in range(4):
        cosine = np.bincount(owner, weights * np.cos(4 * angle), count)
        sine = np.bincount(owner, weights * np.sin(4 * angle), count)
        main = np.rint(np.arctan2(sine, cosine) / 4 * 2**24) / 2**24
        # Outliers, such as diagonals, count less and less.
        off = _turn(angle - main[owner]) / np.radians(8)
        weights = weight / (1 + off**4)
    return main, np.asarray(np.bincount(owner, weights, count), np.float64)


def place_corners(graph: Graph, edges: Edges, ground: Ground, pinned: Array, tolerance: float) -> Corners:
    """Return the corners on their lines; those that are pinned stay.

    Parameters
    ----------
    pinned
        bool (corners)
    tolerance
        In metres.
    """
    one, two = graph.tail[graph.side], graph.head[graph.side]
    free = ~pinned
    square = edges.square & free[one] & free[two]
    # Sides of the raster do not move: their direction is that of the pixels.
    border = (edges.border > 0) & free[one] & free[two]
    theta = np.where(border, 0.0, edges.theta)
    axis = np.where(border, edges.border & 1, edges.axis)
    square |= border
    measured = _moments(graph, edges, ground, _along(theta, axis))
    root, square, axis, theta = _short_edges(graph, edges, (square, axis, theta), measured, pinned, tolerance)
    along = _along(theta, axis)
    moment, extent = _moments(graph, edges, ground, along)
    one, two = root[one], root[two]
    on_line = square & (one != two)
    line = _lines(one, two, (theta, axis, edges.border), on_line)
    offset, weight = _offsets(line, on_line, moment, extent, edges, ground)
    cx, cy, lines = _crossings(graph, root, (one, two), line, on_line, along, (offset, weight), ground)
    cx = np.where(pinned, graph.corner_x, np.rint(cx * ROUNDING) / ROUNDING)
    cy = np.where(pinned, graph.corner_y, np.rint(cy * ROUNDING) / ROUNDING)
    meeting = np.bincount(np.r_[one[one != two], two[one != two]], minlength=root.size)
    straight = (lines == 1) & (meeting == 2) & free
    straight &= np.bincount(np.r_[one[on_line], two[on_line]], minlength=root.size) == 2
    straight[_bends(graph, root, cx, cy)] = False
    return Corners(cx, cy, root, straight)


def _bends(graph: Graph, root: Array, x: Floats, y: Floats) -> Array:
    """Return corners at which a ring bends: the far end of an edge need not lie on the edge's line."""
    tail, head = root[graph.tail], root[graph.head]
    after = np.where(head == tail, head[graph.following], head)
    before = tail[graph.before]
    ax, ay, bx, by = x[before] - x[tail], y[before] - y[tail], x[after] - x[tail], y[after] - y[tail]
    off = np.abs(ax * by - ay * bx) > 4 / ROUNDING * np.hypot(x[before] - x[after], y[before] - y[after])
    return np.asarray(tail[off & (before != tail)])


def _along(theta: Floats, axis: Array) -> tuple[Floats, Floats]:
    """Return x and y of the unit vectors along edges."""
    cosine, sine = np.cos(theta), np.sin(theta)
    return np.where(axis == 0, cosine, -sine), np.where(axis == 0, sine, cosine)


def _moments(graph: Graph, edges: Edges, ground: Ground, along: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Return, per edge, the integral of the offset from a line through the origin, and the length along it."""
    wide, high = ground.wide[edges.cluster], ground.high[edges.cluster]
    sums = graph.sums[graph.side].astype(np.float64)
    dx, dy = along
    nx, ny = -dy, dx
    one, two = graph.tail[graph.side], graph.head[graph.side]
    extent = (
        dx * (graph.corner_x[two] - graph.corner_x[one]) * wide
        + dy * (graph.corner_y[two] - graph.corner_y[one]) * high
    )
    moment = 0.5 * (
        nx * dx * wide * wide * sums[:, 6] + nx * dy * wide * high * sums[:, 7]
        + ny * dx * high * wide * sums[:, 8] + ny * dy * high * high * sums[:, 9]
    )  # fmt: skip
    return moment, extent


def _short_edges(
    graph: Graph,
    edges: Edges,
    plan: tuple[Array, Array, Floats],
    measured: tuple[Floats, Floats],
    pinned: Array,
    tolerance: float,
) -> tuple[Array, Array, Array, Floats]:
    """Remove short edges between two that lie on lines: cut-off corners, and steps lower than the tolerance.

    Returns the corner that each corner becomes one with, and the new ``square``, ``axis`` and ``theta``.
    """
    square, axis, theta = plan
    moment, extent = measured
    with np.errstate(invalid="ignore", divide="ignore"):
        offset = np.where(np.abs(extent) > 0, moment / extent, 0.0)
    side = graph.side
    left, right = graph.edge[graph.before[side]], graph.edge[graph.following[side]]
    one, two = graph.tail[side], graph.head[side]
    simple = (graph.degree[one] == 2) & (graph.degree[two] == 2) & ~pinned[one] & ~pinned[two] & (left != right)
    # An edge is judged between neighbours that are longer, so that no two neighbours vanish.
    longer = (edges.length[left] > edges.length) & (edges.length[right] > edges.length)
    between = simple & longer & square[left] & square[right] & (theta[left] == theta[right]) & (edges.border == 0)
    across = axis[left] != axis[right]
    step = np.abs(offset[left] - offset[right])
    low = between & ~across & (step <= tolerance)
    cut = between & across & ~square & (edges.length <= 3 * tolerance)
    # What is neither: a step with a slanting riser, which is put upright.
    upright = between & ~across & ~low & ~square & (edges.length <= 3 * tolerance)
    axis, square = np.where(upright, 1 - axis[left], axis), square | upright
    theta = np.where(upright, theta[left], theta)
    gone = low | cut
    parent = np.arange(graph.degree.size, dtype=np.int32)
    union_all(parent, one[gone], two[gone])
    number = np.empty(parent.size, np.int32)
    count = dense(parent, number)
    first = np.full(count, parent.size, np.int64)
    np.minimum.at(first, number, np.arange(parent.size))
    return first[number], square, axis, theta


def _lines(one: Array, two: Array, kind: tuple[Floats, Array, Array], on_line: Array) -> Array:
    """Return a number per edge, the same for edges of one direction that meet at a corner."""
    theta, axis, border = kind
    edge = np.flatnonzero(on_line)
    corner = np.r_[one[edge], two[edge]]
    edge = np.r_[edge, edge]
    order = np.lexsort((edge, border[edge], axis[edge], theta[edge], corner))
    corner, edge = corner[order], edge[order]
    same = (
        (corner[1:] == corner[:-1]) & (theta[edge][1:] == theta[edge][:-1]) & (axis[edge][1:] == axis[edge][:-1])
        & ((border[edge][1:] > 0) == (border[edge][:-1] > 0))
    )  # fmt: skip
    parent = np.arange(one.size, dtype=np.int32)
    union_all(parent, edge[:-1][same], edge[1:][same])
    number = np.empty(parent.size, np.int32)
    dense(parent, number)
    return number.astype(np.int64)


def _offsets(
    line: Array, on_line: Array, moment: Floats, extent: Floats, edges: Edges, ground: Ground
) -> tuple[Floats, Floats]:
    """Return the offset of each line from its cluster's origin in metres, and its length."""
    count = int(line.max(initial=-1)) + 1
    own = line[on_line]
    total = np.bincount(own, np.abs(extent[on_line]), count)
    sums = np.bincount(own, np.sign(extent[on_line]) * moment[on_line], count)
    offset = np.where(total > 0, sums / np.where(total > 0, total, 1), 0.0)
    border = np.flatnonzero(on_line & (edges.border > 0))
    cluster, side = edges.cluster[border], edges.border[border]
    x = (np.where(side == 3, ground.width, 0) - ground.x[cluster]) * ground.wide[cluster]
    y = (np.where(side == 4, ground.height, 0) - ground.y[cluster]) * ground.high[cluster]
    offset[line[border]] = np.where(side & 1, -x, y)  # the normal of the axis y is -x
    total[line[border]] = 1e12
    return offset, np.asarray(total, np.float64)


def _crossings(
    graph: Graph,
    root: Array,
    ends: tuple[Array, Array],
    line: Array,
    on_line: Array,
    along: tuple[Floats, Floats],
    measured: tuple[Floats, Floats],
    ground: Ground,
) -> tuple[Floats, Floats, Array]:
    """Return each corner where its lines cross, or at the nearest point of its only line; and how many lines it has."""
    offset, weight = measured
    edge = np.flatnonzero(on_line)
    corner = np.r_[ends[0][edge], ends[1][edge]]
    edge = np.r_[edge, edge]
    order = np.lexsort((edge, line[edge], -weight[line[edge]], corner))
    corner, edge = corner[order], edge[order]
    fresh = np.r_[True, (corner[1:] != corner[:-1]) | (line[edge][1:] != line[edge][:-1])][: corner.size]
    corner, edge = corner[fresh], edge[fresh]
    lines = np.bincount(corner, minlength=root.size)
    first = np.full(root.size, -1, np.int64)
    leading = np.r_[True, corner[1:] != corner[:-1]][: corner.size]
    first[corner[leading]] = edge[leading]
    dx, dy = along
    own = first[corner]
    crossing = np.abs(dx[own] * dy[edge] - dy[own] * dx[edge]) >= _LEAST_CROSSING
    second = np.full(root.size, -1, np.int64)
    # Written from the last to the first, so that the longest of the lines remains.
    second[corner[crossing][::-1]] = edge[crossing][::-1]
    cluster = graph.corner_cluster
    wide, high = ground.wide[cluster], ground.high[cluster]
    x, y = (graph.corner_x - ground.x[cluster]) * wide, (graph.corner_y - ground.y[cluster]) * high
    one, two = np.maximum(first, 0), np.maximum(second, 0)
    if line.size:
        shift = offset[line[one]] - (-dy[one] * x + dx[one] * y)
        px, py = x - dy[one] * shift, y + dx[one] * shift
        det = dx[one] * dy[two] - dy[one] * dx[two]
        det = np.where(det == 0, 1.0, det)
        qx = (dx[two] * offset[line[one]] - dx[one] * offset[line[two]]) / det
        qy = (dy[two] * offset[line[one]] - dy[one] * offset[line[two]]) / det
        x = np.where(second >= 0, qx, np.where(first >= 0, px, x))
        y = np.where(second >= 0, qy, np.where(first >= 0, py, y))
    x, y = (x / wide + ground.x[cluster])[root], (y / high + ground.y[cluster])[root]
    return x, y, lines[root]
