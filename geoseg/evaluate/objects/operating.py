"""Scores at one operating point: objects above a score, matched at one IoU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.evaluate.objects.matching import NONE, Matches, assign

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.objects.precision import Ranked

PANOPTIC_IOU = float(np.nextafter(0.5, 1))
"""Panoptic quality matches above 0.5, where a match is unique if neither side overlaps itself."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What became of each object and reference object at the operating point.

    Attributes
    ----------
    score
        Objects of this score and more are taken.
    iou
        Least IoU of a match.
    matches
        All matches; those of objects below the score count for nothing.
    taken
        (n,) bool: objects that are taken.
    hit, wrong, missed
        (n,), (n,) and (m,) bool: true positives, false positives, false negatives.
    """

    score: float
    iou: float
    matches: Matches
    taken: NDArray[np.bool_]
    hit: NDArray[np.bool_]
    wrong: NDArray[np.bool_]
    missed: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Counts and panoptic quality by class, (K,) arrays.

    Attributes
    ----------
    right, wrong, missed
        int64, numbers of true positives, false positives and false negatives.
    segmentation, recognition
        float64, SQ and RQ of the panoptic quality; NaN where they are not defined.
    """

    right: NDArray[np.int64]
    wrong: NDArray[np.int64]
    missed: NDArray[np.int64]
    segmentation: NDArray[np.float64]
    recognition: NDArray[np.float64]

    @property
    def panoptic(self) -> NDArray[np.float64]:
        """PQ = SQ · RQ (Kirillov et al. 2019, arXiv 1801.00868); 0 where nothing is matched."""
        return np.where(self.recognition == 0, 0.0, self.segmentation * self.recognition)


def best_score(ranked: Ranked, matches: Matches) -> float:
    """Return the score from which on objects give the highest F1 over all classes; of equal ones the highest.

    NaN without objects.
    """
    hit, wrong = _judged(ranked, matches, np.ones(len(ranked.rank), bool))
    order = np.argsort(ranked.rank)
    scores = ranked.objects.scores[order]
    last = np.flatnonzero(np.append(scores[1:] != scores[:-1], True)) if len(scores) else np.zeros(0, np.int64)
    if not len(last):
        return float("nan")
    right, bad = np.cumsum(hit[order])[last], np.cumsum(wrong[order])[last]
    wanted = int((~ranked.reference_outside).sum())
    f1 = 2 * right / np.maximum(right + bad + wanted, 1)
    return float(scores[last[int(np.argmax(f1))]])


def outcome_at(ranked: Ranked, score: float, iou: float) -> Outcome:
    """Return what became of all objects. Greedy matching by score is not changed by objects of lower scores."""
    matches = assign(ranked.overlaps, iou, ranked.rank, ranked.reference_outside)
    taken = ranked.objects.scores >= score
    hit, wrong = _judged(ranked, matches, taken)
    found = matches.of_reference != NONE
    found[found] = taken[matches.of_reference[found]]
    return Outcome(score, iou, matches, taken, hit, wrong, ~found & ~ranked.reference_outside)


def _judged(ranked: Ranked, matches: Matches, taken: NDArray[np.bool_]) -> tuple[Any, Any]:
    found = matches.of_objects != NONE
    ignored = ranked.outside.copy()
    ignored[found] = ranked.reference_outside[matches.of_objects[found]]
    return taken & found & ~ignored, taken & ~found & ~ignored


def count(ranked: Ranked, outcome: Outcome) -> ClassCounts:
    """Count by class, and compute the panoptic quality."""
    panoptic = outcome if outcome.iou == PANOPTIC_IOU else outcome_at(ranked, outcome.score, PANOPTIC_IOU)
    total = len(ranked.objects.classes)
    codes, theirs = ranked.objects.class_codes, ranked.reference.class_codes

    def by_class(of: NDArray[np.int32], which: NDArray[np.bool_]) -> NDArray[np.int64]:
        return np.bincount(of[which], minlength=total)

    right = by_class(codes, panoptic.hit)
    both = by_class(codes, panoptic.wrong) + by_class(theirs, panoptic.missed)
    overlap = np.bincount(codes[panoptic.hit], panoptic.matches.iou[panoptic.hit], minlength=total)
    with np.errstate(invalid="ignore"):
        segmentation, recognition = overlap / right, right / (right + 0.5 * both)
    return ClassCounts(
        by_class(codes, outcome.hit), by_class(codes, outcome.wrong), by_class(theirs, outcome.missed),
        segmentation, recognition,
    )  # fmt: skip
