"""Scores of tree positions: found trees and points are paired one to one, the nearest first in sum, within a distance.

The rule is that of the data's authors (Ventura et al. 2024): an optimal assignment in each tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from numpy.typing import NDArray

WITHIN = (6, 10)
"""Farthest that a found tree may be from its point, in pixels of 0.6 m; 10 is what the data's authors used."""

_FAR = 1e6


@dataclass(frozen=True)
class Found:
    """Trees found in a tile.

    Attributes
    ----------
    places
        Column and row, float64 (n, 2).
    scores
        (n,); higher is surer.
    """

    places: NDArray[np.float64]
    scores: NDArray[np.float64]

    def above(self, least: float) -> NDArray[np.float64]:
        """Return the places of trees with a score above."""
        return self.places[self.scores > least]


def paired(places: NDArray[np.float64], points: NDArray[np.float64], within: float) -> int:
    """Return how many of the trees found are at a point of their own."""
    if not len(places) or not len(points):
        return 0
    distances = np.hypot(*(places[:, None] - points[None]).transpose(2, 0, 1))
    cost = np.where(distances <= within, distances, _FAR)
    rows, cols = linear_sum_assignment(cost)
    return int((cost[rows, cols] < _FAR).sum())


def f1(hits: float, found: float, wanted: float) -> dict[str, Any]:
    """Return precision, recall and F1 of counts."""
    return {
        "precision": round(hits / max(found, 1), 4),
        "recall": round(hits / max(wanted, 1), 4),
        "f1": round(2 * hits / max(found + wanted, 1), 4),
        "found": int(found),
        "trees": int(wanted),
    }


def scored(
    found: Sequence[Found], points: Sequence[NDArray[np.float64]], least: float, within: float
) -> dict[str, Any]:
    """Return precision, recall and F1 over tiles, at a score."""
    chosen = [one.above(least) for one in found]
    hits = sum(paired(places, truth, within) for places, truth in zip(chosen, points, strict=True))
    return f1(hits, sum(map(len, chosen)), sum(map(len, points)))


def best_score(
    found: Sequence[Found], points: Sequence[NDArray[np.float64]], candidates: Sequence[float], within: float
) -> float:
    """Return the score with the best F1."""
    return max(candidates, key=lambda least: scored(found, points, least, within)["f1"])
