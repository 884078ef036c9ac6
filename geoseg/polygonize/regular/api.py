"""``Regularize``: the outlines of finished polygons made regular, group of touching polygons by group."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely

from geoseg.polygonize.kernels import lattice, simplify
from geoseg.polygonize.kernels.rings import Rings
from geoseg.polygonize.kernels.types import Array
from geoseg.polygonize.regular.checks import around, boundary_of, failing
from geoseg.polygonize.regular.graph import Graph, Outlines, graph_of, outlines_of
from geoseg.polygonize.regular.square import Corners, Edges, Ground, edges_of, place_corners
from geoseg.polygonize.strips import Finished

_FIRST_SHARE = 0.75
"""Part of the tolerance that simplification may use; turning edges needs the rest."""

_LONGEST = 1 << 17
"""Pixels of a group's extent up to which its sums fit int64; larger groups are simplified only."""

_ROUNDS = 12


@dataclass(frozen=True)
class Regularize:
    """Takes the place of ``Reshape``: squares outlines instead of only simplifying them.

    Attributes
    ----------
    tolerance
        Maximum distance in metres between the traced and the new outline.
    lattice, pixel, width
        See ``Reshape``.
    """

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
        kept = simplify.choose(rings, _FIRST_SHARE * self.tolerance, self.pixel, self.lattice, self.width)
        outlines, place = outlines_of(rings, finished.feature, finished.cluster)
        ground = self._ground(outlines)
        graph = graph_of(outlines, kept[place] != 0, (ground.x, ground.y))
        large = finished.sums[:, 4][finished.cluster[:-1]] > 0
        corners, traced = self._settled(graph, outlines, ground, large)
        return _rings(graph, outlines, corners, traced, rings.part)

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
        pinned = np.zeros(graph.degree.size, bool)
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


def _rings(graph: Graph, outlines: Outlines, corners: Corners, traced: Array, part: Array) -> Rings:
    tail = corners.root[graph.tail]
    shown = ~corners.straight[tail] & (tail != tail[graph.before])
    inner = np.where(traced[graph.edge], graph.count - 1, 0)
    counts = shown + inner
    ptr = np.cumsum(counts) - counts
    xy = np.empty((int(counts.sum()), 2))
    xy[ptr[shown]] = np.stack([corners.x[tail], corners.y[tail]], 1)[shown]
    owner = np.repeat(np.arange(counts.size), inner)
    step = np.arange(owner.size) - (np.cumsum(inner) - inner)[owner]
    at = around(outlines, graph.begin[owner], step + 1)
    xy[(ptr + shown)[owner] + step] = np.stack([outlines.x[at], outlines.y[at]], 1)
    total = np.bincount(outlines.ring[graph.begin], counts, outlines.start.size).astype(np.int64)
    stop = np.cumsum(total)
    return Rings(xy.ravel(), stop - total, stop, part)
