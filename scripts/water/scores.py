"""Agreement of maps with the teacher's classes, with other labels of water, and with the spectral indices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from landcover.data import CLASS_NAMES, UNKNOWN
from landcover.scores import confusion, per_class_iou

from geoseg.models.networks.landcover import BANDS
from water.data import CLOUD, NAMES, SNOW, WATER

if TYPE_CHECKING:
    from numpy.typing import NDArray

DRY_WATER, WET_WATER = 0.02, 0.95
"""Largest share of water with MNDWI < −0.2; least share of water, snow or cloud where MNDWI > 0.3."""

# A share of fewer pixels than this says nothing.
_LEAST = 50


@dataclass
class WaterScores:
    """Confusion matrices with the teacher's classes, and counts of water of other labels, one per fold or picture.

    ``waters`` has pixels that both, that only the map and that only the labels call water.
    """

    matrices: list[NDArray[np.int64]] = field(default_factory=list)
    waters: list[tuple[int, int, int]] = field(default_factory=list)

    def add(
        self, predicted: NDArray[np.integer], labels: NDArray[np.uint8], land_cover: NDArray[np.uint8] | None = None
    ) -> None:
        """Add a fold: classes and labels (…, h, w), and classes of ``landcover`` for the same pixels."""
        count = len(NAMES)
        self.matrices.append(confusion(predicted, labels)[:count, :count])
        if land_cover is not None:
            known = land_cover != UNKNOWN
            ours, theirs = predicted[known] == WATER, land_cover[known] == CLASS_NAMES.index("water")
            self.waters.append(
                tuple(int(np.count_nonzero(part)) for part in (ours & theirs, ours & ~theirs, theirs & ~ours))
            )

    def summary(self) -> dict[str, Any]:
        """Return the pooled scores, and each fold's IoU of water."""
        pooled = sum(self.matrices[1:], self.matrices[0])
        iou, count = per_class_iou(pooled), pooled.sum(1)
        found: dict[str, Any] = {
            "overall_accuracy": _round(np.trace(pooled) / pooled.sum()),
            "per_class": {
                name: {"iou": _round(iou[k]), "pixels": int(count[k])} for k, name in enumerate(NAMES) if count[k]
            },
            "water_iou_by_fold": [_round(per_class_iou(matrix)[WATER]) for matrix in self.matrices],
            "confusion": pooled.tolist(),
        }
        if self.waters:
            counts = np.array([*self.waters, np.sum(self.waters, 0)])
            *folds, whole = (_round(v) for v in counts[:, 0] / counts.sum(1))
            found["land_cover_labels"] = {"water_iou": whole, "water_iou_by_fold": folds}
        return found


def shares(image: NDArray[np.float32], classes: NDArray[np.integer]) -> dict[str, float]:
    """Return the shares that the limits apply to; NaN where too few pixels are concerned.

    Parameters
    ----------
    image
        Reflectance (6, …), bands as in :data:`~geoseg.models.networks.landcover.BANDS`; 0 without data.
    classes
        Classes (…).
    """
    green, swir = (image[BANDS.index(name)] for name in ("green", "swir16"))
    valid = (image > 0).all(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mndwi = (green - swir) / (green + swir)

    def share(part: NDArray[np.bool_], whole: NDArray[np.bool_]) -> float:
        count = np.count_nonzero(whole)
        return _round(np.count_nonzero(part & whole) / count) if count >= _LEAST else float("nan")

    return {
        "dry water": share(mndwi < -0.2, valid & (classes == WATER)),
        "wet water": share(np.isin(classes, (WATER, SNOW, CLOUD)), valid & (mndwi > 0.3)),
    }


def broken(found: dict[str, float]) -> list[str]:
    """Return the names of the limits that shares exceed."""
    limits = {"dry water": found["dry water"] > DRY_WATER, "wet water": found["wet water"] < WET_WATER}
    return [name for name, over in limits.items() if over]


def _round(value: float) -> float:
    return round(float(value), 4)
