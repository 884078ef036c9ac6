"""``train_boxes``: labelled images -> a folder with a detector."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from geoseg.classes import MapClass
from geoseg.errors import InputError, ModelError, OptionError, one_line
from geoseg.models import Model, ModelCard
from geoseg.models.boxes.network import WIDTH, usual_anchors, usual_width
from geoseg.models.build import build_architecture
from geoseg.models.card.boxes import BoxHeads
from geoseg.models.card.card import card_with
from geoseg.system.text import rounded
from geoseg.tiling import round_up
from geoseg.train import model_folder
from geoseg.train.boxes.learner import BoxLearner
from geoseg.train.boxes.targets import ImageObjects, objects_of
from geoseg.train.boxes.windows import BoxWindows, ScoredBoxWindows
from geoseg.train.data.augment import Augment
from geoseg.train.fit import Task, fit
from geoseg.train.prepare import Prepared, prepare
from geoseg.train.start.weights import load_weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.progress.reporters import Reporter
    from geoseg.train.fit import Fitted
    from geoseg.train.options import TrainOptions
    from geoseg.train.run import Run

_PERCENTILES = (5, 25, 50, 75, 95)

_STRIDE = 32

_WINDOW = 512
"""Side of the windows in which scenes are searched, in pixels, unless the objects are too large for it."""


def train_boxes(run: Run, folder: Path) -> Model:
    """Train a detector; called by :func:`geoseg.train` for ``task="boxes"``.

    Raises
    ------
    GeosegError
        As :func:`geoseg.train`.
    """
    options, reporter = run.options, run.reporter
    if run.tune or run.sources.unlabelled:
        given = "tune" if run.tune else "unlabelled"
        raise OptionError(f"task boxes has no {given}: leave the option out")
    prepared = prepare(run.sources, options, None, reporter)
    background = str(options.background)
    scenes = {id(scene.raster): scene for scene in (*prepared.scenes, *prepared.held)}
    objects = {key: objects_of(s.labels, s.raster, prepared.card.classes, background) for key, s in scenes.items()}
    training = [objects[id(scene.raster)] for scene in prepared.scenes]
    held = [objects[id(scene.raster)] for scene in prepared.held]
    card = _card(prepared, training, options)
    _report_data(prepared, training, card, reporter)
    network, start = _network(card, options, prepared.window)
    reporter.info(f"starting from {start}")
    augment = Augment(options.augment)
    assert card.boxes is not None
    sampler = prepared.sampler(prepared.window, augment)
    samples = BoxWindows(
        prepared.scenes, training, sampler, augment, options.seed, masks=card.boxes.masks
    )  # fmt: skip
    scored = ScoredBoxWindows(prepared.validation_windows(), held) if prepared.validated else None
    task = Task(
        prepared, options, network, start, folder, samples=samples, loss=torch.nn.Identity(),
        validation=scored, learner=BoxLearner,
    )  # fmt: skip
    fitted = fit(task, reporter, resume=run.resume)
    prepared.check_unchanged()
    metrics = _named(fitted.scores, card)
    card = _finished(card, prepared, training, options, fitted, metrics, run)
    if run.output is None:
        network.load_state_dict(fitted.state)
        model = Model(card, module=network.eval().cpu().requires_grad_(requires_grad=False))
    else:
        model = model_folder.write_folder(run.output, card, fitted.state, metrics=metrics, logs=folder / "logs")
    _report_result(card, fitted, metrics, run)
    return model


def _card(prepared: Prepared, objects: Sequence[ImageObjects], options: TrainOptions) -> ModelCard:
    """Return the detector's card: background first, windows and anchors by the sizes of the objects."""
    before, background = prepared.card, options.background
    kinds = [item for item in before.classes if item.name != background]
    black = MapClass(0, str(background), "#000000")
    classes = (black, *(MapClass(number, item.name, item.color) for number, item in enumerate(kinds, 1)))
    sides = np.concatenate([(one.boxes[:, 2:] - one.boxes[:, :2]).max(1) for one in objects])
    if not len(sides):
        raise InputError("no box of the labels has an area inside the images")
    # Objects are seen whole that reach a margin beyond the kept centre of a window.
    margin = int(min(max(round_up(int(np.percentile(sides, 99) / 2) + 8, _STRIDE), _STRIDE), 1024))
    window = max(_WINDOW, round_up(4 * margin, _STRIDE))
    heads = BoxHeads(
        masks=options.arch == "mask-rcnn",
        window=window,
        area_m2=_areas(prepared, objects, classes),
        side_px=_percentiles(sides),
    )
    norm = "frozen" if options.weights else "instance"
    kwargs: dict[str, Any] = {"anchors": list(usual_anchors(sides.tolist())), "norm": norm}
    if not options.weights and (width := usual_width(options.encoder)) != WIDTH:
        kwargs["width"] = width
    parameters = {"encoder": options.encoder, "kwargs": kwargs}
    return card_with(before, classes=classes, boxes=heads, margin=margin, hyperparameters=parameters)


def _percentiles(values: NDArray[np.float64]) -> dict[str, float]:
    return {
        str(percent): float(f"{value:.4g}")
        for percent, value in zip(_PERCENTILES, np.percentile(values, _PERCENTILES), strict=True)
    }


def _areas(
    prepared: Prepared, objects: Sequence[ImageObjects], classes: Sequence[MapClass]
) -> dict[str, dict[str, float]]:
    """Return percentiles of the areas of the objects' boxes in m², per class; empty without CRS."""
    from geoseg.geodesy import pixel_sides

    found: dict[str, list[NDArray[np.float64]]] = {}
    for scene, own in zip(prepared.scenes, objects, strict=True):
        raster = scene.raster
        sides = pixel_sides(raster.crs, raster.transform, raster.shape)
        if sides is None:
            continue
        areas = (own.boxes[:, 2:] - own.boxes[:, :2]).prod(1) * sides[0] * sides[1]
        for item in classes[1:]:
            if (own.classes == item.id).any():
                found.setdefault(item.name, []).append(areas[own.classes == item.id])
    return {name: _percentiles(np.concatenate(areas)) for name, areas in found.items()}


def _network(card: ModelCard, options: TrainOptions, window: int) -> tuple[torch.nn.Module, str]:
    torch.manual_seed(options.seed)
    network, origin = build_architecture(card), "random weights"
    if options.weights:
        origin = load_weights(network, options.encoder, options.weights, [band.name for band in card.bands])
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, len(card.bands), window, window))
    except (RuntimeError, ValueError, TypeError) as error:
        raise ModelError(
            f"{card.architecture} with encoder {options.encoder!r} does not run on windows of {window} px: "
            f"{one_line(error)[:200]}"
        ) from None
    return network.train().requires_grad_(requires_grad=True), origin


def _report_data(prepared: Prepared, objects: Sequence[ImageObjects], card: ModelCard, reporter: Reporter) -> None:
    count = len(prepared.scenes)
    reporter.info(f"{count} image{'s' * (count != 1)}, windows of {prepared.window} px; {prepared.split.summary}")
    assert card.boxes is not None
    sides = card.boxes.side_px
    low, middle, high = (rounded(sides[key]) for key in ("5", "50", "95"))
    reporter.info(f"{_listing(objects, card)}; longer sides {low}…{high} px, median {middle} (9 in 10)")
    if sides["95"] > prepared.window:
        reporter.warning(
            f"objects of {high} px are larger than the training windows of {prepared.window} px: use a larger --window"
        )


def _listing(objects: Sequence[ImageObjects], card: ModelCard) -> str:
    numbers = [sum(int((one.classes == item.id).sum()) for one in objects) for item in card.classes]
    return "boxes: " + ", ".join(
        f"{item.name} {number:,}" for item, number in zip(card.classes[1:], numbers[1:], strict=True)
    )


def _named(scores: dict[str, Any] | None, card: ModelCard) -> dict[str, Any] | None:
    """Return scores with the names of classes; None without validation."""
    if scores is None:
        return None
    names = {str(item.id): item.name for item in card.classes}
    return scores | {"classes": {names[number]: one for number, one in scores["classes"].items()}}


def _finished(
    card: ModelCard,
    prepared: Prepared,
    objects: Sequence[ImageObjects],
    options: TrainOptions,
    fitted: Fitted,
    metrics: dict[str, Any] | None,
    run: Run,
) -> ModelCard:
    done = model_folder.finished_card(
        prepared, options, fitted, calibration=None, half=None, output=run.output, licence=run.licence, base=None,
        tuning=None,
    )  # fmt: skip
    names = ", ".join(item.name for item in card.classes[1:])
    text = f"Trained for {fitted.epochs} epoch{'s' * (fitted.epochs != 1)}."
    if metrics is None or metrics["ap50"] is None:
        text += " Not validated: nothing tells how good it is."
    else:
        text += (
            f" On the places held out for validation, window by window: AP50 {metrics['ap50']}, AP {metrics['ap']} "
            f"({metrics['objects']} objects); F1 {metrics['f1']} at a score of {metrics['score']}."
        )
    lines = (done.training_data[0], _listing(objects, card), prepared.split.summary)
    return card_with(
        done,
        classes=card.classes,
        boxes=card.boxes,
        margin=card.margin,
        hyperparameters=card.hyperparameters | {"training": done.hyperparameters["training"]},
        title=f"Boxes of objects ({names}) from {len(card.bands)} bands, trained by geoseg",
        description=text,
        metrics={} if metrics is None else {"validation": metrics},
        training_data=lines,
    )


def _report_result(card: ModelCard, fitted: Fitted, metrics: dict[str, Any] | None, run: Run) -> None:
    classes: dict[str, Any] = {item.name: {"id": item.id, "color": item.color} for item in card.classes[1:]}
    means: dict[str, Any] = {}
    if metrics is not None:
        for name, scores in metrics["classes"].items():
            classes[name] |= scores
        means = {name: metrics[name] for name in ("ap50", "ap", "ap75", "f1", "score", "objects")}
        run.reporter.info(
            f"best epoch {fitted.epoch + 1}: AP50 {metrics['ap50']}, AP {metrics['ap']}; F1 {metrics['f1']} at a score "
            f"of {metrics['score']}"
        )
    outputs = {} if run.output is None else {"model": str(run.output)}
    run.reporter.result(outputs=outputs, classes=classes, metrics=means, best_epoch=fitted.epoch + 1)
