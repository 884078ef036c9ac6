"""``geoseg model compress``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import (
    CommaList,
    FilePath,
    GreedyCommand,
    GreedyOption,
    labelled_inputs,
    needed_images,
    option_group,
    progress_option,
    reading_of,
    reading_options,
)
from geoseg.train.compress.options import DEFAULT_ARCH, DEFAULT_ENCODER, CompressOptions
from geoseg.train.options import LOSSES

_DEFAULTS = CompressOptions(prune=0.5)
_TRAINING = _DEFAULTS.training

_method_options = option_group(
    click.option("--prune", type=float, metavar="SHARE",
                 help="Remove this share of the channels of each layer, between 0 and 1."),
    click.option("--distil", cls=GreedyOption, metavar="TEACHER…",
                 help="Teach a small network what these models say; of several, the mean of probabilities."),
    click.option("--int8", is_flag=True,
                 help="Round weights and activations to 8-bit integers; layers that suffer stay in float32."),
    click.option("--arch",
                 help=f"With --distil: architecture of a new network. Default with --encoder: {DEFAULT_ARCH}."),
    click.option("--encoder", help=f"With --distil: its encoder. Default with --arch: {DEFAULT_ENCODER}."),
    click.option("--weights", metavar="FILE|URL|NAME", help="Pretrained weights of the new network."),
    click.option("--max-loss", type=float, default=_DEFAULTS.max_loss, show_default=True,
                 help="Largest loss of mean IoU on held-out places; nothing is written if it is more."),
)  # fmt: skip

_data_options = option_group(
    click.option("--images", cls=GreedyOption, default=(), metavar="FILE…|DIR", help="Images to learn from."),
    labelled_inputs,
    click.option("--labels", cls=GreedyOption, metavar="FILE…|DIR",
                 help="Their labels, if any: class rasters or polygons with the model's classes."),
    click.option("-o", "--output", required=True, type=FilePath(), metavar="DIR", help="Model folder to write."),
    click.option("--class-field", metavar="FIELD", help="Field of the polygons that holds the class."),
    click.option("--ignore", metavar="A,B,…", type=CommaList(), default=(),
                 help="Label values or class names to treat as unlabelled."),
)  # fmt: skip

_training_options = option_group(
    click.option("--epochs", type=click.IntRange(1), default=_TRAINING.epochs, show_default=True, metavar="N",
                 help="Epochs to train."),
    click.option("--window", type=click.IntRange(8), metavar="PX",
                 help="Side of training windows in pixels. Default: 256, or less for small images."),
    click.option("--windows", type=click.IntRange(1), metavar="N",
                 help="Windows per epoch. Default: as many as cover the images once. With --int8: windows that give "
                      "the ranges of activations, 32 by default."),
    click.option("--batch", type=click.IntRange(1), metavar="N",
                 help="Windows per batch. Default: what fits into memory, at most 16."),
    click.option("--loss", default=_TRAINING.loss, show_default=True,
                 help=f"Loss of labels, beside that of probabilities: {', '.join(LOSSES)}, or a sum."),
    click.option("--lr", type=float, default=_TRAINING.lr, show_default=True, help="Maximum learning rate."),
    click.option("--augment", type=float, default=_TRAINING.augment, show_default=True,
                 help="Strength of data augmentation, 0 (none) to 3."),
    click.option("--seed", type=click.IntRange(0), default=_TRAINING.seed, show_default=True,
                 help="Seed of split, weights, windows and augmentation."),
    click.option("--block-size", type=float, metavar="M",
                 help="Side in metres of the blocks of ground that are held out. Default: chosen."),
    click.option("--groups", metavar="CSV",
                 help="Hold out groups of images instead: a CSV with a header, then image,group."),
    click.option("--validation", type=float, default=_TRAINING.validation, show_default=True,
                 help="Share of the images held out to measure the loss, above 0 and below 1."),
    click.option("--device", default=_TRAINING.device, show_default=True, metavar="auto|cpu|cuda|cuda:N",
                 help="Device to train on, and to measure speed on."),
    click.option("--workers", type=click.IntRange(0), metavar="N",
                 help="Threads that read windows. Default: one per core, at most 4."),
    click.option("--memory", metavar="SIZE",
                 help="Memory limit, such as 4GB, from which --batch is chosen. Default: half of the free memory."),
    click.option("--overwrite", is_flag=True, help="Replace an existing model."),
)  # fmt: skip


@click.command(cls=GreedyCommand, short_help="Make a smaller, faster model from a trained one.")
@click.argument("name", metavar="MODEL")
@_method_options
@_data_options
@_training_options
@reading_options
@progress_option
def compress(
    name: str, images: tuple[str, ...], labels: tuple[str, ...], output: Path, progress: str, **values: Any
) -> None:
    """Make a smaller, faster model from a trained one, and keep it only if it pays.

    Either --prune removes channels of MODEL, or --distil teaches a small network, new (--arch, --encoder) or MODEL's
    own, what other models say. Both learn from the original's probabilities on --images, and from --labels if given.
    Or --int8 rounds MODEL to 8-bit integers without training; the result is an ONNX graph (extra onnx). Mean IoU,
    speed and size are measured before and after, on places kept apart. DIR is written only if the loss is at most
    --max-loss and speed or size is gained.

    \b
    geoseg model compress MODEL --prune 0.3 --images scenes/*.tif -o SMALL --max-loss 0.05
    geoseg model compress MODEL --int8 --images scenes/*.tif -o MODEL8 --max-loss 0.01
    geoseg model compress MODEL --distil MODEL --encoder tu-mobilenetv4_conv_small_035 --images scenes/*.tif -o SMALL
    """  # noqa: D301  \b keeps click from rewrapping the lines
    from geoseg.progress.reporters import reporter
    from geoseg.train.compress import compress_model

    reading = reading_of(values)
    distil = list(values.pop("distil"))
    compress_model(
        name, output, images=needed_images(images, values), labels=list(labels) or None, distil=distil, reading=reading,
        reporter=reporter(progress), **values,
    )  # fmt: skip
