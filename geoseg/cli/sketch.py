"""``geoseg sketch``."""

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

_sketch_options = option_group(
    click.option("--labels", cls=GreedyOption, required=True, metavar="FILE…",
                 help="Drawn polygons, lines or points with a class, in any CRS."),
    click.option("-o", "--output", required=True, type=FilePath(), metavar="DIR", help="Model folder to write."),
    click.option("--class-field", metavar="FIELD", help="Field that holds the class. Default: found by usual names."),
    click.option("--classes", metavar="[VALUE=]NAME[:#RRGGBB],…",
                 help="Classes in order, with colours. Default: those that occur in the labels."),
    click.option("--ignore", metavar="A,B,…", type=CommaList(), default=(), help="Class names to leave out."),
    click.option("-m", "--model", "pretrained", default="auto", show_default=True, metavar="MODEL|auto|none",
                 help="Pretrained model whose answers are features; auto: a bundled one that fits the scene."),
    click.option("--from", "previous", type=FilePath(), metavar="DIR",
                 help="An earlier sketch of these scenes: only what is new is computed."),
    click.option("--license", "licence", default="other", show_default=True,
                 help="Licence of the model for its card: an SPDX identifier."),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
                 help="Seed of the choice of pixels and of what is held out."),
    click.option("--quick", is_flag=True,
                 help="Learn as the earlier sketch did, without comparing other features and classifiers."),
    click.option("--overwrite", is_flag=True, help="Replace an existing model."),
)  # fmt: skip


@click.command(cls=GreedyCommand)
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE…")
@_sketch_options
@reading_options
@progress_option
def sketch(
    scenes: tuple[str, ...], labels: tuple[str, ...], output: Path, pretrained: str, progress: str, **values: Any
) -> None:
    """Make a model from a few drawn polygons, lines or points, in seconds.

    Any bands will do. What is learned is chosen on drawings that are held out in turn, so draw each class in two places
    or more; the model card says how well that went. DIR is a model like any other:

    \b
    geoseg sketch SCENE --labels FEW.gpkg -o DIR
    geoseg segment SCENE -m DIR -o OUT
    geoseg sketch SCENE --labels MORE.gpkg --from DIR -o DIR
    """  # noqa: D301  \b keeps click from rewrapping the lines
    from geoseg.progress.reporters import reporter
    from geoseg.train.sketch import sketch as run

    reading = reading_of(values)
    model = None if pretrained == "none" else pretrained
    run(
        list(scenes), list(labels), output, pretrained=model, reading=reading,
        reporter=reporter(progress), **values,
    )  # fmt: skip
