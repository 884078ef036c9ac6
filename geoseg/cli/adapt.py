"""``geoseg adapt``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import (
    CommaList,
    FilePath,
    GreedyCommand,
    GreedyOption,
    option_group,
    progress_option,
    reading_of,
    reading_options,
)
from geoseg.train.adapt.options import EPOCHS, METHODS, RATE, WINDOWS

_adapt_options = option_group(
    click.option("-o", "--output", required=True, type=FilePath(), metavar="DIR", help="Model folder to write."),
    click.option("--method", type=click.Choice(METHODS), default=METHODS[0], show_default=True,
                 help="Match mean and deviation of each band, estimate the statistics of batch normalisation, or train "
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
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE…")
@_adapt_options
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
    run(model, list(scenes), output, labels=known, reading=reading, reporter=reporter(progress), **values)
