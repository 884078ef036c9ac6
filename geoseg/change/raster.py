"""The change raster: both maps compared window by window, in threads, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.change.kernel import compare
from geoseg.change.transitions import FIRST, Counts, Numbering
from geoseg.classes import NODATA
from geoseg.geodesy import PixelGeodesy
from geoseg.system.threads import ordered_map
from geoseg.tiling import Box, squares

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.change.maps import ClassMaps

SIDE = 2048
"""Side of a window in pixels: what a CogSink compresses and overviews in one go."""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Rules:
    """What counts as a change.

    Attributes
    ----------
    tolerance
        Largest shift, in pixels, that is taken for misregistration.
    min_confidence
        Percent that both dates need; 0 asks for nothing.
    """

    tolerance: int
    min_confidence: int


@dataclass(frozen=True)
class Window:
    """The result for one window: codes and confidence uint8 (h, w), 255 nodata; confidence of changes only."""

    box: Box
    codes: NDArray[np.uint8]
    confidence: NDArray[np.uint8] | None
    counts: Counts


@dataclass(frozen=True)
class Comparison:
    """Two maps, and how to compare their pixels: a function of a window, called by several threads."""

    maps: ClassMaps
    rules: Rules
    numbering: Numbering
    ground: PixelGeodesy

    def window(self, box: Box) -> Window:
        """Compare a window; the result does not depend on how the maps are cut into windows."""
        before, after = self.maps.read(box, self.rules.tolerance)
        confidence = self.maps.read_confidence(box)
        sure = np.ones((1, 1), np.uint8)
        if confidence is not None and self.rules.min_confidence:
            sure = ((confidence != NODATA) & (confidence >= self.rules.min_confidence)).astype(np.uint8)
        out = np.full((box.height, box.width), NODATA, np.uint8)
        counts = Counts.zeros(len(self.maps.classes))
        areas = self.ground.areas(box.row, box.bottom)
        compare(
            before, after, sure, self.numbering.codes, np.ascontiguousarray(areas.prefix[:, box.col : box.right + 1]),
            np.stack([areas.mix, areas.scale], axis=1), areas.table, self.rules.tolerance, out, counts.pixels,
            counts.area,
        )  # fmt: skip
        if confidence is not None:
            confidence[(out < FIRST) | (out == NODATA)] = NODATA
        return Window(box, out, confidence, counts)


def write_rasters(
    maps: ClassMaps, rules: Rules, paths: Mapping[str, Path], progress: Progress | None = None, *, side: int = SIDE
) -> tuple[Numbering, Counts, PixelGeodesy]:
    """Write the change raster, and the confidence of changes if both dates have one.

    Parameters
    ----------
    maps, rules
        What to compare, and how.
    paths
        ``change`` and, if ``maps`` have confidences, ``confidence``; files must not exist.
    progress
        Called with the number of windows done, their total, and the stage: ``compare``, then ``write changes``.
    side
        Side of the windows; the files do not depend on it.

    Returns
    -------
    The codes, what was counted, and the units of areas.

    Raises
    ------
    InputError
        If pixels cannot be read, hold unknown values, or have too many transitions.
    OutputError
        If a file cannot be written.
    """
    from geoseg.write import CogSink, finish_together

    raster = maps.raster
    ground = PixelGeodesy(raster.transform, raster.grid.crs, *raster.shape)
    total = len(list(squares(*raster.shape, side)))
    numbering = Numbering.of(maps.classes)
    passes = 1 if numbering is not None else 2
    report = progress or (lambda _done, _total, _stage: None)
    report(0, passes * total, "compare")
    if numbering is None:
        numbering = _occurring(maps, rules, ground, side, lambda done: report(done, passes * total, "compare"))
    comparison = Comparison(maps, rules, numbering, ground)
    counts = Counts.zeros(len(maps.classes))
    geobox: Any = raster.geobox
    with ExitStack() as stack:
        change = stack.enter_context(CogSink(paths["change"], geobox, kind="classes"))
        sinks = [change]
        if maps.confidence is not None:
            sinks.append(stack.enter_context(CogSink(paths["confidence"], geobox, kind="confidence")))
        results = ordered_map(comparison.window, squares(*raster.shape, side))
        for done, found in enumerate(results, (passes - 1) * total + 1):
            counts.add(found.counts)
            change.write(found.box, found.codes)
            if found.confidence is not None:
                sinks[1].write(found.box, found.confidence)
            report(done, passes * total, "compare")
        # Only now is it known which transitions occur: the legend of all possible ones would be too long to read.
        change.classes = numbering.legend(counts.changes())
        report(0, 1, "write changes")
        finish_together(*sinks)
        report(1, 1, "write changes")
    return numbering, counts, ground


def _occurring(
    maps: ClassMaps, rules: Rules, ground: PixelGeodesy, side: int, report: Callable[[int], None]
) -> Numbering:
    """Return codes of the transitions that occur, found in a pass of its own: all possible ones would be too many."""
    count = len(maps.classes)
    plain = Numbering(maps.classes, FIRST * (1 - np.eye(count, dtype=np.int64)))
    comparison = Comparison(maps, rules, plain, ground)
    counts = Counts.zeros(count)
    boxes = squares(*maps.raster.shape, side)
    for done, part in enumerate(ordered_map(lambda box: comparison.window(box).counts, boxes), 1):
        counts.add(part)
        report(done)
    return Numbering.of_those(maps.classes, counts.changes())
