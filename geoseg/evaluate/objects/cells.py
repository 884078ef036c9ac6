"""Error of the number of objects, by cell of a square grid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import OptionError
from geoseg.geodesy.crs import unit_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.objects.operating import Outcome
    from geoseg.evaluate.objects.precision import Ranked

_ALONG = 10
_MOST_CELLS = 10_000_000


@dataclass(frozen=True, eq=False)
class CellCounts:
    """Objects by cell, for the cells with an object on either side. An object is counted where its bounds' centre is.

    Attributes
    ----------
    side, unit
        Side of a cell in units of the CRS, and their name.
    columns, rows
        int64, place of each cell; its south-western corner is ``(column · side, row · side)``.
    found, wanted
        int64, numbers of objects and of reference objects.
    """

    side: float
    unit: str
    columns: NDArray[np.int64]
    rows: NDArray[np.int64]
    found: NDArray[np.int64]
    wanted: NDArray[np.int64]

    def to_dict(self) -> dict[str, Any]:
        """Return the error over cells as plain values."""
        difference = self.found - self.wanted
        some = len(difference) > 0
        return {
            "side": self.side,
            "unit": self.unit,
            "cells": len(difference),
            "mean_error": float(difference.mean()) if some else None,
            "mean_absolute_error": float(np.abs(difference).mean()) if some else None,
            "root_mean_square_error": float(np.sqrt((difference.astype(float) ** 2).mean())) if some else None,
        }


def count_cells(ranked: Ranked, outcome: Outcome, side: float | None) -> CellCounts:
    """Count taken objects and reference objects by cell.

    Parameters
    ----------
    ranked, outcome
        What is compared, and which objects are taken.
    side
        Side of a cell in units of the CRS; None for a round number, about a tenth of the longer side of the extent.

    Raises
    ------
    OptionError
        If the cells would be too many to be of use.
    """
    ours = centres(ranked.objects.bounds)[outcome.taken & ~ranked.outside]
    theirs = centres(ranked.reference.bounds)[~ranked.reference_outside]
    both = np.concatenate([ours, theirs])
    unit = "units" if ranked.crs is None else unit_name(ranked.crs)
    if not len(both):
        return CellCounts(side or 1.0, unit, *(np.zeros(0, np.int64) for _ in range(4)))
    extent = float((both.max(0) - both.min(0)).max())
    side = side or round_number(extent / _ALONG)
    if (extent / side) ** 2 > _MOST_CELLS**2 or np.abs(both).max() / side > 2**53:
        raise OptionError(f"cells of {side:g} are too small for an extent of {extent:g}; choose a larger --cell")
    cells, inverse = np.unique(np.floor(both / side).astype(np.int64), axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    found, wanted = (np.bincount(part, minlength=len(cells)) for part in (inverse[: len(ours)], inverse[len(ours) :]))
    return CellCounts(side, unit, cells[:, 0], cells[:, 1], found, wanted)


def centres(bounds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the centres, (n, 2), of bounds, (n, 4)."""
    return (bounds[:, :2] + bounds[:, 2:]) / 2


def round_number(size: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20 … that is not below ``size``; 1 for 0.

    Examples
    --------
    >>> round_number(130), round_number(0.03)
    (200.0, 0.05)
    """
    if not size > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(size))
    return next((step * power for step in (1, 2, 5) if step * power >= size), 10 * power)
