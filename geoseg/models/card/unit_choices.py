"""The units in which a scene may be stored, as choices for a person: likeliest first, and what each would mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from geoseg.models.card.units import (
    ABOVE,
    BELOW,
    Unit,
    alike,
    card_values,
    common_units,
    compare_units,
    possible_units,
    stated_steps,
    unit_steps,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard
    from geoseg.models.card.scaling import BandTransform
    from geoseg.raster import Band, Pixels, Raster
    from geoseg.raster.fill import Fill

Verdict = Literal["certain", "other", "uncertain", "unknown"]
"""The stated unit is clearly right; another one clearly is; neither; the card has no distribution to compare with."""


@dataclass(frozen=True)
class UnitChoice:
    """A unit that a person may choose.

    Attributes
    ----------
    name
        ``"reflectance × 10,000"``; ``"as stated"`` for a stated unit that is none of the common ones.
    options
        Keyword arguments of ``open_raster`` that state it; empty if file or user state it already.
    given
        Whether the scene is read so if nothing is chosen.
    distance
        How unlike the training data the scene is if it is stored so, in sums of deviations; None if the card has no
        distribution.
    values
        (bands, 3) float64: the 5th, 50th and 95th percentile of each of the card's bands as physical values.
    steps
        The way from stored values to the card's digital numbers, per band of the card.
    """

    name: str
    options: dict[str, str]
    given: bool
    distance: float | None
    values: NDArray[np.float64]
    steps: tuple[BandTransform, ...]


@dataclass(frozen=True)
class UnitFinding:
    """The units in which a scene may be stored.

    Attributes
    ----------
    verdict
        See :data:`Verdict`.
    choices
        The likeliest first; the stated unit is one of them.
    """

    verdict: Verdict
    choices: tuple[UnitChoice, ...]


def unit_choices(card: ModelCard, raster: Raster, sample: Pixels, fill: Fill | None = None) -> UnitFinding:
    """Return the units in which a scene may be stored.

    Parameters
    ----------
    card
        The model's card.
    raster
        A scene that has the card's bands.
    sample
        A sample of the scene's pixels, bands in the order of ``raster.bands``.
    fill
        Undeclared fill, which is left out.

    Examples
    --------
    >>> import geoseg
    >>> from geoseg.models.card.unit_choices import unit_choices
    >>> raster = geoseg.open_raster("scene.tif")
    >>> unit_choices(geoseg.load_model("spectral").card, raster, raster.sample()).choices[0].given
    True
    """
    bands, values = card_values(card, raster, sample if fill is None else fill.left_out(sample))
    if not values.size or np.iscomplexobj(values):
        return UnitFinding("unknown", ())
    ends = np.nanpercentile(values.astype(np.float64), (5, 50, 95), axis=1).T

    def choice(unit: Unit | None, distance: float | None) -> UnitChoice:
        steps = tuple(stated_steps(card, bands) if unit is None else unit_steps(card, unit))
        physical = np.stack([
            (row * step.a + step.b) * spec.scale + spec.offset
            for row, step, spec in zip(ends, steps, card.bands, strict=True)
        ])  # fmt: skip
        name, options = _stated_unit(card, bands) if unit is None else (unit.name, unit.suggestion)
        return UnitChoice(name, options, unit is None, distance, physical, steps)

    compared = compare_units(card, bands, values)
    if compared is None:
        return UnitFinding("unknown", tuple(choice(unit, None) for unit in (None, *_within_range(card, bands, ends))))
    verdict: Verdict = "certain" if compared.certain else "other" if compared.other else "uncertain"
    if compared.certain and compared.shifted:
        verdict = "uncertain"
    return UnitFinding(verdict, tuple(choice(fit.unit, round(fit.total, 3)) for fit in compared.ranked))


def _stated_unit(card: ModelCard, bands: Sequence[Band]) -> tuple[str, dict[str, str]]:
    """Return the name of the common unit that the stated one is, and the options that state it if no file does."""
    floor = 0.0 if card.value_percentiles is None else card.value_percentiles.floor
    stated, units = stated_steps(card, bands), common_units(card)
    name = next((unit.name for unit in units if alike(unit_steps(card, unit), stated, floor)), "as stated")
    if any(band.scaled for band in bands):
        return name, {}
    return name, Unit(card.bands[0].scale, card.bands[0].offset).suggestion


def _within_range(card: ModelCard, bands: Sequence[Band], ends: NDArray[np.float64]) -> list[Unit]:
    """Return the common units, other than the stated one, that bring the scene into the card's range.

    That is, its bright end, within the tolerance of the check of the range.
    """
    if card.value_range is None:
        return []
    low, high = card.value_range
    stated, found = stated_steps(card, bands), []
    for unit in possible_units(card, ends, bands):
        steps = unit_steps(card, unit)
        top = max(row[-1] * step.a + step.b for row, step in zip(ends, steps, strict=True))
        if (high - low) / BELOW <= top - low <= ABOVE * (high - low) and not alike(steps, stated, 0.0):
            found.append(unit)
    return found
