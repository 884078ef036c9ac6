"""``geoseg evaluate``: a map or a model against a reference; samples of points and areas from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import options_of, progress_option, reading_of, reading_options, segmenting_options, spread
from geoseg.errors import OptionError

_MANY = ("--images", "--labels")
_overwrite = click.option("--overwrite", is_flag=True, help="Replace files that are there.")


class _Evaluate(click.Group):
    """Without the name of a sub-command it compares: ``geoseg evaluate MAP REFERENCE``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the hidden command's name where none is given."""
        if args and args[0] not in self.commands and not (args[0] in ctx.help_option_names and len(args) == 1):
            args = ["compare", *spread(args, _MANY)]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the options of the comparison, then the sub-commands."""
        command = self.commands["compare"]
        with click.Context(command, info_name=ctx.info_name, parent=ctx.parent) as inner:
            command.format_help(inner, formatter)
        self.format_commands(ctx, formatter)


@click.group(cls=_Evaluate)
def evaluate() -> None:
    """Hold a map or a model against a reference."""


@evaluate.command(hidden=True)
@click.argument("predicted", required=False, metavar="[MAP")
@click.argument("reference", required=False, metavar="REFERENCE]")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="REPORT", help="REPORT.json and REPORT.png.")
@click.option("--class-field", metavar="NAME", help="Field of reference polygons with class names or numbers.")
@click.option("--map", "renames", metavar="A=B,…", help="What classes count as: forest=tree,10=tree,255= (ignored).")
@click.option("--confidence", metavar="FILE", help="Confidence of the map; NAME_confidence.tif beside it if left out.")
@click.option(
    "--tolerance", type=click.FloatRange(0, 64), default=2.0, show_default=True, help="Of boundary F1, in pixels."
)
@click.option("--images", multiple=True, metavar="A B …|DIR", help="With -m: labelled images to segment.")
@click.option("--labels", multiple=True, metavar="A B …|DIR", help="With -m: their class rasters or polygons.")
@segmenting_options
@reading_options
@click.option("--json", "as_json", is_flag=True, help="The report as JSON on stdout instead of the table.")
@_overwrite
@progress_option
def compare(
    predicted: str | None, reference: str | None, output: Path | None, progress: str, *, as_json: bool, **values: Any
) -> None:
    """Hold a class map against a reference, or a model against labelled images.

    \b
    geoseg evaluate MAP REFERENCE [-o REPORT]
    geoseg evaluate -m MODEL --images A.tif B.tif --labels A_labels.tif B_labels.tif [-o REPORT]

    REFERENCE is a class raster on any grid or polygons in any CRS. Classes are matched by name. Prints a table; the
    report is JSON with a picture of the confusion matrix and the map of errors beside it.
    """  # noqa: D301  click's mark for lines that stay as they are
    from geoseg.evaluate.evaluation import report_paths
    from geoseg.progress.reporters import reporter

    overwrite = values.pop("overwrite")
    if output is not None:
        report_paths(output, overwrite=overwrite)
    said = reporter(progress)
    by_model = values["model"] is not None or bool(values["images"] or values["labels"])
    if by_model:
        if predicted or reference:
            raise OptionError("give either MAP REFERENCE, or -m MODEL --images … --labels …, not both")
        result = _by_model(said, **values)
    else:
        if not (predicted and reference):
            raise OptionError("name the map and the reference: geoseg evaluate MAP REFERENCE")
        if given := reading_of(values):
            option = min(given).replace("_", "-")
            raise OptionError(f"--{option} says how images are read: it goes with -m MODEL, not with MAP REFERENCE")
        result = _by_map(said, predicted, reference, **values)
    for note in result.notes:
        said.warning(note)
    outputs = {} if output is None else result.write(output, overwrite=overwrite)
    if as_json and progress != "json":
        click.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=2))
    elif progress != "json":
        click.echo(result.table())
    said.result(outputs={kind: str(path) for kind, path in outputs.items()}, **_brief(result, progress))


def _brief(result: Any, progress: str) -> dict[str, Any]:
    return {"evaluation": result.to_dict()} if progress == "json" else {}


def _by_map(said: Any, predicted: str, reference: str, **values: Any) -> Any:
    from geoseg.evaluate import evaluate as run

    said.start(predicted=predicted, reference=reference)
    names = ("class_field", "renames", "confidence", "tolerance")
    return run(
        predicted,
        reference,
        progress=lambda done, total: said.progress(done, total, "evaluate"),
        **{name: values[name] for name in names},
    )


def _by_model(said: Any, **values: Any) -> Any:
    from geoseg.evaluate.model import evaluate_model
    from geoseg.models import DEFAULT_MODEL, keep_memory

    if not (values["images"] and values["labels"]):
        raise OptionError("a model is evaluated on labelled images: add --images … and --labels …")
    keep_memory()
    model = values.pop("model")
    model = DEFAULT_MODEL if model is None else model
    said.start(model=model, images=list(values["images"]), labels=list(values["labels"]))
    return evaluate_model(
        model,
        values["images"],
        values["labels"],
        class_field=values["class_field"],
        renames=values["renames"],
        tolerance=values["tolerance"],
        reading=reading_of(values),
        options=options_of(values),
        progress=said.progress,
        warn=said.warning,
    )


@evaluate.command()
@click.argument("source", metavar="MAP")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="POINTS.gpkg", help="Points.")
@click.option(
    "--standard-error",
    type=float,
    default=0.02,
    show_default=True,
    help="Wanted of the overall accuracy; 0.02 is ± 4 % at 95 % confidence.",
)
@click.option("--expected", metavar="U|A=U,…", help="User's accuracies to expect: 0.85 or tree=0.9,crop=0.7.")
@click.option("--minimum", type=click.IntRange(2), default=50, show_default=True, help="Least points of a class.")
@click.option("--points", "total", type=click.IntRange(2), help="Number of points, instead of --standard-error.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same points.")
@_overwrite
@progress_option
def sample(source: str, output: Path, progress: str, **values: Any) -> None:
    """Draw a stratified random sample of points to interpret.

    Strata are the classes of MAP (Olofsson et al. 2014). Fill the field reference_class, in QGIS say, then run
    `geoseg evaluate area POINTS.gpkg MAP`.
    """
    from geoseg.evaluate.points import draw_sample
    from geoseg.progress.reporters import reporter

    said = reporter(progress)
    said.start(map=source, output=str(output))
    drawn = draw_sample(source, output, progress=said.progress, **values)
    rows = list(zip(drawn.classes, drawn.sizes, drawn.weights, strict=True))
    if progress != "json":
        for item, size, weight in rows:
            click.echo(f"{item.name:<20} {size:>6} points  {100 * weight:6.2f} % of the map")
    said.result(
        outputs={"points": str(drawn.path)},
        classes={item.name: {"id": item.id, "points": size, "share": round(weight, 6)} for item, size, weight in rows},
    )


@evaluate.command()
@click.argument("points", metavar="POINTS.gpkg")
@click.argument("source", metavar="MAP")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="REPORT.json", help="Report as JSON.")
@click.option("--field", default="reference_class", show_default=True, help="Field with the interpretation.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON on stdout instead of the table.")
@_overwrite
@progress_option
def area(points: str, source: str, output: Path | None, progress: str, *, as_json: bool, **values: Any) -> None:
    """Estimate accuracy and area, with 95 % confidence intervals, from interpreted points.

    POINTS.gpkg is what `geoseg evaluate sample` made of MAP, with reference_class filled in (Olofsson et al. 2014).
    """
    from geoseg.errors import OutputError
    from geoseg.evaluate.evaluation import write_complete
    from geoseg.evaluate.points import estimate_area
    from geoseg.progress.reporters import reporter

    if output is not None and output.exists() and not values["overwrite"]:
        raise OutputError(f"{output} exists: choose another name or add --overwrite")
    said = reporter(progress)
    said.start(points=points, map=source)
    report = estimate_area(points, source, field=values["field"], progress=said.progress)
    for note in report.notes:
        said.warning(note)
    text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    if output is not None:
        write_complete(output, lambda part: part.write_text(text + "\n", "utf-8"))
    if progress != "json":
        click.echo(text if as_json else report.table())
    facts = {"estimate": report.to_dict()} if progress == "json" else {}
    said.result(outputs={} if output is None else {"report": str(output)}, **facts)
