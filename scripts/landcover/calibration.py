"""The temperature of ``landcover``, from the logits of places that a network had not seen.

    PYTHONPATH=scripts python -m landcover.calibration LOGITS.npz MODEL_FOLDER

fits the temperature and writes it, with what it gains, into the card of the weights in MODEL_FOLDER; the test vector is
made again. ``scripts/train_landcover.py --folds --logits LOGITS.npz`` writes such logits (and calibrates the card
itself): arrays ``logits`` (tiles, classes, h, w), ``labels`` (tiles, h, w; 255 unknown) and ``fold`` (tiles,).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.evaluate.calibration import Reliability, cross_fitted, fit_temperature, reliability
from geoseg.models import load_model, save_model
from geoseg.models.card.card import card_with
from geoseg.models.networks.temperature import without_temperature

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PROTOCOL = (
    "one temperature, fitted by likelihood on every second row and column of all folds; before and after: each fold "
    "with the temperature of the other four, pooled, and by fold"
)


@dataclass
class HeldOut:
    """Logits of tiles by networks that had not seen their places.

    Attributes
    ----------
    logits, labels
        Of each fold: float16 (tiles, classes, h, w) and uint8 (tiles, h, w), 255 where unknown.
    """

    logits: list[NDArray[np.float16]] = field(default_factory=list)
    labels: list[NDArray[np.uint8]] = field(default_factory=list)

    def add(self, logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Add a fold; return its classes (tiles, h, w)."""
        self.logits.append(logits.astype(np.float16))
        self.labels.append(labels)
        return logits.argmax(1).astype(np.uint8)

    def pixels(self, fold: int) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Return logits (pixels, classes) and labels (pixels,) of every second row and column, where known."""
        logits, labels = self.logits[fold][:, :, ::2, ::2], self.labels[fold][:, ::2, ::2]
        known = labels < logits.shape[1]
        return np.moveaxis(logits, 1, -1)[known].astype(np.float32), labels[known]

    def reliability(self, temperatures: list[float]) -> list[Reliability]:
        """Return the reliability of each fold, with its temperature."""
        return [reliability(*self.pixels(fold), temperature) for fold, temperature in enumerate(temperatures)]


def calibration(seen: HeldOut, others: dict[str, HeldOut]) -> dict[str, Any]:
    """Return the temperature and what it gains, for the card's metrics.

    Parameters
    ----------
    seen
        Tiles as they are.
    others
        Tiles that were magnified or disturbed, by name: scored with the temperatures of undisturbed tiles.
    """
    parts = [seen.pixels(fold) for fold in range(len(seen.logits))]
    logits, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    group = np.repeat(np.arange(len(parts)), [len(part[1]) for part in parts])
    pooled = cross_fitted(logits, labels, group)
    temperatures = [fit_temperature(logits[group != fold], labels[group != fold]) for fold in range(len(parts))]
    ones = [1.0] * len(parts)
    found: dict[str, Any] = {
        "protocol": _PROTOCOL,
        "temperature": _round(pooled["temperature"]),
        "ece_before": _round(pooled["before"]["ece"]),
        "ece_after": _round(pooled["after"]["ece"]),
        "log_loss_before": _round(pooled["before"]["log_loss"]),
        "log_loss_after": _round(pooled["after"]["log_loss"]),
        "confidence_before": _round(pooled["before"]["mean_confidence"]),
        "confidence_after": _round(pooled["after"]["mean_confidence"]),
        "accuracy": _round(pooled["accuracy"]),
        "ece_before_by_fold": [_round(part.ece) for part in seen.reliability(ones)],
        "ece_after_by_fold": [_round(part.ece) for part in seen.reliability(temperatures)],
        "curve": {
            when: {
                f"{entry['from']}-{entry['to']} %": {
                    "accuracy": _round(entry["accuracy"]),
                    "confidence": _round(entry["confidence"]),
                    "share": _round(entry["pixels"] / pooled["pixels"]),
                }
                for entry in pooled[when]["curve"]
            }
            for when in ("before", "after")
        },
    }
    changed = {
        name: {
            "ece_after": _round(_pooled(held.reliability(temperatures)).ece),
            "ece_before": _round(_pooled(held.reliability(ones)).ece),
        }
        for name, held in others.items()
    }
    return found | ({"changed": changed} if changed else {})


def _pooled(parts: list[Reliability]) -> Reliability:
    total = Reliability()
    for part in parts:
        total.add(part)
    return total


def _round(value: float) -> float:
    return round(float(value), 4)


def read(path: Path) -> HeldOut:
    """Return the logits of a file."""
    held = HeldOut()
    with np.load(path) as arrays:
        logits, labels, fold = arrays["logits"], arrays["labels"], arrays["fold"]
    for part in np.unique(fold):
        held.add(logits[fold == part].astype(np.float32), labels[fold == part])
    return held


def main() -> None:
    """Calibrate the model in a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logits", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    model = load_model(options.folder)
    found = calibration(read(options.logits), {})
    old = model.card.metrics.get("calibration", {})
    if old.get("temperature") == found["temperature"] and "changed" in old:
        found["changed"] = old["changed"]
    card = card_with(
        model.card, temperature=found["temperature"], metrics=model.card.metrics | {"calibration": found}, item={}
    )
    save_model(options.folder, card, without_temperature(model.module()))
    sys.stdout.write(
        f"temperature {found['temperature']}: expected calibration error {found['ece_before']} before, "
        f"{found['ece_after']} after\n"
    )


if __name__ == "__main__":
    main()
