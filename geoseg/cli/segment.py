"""``geoseg segment`` and ``geoseg detect``, one way through a job with two last steps; ``geoseg summary`` of shards."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geoseg.cli.options import (
    CommaList,
    Duration,
    FilePath,
    GreedyCommand,
    dates_option,
    inputs_of,
    names_of,
    option_group,
    options_of,
    progress_option,
    reading_of,
    reading_options,
    scenes_of,
    segmenting_options,
    segmenting_options_with,
    source_option,
)
from geoseg.errors.printable import printable
from geoseg.system.choices import BATCH_SYSTEMS, LOCAL_SCHEDULERS, POLYGON_FORMATS

if TYPE_CHECKING:
    from geoseg.job.outputs import Products
    from geoseg.job.request import Job


_scene_options = option_group(
    click.argument("scenes", nargs=-1, metavar="SCENE…"),
    click.option("-o", "--output", required=True, type=FilePath(), metavar="OUT", help="Output folder."),
    click.option("--scenes", "listed", type=FilePath(), metavar="FILE",
                 help="File that lists more scenes: text (one per line), CSV (columns scene, name) or a STAC "
                      "ItemCollection."),
    source_option,
    dates_option,
)  # fmt: skip

_simplify_option = click.option(
    "--simplify",
    type=click.FloatRange(0),
    metavar="M",
    help="Maximum distance, in metres, by which simplification may move a border. Default: no simplification.",
)

_format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(POLYGON_FORMATS),
    default="gpkg",
    show_default=True,
    help="Format of the polygons: GeoPackage, GeoParquet or FlatGeobuf.",
)

_run_options = option_group(
    click.option("--no-preview", is_flag=True, help="Write no preview picture."),
    click.option("--scheduler", default="threads", show_default=True,
                 metavar="|".join((*LOCAL_SCHEDULERS, "ADDRESS", *BATCH_SYSTEMS)),
                 help="Where blocks are computed: threads or processes of this machine, the dask scheduler at ADDRESS, "
                      "or workers that geoseg submits to a batch system."),
    click.option("--max-wait", type=Duration(), metavar="TIME",
                 help="End the run if there has been no worker for so long: 30min, 2h. Default: 10min; no limit on "
                      "batch systems."),
    click.option("--shard", metavar="I/N",
                 help="Do part I (0 to N-1) of the scenes, as one of N tasks of a job array; geoseg summary joins the "
                      "tables."),
    click.option("--dry-run", is_flag=True,
                 help="Print the job script for the batch system of --scheduler, and exit."),
    click.option("--retries", type=click.IntRange(0), default=2, show_default=True,
                 help="How often to retry a block after a network error, lack of memory or a lost worker."),
    click.option("--allow-partial", is_flag=True, help="Write results although blocks failed; those are nodata."),
    click.option("--overwrite", is_flag=True, help="Replace existing results."),
    click.option("--status", is_flag=True,
                 help="Print how far the given scenes (default: all in OUT) are, and exit."),
    click.option("--clean", is_flag=True, help="Remove unfinished blocks and temporary files from OUT, and exit."),
    click.option("--profile", type=FilePath(), metavar="FILE",
                 help="Write a timeline of the run, for chrome://tracing or Perfetto."),
    progress_option,
)  # fmt: skip


@click.command(cls=GreedyCommand)
@_scene_options
@segmenting_options
@reading_options
@click.option(
    "--min-area",
    type=click.FloatRange(0),
    metavar="M2",
    help="Merge regions smaller than this many square metres into a neighbour.",
)
@_simplify_option
@_format_option
@click.option(
    "--probabilities",
    metavar="all|NAME,NAME,…",
    help="Also write OUT/NAME_probabilities.tif: percent of every class, or of those named, one band each.",
)
@click.option("--no-polygons", is_flag=True, help="Write no polygons.")
@_run_options
def segment(**values: Any) -> None:
    """Segment scenes into class maps, confidence rasters and land-cover polygons.

    SCENE is a file, VRT, URL, folder, .SAFE folder, Zarr store or STAC item; with --stack all files are one scene. A
    model of several sensors or dates takes --source or --dates instead.
    Writes OUT/NAME_classes.tif, _confidence.tif, _probabilities.tif (with --probabilities), _polygons.gpkg,
    _preview.png and _report.json, and for several scenes OUT/summary.csv. After an interruption the same command
    resumes the run.
    """
    from geoseg.job.outputs import Products

    products = Products(
        polygons=not values.pop("no_polygons"),
        preview=not values.pop("no_preview"),
        format=values.pop("format_"),
        min_area=values.pop("min_area"),
        simplify=values.pop("simplify"),
        probabilities=names_of(values.pop("probabilities")),
    )
    _run_job(products, values)


@click.command(cls=GreedyCommand)
@_scene_options
@segmenting_options_with("linear")
@reading_options
@click.option(
    "--score",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Lowest score of objects: the mean probability of their pixels to be part of one.",
)
@click.option(
    "--classes",
    type=CommaList(),
    metavar="NAME,NAME,…",
    help="Classes of objects to write. Default: all but a background.",
)
@click.option(
    "--min-area", type=click.FloatRange(0), metavar="M2", help="Leave out objects smaller than this many square metres."
)
@_simplify_option
@_format_option
@_run_options
def detect(**values: Any) -> None:
    """Find objects, such as buildings or trees, each one whole across the windows that the model sees.

    Writes OUT/NAME_objects.gpkg (layer objects: object_id, class_id, class_name, score, area_m2, perimeter_m, and cut
    where an object reaches the edge of the scene), _objects_preview.png and _objects_report.json. Models trained with
    geoseg train --task instances keep objects apart that touch; with any other model each connected region of a class
    is one object. After an interruption the same command resumes the run.
    """
    from geoseg.job.objects import DetectOptions
    from geoseg.job.outputs import Products

    products = Products(
        polygons=False,
        preview=not values.pop("no_preview"),
        format=values.pop("format_"),
        min_area=values.pop("min_area"),
        simplify=values.pop("simplify"),
        objects=DetectOptions(values.pop("score"), values.pop("classes")),
    )
    _run_job(products, values)


def _run_job(products: Products, values: dict[str, Any]) -> None:
    """Run a command's job over its scenes, or print or clean its state."""
    from geoseg.job.batch import run
    from geoseg.job.report import SUMMARY
    from geoseg.job.request import Job
    from geoseg.job.scene_list import check_duplicates, read_scenes
    from geoseg.job.shards import Shard
    from geoseg.models import keep_memory
    from geoseg.progress.reporters import reporter
    from geoseg.system.outputs import Inputs

    if values.pop("dry_run"):
        from geoseg.system.cluster.deployment import job_script

        click.echo(job_script(values["scheduler"]).rstrip())
        return
    scenes, output, model, progress = (values.pop(name) for name in ("scenes", "output", "model", "progress"))
    reading = reading_of(values)
    listed, only_status, only_clean = values.pop("listed"), values.pop("status"), values.pop("clean")
    given_inputs = inputs_of(values, scenes)
    sources = [given_inputs] if given_inputs is not None else scenes_of(scenes, reading)
    sources += read_scenes(listed) if listed else []
    check_duplicates(sources)
    shard = None if values["shard"] is None else Shard.of(values["shard"])
    sources, given = sources if shard is None else shard.part(sources), len(sources)
    values["shard"] = shard
    workers = values["workers"] if isinstance(values["workers"], tuple) else None
    options = options_of(values)
    job = Job(sources, output, model, reading, options, products, workers=workers, **values)
    Inputs(listed).check(output / SUMMARY, *([] if job.profile is None else [job.profile]))
    if only_clean:
        _clean(job)
        return
    if shard is not None and given and not sources:
        click.echo(f"shard {shard.index}/{shard.count} has none of the {given} scenes", err=True)
    if only_status:
        _print_status(job, progress)
        return
    if not given:
        raise click.UsageError("Missing argument 'SCENE…': name scenes, or a file that lists them with --scenes.")
    keep_memory()
    results = run(job, reporter(progress))
    if len(results) > 1 and progress != "json":
        from geoseg.job.report import summary_rows, summary_table

        click.echo(summary_table(summary_rows(sources, results)), err=True)
    if any(result.status in ("failed", "partial") for result in results):
        sys.exit(1)


def _print_status(job: Job, progress: str) -> None:
    from geoseg.job.request import request_of
    from geoseg.job.status import as_json, status

    states = status(job.output, job.scenes, request_of(job) if job.scenes else None)
    if progress == "json":
        click.echo(as_json(states))
        return
    for state in states:
        click.echo(state.as_text())
    if not states:
        click.echo(printable(f"{job.output}: no run has begun here"))


def _clean(job: Job) -> None:
    from geoseg.job.request import open_scene, request_of
    from geoseg.job.scene_list import SceneEntry
    from geoseg.job.status import clean

    names = None
    if job.scenes:
        request = request_of(job)
        entries = [SceneEntry.of(scene) for scene in job.scenes]
        names = [open_scene(entry.source, request, entry.name).name for entry in entries]
    removed, busy = clean(job.output, names)
    click.echo(printable(f"removed unfinished work on {', '.join(removed)}") if removed else "nothing to remove")
    if busy:
        click.echo(printable(f"skipped, because another run is writing there: {', '.join(busy)}"), err=True)
        sys.exit(1)


@click.command()
@click.argument("output", type=FilePath(), metavar="OUT")
def summary(output: Path) -> None:
    """Join the summaries of a batch that was run in shards.

    Each run with --shard leaves OUT/summary.I-of-N.csv. Once all are there, this writes OUT/summary.csv and prints the
    table. The exit code is 1 if a scene failed or is partial.
    """
    from geoseg.job.report import join_summaries, summary_table

    rows = join_summaries(output)
    click.echo(summary_table(rows))
    if any(row["status"] in ("failed", "partial") for row in rows):
        sys.exit(1)
