"""``geoseg segment`` and ``geoseg detect``, one way through a job with two last steps; ``geoseg summary`` of shards."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geoseg.cli.options import (
    CommaList,
    Duration,
    FilePath,
    GreedyCommand,
    dates_option,
    given_options,
    inputs_of,
    mosaic_option,
    names_of,
    option_group,
    options_of,
    place_options,
    progress_option,
    reading_of,
    reading_options,
    regularize_option,
    scenes_of,
    segmenting_options,
    segmenting_options_with,
    source_option,
)
from geoseg.errors.printable import printable
from geoseg.system.choices import BATCH_SYSTEMS, LOCAL_SCHEDULERS, POLYGON_FORMATS
from geoseg.system.text import rounded

if TYPE_CHECKING:
    from geoseg.job.outputs import Products
    from geoseg.job.request import Job
    from geoseg.raster import Raster
    from geoseg.raster.basemap import Tiles
    from geoseg.raster.catalog import FoundScene, Search
    from geoseg.segment.plan import Options


_scene_options = option_group(
    click.argument("scenes", nargs=-1, metavar="SCENE…"),
    click.option("-o", "--output", required=True, type=FilePath(), metavar="OUT",
                 help="Output folder, or s3://BUCKET/PREFIX, gs://… or az://…"),
    click.option("--scenes", "listed", type=FilePath(), metavar="FILE",
                 help="File (or s3://…) that lists more scenes: text (one per line), CSV (columns scene, name) or a "
                      "STAC ItemCollection."),
    mosaic_option,
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
    click.option("--html/--no-html", default=None,
                 help="Write the report as a page for people, too, NAME_report.html. Default: with the preview."),
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
                 help="Print the job script for the batch system of --scheduler, or with --aoi the items that would be "
                      "read and what that costs, and exit."),
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
@place_options
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

    SCENE is a file, VRT, URL, folder, .SAFE folder, NetCDF file, Zarr store or STAC item; with --stack all files are
    one scene. A model of several sensors or dates takes --source or --dates instead. With --aoi, --when and --catalog
    in place of SCENE, the scene is made of the fewest items of a STAC catalogue that cover the place;
    OUT/NAME_items.json lists them. With --aoi, --basemap and --zoom it is made of the tiles of a map on the web. Writes
    OUT/NAME_classes.tif, _confidence.tif, _probabilities.tif (with --probabilities), _polygons.gpkg, _preview.png,
    _report.html and _report.json, and for several scenes OUT/summary.csv. After an interruption the same command
    resumes the run.
    """
    from geoseg.job.outputs import Products

    products = Products(
        polygons=not values.pop("no_polygons"),
        preview=not values.pop("no_preview"),
        html=values.pop("html"),
        format=values.pop("format_"),
        min_area=values.pop("min_area"),
        simplify=values.pop("simplify"),
        probabilities=names_of(values.pop("probabilities")),
    )
    _run_job(products, values)


@click.command(cls=GreedyCommand)
@_scene_options
@place_options
@segmenting_options_with("linear")
@reading_options
@click.option(
    "--score",
    type=click.FloatRange(0, 1),
    help="Lowest score: the mean probability of an object's pixels to be part of one; of boxes the detector's. "
    "Default: the one with the best F1 in the model's validation, else 0.5.",
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
@regularize_option
@_simplify_option
@_format_option
@_run_options
def detect(**values: Any) -> None:
    """Find objects, such as buildings or trees, each one whole across the windows that the model sees.

    Writes OUT/NAME_objects.gpkg (layer objects: object_id, class_id, class_name, score, area_m2, perimeter_m, and cut
    where an object reaches the edge of the scene), _objects_preview.png, _objects_report.html and _objects_report.json.
    Models trained with geoseg train --task instances keep objects apart that touch, detectors (--task boxes) also those
    that overlap; with any other model each connected region of a class is one object. After an interruption the same
    command resumes the run.
    """
    from geoseg.job.objects import DetectOptions
    from geoseg.job.outputs import Products

    products = Products(
        polygons=False,
        preview=not values.pop("no_preview"),
        html=values.pop("html"),
        format=values.pop("format_"),
        min_area=values.pop("min_area"),
        simplify=values.pop("simplify"),
        objects=DetectOptions(values.pop("score"), values.pop("classes"), values.pop("regularize")),
    )
    _run_job(products, values)


def _run_job(products: Products, values: dict[str, Any]) -> None:
    """Run a command's job over its scenes, or print or clean its state."""
    from geoseg.job.batch import run
    from geoseg.job.report import SUMMARY
    from geoseg.job.request import Job
    from geoseg.job.scene_list import check_duplicates
    from geoseg.job.shards import Shard
    from geoseg.models import keep_memory
    from geoseg.progress.reporters import reporter
    from geoseg.system.outputs import Inputs

    dry_run, place = values.pop("dry_run"), _tiles_of(values) or _search_of(values)
    if dry_run and place is None:
        from geoseg.system.cluster.deployment import job_script

        click.echo(job_script(values["scheduler"]).rstrip())
        return
    scenes, output, model, progress = (values.pop(name) for name in ("scenes", "output", "model", "progress"))
    reading = _reading_of(values)
    listed, only_status, only_clean = values.pop("listed"), values.pop("status"), values.pop("clean")
    found = None
    if place is not None and not (only_status or only_clean):
        found = _open_place(place, model, reading, options_of(dict(values)), progress, dry_run=dry_run)
        reading = {}  # the scene has been opened so
        if found is None:
            return
    sources = _sources_of(values, scenes, listed, reading)
    sources += [] if found is None else [found[0]]
    check_duplicates(sources)
    shard = None if values["shard"] is None else Shard.of(values["shard"])
    sources, given = sources if shard is None else shard.part(sources), len(sources)
    values["shard"] = shard
    workers = values["workers"] if isinstance(values["workers"], tuple) else None
    options = options_of(values)
    job = Job(sources, output, model, reading, options, products, workers=workers, **values)
    Inputs(listed).check(job.storage.location(SUMMARY), *([] if job.profile is None else [job.profile]))
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
    if found is not None and found[1] is not None and results[0].outputs:
        found[1].write_items(job.storage, results[0].name)
    if len(results) > 1 and progress != "json":
        from geoseg.job.report import summary_rows, summary_table

        click.echo(summary_table(summary_rows(sources, results)), err=True)
    if any(result.status in ("failed", "partial") for result in results):
        sys.exit(1)


def _reading_of(values: dict[str, Any]) -> dict[str, Any]:
    """Take how scenes are read out of a command's values."""
    if not values.pop("mosaic"):
        return reading_of(values)
    if values["shard"]:
        raise click.UsageError("--mosaic makes one scene, which cannot be divided: leave out --shard.")
    return {**reading_of(values), "mosaic": True}


def _sources_of(
    values: dict[str, Any], scenes: tuple[str, ...], listed: Path | None, reading: dict[str, Any]
) -> list[Any]:
    """Return the scenes that a command names, and take the options that name some out of its values."""
    from geoseg.job.scene_list import check_duplicates, read_scenes

    inputs = inputs_of(values, scenes, mosaic="mosaic" in reading)
    entries = list(read_scenes(listed)) if listed else []
    if reading.get("mosaic"):
        each = [*scenes, *(entry.source for entry in entries)]
        check_duplicates(each)
        return scenes_of(each, reading)
    sources: list[Any] = scenes_of(scenes, reading) if inputs is None else [inputs]
    return sources + entries


# Other ways to name scenes, which a place excludes.
_OTHERS = {
    "scenes": "SCENE", "listed": "--scenes", "bbox": "--bbox", "stack": "--stack", "shard": "--shard",
    "sources": "--source", "dates": "--dates", "mosaic": "--mosaic",
}  # fmt: skip


def _search_of(values: dict[str, Any]) -> Search | None:
    """Take the options of a catalogue out of a command's values; None if none of them is given."""
    names = ("aoi", "when", "catalog", "max_cloud", "composite", "observations")
    chosen = {name: values.pop(name) for name in names}
    if not (given := given_options(names)):
        return None
    if missing := [f"--{name}" for name in names[:3] if chosen[name] is None]:
        raise click.UsageError(f"--{given[0].replace('_', '-')} needs {' and '.join(missing)}.")
    if clash := [label for name, label in _OTHERS.items() if values[name]]:
        raise click.UsageError(f"--aoi names the scene: leave out {' and '.join(clash)}.")
    from geoseg.raster.catalog import Search

    return Search(**chosen)


def _tiles_of(values: dict[str, Any]) -> Tiles | None:
    """Take the options of a tiled map out of a command's values; None if none of them is given."""
    names = ("basemap", "zoom", "max_tiles", "tiles_per_second", "attribution")
    chosen = {name: values.pop(name) for name in names}
    if not (given := given_options(names)):
        return None
    chosen["aoi"] = values["aoi"]
    if missing := [f"--{name}" for name in ("basemap", "aoi", "zoom") if chosen[name] is None]:
        raise click.UsageError(f"--{given[0].replace('_', '-')} needs {' and '.join(missing)}.")
    others = {**_OTHERS, "when": "--when", "catalog": "--catalog", "resolution": "--resolution"}
    if clash := [label for name, label in others.items() if values[name]]:
        raise click.UsageError(f"--basemap names the scene: leave out {' and '.join(clash)}.")
    for name in ("aoi", "when", "catalog", "max_cloud", "composite", "observations"):
        values.pop(name)
    from geoseg.raster.basemap import Tiles

    return Tiles(per_second=chosen.pop("tiles_per_second"), **chosen)


def _open_place(
    place: Search | Tiles, model: str | None, reading: dict[str, Any], options: Options, progress: str, *, dry_run: bool
) -> tuple[Raster, FoundScene | None] | None:
    """Return the scene of a place, and the items that it is made of; None after a dry run, which is printed."""
    from geoseg.raster.catalog import Search

    if not isinstance(place, Search):
        raster = _basemap(place, reading, progress, dry_run=dry_run)
        return None if raster is None else (raster, None)
    found = _find_items(place, model, reading)
    if dry_run:
        _print_items(found, model, options)
        return None
    return found.raster, found


def _basemap(tiles: Tiles, reading: dict[str, Any], progress: str, *, dry_run: bool) -> Raster | None:
    """Say what is fetched, and fetch it, unless it is a dry run."""
    from geoseg.progress.reporters import reporter
    from geoseg.raster.basemap import find_basemap

    found = find_basemap(tiles)
    count = found.tiles.area
    size, seconds = rounded(found.pixel_size()), max(count / tiles.per_second, 1)
    click.echo(printable(
        f"{count} tiles of {found.template.label}, zoom {tiles.zoom}, pixels of {size} m (of 256 a tile), at most "
        f"{tiles.per_second:g} a second: about {seconds:.0f} s; {found.terms}"
    ), err=not dry_run)  # fmt: skip
    if dry_run:
        return None
    events = reporter(progress)
    reading.pop("allow_remote", None)
    return found.fetch(lambda done, total: events.progress(done, total, "fetch tiles"), **reading)


def _find_items(wanted: Search, model: str | None, reading: dict[str, Any]) -> FoundScene:
    """Search for the scene, with the bands of the model; remarks go to stderr."""
    from geoseg.models import DEFAULT_MODEL, load_model
    from geoseg.raster.catalog import find_scene
    from geoseg.segment.cloud_model import masked_by, split_clouds

    reading.pop("allow_remote", None)
    bands = [band.name for band in load_model(DEFAULT_MODEL if model is None else model).card.bands]
    opening, clouds = split_clouds(reading)
    found = find_scene(wanted, model_bands=bands, **opening)
    if clouds is not None:
        found = replace(found, raster=masked_by(found.raster, clouds))
    for note in found.notes:
        click.echo(printable(f"note: {note}"), err=True)
    return found


def _print_items(found: FoundScene, model: str | None, options: Options) -> None:
    """Print the items, what they cover, and what a run would cost."""
    from geoseg.segment.inspection import inspect_scene

    for item in found.items:
        cloud = "clouds not stated" if item.cloud is None else f"{item.cloud:.3g} % clouds"
        click.echo(printable(f"{item.id}  {item.when:%Y-%m-%d %H:%M}  {cloud}"))
    there, clear = found.searched
    click.echo(f"  items       {len(found.items)} of {there} in the period, {clear} of them clear enough")
    click.echo(f"  place       {100 * found.covered:.4g} % covered")
    click.echo(f"  fetch       {found.to_fetch}")
    inspection = inspect_scene(found.raster, model, {}, options)
    click.echo(inspection.as_text())
    if inspection.error is not None:
        raise inspection.error


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
