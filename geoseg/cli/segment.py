"""``geoseg segment``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import names_of, options_of, progress_option, reading_of, reading_options, segmenting_options


@click.command()
@click.argument("scenes", nargs=-1, metavar="SCENE…")
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="OUT", help="Folder for the results."
)
@click.option(
    "--scenes",
    "listed",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="More scenes: a text file with one a line, a CSV with columns scene and name, or a STAC ItemCollection.",
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
@click.option(
    "--probabilities",
    metavar="all|NAME,NAME,…",
    help="Also write OUT/NAME_probabilities.tif: percent of every class, or of those named, one band each.",
)
@click.option("--no-polygons", is_flag=True, help="Class map and confidence only.")
@click.option("--no-preview", is_flag=True, help="No picture.")
@click.option(
    "--scheduler",
    default="threads",
    show_default=True,
    metavar="threads|local|ADDRESS|slurm|pbs|lsf|kubernetes",
    help="Who computes: threads here, worker processes here, a dask cluster, or jobs that geoseg submits.",
)
@click.option(
    "--retries",
    type=click.IntRange(0),
    default=2,
    show_default=True,
    help="Try a block again that fails for a transient reason: network, memory, a lost worker.",
)
@click.option("--allow-partial", is_flag=True, help="Write results with nodata where blocks failed for good.")
@click.option("--overwrite", is_flag=True, help="Replace results that are there.")
@click.option("--status", is_flag=True, help="Only say how far the scenes (all in OUT if none is given) are.")
@click.option("--clean", is_flag=True, help="Only remove unfinished blocks and temporary files from OUT.")
@click.option(
    "--profile",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a trace of who did what when, for chrome://tracing or Perfetto.",
)
@progress_option
@click.option("--die-with-parent", is_flag=True, hidden=True)
def segment(scenes: tuple[str, ...], output: Path, model: str | None, progress: str, **values: Any) -> None:
    """Segment scenes to class maps, confidence and land-cover polygons.

    Each SCENE is a file, VRT, URL, folder, .SAFE, Zarr store or STAC item; with --stack all files given are one scene.
    Results are OUT/NAME_classes.tif, _confidence.tif, _probabilities.tif (with --probabilities), _polygons.gpkg,
    _preview.png and _report.json; of several scenes also OUT/summary.csv. Killed at any moment, the same command goes
    on where it stopped.
    """
    from geoseg.cli.parent import die_with_parent
    from geoseg.job.batch import run
    from geoseg.job.outputs import Products
    from geoseg.job.request import Job
    from geoseg.job.scene_list import check_duplicates, read_scenes
    from geoseg.models import keep_memory
    from geoseg.progress.reporters import reporter

    if values.pop("die_with_parent"):
        die_with_parent()
    reading = reading_of(values)
    products = Products(
        polygons=not values.pop("no_polygons"),
        preview=not values.pop("no_preview"),
        format=values.pop("format_"),
        min_area=values.pop("min_area"),
        simplify=values.pop("simplify"),
        probabilities=names_of(values.pop("probabilities")),
    )
    listed, only_status, only_clean = values.pop("listed"), values.pop("status"), values.pop("clean")
    sources: list[Any] = [list(scenes)] if reading.get("stack") and scenes else list(scenes)
    sources += read_scenes(listed) if listed else []
    check_duplicates(sources)
    options = options_of(values)
    job = Job(sources, output, model, reading, options, products, **values)
    if only_clean:
        _clean(job)
        return
    if only_status:
        _status(job, progress)
        return
    if not sources:
        raise click.UsageError("Missing argument 'SCENE…': name scenes, or a file that lists them with --scenes.")
    keep_memory()
    results = run(job, reporter(progress))
    if len(results) > 1 and progress != "json":
        from geoseg.job.report import summary_rows, summary_table

        click.echo(summary_table(summary_rows(sources, results)), err=True)
    if any(result.status in ("failed", "partial") for result in results):
        sys.exit(1)


def _status(job: Any, progress: str) -> None:
    from geoseg.job.request import request_of
    from geoseg.job.status import as_json, status

    found = status(job.output, job.scenes, request_of(job) if job.scenes else None)
    if progress == "json":
        click.echo(as_json(found))
        return
    for one in found:
        click.echo(one.as_text())
    if not found:
        click.echo(f"{job.output}: no run has begun here")


def _clean(job: Any) -> None:
    from geoseg.job.request import open_scene, request_of
    from geoseg.job.scene_list import SceneEntry
    from geoseg.job.status import clean

    names = None
    if job.scenes:
        request = request_of(job)
        entries = [SceneEntry.of(scene) for scene in job.scenes]
        names = [open_scene(entry.source, request, entry.name).name for entry in entries]
    removed, busy = clean(job.output, names)
    click.echo(f"removed unfinished work on {', '.join(removed)}" if removed else "nothing to remove")
    if busy:
        click.echo(f"left alone, because a run is writing there: {', '.join(busy)}", err=True)
        sys.exit(1)
