"""Checks of a scene against a model card before any forward pass: bands, units, resolution."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import ContractError
from geoseg.geodesy import pixel_sides
from geoseg.models.card.inputs import channels_of, how_to_run, kind_of, slots_of
from geoseg.models.card.scaling import to_card_units
from geoseg.models.card.units import ABOVE, BELOW, card_values, check_units
from geoseg.raster.bands.names import COMMON
from geoseg.raster.bands.sensors import ambiguity
from geoseg.raster.fill import constant_fill
from geoseg.raster.stacks.source import stack_of
from geoseg.raster.types import Pixels
from geoseg.system.text import rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard
    from geoseg.models.card.inputs import InputSpec
    from geoseg.raster import Raster
    from geoseg.raster.fill import Fill
    from geoseg.raster.stacks.source import Slot

# Full scale of reflectance and of the integers it is commonly stored as. A scene whose maximum is near one of these
# while the card expects another is in other units.
_FULL_SCALE = (1.0, 255.0, 10_000.0, 65_535.0)

# By how much pixels of an input may be finer or coarser than in training before it is warned of, and by how many days a
# date may lie outside of the dates of training.
_RESAMPLED, _SEASON = 1.5, 20

# Options that do not go with several inputs, as warnings name them, and what does the same in a file.
_IN_FILES = (
    (re.compile(r"add --nodata auto"), "write one value there and declare it, with gdal_edit.py -a_nodata VALUE FILE"),
    (re.compile(r"add --nodata ([^\s,]+)"), r"declare it, with gdal_edit.py -a_nodata \1 FILE"),
    (re.compile(r"give it as --nodata"), "declare it, with gdal_edit.py -a_nodata VALUE FILE"),
    (re.compile(r"\(--scale, --offset\)"), "(gdal_edit.py -scale SCALE -offset OFFSET FILE)"),
)


def check_bands(card: ModelCard, raster: Raster) -> None:
    """Check that the raster has the model's input bands.

    Raises
    ------
    ContractError
        If bands are missing; the message names them, the bands that the scene has, and how to write ``--bands``. No
        band is suggested for another: which is which cannot be known, or it would have its name.

    Examples
    --------
    >>> import geoseg
    >>> from geoseg.models import check_bands
    >>> check_bands(geoseg.load_model("spectral").card, geoseg.open_raster("scene.tif"))
    """
    if card.inputs and stack_of(raster) is None:
        listing = "; ".join(spec.text() for spec in card.inputs)
        raise ContractError(
            f"model {card.name!r} takes several inputs ({listing}); run it by: {how_to_run(card.inputs)}"
        )
    wanted, have = [band.name for band in card.bands], [band.name for band in raster.bands]
    lowered = [name.lower() for name in have]  # Raster.select finds them, too
    missing = [name for name in wanted if name not in have and lowered.count(name.lower()) != 1]
    if not missing:
        return
    lacks = f"{raster.name!r} lacks band{'s' * (len(missing) > 1)} {', '.join(missing)} for model {card.name!r}"
    listing = ", ".join(f"{i} {name}" for i, name in enumerate(have[:16], 1)) + (", …" if len(have) > 16 else "")
    unnamed = [name for name in have if name not in wanted and name not in COMMON]
    if len(unnamed) < len(missing):
        raise ContractError(
            f"{lacks}: it has {len(have)} band{'s' * (len(have) != 1)} ({listing}), the model needs {len(wanted)}; "
            "add files of the other bands with --stack, or choose another model with -m"
        )
    form = ",".join(f"{name}={have.index(name) + 1 if name in have else 'N'}" for name in wanted)
    doubt = ambiguity(unnamed)
    raise ContractError(
        f"{lacks}: it has {listing}{f' ({doubt})' if doubt else ''}; name them with --bands {form}, "
        "where N is the number of a band"
    )


def check_contract(card: ModelCard, raster: Raster, sample: Pixels, fill: Fill | None = None) -> list[str]:
    """Check a scene against the card.

    Parameters
    ----------
    card
        The model's card.
    raster
        The scene; its bands need not be in the card's order yet.
    sample
        A sample of the scene's pixels, bands in the order of ``raster.bands``.
    fill
        The value that :func:`geoseg.raster.fill.find_fill` found in the scene: warned of, and not compared.

    Returns
    -------
    Warnings, one line each.

    Raises
    ------
    ContractError
        If bands are missing, values are complex, or values are in other units than the card's (reflectance 0–1 where
        0–10,000 is expected, say); the message names the option to give.

    Examples
    --------
    >>> import geoseg
    >>> from geoseg.models import check_contract
    >>> raster = geoseg.open_raster("scene.tif")
    >>> check_contract(geoseg.load_model("spectral").card, raster, raster.sample())
    []
    """
    check_bands(card, raster)
    if card.inputs:
        return [*_check_slots(card, raster, sample), *_check_resolution(card, raster)]
    if np.issubdtype(raster.dtype, np.complexfloating):
        raise ContractError(
            f"{raster.name!r} holds complex numbers ({raster.dtype}): convert to amplitude or decibels first"
        )
    warnings = [] if fill is None else [fill.warning(raster.name)]
    if fill is not None:
        sample = fill.left_out(sample)
    # The distribution first: it tells units apart whose bright ends are alike, such as Landsat's and 0…65535.
    if card.value_percentiles is not None and sample.valid.any():
        warnings += check_units(card, raster, *card_values(card, raster, sample))
    return [*warnings, *_check_range(card, raster, sample), *_check_resolution(card, raster)]


def _check_slots(card: ModelCard, raster: Raster, sample: Pixels) -> list[str]:
    """Check the pixels of each slot of a stack as those of a scene; warn of slots without data, and of odd dates."""
    stack, warnings = stack_of(raster), []
    assert stack is not None
    names = [band.name for band in raster.bands]
    for (spec, _, name), slot in zip(slots_of(card.inputs), stack.slots, strict=True):
        if slot.raster is None:
            continue
        label = name if slot.when is None else str(slot.when)
        channels = spec.channels(name)
        bands = raster.select(channels[: len(spec.bands)])
        plain = tuple(replace(band, name=own) for band, own in zip(bands.bands, spec.bands, strict=True))
        own = replace(bands, bands=plain, name=f"{raster.name}, {label}")
        valid = sample.valid & (sample.data[names.index(channels[len(spec.bands)])] > 0)
        pixels = Pixels(sample.data[[names.index(channel) for channel in channels[: len(spec.bands)]]], valid)
        if not valid.any():
            warnings.append(f"{own.name!r}: no valid pixel in a sample of the scene; it is masked")
            continue
        try:
            found = check_contract(_card_of_input(card, spec), own, pixels, constant_fill(pixels.data, valid))
            warnings += found if kind_of(card.inputs) != "sources" else [_for_files(text) for text in found]
        except ContractError as error:
            if kind_of(card.inputs) != "sources":
                raise
            raise ContractError(
                f"{error} (options do not go with several inputs: set scale and offset in the file, with gdal_edit.py "
                "-scale SCALE -offset OFFSET FILE)"
            ) from None
        warnings += _odd_slot(card, spec, slot, own.name)
    return warnings


def _for_files(warning: str) -> str:
    """Return a warning that offers options of one scene as one that says how to state it in the files of an input."""
    for pattern, instead in _IN_FILES:
        warning = pattern.sub(instead, warning)
    return warning


def _card_of_input(card: ModelCard, spec: InputSpec) -> ModelCard:
    """Return the card as if it had one input only, for checks of that input's pixels; bands have their plain names."""
    start = channels_of(card.inputs).index(spec.channels(spec.slots[0])[0])
    own = slice(start, start + len(spec.bands))
    bands = tuple(
        band.model_copy(update={"name": name}) for band, name in zip(card.bands[own], spec.bands, strict=True)
    )
    return card.model_copy(
        update={
            "inputs": (),
            "bands": bands,
            "value_scaling": card.value_scaling[own],
            "value_range": spec.value_range,
            "value_percentiles": spec.value_percentiles,
            "resolution": None,
        }
    )


def _odd_slot(card: ModelCard, spec: InputSpec, slot: Slot, label: str) -> list[str]:
    """Warn of pixels of another size, and of a date of another season, than in training."""
    warnings = []
    if slot.pixel is not None and spec.resolution is not None:
        finest, coarsest = spec.resolution
        if not finest / _RESAMPLED <= slot.pixel <= coarsest * _RESAMPLED:
            seen = f"{rounded(finest)}–{rounded(coarsest)}" if finest < coarsest else f"{rounded(finest)}"
            warnings.append(
                f"{label!r} has pixels of {rounded(slot.pixel)} m, model {card.name!r} was made for {spec.name} of "
                f"{seen} m: expect a worse map"
            )
    if slot.day is not None and spec.days is not None:
        first, last = spec.days
        year = 366 if spec.dates == "day-of-year" else 0  # the last day of a year is next to the first
        if not any(first - _SEASON <= slot.day + shift <= last + _SEASON for shift in (-year, 0, year)):
            what = "days of the year" if spec.dates == "day-of-year" else "days since the first date"
            warnings.append(
                f"{label!r}: model {card.name!r} was trained on {what} {first}–{last}, this is {slot.day}: expect a "
                "worse map"
            )
    return warnings


def _check_range(card: ModelCard, raster: Raster, sample: Pixels) -> list[str]:
    if card.value_range is None:
        return []
    names = [band.name for band in raster.bands]
    low, high = card.value_range
    if not bool(sample.valid.any()):
        why = "check its nodata value"
        if raster.quality is not None:
            why = (
                f"{', '.join(sorted(raster.quality.masked))} are masked by {raster.quality.title} (--mask-clouds none)"
            )
        return [f"{raster.name!r}: a sample of the scene has no valid pixel; {why}"]
    lows, highs, raw = [], [], []
    for band in card.bands:
        i = names.index(band.name)
        values = _percentiles(sample.data[i][sample.valid])
        transform = to_card_units(raster.bands[i], band.scale, band.offset)
        ends = sorted(value * transform.a + transform.b for value in values)
        lows.append(ends[0])
        highs.append(ends[-1])
        raw.append(values[-1])
    span = high - low
    # The brightest band decides: scenes with dark bands are common, but not scenes with all bands darker by 50.
    top, bottom = max(highs), min(lows)
    if top > low + ABOVE * span or top < low + span / BELOW:
        message, options = _units_message(card, raster, top, max(raw))
        raise ContractError(message, suggested_options=options)
    if (unlike := _not_decibels(card, lows)) is not None:
        text = f"{raster.name!r}: band {card.bands[unlike].name} has no negative values, the training data of model "
        text += f"{card.name!r} mostly had: if the model learned decibels, convert amplitude or power to them first"
        return [text]
    if bottom < low - 0.5 * span:
        outside = f"{raster.name!r}: values go down to {bottom:.6g}, the model expects {low:g}…{high:g}"
        return [f"{outside}; if that is a fill value, give it as --nodata"]
    return []


def _not_decibels(card: ModelCard, lows: Sequence[float]) -> int | None:
    """Return the number of a band whose values are all positive, unlike those that the model learned from."""
    for number, (low, scaling) in enumerate(zip(lows, card.value_scaling, strict=False)):
        mean, width = (None, None) if scaling is None else (scaling.mean, scaling.stddev)
        if mean is not None and width is not None and low >= 0 > mean + width:
            return number
    return None


def _percentiles(values: NDArray[np.generic]) -> tuple[float, float]:
    """Return the 1st and 99th percentile, so that a few hot or dead pixels do not matter."""
    low, high = np.nanpercentile(values.astype(np.float64), (1, 99))
    return float(low), float(high)


def _units_message(card: ModelCard, raster: Raster, top: float, raw_top: float) -> tuple[str, dict[str, str]]:
    assert card.value_range is not None
    low, high = card.value_range
    band = card.bands[0]
    scaled = any(b.scaled for b in raster.bands)
    after = f" after scaling by {raster.bands[0].scale:g} as the file states" if scaled else ""
    problem = (
        f"{raster.name!r} does not fit model {card.name!r}: its values reach {top:.6g}{after}, "
        f"the model expects {low:g}…{high:g}"
    )
    if not (raw_top > 0 and math.isfinite(raw_top)):
        return f"{problem}; give the file's units with --scale and --offset", {}
    full = min(_FULL_SCALE, key=lambda scale: abs(math.log(scale / raw_top)) if raw_top <= 1.6 * scale else math.inf)
    if raw_top > 1.6 * _FULL_SCALE[-1]:
        return f"{problem}; give the file's units with --scale and --offset", {}
    physical = high * band.scale + band.offset
    suggestion = physical / full
    if scaled and math.isclose(suggestion, raster.bands[0].scale, rel_tol=1e-3):
        return f"{problem}; the model was made for other scenes", {}
    kind = "reflectance" if math.isclose(physical, 1.0, rel_tol=0.7) else "values"
    scale = f"{suggestion:.6g}"
    return f"{problem}; if the file stores {kind} as 0…{full:g}, add --scale {scale}", {"scale": scale}


def _check_resolution(card: ModelCard, raster: Raster) -> list[str]:
    if card.resolution is None:
        return []
    size = pixel_size(raster)
    if size is None:
        return []
    if resolution_fits(card, size):
        return []
    finest, coarsest = card.resolution
    made = f"model {card.name!r} was made for {finest:g}–{coarsest:g} m"
    text = f"{raster.name!r} has pixels of {rounded(size)} m, {made}"
    if size > coarsest:
        return [f"{text}: expect a worse map"]
    # In units of the CRS, which may be degrees or feet.
    wanted = (abs(raster.transform.a) + abs(raster.transform.e)) / 2 * finest / size
    return [f"{text}: expect a worse map, or resample with --resolution {rounded(wanted)}"]


def resolution_fits(card: ModelCard, size: float | None) -> bool:
    """Whether a model was made for pixels of this size in metres; True if either is unknown."""
    if card.resolution is None or size is None:
        return True
    finest, coarsest = card.resolution
    # 10 % tolerance: 9.6 m pixels pass for 10 m.
    return finest * 0.9 <= size <= coarsest * 1.1


def pixel_size(raster: Raster) -> float | None:
    """Return the mean side of a pixel at the scene's centre in metres on the ground; None without a CRS."""
    sides = pixel_sides(raster.crs, raster.transform, raster.shape)
    return None if sides is None else sum(sides) / 2
