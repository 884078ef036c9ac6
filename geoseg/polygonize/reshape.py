"""Simplify and smooth finished polygons, strip by strip."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from geoseg.errors import OptionError
from geoseg.geodesy import PixelGeodesy
from geoseg.polygonize.kernels import lattice, simplify, smooth
from geoseg.polygonize.kernels.rings import Rings
from geoseg.polygonize.kernels.types import Array
from geoseg.polygonize.regular.api import Regularize
from geoseg.polygonize.strips import Finished
from geoseg.system.choices import REGULAR_SHAPES

PIXELS = 2.0
"""Pixels by which outlines may move if they are made regular and no tolerance is given."""


@dataclass(frozen=True)
class ReshapeOptions:
    """How outlines are changed.

    Attributes
    ----------
    simplify
        Maximum distance in metres by which they may move.
    smooth
        Whether corners are rounded.
    regularize
        ``"square"`` or ``"circle"``: what outlines are made to be; None leaves their shape.
    """

    simplify: float | None = None
    smooth: bool = False
    regularize: str | None = None

    def __post_init__(self) -> None:
        if self.simplify is not None and not 0 <= self.simplify < math.inf:
            raise OptionError(f"simplify must be 0 or larger, got {self.simplify}")
        if self.regularize is None:
            return
        if self.regularize not in REGULAR_SHAPES:
            raise OptionError(f"regularize is {self.regularize!r}: use one of {', '.join(REGULAR_SHAPES)}")
        if self.smooth:
            raise OptionError("smooth and regularize exclude each other: rounded outlines have no right angles")

    def __bool__(self) -> bool:
        return bool(self.simplify or self.smooth or self.regularize)


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

    def __call__(self, finished: Finished) -> Rings:
        """Return the new rings, in the same order."""
        rings = finished.rings
        kept = simplify.choose(rings, self.tolerance, self.pixel, self.lattice, self.width)
        if not self.smooth:
            return simplify.take(rings, kept)
        reach = self.tolerance / float(np.sqrt(self.pixel[0].mean() * self.pixel[1].mean()))
        return smooth.smooth(rings, kept, max(reach, 1.0), self.lattice)


def reshaping(
    ground: PixelGeodesy, height: int, width: int, options: ReshapeOptions, memory: int
) -> Reshape | Regularize | None:
    """Prepare to reshape the polygons of a raster; edges beyond ``memory`` bytes go to a temporary file.

    Returns None where outlines are to stay as traced.
    """
    if not options:
        return None
    edges = ground.edges
    across = edges.row_scale * float(np.diff(edges.columns).mean())
    along = np.diff(edges.rows) * float(edges.column_scale.mean())
    # Pixels beyond a pole have no width; any positive number will do.
    floor = 1e-6 * max(across.max(), along.max())
    pixel = np.maximum(across, floor), np.maximum(np.r_[along, along[-1]], floor)
    known = lattice.new_lattice(height, width, memory)
    if options.regularize is None:
        return Reshape(options.simplify or 0.0, options.smooth, known, pixel, width)
    tolerance = options.simplify or PIXELS * ground.pixel_size
    return Regularize(options.regularize, tolerance, known, pixel, width)
