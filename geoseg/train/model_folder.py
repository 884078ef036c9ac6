"""The model folder: a card that says how it came about, written complete or not at all."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import OutputError
from geoseg.evaluate.metrics import scores
from geoseg.models import Model, ModelCard, save_model
from geoseg.models.card.card import CARD_FILE, card_with

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.train.fit import Fitted
    from geoseg.train.options import TrainOptions
    from geoseg.train.prepare import Prepared

# Images that the card names one by one.
_NAMED = 40

METRICS_FILE = "metrics.json"
"""All scores of the validation, in the model folder."""


def model_name(output: Path | None) -> str:
    """Return a name for the card from the folder's: cards want a letter first, two characters at least."""
    text = re.sub(r"[^a-zA-Z0-9_.\-]+", "-", output.resolve().name if output else "model").strip("-_.")
    return text if re.match(r"[a-zA-Z].*[a-zA-Z0-9]$", text) else f"model-{text}".strip("-")


def metrics_of(matrix: NDArray[np.int64], card: ModelCard) -> dict[str, Any]:
    """Return all validation scores: means, each class, and the confusion matrix."""
    found = scores(matrix)
    each = {
        c.name: {
            "iou": _plain(found.iou[c.id]),
            "f1": _plain(found.f1[c.id]),
            "precision": _plain(found.precision[c.id]),
            "recall": _plain(found.recall[c.id]),
            "pixels": int(found.support[c.id]),
        }
        for c in card.classes
    }
    return {
        "mean_iou": _plain(found.mean_iou),
        "mean_f1": _plain(found.mean_f1),
        "overall_accuracy": _plain(found.overall_accuracy),
        "kappa": _plain(found.kappa),
        "pixels": int(found.total),
        "classes": each,
        "confusion_matrix": {"rows": "reference", "columns": "prediction", "counts": matrix.tolist()},
    }


def brief(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return what the card says of the scores; the rest stands in :data:`METRICS_FILE`."""
    return {name: metrics[name] for name in ("mean_iou", "overall_accuracy", "kappa", "pixels")} | {
        "iou": {name: found["iou"] for name, found in metrics["classes"].items()}
    }


def _plain(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None


def finished_card(
    prepared: Prepared,
    options: TrainOptions,
    fitted: Fitted,
    *,
    output: Path | None,
    licence: str,
    base: Model | None,
    tuning: dict[str, Any] | None,
) -> ModelCard:
    """Return the card of a trained model."""
    card = prepared.card
    training = {
        name: value
        for name, value in options.as_dict().items()
        if value is not None and name not in ("device", "devices", "workers", "memory", "base", "arch", "encoder")
    }
    training |= {"window": prepared.window, "batch": fitted.batch, "accumulate": fitted.accumulate, "lr": fitted.lr}
    training |= {"windows": fitted.windows, "best_epoch": fitted.epoch + 1, "epochs_run": fitted.epochs}
    training |= {"split_made": prepared.split.said, "start": fitted.start}
    if options.groups:
        training["groups"] = Path(options.groups).name
    if options.weights and "://" not in options.weights:
        training["weights"] = Path(options.weights).name
    if tuning:
        training["tuning"] = tuning
    metrics: dict[str, Any] = {}
    if fitted.matrix is not None:
        metrics["validation"] = brief(metrics_of(fitted.matrix, card))
    names = [scene.raster.name for scene in prepared.scenes]
    pixels = prepared.split.training()
    listing = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    learned = ", ".join(f"{c.name} {int(pixels[c.id])}" for c in card.classes)
    lines = (f"{len(names)} images: {listing}", f"labelled pixels learned from: {learned}", prepared.split.said)
    name = model_name(output)
    number = f"{len(card.classes)} classes from {len(card.bands)} bands"
    return card_with(
        card,
        name=name,
        title=f"{number}, trained by geoseg",
        description=_description(fitted, metrics, base),
        version="1.0.0",
        license=licence,
        hyperparameters=card.hyperparameters | {"training": training},
        metrics=metrics,
        training_data=(*(card.training_data if base else ()), *lines),
        bytes_per_pixel=card.bytes_per_pixel if base else None,
        weights=None,
        test_vector={},
        item={},
    )


def _description(fitted: Fitted, metrics: dict[str, Any], base: Model | None) -> str:
    start = f"Fine-tuned from {base.card.name} {base.card.version}" if base else "Trained"
    text = f"{start} for {fitted.epochs} epoch{'s' * (fitted.epochs != 1)}."
    if "validation" in metrics:
        found = metrics["validation"]
        return (
            f"{text} On places kept for validation: mIoU {found['mean_iou']}, overall accuracy "
            f"{found['overall_accuracy']} ({found['pixels']} pixels)."
        )
    return f"{text} Not validated: all labels were learned from, so nothing is known of how good it is."


def check_output(output: Path, *, overwrite: bool) -> None:
    """Refuse to replace what is there unless asked, and ever what is no model folder.

    Raises
    ------
    OutputError
        Saying what to do.
    """
    if not output.exists():
        return
    if not output.is_dir():
        raise OutputError(f"{output} is a file; name a folder for the model")
    if not any(output.iterdir()):
        return
    if not (output / CARD_FILE).is_file():
        raise OutputError(f"{output} is a folder of other things, not a model; name a new folder")
    if not overwrite:
        raise OutputError(f"{output} holds a model already; name another folder or replace it with --overwrite")


def write_folder(
    output: Path, card: ModelCard, state: dict[str, Any], *, metrics: dict[str, Any] | None, logs: Path | None
) -> Model:
    """Write the model folder under another name, then rename it; what was there is replaced only then.

    Raises
    ------
    OutputError, ModelError
        If it cannot be written.
    """
    partial = output.with_name(f".{output.name}.{os.getpid()}.part")
    old = output.with_name(f".{output.name}.{os.getpid()}.old")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        save_model(partial, card, state)
        if metrics is not None:
            (partial / METRICS_FILE).write_text(json.dumps(metrics, indent=2, ensure_ascii=False), encoding="utf-8")
        if logs is not None and logs.is_dir():
            shutil.copytree(logs, partial / "logs")
        if output.exists():
            output.rename(old)
        partial.rename(output)
    except OSError as error:
        if old.exists() and not output.exists():
            old.rename(output)
        raise OutputError(f"{output}: the model cannot be written ({error.strerror or error})") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    from geoseg.models import load_model

    return load_model(output)
