"""Scores of a classification from its confusion matrix. Imports numpy only; training uses it as well.

Definitions follow Congalton & Green (Assessing the Accuracy of Remotely Sensed Data, 3rd ed., 2019) and, for kappa,
Cohen (1960, doi 10.1177/001316446002000104). In remote sensing, precision is called user's accuracy and recall
producer's accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def confusion(prediction: ArrayLike, reference: ArrayLike, classes: int) -> NDArray[np.int64]:
    """Count the pairs of reference and predicted class.

    Parameters
    ----------
    prediction, reference
        Class numbers, whole numbers of one shape. Pixels where either is outside ``0…classes-1`` (255 for nodata, −1 or
        255 for unlabelled) are not counted.
    classes
        Number of classes, at least 1.

    Returns
    -------
    int64 (classes, classes): rows are the reference, columns the prediction.

    Raises
    ------
    ValueError
        If the shapes differ or the values are not whole numbers.
    """
    predicted, wanted = np.asarray(prediction), np.asarray(reference)
    if predicted.shape != wanted.shape:
        raise ValueError(f"prediction is {predicted.shape}, reference {wanted.shape}: they must have one shape")
    for array in (predicted, wanted):
        if array.dtype.kind not in "biu":
            raise ValueError(f"classes are whole numbers, not {array.dtype}")
    counted = _inside(predicted, classes) & _inside(wanted, classes)
    pairs = wanted[counted].astype(np.int64) * classes + predicted[counted].astype(np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes).astype(np.int64)


def _inside(values: NDArray[Any], classes: int) -> NDArray[np.bool_]:
    # A Python integer, not one of the array's type: 300 classes must not wrap round in uint8.
    return np.asarray((values >= 0) & (values < classes))


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of a confusion matrix.

    Scores are 0…1 (kappa −1…1), and NaN where they are not defined: precision of a class that was never predicted,
    recall of one that the reference lacks, IoU and F1 of one that neither has. Means leave NaN out.

    Attributes
    ----------
    matrix
        int64 or float64 (K, K): rows reference, columns prediction.
    """

    matrix: NDArray[np.int64] | NDArray[np.float64]

    @cached_property
    def support(self) -> NDArray[np.int64]:
        """Reference pixels of each class, (K,)."""
        return np.asarray(self.matrix.sum(1))

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """Predicted pixels of each class, (K,)."""
        return np.asarray(self.matrix.sum(0))

    @property
    def total(self) -> float:
        """Number of pixels."""
        return float(self.matrix.sum())

    @cached_property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union (Jaccard index) of each class, (K,)."""
        return _ratio(np.diag(self.matrix), self.support + self.predicted - np.diag(self.matrix))

    @cached_property
    def f1(self) -> NDArray[np.float64]:
        """F1 score, which is the Dice coefficient, of each class, (K,)."""
        return _ratio(2 * np.diag(self.matrix), self.support + self.predicted)

    @cached_property
    def precision(self) -> NDArray[np.float64]:
        """Precision, user's accuracy, of each class, (K,)."""
        return _ratio(np.diag(self.matrix), self.predicted)

    @cached_property
    def recall(self) -> NDArray[np.float64]:
        """Recall, producer's accuracy, of each class, (K,)."""
        return _ratio(np.diag(self.matrix), self.support)

    @property
    def overall_accuracy(self) -> float:
        """Share of correct pixels."""
        return float(np.trace(self.matrix)) / self.total if self.total else float("nan")

    @property
    def mean_iou(self) -> float:
        """Mean IoU of the classes that occur in prediction or reference."""
        return _mean(self.iou)

    @property
    def mean_f1(self) -> float:
        """Mean F1 of the classes that occur in prediction or reference."""
        return _mean(self.f1)

    @property
    def kappa(self) -> float:
        """Cohen's kappa: agreement beyond chance; NaN where chance agreement is 1."""
        if not self.total:
            return float("nan")
        chance = float((self.support / self.total) @ (self.predicted / self.total))
        return (self.overall_accuracy - chance) / (1 - chance) if chance < 1 else float("nan")


def scores(matrix: ArrayLike) -> Scores:
    """Return the scores of a confusion matrix (rows reference, columns prediction).

    Raises
    ------
    ValueError
        If the matrix is not square or holds negative numbers.
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1]:
        raise ValueError(f"a confusion matrix is square, not {counts.shape}")
    if (counts < 0).any():
        raise ValueError("a confusion matrix holds counts, none of them negative")
    return Scores(counts)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    result = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=result, where=np.asarray(whole > 0))
    return result


def _mean(values: NDArray[np.float64]) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
