"""``geoseg segment``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import options_of, progress_option, reading_of, reading_options, segmenting_options


@click.command()
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE…")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT", help="Folder for the results."
)
@segmenting_options
@reading_options
@click.option(
    "--min-area",
    type=click.FloatRange(0),
    metavar="M2",
    help="Merge polygons below this many square metres into a neighbour.",
)
@click.option("--simplify", type=click.FloatRange(0), metavar="M", help="Let polygon borders move by this many metres.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["gpkg", "parquet", "fgb"]),
    default="gpkg",
    show_default=True,
    help="Polygons as GeoPackage, GeoParquet or FlatGeobuf.",
)
@click.option("--no-polygons", is_flag=True, help="Class map and confidence only.")
@click.option("--no-preview", is_flag=True, help="No picture.")
@click.option(
    "--scheduler",
    default="threads",
    show_default=True,
    metavar="threads|local|ADDRESS",
    help="Who computes: threads here, worker processes here, a dask cluster.",
)
@click.option("--overwrite", is_flag=True, help="Replace results that are there.")
@progress_option
@click.option("--die-with-parent", is_flag=True, hidden=True)
def segment(scenes: tuple[str, ...], output: Path, model: str | None, progress: str, **values: Any) -> None:
    """Segment scenes to class maps, confidence and land-cover polygons.

    Each SCENE is a file, VRT, URL, folder, .SAFE, Zarr store or STAC item; with --stack all files given are one scene.
    Results are OUT/NAME_classes.tif, _confidence.tif, _polygons.gpkg, _preview.png and _report.json.
    """
    from geoseg.cli.parent import die_with_parent
    from geoseg.job import Job, run
    from geoseg.models import keep_memory
    from geoseg.products import Products
    from geoseg.progress import reporter

    if values.pop("die_with_parent"):
        die_with_parent()
    keep_memory()
    reading = reading_of(values)
    products = Products(
        polygons=not values.pop("no_polygons"),
        preview=not values.pop("no_preview"),
        format=values.pop("format_"),
        min_area=values.pop("min_area"),
        simplify=values.pop("simplify"),
    )
    sources: list[Any] = [list(scenes)] if reading.get("stack") else list(scenes)
    options = options_of(values)
    job = Job(sources, output, model, reading, options, products, **values)
    results = run(job, reporter(progress))
    failed = [result for result in results if result.status == "failed"]
    if len(results) > 1 and progress != "json":
        for result in results:
            click.echo(f"{result.name}: {result.status}", err=True)
    if failed:
        sys.exit(1)
