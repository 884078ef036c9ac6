"""In which units a scene is stored: its values as a distribution, held against those of a model's training data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import ContractError
from geoseg.models.card.percentiles import evenly, percentiles_of
from geoseg.models.card.scaling import BandTransform, to_card_units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard
    from geoseg.raster import Band, Pixels, Raster

FULL_SCALES = (1.0, 100.0, 255.0, 10_000.0, 65_535.0)
"""Numbers as which a full scale (reflectance 1) is commonly stored."""

# Of reflectance alone: Landsat Collection 2 level 2, and Sentinel-2 processed from 2022 on.
_LANDSAT, _SENTINEL2 = (0.0000275, -0.2), (0.0001, -0.1)

# The given unit is right if every other one is less likely by this much, in the sum of both measures, and neither alone
# prefers another one by more than _VETO. Of the 260 HLS tiles of the landcover model all fit as × 10,000, and none as a
# wrong one of × 1, × 100, × 255, × 10,000, × 65,535 and Landsat.
MARGIN, _VETO = 1.0, 1.0

# Pixels like no kind of the training data in any unit, such as random numbers, tell nothing: if the least measure of
# spectra exceeds this (99 % of the tiles are below 1.6, the last has 2.3), the percentiles alone decide.
_UNKNOWN_SPECTRA, _PERCENTILES_MARGIN = 2.0, 0.5

# By how much nearer the tiles are if Sentinel-2's offset is taken off that was added: of 260 with it, three pass in
# silence; of 260 without, none is warned of.
_SHIFTED = 0.25

# No tile of the training data is farther than 2.4 from the whole of it.
_UNLIKE = 2.5

# Pixels that are needed to judge a distribution.
_LEAST_PIXELS = 100

ABOVE, BELOW = 2.5, 50.0
"""Factors by which a scene's bright end may exceed the card's range (clouds, glint) or fall below it (dark forest,
water) before its units are questioned. The common scales differ by factors of 6.5 and more."""

# Units that a message lists, and how much less likely than the first they may be.
_LISTED, _LISTED_WITHIN = 3, 2.0


def card_values(card: ModelCard, raster: Raster, sample: Pixels) -> tuple[list[Band], NDArray[np.generic]]:
    """Return a scene's bands in the order of the card, and the valid stored values (bands, n) of a sample."""
    names = [band.name for band in raster.bands]
    places = [names.index(spec.name) for spec in card.bands]
    return [raster.bands[place] for place in places], sample.data[places][:, sample.valid]


@dataclass(frozen=True)
class Unit:
    """A way to store physical values.

    Attributes
    ----------
    scale, offset
        physical = stored × scale + offset; None for the unit that the file or the user states.
    name
        For messages: ``"reflectance × 65,535"``.
    full
        Stored number of the full scale.
    """

    scale: float
    offset: float = 0.0
    name: str = ""
    full: float = 1.0

    @property
    def options(self) -> str:
        """The options that state this unit."""
        whole = 1 / self.scale
        scale = (
            f"1/{whole:.0f}" if whole > 1.5 and math.isclose(whole, round(whole), rel_tol=1e-9) else f"{self.scale:g}"
        )
        return f"--scale {scale}" + (f" --offset {self.offset:g}" if self.offset else "")

    @property
    def suggestion(self) -> dict[str, str]:
        """The same as keyword arguments of ``open_raster``."""
        return {"scale": f"{self.scale:.6g}"} | ({"offset": f"{self.offset:g}"} if self.offset else {})


@dataclass(frozen=True)
class _Fit:
    """A unit, and how far the scene is from the training data if it is stored so.

    ``nearest`` and ``spectra`` are the two values of ``ValuePercentiles.spectral_distance``.
    """

    unit: Unit | None
    percentiles: float
    nearest: float
    spectra: float

    @property
    def total(self) -> float:
        return self.percentiles + self.spectra

    def clearly_better(self, other: _Fit) -> bool:
        """Whether the sum of both measures speaks clearly for this unit, and neither clearly against it."""
        single = min(other.percentiles - self.percentiles, other.spectra - self.spectra)
        return other.total - self.total >= MARGIN and single > -_VETO


@dataclass(frozen=True)
class _Comparison:
    """The stated unit and the other possible ones.

    Attributes
    ----------
    given
        The unit that file or user state, or that of the card.
    others
        Further units in which such numbers may be stored.
    rivals
        Those of them from which the stated one can be told apart; Sentinel-2's offset is too small for that.
    shifted
        Those that differ by such an offset, if they fit better.
    certain
        Whether the stated unit is clearly the likeliest.
    """

    given: _Fit
    others: list[_Fit]
    rivals: list[_Fit]
    shifted: list[_Fit]
    certain: bool

    @property
    def ranked(self) -> list[_Fit]:
        """All units, the likeliest first."""
        return sorted([self.given, *self.others], key=lambda fit: fit.total)

    @property
    def other(self) -> bool:
        """Whether another unit than the stated one is clearly the likeliest."""
        best, *rest = self.ranked
        return not self.certain and best is not self.given and all(best.clearly_better(fit) for fit in rest)


def check_units(card: ModelCard, raster: Raster, bands: Sequence[Band], values: NDArray[np.generic]) -> list[str]:
    """Compare a scene's values, in their stated and in other common units, with the percentiles of the card.

    Parameters
    ----------
    card
        A card with percentiles.
    raster
        The scene.
    bands
        Its bands in the order of the card.
    values
        (bands, n) valid stored values of a sample.

    Returns
    -------
    Warnings, one line each.

    Raises
    ------
    ContractError
        If the stated unit (that of the card where the file states none) is not clearly the likeliest. The message lists
        the likely ones as options, and one is suggested if it clearly is. If the unit was stated by file or user and
        may be right, a warning says the same.
    """
    compared = compare_units(card, bands, values)
    if compared is None:
        return []
    if compared.certain:
        return _warnings(card, raster, compared.given, compared.shifted)
    scaled = any(band.scaled for band in bands)
    text, options = _question(card, raster, compared, scaled=scaled)
    if any(rival.clearly_better(compared.given) for rival in compared.rivals) or not scaled:
        raise ContractError(text, suggested_options=options)
    return [text]


def compare_units(card: ModelCard, bands: Sequence[Band], values: NDArray[np.generic]) -> _Comparison | None:
    """Compare the units in which a scene may be stored; see :func:`check_units`.

    Returns
    -------
    None if nothing can be told: the card has no percentiles, or there are too few pixels or one colour.
    """
    known = card.value_percentiles
    if known is None or values.shape[1] < _LEAST_PIXELS:
        return None
    found, pixels = percentiles_of(values, known.percentiles), evenly(values, 2000)
    if (found[:, 0] == found[:, -1]).all():  # one colour all over is no distribution
        return None

    def fit(unit: Unit | None, steps: Sequence[BandTransform]) -> _Fit:
        scaled = [np.stack([row * t.a + t.b for row, t in zip(part, steps, strict=True)]) for part in (found, pixels)]
        return _Fit(unit, known.distance(np.sort(scaled[0], axis=1)), *known.spectral_distance(scaled[1]))

    stated = stated_steps(card, bands)
    given = fit(None, stated)
    others = [
        fit(unit, steps)
        for unit in possible_units(card, found, bands)
        if not alike(steps := unit_steps(card, unit), stated, known.floor)
    ]
    rivals = [one for one in others if one.unit is not None and (one.unit.scale, one.unit.offset) != _SENTINEL2]
    shifted = [
        one
        for one in others
        if one not in rivals and one.percentiles + one.nearest + _SHIFTED <= given.percentiles + given.nearest
    ]
    if min(fit.spectra for fit in (given, *rivals)) > _UNKNOWN_SPECTRA:
        certain = all(rival.percentiles - given.percentiles >= _PERCENTILES_MARGIN for rival in rivals)
    else:
        certain = all(given.clearly_better(rival) for rival in rivals)
    return _Comparison(given, others, rivals, shifted, certain)


def stated_steps(card: ModelCard, bands: Sequence[Band]) -> list[BandTransform]:
    """Return the way from stored values to the card's, band by band, as file or user state it."""
    return [to_card_units(band, spec.scale, spec.offset) for band, spec in zip(bands, card.bands, strict=True)]


def unit_steps(card: ModelCard, unit: Unit) -> list[BandTransform]:
    """Return the same for a unit."""
    return [BandTransform(unit.scale / spec.scale, (unit.offset - spec.offset) / spec.scale) for spec in card.bands]


def alike(one: Sequence[BandTransform], other: Sequence[BandTransform], floor: float) -> bool:
    """Whether two units are the same but for rounding."""
    return all(
        math.isclose(a.a, b.a, rel_tol=0.05) and abs(a.b - b.b) <= floor for a, b in zip(one, other, strict=True)
    )


def common_units(card: ModelCard) -> list[Unit]:
    """Return the units in which scenes for a model are commonly stored."""
    if card.value_range is None or card.value_range[1] not in FULL_SCALES:
        return []
    spec = card.bands[0]
    physical = card.value_range[1] * spec.scale + spec.offset
    reflectance = math.isclose(physical, 1.0, rel_tol=0.01)
    kind = "reflectance" if reflectance else "values"
    units = [
        Unit(physical / full, 0.0, f"{kind} 0…{full:g}" if full <= 255 else f"{kind} × {full:,.0f}", full)
        for full in FULL_SCALES
    ]
    if reflectance:
        units.append(Unit(*_LANDSAT, "Landsat Collection 2", 65_535.0))
        units.append(Unit(*_SENTINEL2, "Sentinel-2 from 2022 on", 10_000.0))
    return units


def possible_units(card: ModelCard, found: NDArray[np.float64], bands: Sequence[Band]) -> list[Unit]:
    """Return the units in which numbers of such size and type may be stored."""
    dtype = np.result_type(*(np.dtype(band.dtype) for band in bands))
    top, whole = float(found.max()), not np.issubdtype(dtype, np.floating)

    def possible(unit: Unit) -> bool:
        if unit.offset:
            return dtype.itemsize > 1 and top > 255
        full = unit.full
        fits = top <= 1.6 * full and (full >= 100 if whole else full != 255)
        return fits and not (dtype.itemsize == 1 and full > 255)

    return [unit for unit in common_units(card) if possible(unit)]


def _question(card: ModelCard, raster: Raster, compared: _Comparison, *, scaled: bool) -> tuple[str, dict[str, str]]:
    """Return a message that lists the likely units, and the options of the one that clearly is."""
    given, order = compared.given, compared.ranked
    as_given = None if scaled else _card_unit(card)
    best, clear = order[0], compared.other
    listed = [fit for fit in order[:_LISTED] if fit.total <= best.total + _LISTED_WITHIN or fit is best]
    texts = []
    for fit in listed:
        unit = as_given if fit is given else fit.unit
        texts.append("as stated" if unit is None else f"{unit.options} ({unit.name})")
    problem = (
        "its values are in other units than the model's training data"
        if clear
        else "the units of its values are not certain"
    )
    text = f"{raster.name!r} does not fit model {card.name!r}: {problem}; say them with {', or '.join(texts)}"
    text += "; a sensor's digital numbers need the gain and offset of the scene's metadata as --scale and --offset"
    return text, dict(best.unit.suggestion) if clear and best.unit is not None else {}


def _card_unit(card: ModelCard) -> Unit:
    spec = card.bands[0]
    return Unit(spec.scale, spec.offset, "the model's own, in which numbers without units are read")


def _warnings(card: ModelCard, raster: Raster, given: _Fit, shifted: Sequence[_Fit]) -> list[str]:
    if shifted and shifted[0].unit is not None:
        unit = shifted[0].unit
        text = (
            f"its values look like {unit.name}, which are too large by 1,000 of 10,000: if they are, add {unit.options}"
        )
        return [f"{raster.name!r}: {text}"]
    if given.percentiles > _UNLIKE:
        text = (
            f"values unlike the training data of model {card.name!r} ({given.percentiles:.1f} deviations on average, "
            f"{_UNLIKE:g} is much): expect a worse map, or check their units (--scale, --offset)"
        )
        return [f"{raster.name!r}: {text}"]
    return []
