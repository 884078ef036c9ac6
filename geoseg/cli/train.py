"""``geoseg train``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import progress_option, reading_of, reading_options
from geoseg.models.inference.execution import PRECISION_OPTIONS

# Options that take every word up to the next option, as shells expand `--images *.tif`.
_GREEDY = ("--images", "--labels")


class _Greedy(click.Command):
    """Lets ``--images A B`` mean ``--images A --images B``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before each of its values."""
        spread: list[str] = []
        current, fresh = "", False
        for word in args:
            if word.startswith("-") and len(word) > 1:
                current, fresh = (word, True) if word in _GREEDY else ("", False)
                spread.append(word)
                continue
            if current and not fresh:
                spread.append(current)
            spread.append(word)
            fresh = False
        return super().parse_args(ctx, spread)


def _comma(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (value or "").split(",") if part.strip())


@click.command(cls=_Greedy)
@click.option("--images", multiple=True, required=True, metavar="FILE…|DIR", help="Images to learn from.")
@click.option("--labels", multiple=True, required=True, metavar="FILE…|DIR", help="Class rasters or polygons.")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Model folder.")
@click.option("--class-field", metavar="FIELD", help="Field of the polygons that holds the class.")
@click.option(
    "--classes", metavar="[VALUE=]NAME[:#RRGGBB],…", help="Classes and their colours; by default as labelled."
)
@click.option("--ignore", metavar="A,B,…", callback=_comma, help="Values or names that count as unlabelled.")
@click.option("--arch", default="unet", show_default=True, help="unet, unet++, deeplabv3+, fpn, pspnet, segformer, …")
@click.option("--encoder", default="resnet18", show_default=True, help="Any of segmentation-models-pytorch or timm.")
@click.option("--weights", metavar="FILE|URL|NAME", help="To start from; a name (imagenet) is fetched from its hub.")
@click.option("--from", "base", metavar="MODEL", help="Train this model further: its network, bands and classes.")
@click.option("--window", type=click.IntRange(8), help="Side of training windows in pixels; 256 where it fits.")
@click.option("--windows", type=click.IntRange(1), help="Windows of an epoch; by default the labelled area once.")
@click.option("--batch", type=click.IntRange(1), help="Windows of a step; what fits into memory, at most 16.")
@click.option("--accumulate", type=click.IntRange(1), default=1, show_default=True, help="Batches joined in a step.")
@click.option("--epochs", type=click.IntRange(1), default=30, show_default=True, help="Passes.")
@click.option("--loss", default="ce+dice", show_default=True, help="ce, dice, focal, lovasz, or sums of them.")
@click.option("--lr", type=float, help="Learning rate; 0.001, or 0.0001 with --from.")
@click.option("--weight-decay", type=float, default=0.01, show_default=True, help="Of AdamW.")
@click.option("--class-weights", metavar="balanced|NAME=W,…", help="Weight of classes in the loss.")
@click.option("--augment", type=float, default=1.0, show_default=True, help="Strength of variations, 0…3.")
@click.option("--no-augment", is_flag=True, help="No variations.")
@click.option("--split", type=click.Choice(["blocks", "groups"]), default="blocks", show_default=True,
              help="What is kept for validation as a whole: blocks of ground, or your groups.")  # fmt: skip
@click.option("--block-size", type=float, metavar="M", help="Side of blocks in metres; chosen if left out.")
@click.option("--group-field", metavar="FIELD", help="Field of the polygons that holds the group.")
@click.option("--groups", metavar="CSV", help="Groups of images: a header, then lines image,group.")
@click.option("--validation", type=float, default=0.2, show_default=True, help="Share kept for validation; 0 for none.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of everything that is drawn.")
@click.option("--precision", type=click.Choice(PRECISION_OPTIONS), default="auto", show_default=True,
              help="Arithmetic.")  # fmt: skip
@click.option("--device", default="auto", show_default=True, metavar="cpu|cuda|cuda:N", help="Where it runs.")
@click.option("--devices", type=click.IntRange(1), default=1, show_default=True, help="How many train together.")
@click.option("--patience", type=click.IntRange(1), help="Stop after so many epochs without a better mIoU.")
@click.option("--tune", type=click.IntRange(0), default=0, metavar="N", help="Search in N short trials before.")
@click.option("--workers", type=click.IntRange(0), help="Threads that read images.")
@click.option("--memory", metavar="4GB", help="Budget; decides the batch where none is given.")
@click.option("--license", "licence", default="other", show_default=True, help="For the card: an SPDX name.")
@click.option("--resume", is_flag=True, help="Go on with an interrupted run.")
@click.option("--overwrite", is_flag=True, help="Replace a model or an interrupted run.")
@reading_options
@progress_option
@click.option("--die-with-parent", is_flag=True, hidden=True)
def train(images: tuple[str, ...], labels: tuple[str, ...], output: Path, progress: str, **values: Any) -> None:
    """Train a segmentation model on your own classes, or train one further.

    Labels are class rasters (of any grid) or polygons with a class field; what is not labelled is not learned from.
    The folder that is written works at once: geoseg segment SCENE -m DIR. It holds the card, the weights and the logs.
    """
    from geoseg.cli.parent import die_with_parent
    from geoseg.progress.reporters import reporter
    from geoseg.train import train as run

    if values.pop("die_with_parent"):
        die_with_parent()
    if values.pop("no_augment"):
        values["augment"] = 0.0
    reading = reading_of(values)
    run(list(images), list(labels), output, reading=reading, report=reporter(progress), **values)
