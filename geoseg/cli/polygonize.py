"""``geoseg polygonize``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import progress_option


def _listed(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    return None if value is None else tuple(part.strip() for part in value.split(",") if part.strip())


@click.command()
@click.argument("classes", metavar="CLASSES.tif")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Polygons: .gpkg, .parquet or .fgb.",
)
@click.option("--confidence", metavar="FILE", help="Raster on the same grid; adds mean and least confidence.")
@click.option("--min-area", type=float, metavar="M2", help="Merge regions below this many square metres.")
@click.option("--simplify", type=float, metavar="M", help="Let boundaries move by this many metres.")
@click.option("--smooth", is_flag=True, help="Round the stair steps of pixels.")
@click.option(
    "--connectivity",
    type=click.Choice(["4", "8"]),
    default="4",
    show_default=True,
    help="Whether pixels that touch at corners belong together.",
)
@click.option("--classes", "only", metavar="A,B,…", callback=_listed, help="Only these classes, numbers or names.")
@click.option("--exclude", metavar="A,B,…", callback=_listed, help="All classes but these.")
@click.option("--keep", metavar="A,B,…", callback=_listed, help="Classes that --min-area never dissolves.")
@click.option("--nodata", type=float, metavar="VALUE", help="Pixels without class; instead of the file's own.")
@click.option("--band", type=int, metavar="N", help="Band of a raster that has several, from 1.")
@click.option("--round", "rounded", is_flag=True, help="Round floats to the nearest whole number.")
@click.option("--workers", type=click.IntRange(1), help="Threads that read and trace, or processes.")
@click.option(
    "--scheduler",
    default="threads",
    show_default=True,
    metavar="threads|local|ADDRESS",
    help="Who computes: threads here, worker processes here, a dask cluster.",
)
@click.option("--memory", metavar="1.5GB", help="Budget of this process.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@progress_option
def polygonize(classes: str, output: Path, progress: str, connectivity: str, **values: Any) -> None:
    """Turn a class map into polygons.

    CLASSES.tif is any raster of whole numbers. Each region of equal pixels becomes a polygon with its class, its true
    area and its perimeter; regions are never cut, however large the raster.
    """
    from geoseg.polygonize import PolygonSummary
    from geoseg.polygonize import polygonize as run
    from geoseg.progress.reporters import reporter

    report = reporter(progress)
    report.start(classes=classes, output=str(output))
    for name in ("exclude", "keep"):
        values[name] = values[name] or ()
    summary = run(
        classes,
        output,
        connectivity=int(connectivity),
        progress=lambda done, total: report.progress(done, total, "polygonize"),
        **values,
    )
    assert isinstance(summary, PolygonSummary)
    for note in summary.notes:
        report.warning(note)
    report.result(
        outputs={"polygons": str(summary.path)},
        classes={
            item.name: {"id": number, "polygons": item.polygons, "area_m2": round(item.area_m2, 2)}
            for number, item in summary.classes.items()
        },
    )
