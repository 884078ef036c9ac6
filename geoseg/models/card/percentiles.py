"""Percentiles of a model's training data, with which a scene's values are compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from numpy.typing import NDArray

PERCENTILES = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)
"""Percentiles of each band that cards written by geoseg have."""

# Differences between scenes are at least this large, in logarithms, however alike the training data are: 35 %, and 65 %
# where they are of few scenes, which cannot show how scenes differ.
_LEAST_SPREAD, _LEAST_SPREAD_OF_FEW, _FEW = 0.3, 0.5, 20

# Kinds of pixels that are told apart, the least deviation within one, and pixels that are looked at.
_KINDS, _LEAST_DEVIATION, _PIXELS = 12, 0.2, 6000

# Values below this share of the largest percentile are noise or negative, and their logarithms would mean nothing:
# 0.2 % reflectance for data that reach 40 %.
_FLOOR = 0.005


class ValuePercentiles(BaseModel):
    """The distribution of values in the scenes of the training data, band by band.

    Attributes
    ----------
    percentiles
        Which percentiles: ascending, 0…100.
    center
        Per band, and for each percentile p: the median over scenes of log(p), p in the card's digital numbers.
    spread
        The standard deviation over scenes of the same.
    floor
        Smaller values count as this.
    scenes
        Number of scenes.
    spectra
        Means of log(value) of kinds of pixels: water, shade, leaves, soil …, each with a number per band. They tell
        bright water from dark soil, which percentiles of single bands do not.
    deviations
        The standard deviations within each kind.

    Raises
    ------
    ValueError
        pydantic's ValidationError, if shapes differ or numbers are impossible.

    Examples
    --------
    >>> import numpy as np
    >>> from geoseg.models.card.percentiles import PERCENTILES, percentiles_of, summarize
    >>> scenes = [np.random.default_rng(i).uniform(100, 3000, (2, 500)) for i in range(3)]
    >>> known = summarize([percentiles_of(scene) for scene in scenes])
    >>> known.distance(percentiles_of(scenes[0])) < 1 < known.distance(percentiles_of(scenes[0] * 6.5))
    True
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    percentiles: tuple[float, ...] = Field(min_length=1)
    center: tuple[tuple[float, ...], ...] = Field(min_length=1)
    spread: tuple[tuple[float, ...], ...] = Field(min_length=1)
    floor: float = Field(gt=0)
    scenes: int = Field(default=1, ge=1)
    spectra: tuple[tuple[float, ...], ...] = ()
    deviations: tuple[tuple[float, ...], ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not all(0 <= p <= 100 for p in self.percentiles) or sorted(set(self.percentiles)) != [*self.percentiles]:
            raise ValueError(f"percentiles {list(self.percentiles)}: they must ascend from 0 to 100")
        for name, rows in (("center", self.center), ("spread", self.spread)):
            if len(rows) != len(self.center) or any(len(row) != len(self.percentiles) for row in rows):
                raise ValueError(f"{name} needs a number for each band and percentile")
        for name, rows in (("spectra", self.spectra), ("deviations", self.deviations)):
            if len(rows) != len(self.spectra) or any(len(row) != len(self.center) for row in rows):
                raise ValueError(f"{name} needs a number for each band and kind of pixel")
        if any(value < 0 for row in (*self.spread, *self.deviations) for value in row):
            raise ValueError("spread and deviations must not be negative")
        return self

    def distance(self, found: NDArray[np.float64]) -> float:
        """Return how far a scene is from the training data: the mean of |z| over bands and percentiles.

        Parameters
        ----------
        found
            (bands, percentiles), in the card's digital numbers.

        Returns
        -------
        About 0.8 for a scene like those of the training data; z = (log(found) - center) / spread.
        """
        least = _LEAST_SPREAD if self.scenes >= _FEW else _LEAST_SPREAD_OF_FEW
        logs = np.log(np.maximum(found, self.floor))
        return float(np.mean(np.abs(logs - np.array(self.center)) / np.maximum(self.spread, least)))

    def spectral_distance(self, values: NDArray[Any]) -> tuple[float, float]:
        """Return how far pixels are from the kinds of the training data, without and with regard to how wide these are.

        Parameters
        ----------
        values
            (bands, n) in the card's digital numbers; 2000 of them, evenly spaced, are looked at.

        Returns
        -------
        The mean over pixels and bands of |z| in the nearest kind, and that of -log(likelihood) in the likeliest one, by
        Laplace's distribution and but for a constant: |z| + log(deviation). A wide kind is near to anything, and so
        only the latter tells units apart.
        """
        if not self.spectra:
            return 0.0, 0.0
        logs = np.log(np.maximum(evenly(values, 2000), self.floor)).T
        nearest, likeliest = np.full((2, len(logs)), np.inf)
        for mean, deviation in zip(np.array(self.spectra), np.maximum(self.deviations, _LEAST_DEVIATION), strict=True):
            z = np.abs(logs - mean) / deviation
            nearest = np.minimum(nearest, z.mean(1))
            likeliest = np.minimum(likeliest, (z + np.log(deviation / _LEAST_DEVIATION)).mean(1))
        return float(nearest.mean()), float(likeliest.mean())

    def typical(self, percentile: float) -> list[float]:
        """Return each band's value at a percentile that is listed, in the card's digital numbers."""
        position = self.percentiles.index(percentile)
        return [float(np.exp(row[position])) for row in self.center]

    def to_json(self) -> dict[str, Any]:
        """Return the object as the card has it."""
        found: dict[str, Any] = self.model_dump(mode="json")
        return found


def percentiles_of(
    values: NDArray[Any], percentiles: Sequence[float] = PERCENTILES, least: int = 1
) -> NDArray[np.float64]:
    """Return percentiles (bands, percentiles) of values (bands, n); NaN if there are fewer than ``least`` values."""
    if values.shape[1] < least:
        return np.full((len(values), len(percentiles)), np.nan)
    return np.percentile(values.astype(np.float64), percentiles, axis=1).T


def evenly(values: NDArray[Any], most: int) -> NDArray[np.float64]:
    """Return at most ``most`` of the pixels of (bands, n), evenly spaced."""
    return values[:, :: max(-(-values.shape[1] // most), 1)].astype(np.float64)


def summarize(
    scenes: Sequence[NDArray[np.float64]], pixels: NDArray[np.float64] | None = None
) -> ValuePercentiles | None:
    """Return the distribution of scenes.

    Parameters
    ----------
    scenes
        The result of :func:`percentiles_of` for each, in the card's digital numbers.
    pixels
        (bands, n) pixels of all scenes, evenly; the spectra are left out without.

    Returns
    -------
    None if a band's median is 0 or less in most scenes: decibels or heights above sea level have no logarithm, and
    their units cannot be told by it.
    """
    found = np.array([scene for scene in scenes if np.isfinite(scene).all()])
    if not len(found):
        return None
    middle = np.median(found, axis=0)
    if middle[:, PERCENTILES.index(50.0)].min() <= 0:
        return None
    floor = float(f"{_FLOOR * middle.max():.3g}")
    logs = np.log(np.maximum(found, floor))
    kinds: dict[str, Any] = {}
    if pixels is not None and pixels.shape[1] >= 10 * _KINDS:
        means, deviations = _kinds(np.log(np.maximum(evenly(pixels, _PIXELS), floor)).T)
        kinds = {"spectra": _rows(means), "deviations": _rows(deviations)}
    return ValuePercentiles(
        percentiles=PERCENTILES,
        center=_rows(np.median(logs, axis=0)),
        spread=_rows(logs.std(axis=0)),
        floor=floor,
        scenes=len(found),
        **kinds,
    )


def _rows(numbers: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in numbers.round(3).tolist())


def _kinds(logs: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return means and standard deviations (kinds, bands) of clusters of (n, bands), by Lloyd's algorithm (k-means)."""
    means = logs[np.random.default_rng(0).choice(len(logs), _KINDS, replace=False)]
    for _ in range(25):
        nearest = ((logs[:, None] - means) ** 2).sum(2).argmin(1)
        means = np.array([logs[nearest == k].mean(0) if (nearest == k).any() else means[k] for k in range(_KINDS)])
    used = [k for k in range(_KINDS) if np.count_nonzero(nearest == k) >= 5]
    return means[used], np.array([logs[nearest == k].std(0) for k in used])
