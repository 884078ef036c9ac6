"""``geoseg demo``."""

from __future__ import annotations

from pathlib import Path

import click

from geoseg.cli.options import FilePath, model_option, progress_option
from geoseg.errors.printable import printable


@click.command()
@click.argument("folder", type=FilePath(file_okay=False), default="geoseg_demo", metavar="[DIR]")
@click.option("--size", type=click.IntRange(256), default=2000, show_default=True, help="Side of the scene in pixels.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Random seed of the landscape.")
@model_option
@progress_option
def demo(folder: Path, size: int, seed: int, model: str | None, progress: str) -> None:
    """Make a synthetic multispectral scene, segment it, and compare the class map with the known truth.

    Writes the scene, its true classes and all outputs of geoseg segment to DIR (default: geoseg_demo).
    """
    from geoseg.demo.run import run_demo
    from geoseg.models import keep_memory
    from geoseg.progress.reporters import reporter

    keep_memory()
    result = run_demo(folder, size=size, seed=seed, model=model, reporter=reporter(progress))
    if progress == "bar":
        click.echo(printable(f"{'scene':<11} {result.scene}"))
        click.echo(printable(f"{'truth':<11} {result.truth}"))
        click.echo(f"\nAccuracy of model {result.model!r} against the truth:")
        for name, iou in result.accuracy["iou"].items():
            click.echo(f"  {printable(name):<12} IoU {'absent' if iou is None else f'{iou:.2f}'}")
        click.echo(f"  overall accuracy {result.accuracy['overall']:.2f}, mean IoU {result.accuracy['mean_iou']:.2f}")
        preview = printable(result.outputs["preview"])
        click.echo(f"\nOpen {preview}, or the class map and polygons in QGIS: both are styled.")
