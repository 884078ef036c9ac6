"""``geoseg evaluate``: a map, objects or a model against a reference; samples of points and areas from them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from geoseg.cli.options import (
    FilePath,
    GreedyCommand,
    GreedyOption,
    Number,
    Sizes,
    buffer_option,
    echo_json,
    given_options,
    images_of,
    labelled_inputs,
    option_group,
    options_of,
    progress_option,
    reading_of,
    reading_options,
    segmenting_options,
)
from geoseg.errors import OptionError
from geoseg.errors.printable import printable
from geoseg.system.text import escaped_json

if TYPE_CHECKING:
    from geoseg.evaluate import Evaluation, ObjectEvaluation
    from geoseg.progress import Reporter

_overwrite = click.option("--overwrite", is_flag=True, help="Replace existing files.")
object_options = option_group(
    click.option("--sizes", type=Sizes(),
                 help="For objects: largest area of small and of medium ones, in m². Default: 100,1000."),
    click.option("--score", type=Number(),
                 help="For objects: score from which on they count. Default: the one with the highest F1."),
    click.option("--score-field", metavar="NAME",
                 help="For objects: field of the score. Default: score or confidence."),
    click.option("--iou", type=Number(), help="For objects: least IoU of a match, but for AP. Default: 0.5."),
    click.option("--cell", type=Number(),
                 help="For objects: side of the cells in which they are counted, in CRS units. Default: a tenth of the "
                      "extent."),
)  # fmt: skip
"""How objects are evaluated: fields of geoseg.evaluate.ObjectOptions."""


def given_objects(values: dict[str, Any]) -> dict[str, Any]:
    """Take the options of objects that were given out of a command's values."""
    found = {name: values.pop(name) for name in ("sizes", "score", "score_field", "iou", "cell")}
    return {name: value for name, value in found.items() if value is not None}


_json = click.option("--json", "as_json", is_flag=True, help="Print the report as JSON instead of a table.")


class _Evaluate(click.Group):
    """Runs the comparison unless a sub-command is named: ``geoseg evaluate MAP REFERENCE``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the hidden command's name where none is given."""
        if args and args[0] not in self.commands and not (args[0] in ctx.help_option_names and len(args) == 1):
            args = ["compare", *args]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        """Offer the options of the comparison as well as the sub-commands."""
        command = self.commands["compare"]
        own = command.shell_complete(click.Context(command, info_name=ctx.info_name, parent=ctx.parent), incomplete)
        return own + [item for item in super().shell_complete(ctx, incomplete) if item.value not in ("-h", "--help")]

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the options of the comparison, then the sub-commands."""
        command = self.commands["compare"]
        with click.Context(command, info_name=ctx.info_name, parent=ctx.parent) as inner:
            command.format_help(inner, formatter)
        self.format_commands(ctx, formatter)


@click.group(cls=_Evaluate)
def evaluate() -> None:
    """Compare a map or a model with a reference."""


@evaluate.command(hidden=True, cls=GreedyCommand)
@click.argument("predicted", required=False, metavar="[MAP|OBJECTS")
@click.argument("reference", required=False, metavar="REFERENCE]")
@click.option(
    "-o",
    "--output",
    type=FilePath(),
    metavar="REPORT.json",
    help="Report to write as JSON; beside it a figure as PNG, or for objects NAME_matches.gpkg, and a page as HTML.",
)
@click.option("--html/--no-html", default=True, show_default=True, help="With -o: write the page REPORT.html, too.")
@click.option("--class-field", metavar="NAME", help="Field of the reference polygons that holds the class.")
@buffer_option
@click.option(
    "--map",
    "renames",
    metavar="A=B,…",
    help="Rename or merge classes before they are compared: forest=tree,10=tree; 255= ignores a class.",
)
@click.option(
    "--confidence", metavar="FILE", help="Confidence of the map. Default: NAME_confidence.tif beside NAME_classes.tif."
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 64),
    default=2.0,
    show_default=True,
    help="Distance in pixels within which boundaries match, for boundary F1.",
)
@click.option(
    "--images", cls=GreedyOption, default=(), metavar="FILE…|DIR", help="With -m: labelled images to segment."
)
@labelled_inputs
@click.option(
    "--labels", cls=GreedyOption, metavar="FILE…|DIR", help="With -m: their class rasters, polygons, lines or points."
)
@object_options
@segmenting_options
@reading_options
@_json
@_overwrite
@progress_option
def compare(
    predicted: str | None, reference: str | None, output: Path | None, progress: str, *, as_json: bool, **values: Any
) -> None:
    """Compare a class map or objects with a reference, or a model with labelled images.

    \b
    geoseg evaluate MAP REFERENCE [-o REPORT.json]
    geoseg evaluate OBJECTS REFERENCE [-o REPORT.json]
    geoseg evaluate -m MODEL --images A.tif B.tif --labels A_labels.tif B_labels.tif [-o REPORT.json]

    REFERENCE is a class raster on any grid, or polygons, lines or points in any CRS. Classes are matched by name.
    Prints IoU, F1, precision and recall of each class; the report adds the confusion matrix and a map of errors.

    If both are polygons, OBJECTS (buildings, trees) are matched one by one with those of REFERENCE: AP, AP50, AP75,
    F1, panoptic quality, error of their number; the report has a map of matches, misses and false alarms.
    """  # noqa: D301  \b keeps click from rewrapping the lines
    from geoseg.evaluate.evaluation import report_paths
    from geoseg.evaluate.objects.result import object_report_paths
    from geoseg.evaluate.reference import is_vector
    from geoseg.progress.reporters import reporter
    from geoseg.raster.stacks.places import files_of

    overwrite, objects, html = values.pop("overwrite"), given_objects(values), values.pop("html")
    values["images"] = images_of(values["images"], values)
    by_model = values["model"] is not None or bool(values["images"] or values["labels"])
    polygons = not by_model and is_vector(predicted)
    if output is not None:
        inputs = [
            predicted,
            reference,
            *(values[name] for name in ("confidence", "labels")),
            *files_of(values["images"]),
        ]
        (object_report_paths if polygons else report_paths)(output, overwrite=overwrite, inputs=inputs, html=html)
    events = reporter(progress)
    if objects and not polygons:
        raise OptionError(f"--{min(objects).replace('_', '-')} is for OBJECTS REFERENCE, both of them polygons")
    result: Evaluation | ObjectEvaluation
    if by_model:
        if predicted or reference:
            raise OptionError("give either MAP REFERENCE, or -m MODEL --images … --labels …, not both")
        result = _by_model(events, **values)
    else:
        if not (predicted and reference):
            raise OptionError("name the map and the reference: geoseg evaluate MAP REFERENCE")
        if polygons:
            for name in ("bbox", "bbox_crs"):
                objects |= {} if values[name] is None else {name: values[name]}
                values[name] = None
        if given := reading_of(values):
            option = min(given).replace("_", "-")
            raise OptionError(f"--{option} says how images are read: it goes with -m MODEL, not with MAP REFERENCE")
        if polygons:
            result = _by_objects(events, predicted, reference, objects, **values)
        else:
            result = _by_map(events, predicted, reference, **values)
    for note in result.notes:
        events.warning(note)
    outputs = {} if output is None else result.write(output, overwrite=overwrite, html=html)
    if progress != "json":
        if as_json:
            echo_json(result.to_dict(), indent=2)
        else:
            click.echo(result.table())
    details = {"evaluation": result.to_dict()} if progress == "json" else {}
    events.result(outputs={kind: str(path) for kind, path in outputs.items()}, **details)


def _by_objects(
    events: Reporter, predicted: str, reference: str, objects: dict[str, Any], **values: Any
) -> Evaluation | ObjectEvaluation:
    from geoseg.evaluate import ObjectOptions
    from geoseg.evaluate import evaluate as run

    for name in given_options(("tolerance", "confidence", "buffer")):
        raise OptionError(f"--{name} is for maps, not for objects; leave it out")
    events.start(predicted=predicted, reference=reference)
    return run(
        predicted,
        reference,
        class_field=values["class_field"],
        renames=values["renames"],
        objects=ObjectOptions(**objects),
        progress=lambda done, total: events.progress(done, total, "evaluate"),
    )


def _by_map(events: Reporter, predicted: str, reference: str, **values: Any) -> Evaluation | ObjectEvaluation:
    from geoseg.evaluate import evaluate as run

    events.start(predicted=predicted, reference=reference)
    names = ("class_field", "buffer", "renames", "confidence", "tolerance")
    return run(
        predicted,
        reference,
        progress=lambda done, total: events.progress(done, total, "evaluate"),
        **{name: values[name] for name in names},
    )


def _by_model(events: Reporter, **values: Any) -> Evaluation:
    from geoseg.evaluate.model import evaluate_model
    from geoseg.models import DEFAULT_MODEL, keep_memory
    from geoseg.raster.stacks.places import files_of

    if not (values["images"] and values["labels"]):
        raise OptionError(
            "a model is evaluated on labelled images: add --images … (--source, --dates or --before and --after for a "
            "model of several inputs) and --labels …"
        )
    keep_memory()
    model = values.pop("model")
    model = DEFAULT_MODEL if model is None else model
    events.start(model=model, images=files_of(values["images"]), labels=list(values["labels"]))
    return evaluate_model(
        model,
        values["images"],
        values["labels"],
        class_field=values["class_field"],
        buffer=values["buffer"],
        renames=values["renames"],
        tolerance=values["tolerance"],
        reading=reading_of(values),
        options=options_of(values),
        progress=events.progress,
        warn=events.warning,
    )


@evaluate.command()
@click.argument("source", metavar="MAP")
@click.option("-o", "--output", required=True, type=FilePath(), metavar="POINTS.gpkg", help="File to write.")
@click.option(
    "--standard-error",
    type=float,
    default=0.02,
    show_default=True,
    help="Target standard error of the overall accuracy; 0.02 is ± 4 % at 95 % confidence.",
)
@click.option(
    "--expected",
    metavar="U|A=U,…",
    help="Expected user's accuracy, for all classes or each: 0.85, or tree=0.9,crop=0.7. Default: 0.8.",
)
@click.option("--minimum", type=click.IntRange(2), default=50, show_default=True, help="Minimum points per class.")
@click.option(
    "--points", "total", type=click.IntRange(2), help="Total number of points. Default: as --standard-error requires."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed of the sample.")
@_overwrite
@progress_option
def sample(source: str, output: Path, progress: str, **values: Any) -> None:
    """Draw a stratified random sample of points to interpret.

    The strata are the classes of MAP (Olofsson et al. 2014). Enter the class seen at each point in the field
    reference_class, for example in QGIS, then run geoseg evaluate area POINTS.gpkg MAP.
    """
    from geoseg.evaluate.points import draw_sample
    from geoseg.progress.reporters import reporter

    events = reporter(progress)
    events.start(map=source, output=str(output))
    drawn = draw_sample(source, output, progress=events.progress, **values)
    rows = list(zip(drawn.classes, drawn.sizes, drawn.weights, strict=True))
    if progress != "json":
        for item, size, weight in rows:
            click.echo(f"{printable(item.name):<20} {size:>6} points  {100 * weight:6.2f} % of the map")
    events.result(
        outputs={"points": str(drawn.path)},
        classes={item.name: {"id": item.id, "points": size, "share": round(weight, 6)} for item, size, weight in rows},
    )


@evaluate.command()
@click.argument("points", metavar="POINTS.gpkg")
@click.argument("source", metavar="MAP")
@click.option("-o", "--output", type=FilePath(), metavar="REPORT.json", help="Report to write as JSON.")
@click.option("--field", default="reference_class", show_default=True, help="Field with the interpreted class.")
@_json
@_overwrite
@progress_option
def area(points: str, source: str, output: Path | None, progress: str, *, as_json: bool, **values: Any) -> None:
    """Estimate accuracy and area, with 95 % confidence intervals, from interpreted points.

    POINTS.gpkg was drawn from MAP by geoseg evaluate sample, and its field reference_class filled in
    (Olofsson et al. 2014).
    """
    from geoseg.errors import OutputError
    from geoseg.evaluate.evaluation import write_complete
    from geoseg.evaluate.points import estimate_area
    from geoseg.progress.reporters import reporter
    from geoseg.system.outputs import Inputs, local_path

    if output is not None:
        Inputs(points, source).check(local_path(output))
        if output.exists() and not values["overwrite"]:
            raise OutputError(f"{output} exists: choose another name or add --overwrite")
    events = reporter(progress)
    events.start(points=points, map=source)
    estimates = estimate_area(points, source, field=values["field"], progress=events.progress)
    for note in estimates.notes:
        events.warning(note)
    text = json.dumps(estimates.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    if output is not None:
        write_complete(output, lambda part: part.write_text(text + "\n", "utf-8"))
    if progress != "json":
        click.echo(escaped_json(text, stream=sys.stdout) if as_json else estimates.table())
    details = {"estimate": estimates.to_dict()} if progress == "json" else {}
    events.result(outputs={} if output is None else {"report": str(output)}, **details)
