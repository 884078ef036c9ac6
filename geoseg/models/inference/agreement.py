"""Whether another way of computing a model gives the same map, judged on pixels of a scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geoseg.models.runtimes.protocol import WindowPredictor

# A class is clear where the two best differ by at least this probability; below, rounding may decide.
_CLEAR = 0.1

# Shares of pixels that may get another class: of all, and of those whose class was clear.
_DIFFERING, _CLEAR_DIFFERING = 0.05, 0.001

# Mean difference of confidence that is allowed, in percent.
_CONFIDENCE = 1.0


@dataclass(frozen=True)
class Sample:
    """Windows to compare on.

    Attributes
    ----------
    data
        (N, bands, h, w), digital numbers.
    valid
        (N, h, w).
    affine
        Transform of each band's digital numbers to the network's input.
    """

    data: NDArray[Any]
    valid: NDArray[np.bool_]
    affine: Sequence[tuple[float, ...]]


@dataclass(frozen=True)
class Agreement:
    """How a map differs from that of the model's own runtime in fp32.

    Attributes
    ----------
    differing, clear
        Shares of the pixels that get another class: all, and those whose class was clear.
    confidence
        Mean difference of confidence, in percent.
    """

    differing: float
    clear: float
    confidence: float

    @property
    def same(self) -> bool:
        """Whether the maps count as the same: classes differ where they are nearly tied, confidences hardly."""
        few = self.differing <= _DIFFERING and self.clear <= _CLEAR_DIFFERING
        return few and self.confidence <= _CONFIDENCE

    def __str__(self) -> str:
        return f"{self.differing:.2%} other classes, confidence off by {self.confidence:.2g} % on average"


def compare(exact: WindowPredictor, other: WindowPredictor, sample: Sample) -> Agreement:
    """Compare two ways of computing a model.

    Raises
    ------
    ModelError
        If one of them returns NaN, or does not run.
    """
    scores = exact.scores(sample.data, sample.valid).cpu().numpy()
    classes, confidence = (part.astype(np.int16) for part in other.classify(sample.data, sample.valid))
    if scores.shape[1] > 1:
        second, best = np.partition(scores, -2, axis=1)[:, -2:].swapaxes(0, 1)
    else:
        second, best = np.zeros_like(scores[:, 0]), scores[:, 0]
    differing = (scores.argmax(1) != classes) & sample.valid
    count = max(int(np.count_nonzero(sample.valid)), 1)
    clear = differing & (best - second >= _CLEAR)
    distance = np.abs(100 * best - confidence)[sample.valid]
    return Agreement(
        float(np.count_nonzero(differing)) / count,
        float(np.count_nonzero(clear)) / count,
        # Confidences are rounded to whole percents, which is 0.25 on average.
        max(float(distance.mean()) - 0.25, 0.0) if distance.size else 0.0,
    )
