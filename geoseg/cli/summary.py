"""``geoseg summary``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from geoseg.cli.options import FilePath


@click.command()
@click.argument("output", type=FilePath(), metavar="OUT")
def summary(output: Path) -> None:
    """Join the summaries of a batch that was run in shards.

    Each run with --shard leaves OUT/summary.I-of-N.csv. Once all are there, this writes OUT/summary.csv and prints the
    table. The exit code is 1 if a scene failed or is partial.
    """
    from geoseg.job.report import summary_table
    from geoseg.job.shards import join_summaries

    rows = join_summaries(output)
    click.echo(summary_table(rows))
    if any(row["status"] in ("failed", "partial") for row in rows):
        sys.exit(1)
