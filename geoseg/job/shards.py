"""A batch cut into shards that know nothing of one another: the tasks of a job array, each a run of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from geoseg.errors import OptionError

Entry = TypeVar("Entry")


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
    def of(cls, text: str | Shard) -> Shard:
        """Return the shard that ``"i/n"`` names, or the one that it is."""
        if isinstance(text, Shard):
            return text
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
