"""``geoseg model``: list, show, check, add, remove, export, compress."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from geoseg.cli.compress import compress
from geoseg.cli.options import (
    CommaList,
    FilePath,
    GreedyCommand,
    GreedyOption,
    Number,
    echo_json,
    reading_of,
    reading_options,
)
from geoseg.errors.printable import printable
from geoseg.system.text import escaped_json

if TYPE_CHECKING:
    from geoseg.models import ModelCard
    from geoseg.models.clicks import ClickCard


@click.group()
def model() -> None:
    """List, show, check, add, remove, export and compress models."""


model.add_command(compress)


@model.command(short_help="Add a model of another library.")
@click.argument("source", metavar="FILE|FOLDER|URL|NAME")
@click.option("--as", "name", metavar="NAME", help="Name of the model. Default: that of the file.")
@click.option("--index", metavar="FILE|URL", help="List of models, of which NAME is one; checksums are compared.")
@click.option("--bands", type=CommaList(), metavar="NAME,…", help="Bands of the input, in the network's order.")
@click.option("--classes", type=CommaList(), metavar="NAME,…", help="Classes of the output, in the network's order.")
@click.option(
    "--divide",
    type=Number(),
    metavar="N",
    help="The network takes (value / N - mean) / std: 255 for bytes as 0 to 1; 1 for values as they are.",
)
@click.option("--mean", type=CommaList(), metavar="X,…", help="Mean, one or one for each band. Default: 0.")
@click.option("--std", type=CommaList(), metavar="X,…", help="Standard deviation, as --mean. Default: 1.")
@click.option("--imagenet", is_flag=True, help="Divide by 255, with mean and deviation of ImageNet (red,green,blue).")
@click.option("--scale", type=Number(), help="Physical value = value × SCALE + OFFSET, in the training images.")
@click.option("--offset", type=Number(), help="See --scale.")
@click.option("--resolution", type=Number(), metavar="M", help="Pixel size of the training images, in metres.")
@click.option("--arch", metavar="NAME", help="Architecture of a state dict: unet, deeplabv3plus, ….")
@click.option("--encoder", metavar="NAME", help="Encoder of a state dict: resnet18, ….")
@click.option("--license", "license_", metavar="NAME", help="Licence of the weights, if the source states none.")
@click.option("--title", metavar="TEXT", help="One line about the model.")
@click.option(
    "--decoder", metavar="FILE", help="Decoder of a click model (SAM) whose encoder FILE is; see geoseg click."
)
@click.option("--sample", metavar="SCENE", help="Write a picture of the model's map of SCENE, NAME_sample.png.")
@click.option("--overwrite", is_flag=True, help="Replace an installed model of this name.")
def add(
    source: str,
    name: str | None,
    *,
    index: str | None,
    decoder: str | None,
    sample: str | None,
    imagenet: bool,
    license_: str | None,
    overwrite: bool,
    **said: Any,
) -> None:
    """Add a model of another library to your own, checked: ONNX, PyTorch or Hugging Face.

    FILE is an ONNX file (also a detector of Deepness or YOLO), a PT2 archive, or the state dict or checkpoint of a
    network of segmentation-models-pytorch; FOLDER is written by save_pretrained of that library or of transformers; URL
    is the address of such a file or of a STAC MLM item; NAME is hf:OWNER/NAME of Hugging Face, or a model in --index.
    What the source states is taken from it; what it does not state is asked for and never guessed. No code from a file
    is run, and nothing is fetched from another host than the one named.
    """
    from geoseg.models.imports import ImportOptions, add_model
    from geoseg.models.imports.described import IMAGENET

    for key in ("mean", "std"):
        said[key] = None if said[key] is None else _numbers(said[key], key)
    if imagenet:
        if said["divide"] is not None or said["mean"] or said["std"]:
            raise click.UsageError("--imagenet stands for --divide, --mean and --std: leave them out.")
        said |= {"divide": 255.0, "mean": IMAGENET[0], "std": IMAGENET[1]}
    if decoder is not None and (sample or index):
        raise click.UsageError("--decoder adds a click model from two files: leave out --sample and --index.")
    options = ImportOptions(license=license_, **said)
    folder, lines = add_model(source, name, options, index=index, overwrite=overwrite, decoder=decoder)
    for line in lines:
        click.echo(printable(line))
    use = f"-m {folder.name}" if decoder is None else f"geoseg click SCENE -m {folder.name} --at X,Y"
    click.echo(printable(f"{folder.name}: added; use it with {use}  ({folder})"))
    if sample is not None:
        from geoseg.job.page.sample import sample_picture

        picture = sample_picture(folder.name, sample, Path(f"{folder.name}_sample.png"))
        click.echo(printable(f"{picture}: the map of the middle of {sample} beside it"))


def _numbers(words: tuple[str, ...], key: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in words)
    except ValueError:
        raise click.UsageError(f"--{key} {','.join(words)}: give numbers separated by commas.") from None


@model.command(short_help="Remove an added model.")
@click.argument("name", metavar="MODEL")
def remove(name: str) -> None:
    """Remove a model from your own; those that come with geoseg stay."""
    from geoseg.models.imports import remove_model

    click.echo(printable(f"removed {remove_model(name)}"))


@model.command("list", short_help="List the bundled and installed models.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
@click.option("--clicks", is_flag=True, help="List the models that outline what is clicked on instead.")
@click.option("--index", metavar="FILE|URL", help="List the models that may be added from there instead.")
def list_(*, as_json: bool, clicks: bool, index: str | None) -> None:
    """List the bundled and installed models with their bands and classes."""
    from geoseg.models import DEFAULT_MODEL, list_models
    from geoseg.models.clicks import list_click_models

    if index is not None:
        _print_index(index, as_json=as_json)
        return
    outliners = list_click_models()
    if clicks and as_json:
        echo_json([{"name": c.name, "title": c.title, "license": c.license, "origin": _origin(c)} for c in outliners])
        return
    cards = [] if clicks else list_models()
    if as_json:
        rows = [
            {"name": c.name, "default": c.name == DEFAULT_MODEL, "title": c.title, "bands": [b.name for b in c.bands],
             "classes": {k.name: k.color for k in c.classes}, "objects": c.objects is not None,
             "license": c.license, "origin": _origin(c)}
            for c in cards
        ]  # fmt: skip
        echo_json(rows)
        return
    for card in cards:
        mark = " (default)" if card.name == DEFAULT_MODEL else ""
        click.echo(printable(f"{card.name}{mark}: {card.title}"))
        click.echo(printable(f"  bands   {', '.join(b.name for b in card.bands)}", None))
        click.echo(printable(f"  classes {', '.join(c.name for c in card.classes)}", None))
        click.echo(printable(f"  licence {card.license if card.license != 'other' else 'not stated'}"))
        click.echo(printable(f"  origin  {_origin(card)}"))
    for one in outliners:
        click.echo(printable(f"{one.name}: {one.title}"))
        click.echo(printable("  outlines what is clicked on: geoseg click"))
        click.echo(printable(f"  licence {one.license if one.license != 'other' else 'not stated'}"))
        click.echo(printable(f"  origin  {_origin(one)}"))


def _print_index(index: str, *, as_json: bool) -> None:
    """Print the models of a list: name, title, licence and address."""
    from geoseg.models.imports.places import listed_models

    keys = ("name", "title", "license", "href", "checksum")
    rows = [{key: str(entry.get(key) or "") for key in keys} for entry in listed_models(index)]
    if as_json:
        echo_json(rows)
        return
    for row in rows:
        click.echo(printable(f"{row['name']}: {row['title']}"))
        click.echo(printable(f"  licence {row['license'] or 'not stated'}"))
        click.echo(printable(f"  address {row['href']}"))


def _origin(card: ModelCard | ClickCard) -> str:
    """Return where a model comes from, as far as its card says so."""
    from geoseg.models.clicks import ClickCard
    from geoseg.models.model import bundled_names

    found = card.origin if isinstance(card, ClickCard) else card.hyperparameters.get("origin")
    if isinstance(found, dict):
        return f"{found.get('kind', 'a file')}, {found.get('file', 'unknown')}, added {found.get('added', '')}"
    return "part of geoseg" if card.name in bundled_names() else "made with geoseg"


@model.command(short_help="Print a model's card.")
@click.argument("name", metavar="MODEL")
@click.option("--json", "as_json", is_flag=True, help="Print the complete card as STAC MLM JSON.")
def show(name: str, *, as_json: bool) -> None:
    """Print a model's card: bands, classes, scores, training data, known failures."""
    from geoseg.models import load_model

    card = load_model(name).card
    click.echo(escaped_json(card.to_json(), stream=sys.stdout) if as_json else card.describe())


@model.command(short_help="Verify a model's files and that it runs.")
@click.argument("name", metavar="MODEL")
def check(name: str) -> None:
    """Verify a model's card, checksum and architecture, run it, and compare its output with the card's test vector."""
    from geoseg.models import check_model

    for line in check_model(name):
        click.echo(printable(line))


@model.command(cls=GreedyCommand)
@click.argument("name", metavar="MODEL")
@click.option(
    "-o",
    "--output",
    required=True,
    type=FilePath(),
    metavar="FILE",
    help="NAME.onnx or NAME.pt2; a folder gets model.onnx and its card.",
)
@click.option("--huggingface", is_flag=True, help="Write a folder that smp or transformers load (from_pretrained).")
@click.option("--raw", is_flag=True, help="Build in the normalisation: the input is the card's digital numbers.")
@click.option("--logits", is_flag=True, help="Return logits instead of probabilities.")
@click.option("--int8", is_flag=True, help="Quantise to 8-bit integers: static with --calibrate, otherwise dynamic.")
@click.option("--calibrate", cls=GreedyOption, metavar="SCENE…", help="With --int8: scenes that give the value ranges.")
@click.option("--images", cls=GreedyOption, metavar="A B …|DIR", help="Labelled images: print mIoU before and after.")
@click.option("--labels", cls=GreedyOption, metavar="A B …|DIR", help="Class rasters or polygons for --images.")
@click.option("--class-field", metavar="NAME", help="Field with class names or numbers, if --labels are polygons.")
@click.option("--opset", type=click.IntRange(18), default=18, show_default=True, help="Version of the ONNX operators.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@reading_options
def export(name: str, output: Path, **values: Any) -> None:
    """Write a model as ONNX or PT2 for other programs.

    The file is written only if its output agrees with torch at several window sizes. ONNX files contain the model card
    and the metadata of the QGIS plugin Deepness, and geoseg runs them too: `geoseg segment -m FILE.onnx`.
    """
    from geoseg.models.export.export import export_model
    from geoseg.models.export.options import ExportOptions
    from geoseg.system.resources import format_bytes

    images, labels, field = (values.pop(key) for key in ("images", "labels", "class_field"))
    if bool(images) != bool(labels):
        raise click.UsageError("--images and --labels go together: give both.")
    reading = reading_of(values)
    options = ExportOptions(calibration=tuple(values.pop("calibrate")), reading=reading, **values)
    made = export_model(name, output, options, say=lambda line: click.echo(printable(line), err=True))
    for shape, difference in made.differences:
        size = " × ".join(map(str, shape))
        click.echo(f"against torch, input {size}: largest difference {difference:.1e}")
    if made.agreement is not None:
        click.echo(f"8-bit against float32: {100 * made.agreement:.2f} % of pixels get the same class")
    for note in made.notes:
        click.echo(printable(f"note: {note}"), err=True)
    if images:
        _print_scores(name, made.path, images, labels, field, reading)
    click.echo(printable(f"{made.path}  {format_bytes(made.size)}"))


def _print_scores(
    name: str, exported: Path, images: Any, labels: Any, field: str | None, reading: dict[str, Any]
) -> None:
    """Print mean IoU and overall accuracy of a model and of its export."""
    from geoseg.evaluate.model import evaluate_model

    options: dict[str, Any] = {"class_field": field, "reading": reading, "tolerance": None}
    before, after = (evaluate_model(ref, images, labels, **options).scores for ref in (name, str(exported)))
    click.echo(
        f"mean IoU {before.mean_iou:.4f} before, {after.mean_iou:.4f} after: {after.mean_iou - before.mean_iou:+.4f}; "
        f"overall accuracy {before.overall_accuracy:.4f} before, {after.overall_accuracy:.4f} after"
    )
