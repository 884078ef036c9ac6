"""``geoseg train``, ``geoseg adapt``, ``geoseg pretrain``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import (
    CommaList,
    FilePath,
    GreedyCommand,
    GreedyOption,
    buffer_option,
    labelled_inputs,
    needed_images,
    option_group,
    progress_option,
    reading_of,
    reading_options,
)
from geoseg.system.choices import DATE_ENCODINGS, FUSIONS, PRECISION_OPTIONS
from geoseg.train.adapt.options import EPOCHS, METHODS, RATE, WINDOWS
from geoseg.train.options import ADVERSARIAL, LOSSES, SPLITS, TASKS, TrainOptions
from geoseg.train.pretrain.api import EPOCHS as PRETRAIN_EPOCHS
from geoseg.train.pretrain.api import MASKED
from geoseg.train.pretrain.api import WINDOWS as PRETRAIN_WINDOWS

_DEFAULTS = TrainOptions()

_data_options = option_group(
    click.option("--images", cls=GreedyOption, default=(), metavar="FILE…|DIR", help="Training images."),
    labelled_inputs,
    click.option("--labels", cls=GreedyOption, required=True, metavar="FILE…|DIR",
                 help="Their labels: class rasters, or polygons, lines and points; of boxes also Pascal VOC and CSV."),
    click.option("-o", "--output", required=True, type=FilePath(), metavar="DIR",
                 help="Model folder to write."),
    click.option("--unlabelled", cls=GreedyOption, metavar="FILE…|DIR", default=(),
                 help="Further images without labels, with the same bands and units: what a mean teacher is sure of "
                 "there is learned, too."),
    click.option("--task", type=click.Choice(TASKS), default=_DEFAULTS.task, show_default=True,
                 help="Learn the class of each pixel; objects for geoseg detect, from polygons, one each, or boxes, by "
                 "a detector; or change between --before and --after, for geoseg change."),
    click.option("--class-field", metavar="FIELD", help="Field of the polygons, lines or points that holds the class."),
    buffer_option,
    click.option("--classes", metavar="[VALUE=]NAME[:#RRGGBB],…",
                 help="Classes in order, with label values and colours. Default: those that occur in the labels."),
    click.option("--ignore", metavar="A,B,…", type=CommaList(), default=(),
                 help="Label values or class names to treat as unlabelled."),
    click.option("--background", metavar="NAME",
                 help="Make unlabelled pixels inside the images a class of this name. Default: they are ignored."),
)  # fmt: skip

_network_options = option_group(
    click.option("--arch", default=_DEFAULTS.arch, show_default=True,
                 help="Architecture: unet, unet++, deeplabv3+, fpn, pspnet, segformer, …; pixel sees each pixel for "
                 "itself; of boxes faster-rcnn (their default), mask-rcnn, fcos, retinanet."),
    click.option("--fusion", type=click.Choice(tuple(dict.fromkeys(sum(FUSIONS.values(), ())))),
                 help="How several inputs are joined. Sensors: gated, early, late; dates: attention, convgru, early; "
                 "change: difference, concatenation, early. Default: the first of these."),
    click.option("--input-dropout", type=float, default=_DEFAULTS.input_dropout, show_default=True,
                 help="Chance that a sensor or date is left out in training, so that it may be missing later; 0: all "
                 "are needed."),
    click.option("--date-encoding", type=click.Choice(DATE_ENCODINGS), default=_DEFAULTS.date_encoding,
                 show_default=True, help="What the network is told of dates."),
    click.option("--encoder", default=_DEFAULTS.encoder, show_default=True,
                 help="Encoder: any of segmentation-models-pytorch, or tu-NAME for one of timm; of boxes torchvision's "
                 "resnet18 to resnet152, mobilenet_v3_small, …"),
    click.option("--weights", metavar="FILE|DIR|URL|NAME",
                 help="Pretrained weights: a file, what geoseg pretrain wrote, or a name such as imagenet, which is "
                 "downloaded. Default: random weights."),
    click.option("--from", "base", metavar="MODEL", help="Fine-tune this model: its network, bands and classes."),
)  # fmt: skip

_fitting_options = option_group(
    click.option("--window", type=click.IntRange(8), metavar="PX",
                 help="Side of training windows in pixels. Default: 256, or less for small images and few labels."),
    click.option("--windows", type=click.IntRange(1), metavar="N",
                 help="Windows per epoch. Default: as many as cover the labelled area once."),
    click.option("--batch", type=click.IntRange(1), metavar="N",
                 help="Windows per batch. Default: what fits into memory, at most 16."),
    click.option("--accumulate", type=click.IntRange(1), default=_DEFAULTS.accumulate, show_default=True, metavar="N",
                 help="Batches per optimizer step."),
    click.option("--epochs", type=click.IntRange(1), default=_DEFAULTS.epochs, show_default=True, metavar="N",
                 help="Epochs to train."),
    click.option("--loss", default=_DEFAULTS.loss, show_default=True,
                 help=f"Loss: {', '.join(LOSSES)}, or a sum such as ce+dice."),
    click.option("--lr", type=float,
                 help="Maximum learning rate. Default: 0.001; 0.0003 with --weights, 0.0001 with --from, and for boxes "
                      "with --weights."),
    click.option("--weight-decay", type=float, default=_DEFAULTS.weight_decay, show_default=True,
                 help="Weight decay of AdamW."),
    click.option("--class-weights", metavar="balanced|NAME=W,…", help="Class weights of the loss. Default: 1 each."),
    click.option("--augment", type=float, default=_DEFAULTS.augment, show_default=True,
                 help="Strength of data augmentation, 0 (none) to 3."),
    click.option("--unlabelled-weight", type=float, default=_DEFAULTS.unlabelled_weight, show_default=True,
                 help="With --unlabelled: weight of the loss of pseudo-labels."),
    click.option("--threshold", type=float, default=_DEFAULTS.threshold, show_default=True,
                 help="With --unlabelled: least probability of a pseudo-label."),
    click.option("--ema", type=float, default=_DEFAULTS.ema, show_default=True,
                 help="With --unlabelled: decay of the teacher's average of weights; 0 for plain pseudo-labels."),
    click.option("--adversarial", type=float, is_flag=False, flag_value=ADVERSARIAL, metavar="[W]",
                 help="Train discriminators of output structure, too, and deceive them: label maps against predicted "
                 "ones and, with --unlabelled, labelled images against these. W is the weight of that, "
                 f"{ADVERSARIAL:g} if left out. Default: none."),
    click.option("--also", metavar="NAME=FILE|edges",
                 help="Let a second head learn a measured quantity on the images, such as height=dem.tif, or where "
                 "classes meet (edges); the model is the first head alone. Default: none."),
    click.option("--no-augment", is_flag=True, help="Same as --augment 0."),
    click.option("--seed", type=click.IntRange(0), default=_DEFAULTS.seed, show_default=True,
                 help="Seed of split, weights, windows and augmentation."),
    click.option("--patience", type=click.IntRange(1), metavar="N",
                 help="Stop after N epochs without a better validation mIoU. Default: never."),
    click.option("--tune", type=click.IntRange(0), default=0, metavar="N",
                 help="First search learning rate, loss, encoder and window in N short trials. Default: no search."),
)  # fmt: skip

_validation_options = option_group(
    click.option("--split", type=click.Choice(SPLITS), default=_DEFAULTS.split, show_default=True,
                 help="Validation split: by square blocks on the ground, or by your groups."),
    click.option("--block-size", type=float, metavar="M", help="Side of these blocks in metres. Default: chosen."),
    click.option("--group-field", metavar="FIELD", help="Field of the polygons that holds the group."),
    click.option("--groups", metavar="CSV", help="CSV file with the group of each image: a header, then image,group."),
    click.option("--validation", type=float, default=_DEFAULTS.validation, show_default=True,
                 help="Share of the labels held out for validation, 0 (none) to below 1."),
)  # fmt: skip

_run_options = option_group(
    click.option("--precision", type=click.Choice(PRECISION_OPTIONS), default=_DEFAULTS.precision, show_default=True,
                 help="Floating-point format; auto is bf16 or fp16 on NVIDIA GPUs, fp32 elsewhere."),
    click.option("--device", default=_DEFAULTS.device, show_default=True, metavar="auto|cpu|cuda|cuda:N",
                 help="Device to train on."),
    click.option("--devices", type=click.IntRange(1), default=_DEFAULTS.devices, show_default=True, metavar="N",
                 help="Devices to train on together."),
    click.option("--workers", type=click.IntRange(0), metavar="N",
                 help="Threads that read windows. Default: one per core, at most 4."),
    click.option("--memory", metavar="SIZE",
                 help="Memory limit, such as 4GB, from which --batch is chosen. Default: half of the free memory."),
    click.option("--license", "licence", default="other", show_default=True,
                 help="Licence of the model for its card: an SPDX identifier."),
    click.option("--resume", is_flag=True, help="Continue an interrupted run from its last finished epoch."),
    click.option("--overwrite", is_flag=True, help="Replace an existing model or an interrupted run."),
)  # fmt: skip


@click.command(cls=GreedyCommand)
@_data_options
@_network_options
@_fitting_options
@_validation_options
@_run_options
@reading_options
@progress_option
def train(
    images: tuple[str, ...],
    labels: tuple[str, ...],
    unlabelled: tuple[str, ...],
    output: Path,
    progress: str,
    **values: Any,
) -> None:
    """Train a segmentation model on labelled images, or fine-tune an existing model.

    Labels are class rasters on any grid, or polygons, lines and points with a class field; unlabelled pixels are
    ignored. DIR holds the model card, weights, validation scores and logs, and is ready for use: geoseg segment SCENE
    -m DIR -o OUT.
    """
    from geoseg.progress.reporters import reporter
    from geoseg.train import train as run

    if values.pop("no_augment"):
        values["augment"] = 0.0
    reading = reading_of(values)
    more, given = list(unlabelled), needed_images(images, values)
    run(given, list(labels), output, unlabelled=more, reading=reading, reporter=reporter(progress), **values)


_adapt_options = option_group(
    click.option("-o", "--output", required=True, type=FilePath(), metavar="DIR", help="Model folder to write."),
    click.option("--method", type=click.Choice(METHODS), default=METHODS[0], show_default=True,
                 help="Estimate the statistics of batch normalisation, match mean and deviation of each band, or train "
                 "on confident answers."),
    click.option("--labels", cls=GreedyOption, metavar="FILE…|DIR", default=(),
                 help="Labels of the scenes: the gain is measured with them; nothing is learned from them."),
    click.option("--class-field", metavar="FIELD", help="Field of polygons, lines or points that holds the class."),
    click.option("--ignore", metavar="A,B,…", type=CommaList(), default=(),
                 help="Label values or class names to treat as unlabelled."),
    click.option("--keep", is_flag=True, help="Write the adapted model even if it is worse."),
    click.option("--windows", type=click.IntRange(1), default=WINDOWS, show_default=True, metavar="N",
                 help="Windows of the scenes that are looked at, in each epoch of self-training."),
    click.option("--window", type=click.IntRange(8), metavar="PX", help="Side of windows in pixels. Default: chosen."),
    click.option("--epochs", type=click.IntRange(1), default=EPOCHS, show_default=True, metavar="N",
                 help="Epochs of self-training."),
    click.option("--lr", type=float, default=RATE, show_default=True, help="Maximum learning rate of self-training."),
    click.option("--threshold", type=float, default=0.9, show_default=True,
                 help="Least probability of a pseudo-label of self-training."),
    click.option("--batch", type=click.IntRange(1), default=8, show_default=True, metavar="N",
                 help="Windows per batch of self-training."),
    click.option("--block-size", type=float, metavar="M", help="Side of held-out blocks in metres. Default: chosen."),
    click.option("--groups", metavar="CSV", help="CSV file with the group of each scene: a header, then image,group."),
    click.option("--validation", type=float, default=0.2, show_default=True,
                 help="Share of the scenes held out to measure on."),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
                 help="Seed of held-out places and windows."),
    click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:N",
                 help="Device of self-training."),
    click.option("--workers", type=click.IntRange(0), metavar="N",
                 help="Threads that read windows. Default: one per core, at most 4."),
    click.option("--overwrite", is_flag=True, help="Replace an existing model."),
)  # fmt: skip


@click.command(cls=GreedyCommand)
@click.argument("model", metavar="MODEL")
@click.argument("scenes", nargs=-1, metavar="SCENE…")
@_adapt_options
@labelled_inputs
@reading_options
@progress_option
def adapt(
    model: str, scenes: tuple[str, ...], labels: tuple[str, ...], output: Path, progress: str, **values: Any
) -> None:
    """Adapt a model to scenes of another place, season or sensor, without labels.

    Places are held out, and the model is measured there before and after: against --labels, or without any by agreement
    and stability, which only stand for accuracy. What is worse is not written, unless you add --keep.
    """
    from geoseg.progress.reporters import reporter
    from geoseg.train.adapt import adapt as run

    reading = reading_of(values)
    known = list(labels) or None
    given = needed_images(scenes, values, "argument 'SCENE…'")
    run(model, given, output, labels=known, reading=reading, reporter=reporter(progress), **values)


_pretrain_options = option_group(
    click.option("-o", "--output", required=True, type=FilePath(), metavar="DIR", help="Folder to write."),
    click.option("--encoder", default=_DEFAULTS.encoder, show_default=True,
                 help="Encoder: any of segmentation-models-pytorch, or tu-NAME for one of timm."),
    click.option("--arch", default=_DEFAULTS.arch, show_default=True,
                 help="Architecture whose decoder fills in; it is not kept."),
    click.option("--weights", metavar="FILE|URL|NAME", help="Pretrained weights to start from. Default: random."),
    click.option("--masked", type=float, default=MASKED, show_default=True,
                 help="Share of each window that is hidden."),
    click.option("--window", type=click.IntRange(8), metavar="PX",
                 help="Side of windows in pixels. Default: 128, or less for small scenes."),
    click.option("--windows", type=click.IntRange(1), default=PRETRAIN_WINDOWS, show_default=True, metavar="N",
                 help="Windows per epoch."),
    click.option("--batch", type=click.IntRange(1), metavar="N",
                 help="Windows per batch. Default: what fits into memory, at most 16."),
    click.option("--epochs", type=click.IntRange(1), default=PRETRAIN_EPOCHS, show_default=True, metavar="N",
                 help="Epochs to train."),
    click.option("--lr", type=float, help="Maximum learning rate. Default: 0.001; 0.0003 with --weights."),
    click.option("--seed", type=click.IntRange(0), default=_DEFAULTS.seed, show_default=True,
                 help="Seed of weights, windows and what is hidden."),
    click.option("--precision", type=click.Choice(PRECISION_OPTIONS), default=_DEFAULTS.precision, show_default=True,
                 help="Floating-point format; auto is bf16 or fp16 on NVIDIA GPUs, fp32 elsewhere."),
    click.option("--device", default=_DEFAULTS.device, show_default=True, metavar="auto|cpu|cuda|cuda:N",
                 help="Device to train on."),
    click.option("--workers", type=click.IntRange(0), metavar="N",
                 help="Threads that read windows. Default: one per core, at most 4."),
    click.option("--memory", metavar="SIZE",
                 help="Memory limit, such as 4GB, from which --batch is chosen. Default: half of the free memory."),
    click.option("--overwrite", is_flag=True, help="Replace an existing encoder."),
)  # fmt: skip


@click.command
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE…")
@_pretrain_options
@reading_options
@progress_option
def pretrain(scenes: tuple[str, ...], output: Path, progress: str, **values: Any) -> None:
    """Train an encoder on scenes without labels: it learns to fill in squares that are hidden.

    Start a training from it with geoseg train --encoder ENCODER --weights DIR.
    """
    from geoseg.progress.reporters import reporter
    from geoseg.train.pretrain import pretrain as run

    reading = reading_of(values)
    run(list(scenes), output, reading=reading, reporter=reporter(progress), **values)
