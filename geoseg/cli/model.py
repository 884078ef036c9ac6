"""``geoseg model``: list, show, check, export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import GreedyCommand, GreedyOption, reading_of, reading_options


@click.group()
def model() -> None:
    """List, show, check and export models."""


@model.command("list")
@click.option("--json", "as_json", is_flag=True, help="A JSON array instead of a table.")
def list_(*, as_json: bool) -> None:
    """List bundled and installed models."""
    from geoseg.models import DEFAULT_MODEL, list_models

    cards = list_models()
    if as_json:
        rows = [
            {"name": c.name, "default": c.name == DEFAULT_MODEL, "title": c.title, "bands": [b.name for b in c.bands],
             "classes": {k.name: k.color for k in c.classes}}
            for c in cards
        ]  # fmt: skip
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for card in cards:
        mark = " (default)" if card.name == DEFAULT_MODEL else ""
        click.echo(f"{card.name}{mark}: {card.title}\n  bands   {', '.join(b.name for b in card.bands)}")
        click.echo(f"  classes {', '.join(c.name for c in card.classes)}")


@model.command()
@click.argument("name", metavar="MODEL")
@click.option("--json", "as_json", is_flag=True, help="The card as STAC MLM JSON.")
def show(name: str, *, as_json: bool) -> None:
    """Print a model's card."""
    from geoseg.models import load_model

    card = load_model(name).card
    click.echo(card.to_json() if as_json else card.describe())


@model.command()
@click.argument("name", metavar="MODEL")
def check(name: str) -> None:
    """Verify checksum, architecture, a forward pass, and the answer to the card's test vector."""
    from geoseg.models import check_model

    for line in check_model(name):
        click.echo(line)


@model.command(cls=GreedyCommand)
@click.argument("name", metavar="MODEL")
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=".onnx or .pt2; a folder gets model.onnx and its card.",
)
@click.option("--raw", is_flag=True, help="Build the normalisation in: the graph takes the card's digital numbers.")
@click.option("--logits", is_flag=True, help="Return logits instead of probabilities.")
@click.option("--int8", is_flag=True, help="Quantise to 8-bit integers: static with --calibrate, else dynamic.")
@click.option("--calibrate", cls=GreedyOption, metavar="SCENE…", help="With --int8: scenes to take value ranges from.")
@click.option("--images", cls=GreedyOption, metavar="A B …|DIR", help="Labelled images: print the loss of mIoU.")
@click.option("--labels", cls=GreedyOption, metavar="A B …|DIR", help="Their class rasters or polygons.")
@click.option("--class-field", metavar="NAME", help="Field of polygons with class names or numbers.")
@click.option("--opset", type=click.IntRange(18), default=18, show_default=True, help="Version of ONNX operators.")
@click.option("--overwrite", is_flag=True, help="Replace a file that is there.")
@reading_options
def export(name: str, output: Path, **values: Any) -> None:
    """Write a model as ONNX or PT2 for other programs.

    The export is held against torch on several sizes and written only if both agree. ONNX files carry the model card
    and the metadata of the QGIS plugin Deepness; geoseg itself runs them: `geoseg segment -m FILE.onnx`.
    """
    from geoseg.models.export.export import export_model
    from geoseg.models.export.options import ExportOptions
    from geoseg.system.resources import format_bytes

    images, labels, field = (values.pop(key) for key in ("images", "labels", "class_field"))
    if bool(images) != bool(labels):
        raise click.UsageError("--images and --labels go together")
    reading = reading_of(values)
    options = ExportOptions(calibration=tuple(values.pop("calibrate")), reading=reading, **values)
    made = export_model(name, output, options, say=lambda line: click.echo(line, err=True))
    for shape, off in made.differences:
        size = " x ".join(map(str, shape))
        click.echo(f"against torch, input {size}: largest difference {off:.1e}")
    if made.agreement is not None:
        click.echo(f"8-bit against float32: {100 * made.agreement:.2f} % of pixels get the same class")
    for note in made.notes:
        click.echo(f"note: {note}", err=True)
    if images:
        _loss(name, made.path, images, labels, field, reading)
    click.echo(f"{made.path}  {format_bytes(made.size)}")


def _loss(name: str, exported: Path, images: Any, labels: Any, field: str | None, reading: dict[str, Any]) -> None:
    """Print mean IoU and overall accuracy of a model and of its export."""
    from geoseg.evaluate.model import evaluate_model

    options: dict[str, Any] = {"class_field": field, "reading": reading, "tolerance": None}
    one, other = (evaluate_model(ref, images, labels, **options).scores for ref in (name, str(exported)))
    click.echo(
        f"mean IoU {one.mean_iou:.4f} before, {other.mean_iou:.4f} after: {other.mean_iou - one.mean_iou:+.4f}; "
        f"overall accuracy {one.overall_accuracy:.4f}, {other.overall_accuracy:.4f}"
    )
