"""The command line. A command parses its options, calls one function and prints; it is imported when called."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from contextlib import suppress
from typing import Any

import click

from geoseg.cli.environment import prepare_libraries
from geoseg.cli.streams import Interrupts, guarded_streams, open_closed_streams
from geoseg.errors import GeosegError, OutputError, known_cause, one_line
from geoseg.errors.printable import printable

_COMMANDS = {
    "segment": ("geoseg.cli.segment", "segment", "Segment scenes into class maps and polygons."),
    "detect": ("geoseg.cli.segment", "detect", "Find objects, such as buildings or trees, one by one."),
    "summary": ("geoseg.cli.segment", "summary", "Join the tables of a batch that was run in shards."),
    "polygonize": ("geoseg.cli.polygonize", "polygonize", "Turn a class map into polygons."),
    "evaluate": ("geoseg.cli.evaluate", "evaluate", "Assess a map or a model; sample points, estimate areas."),
    "change": ("geoseg.cli.dates", "change", "Compare two class maps: what became what."),
    "composite": ("geoseg.cli.dates", "composite", "Join scenes of several dates into one."),
    "smooth": ("geoseg.cli.dates", "smooth", "Clean class maps of several dates: fewer unlikely flips."),
    "train": ("geoseg.cli.train", "train", "Train a model on labelled images, or fine-tune one."),
    "adapt": ("geoseg.cli.train", "adapt", "Adapt a model to other scenes without labels."),
    "pretrain": ("geoseg.cli.train", "pretrain", "Train an encoder on scenes without labels."),
    "sketch": ("geoseg.cli.sketch", "sketch", "Make a model from a few drawn polygons, in seconds."),
    "click": ("geoseg.cli.sketch", "click_", "Outline what a click in a scene points at."),
    "next": ("geoseg.cli.next_labels", "next_labels", "Propose where a label would help most."),
    "inspect": ("geoseg.cli.inspect", "inspect", "Describe a scene, check it against a model, estimate a run."),
    "model": ("geoseg.cli.model", "model", "List, show, check, add, export and compress models."),
    "demo": ("geoseg.cli.installation", "demo", "Make a synthetic scene and segment it."),
    "doctor": ("geoseg.cli.installation", "doctor", "Check whether geoseg works here, and what to mend."),
    "completion": ("geoseg.cli.installation", "completion", "Print the script for completion by Tab."),
}
_HIDDEN = {"worker": ("geoseg.cli.worker", "worker")}


class _LazyGroup(click.Group):
    """Lists its commands without importing them; imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in {**_COMMANDS, **_HIDDEN}:
            return None
        module, name = _HIDDEN.get(cmd_name) or _COMMANDS[cmd_name][:2]
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in _COMMANDS.items()])


def _print_version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from geoseg.system.doctor import version_lines

        click.echo("\n".join(map(printable, version_lines())))
        ctx.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version, and in further lines those of Python, GDAL, torch and others, and exit.",
)
@click.option("--debug", is_flag=True, help="Print the traceback of an error.")
@click.option("--die-with-parent", is_flag=True, help="End with the program that started geoseg: when stdin closes.")
def cli(**_: bool) -> None:
    """Segment satellite, aerial and drone rasters of any size into class maps and land-cover polygons."""
    # Both flags may also follow the command, so main() takes them before click parses; here they are documented.


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 error, 2 usage, 130 interrupted, 143 and 129 by SIGTERM and SIGHUP."""
    interrupts = Interrupts()
    if arguments is None:  # this process is geoseg's own
        arguments = sys.argv[1:]
        open_closed_streams()
        interrupts.install()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # prints paths in any script on any console
            stream.reconfigure(errors="backslashreplace")
    flags = {"--debug", "--die-with-parent"}.intersection(arguments)
    if "--die-with-parent" in flags:
        from geoseg.cli.parent import die_with_parent

        die_with_parent()
    arguments = [argument for argument in arguments if argument not in flags]
    try:
        code = _run(arguments, debug="--debug" in flags)
    finally:
        interrupts.left = 0
    sys.exit(128 + interrupts.signal if code == 130 else code)


def _run(arguments: list[str], *, debug: bool) -> int:
    """Run a command line in this process and return its exit code; errors are printed as one line.

    Raises
    ------
    SystemExit
        If the command itself ends with an exit code.
    """
    if "_GEOSEG_COMPLETE" in os.environ:  # a shell wants bytes, and reads words, not a terminal
        from geoseg.cli.installation import answer_shell

        return answer_shell(cli)
    with guarded_streams():
        try:
            prepare_libraries(debug=debug)
            code: Any = cli.main(arguments, prog_name="geoseg", standalone_mode=False)
        except click.exceptions.Abort as abort:
            # click turns KeyboardInterrupt into Abort; the command's own message is in its cause.
            return _interrupted(str(abort.__cause__ or ""))
        except KeyboardInterrupt as interrupt:
            return _interrupted(str(interrupt))
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except BrokenPipeError:
            return 1  # the reader of a pipe is gone: geoseg … | head
        except Exception as error:  # noqa: BLE001 - no traceback without --debug
            return _fail(error, _message(error), arguments, debug=debug)
        return code if isinstance(code, int) else 0


def _message(error: Exception) -> str:
    if isinstance(error, GeosegError):
        return str(error)
    if (known := known_cause(error)) is not None:
        return known
    return f"unexpected {type(error).__name__}: {one_line(error)}; run again with --debug and report the traceback"


def _fail(error: BaseException, message: str, arguments: list[str], *, debug: bool) -> int:
    from geoseg.progress.reporters import Json, Silent

    if debug:
        traceback.print_exception(error)
    wants_json = any(
        a == "--progress=json" or (a == "json" and b == "--progress")
        for b, a in zip(["", *arguments], arguments, strict=False)
    )
    with suppress(OutputError, BrokenPipeError):  # stdout is lost, but stderr has the message
        (Json() if wants_json else Silent()).error(type(error).__name__, message)
    script = getattr(error, "job_script", "")
    if script:
        click.echo("\n".join(["job script:", *(f"  {line}" for line in script.rstrip().splitlines())]), err=True)
    return 1


def _interrupted(remedy: str = "") -> int:
    remedy = remedy or "finished blocks are kept; run the same command again to go on"
    click.echo(f"interrupted: {printable(remedy)}", err=True)
    return 130
