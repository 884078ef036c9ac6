"""``geoseg doctor``, ``geoseg demo`` and ``geoseg completion``: does it work here, and how is it set up."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    get_completion_class,
    shell_complete,
    split_arg_string,
)

from geoseg.cli.options import Duration, FilePath, echo_json, given_options, model_option, progress_option
from geoseg.errors.printable import printable

if TYPE_CHECKING:
    from geoseg.progress.reporters import Reporter

COMPLETE = "_GEOSEG_COMPLETE"
"""Variable by which a shell asks for completions."""


@click.command()
@click.argument("folder", type=FilePath(file_okay=False), default="geoseg_demo", metavar="[DIR]")
@click.option("--size", type=click.IntRange(256), default=2000, show_default=True, help="Side of the scene in pixels.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="Random seed of the landscape.")
@click.option(
    "--real", is_flag=True, help="Fetch a small true place from Sentinel-2 instead, and say first how many bytes."
)
@click.option(
    "--catalog",
    default="sentinel-2",
    show_default=True,
    metavar="CATALOG",
    help="With --real: where to look for the image, as geoseg segment takes it.",
)
@model_option
@progress_option
def demo(*, folder: Path, size: int, seed: int, real: bool, catalog: str, model: str | None, progress: str) -> None:
    """Make a synthetic multispectral scene, segment it, and compare the class map with the known truth.

    Writes the scene, its true classes and all outputs of geoseg segment to DIR (default: geoseg_demo). With --real the
    scene is a town with lakes, orchards and fields as Sentinel-2 sees them; what is there is not known beforehand.
    """
    from geoseg.models import keep_memory
    from geoseg.progress.reporters import reporter

    if clash := [f"--{name}" for name in given_options(["size", "seed"] if real else ["catalog"])]:
        raise click.UsageError(f"{' and '.join(clash)} {'cannot go with' if real else 'needs'} --real.")
    keep_memory()
    events = reporter(progress)
    if real:
        _demo_of_a_place(folder, catalog, model, events, shown=progress in ("bar", "details"))
        return
    from geoseg.demo.run import run_demo

    result = run_demo(folder, size=size, seed=seed, model=model, reporter=events)
    if progress in ("bar", "details"):
        click.echo(printable(f"{'scene':<11} {result.scene}"))
        click.echo(printable(f"{'truth':<11} {result.truth}"))
        click.echo(f"\nAccuracy of model {result.model!r} against the truth:")
        for name, iou in result.accuracy["iou"].items():
            click.echo(f"  {printable(name):<12} IoU {'absent' if iou is None else f'{iou:.2f}'}")
        click.echo(f"  overall accuracy {result.accuracy['overall']:.2f}, mean IoU {result.accuracy['mean_iou']:.2f}")
        page = printable(result.outputs["html"])
        click.echo(f"\nOpen {page} in a browser, or the class map and polygons in QGIS: both are styled.")


def _demo_of_a_place(folder: Path, catalog: str, model: str | None, events: Reporter, *, shown: bool) -> None:
    """Map the true place, and say what it is and how to go on with another."""
    from geoseg.demo.real import CREDIT, PERIOD, PLACE, run_real_demo

    result = run_real_demo(folder, catalog=catalog, model=model, reporter=events)
    if not shown:
        return
    clouds = "" if result.cloud is None else f", {result.cloud:.3g} % clouds"
    click.echo(printable(f"\n{result.item}, {result.date}{clouds}"))
    for name, share in result.shares.items():
        click.echo(f"  {printable(name):<12} {100 * share:5.1f} %")
    page = printable(result.outputs["html"])
    click.echo(f"\nNo truth is known here: open {page} in a browser and compare the map with the image. {CREDIT}")
    click.echo("Your own place:")
    click.echo(f"  geoseg segment --aoi {PLACE} --when {PERIOD} --catalog {printable(catalog)} -o results")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
@click.option("--support", is_flag=True, help="Print Markdown for an issue, without names, home folders and secrets.")
@click.option("--timeout", type=Duration(), default="20s", show_default=True, metavar="TIME",
              help="End the self-test after this time.")  # fmt: skip
def doctor(*, as_json: bool, support: bool, timeout: float) -> None:
    """Check whether geoseg works on this machine, and say what to mend and how.

    Shows versions, devices and why one is not used, memory, cores and limits, folders; and runs a self-test whose
    results are known. Needs no network. Exits with 1 if something does not work.
    """
    from geoseg.system.doctor import diagnose, support_text

    if as_json and support:
        raise click.UsageError("Give either --json or --support.")
    shown = not as_json and sys.stderr is not None and sys.stderr.isatty()

    def began(step: str) -> None:
        if shown:
            click.echo(f"self-test: {step} …", err=True)

    # -P: a torch.py in the present folder must not run.
    found = diagnose([sys.executable, "-P", "-m", "geoseg.demo.self_test"], limit=timeout, began=began)
    if as_json:
        echo_json(found.as_dict(), indent=2)
    else:
        click.echo(support_text(found) if support else found.as_text())
    if not found.works:
        sys.exit(1)


# --- completion of words by the shell

_POWERSHELL = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $env:%(complete_var)s = 'powershell_complete'
    $env:COMP_WORDS = $commandAst.ToString()
    $env:COMP_WORD = $wordToComplete
    try {
        %(prog_name)s | Where-Object { $_ } | ForEach-Object {
            $value, $text = $_ -split "`t", 2
            [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $text)
        }
    } finally {
        Remove-Item Env:%(complete_var)s, Env:COMP_WORDS, Env:COMP_WORD
    }
}
"""

_SHELLS = ("bash", "zsh", "fish", "powershell")


class _PowerShell(ShellComplete):
    """Completion in PowerShell 5.1 and newer; where no word is offered, it completes file names by itself."""

    name: ClassVar[str] = "powershell"
    source_template: ClassVar[str] = _POWERSHELL

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one that is completed, and that one."""
        incomplete = os.environ.get("COMP_WORD", "")
        words = split_arg_string(os.environ.get("COMP_WORDS", ""))[1:]
        return (words[:-1] if incomplete and words else words), incomplete

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Return the word and its help; words that are paths are left to the shell."""
        return f"{item.value}\t{item.help or item.value}" if item.type == "plain" else ""

    def complete(self) -> str:
        """Return one line per word."""
        args, incomplete = self.get_completion_args()
        lines = map(self.format_completion, self.get_completions(args, incomplete))
        return "\n".join(line for line in lines if line)


add_completion_class(_PowerShell)


def answer_shell(group: click.Command) -> int:
    """Print what a shell asks for when the user presses Tab; returns the exit code."""
    return shell_complete(group, {}, "geoseg", COMPLETE, os.environ[COMPLETE])


@click.command(epilog="Press Tab after it is set up: geoseg segment --<Tab>, geoseg segment -m <Tab>.")
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print the script by which a shell completes geoseg's commands, options and models.

    \b
    bash        eval "$(geoseg completion bash)"   in ~/.bashrc; bash 4.4 or newer
    zsh         eval "$(geoseg completion zsh)"    in ~/.zshrc, below compinit
    fish        geoseg completion fish > ~/.config/fish/completions/geoseg.fish
    powershell  geoseg completion powershell | Out-String | Invoke-Expression   in $PROFILE
    """  # noqa: D301  \b keeps click from rewrapping the lines
    found = get_completion_class(shell)
    assert found is not None
    root = click.get_current_context().find_root().command
    click.echo(found(root, {}, "geoseg", COMPLETE).source().rstrip("\n"))
