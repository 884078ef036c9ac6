"""What is wrong with outlines in their new place: too far from the traced ones, or in one another's way."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from geoseg.polygonize.kernels.types import Array, Floats
from geoseg.polygonize.regular.graph import Graph, Outlines
from geoseg.polygonize.regular.kernels import intrudes, strays
from geoseg.polygonize.regular.square import Corners, Edges, Ground


class Boundary(NamedTuple):
    """Lattice points on the boundaries of a set of polygons, sorted, with their clusters; and the raster's edges."""

    keys: Array
    owner: Array
    lattice: Array


def boundary_of(outlines: Outlines, lattice: Array) -> Boundary:
    """Return the points on the traced rings."""
    ahead = np.arange(1, outlines.x.size + 1)
    ahead[outlines.stop - 1] = outlines.start
    dx, dy = outlines.x[ahead] - outlines.x, outlines.y[ahead] - outlines.y
    length = np.abs(dx) + np.abs(dy)
    owner = np.repeat(np.arange(length.size), length)
    step = np.arange(owner.size) - (np.cumsum(length) - length)[owner]
    x = outlines.x[owner] + np.sign(dx)[owner] * step
    y = outlines.y[owner] + np.sign(dy)[owner] * step
    keys, first = np.unique((y << 32) | x, return_index=True)
    return Boundary(keys, outlines.cluster[outlines.ring[owner[first]]], lattice)


def failing(
    graph: Graph, outlines: Outlines, edges: Edges, ground: Ground, boundary: Boundary, corners: Corners, traced: Array,
    tolerance: float,
) -> Array:  # fmt: skip
    """Return which edges break a rule, bool (edges).

    Each edge and its stretch of the boundary are within the tolerance of each other; edges meet at common corners only,
    do not leave the raster, and are nearer to their own traced boundary than to that of other groups of polygons; rings
    keep their sense.
    """
    tail, head = corners.root[graph.tail], corners.root[graph.head]
    tail_x, tail_y, head_x, head_y = corners.x[tail], corners.y[tail], corners.x[head], corners.y[head]
    places = tuple(np.ascontiguousarray(a) for a in (tail_x, tail_y, head_x, head_y))
    ring = outlines.ring[graph.begin]
    wide, high = ground.wide[edges.cluster], ground.high[edges.cluster]
    # Where more than two polygons meet, the rings on the two sides of an edge go on along different edges.
    edge = np.r_[np.arange(graph.side.size), np.flatnonzero(graph.other >= 0)]
    sides = np.r_[graph.side, graph.other[graph.other >= 0]]
    seen = np.empty((2, sides.size))
    strays(
        outlines.x, outlines.y, outlines.start, outlines.stop, ring, graph.begin, graph.steps, graph.before,
        graph.following, sides, graph.edge, *places, wide, high, traced.astype(np.uint8), *seen,
    )  # fmt: skip
    inner, outer = np.zeros((2, graph.side.size))
    np.maximum.at(inner, edge, seen[0])
    np.maximum.at(outer, edge, seen[1])
    near = np.empty(graph.side.size, np.uint8)
    intrudes(
        boundary.lattice, ground.width, ground.height, boundary.keys, boundary.owner, graph.side, edges.cluster,
        *places, wide, high, outer, near,
    )  # fmt: skip
    outside = (corners.x < 0) | (corners.x > ground.width) | (corners.y < 0) | (corners.y > ground.height)
    one, two = tail[graph.side], head[graph.side]
    bad = (np.maximum(inner, outer) > tolerance * (1 + 1e-9)) | (near > 0) | outside[one] | outside[two]
    bad |= _crossing(graph, outlines, corners, one, two, traced)
    turned = _turned(graph, outlines, ring, corners, (tail_x, tail_y))
    bad[graph.edge[turned[ring]]] = True
    return bad


def _turned(graph: Graph, outlines: Outlines, ring: Array, corners: Corners, tails: tuple[Floats, Floats]) -> Array:
    """Return which rings have lost their area or their sense, or have fewer than three corners."""
    count = outlines.start.size
    following = graph.following
    # Both areas are of the kept corners, from the ring's own first one.
    first = np.full(count, 0, np.int64)
    first[ring[::-1]] = np.arange(ring.size)[::-1]

    def area(x: Floats, y: Floats) -> Floats:
        x, y = x - x[first[ring]], y - y[first[ring]]
        return np.asarray(np.bincount(ring, x * y[following] - x[following] * y, count), np.float64)

    now = area(*tails)
    then = area(graph.corner_x[graph.tail].astype(np.float64), graph.corner_y[graph.tail].astype(np.float64))
    shown = np.bincount(ring, shown_corners(graph, corners), count)
    return np.asarray((now * np.sign(then) < 0.25) | (shown < 3))


def shown_corners(graph: Graph, corners: Corners) -> Array:
    """Return which sides begin with a corner of the new ring."""
    tail = corners.root[graph.tail]
    return np.asarray(~corners.straight[tail] & (tail != tail[graph.before]))


def _crossing(graph: Graph, outlines: Outlines, corners: Corners, one: Array, two: Array, traced: Array) -> Array:
    """Return which edges meet others elsewhere than at common corners."""
    bad = np.zeros(one.size, bool)
    live = np.flatnonzero(one != two)
    lines = line_strings(graph, outlines, corners, live, traced)
    left, right = shapely.STRtree(lines).query(lines, predicate="intersects")
    once = left < right
    left, right = left[once], right[once]
    a, b = live[left], live[right]
    common = np.stack([one[a] == one[b], one[a] == two[b], two[a] == one[b], two[a] == two[b]])
    shared = common.sum(0)
    wrong = shared == 0
    straight = ~traced[a] & ~traced[b]
    wrong |= straight & (shared == 2)
    at_one = straight & (shared == 1)
    # Two edges from one corner: they overlap if they leave it in one direction.
    from_a, from_b = common[2] | common[3], common[1] | common[3]
    ax, ay = _leaving(corners, one[a], two[a], from_a)
    bx, by = _leaving(corners, one[b], two[b], from_b)
    with np.errstate(invalid="ignore", divide="ignore"):
        sine = (ax * by - ay * bx) / np.hypot(ax, ay) / np.hypot(bx, by)
    wrong |= at_one & ~(np.abs(sine) > 1e-3) & (ax * bx + ay * by > 0)
    for k in np.flatnonzero(~straight & (shared > 0)).tolist():
        meeting = shapely.intersection(lines[left[k]], lines[right[k]])
        points = meeting.geom_type in ("Point", "MultiPoint")
        wrong[k] |= not points or shapely.get_num_geometries(meeting) > min(int(shared[k]), 2)
    bad[a[wrong]] = bad[b[wrong]] = True
    return bad


def _leaving(corners: Corners, one: Array, two: Array, backwards: Array) -> tuple[Floats, Floats]:
    sign = np.where(backwards, -1.0, 1.0)
    return sign * (corners.x[two] - corners.x[one]), sign * (corners.y[two] - corners.y[one])


def line_strings(graph: Graph, outlines: Outlines, corners: Corners, chosen: Array, traced: Array) -> Array:
    """Return edges as geometries in pixels, objects (edges)."""
    side = graph.side[chosen]
    inner = np.where(traced[chosen], graph.steps[side] - 1, 0)
    ptr = np.cumsum(inner + 2) - (inner + 2)
    xy = np.empty((int((inner + 2).sum()), 2))
    owner = np.repeat(np.arange(chosen.size), inner)
    step = np.arange(owner.size) - (np.cumsum(inner) - inner)[owner] + 1
    at = around(outlines, graph.begin[side][owner], step)
    xy[ptr[owner] + step] = np.stack([outlines.x[at], outlines.y[at]], 1)
    for corner, place in ((graph.tail[side], ptr), (graph.head[side], ptr + inner + 1)):
        root = corners.root[corner]
        xy[place] = np.stack([corners.x[root], corners.y[root]], 1)
    return shapely.linestrings(xy, indices=np.repeat(np.arange(chosen.size), inner + 2))  # type: ignore[no-any-return]


def around(outlines: Outlines, begin: Array, step: Array) -> Array:
    """Return the vertices so many steps after others, around their rings."""
    ring = outlines.ring[begin]
    start = outlines.start[ring]
    return np.asarray(start + (begin - start + step) % (outlines.stop[ring] - start))
