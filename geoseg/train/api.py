"""train(): labelled images -> a model folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.progress.reporters import Reporter, Silent
from geoseg.system.interrupts import careful_interrupts
from geoseg.system.outputs import Inputs, local_path
from geoseg.train.options import BOXES, TrainOptions, as_list, check_installed, parse_also

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr

    from geoseg.models import Model
    from geoseg.raster import Raster
    from geoseg.train.fit import Fitted
    from geoseg.train.prepare import Prepared
    from geoseg.train.run import Run


@careful_interrupts()
def train(
    images: str | os.PathLike[str] | Raster | xr.DataArray | Sequence[Any] | Mapping[str, Any],
    labels: str | os.PathLike[str] | gpd.GeoDataFrame | Sequence[Any],
    output: str | os.PathLike[str] | None = None,
    *,
    task: str = "semantic",
    class_field: str | None = None,
    classes: str | Sequence[str] | Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    background: str | None = None,
    buffer: float | None = None,
    unlabelled: str | os.PathLike[str] | Raster | xr.DataArray | Sequence[Any] = (),
    reading: Mapping[str, Any] | None = None,
    arch: str = "unet",
    encoder: str = "resnet18",
    weights: str | None = None,
    base: str | None = None,
    loss: str = "ce+dice",
    fusion: str | None = None,
    input_dropout: float = 0.25,
    date_encoding: str = "day-of-year",
    lr: float | None = None,
    weight_decay: float = 1e-2,
    epochs: int = 30,
    batch: int | None = None,
    accumulate: int = 1,
    window: int | None = None,
    windows: int | None = None,
    class_weights: str | None = None,
    augment: float = 1.0,
    unlabelled_weight: float = 1.0,
    threshold: float = 0.8,
    ema: float = 0.95,
    adversarial: float | None = None,
    also: str | None = None,
    split: str = "blocks",
    block_size: float | None = None,
    group_field: str | None = None,
    groups: str | None = None,
    validation: float = 0.2,
    seed: int = 0,
    precision: str = "auto",
    device: str = "auto",
    devices: int = 1,
    patience: int | None = None,
    workers: int | None = None,
    memory: str | int | None = None,
    tune: int = 0,
    licence: str = "other",
    resume: bool = False,
    overwrite: bool = False,
    reporter: Reporter | None = None,
) -> Model:
    """Train a segmentation model on labelled images, or fine-tune an existing model.

    Whole places are held out for validation, so that the scores tell how the model does elsewhere. The model folder
    holds the card, weights, validation scores and logs; an interrupted run can be resumed.

    Parameters
    ----------
    images
        Path, folder of rasters, :class:`Raster` or array (band, y, x), or a list of these. All need the bands of the
        first. A mapping trains a model of several inputs, each a file, a folder, a pattern or a list of these:
        ``{"optical": "S2/*.tif", "sar": "S1/*.tif", "dem": "dem.tif"}`` for sensors, of which the first gives the
        pixels; ``{"date": "2024-*.tif"}`` for a series of dates, found in names or tags, of one place or several;
        ``{"before": …, "after": …}`` for ``task="change"``.
    labels
        Class rasters on any grid and in any CRS (warped to the image's pixels, nearest neighbour), or polygons, lines
        and points: files or GeoDataFrames. A polygon labels the pixels whose centres it contains, a line those that it
        crosses, a point the one that it lies in. Unlabelled pixels are ignored.
    output
        Model folder to write. None keeps the model in memory only.
    task
        ``"semantic"`` learns the class of each pixel. ``"instances"`` learns objects from polygons, one polygon each,
        for :func:`geoseg.detect`: the core and the rim of every object, so that objects that touch stay apart. What no
        polygon covers is ``background``, ``"background"`` by default. ``"boxes"`` trains a detector, which tells where
        objects overlap, too, from boxes (Pascal VOC, CSV in pixels or map units, COCO) or polygons; with
        ``arch="mask-rcnn"`` it learns the polygons as outlines. All objects in the images must be marked. ``"change"``
        learns classes of change between two scenes, for :func:`geoseg.change`; class 0 is what did not change.
    class_field
        Field of the polygons (lines, points) that holds the class; found by usual names if None.
    classes
        ``"water,forest:#117733"``, ``"1=water,4=forest"``, a list of these, or a mapping from value to name. None takes
        the classes that occur in the labels (or those of ``base``). A value named here is a class even if the file
        declares it nodata; unnamed, 255, negative values and the largest of 16 and 32 bits are unlabelled.
    ignore
        Label values or class names to treat as unlabelled.
    background
        Name of the class of unlabelled pixels inside the images, as where only buildings are labelled; those of
        ``ignore`` stay unlabelled. None ignores unlabelled pixels.
    buffer
        Points and lines label the area within so many metres (pixels for images without CRS).
    unlabelled
        Further images without labels, with the bands and units of ``images``; these may be among them. A mean teacher
        labels what it is sure of, and the network has to find it in a disturbed view.
    reading
        Keyword arguments of :func:`open_raster` for every image: bands, scale, offset, nodata ….
    arch
        Architecture of segmentation-models-pytorch: ``"unet"``, ``"unet++"``, ``"deeplabv3+"``, ``"fpn"``, …; or
        ``"pixel"``, a small network that sees each pixel for itself, for series of coarse pixels; for boxes
        ``"faster-rcnn"`` (their default), ``"mask-rcnn"``, ``"fcos"`` or ``"retinanet"``.
    encoder
        Encoder of segmentation-models-pytorch, or ``"tu-NAME"`` for one of timm; for boxes ``"resnet18"`` and larger
        ones, or ``"mobilenet_v3_small"`` and other MobileNets, by torchvision's names.
    weights
        Pretrained weights: a file of tensors, a URL, or a name that smp or timm know for the encoder, such as
        ``"imagenet"``, or torchgeo, such as ``"ResNet18_Weights.SENTINEL2_ALL_MOCO"``. None starts from random weights.
    base
        Model to fine-tune, by name or folder: its network, bands and classes are the start.
    loss
        ``"ce"``, ``"dice"``, ``"focal"``, ``"lovasz"``, or a sum such as ``"ce+dice"``.
    fusion
        How several inputs are joined. Sensors: ``"gated"``, an encoder each, weighed at each level and place;
        ``"early"``, all channels in one network; ``"late"``, a network each. Dates: ``"attention"``, ``"convgru"`` or
        ``"early"``. Change: ``"difference"`` of features, which is the same if dates are swapped,
        ``"concatenation"`` or ``"early"``. None is the first.
    input_dropout
        Chance that a sensor or date is left out of a training window, so that it may be missing later; 0 makes all
        necessary.
    date_encoding
        What the network is told of dates: ``"day-of-year"`` or ``"days-since-first"``.
    lr
        Maximum learning rate, below 10: it rises during the first 5 % of steps, then falls as a half cosine. None is
        1e-3, 3e-4 with ``weights`` (1e-4 for boxes), 1e-4 with ``base``.
    weight_decay
        Weight decay of AdamW, 0…1.
    epochs
        Epochs to train.
    batch
        Windows per batch; what fits into memory, at most 16, if None.
    accumulate
        Batches per optimizer step.
    window
        Side of training windows in pixels, at least 8; the largest of 256, 128 and 64 that images and split allow if
        None.
    windows
        Windows per epoch; as many as cover the labelled area once if None.
    class_weights
        ``"balanced"`` (1/√frequency), ``"tree=1,water=2"`` (others 1), or a number for each class. None weighs all
        alike.
    augment
        Strength of data augmentation, 0…3; 0 for none.
    unlabelled_weight
        With ``unlabelled``: weight of the loss of pseudo-labels, after a rise during the first 30 % of the training.
    threshold
        With ``unlabelled``: least probability of a pseudo-label, 0…1.
    ema
        With ``unlabelled``: decay of the teacher's average of weights per step, 0…1; 0 for plain pseudo-labels, which
        the network gives itself.
    adversarial
        Weight of the loss of not passing for a label map before a discriminator, and with ``unlabelled`` also of
        predictions there that another one tells from those on labelled images; 0.01 is usual. None has no
        discriminator.
    also
        What a second head learns from the same features, to make these better; the model written is the first alone.
        ``"height=dem.tif"``: a measured quantity, from a raster of one band in any CRS or a folder of rasters named as
        the images; ``"edges"``: where labelled classes meet.
    split
        How places are chosen for validation: ``"blocks"`` (squares on the ground) or ``"groups"`` (``group_field`` or
        ``groups``).
    block_size
        Side of these squares in metres (in pixels for images without CRS); chosen if None.
    group_field
        Field of the polygons that holds the group.
    groups
        CSV file with the group of each image: a header, then lines ``image,group``.
    validation
        Share of the labels held out for validation, 0…1; 0 trains on all of them and scores nothing.
    seed
        Seed of split, weights, windows and augmentation.
    precision
        ``"auto"``, ``"fp32"``, ``"bf16"`` or ``"fp16"``; auto is bf16 or fp16 on NVIDIA GPUs, fp32 elsewhere.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
    devices
        Devices to train on together.
    patience
        Stop after so many epochs without a better validation mIoU (of boxes: AP50); None runs all epochs.
    workers
        Threads that read windows; one per core, at most 4, if None.
    memory
        Memory limit, as ``"4GB"`` or in bytes, from which ``batch`` is chosen; half of the free memory if None.
    tune
        Trials of a search over learning rate, loss, encoder and window before the training; 0 for none.
    licence
        Licence of the model for its card: an SPDX identifier, or ``"other"``.
    resume
        Continue an interrupted run that had the same options.
    overwrite
        Replace an existing model or an interrupted run.
    reporter
        Receives progress and messages; if None, warnings go to stderr.

    Returns
    -------
    Model
        The epoch with the best validation mIoU (of boxes: AP50), or the last one without validation.

    Raises
    ------
    GeosegError
        If images, labels or options cannot be used, or change meanwhile (ChangedError), the output is a URL or holds
        one of them, or the training fails.
    KeyboardInterrupt
        If the user stops it; ``resume`` continues from the last finished epoch.

    Examples
    --------
    >>> import geoseg
    >>> small = {"encoder": "tu-mobilenetv3_small_050", "window": 64, "batch": 4, "windows": 8, "epochs": 1}
    >>> model = geoseg.train("scene.tif", "labels.tif", "my-model", **small)
    >>> [c.name for c in model.card.classes]
    ['wood', 'field', 'water']
    >>> result = geoseg.segment("scene.tif", model="my-model")
    """
    from geoseg.raster.stacks.places import files_of

    target = None if output is None else local_path(output)
    if target is not None:
        also_read = parse_also(also)[1] if also else None
        Inputs(files_of(images), labels, unlabelled, weights, base, groups, also_read or None).check_folder(target)
    check_installed()
    from geoseg.train.data.label_images import Sources
    from geoseg.train.run import CHECKPOINT, Run, run_folder

    options = TrainOptions(
        arch=arch, encoder=encoder, weights=weights, base=base, loss=loss, lr=lr, weight_decay=weight_decay,
        epochs=epochs, batch=batch, accumulate=accumulate, window=window, windows=windows, class_weights=class_weights,
        augment=augment, split=split, block_size=block_size, group_field=group_field, groups=groups,
        validation=validation, seed=seed, precision=precision, device=device, devices=devices, patience=patience,
        workers=workers, memory=memory, background=background, buffer=buffer,
        unlabelled_weight=unlabelled_weight, threshold=threshold, ema=ema, task=task, adversarial=adversarial,
        also=also, fusion=fusion, input_dropout=input_dropout, date_encoding=date_encoding,
    )  # fmt: skip
    sources = Sources(
        as_list(images), as_list(labels), class_field, classes, tuple(ignore), dict(reading or {}), as_list(unlabelled)
    )
    run = Run(sources, options, target, licence, tune, resume, overwrite, reporter or Silent())
    with run_folder(run) as folder:
        try:
            return _train(run, folder)
        except KeyboardInterrupt:
            kept = target is not None and (folder / CHECKPOINT).is_file()
            remedy = "the last finished epoch is kept; add --resume to the same command to continue"
            raise KeyboardInterrupt(remedy if kept else "no epoch was finished, so nothing is kept") from None


def _train(run: Run, folder: Path) -> Model:
    from geoseg.models import Model, load_model
    from geoseg.train import model_folder
    from geoseg.train.calibrate import calibrate
    from geoseg.train.fit import Task, fit
    from geoseg.train.half_precision import measure_half_precision
    from geoseg.train.object_scores import object_scores
    from geoseg.train.prepare import prepare
    from geoseg.train.run import CHECKPOINT
    from geoseg.train.start.network import check_trainable, start_network
    from geoseg.train.tune import reconfigured, search

    options, reporter = run.options, run.reporter
    reporter.start(
        images=[str(image) for image in run.sources.images],
        output=None if run.output is None else str(run.output),
        epochs=options.epochs,
        base=options.base,
        resume=run.resume,
    )
    if options.task == BOXES:
        from geoseg.train.boxes.api import train_boxes

        return train_boxes(run, folder)
    base = load_model(options.base) if options.base else None
    if base is not None:
        check_trainable(base)
    prepared = prepare(run.sources, options, base, reporter)
    _report_data(prepared, reporter)
    tuning = None
    if run.tune:
        options, window, tuning = search(prepared, options, base, trials=run.tune, folder=folder, reporter=reporter)
        prepared = reconfigured(prepared, options, window)
    network, start = start_network(prepared.card, options, base, prepared.window)
    resumed = run.resume and (folder / CHECKPOINT).is_file()
    reporter.info("resuming from the last finished epoch" if resumed else f"starting from {start}")
    task = Task(prepared, options, network, start, folder)
    fitted = fit(task, reporter, resume=run.resume)
    calibration = calibrate(task, fitted, reporter)
    temperature = None if calibration is None else calibration["temperature"]
    fitted = replace(fitted, scores=object_scores(task, fitted, temperature))
    network.load_state_dict(fitted.state)
    half = measure_half_precision(prepared, network, options.device, reporter)
    prepared.check_unchanged()
    metrics = None if fitted.matrix is None else model_folder.metrics_of(fitted.matrix, prepared.card)
    if metrics is not None and calibration is not None:
        metrics["calibration"] = calibration
    if metrics is not None and fitted.scores is not None:
        metrics["objects"] = fitted.scores
    card = model_folder.finished_card(
        prepared, options, fitted, calibration=calibration, half=half, output=run.output, licence=run.licence,
        base=base, tuning=tuning,
    )  # fmt: skip
    if run.output is None:
        network.load_state_dict(fitted.state)
        model = Model(card, module=network.eval().cpu().requires_grad_(requires_grad=False))
    else:
        model = model_folder.write_folder(run.output, card, fitted.state, metrics=metrics, logs=folder / "logs")
    _report_result(prepared, fitted, metrics, run.output, reporter)
    return model


def _report_data(prepared: Prepared, reporter: Reporter) -> None:
    names = [c.name for c in prepared.card.classes]
    count = len(prepared.scenes)
    reporter.info(f"{count} image{'s' * (count != 1)}, windows of {prepared.window} px; {prepared.split.summary}")
    if prepared.unlabelled is not None:
        reporter.info(prepared.unlabelled.summary)
    parts = (("training", prepared.split.training()), ("validation", prepared.split.held()))
    for part, pixels in parts:
        listing = ", ".join(f"{name} {int(n):,}" for name, n in zip(names, pixels, strict=True))
        if pixels.any():
            reporter.info(f"labelled pixels for {part}: {listing}")


def _report_result(
    prepared: Prepared, fitted: Fitted, metrics: dict[str, Any] | None, output: Path | None, reporter: Reporter
) -> None:
    classes: dict[str, Any] = {c.name: {"id": c.id, "color": c.color} for c in prepared.card.classes}
    means: dict[str, Any] = {}
    if metrics is not None:
        for name, scores in metrics["classes"].items():
            classes[name] |= scores
        each = ", ".join(
            f"{name} {'–' if scores['iou'] is None else format(scores['iou'], '.3f')}"
            for name, scores in metrics["classes"].items()
        )
        accuracy = metrics["overall_accuracy"]
        reporter.info(f"best epoch {fitted.epoch + 1}: mIoU {metrics['mean_iou']}, accuracy {accuracy}; IoU: {each}")
        if "objects" in metrics:
            found = metrics["objects"]
            reporter.info(
                f"objects: AP50 {found['ap50']}, AP {found['ap']}; F1 {found['f1']} at a score of {found['score']}"
            )
        if "change" in metrics:
            binary = ", ".join(f"{name} {metrics['change'][name]}" for name in ("iou", "f1", "precision", "recall"))
            reporter.info(f"change of any kind: {binary}")
        means = {name: metrics[name] for name in ("mean_iou", "mean_f1", "overall_accuracy", "kappa", "pixels")}
    outputs = {} if output is None else {"model": str(output)}
    if output is not None and (logs := sorted(output.glob("logs/*/metrics.csv"))):
        outputs["log"] = str(logs[-1])
    reporter.result(outputs=outputs, classes=classes, metrics=means, best_epoch=fitted.epoch + 1)
