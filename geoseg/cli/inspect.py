"""``geoseg inspect``."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from geoseg.cli.options import options_of, reading_of, reading_options, segmenting_options


@click.command()
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE…")
@segmenting_options
@reading_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object a scene instead of text.")
def inspect(scenes: tuple[str, ...], model: str | None, *, as_json: bool, **values: Any) -> None:
    """Say what a scene is, whether it fits the model, and what a run will cost: windows, memory, disk, time.

    Nothing is computed. The exit code is 1 if a scene cannot be read or does not fit.
    """
    from geoseg.segment.inspection import inspect_scene

    reading = reading_of(values)
    options = options_of(values)
    sources: list[Any] = [list(scenes)] if reading.get("stack") else list(scenes)
    reports = [inspect_scene(source, model, reading, options) for source in sources]
    for number, report in enumerate(reports):
        if as_json:
            click.echo(json.dumps(report.as_dict(), ensure_ascii=False))
        else:
            click.echo(("\n" if number else "") + report.as_text())
    if not all(report.fits for report in reports):
        sys.exit(1)
