"""``geoseg sketch`` and ``geoseg click``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import (
    CommaList,
    FilePath,
    GreedyCommand,
    GreedyOption,
    Number,
    option_group,
    progress_option,
    reading_of,
    reading_options,
)

_sketch_options = option_group(
    click.option("--labels", cls=GreedyOption, required=True, metavar="FILE…",
                 help="Drawn polygons, lines or points with a class, in any CRS."),
    click.option("-o", "--output", required=True, type=FilePath(), metavar="DIR", help="Model folder to write."),
    click.option("--class-field", metavar="FIELD", help="Field that holds the class. Default: found by usual names."),
    click.option("--classes", metavar="[VALUE=]NAME[:#RRGGBB],…",
                 help="Classes in order, with colours. Default: those that occur in the labels."),
    click.option("--ignore", metavar="A,B,…", type=CommaList(), default=(), help="Class names to leave out."),
    click.option("-m", "--model", "pretrained", default="auto", show_default=True, metavar="MODEL|auto|none",
                 help="Pretrained model whose answers are features; auto: a bundled one that fits the scene."),
    click.option("--from", "previous", type=FilePath(), metavar="DIR",
                 help="An earlier sketch of these scenes: only what is new is computed."),
    click.option("--license", "licence", default="other", show_default=True,
                 help="Licence of the model for its card: an SPDX identifier."),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
                 help="Seed of the choice of pixels and of what is held out."),
    click.option("--quick", is_flag=True,
                 help="Learn as the earlier sketch did, without comparing other features and classifiers."),
    click.option("--overwrite", is_flag=True, help="Replace an existing model."),
)  # fmt: skip


@click.command(cls=GreedyCommand)
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE…")
@_sketch_options
@reading_options
@progress_option
def sketch(
    scenes: tuple[str, ...], labels: tuple[str, ...], output: Path, pretrained: str, progress: str, **values: Any
) -> None:
    """Make a model from a few drawn polygons, lines or points, in seconds.

    Any bands will do. What is learned is chosen on drawings that are held out in turn, so draw each class in two places
    or more; the model card says how well that went. DIR is a model like any other:

    \b
    geoseg sketch SCENE --labels FEW.gpkg -o DIR
    geoseg segment SCENE -m DIR -o OUT
    geoseg sketch SCENE --labels MORE.gpkg --from DIR -o DIR
    """  # noqa: D301  \b keeps click from rewrapping the lines
    from geoseg.progress.reporters import reporter
    from geoseg.train.sketch import sketch as run

    reading = reading_of(values)
    model = None if pretrained == "none" else pretrained
    run(
        list(scenes), list(labels), output, pretrained=model, reading=reading,
        reporter=reporter(progress), **values,
    )  # fmt: skip


class Point(click.ParamType):  # type: ignore[type-arg]
    """Two numbers: x, y."""

    name = "x,y"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        """Return both as floats."""
        if isinstance(value, tuple):
            return value
        try:
            x, y = (float(part) for part in str(value).replace(",", " ").split())
        except ValueError:
            self.fail(f"{value!r}: give two numbers X,Y.", param, ctx)
        return x, y


@click.command("click", cls=GreedyCommand)
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE…")
@click.option("-m", "--model", required=True, metavar="MODEL", help="A click model: geoseg model add … --decoder ….")
@click.option("--at", type=Point(), multiple=True, required=True, metavar="X,Y", help="A point on the object.")
@click.option("--not", "outside", type=Point(), multiple=True, metavar="X,Y", help="A point that is not on it.")
@click.option("--crs", metavar="CRS", help="CRS of the points. Default: the scene's CRS.")
@click.option("--pixel", type=Number(), metavar="SIZE",
              help="Size of the pixels that the model sees, in CRS units: larger ones for larger objects. Default: the "
                   "scene's.")  # fmt: skip
@click.option("-o", "--output", type=FilePath(), metavar="FILE", help="Polygon to write: .gpkg, .fgb or .geojson.")
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@reading_options
@progress_option
def click_(
    scenes: tuple[str, ...], model: str, *, at: Any, outside: Any, crs: str | None, pixel: float | None,
    output: Path | None, overwrite: bool, progress: str, **values: Any,
) -> None:  # fmt: skip
    """Outline what points in a scene point at, with a click model of the SAM family.

    The weights are your own: an image encoder and a prompt decoder, exported as ONNX with SAM's script.

    \b
    geoseg model add sam_encoder.onnx --decoder sam_decoder.onnx --as sam
    geoseg click scene.tif -m sam --at 604200,5793100 -o house.gpkg
    """  # noqa: D301  \b keeps click from rewrapping the lines
    from geoseg.job.objects.clicks import click as run
    from geoseg.job.objects.clicks import write_outline
    from geoseg.progress.reporters import reporter
    from geoseg.raster import open_raster

    events = reporter(progress)
    reading = reading_of(values)
    if len(scenes) > 1 and not reading.get("stack"):
        raise click.UsageError("Click on one scene; files that are its bands need --stack.")
    raster = open_raster(list(scenes) if len(scenes) > 1 else scenes[0], **reading)
    frame = run(raster, model, list(at), outside=list(outside), crs=crs, pixel=pixel)
    facts = [
        {"wkt": row.geometry.wkt, "score": float(row.score), "area_m2": float(row.area_m2), "cut": bool(row.cut)}
        for row in frame.itertuples()
    ]
    outputs = {}
    if output is not None and facts:
        outputs["polygons"] = str(write_outline(frame, output, overwrite=overwrite))
    for fact in facts:
        if fact["cut"]:
            events.info("the outline reaches the edge of what the model saw: let it see larger pixels (--pixel)")
        if progress != "json":
            click.echo(f"score {fact['score']:.2f}, {fact['area_m2']:.6g} m²")
    if not facts:
        events.warning("nothing is outlined there: click elsewhere on the object, or add another point")
    events.result(outputs=outputs, outlines=facts)
