"""``Regularize``: the outlines of finished polygons made regular, group of touching polygons by group."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from geoseg.polygonize.kernels import lattice, simplify
from geoseg.polygonize.kernels.rings import Rings
from geoseg.polygonize.kernels.types import Array
from geoseg.polygonize.regular.checks import around, boundary_of, failing, shown_corners
from geoseg.polygonize.regular.circle import Circles, circles_of, no_circles
from geoseg.polygonize.regular.graph import Graph, Outlines, graph_of, outlines_of
from geoseg.polygonize.regular.square import Corners, Ground, edges_of, place_corners
from geoseg.polygonize.strips import Finished

_FIRST_SHARE = 0.75
"""Part of the tolerance that simplification may use; turning edges needs the rest."""

_LONGEST = 1 << 17
"""Pixels of a group's extent up to which its sums fit int64; larger groups are simplified only."""

_ROUNDS = 12


@dataclass(frozen=True)
class Regularize:
    """Takes the place of ``Reshape``: makes outlines regular instead of only simplifying them.

    Attributes
    ----------
    shape
        ``"square"`` or ``"circle"``.
    tolerance
        Maximum distance in metres between the traced and the new outline.
    lattice, pixel, width
        See ``Reshape``.
    """

    shape: str
    tolerance: float
    lattice: Array
    pixel: tuple[Array, Array]
    width: int

    @property
    def lines_ahead(self) -> int:
        """Lattice lines below a polygon that must be marked before it is reshaped."""
        return math.ceil(2 * self.tolerance / float(self.pixel[1].min())) + 4

    def mark(self, codes: Array, first_row: int) -> None:
        """Record the edges of a strip."""
        lattice.mark(codes, first_row, self.lattice)

    def __call__(self, finished: Finished) -> Rings:
        """Return the new rings, in the same order."""
        rings = finished.rings
        if not rings.start.size:
            return rings._replace(xy=rings.xy.astype(np.float64))
        share = _FIRST_SHARE if self.shape == "square" else 1.0
        kept = simplify.choose(rings, share * self.tolerance, self.pixel, self.lattice, self.width)
        outlines, place = outlines_of(rings, finished.feature, finished.cluster)
        ground = self._ground(outlines)
        keep = (kept[place] != 0) | _at_border(outlines, ground)
        graph = graph_of(outlines, keep, (ground.x, ground.y))
        large = finished.sums[:, 4][finished.cluster[:-1]] > 0
        corners, traced = self._settled(graph, outlines, ground, large)
        circles = no_circles()
        if self.shape == "circle":
            circles = circles_of(outlines, rings.xy[2 * place], ground, self.lattice, self.tolerance, large)
        return _rings(graph, outlines, (corners, traced, circles), rings.part)

    def _ground(self, outlines: Outlines) -> Ground:
        count = int(outlines.cluster[-1]) + 1
        group = outlines.cluster[outlines.ring]
        x, y = np.full(count, 1 << 40), np.full(count, 1 << 40)
        np.minimum.at(x, group, outlines.x)
        np.minimum.at(y, group, outlines.y)
        return Ground(x, y, self.pixel[0][y], self.pixel[1][y], self.width, self.lattice.shape[0] - 1)

    def _settled(self, graph: Graph, outlines: Outlines, ground: Ground, large: Array) -> tuple[Corners, Array]:
        """Return corners that pass all checks, and the edges that stay as traced."""
        edges = edges_of(graph, outlines, ground, self.tolerance)
        boundary = boundary_of(outlines, self.lattice)
        pinned = np.full(graph.degree.size, self.shape != "square")
        traced = large[edges.cluster]
        one, two = graph.tail[graph.side], graph.head[graph.side]
        pinned[one[traced]] = pinned[two[traced]] = True
        for number in range(_ROUNDS + 1):
            corners = place_corners(graph, edges, ground, pinned, self.tolerance)
            bad = failing(graph, outlines, edges, ground, boundary, corners, traced, self.tolerance)
            bad &= ~traced
            if not bad.any():
                break
            if number == _ROUNDS - 1:
                lost = np.isin(edges.cluster, edges.cluster[bad])
                pinned[one[lost]] = pinned[two[lost]] = True
                traced |= lost
                continue
            traced |= bad & pinned[one] & pinned[two]
            pinned[one[bad]] = pinned[two[bad]] = True
        return corners, traced


def _at_border(outlines: Outlines, ground: Ground) -> Array:
    """Return the vertices where boundaries run along the sides of the raster: simplification would cut them off."""
    found = np.zeros(outlines.x.size, bool)
    for values, other, limit in ((outlines.x, outlines.y, ground.width), (outlines.y, outlines.x, ground.height)):
        on_side = (values == 0) | (values == limit)
        ahead = np.arange(1, values.size + 1)
        ahead[outlines.stop - 1] = outlines.start
        along = on_side & (values[ahead] == values) & (other[ahead] != other)
        found |= along
        found[ahead[along]] = True
    return found


def _rings(graph: Graph, outlines: Outlines, new: tuple[Corners, Array, Circles], part: Array) -> Rings:
    corners, traced, circles = new
    tail = corners.root[graph.tail]
    shown = shown_corners(graph, corners)
    inner = np.where(traced[graph.edge], graph.steps - 1, 0)
    ring = outlines.ring[graph.begin]
    circle = np.isin(ring, circles.ring)
    shown, inner = shown & ~circle, np.where(circle, 0, inner)
    counts = shown + inner
    first = np.searchsorted(ring, circles.ring)
    counts[first] = circles.corners
    ptr: Array = np.cumsum(counts) - counts
    xy = np.empty((int(counts.sum()), 2))
    xy[ptr[shown]] = np.stack([corners.x[tail], corners.y[tail]], 1)[shown]
    owner = np.repeat(ptr[first] - (np.cumsum(circles.corners) - circles.corners), circles.corners)
    xy[owner + np.arange(owner.size)] = circles.xy
    owner = np.repeat(np.arange(counts.size), inner)
    step = np.arange(owner.size) - (np.cumsum(inner) - inner)[owner]
    at = around(outlines, graph.begin[owner], step + 1)
    xy[(ptr + shown)[owner] + step] = np.stack([outlines.x[at], outlines.y[at]], 1)
    total = np.bincount(ring, counts, outlines.start.size).astype(np.int64)
    stop = np.cumsum(total)
    return Rings(xy.ravel(), stop - total, stop, part)
