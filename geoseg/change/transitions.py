"""Transitions between classes: their codes, names and colours in the change raster, and what was counted of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geoseg.change.kernel import COUNTED
from geoseg.classes import MapClass
from geoseg.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNCHANGED, UNCERTAIN, FIRST = 0, 1, 2
"""Values of the change raster: the same class at both dates; different, but not counted as a change; first change."""

_MOST = 255 - FIRST
"""Codes 2…254 of a uint8 raster."""

_SHARE = 0.75
"""Share of the new class's colour in the colour of a change; the rest is the old one's."""


@dataclass(frozen=True)
class Transition:
    """A change from one class to another.

    Attributes
    ----------
    code
        Value in the change raster, and ``change_id`` of the polygons.
    from_class, to_class
        Names.
    pixels, area_m2
        Pixels of the change raster and their area on the ellipsoid in m².

    Examples
    --------
    >>> import geoseg
    >>> summary = geoseg.change("classes.tif", "reference.tif", "changes")
    >>> summary.transitions[0].to_class in ("wood", "field", "water")
    True
    """

    code: int
    from_class: str
    to_class: str
    pixels: int
    area_m2: float


@dataclass(frozen=True, eq=False)
class Numbering:
    """The codes of transitions.

    Attributes
    ----------
    classes
        Common classes, K of them.
    codes
        int64 (K, K): rows BEFORE, columns AFTER.
    """

    classes: tuple[MapClass, ...]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, classes: Sequence[MapClass]) -> Numbering | None:
        """Return codes of every possible transition, row by row; None if there are too many for uint8."""
        count = len(classes)
        return cls.of_those(classes, ~np.eye(count, dtype=bool)) if count * (count - 1) <= _MOST else None

    @classmethod
    def of_those(cls, classes: Sequence[MapClass], chosen: NDArray[np.bool_]) -> Numbering:
        """Return codes of the transitions that occur, (K, K).

        Raises
        ------
        InputError
            If there are too many.
        """
        found = int(chosen.sum())
        if found > _MOST:
            raise InputError(
                f"the maps have {found} different transitions and a change raster holds at most {_MOST}: "
                "merge classes with --map OLD=NEW"
            )
        codes = np.full(chosen.shape, UNCERTAIN, np.int64)
        np.fill_diagonal(codes, UNCHANGED)
        codes[chosen] = np.arange(FIRST, FIRST + found)
        return cls(tuple(classes), codes)

    def pairs(self) -> dict[int, tuple[MapClass, MapClass]]:
        """Return the classes before and after of each code."""
        rows, columns = np.nonzero(self.codes >= FIRST)
        return {
            int(self.codes[i, j]): (self.classes[i], self.classes[j])
            for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        }

    def legend(self, present: NDArray[np.bool_]) -> tuple[MapClass, ...]:
        """Return names and colours of the change raster's values, of the transitions that occur (K, K)."""
        occurring = set(self.codes[present].tolist())
        return (
            MapClass(UNCHANGED, "unchanged", "#e6e6e6"),
            MapClass(UNCERTAIN, "uncertain", "#b3b3b3"),
            *(
                MapClass(code, f"{old.name} → {new.name}", _mixed(old, new))
                for code, (old, new) in sorted(self.pairs().items())
                if code in occurring
            ),
        )


def _mixed(old: MapClass, new: MapClass) -> str:
    mixed = (round(_SHARE * b + (1 - _SHARE) * a) for a, b in zip(old.rgb, new.rgb, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


@dataclass(eq=False)
class Counts:
    """What was counted, int64 (3, K²): pixels and areas in units, see :mod:`geoseg.change.kernel`."""

    pixels: NDArray[np.int64]
    area: NDArray[np.int64]

    @classmethod
    def zeros(cls, classes: int) -> Counts:
        """Return counts of nothing."""
        return cls(np.zeros((3, classes**2), np.int64), np.zeros((3, classes**2), np.int64))

    def add(self, other: Counts) -> None:
        """Add the counts of another window."""
        self.pixels += other.pixels
        self.area += other.area

    def matrix(self, kind: int = COUNTED, *, area: bool = False) -> NDArray[np.int64]:
        """Return a transition matrix (K, K): rows BEFORE, columns AFTER."""
        values = (self.area if area else self.pixels)[kind]
        side = math.isqrt(values.size)
        found: NDArray[np.int64] = values.reshape(side, side)
        return found

    def changes(self) -> NDArray[np.bool_]:
        """Return which transitions occur (K, K), without unchanged ones."""
        found: NDArray[np.bool_] = self.matrix() > 0
        np.fill_diagonal(found, val=False)
        return found
