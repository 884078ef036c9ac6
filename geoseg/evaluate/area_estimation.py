"""Accuracy and area with confidence intervals from interpreted points.

The stratified estimators of Olofsson et al., "Good practices for estimating area and assessing accuracy of land
change", Remote Sensing of Environment 148 (2014), 42-57, doi 10.1016/j.rse.2014.02.015; equations have their numbers
there. Strata are the map's classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

Z95 = 1.96
"""Half width of a 95 % confidence interval in standard errors."""


@dataclass(frozen=True, eq=False)
class AreaEstimate:
    """Estimates from a stratified sample.

    Attributes
    ----------
    counts
        int64 (K, K) points: rows map class (stratum), columns reference class.
    mapped
        float64 (K,) area of each class on the map; 0 for classes that it does not have.
    """

    counts: NDArray[np.int64]
    mapped: NDArray[np.float64]

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Points of each stratum, n_i."""
        return np.asarray(self.counts.sum(1))

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """Share of each stratum of the map's area, W_i."""
        return np.asarray(self.mapped / self.mapped.sum())

    @cached_property
    def _shares(self) -> NDArray[np.float64]:
        """n_ij / n_i, 0 for strata without points."""
        return np.asarray(self.counts / np.maximum(self.sizes, 1)[:, None])

    @cached_property
    def _spread(self) -> NDArray[np.float64]:
        """Variance of each n_ij / n_i."""
        return np.asarray(self._shares * (1 - self._shares) / np.maximum(self.sizes - 1, 1)[:, None])

    @cached_property
    def proportions(self) -> NDArray[np.float64]:
        """Error matrix in proportions of area, p_ij = W_i n_ij / n_i (eq. 4)."""
        return self.weights[:, None] * self._shares

    @property
    def overall(self) -> float:
        """Overall accuracy (eq. 1)."""
        return float(np.trace(self.proportions))

    @property
    def overall_error(self) -> float:
        """Standard error of the overall accuracy (eq. 5)."""
        return float(np.sqrt(self.weights**2 @ np.diag(self._spread)))

    @property
    def users(self) -> NDArray[np.float64]:
        """User's accuracy of each class (eq. 2); NaN where the map has none."""
        return np.where(self.sizes > 0, np.diag(self._shares), np.nan)

    @property
    def users_error(self) -> NDArray[np.float64]:
        """Standard error of the user's accuracies (eq. 6)."""
        return np.where(self.sizes > 0, np.sqrt(np.diag(self._spread)), np.nan)

    @property
    def producers(self) -> NDArray[np.float64]:
        """Producer's accuracy of each class (eq. 3); NaN where the reference has none."""
        return _divided(np.diag(self.proportions), self.shares)

    @property
    def producers_error(self) -> NDArray[np.float64]:
        """Standard error of the producer's accuracies (eq. 7)."""
        p, spread, w = np.nan_to_num(self.producers), self._spread, self.weights
        own = w**2 * (1 - p) ** 2 * np.diag(spread)
        others = p**2 * (w**2 @ spread - w**2 * np.diag(spread))
        return _divided(np.sqrt(own + others), self.shares)

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """Estimated share of each reference class of the area, p_.k (eq. 9)."""
        return np.asarray(self.proportions.sum(0))

    @cached_property
    def shares_error(self) -> NDArray[np.float64]:
        """Standard error of the shares (eq. 10)."""
        return np.asarray(np.sqrt(self.weights**2 @ self._spread))

    @property
    def areas(self) -> NDArray[np.float64]:
        """Estimated area of each reference class in the unit of ``mapped`` (eq. 11)."""
        return np.asarray(self.shares * self.mapped.sum())

    @property
    def areas_error(self) -> NDArray[np.float64]:
        """Standard error of the areas (eq. 11)."""
        return np.asarray(self.shares_error * self.mapped.sum())

    def to_dict(self, names: Sequence[str], unit: str) -> dict[str, Any]:
        """Return the estimates as plain numbers; ``ci95`` are half widths of 95 % confidence intervals."""
        per_class = {
            name: {
                "points": int(self.sizes[k]),
                "mapped_area": float(self.mapped[k]),
                "area": float(self.areas[k]),
                "area_ci95": float(Z95 * self.areas_error[k]),
                "users_accuracy": _plain(self.users[k]),
                "users_accuracy_ci95": _plain(Z95 * self.users_error[k]),
                "producers_accuracy": _plain(self.producers[k]),
                "producers_accuracy_ci95": _plain(Z95 * self.producers_error[k]),
            }
            for k, name in enumerate(names)
        }
        return {
            "kind": "geoseg-area-estimate",
            "schema": 1,
            "unit": unit,
            "points": int(self.counts.sum()),
            "overall_accuracy": self.overall,
            "overall_accuracy_ci95": Z95 * self.overall_error,
            "total_area": float(self.mapped.sum()),
            "classes": per_class,
            "confusion": {
                "classes": list(names), "rows": "map", "columns": "reference", "points": self.counts.tolist(),
                "area_proportions": self.proportions.tolist(),
            },
            "source": "Olofsson et al. 2014, doi 10.1016/j.rse.2014.02.015",
        }  # fmt: skip


def estimate(
    counts: ArrayLike, mapped: ArrayLike, names: Sequence[str] | None = None, pixels: ArrayLike | None = None
) -> AreaEstimate:
    """Return accuracy and area estimates.

    Parameters
    ----------
    counts
        (K, K) interpreted points: rows map class, columns reference class.
    mapped
        (K,) area of each class on the map, in any unit.
    names
        Class names for messages.
    pixels
        (K,) pixels of each class on the map. One point is enough for a class of one pixel: nothing of it is unknown.

    Raises
    ------
    InputError
        If a class with area has fewer than two points: its variance cannot be estimated.
    """
    points, areas = np.asarray(counts, np.int64), np.asarray(mapped, np.float64)
    found = points.sum(1)
    needed = np.minimum(2, np.full(len(areas), 2) if pixels is None else np.asarray(pixels))
    lacking = np.flatnonzero((areas > 0) & (found < needed))
    if lacking.size:
        k = int(lacking[0])
        name = names[k] if names else f"class {k}"
        raise InputError(
            f"the map class {name!r} has {found[k]} interpreted point{'s' * int(found[k] != 1)}: "
            "each class on the map needs at least two; interpret more points, or draw a larger sample"
        )
    return AreaEstimate(points, areas)


def _divided(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    result = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=result, where=whole > 0)
    return result


def _plain(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
