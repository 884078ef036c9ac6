"""One pass over two maps, window by window, that counts all that scores need."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.evaluate.boundary import BoundaryCounts, boundary_counts, halo_of
from geoseg.evaluate.calibration import Reliability
from geoseg.evaluate.class_matching import IGNORED
from geoseg.evaluate.metrics import confusion
from geoseg.system.threads import ordered_map
from geoseg.tiling import Box, squares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.class_matching import Scheme
    from geoseg.evaluate.reference import ClassLayer, RasterLayer

SIDE = 1024
"""Side of the windows in which rasters are compared, in pixels."""

CELLS = 900
"""Largest side of the error map, in cells."""


@dataclass(frozen=True)
class Comparison:
    """Two maps to compare.

    Attributes
    ----------
    predicted, reference, confidence
        Layers on one grid; confidence may be None.
    scheme
        Common classes.
    tolerance
        Distance in pixels within which boundaries match; None leaves boundary F1 out.
    """

    predicted: RasterLayer
    reference: ClassLayer
    scheme: Scheme
    confidence: RasterLayer | None = None
    tolerance: float | None = 2.0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the map."""
        return self.predicted.raster.shape


@dataclass
class ErrorMap:
    """Compared and wrong pixels in square cells of ``step`` pixels, int64 (rows, columns)."""

    step: int
    compared: NDArray[np.int64]
    wrong: NDArray[np.int64]

    @classmethod
    def of(cls, height: int, width: int) -> ErrorMap:
        """Return an empty error map for a scene."""
        step = max(math.ceil(max(height, width) / CELLS), 1)
        shape = -(-height // step), -(-width // step)
        return cls(step, np.zeros(shape, np.int64), np.zeros(shape, np.int64))

    def count(self, box: Box, compared: NDArray[np.bool_], wrong: NDArray[np.bool_]) -> None:
        """Count the pixels of a window."""
        rows = (np.arange(box.row, box.bottom) // self.step)[:, None]
        cols = (np.arange(box.col, box.right) // self.step)[None]
        cell = (rows - rows[0, 0]) * (cols[0, -1] - cols[0, 0] + 1) + (cols - cols[0, 0])
        shape = int(rows[-1, 0] - rows[0, 0] + 1), int(cols[0, -1] - cols[0, 0] + 1)
        where = (slice(rows[0, 0], rows[-1, 0] + 1), slice(cols[0, 0], cols[0, -1] + 1))
        for target, chosen in ((self.compared, compared), (self.wrong, wrong)):
            target[where] += np.bincount(cell[chosen], minlength=shape[0] * shape[1]).reshape(shape)


@dataclass
class ComparisonCounts:
    """All counts so far; those of several scenes with one scheme can be added.

    Attributes
    ----------
    matrix
        int64 (K, K): rows reference, columns map.
    pixels
        All pixels, compared or not.
    map_only, reference_only, neither
        Pixels that are not compared: with a class in the map only, in the reference only, in neither.
    boundary, reliability
        None if not asked for.
    """

    matrix: NDArray[np.int64]
    pixels: int = 0
    map_only: int = 0
    reference_only: int = 0
    neither: int = 0
    boundary: BoundaryCounts | None = None
    reliability: Reliability | None = None
    errors: ErrorMap | None = field(default=None, repr=False)

    def add(self, other: ComparisonCounts) -> None:
        """Add other counts; the error map stays as it is."""
        self.matrix += other.matrix
        for name in ("pixels", "map_only", "reference_only", "neither"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if self.boundary is not None and other.boundary is not None:
            self.boundary.add(other.boundary)
        if self.reliability is not None and other.reliability is not None:
            self.reliability.add(other.reliability)


def count_pixels(comparison: Comparison, progress: Callable[[int, int], None] | None = None) -> ComparisonCounts:
    """Compare two maps window by window; memory does not grow with their size.

    Parameters
    ----------
    comparison
        Maps to compare.
    progress
        Called with the number of windows done and in total.

    Raises
    ------
    InputError, ReadError
        If pixels cannot be read, or hold unknown values.
    """
    height, width = comparison.shape
    total = _empty(comparison)
    total.errors = ErrorMap.of(height, width)
    boxes = windows(height, width)
    count = -(-height // SIDE) * -(-width // SIDE)
    for done, (box, part, compared, wrong) in enumerate(ordered_map(lambda box: _count(comparison, box), boxes), 1):
        total.add(part)
        total.errors.count(box, compared, wrong)
        if progress is not None:
            progress(done, count)
    return total


def windows(height: int, width: int) -> Iterator[Box]:
    """Cut a scene into windows, row by row."""
    return squares(height, width, SIDE)


def _empty(comparison: Comparison) -> ComparisonCounts:
    count = len(comparison.scheme.classes)
    return ComparisonCounts(
        np.zeros((count, count), np.int64),
        boundary=None if comparison.tolerance is None else BoundaryCounts.zeros(count),
        reliability=None if comparison.confidence is None else Reliability(),
    )


def _count(comparison: Comparison, box: Box) -> tuple[Box, ComparisonCounts, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return a window's counts, which pixels were compared, and which of these are wrong."""
    height, width = comparison.shape
    halo = 0 if comparison.tolerance is None else halo_of(comparison.tolerance)
    region = box.grown(halo).intersection(Box(0, 0, height, width))
    core = box.within(region)
    predicted = comparison.scheme.predicted(*comparison.predicted.read(region))
    reference = comparison.scheme.reference(*comparison.reference.read(region))
    part = _empty(comparison)
    has_map, has_reference = predicted[core] != IGNORED, reference[core] != IGNORED
    compared = has_map & has_reference
    part.pixels = box.area
    part.map_only = int((has_map & ~has_reference).sum())
    part.reference_only = int((has_reference & ~has_map).sum())
    part.neither = box.area - part.map_only - part.reference_only - int(compared.sum())
    wrong = compared & (predicted[core] != reference[core])
    if compared.any():
        part.matrix = confusion(predicted[core], reference[core], len(comparison.scheme.classes))
        _count_boundary(part, comparison, predicted, reference, core)
        _count_confidence(part, comparison, box, compared, wrong)
    return box, part, compared, wrong


def _count_boundary(
    part: ComparisonCounts,
    comparison: Comparison,
    predicted: NDArray[Any],
    reference: NDArray[Any],
    core: tuple[slice, slice],
) -> None:
    if comparison.tolerance is None:
        return
    outside = (predicted == IGNORED) | (reference == IGNORED)
    part.boundary = boundary_counts(
        np.where(outside, np.int16(IGNORED), predicted),
        np.where(outside, np.int16(IGNORED), reference),
        core,
        comparison.tolerance,
        len(comparison.scheme.classes),
    )


def _count_confidence(
    part: ComparisonCounts, comparison: Comparison, box: Box, compared: NDArray[np.bool_], wrong: NDArray[np.bool_]
) -> None:
    if comparison.confidence is None or part.reliability is None:
        return
    values, valid = comparison.confidence.read(box)
    chosen = compared & valid
    part.reliability.count(values[chosen], ~wrong[chosen])
