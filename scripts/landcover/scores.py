"""Agreement of maps with labels, by fold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.models.networks.landcover import CLASS_COUNT
from landcover.data import CLASS_NAMES, trusted

if TYPE_CHECKING:
    from numpy.typing import NDArray


def confusion(predicted: NDArray[np.integer], labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the confusion matrix: pixels by label (rows) and prediction (columns), without unknown labels."""
    known = labels < CLASS_COUNT
    pairs = labels[known].astype(np.int64) * CLASS_COUNT + predicted[known]
    return np.bincount(pairs, minlength=CLASS_COUNT**2).reshape(CLASS_COUNT, CLASS_COUNT)


def per_class_iou(matrix: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the intersection over union of each class, NaN for classes without labels."""
    hits = np.diag(matrix)
    union = matrix.sum(0) + matrix.sum(1) - hits
    return np.where(matrix.sum(1) > 0, hits / np.maximum(union, 1), np.nan)


@dataclass
class FoldScores:
    """Confusion matrices of one method, one per fold: of all labels, and of those the image does not contradict."""

    name: str
    matrices: list[NDArray[np.int64]] = field(default_factory=list)
    supported: list[NDArray[np.int64]] = field(default_factory=list)

    def add(self, predicted: NDArray[np.integer], labels: NDArray[np.uint8], images: NDArray[np.float32]) -> None:
        """Add a fold: classes and labels (tiles, h, w), reflectance (tiles, 6, h, w)."""
        self.matrices.append(confusion(predicted, labels))
        self.supported.append(confusion(predicted, trusted(labels, images)))

    def summary(self) -> dict[str, Any]:
        """Return the means over folds, the pooled scores, and each fold's."""
        ious = np.array([per_class_iou(m) for m in self.matrices])
        means = np.nanmean(ious, axis=1)
        overall = np.array([np.trace(m) / m.sum() for m in self.matrices])
        pooled = sum(self.matrices[1:], self.matrices[0])
        per_class = {
            name: {"iou": _round(np.nanmean(ious[:, k])), "sd": _round(np.nanstd(ious[:, k], ddof=1))}
            for k, name in enumerate(CLASS_NAMES)
        }
        return {
            "miou": _round(means.mean()),
            "miou_sd": _round(means.std(ddof=1)),
            "overall_accuracy": _round(overall.mean()),
            "overall_accuracy_sd": _round(overall.std(ddof=1)),
            "pooled_miou": _round(np.nanmean(per_class_iou(pooled))),
            "pooled_overall_accuracy": _round(np.trace(pooled) / pooled.sum()),
            "miou_by_fold": [_round(v) for v in means],
            "overall_accuracy_by_fold": [_round(v) for v in overall],
            "per_class": per_class,
            "confusion": pooled.tolist(),
            "without_contradicted_water": {
                "miou": _round(np.mean([np.nanmean(per_class_iou(m)) for m in self.supported])),
                "overall_accuracy": _round(np.mean([np.trace(m) / m.sum() for m in self.supported])),
                "water_iou": _round(np.mean([per_class_iou(m)[CLASS_NAMES.index("water")] for m in self.supported])),
            },
        }


def _round(value: float) -> float:
    return round(float(value), 4)
