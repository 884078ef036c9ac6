"""Calibration of a map's confidence: whether pixels are right as often as their confidence says.

Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017: pixels are grouped into bins of
equal confidence; the expected calibration error (ECE) is the mean over all pixels of the distance between the mean
confidence and the accuracy of their bin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 10
"""Bins of equal width over 0…100 percent; confidence is stored in whole percent."""


@dataclass
class Reliability:
    """Compared and correct pixels for each whole percent of confidence, int64 (101,)."""

    pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(101, np.int64))
    right: NDArray[np.int64] = field(default_factory=lambda: np.zeros(101, np.int64))

    def add(self, other: Reliability) -> None:
        """Add another part."""
        self.pixels += other.pixels
        self.right += other.right

    def count(self, confidence: NDArray[np.uint8], right: NDArray[np.bool_]) -> None:
        """Count pixels by confidence in percent (above 100: unknown, left out) and whether each is correct."""
        known = confidence <= 100
        self.pixels += np.bincount(confidence[known], minlength=101)
        self.right += np.bincount(confidence[known & right], minlength=101)

    def bins(self) -> list[dict[str, Any]]:
        """Return one entry per bin: its bounds in percent, pixels, mean confidence and accuracy (0…1, None if empty).

        A bin includes its upper bound; the first also includes 0.
        """
        percent = np.arange(101)
        which = np.maximum((percent + (100 // BINS) - 1) // (100 // BINS) - 1, 0)
        found = []
        for number in range(BINS):
            inside = which == number
            count = int(self.pixels[inside].sum())
            found.append(
                {
                    "from": number * 100 // BINS,
                    "to": (number + 1) * 100 // BINS,
                    "pixels": count,
                    "confidence": float(self.pixels[inside] @ percent[inside]) / count / 100 if count else None,
                    "accuracy": float(self.right[inside].sum()) / count if count else None,
                }
            )
        return found

    @property
    def ece(self) -> float:
        """Expected calibration error, 0…1; NaN without pixels."""
        total = int(self.pixels.sum())
        filled = [entry for entry in self.bins() if entry["pixels"]]
        gaps = (abs(entry["accuracy"] - entry["confidence"]) * entry["pixels"] for entry in filled)
        return sum(gaps) / total if total else float("nan")

    @property
    def mean_confidence(self) -> float:
        """Mean confidence over all pixels, 0…1; if above the accuracy, the map is overconfident."""
        total = int(self.pixels.sum())
        return float(self.pixels @ np.arange(101)) / total / 100 if total else float("nan")
