"""``geoseg next``: where a label would help most."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from geoseg.cli.options import FilePath, GreedyCommand, GreedyOption, progress_option


@click.command("next", cls=GreedyCommand)
@click.argument("results", nargs=-1, required=True, metavar="RESULTS…")
@click.option("-o", "--output", required=True, type=FilePath(), metavar="NEXT.gpkg", help="Polygons to write.")
@click.option("--labels", metavar="FILE", help="What is labelled already: polygons, lines or points.")
@click.option(
    "--scenes",
    cls=GreedyOption,
    metavar="FILE…|DIR",
    help="The scenes that the maps were made of: places are compared by their bands instead of by distance.",
)
@click.option("--count", type=click.IntRange(1), default=20, show_default=True, help="Number of polygons.")
@click.option("--side", type=click.IntRange(3, 512), default=24, show_default=True, metavar="PX",
              help="Side of the largest polygon in pixels.")  # fmt: skip
@click.option("--overwrite", is_flag=True, help="Replace an existing file.")
@progress_option
def next_labels(results: tuple[str, ...], output: Path, progress: str, **values: Any) -> None:
    """Propose where a label would help a model most.

    RESULTS are output folders of geoseg segment. NEXT.gpkg gets polygons where the map is least certain, with the class
    that the model believes: correct class_name, delete what you cannot judge, and give the file to geoseg train
    --labels.
    """
    from geoseg.evaluate.advice import next_labels as run
    from geoseg.progress.reporters import reporter

    events = reporter(progress)
    events.start(results=list(results), output=str(output))
    found = run(list(results), output, reporter=events, **values)
    counts = found.frame.class_name.value_counts()
    if progress != "json":
        for row in found.frame.itertuples():
            click.echo(f"{row.priority:>4}  {row.reason}")
    events.result(
        outputs={"polygons": str(found.path)},
        classes={str(name): {"polygons": int(number)} for name, number in sorted(counts.items())},
        compared=found.compared,
    )
