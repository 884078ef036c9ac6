"""train(): labelled images -> a model folder."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import GeosegError, InputError, OptionError, OutputError
from geoseg.progress.reporters import Reporter, Silent
from geoseg.train.options import TrainOptions

if TYPE_CHECKING:
    from geoseg.models import Model
    from geoseg.train.data.label_images import Sources
    from geoseg.train.fit import Fitted
    from geoseg.train.prepare import Prepared

OPTIONS_FILE = "training.json"
"""What a run was started with, in its folder beside the checkpoints."""


def train(
    images: Any,
    labels: Any,
    output: str | os.PathLike[str] | None = None,
    *,
    class_field: str | None = None,
    classes: str | Sequence[str] | Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    reading: Mapping[str, Any] | None = None,
    licence: str = "other",
    tune: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    report: Reporter | None = None,
    **options: Any,
) -> Model:
    """Train a segmentation model on labelled images, or train a model further.

    Parameters
    ----------
    images
        Path, folder of rasters, :class:`Raster` or array, or a list of these. All need the bands of the first.
    labels
        Class rasters of any grid and CRS (warped to the image's pixels, nearest), or polygons: files or GeoDataFrames.
        What is not labelled is not learned from and not counted.
    output
        Model folder to write. None keeps the model in memory alone.
    class_field
        Field of the polygons that holds the class; guessed from usual names if None.
    classes
        ``"water,forest:#117733"``, ``"1=water,4=forest"``, a list of these, or a mapping value → name. None takes what
        the labels hold (or the classes of ``base``).
    ignore
        Values or names in the labels that count as unlabelled.
    reading
        Keyword arguments of :func:`open_raster` for every image: bands, scale, offset, nodata ….
    licence
        For the card: an SPDX name, or ``other``.
    tune
        Trials of a search over learning rate, loss, encoder and window before the training; 0 for none.
    resume
        Go on with an interrupted run of the same options.
    overwrite
        Replace a model, or an interrupted run, that is there.
    report
        Hears of progress; warnings alone go to stderr if None.
    **options
        Fields of :class:`geoseg.train.TrainOptions`: arch, encoder, weights, base, loss, lr, weight_decay, epochs,
        batch, accumulate, window, windows, class_weights, augment, split, block_size, group_field, groups, validation,
        seed, precision, device, devices, patience, workers, memory.

    Returns
    -------
    Model
        The best epoch by mIoU on the validation part, or the last without validation.

    Raises
    ------
    GeosegError
        With one line that says what is wrong with images, labels, options or the training itself.
    KeyboardInterrupt
        If the user stops it; ``resume`` goes on from the last finished epoch.
    """
    _check_installed()
    from geoseg.train.data.label_images import Sources

    chosen = parse_options(options)
    report = report or Silent()
    sources = Sources(_listed(images), _listed(labels), class_field, classes, tuple(ignore), dict(reading or {}))
    target = None if output is None else Path(output)
    with _run_folder(target, sources, chosen, tune, resume=resume, overwrite=overwrite, report=report) as folder:
        try:
            return _train(sources, chosen, target, folder, licence, tune, report, resume=resume)
        except KeyboardInterrupt:
            kept = target is not None and (folder / "last.ckpt").is_file()
            raise KeyboardInterrupt(
                "the last finished epoch is kept; add --resume to the same command to go on" if kept else "nothing kept"
            ) from None


def parse_options(options: Mapping[str, Any]) -> TrainOptions:
    """Return options from keywords.

    Raises
    ------
    OptionError
        If one is unknown or impossible.
    """
    known = {field.name for field in fields(TrainOptions)}
    if unknown := set(options) - known:
        raise OptionError(f"train has no option {min(unknown)!r}; it has {', '.join(sorted(known))}")
    return TrainOptions(**options)


def _check_installed() -> None:
    try:
        import lightning  # noqa: F401
    except ModuleNotFoundError:
        raise OptionError("training needs more packages: pip install 'geoseg[train]'") from None


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _train(
    sources: Sources,
    options: TrainOptions,
    target: Path | None,
    folder: Path,
    licence: str,
    tune: int,
    report: Reporter,
    *,
    resume: bool,
) -> Model:
    from geoseg.models import Model, load_model
    from geoseg.train import model_folder
    from geoseg.train.fit import Task, fit
    from geoseg.train.network import check_trainable, start_network
    from geoseg.train.prepare import prepare
    from geoseg.train.tune import at, search

    report.start(
        images=[str(image) for image in sources.images],
        output=None if target is None else str(target),
        epochs=options.epochs,
        base=options.base,
        resume=resume,
    )
    base = load_model(options.base) if options.base else None
    if base is not None:
        check_trainable(base)
    prepared = prepare(sources, options, base, report)
    _announce(prepared, report)
    tuning = None
    if tune:
        options, window, tuning = search(prepared, options, base, trials=tune, folder=folder, report=report)
        prepared = at(prepared, options, window)
    network, start = start_network(prepared.card, options, base, prepared.window)
    going_on = resume and (folder / "last.ckpt").is_file()
    report.info("going on from the last finished epoch" if going_on else f"starting from {start}")
    fitted = fit(Task(prepared, options, network, start, folder), report, resume=resume)
    metrics = None if fitted.matrix is None else model_folder.metrics_of(fitted.matrix, prepared.card)
    card = model_folder.finished_card(
        prepared, options, fitted, output=target, licence=licence, base=base, tuning=tuning
    )
    if target is None:
        network.load_state_dict(fitted.state)
        model = Model(card, module=network.eval().cpu().requires_grad_(requires_grad=False))
    else:
        model = model_folder.write_folder(target, card, fitted.state, metrics=metrics, logs=folder / "logs")
    _tell_result(prepared, fitted, metrics, target, report)
    return model


def _announce(prepared: Prepared, report: Reporter) -> None:
    names = [c.name for c in prepared.card.classes]
    number = len(prepared.scenes)
    report.info(f"{number} image{'s' * (number != 1)}, windows of {prepared.window} px; {prepared.split.said}")
    parts = (("to learn from", prepared.split.training()), ("to validate with", prepared.split.held()))
    for part, pixels in parts:
        listing = ", ".join(f"{name} {int(n):,}" for name, n in zip(names, pixels, strict=True))
        if pixels.any():
            report.info(f"labelled pixels {part}: {listing}")


def _tell_result(
    prepared: Prepared, fitted: Fitted, metrics: dict[str, Any] | None, target: Path | None, report: Reporter
) -> None:
    facts: dict[str, Any] = {c.name: {"id": c.id, "color": c.color} for c in prepared.card.classes}
    means: dict[str, Any] = {}
    if metrics is not None:
        for name, found in metrics["classes"].items():
            facts[name] |= found
        each = ", ".join(
            f"{name} {'–' if found['iou'] is None else format(found['iou'], '.3f')}"
            for name, found in metrics["classes"].items()
        )
        accuracy = metrics["overall_accuracy"]
        report.info(f"best epoch {fitted.epoch + 1}: mIoU {metrics['mean_iou']}, accuracy {accuracy}; IoU: {each}")
        means = {name: metrics[name] for name in ("mean_iou", "mean_f1", "overall_accuracy", "kappa", "pixels")}
    outputs = {} if target is None else {"model": str(target)}
    if target is not None and (logs := sorted(target.glob("logs/*/metrics.csv"))):
        outputs["log"] = str(logs[-1])
    report.result(outputs=outputs, classes=facts, metrics=means, best_epoch=fitted.epoch + 1)


@contextmanager
def _run_folder(
    target: Path | None,
    sources: Sources,
    options: TrainOptions,
    tune: int,
    *,
    resume: bool,
    overwrite: bool,
    report: Reporter,
) -> Iterator[Path]:
    """Give the folder of checkpoints and logs beside the output; it goes when the model is written."""
    if target is None:
        with tempfile.TemporaryDirectory(prefix="geoseg-train-") as passing:
            yield Path(passing)
        return
    from geoseg.train.model_folder import check_output

    check_output(target, overwrite=overwrite)
    folder = target.with_name(f"{target.name}.training")
    started = folder / OPTIONS_FILE
    if folder.exists() and not started.is_file():
        raise OutputError(f"{folder} is in the way: it is not geoseg's; rename it or name another output")
    stated = _stated(sources, options, tune)
    if started.is_file() and resume:
        _check_same(started, stated, options)
    elif started.is_file():
        if not overwrite and (folder / "last.ckpt").is_file():
            raise OutputError(
                f"{folder} holds an interrupted training: go on with --resume, or discard it with --overwrite"
            )
        shutil.rmtree(folder)
    elif resume:
        report.info("there is nothing to resume; starting anew")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        started.write_text(json.dumps(stated, indent=2), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written ({error.strerror or error})") from None
    try:
        yield folder
    except (GeosegError, KeyboardInterrupt):
        # Without a finished epoch there is nothing to go on from.
        if not (folder / "last.ckpt").is_file() and not (folder / "tuning.json").is_file():
            shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


def _stated(sources: Sources, options: TrainOptions, tune: int) -> dict[str, Any]:
    """Return what a run is, as JSON has it: two runs that state the same learn the same."""
    stated = {
        "options": options.as_dict(),
        "images": [str(image) if isinstance(image, str | Path) else repr(image) for image in sources.images],
        "labels": [str(label) if isinstance(label, str | Path) else type(label).__name__ for label in sources.labels],
        "class_field": sources.class_field,
        "classes": sources.classes,
        "ignore": list(sources.ignore),
        "reading": dict(sources.reading),
        "tune": tune,
    }
    found: dict[str, Any] = json.loads(json.dumps(stated, default=str))
    return found


def _check_same(started: Path, stated: dict[str, Any], options: TrainOptions) -> None:
    try:
        before = json.loads(started.read_text(encoding="utf-8"))
        differing = options.differing(before["options"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{started} is damaged, so the run cannot be resumed; start anew with --overwrite") from None
    differing += [name for name in stated if name != "options" and stated[name] != before.get(name)]
    if differing:
        raise OptionError(
            f"the interrupted run had another {differing[0].replace('_', '-')}: resume with the same options, or start "
            "anew with --overwrite"
        )
