"""The command line. Commands parse, call one function each, and print; they are imported only when asked for."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from typing import Any

import click

from geoseg._version import __version__
from geoseg.errors import GeosegError, one_line

_COMMANDS = {
    "segment": ("geoseg.cli.segment", "segment", "Scenes in, class maps and land-cover polygons out."),
    "polygonize": ("geoseg.cli.polygonize", "polygonize", "A class map in, polygons out."),
    "evaluate": ("geoseg.cli.evaluate", "evaluate", "A map or a model against a reference; samples and areas."),
    "train": ("geoseg.cli.train", "train", "Labelled images in, a model with its card out."),
    "inspect": ("geoseg.cli.inspect", "inspect", "What a scene is, whether it fits a model, what a run will cost."),
    "model": ("geoseg.cli.model", "model", "List, show and check models."),
    "demo": ("geoseg.cli.demo", "demo", "Make a scene, segment it, write every output and a picture."),
}


class _LazyGroup(click.Group):
    """Knows its commands by name and help line; imports the one that is called (torch takes seconds)."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="geoseg")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(*, debug: bool) -> None:
    """Satellite, aerial and drone rasters of any size in; class maps and clean land-cover polygons out."""
    # The flag is read again where errors are caught, outside of click.


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 error, 2 usage, 130 interrupted."""
    arguments = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # paths with any letter print on every console
            stream.reconfigure(errors="backslashreplace")
    # `--debug` works before and after the command's name.
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    # So does this one, which is for programs that drive geoseg: no command may outlive the one that started it.
    if "--die-with-parent" in arguments:
        from geoseg.cli.parent import die_with_parent

        arguments = [argument for argument in arguments if argument != "--die-with-parent"]
        die_with_parent()
    sys.exit(_run(arguments, debug=debug))


def _run(arguments: list[str], *, debug: bool) -> int:
    try:
        code: Any = cli.main(arguments, prog_name="geoseg", standalone_mode=False)
    except GeosegError as error:
        return _fail(error, str(error), arguments, debug=debug)
    except click.exceptions.Abort as abort:
        # What click makes of Ctrl-C; the command's own words stay in the cause.
        return _interrupted(str(abort.__cause__ or ""))
    except KeyboardInterrupt as interrupt:
        return _interrupted(str(interrupt))
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BrokenPipeError:
        # `geoseg … | head`: nobody reads any more. Point stdout elsewhere so that the exit itself does not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError as error:
        return _fail(error, "out of memory: give a smaller --memory or --window", arguments, debug=debug)
    except Exception as error:  # noqa: BLE001 - a user never sees a traceback unasked
        text = one_line(error)
        return _fail(
            error,
            f"unexpected {type(error).__name__}: {text}; run again with --debug and report what it prints",
            arguments,
            debug=debug,
        )
    return code if isinstance(code, int) else 0


def _fail(error: BaseException, message: str, arguments: list[str], *, debug: bool) -> int:
    from geoseg.progress.reporters import Json, Silent

    if debug:
        traceback.print_exception(error)
    wants_json = any(
        a == "--progress=json" or (a == "json" and b == "--progress")
        for b, a in zip(["", *arguments], arguments, strict=False)
    )
    (Json() if wants_json else Silent()).error(type(error).__name__, message)
    return 1


def _interrupted(remedy: str = "") -> int:
    remedy = remedy or "finished blocks are kept; run the same command again to go on"
    click.echo(f"interrupted: {remedy}", err=True)
    return 130
