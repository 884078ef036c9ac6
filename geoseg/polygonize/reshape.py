"""Simplify and smooth finished polygons, strip by strip."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from geoseg.geodesy import PixelGeodesy
from geoseg.polygonize.kernels import lattice, simplify, smooth
from geoseg.polygonize.kernels.rings import Rings
from geoseg.polygonize.kernels.types import Array


@dataclass(frozen=True)
class Reshape:
    """Options of reshaping, and the boundary edges of the raster that constrain it.

    Attributes
    ----------
    tolerance
        Maximum distance in metres by which a boundary may move; 0 keeps all vertices.
    smooth
        Whether corners are rounded.
    lattice
        See ``kernels.lattice``; written by ``mark`` while strips are traced.
    pixel
        Width and height of pixels in metres at each lattice line.
    width
        Columns of the raster.
    """

    tolerance: float
    smooth: bool
    lattice: Array
    pixel: tuple[Array, Array]
    width: int

    @property
    def lines_ahead(self) -> int:
        """Lattice lines below a polygon that must be marked before it is reshaped."""
        return math.ceil(self.tolerance / float(self.pixel[1].min())) + 2

    def mark(self, codes: Array, first_row: int) -> None:
        """Record the edges of a strip."""
        lattice.mark(codes, first_row, self.lattice)

    def __call__(self, rings: Rings) -> Rings:
        """Return the new rings, in the same order."""
        kept = simplify.choose(rings, self.tolerance, self.pixel, self.lattice, self.width)
        if not self.smooth:
            return simplify.take(rings, kept)
        reach = self.tolerance / float(np.sqrt(self.pixel[0].mean() * self.pixel[1].mean()))
        return smooth.smooth(rings, kept, max(reach, 1.0), self.lattice)


def reshaping(ground: PixelGeodesy, height: int, width: int, tolerance: float, memory: int, *, smooth: bool) -> Reshape:
    """Prepare to reshape the polygons of a raster; edges beyond ``memory`` bytes go to a temporary file."""
    edges = ground.edges
    across = edges.row_scale * float(np.diff(edges.columns).mean())
    along = np.diff(edges.rows) * float(edges.column_scale.mean())
    # Pixels beyond a pole have no width; any positive number will do.
    floor = 1e-6 * max(across.max(), along.max())
    pixel = np.maximum(across, floor), np.maximum(np.r_[along, along[-1]], floor)
    return Reshape(tolerance, smooth, lattice.new_lattice(height, width, memory), pixel, width)
