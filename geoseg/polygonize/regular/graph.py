"""Outlines of touching polygons as one graph: corners and edges that they share, and what each edge replaces."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geoseg.polygonize.kernels.rings import Rings
from geoseg.polygonize.kernels.types import PLAIN, Array

_SUMS = 10
"""Integer sums along a traced stretch, see ``_sums``."""


class Outlines(NamedTuple):
    """Traced rings one after the other.

    Attributes
    ----------
    x, y
        int64 (n): vertices in pixels.
    ring
        int64 (n): ring of each vertex.
    stop
        int64 (rings): end of each ring.
    start
        int64 (rings): begin of each ring.
    cluster
        int64 (rings): the group of touching polygons that a ring belongs to.
    polygon
        int64 (rings)
    """

    x: Array
    y: Array
    ring: Array
    start: Array
    stop: Array
    cluster: Array
    polygon: Array


class Graph(NamedTuple):
    """Corners and edges after simplification.

    A *side* is an edge as one ring runs through it; edges between two polygons have two sides, others one.

    Attributes
    ----------
    begin, steps
        int64 (sides): first traced vertex of each side, and the number of traced segments that it replaces.
    following, before
        int64 (sides): the next and the previous side of the ring.
    tail, head
        int64 (sides): corners at which it starts and ends.
    edge
        int64 (sides): its edge.
    side
        int64 (edges): one side of each edge, the first.
    other
        int64 (edges): the other side, or -1.
    corner_x, corner_y
        int64 (corners)
    degree
        int64 (corners): number of edges that meet.
    corner_cluster
        int64 (corners)
    sums
        int64 (sides, 10): sums along the traced stretch, from the cluster's own origin.
    """

    begin: Array
    steps: Array
    following: Array
    before: Array
    tail: Array
    head: Array
    edge: Array
    side: Array
    other: Array
    corner_x: Array
    corner_y: Array
    degree: Array
    corner_cluster: Array
    sums: Array


def outlines_of(rings: Rings, feature: Array, cluster: Array) -> tuple[Outlines, Array]:
    """Return the rings one after the other, and the index of each of their vertices in ``rings.xy``.

    Parameters
    ----------
    rings
        Traced with nodes.
    feature
        int64 (polygons + 1): parts of each polygon.
    cluster
        int64 (clusters + 1): polygons of each group of touching ones.
    """
    counts = rings.stop - rings.start
    stop = np.cumsum(counts)
    start = stop - counts
    ring = np.repeat(np.arange(counts.size), counts)
    place = rings.start[ring] + np.arange(ring.size) - start[ring]
    polygon_rings = np.diff(rings.part[feature])
    polygon = np.repeat(np.arange(feature.size - 1), polygon_rings)
    of_polygon = np.repeat(np.arange(cluster.size - 1), np.diff(cluster))
    x = (rings.xy[2 * place] & PLAIN).astype(np.int64)
    y = rings.xy[2 * place + 1].astype(np.int64)
    return Outlines(x, y, ring, start, stop, of_polygon[polygon], polygon), place


def graph_of(outlines: Outlines, kept: Array, origin: tuple[Array, Array]) -> Graph:
    """Return the graph of the vertices that are kept.

    Parameters
    ----------
    outlines
        The traced rings.
    kept
        bool (n): vertices that simplification keeps, three or more of each ring.
    origin
        int64 (clusters): x and y from which the sums of each cluster are counted.
    """
    begin = np.flatnonzero(kept)
    ring = outlines.ring[begin]
    first = np.searchsorted(ring, np.arange(outlines.start.size))
    last = np.r_[first[1:], begin.size] - 1
    following = np.arange(1, begin.size + 1)
    following[last] = first
    before = np.empty_like(following)
    before[following] = np.arange(begin.size)
    size = (outlines.stop - outlines.start)[ring]
    count = (begin[following] - begin) % size

    key = (outlines.y[begin] << 32) | outlines.x[begin]
    corners, index = np.unique(key, return_inverse=True)
    tail, head = index, index[following]
    pair = np.minimum(tail, head) * corners.size + np.maximum(tail, head)
    _, side, edge = np.unique(pair, return_index=True, return_inverse=True)
    other = np.full(side.size, -1, np.int64)
    second = np.flatnonzero(side[edge] != np.arange(edge.size))
    other[edge[second]] = second
    degree = np.bincount(tail[side], minlength=corners.size) + np.bincount(head[side], minlength=corners.size)
    corner_cluster = np.empty(corners.size, np.int64)
    corner_cluster[index] = outlines.cluster[ring]
    sums = _stretches(outlines, _sums(outlines, origin), begin, begin[following])
    return Graph(
        begin, count, following, before, tail, head, edge, side, other,
        corners & 0xFFFFFFFF, corners >> 32, degree, corner_cluster, sums,
    )  # fmt: skip


def _sums(outlines: Outlines, origin: tuple[Array, Array]) -> Array:
    """Return cumulative sums over the traced segments, int64 (n + 1, 10).

    Per segment of length l from the vertex to the next, middle m, and step d, in whole numbers: l; 2·l·m; 12 times its
    second moments xx, yy, xy; and 2·m_x·d_x, 2·m_x·d_y, 2·m_y·d_x, 2·m_y·d_y. Differences of sums are exact.
    """
    ahead = np.arange(1, outlines.x.size + 1)
    ahead[outlines.stop - 1] = outlines.start
    group = outlines.cluster[outlines.ring]
    x, y = outlines.x - origin[0][group], outlines.y - origin[1][group]
    dx, dy = x[ahead] - x, y[ahead] - y
    mx, my = x[ahead] + x, y[ahead] + y
    length = np.abs(dx) + np.abs(dy)
    out = np.zeros((x.size + 1, _SUMS), np.int64)
    for k, values in enumerate((
        length, length * mx, length * my, 3 * length * mx * mx + length * dx * dx,
        3 * length * my * my + length * dy * dy, 3 * length * mx * my, mx * dx, mx * dy, my * dx, my * dy,
    )):  # fmt: skip
        np.cumsum(values, out=out[1:, k])
    return out


def _stretches(outlines: Outlines, sums: Array, begin: Array, end: Array) -> Array:
    """Return the sums from each begin to its end, around the ring where the end comes first."""
    ring = outlines.ring[begin]
    wraps = (end <= begin)[:, None]
    around = sums[outlines.stop[ring]] - sums[outlines.start[ring]]
    return sums[end] - sums[begin] + np.where(wraps, around, 0)
