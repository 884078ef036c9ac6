"""``geoseg polygonize``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import CommaList, FilePath, progress_option, regularize_option
from geoseg.system.choices import LOCAL_SCHEDULERS


@click.command()
@click.argument("classes", metavar="CLASSES.tif")
@click.option(
    "-o",
    "--output",
    required=True,
    type=FilePath(),
    metavar="FILE",
    help="File to write: .gpkg, .parquet or .fgb.",
)
@click.option(
    "--confidence", metavar="FILE", help="Confidence raster on the same grid; adds each polygon's mean and minimum."
)
@click.option(
    "--min-area", type=float, metavar="M2", help="Merge regions smaller than this many square metres into a neighbour."
)
@click.option(
    "--simplify",
    type=float,
    metavar="M",
    help="Maximum distance, in metres, by which simplification may move a border. Default: no simplification.",
)
@regularize_option
@click.option("--smooth", is_flag=True, help="Smooth the stair steps of pixel edges.")
@click.option(
    "--connectivity",
    type=click.Choice(["4", "8"]),
    default="4",
    show_default=True,
    help="Neighbours of a pixel: 4, or 8 to join regions that touch at corners only.",
)
@click.option("--classes", "only", metavar="A,B,…", type=CommaList(), help="Classes to polygonize. Default: all.")
@click.option("--exclude", metavar="A,B,…", type=CommaList(), help="Classes to leave out.")
@click.option("--keep", metavar="A,B,…", type=CommaList(), help="Classes whose regions --min-area never merges.")
@click.option("--nodata", type=float, metavar="VALUE", help="Value of pixels without a class. Default: the file's.")
@click.option("--band", type=int, metavar="N", help="Band to polygonize, from 1; needed if there are several.")
@click.option("--round", "rounded", is_flag=True, help="Round floating-point pixels to whole numbers.")
@click.option(
    "--workers",
    type=click.IntRange(1),
    help="Threads, or worker processes with --scheduler local. Default: one per core, at most 16.",
)
@click.option(
    "--scheduler",
    default="threads",
    show_default=True,
    metavar="|".join((*LOCAL_SCHEDULERS, "ADDRESS")),
    help="Where polygons are traced: threads or processes of this machine, or the dask scheduler at ADDRESS.",
)
@click.option("--memory", metavar="SIZE", help="Memory limit of this process. Default: 1.5GB.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@progress_option
def polygonize(classes: str, output: Path, progress: str, connectivity: str, **values: Any) -> None:
    """Turn a class map into polygons.

    CLASSES.tif is a raster of whole numbers of any size. Each connected region of one class becomes one polygon with
    its class, its area and perimeter on the ellipsoid; regions are never split.
    """
    from geoseg.polygonize import PolygonSummary
    from geoseg.polygonize import polygonize as run
    from geoseg.progress.reporters import reporter

    events = reporter(progress)
    events.start(classes=classes, output=str(output))
    for name in ("exclude", "keep"):
        values[name] = values[name] or ()
    summary = run(
        classes,
        output,
        connectivity=int(connectivity),
        progress=lambda done, total: events.progress(done, total, "polygonize"),
        **values,
    )
    assert isinstance(summary, PolygonSummary)
    for note in summary.notes:
        events.warning(note)
    events.result(
        outputs={"polygons": str(summary.path)},
        classes={
            item.name: {"id": number, "polygons": item.polygons, "area_m2": round(item.area_m2, 2)}
            for number, item in summary.classes.items()
        },
    )
