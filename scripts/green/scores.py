"""Agreement of maps with labels, city by city."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from green.crowns import Labels, within
from green.data import OTHER, TREE

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASS_NAMES = ("tree canopy", "low vegetation", "other")

RADII = (6, 8, 10, 12, 15)
"""Other rules for crowns: vegetation at most so many pixels of 0.6 m from a tree point."""

_BINS = 10
_TEMPERATURES = np.geomspace(0.5, 2.0, 29)


def iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return intersection over union."""
    return round(float((one & other).sum() / max((one | other).sum(), 1)), 4)


def agreement(classes: NDArray[np.integer], labels: NDArray[np.uint8]) -> dict[str, Any]:
    """Return the scores of maps (tiles, h, w)."""
    per_class = {name: iou(classes == k, labels == k) for k, name in enumerate(CLASS_NAMES)}
    return {
        "vegetation": iou(classes != OTHER, labels != OTHER),
        **per_class,
        "miou": round(float(np.mean(list(per_class.values()))), 4),
        "overall_accuracy": round(float((classes == labels).mean()), 4),
    }


@dataclass
class CityScores:
    """Scores of networks that had not seen the city that they are tested on."""

    by_city: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_radius: dict[str, dict[int, float]] = field(default_factory=dict)
    confusion: NDArray[np.int64] = field(default_factory=lambda: np.zeros((3, 3), np.int64))
    logits: list[NDArray[np.float32]] = field(default_factory=list)
    truth: list[NDArray[np.uint8]] = field(default_factory=list)

    def add(self, city: str, logits: NDArray[np.float32], labels: Labels, tiles: NDArray[np.integer]) -> None:
        """Add a city: logits (tiles, classes, h, w)."""
        classes, truth = logits.argmax(1), labels.classes[tiles]
        self.by_city[city] = agreement(classes, truth) | {"tiles": len(tiles)}
        self.by_radius[city] = {r: iou(classes == TREE, within(labels, r)[tiles]) for r in RADII}
        self.confusion += np.bincount(truth.ravel() * 3 + classes.ravel(), minlength=9).reshape(3, 3)
        self.logits.append(np.moveaxis(logits[:, :, ::4, ::4], 1, 0).reshape(3, -1))
        self.truth.append(truth[:, ::4, ::4].ravel())

    def temperature(self) -> float:
        """Return the number that logits are divided by for the least cross entropy."""
        logits, truth = np.concatenate(self.logits, 1), np.concatenate(self.truth)
        losses = [_entropy(logits / t, truth) for t in _TEMPERATURES]
        return round(float(_TEMPERATURES[int(np.argmin(losses))]), 3)

    def calibration(self, temperature: float) -> dict[str, Any]:
        """Return confidence and accuracy of ten bins of confidence, and the expected calibration error."""
        logits, truth = np.concatenate(self.logits, 1) / temperature, np.concatenate(self.truth)
        shares = _softmax(logits)
        confidence, right = shares.max(0), shares.argmax(0) == truth
        bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
        rows = [
            {
                "share": (bins == k).mean(),
                "confidence": confidence[bins == k].mean(),
                "accuracy": right[bins == k].mean(),
            }
            for k in np.unique(bins)
        ]
        error = sum(row["share"] * abs(row["confidence"] - row["accuracy"]) for row in rows)
        return {
            "expected_calibration_error": round(float(error), 4),
            "bins": [{key: round(float(value), 4) for key, value in row.items()} for row in rows],
        }

    def summary(self) -> dict[str, Any]:
        """Return means and standard deviations over cities, and each city's scores."""
        names = ("vegetation", *CLASS_NAMES, "miou", "overall_accuracy")
        table = np.array([[scores[name] for name in names] for scores in self.by_city.values()])
        spread = table.std(0, ddof=1) if len(table) > 1 else np.zeros(len(names))
        temperature = self.temperature()
        return {
            "iou": {
                name: {"mean": round(float(m), 4), "sd": round(float(s), 4), "least": round(float(low), 4)}
                for name, m, s, low in zip(names, table.mean(0), spread, table.min(0), strict=True)
            },
            "by_city": self.by_city,
            "tree_iou_by_radius": {
                str(r): round(float(np.mean([rules[r] for rules in self.by_radius.values()])), 4) for r in RADII
            },
            "confusion": self.confusion.tolist(),
            "temperature": temperature,
            "calibration": self.calibration(temperature),
        }


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(0))
    return np.asarray(powers / powers.sum(0), np.float32)


def _entropy(logits: NDArray[np.float32], truth: NDArray[np.uint8]) -> float:
    return float(-np.log(np.take_along_axis(_softmax(logits), truth[None].astype(int), 0) + 1e-9).mean())
