"""Assignment of objects to reference objects by the rule of COCO.

Objects choose in the order of their scores, each the reference object of its class with the highest IoU that is still
free; reference objects that are not ignored go before ignored ones. Source: Lin et al. 2014, arXiv 1405.0312, and the
published evaluation protocol at cocodataset.org.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.objects.overlaps import Overlaps

NONE = -1


@dataclass(frozen=True, eq=False)
class Matches:
    """Who is matched with whom.

    Attributes
    ----------
    of_objects
        int64, number of each object's reference object; -1 without.
    of_reference
        int64, number of each reference object's object; -1 without.
    iou
        float64 of each object, 0 without a match.
    """

    of_objects: NDArray[np.int64]
    of_reference: NDArray[np.int64]
    iou: NDArray[np.float64]


def rank_of(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place of each object, 0 for the highest score; equal scores keep the order of the layer."""
    rank = np.empty(len(scores), np.int64)
    rank[np.argsort(-scores, kind="stable")] = np.arange(len(scores))
    return rank


def assign(overlaps: Overlaps, least: float, rank: NDArray[np.int64], ignored: NDArray[np.bool_]) -> Matches:
    """Match objects with reference objects.

    Parameters
    ----------
    overlaps
        All pairs that overlap enough.
    least
        Least IoU of a match.
    rank
        (n,) place of each object, see :func:`rank_of`.
    ignored
        (m,) reference objects that are chosen only if no other is free.
    """
    enough = overlaps.iou >= least
    first, second, iou = overlaps.objects[enough], overlaps.reference[enough], overlaps.iou[enough]
    matches = Matches(np.full(len(rank), NONE), np.full(len(ignored), NONE), np.zeros(len(rank)))
    # Most objects overlap one reference object that overlaps no other; the others take turns.
    alone = (np.bincount(first, minlength=len(rank))[first] == 1) & (
        np.bincount(second, minlength=len(ignored))[second] == 1
    )
    _pair(matches, first[alone], second[alone])
    contested = np.flatnonzero(~alone)
    a, b = first[contested], second[contested]
    # Of equal IoU the last reference object wins, as in COCO.
    contested = contested[np.lexsort((-b, -iou[contested], ignored[b], rank[a]))]
    taken: dict[int, int] = {}
    owner: dict[int, int] = {}
    for one, other in zip(first[contested].tolist(), second[contested].tolist(), strict=True):
        if one not in taken and other not in owner:
            taken[one], owner[other] = other, one
    _pair(matches, np.fromiter(taken, np.int64, len(taken)), np.fromiter(taken.values(), np.int64, len(taken)))
    chosen = matches.of_objects[first] == second
    matches.iou[first[chosen]] = iou[chosen]
    return matches


def _pair(matches: Matches, objects: NDArray[np.int64], reference: NDArray[np.int64]) -> None:
    matches.of_objects[objects] = reference
    matches.of_reference[reference] = objects
