"""``geoseg inspect``."""

from __future__ import annotations

import sys
from typing import Any

import click

from geoseg.cli.options import (
    dates_option,
    echo_json,
    inputs_of,
    mosaic_option,
    options_of,
    reading_of,
    reading_options,
    scenes_of,
    segmenting_options,
    source_option,
)
from geoseg.errors.printable import printable


@click.command()
@click.argument("scenes", nargs=-1, metavar="SCENE…")
@mosaic_option
@source_option
@dates_option
@segmenting_options
@reading_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per scene instead of text.")
@click.option("--pictures", is_flag=True, help="With --json: a picture of each unit, unless the unit is certain.")
def inspect(scenes: tuple[str, ...], model: str | None, *, as_json: bool, pictures: bool, **values: Any) -> None:
    """Describe scenes, check them against a model, and estimate the cost of a run: windows, memory, disk, time.

    A model of several sensors or dates takes --source or --dates in place of SCENE; one of change takes --source
    before=FILE --source after=FILE.

    Computes nothing. Exits with 1 if a scene cannot be read or does not fit the model.
    """
    from geoseg.segment.inspection import inspect_scene

    mosaic = values.pop("mosaic")
    reading = reading_of(values) | ({"mosaic": True} if mosaic else {})
    options = options_of(values)
    inputs = inputs_of(values, scenes, mosaic=mosaic)
    if not scenes and inputs is None:
        raise click.UsageError("Missing argument 'SCENE…'.")
    inspections = [
        inspect_scene(source, model, reading, options, pictures=pictures and as_json)
        for source in (scenes_of(scenes, reading) if inputs is None else [inputs])
    ]
    if as_json:
        for inspection in inspections:
            echo_json(inspection.as_dict())
    else:
        if texts := [text for inspection in inspections if (text := inspection.as_text())]:
            click.echo("\n\n".join(texts))
        for inspection in inspections:
            if inspection.failure is not None:
                click.echo(printable(f"error: {inspection.failure}"), err=True)
    if not all(inspection.fits for inspection in inspections):
        sys.exit(1)
