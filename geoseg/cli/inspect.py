"""``geoseg inspect``."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from geoseg.cli.options import options_of, reading_of, reading_options, scenes_of, segmenting_options


@click.command()
@click.argument("scenes", nargs=-1, required=True, metavar="SCENE…")
@segmenting_options
@reading_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per scene instead of text.")
def inspect(scenes: tuple[str, ...], model: str | None, *, as_json: bool, **values: Any) -> None:
    """Describe scenes, check them against a model, and estimate the cost of a run: windows, memory, disk, time.

    Computes nothing. Exits with 1 if a scene cannot be read or does not fit the model.
    """
    from geoseg.segment.inspection import inspect_scene

    reading = reading_of(values)
    options = options_of(values)
    inspections = [inspect_scene(source, model, reading, options) for source in scenes_of(scenes, reading)]
    for number, inspection in enumerate(inspections):
        if as_json:
            click.echo(json.dumps(inspection.as_dict(), ensure_ascii=False))
        else:
            click.echo(("\n" if number else "") + inspection.as_text())
    if not all(inspection.fits for inspection in inspections):
        sys.exit(1)
