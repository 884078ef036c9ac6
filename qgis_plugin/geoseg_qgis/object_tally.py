"""What a layer of objects holds: how many of each class, and which of them a person should look at. No qgis import."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field

MOST = 200
"""So many objects are stepped through."""


@dataclass
class ClassTally:
    """Objects of one class: how many, and their area in m²."""

    number: int = 0
    area: float = 0.0


@dataclass
class Tally:
    """Counts objects one by one, and keeps the least certain ones.

    Attributes
    ----------
    classes
        By name.
    """

    classes: dict[str, ClassTally] = field(default_factory=dict)
    _least: list[tuple[float, int]] = field(default_factory=list)  # a heap: the most certain of them first

    def add(self, identifier: int, name: str, score: float | None, area: float | None) -> None:
        """Count an object; one that was drawn by hand has no score."""
        tally = self.classes.setdefault(name, ClassTally())
        tally.number += 1
        tally.area += area if area is not None and math.isfinite(area) else 0.0
        if score is None or not math.isfinite(score):
            return
        entry = -score, -identifier
        if len(self._least) < MOST:
            heapq.heappush(self._least, entry)
        else:
            heapq.heappushpop(self._least, entry)

    @property
    def number(self) -> int:
        """Objects of all classes."""
        return sum(tally.number for tally in self.classes.values())

    def least_certain(self) -> list[int]:
        """Return the objects with the lowest scores, the lowest first."""
        return [-identifier for _, identifier in sorted(self._least, reverse=True)]


class Steps:
    """Goes through objects, each once, however the list changes meanwhile; then from the first one again."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def next(self, listed: list[int]) -> tuple[int, int] | None:
        """Return the next object and which one it is, from 1; None if there is none."""
        if not listed:
            return None
        if self._seen.issuperset(listed):
            self._seen.clear()
        chosen = next(identifier for identifier in listed if identifier not in self._seen)
        self._seen.add(chosen)
        return chosen, sum(identifier in self._seen for identifier in listed)


def area_text(area: float) -> str:
    """Return an area of objects, which are small or large, in m² or hectares."""
    return f"{area:,.0f} m²" if area < 1e5 else f"{area / 1e4:,.1f} ha"
