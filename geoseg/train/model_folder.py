"""The model folder: its card documents the training; the folder is written completely or not at all."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import OutputError
from geoseg.evaluate.metrics import scores
from geoseg.models import Model, ModelCard, load_model, save_model
from geoseg.models.card import half_precision
from geoseg.models.card.card import card_with
from geoseg.models.card.inputs import is_change
from geoseg.system import files
from geoseg.train.options import BOXES, INPUT_OPTIONS, SEMI_OPTIONS, parse_also

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models.card.half_precision import HalfPrecision
    from geoseg.train.fit import Fitted
    from geoseg.train.options import TrainOptions
    from geoseg.train.prepare import Prepared

# Images that the card lists by name.
_LISTED = 40

METRICS_FILE = "metrics.json"
"""All scores of the validation, in the model folder."""


def model_name(output: Path | None) -> str:
    """Return a valid card name from the folder's: a letter first, at least two characters."""
    text = re.sub(r"[^a-zA-Z0-9_.\-]+", "-", output.resolve().name if output else "model").strip("-_.")
    return text if re.match(r"[a-zA-Z].*[a-zA-Z0-9]$", text) else f"model-{text}".strip("-")


def metrics_of(matrix: NDArray[np.int64], card: ModelCard) -> dict[str, Any]:
    """Return all validation scores: means, each class, and the confusion matrix."""
    result = scores(matrix)
    per_class = {
        c.name: {
            "iou": _plain(result.iou[c.id]),
            "f1": _plain(result.f1[c.id]),
            "precision": _plain(result.precision[c.id]),
            "recall": _plain(result.recall[c.id]),
            "pixels": int(result.support[c.id]),
        }
        for c in card.classes
    }
    found = {
        "mean_iou": _plain(result.mean_iou),
        "mean_f1": _plain(result.mean_f1),
        "overall_accuracy": _plain(result.overall_accuracy),
        "kappa": _plain(result.kappa),
        "pixels": int(result.total),
        "classes": per_class,
        "confusion_matrix": {"rows": "reference", "columns": "prediction", "counts": matrix.tolist()},
    }
    if is_change(card.inputs):
        found["change"] = _binary(matrix)
    return found


def _binary(matrix: NDArray[np.int64]) -> dict[str, Any]:
    """Return the scores of change of any kind against class 0, what has not changed."""
    either = np.array([[matrix[0, 0], matrix[0, 1:].sum()], [matrix[1:, 0].sum(), matrix[1:, 1:].sum()]])
    result = scores(either)
    fields = {"iou": result.iou, "f1": result.f1, "precision": result.precision, "recall": result.recall}
    return {name: _plain(values[1]) for name, values in fields.items()} | {"pixels": int(either[1].sum())}


def brief(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the scores for the card; :data:`METRICS_FILE` holds all of them."""
    return {name: metrics[name] for name in ("mean_iou", "overall_accuracy", "kappa", "pixels")} | {
        "iou": {name: values["iou"] for name, values in metrics["classes"].items()},
        **({"change": metrics["change"]} if "change" in metrics else {}),
    }


def _plain(value: float) -> float | None:
    return round(float(value), 4) if np.isfinite(value) else None


def finished_card(
    prepared: Prepared,
    options: TrainOptions,
    fitted: Fitted,
    *,
    calibration: dict[str, Any] | None,
    half: HalfPrecision | None,
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
    training |= {"split_made": prepared.split.summary, "start": fitted.start}
    training = {name: value for name, value in training.items() if prepared.unlabelled or name not in SEMI_OPTIONS}
    training = {name: value for name, value in training.items() if card.inputs or name not in INPUT_OPTIONS}
    if options.task == BOXES:
        # Detectors have losses of their own.
        del training["loss"]
    if fitted.pseudo is not None:
        training["pseudo_labelled"] = round(fitted.pseudo, 4)
    if options.also is not None:
        name, path = parse_also(options.also)
        training["also"] = f"{name}={Path(path).name}" if path else name
    if options.groups:
        training["groups"] = Path(options.groups).name
    if options.weights and "://" not in options.weights:
        training["weights"] = Path(options.weights).name
    if tuning:
        training["tuning"] = tuning
    metrics: dict[str, Any] = {}
    if fitted.matrix is not None:
        metrics["validation"] = brief(metrics_of(fitted.matrix, card))
        if fitted.scores is not None:
            metrics["validation"]["objects"] = fitted.scores
    if calibration is not None:
        from geoseg.train import calibrate  # needs lightning, which sketches do without

        metrics["calibration"] = calibrate.brief(calibration)
    if half is not None:
        metrics[half_precision.KEY] = half.as_metrics()
    names = [scene.raster.name for scene in prepared.scenes]
    pixels = prepared.split.training()
    listing = ", ".join(names[:_LISTED]) + (f" and {len(names) - _LISTED} more" if len(names) > _LISTED else "")
    counts = ", ".join(f"{c.name} {int(pixels[c.id])}" for c in card.classes)
    lines = [f"{len(names)} images: {listing}", f"labelled training pixels: {counts}", prepared.split.summary]
    if prepared.unlabelled is not None:
        lines.append(prepared.unlabelled.summary)
    name = model_name(output)
    what = f"{len(card.classes)} classes" if card.objects is None else _kinds(card)
    number = f"{what} from {_sources(card)}"
    return card_with(
        card,
        name=name,
        title=f"{number}, trained by geoseg",
        description=_description(fitted, metrics, base),
        version="1.0.0",
        license=licence,
        hyperparameters=card.hyperparameters | {"training": training},
        temperature=metrics.get("calibration", {}).get("temperature"),
        metrics=metrics,
        training_data=(*(card.training_data if base else ()), *lines),
        bytes_per_pixel=card.bytes_per_pixel if base else None,
        weights=None,
        test_vector={},
        item={},
    )


def _kinds(card: ModelCard) -> str:
    assert card.objects is not None
    return f"Objects ({', '.join(kind.name for kind in card.objects.kinds)})"


def _sources(card: ModelCard) -> str:
    if not card.inputs:
        return f"{len(card.bands)} bands"
    if card.inputs[0].dates is not None:
        return f"up to {card.inputs[0].steps} dates"
    return " and ".join(spec.name for spec in card.inputs)


def _description(fitted: Fitted, metrics: dict[str, Any], base: Model | None) -> str:
    start = f"Fine-tuned from {base.card.name} {base.card.version}" if base else "Trained"
    text = f"{start} for {fitted.epochs} epoch{'s' * (fitted.epochs != 1)}."
    if "validation" in metrics:
        scored = metrics["validation"]
        found = scored.get("objects")
        objects = "" if found is None or found["ap50"] is None else (
            f" Objects there, window by window: AP50 {found['ap50']}, AP {found['ap']} ({found['objects']} objects); "
            f"F1 {found['f1']} at a score of {found['score']}."
        )  # fmt: skip
        return (
            f"{text} On the places held out for validation: mIoU {scored['mean_iou']}, overall accuracy "
            f"{scored['overall_accuracy']} ({scored['pixels']} pixels).{objects}"
        )
    return f"{text} Not validated: it was trained on all labels, so its accuracy is unknown."


def write_folder(
    output: Path, card: ModelCard, state: dict[str, Any], *, metrics: dict[str, Any] | None, logs: Path | None
) -> Model:
    """Write the model folder under a temporary name, then rename it over what was there.

    Raises
    ------
    OutputError, ModelError
        If it cannot be written.
    """
    with replaced_folder(output) as partial:
        save_model(partial, card, state)
        if metrics is not None:
            (partial / METRICS_FILE).write_text(json.dumps(metrics, indent=2, ensure_ascii=False), encoding="utf-8")
        if logs is not None and logs.is_dir():
            shutil.copytree(logs, partial / "logs")
    return load_model(output)


@contextmanager
def replaced_folder(output: Path) -> Iterator[Path]:
    """Give a folder under a temporary name to write a model in; at the end it is renamed over what was there.

    After an error or an interruption nothing has changed.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    try:
        with files.replaced_folder(output) as partial:
            yield partial
    except OSError as error:
        raise OutputError(f"{output}: the model cannot be written: {error.strerror or error}") from None
