"""Average precision as COCO computes it: mean over IoU, 101 recalls and classes; also by size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.evaluate.objects.matching import NONE, assign

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.objects.layer import ObjectLayer
    from geoseg.evaluate.objects.overlaps import Overlaps

IOUS = np.linspace(0.5, 0.95, 10)
RECALLS = np.linspace(0, 1, 101)
SIZES = ("all", "small", "medium", "large")


@dataclass(frozen=True, eq=False)
class Ranked:
    """Both layers, their overlaps, and which objects lie outside of the extent that is evaluated.

    Attributes
    ----------
    objects, reference
        Both layers.
    overlaps
        All pairs of IoU 0.5 and more.
    rank
        (n,) int64 place of each object by score.
    outside, reference_outside
        (n,) and (m,) bool, objects that count neither as right nor as wrong.
    crs
        The common CRS, or None.
    """

    objects: ObjectLayer
    reference: ObjectLayer
    overlaps: Overlaps
    rank: NDArray[np.int64]
    outside: NDArray[np.bool_]
    reference_outside: NDArray[np.bool_]
    crs: Any


def average_precision(ranked: Ranked, sizes: tuple[float, float]) -> NDArray[np.float64]:
    """Return AP, float64 (4, 10, K): by size, IoU and class; NaN where the reference has no such object.

    Parameters
    ----------
    ranked
        What is compared.
    sizes
        Largest area of small objects, and of medium ones, in the units of the layers' areas.
    """
    count = len(ranked.objects.classes)
    found = np.full((len(SIZES), len(IOUS), count), np.nan)
    ranges = ((0.0, np.inf), (0.0, sizes[0]), sizes, (sizes[1], np.inf))
    for size, (low, high) in enumerate(ranges):
        ignored = ranked.reference_outside | _beyond(ranked.reference.areas, low, high)
        unmatched_ignored = ranked.outside | _beyond(ranked.objects.areas, low, high)
        wanted = np.bincount(ranked.reference.class_codes[~ignored], minlength=count)
        for level, least in enumerate(IOUS):
            matched = assign(ranked.overlaps, float(least), ranked.rank, ignored).of_objects
            hit = matched != NONE
            skip = np.where(hit, ignored[matched] if len(ignored) else False, unmatched_ignored)
            found[size, level] = _by_class(ranked, (hit & ~skip, ~skip), wanted)
    return found


def _beyond(areas: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
    return (areas < low) | (areas > high)


def _by_class(ranked: Ranked, outcome: tuple[Any, Any], wanted: NDArray[np.int64]) -> list[float]:
    hit, counted = outcome
    order = np.argsort(ranked.rank)
    order = order[counted[order]]
    codes = ranked.objects.class_codes[order]
    return [interpolated(hit[order[codes == k]], int(wanted[k])) for k in range(len(wanted))]


def interpolated(hits: NDArray[np.bool_], wanted: int) -> float:
    """Return the mean precision at 101 recalls from 0 to 1, each the highest at that recall or a higher one.

    Parameters
    ----------
    hits
        (n,) bool in the order of scores: whether an object is matched.
    wanted
        Number of reference objects.

    Returns
    -------
    float
        In 0…1; NaN if there is no reference object.

    Examples
    --------
    >>> import numpy as np
    >>> interpolated(np.array([True, False]), 1)
    1.0
    """
    if not wanted:
        return float("nan")
    right = np.cumsum(hits)
    precision = right / np.arange(1, len(hits) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(right / wanted, RECALLS, side="left")
    return float(np.append(best, 0.0)[at].mean())
