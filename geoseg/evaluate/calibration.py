"""Calibration of a map's confidence: whether pixels are right as often as their confidence says.

Guo, Pleiss, Sun & Weinberger, "On calibration of modern neural networks", ICML 2017: pixels are grouped into bins of
equal confidence; the expected calibration error (ECE) is the mean over all pixels of the distance between the mean
confidence and the accuracy of their bin. Section 4.2 of it corrects a network's confidence by dividing its logits by a
temperature, fitted by likelihood on pixels that the network has not learned from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 10
"""Bins of equal width over 0…100 percent; confidence is stored in whole percent."""

LEAST, MOST = 0.1, 10.0
"""Bounds of fitted temperatures."""

# Bisections of the bounds' logarithm: to 4.4e-6 of the temperature.
_BISECTIONS = 20


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


def reliability(logits: NDArray[np.float32], labels: NDArray[np.integer], temperature: float = 1.0) -> Reliability:
    """Count pixels by the confidence that a softmax of their logits / temperature gives, in whole percent.

    Parameters
    ----------
    logits
        (pixels, classes).
    labels
        (pixels,): true class, 0…classes − 1.
    """
    confidence = 1 / _scaled(logits, temperature).sum(1)
    counted = Reliability()
    counted.count(np.rint(100 * confidence).astype(np.uint8), logits.argmax(1) == labels)
    return counted


def log_loss(logits: NDArray[np.float32], labels: NDArray[np.integer], temperature: float = 1.0) -> float:
    """Return the mean negative log-likelihood of the true classes, in nats; arguments as for :func:`reliability`."""
    shares = np.log(_scaled(logits, temperature).sum(1))
    behind = logits.max(1) - logits[np.arange(len(labels)), labels]
    return float((shares + behind / temperature).mean())


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.integer]) -> float:
    """Return the temperature, within :data:`LEAST` … :data:`MOST`, that makes the true classes likeliest.

    The likelihood has one maximum, where the expected logit equals the mean logit of the true class. Arguments as for
    :func:`reliability`.

    Examples
    --------
    A network that claims 95 % (logits 3 and 0) and is right on three of four pixels: ln 3 gives 75 %.

    >>> import numpy as np
    >>> from geoseg.evaluate.calibration import fit_temperature
    >>> logits = np.array([[3, 0]] * 4, np.float32)
    >>> bool(np.isclose(fit_temperature(logits, np.array([0, 0, 0, 1])), 3 / np.log(3), atol=1e-3))
    True
    """
    wanted = float(logits[np.arange(len(labels)), labels].mean(dtype=np.float64))
    low, high = np.log(LEAST), np.log(MOST)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        weights = _scaled(logits, float(np.exp(middle)))
        expected = float(((weights * logits).sum(1) / weights.sum(1)).mean(dtype=np.float64))
        low, high = (middle, high) if expected > wanted else (low, middle)
    return float(np.exp((low + high) / 2))


def _scaled(logits: NDArray[np.float32], temperature: float) -> NDArray[np.float32]:
    """Return the probabilities (pixels, classes) relative to the largest of each pixel."""
    weights: NDArray[np.float32] = np.exp((logits - logits.max(1, keepdims=True)) / np.float32(temperature))
    return weights


def cross_fitted(
    logits: NDArray[np.float32], labels: NDArray[np.integer], group: NDArray[np.integer]
) -> dict[str, Any]:
    """Return how a temperature changes confidences on pixels that it was not fitted on.

    Parameters
    ----------
    logits, labels
        As for :func:`reliability`.
    group
        (pixels,): of at least two groups; each is scored with the temperature fitted on all others.

    Returns
    -------
    ``temperature`` (fitted on all pixels), ``pixels``, ``accuracy``, and ``before`` and ``after`` with the pooled
    ``ece``, ``log_loss``, ``mean_confidence`` and ``curve`` (see :meth:`Reliability.bins`).
    """
    names = np.unique(group)
    before, after = Reliability(), Reliability()
    losses = np.zeros(2)
    for name in names:
        inside = group == name
        temperature = fit_temperature(logits[~inside], labels[~inside])
        for counted, used, index in ((before, 1.0, 0), (after, temperature, 1)):
            counted.add(reliability(logits[inside], labels[inside], used))
            losses[index] += log_loss(logits[inside], labels[inside], used) * np.count_nonzero(inside)
    return {
        "temperature": fit_temperature(logits, labels),
        "pixels": len(labels),
        "accuracy": float(after.right.sum() / len(labels)),
        "before": _summary(before, losses[0]),
        "after": _summary(after, losses[1]),
    }


def _summary(counted: Reliability, loss: float) -> dict[str, Any]:
    return {
        "ece": counted.ece,
        "log_loss": float(loss / counted.pixels.sum()),
        "mean_confidence": counted.mean_confidence,
        "curve": [entry for entry in counted.bins() if entry["pixels"]],
    }
