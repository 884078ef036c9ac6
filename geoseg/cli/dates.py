"""``geoseg change`` and ``geoseg composite``: several dates of one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import (
    CommaList,
    FilePath,
    given_options,
    options_of,
    progress_option,
    reading_of,
    reading_options,
    segmenting_options,
)
from geoseg.system.choices import COMPOSITES

# Options of change that apply to class maps, too; the others are for scenes.
_OF_MAPS = {
    "before", "after", "output", "name", "renames", "tolerance", "min_confidence", "min_area", "simplify", "overwrite",
    "progress", "model",
}  # fmt: skip


@click.command()
@click.argument("before", metavar="BEFORE.tif")
@click.argument("after", metavar="AFTER.tif")
@click.option("-o", "--output", required=True, type=FilePath(), metavar="DIR", help="Folder to write into.")
@click.option("--name", metavar="NAME", help="Beginning of the files' names. Default: made of those of the maps.")
@click.option(
    "--map",
    "renames",
    metavar="A=B,…",
    help="Rename or merge classes of both maps before they are compared: forest=tree; 7= leaves value 7 out.",
)
@click.option(
    "--tolerance",
    type=click.IntRange(0, 16),
    default=1,
    show_default=True,
    metavar="PX",
    help="Shift in pixels that is taken for misregistration: what it explains is no change.",
)
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 100),
    default=0,
    show_default=True,
    metavar="PERCENT",
    help="Confidence that both dates need for a change; read from NAME_confidence.tif beside NAME_classes.tif.",
)
@click.option(
    "--min-area", type=float, metavar="M2", help="Merge changes smaller than this many square metres into a neighbour."
)
@click.option(
    "--simplify", type=float, metavar="M", help="Maximum distance, in metres, by which polygon borders may move."
)
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@click.option(
    "--scheduler", default="threads", show_default=True, help="Where scenes are segmented; see geoseg segment."
)
@segmenting_options
@reading_options
@progress_option
def change(before: str, after: str, output: Path, progress: str, **values: Any) -> None:
    """Compare two class maps or two scenes of one place: what became what.

    Writes polygons of changes, a raster of transitions and a report, and prints the transition matrix. The maps may
    lie on different grids: AFTER is brought to BEFORE's pixels. Classes are matched by name. With --model, BEFORE and
    AFTER are scenes: the model maps both into OUT/maps first, with the options of geoseg segment, and an interrupted
    run is resumed by the same command.
    """
    from geoseg.change import change as run
    from geoseg.models import keep_memory
    from geoseg.progress.reporters import reporter

    segmenting = _segmenting(values)
    keep_memory()  # windows are of one size: a fifth of the time would go into pages that are zeroed anew
    events = reporter(progress)
    events.start(before=before, after=after, output=str(output))
    if segmenting:
        segmenting["reporter"] = events
    try:
        summary = run(before, after, output, progress=events.progress, **values, **segmenting)
    except KeyboardInterrupt:
        kept = "the same command resumes the maps" if segmenting else "nothing is kept"
        raise KeyboardInterrupt(kept) from None
    for note in summary.notes:
        events.warning(note)
    if progress != "json":
        click.echo(summary.table())
    details = {"change": dict(summary.report)} if progress == "json" else {}
    events.result(outputs={kind: str(path) for kind, path in summary.outputs.items()}, **details)


def _segmenting(values: dict[str, Any]) -> dict[str, Any]:
    """Take what concerns the segmentation of scenes out of the values; nothing if the inputs are maps."""
    model, scheduler = values.pop("model"), values.pop("scheduler")
    reading, options = reading_of(values), options_of(values)
    if model is None:
        flags = {one.name or "": one.opts[-1] for one in click.get_current_context().command.params}
        for name in given_options(name for name in flags if name not in _OF_MAPS):
            raise click.UsageError(f"{flags[name]} is for scenes: name the model that maps them with --model.")
        return {}
    return {"model": model, "reading": reading, "options": options, "scheduler": scheduler}


@click.command()
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE…")
@click.option("-o", "--output", required=True, type=FilePath(), metavar="C.tif", help="File to write.")
@click.option(
    "--method",
    type=click.Choice(COMPOSITES),
    default="median",
    show_default=True,
    help="median or mean of each band; medoid, the date nearest to the median; first scene that has data; best, far "
    "from missing data and near the target date.",
)
@click.option("--dates", type=CommaList(), metavar="DATE,…",
              help="When each scene was taken, for best. Default: the dates in their names.")  # fmt: skip
@click.option("--target-date", metavar="DATE", help="Date that best prefers. Default: the one in the middle.")
@click.option("--cloud-distance", type=click.IntRange(1, 255), default=50, show_default=True, metavar="PX",
              help="Pixels from missing data from which a pixel counts as far from clouds, for best.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@reading_options
@progress_option
def composite(scenes: tuple[str, ...], output: Path, progress: str, **values: Any) -> None:
    """Join scenes of one place, taken at several dates, into one.

    Each pixel is made of the dates that have data there in every band. C.tif lies on the pixels of the first scene,
    extended to all of them; its last band, count, is the number of dates with data. With --stack each SCENE is a
    folder whose files are the bands of one date.
    """
    from geoseg.errors import OptionError
    from geoseg.progress.forecast import Forecast, WithTimeLeft, expected_seconds
    from geoseg.progress.reporters import reporter
    from geoseg.raster.composite import composite as join
    from geoseg.raster.composite.doubts import sampled_doubts
    from geoseg.write.measurements import size_of, write_raster

    reading = reading_of(values)
    if "allow_remote" in reading:
        raise OptionError("allow-remote does not apply to a composite: name the remote files themselves")
    overwrite = values.pop("overwrite")
    events = reporter(progress)
    events.start(scenes=list(scenes), output=str(output))
    raster = join(list(scenes), name=output.stem, **reading, **values)
    for note in (*raster.notes, *sampled_doubts(raster)):
        events.warning(note)
    forecast = Forecast({"compose": None, **expected_seconds(["compress"], size_of(raster))})
    try:
        path = write_raster(raster, output, overwrite=overwrite, progress=WithTimeLeft(events, forecast).progress)
    except KeyboardInterrupt:
        raise KeyboardInterrupt("nothing is kept") from None
    events.result(outputs={"composite": str(path)}, scenes=len(scenes))


class Transitions(click.ParamType):  # type: ignore[type-arg]
    """A probability, or a file."""

    name = "probability|file.csv"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> Any:
        """Return a number if it is one, else the path."""
        try:
            return float(value)
        except ValueError:
            return value


@click.command()
@click.argument("maps", nargs=-1, required=True, metavar="MAP…")
@click.option("-o", "--output", required=True, type=FilePath(), metavar="DIR", help="Folder to write into.")
@click.option(
    "--transitions",
    type=Transitions(),
    metavar="P|FILE.csv",
    help="Probability that a class stays from date to date, or a matrix: a header of the classes after, each line a "
    "class before. Default: learned from the series.",
)
@click.option("--no-confidence", is_flag=True, help="Leave confidences beside the maps out of account.")
@click.option("--fill", is_flag=True, help="Give pixels without data at a date the class that is most likely there.")
@click.option("--overwrite", is_flag=True, help="Replace existing files.")
@progress_option
def smooth(maps: tuple[str, ...], output: Path, progress: str, **values: Any) -> None:
    """Clean class maps of several dates: fewer flips that are unlikely, such as forest, water, forest.

    MAPs are in the order of their dates and name the same classes. Each pixel gets the most likely course of classes
    under a hidden Markov model; maps are trusted as far as their confidence says.
    """
    from geoseg.change.series import smooth as run
    from geoseg.progress.reporters import reporter

    events = reporter(progress)
    events.start(maps=list(maps), output=str(output))
    values["confidence"] = not values.pop("no_confidence")
    found = run(list(maps), output, progress=lambda done, total: events.progress(done, total, "smooth"), **values)
    for note in found.notes:
        events.warning(note)
    if progress != "json":
        before, after = found.reversals
        click.echo(f"classes that came back after one date: {before:,} before, {after:,} after")
        click.echo(f"pixels with another class, by date: {', '.join(f'{number:,}' for number in found.changed)}")
    *rasters, report = (str(path) for path in found.outputs)
    events.result(outputs={"maps": rasters, "report": report}, reversals=list(found.reversals))
