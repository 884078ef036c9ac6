"""A batch cut into shards that know nothing of one another: the tasks of a job array, each a run of its own."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from geoseg.errors import InputError, OptionError
from geoseg.job.report import SUMMARY, write_rows

Entry = TypeVar("Entry")

_UNITS = ("area_m2", "pixels")


@dataclass(frozen=True)
class Shard:
    """One of several equal parts of a batch.

    Attributes
    ----------
    index, count
        Its number, from 0, and how many there are.

    Raises
    ------
    OptionError
        If there is no such shard.

    Examples
    --------
    >>> from geoseg.job.shards import Shard
    >>> Shard.of("1/3").part(["a", "b", "c", "d", "e"])
    ['b', 'e']
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            last = f" to {self.count - 1}/{self.count}" if self.count > 1 else ""
            raise OptionError(f"shard {self.index}/{self.count} does not exist: give 0/{max(self.count, 1)}{last}")

    @classmethod
    def of(cls, text: str) -> Shard:
        """Return the shard that ``"i/n"`` names."""
        found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
        if found is None:
            raise OptionError(f"shard {text!r} is not understood: give its number from 0 and how many there are: 0/10")
        return cls(int(found[1]), int(found[2]))

    def part(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return every ``count``-th entry from ``index`` on: neighbours in a list are often alike, and so spread."""
        return list(entries[self.index :: self.count])

    @property
    def summary(self) -> str:
        """Name of the shard's table in the output folder."""
        return f"summary.{self.index}-of-{self.count}.csv"


def join_summaries(folder: Path) -> list[dict[str, Any]]:
    """Join the tables of all shards in the order of the batch, and write ``summary.csv``; return its rows.

    Raises
    ------
    InputError
        If there is no table of a shard, one is missing or damaged, or they are of different divisions.
    OutputError
        If the table cannot be written.
    """
    tables = {}
    for path in sorted(folder.glob("summary.*-of-*.csv")):
        found = re.fullmatch(r"summary\.(\d+)-of-(\d+)\.csv", path.name)
        if found is not None:
            tables[int(found[1]), int(found[2])] = path
    if not tables:
        raise InputError(
            f"{folder}: no summary of a shard is here (summary.0-of-N.csv); run geoseg segment --shard 0/N"
        )
    counts = sorted({count for _, count in tables})
    if len(counts) > 1:
        listed = " and of ".join(map(str, counts))
        raise InputError(f"{folder}: has summaries of {listed} shards; delete those of the division that is not meant")
    count = counts[0]
    missing = [f"{index}/{count}" for index in range(count) if (index, count) not in tables]
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise InputError(f"{folder}: shards {', '.join(missing[:5])}{more} have no summary yet: run them first")
    parts = [_rows_of(tables[index, count]) for index in range(count)]
    rows = [part[place] for place in range(max(map(len, parts))) for part in parts if place < len(part)]
    write_rows(folder / SUMMARY, rows)
    return rows


def _rows_of(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a table as :func:`geoseg.job.report.summary_rows` has them."""
    rows = []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for found in csv.DictReader(file):
                row: dict[str, Any] = {name: found[name] for name in ("scene", "name", "status", "error")}
                row["error"] = row["error"] or None
                row["seconds"] = float(found["seconds"]) if found["seconds"] else None
                for unit in _UNITS:
                    columns = [name for name in found if name.endswith(f" {unit}") and found[name]]
                    if columns:
                        row[unit] = {name.removesuffix(f" {unit}"): _number(found[name]) for name in columns}
                rows.append(row)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        raise InputError(f"{path}: is no summary of geoseg ({error}); run this shard again") from error
    return rows


def _number(text: str) -> float:
    value = float(text)
    return int(value) if value.is_integer() and "." not in text else value
