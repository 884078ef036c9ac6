"""Options that several commands share, each written once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from geoseg.models.inference.execution import PRECISION_OPTIONS

_STITCH = click.Choice(["trim", "linear", "gaussian"])
_PRECISION = click.Choice(PRECISION_OPTIONS)
_Command = TypeVar("_Command", bound=Callable[..., Any])


class Number(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.4 on
    """A number, also as a fraction: ``1/65535``."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the value as a float."""
        try:
            above, _, below = str(value).partition("/")
            return float(above) / (float(below) if below else 1.0)
        except (ValueError, ZeroDivisionError):
            self.fail(f"{value!r} is not a number or fraction", param, ctx)


class Nodata(Number):
    """A number, or ``auto``."""

    name = "number|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value as a float, or ``"auto"``."""
        return "auto" if str(value).strip().lower() == "auto" else super().convert(value, param, ctx)


class BBox(click.ParamType):  # type: ignore[type-arg]
    """Four numbers: west, south, east, north."""

    name = "west,south,east,north"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return the four as floats."""
        if isinstance(value, tuple):
            return value
        try:
            numbers = tuple(float(part) for part in str(value).replace(",", " ").split())
        except ValueError:
            numbers = ()
        if len(numbers) != 4:
            self.fail(f"{value!r}: give four numbers west,south,east,north", param, ctx)
        return numbers


def _apply(*options: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


reading_options = _apply(
    click.option("--stack", is_flag=True, help="All files given are bands of one scene."),
    click.option("--bands", metavar="NAME=N,…", help="Which band is which: blue=1,green=2,… or names in order."),
    click.option("--bbox", type=BBox(), help="Only this part of the scene."),
    click.option("--bbox-crs", metavar="CRS", help="CRS of --bbox; the scene's if left out."),
    click.option("--resolution", type=Number(), help="Pixel size in CRS units; the finest band's if left out."),
    click.option("--scale", type=Number(), help="Physical value = stored × SCALE + OFFSET; fractions work: 1/65535."),
    click.option("--offset", type=Number(), help="See --scale. Sentinel-2 from 2022 on: --scale 0.0001 --offset -0.1."),
    click.option("--nodata", type=Nodata(), metavar="NUMBER|auto",
                 help="Value of invalid pixels, instead of the file's; auto looks for fill that no file declares."),
    click.option("--allow-remote", is_flag=True, help="Let a VRT or STAC item on this machine name files on others."),
)  # fmt: skip
"""How scenes are read: the keyword arguments of open_raster."""

segmenting_options = _apply(
    click.option("-m", "--model", metavar="MODEL", help="Name or folder of a model; the bundled default if left out."),
    click.option("--window", type=click.IntRange(1), help="Side of what the model sees, in pixels, margins included."),
    click.option("--margin", type=click.IntRange(0), help="Context read around a window but not kept, in pixels."),
    click.option("--stitch", type=_STITCH, default="trim", show_default=True, help="How windows become one map."),
    click.option("--block", type=click.IntRange(1), hidden=True),
    click.option("--device", default="auto", show_default=True, metavar="cpu|cuda|cuda:N", help="Where it runs."),
    click.option("--precision", type=_PRECISION, default="auto", show_default=True, help="Arithmetic of the model."),
    click.option("--compile", is_flag=True, help="Let torch.compile make the model faster, if it can."),
    click.option("--memory", metavar="4GB", help="Budget of one process; half of what is free if left out."),
    click.option("--workers", type=click.IntRange(1), help="Blocks in flight, or processes with --scheduler local."),
)  # fmt: skip
"""How scenes are segmented: the fields of geoseg.segment.plan.Options and the model."""

progress_option = click.option(
    "--progress",
    type=click.Choice(["bar", "json", "none"]),
    default="bar",
    show_default=True,
    help="What is said while it runs.",
)
"""How a run reports."""


def reading_of(values: dict[str, Any]) -> dict[str, Any]:
    """Take the reading options out of a command's values, as keyword arguments of open_raster."""
    names = ("stack", "bands", "bbox", "bbox_crs", "resolution", "scale", "offset", "nodata", "allow_remote")
    found = {name: values.pop(name) for name in names}
    # Options that were not given are None, flags False. 0 is a value: 0 == False, but 0 is not False.
    return {name: value for name, value in found.items() if value is not None and value is not False}


def options_of(values: dict[str, Any]) -> Any:
    """Take the segmenting options, but for the model, out of a command's values."""
    from geoseg.segment.plan import Options

    names = ("window", "margin", "stitch", "block", "device", "precision", "memory", "workers", "compile")
    return Options(**{name: values.pop(name) for name in names})


def names_of(text: str | None) -> str | tuple[str, ...] | None:
    """Split names at commas; ``all`` alone stays a word, as in :class:`geoseg.job.outputs.Products`."""
    if text is None or text.strip() == "all":
        return text and "all"
    return tuple(name.strip() for name in text.split(",") if name.strip())


def spread(args: list[str], names: tuple[str, ...]) -> list[str]:
    """Let ``--images A.tif B.tif`` stand for ``--images A.tif --images B.tif``, for the options named."""
    found: list[str] = []
    current = ""
    for arg in args:
        if arg.startswith("-"):
            current = arg if arg in names else ""
            if not current:
                found.append(arg)
        else:
            found += [current, arg] if current else [arg]
    return found
