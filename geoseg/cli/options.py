"""Options and option types that several commands share, each written once. Imports nothing heavy."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.shell_completion import CompletionItem

from geoseg.system.choices import COMPOSITES, PRECISION_OPTIONS, REGULAR_SHAPES, RUNTIME_OPTIONS, STITCHES, Stitch
from geoseg.system.text import printable_json

if TYPE_CHECKING:
    from geoseg.segment.plan import Options

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
            self.fail(f"{value!r} is not a number or fraction.", param, ctx)


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
            self.fail(f"{value!r}: give four numbers west,south,east,north.", param, ctx)
        return numbers


class Sizes(click.ParamType):  # type: ignore[type-arg]
    """Two areas: the largest of small objects, and of medium ones."""

    name = "small,medium"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Return both as floats."""
        if isinstance(value, tuple):
            return value
        try:
            small, medium = (float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r}: give two areas, such as 100,1000.", param, ctx)
        return small, medium


class WorkerCount(click.ParamType):  # type: ignore[type-arg]
    """A number of workers, or the least and the most: ``10..50``."""

    name = "N|MIN..MAX"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return an int, or the two as a tuple."""
        if isinstance(value, int | tuple):
            return value
        least, dots, most = str(value).partition("..")
        try:
            numbers = int(least), int(most if dots else least)
        except ValueError:
            self.fail(f"{value!r}: give a number, or the least and the most, such as 10..50.", param, ctx)
        if numbers[0] < (0 if dots else 1) or numbers[1] < max(numbers[0], 1):
            self.fail(f"{value!r}: give 1 or more, or the least and the most, such as 10..50.", param, ctx)
        return numbers[0] if numbers[0] == numbers[1] else numbers


class Duration(click.ParamType):  # type: ignore[type-arg]
    """A time span: ``90s``, ``30min``, ``2h``, ``1d``; a number alone is seconds."""

    name = "time"
    _SECONDS = {"": 1, "s": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}  # noqa: RUF012 - not changed

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", str(value))
        if found is None or found[2] not in self._SECONDS or not float(found[1]):
            self.fail(f"{value!r}: give a time span such as 90s, 30min, 2h or 1d.", param, ctx)
        return float(found[1]) * self._SECONDS[found[2]]


class CommaList(click.ParamType):  # type: ignore[type-arg]
    """Words separated by commas."""

    name = "a,b,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """Return the words without surrounding blanks; at least one."""
        if isinstance(value, tuple):
            return value
        words = tuple(part.strip() for part in value.split(",") if part.strip())
        return words or self.fail("it is empty: give names, or leave the option out.", param, ctx)


class FilePath(click.Path):
    """A path. An empty text, as of an unset shell variable, is an error; ``click.Path`` takes the current folder."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(path_type=Path, **attributes)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        return (
            super().convert(value, param, ctx)
            if os.fspath(value)
            else self.fail("it is empty: give a path.", param, ctx)
        )


class GreedyOption(click.Option):
    """An option that takes every word up to the next option, as shells expand ``--images *.tif``."""

    def __init__(self, *names: Any, **attributes: Any) -> None:
        super().__init__(*names, **{**attributes, "multiple": True})


class GreedyCommand(click.Command):
    """A command with :class:`GreedyOption` options: ``--images A B`` means ``--images A --images B``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeat the option before each of its values."""
        greedy = {name for option in self.params if isinstance(option, GreedyOption) for name in option.opts}
        repeated: list[str] = []
        current = ""
        for word in args:
            if word.startswith("-") and len(word) > 1:
                current = word if word in greedy else ""
            elif current and repeated[-1] != current:
                repeated.append(current)
            repeated.append(word)
        return super().parse_args(ctx, repeated)


def option_group(*options: Callable[[Any], Any]) -> Callable[[_Command], _Command]:
    """Return a decorator that adds several options, in this order."""

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


reading_options = option_group(
    click.option("--stack", is_flag=True, help="Read all files given as the bands of one scene."),
    click.option("--bands", metavar="NAME=N,…",
                 help="Bands by number, blue=1,green=2,…, or by name. Default: the names in the file."),
    click.option("--bbox", type=BBox(), help="Read only this extent."),
    click.option("--bbox-crs", metavar="CRS", help="CRS of --bbox. Default: the scene's CRS."),
    click.option("--resolution", type=Number(), help="Pixel size in CRS units. Default: that of the finest band."),
    click.option("--scale", type=Number(),
                 help="Physical value = stored value × SCALE + OFFSET; fractions work: 1/65535. Default: the file's."),
    click.option("--offset", type=Number(),
                 help="See --scale. Sentinel-2 since 2022: --scale 0.0001 --offset -0.1."),
    click.option("--nodata", type=Nodata(), metavar="NUMBER|auto",
                 help="Value of invalid pixels; auto detects undeclared fill. Default: the file's nodata value."),
    click.option("--mask-clouds", metavar="auto|none|scl|qa|fmask|udm|MODEL",
                 help="Make clouds, their shadows and snow invalid: by the quality band of the product, if it has one "
                      "(auto, the default), by the one named, or by a model with such classes (water); none keeps "
                      "them."),
    click.option("--allow-remote", is_flag=True, help="Let local VRTs and STAC items refer to files on other hosts."),
)  # fmt: skip
"""How scenes are read: the keyword arguments of open_raster."""


def _complete_model(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
    """Offer the models known by name to the shell, or files where none begins so."""
    from geoseg.models import list_models

    found = [CompletionItem(card.name, help=card.title) for card in list_models() if card.name.startswith(incomplete)]
    return found or [CompletionItem(incomplete, type="file")]


source_option = click.option(
    "--source", "sources", multiple=True, metavar="NAME=FILE",
    help="An input of a model of several sensors: --source optical=S2.tif --source sar=S1.tif. One may be missing if "
    "the model allows it.")  # fmt: skip

dates_option = click.option(
    "--dates", cls=GreedyOption, default=(), metavar="FILE…",
    help="Scenes of one place at several dates, in any order: the date is in the name, in tags, or written before it, "
    "2024-06-01=FILE.")  # fmt: skip


def inputs_of(values: dict[str, Any], scenes: Sequence[str], *, mosaic: bool = False) -> dict[str, Any] | None:
    """Take ``--source`` and ``--dates`` out of a command's values: files by input, or None if there are none."""
    from geoseg.raster.stacks.places import matching

    sources, dates = values.pop("sources"), list(values.pop("dates"))
    if bool(sources) + bool(dates) + bool(scenes) > 1:
        raise click.UsageError("Give scenes, or --source, or --dates: each is another kind of input.")
    if mosaic and (sources or dates):
        raise click.UsageError("--mosaic joins scenes, not the inputs of --source or --dates: leave it out.")
    if dates:
        return {"date": [file for one in dates for file in matching("--dates", one)]}
    found: dict[str, list[str]] = {}
    for text in sources:
        name, equals, file = text.partition("=")
        if not (name and equals and file):
            raise click.BadParameter(f"{text!r}: write it as NAME=FILE.", param_hint="--source")
        found.setdefault(name, []).append(file)
    return {name: files if len(files) > 1 else files[0] for name, files in found.items()} or None


labelled_inputs = option_group(
    click.option("--source", "sources", multiple=True, metavar="NAME=FILE|DIR|PATTERN",
                 help="Images of one of several sensors, whose first gives the pixels: --source 'optical=S2/*.tif' "
                 "--source 'sar=S1/*.tif' --source dem=dem.tif."),
    click.option("--dates", cls=GreedyOption, default=(), metavar="FILE…|DIR",
                 help="Images of several dates, of one place or more: the date is in the name, in tags, or written "
                 "before it, 2024-06-01=FILE."),
    click.option("--before", cls=GreedyOption, default=(), metavar="FILE…|DIR",
                 help="Images before the change, for a model of change."),
    click.option("--after", cls=GreedyOption, default=(), metavar="FILE…|DIR", help="Images after it."),
)  # fmt: skip
"""Images of a model of several inputs, of one place or many: in place of --images."""


def images_of(images: Sequence[str], values: dict[str, Any]) -> list[str] | dict[str, Any]:
    """Return what ``--images`` names, or files by input; the options of several inputs are taken out of the values.

    Raises
    ------
    click.UsageError
        If kinds of input are mixed.
    """
    before, after = list(values.pop("before")), list(values.pop("after"))
    if bool(before) != bool(after):
        raise click.UsageError("--before and --after go together: give both.")
    if images and before:
        raise click.UsageError("Give images, or --before and --after: each is another kind of input.")
    inputs = inputs_of(values, (*images, *before))
    return inputs or ({"before": before, "after": after} if before else list(images))


def needed_images(
    images: Sequence[str], values: dict[str, Any], missing: str = "option '--images'"
) -> list[str] | dict[str, Any]:
    """Return what :func:`images_of` does; without any the usage is wrong (raises click.UsageError)."""
    found = images_of(images, values)
    if not found:
        raise click.UsageError(
            f"Missing {missing}: name the images, or give --source, --dates or --before and --after."
        )
    return found


place_options = option_group(
    click.option("--aoi", metavar="PLACE",
                 help="Take the scene from a catalogue: polygons in a file, west,south,east,north in degrees, or WKT."),
    click.option("--when", metavar="FROM/TO", help="With --aoi: the period, such as 2026-06/2026-08 or 2026-06-14."),
    click.option("--catalog", metavar="sentinel-2|landsat|naip|URL#COLLECTION|FILE.parquet",
                 help="With --aoi: which images; also earth-search#, planetary-computer# and cdse#COLLECTION."),
    click.option("--max-cloud", type=click.FloatRange(0, 100), default=20, show_default=True, metavar="PERCENT",
                 help="With --aoi: most clouds of an item."),
    click.option("--composite", type=click.Choice(COMPOSITES), default="first", show_default=True,
                 help="With --aoi: how items are joined where they overlap; first takes the clearest."),
    click.option("--observations", type=click.IntRange(1, 100), metavar="N",
                 help="With --aoi: how often the place is covered. Default: 1 with --composite first, else 5."),
    click.option("--basemap", metavar="URL|FILE",
                 help="With --aoi and --zoom: take the scene from a tiled map, https://HOST/{z}/{x}/{y}.png, or as "
                      "GDAL's description of a tile server in FILE says. Its provider must allow it."),
    click.option("--zoom", type=click.IntRange(0, 24), metavar="Z", help="With --basemap: zoom of the tiles."),
    click.option("--max-tiles", type=click.IntRange(1), default=1000, show_default=True, metavar="N",
                 help="With --basemap: most tiles that may be fetched."),
    click.option("--tiles-per-second", type=click.FloatRange(0, 50, min_open=True), default=5, show_default=True,
                 metavar="N", help="With --basemap: most requests in a second."),
    click.option("--attribution", metavar="TEXT", help="With --basemap: whose map it is, and its terms."),
)  # fmt: skip
"""How a place is named whose images come from a catalogue or a tiled map."""


model_option = click.option(
    "-m", "--model", metavar="MODEL", shell_complete=_complete_model,
    help="Model: its name, folder (also s3://…) or .onnx file. Default: the bundled model.",
)  # fmt: skip

_window_options = option_group(
    model_option,
    click.option("--window", type=click.IntRange(1),
                 help="Side of the model's input in pixels, margins included. Default: fits model, scene and memory."),
    click.option("--margin", type=click.IntRange(0),
                 help="Context around each window, in pixels, that is read but not kept. Default: the model's."),
)  # fmt: skip

resample_option = click.option(
    "--resample", default="auto", show_default=True, metavar="auto|never|METRES",
    help="Pixel size at which the model sees the scene, whose map keeps its own pixels: auto takes that of the model "
    "where the scene's is not among those it was made for.")  # fmt: skip

_device_options = option_group(
    click.option("--block", type=click.IntRange(1), hidden=True),
    click.option("--device", default="auto", show_default=True, metavar="auto|cpu|cuda|cuda:N",
                 help="Device that runs the model; with --runtime openvino also gpu (Intel) and npu."),
    click.option("--precision", type=click.Choice(PRECISION_OPTIONS), default="auto", show_default=True,
                 help="Floating-point format of the model; auto measures which one is fastest."),
    click.option("--runtime", type=click.Choice(RUNTIME_OPTIONS), default="auto", show_default=True,
                 help="Library that computes the model."),
    click.option("--compile", is_flag=True, help="Try torch.compile, and use it if it is faster."),
    click.option("--memory", metavar="SIZE",
                 help="Memory limit of each process, such as 4GB. Default: half of the free memory, at most 16 GB."),
    click.option("--workers", type=WorkerCount(),
                 help="Blocks processed at a time; processes with --scheduler local; workers on a batch system, also "
                 "the least and the most, 10..50, as the work needs them. Default: one more than cores."),
)  # fmt: skip


def segmenting_options_with(stitch: Stitch) -> Callable[[_Command], _Command]:
    """Return the options of how scenes are segmented, with a default of ``--stitch``."""
    stitch_option = click.option(
        "--stitch", type=click.Choice(STITCHES), default=stitch, show_default=True,
        help="How windows are joined: each pixel from one window, or a weighted mean of all that overlap.")  # fmt: skip
    return option_group(_window_options, stitch_option, resample_option, _device_options)


segmenting_options = segmenting_options_with("trim")
"""How scenes are segmented: the fields of geoseg.segment.plan.Options and the model."""

buffer_option = click.option(
    "--buffer",
    type=click.FloatRange(0, min_open=True),
    metavar="M",
    help="Points and lines label what is within so many metres, or pixels without CRS. Default: the pixels they touch.",
)

_SHORT = "geoseg.progress"


def _note_short(ctx: click.Context, param: click.Parameter, given: bool) -> None:
    """Keep -q or -v for the option that they stand for, which is read later."""
    if given:
        if _SHORT in ctx.meta:
            raise click.UsageError("Give either --quiet or --verbose.")
        ctx.meta[_SHORT] = "none" if param.name == "quiet" else "details"


def given_options(names: Iterable[str]) -> list[str]:
    """Return which parameters of the running command are on the command line."""
    context = click.get_current_context()
    return [name for name in names if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE]


def _with_short(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Return the value of --progress, or what -q or -v says."""
    short: str | None = ctx.meta.pop(_SHORT, None)
    if short is None:
        return value
    if given_options([param.name or ""]) and value != short:
        flag = "--quiet" if short == "none" else "--verbose"
        raise click.UsageError(f"{flag} is short for --progress {short}: give one of them.")
    return short


progress_option = option_group(
    click.option("--progress", type=click.Choice(["bar", "details", "json", "none"]), default="bar", show_default=True,
                 callback=_with_short,
                 help="Progress output: one line with stage, share, time left and rate; the same with how busy the "
                      "machine is; JSON events; or none."),
    click.option("-q", "--quiet", is_flag=True, is_eager=True, expose_value=False, callback=_note_short,
                 help="Print warnings and errors only: --progress none."),
    click.option("-v", "--verbose", is_flag=True, is_eager=True, expose_value=False, callback=_note_short,
                 help="Tell more in the line of progress: --progress details."),
)  # fmt: skip

regularize_option = click.option(
    "--regularize",
    is_flag=False,
    flag_value="square",
    type=click.Choice(REGULAR_SHAPES),
    help="Square the outlines of buildings: edges turn to their main directions, walls that two share move once. With "
    "circle: make circles of what is round. Outlines move by at most --simplify metres; default: two pixels.",
)


def echo_json(value: Any, **options: Any) -> None:
    """Print a value as JSON; ``options`` go to :func:`json.dumps`."""
    click.echo(printable_json(value, stream=sys.stdout, **options))


mosaic_option = click.option(
    "--mosaic", is_flag=True,
    help="Make all scenes one, side by side: in one CRS, with pixels that coincide. Where they overlap, the first in "
    "the order given that has data counts.")  # fmt: skip


def scenes_of(scenes: Sequence[Any], reading: dict[str, Any]) -> list[Any]:
    """Return the scenes that a command names; with ``--stack`` or ``--mosaic`` all of them are one."""
    return [list(scenes)] if scenes and (reading.get("stack") or reading.get("mosaic")) else list(scenes)


def reading_of(values: dict[str, Any]) -> dict[str, Any]:
    """Take the reading options out of a command's values, as keyword arguments of open_raster."""
    names = (
        "stack", "bands", "bbox", "bbox_crs", "resolution", "scale", "offset", "nodata", "allow_remote", "mask_clouds",
    )  # fmt: skip
    reading = {name: values.pop(name) for name in names}
    # By identity: 0 equals False, but is a value of --nodata, --scale and --offset.
    return {name: value for name, value in reading.items() if value is not None and value is not False}


def options_of(values: dict[str, Any]) -> Options:
    """Take the segmenting options, but for the model, out of a command's values."""
    from geoseg.segment.plan import Options

    names = ("window", "margin", "stitch", "block", "device", "precision", "runtime", "memory", "workers", "compile",
             "resample")  # fmt: skip
    if isinstance(values["workers"], tuple):
        values["workers"] = values["workers"][1]
    return Options(**{name: values.pop(name) for name in names})


def names_of(text: str | None) -> str | tuple[str, ...] | None:
    """Split names at commas; ``all`` alone stays a word, as in :class:`geoseg.job.outputs.Products`."""
    if text is None or text.strip() == "all":
        return text and "all"
    return tuple(name.strip() for name in text.split(",") if name.strip())
