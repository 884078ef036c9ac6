"""Uncertain places of a map, found block by block: memory does not grow with the map."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geoseg.classes import NODATA
from geoseg.system.threads import ordered_map
from geoseg.tiling import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.advice.maps import ResultMap

# Maps are read in squares of about this side.
_BLOCK = 1024

# Of each class, at least this many places are kept in each of 8 × 8 zones of a map, so that one bad corner does not
# fill the list, and the number of places is bounded.
_ZONES, _KEPT = 8, 4

# In any map pixels along borders are uncertain, as they hold two classes: they count this much.
_BORDER = 0.1


class Place(NamedTuple):
    """A square of a map in which a class is uncertain.

    Attributes
    ----------
    mass
        Uncertainty × area: the sum over its uncertain pixels of 1 − confidence, border pixels counting a tenth.
    row, col
        Upper left pixel of the square.
    number
        The class that the model believes.
    """

    mass: float
    row: int
    col: int
    number: int


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """How certain a map is.

    Attributes
    ----------
    pixels
        Valid pixels.
    mean
        Their mean confidence, percent: pixels below it count as uncertain.
    least
        Their lowest confidence, percent.
    """

    pixels: int
    mean: float
    least: int


def confidence_of(result: ResultMap, side: int, tick: Callable[[], None]) -> Uncertainty:
    """Return how certain a map is, from one pass over it."""
    counts = np.zeros(256, np.int64)

    def count(box: Box) -> NDArray[np.int64]:
        classes, confidence = _read(result, box)
        return np.bincount(confidence[classes != NODATA], minlength=256)

    for found in ordered_map(count, blocks(result, side), 2, ahead=4):
        counts += found
        tick()
    counts = counts[:101]
    pixels = int(counts.sum())
    if not pixels:
        return Uncertainty(0, 100.0, 100)
    return Uncertainty(pixels, float((counts * np.arange(101)).sum() / pixels), int(np.flatnonzero(counts)[0]))


def uncertain_places(result: ResultMap, mean: float, side: int, count: int, tick: Callable[[], None]) -> list[Place]:
    """Return the places with most uncertainty of each class and zone, best first.

    Parameters
    ----------
    result
        The map.
    mean
        Its mean confidence, percent.
    side
        Side of a place in pixels.
    count
        How many places are wanted: of many, more are kept of each class and zone.
    tick
        Called after each of :func:`blocks`.
    """
    height, width = result.classes.raster.shape
    best: dict[tuple[int, int, int], list[Place]] = {}
    most = max(_KEPT, -(-count // _ZONES))

    def search(box: Box) -> list[Place]:
        return _places(*padded(result, box, 1), box, mean, side)

    for found in ordered_map(search, blocks(result, side), 2, ahead=4):
        for place in found:
            zone = (place.row * _ZONES // height, place.col * _ZONES // width, place.number)
            kept = best.setdefault(zone, [])
            # Of equal places the first is kept: the result does not depend on how heaps break ties.
            entry = place._replace(row=-place.row, col=-place.col)
            (heapq.heappush if len(kept) < most else heapq.heappushpop)(kept, entry)
        tick()
    ranked = [
        (rank, place._replace(row=-place.row, col=-place.col))
        for kept in best.values()
        for rank, place in enumerate(sorted(kept, reverse=True))
    ]
    ranked.sort(key=lambda entry: (entry[0], -entry[1].mass, entry[1].row, entry[1].col, entry[1].number))
    return [place for _, place in ranked]


def blocks(result: ResultMap, side: int) -> list[Box]:
    """Return the boxes that a map is read in: whole places each, unless the map ends."""
    step = -(-_BLOCK // side) * side
    whole = result.classes.raster.box
    rows, cols = range(0, whole.height, step), range(0, whole.width, step)
    return [Box(row, col, step, step).intersection(whole) for row in rows for col in cols]


def padded(result: ResultMap, box: Box, margin: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return classes and confidence of a box with a margin; nodata beyond the map."""
    grown = box.grown(margin)
    inside = grown.intersection(result.classes.raster.box)
    classes, confidence = (np.full((grown.height, grown.width), NODATA, np.uint8) for _ in range(2))
    classes[inside.within(grown)], confidence[inside.within(grown)] = _read(result, inside)
    return classes, confidence


def borders(classes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels, but for those of the outermost ring, have a neighbour of another class, (h − 2, w − 2)."""
    centre = classes[1:-1, 1:-1]
    found: NDArray[np.bool_] = np.zeros(centre.shape, np.bool_)
    for neighbour in (classes[:-2, 1:-1], classes[2:, 1:-1], classes[1:-1, :-2], classes[1:-1, 2:]):
        found |= (neighbour != centre) & (neighbour != NODATA)
    return found


def _places(classes: NDArray[np.uint8], confidence: NDArray[np.uint8], box: Box, mean: float, side: int) -> list[Place]:
    """Return the places of a block that have any uncertainty."""
    weight = np.where(borders(classes), _BORDER, 1.0)
    own, sure = classes[1:-1, 1:-1], confidence[1:-1, 1:-1]
    row, col = np.nonzero((own != NODATA) & (sure <= mean) & (sure < 100))
    if not row.size:
        return []
    across = -(-box.width // side)
    key = ((row // side) * across + col // side) * 256 + own[row, col]
    mass = np.bincount(key, (100.0 - sure[row, col]) / 100 * weight[row, col])
    return [
        Place(
            round(float(mass[k]), 6), box.row + k // 256 // across * side, box.col + k // 256 % across * side, k % 256
        )
        for k in np.flatnonzero(mass).tolist()
    ]


def _read(result: ResultMap, box: Box) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return classes and confidence of a box, both 255 where either has no value."""
    (values, valid), (sure, known) = result.classes.read(box), result.confidence.read(box)
    both = valid & known & (sure <= 100)
    return np.where(both, values, NODATA).astype(np.uint8), np.where(both, sure, NODATA).astype(np.uint8)
