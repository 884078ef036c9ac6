"""A scene held against a model card before any forward pass: bands, units, resolution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import ContractError
from geoseg.geodesy import pixel_sides
from geoseg.models.card.scaling import to_card_units
from geoseg.raster.names import usual_order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard
    from geoseg.raster import Pixels, Raster

# Reflectance and the integers it is commonly stored as. A scene whose bright end lies near one of these while the card
# expects another is in other units.
_FULL_SCALE = (1.0, 255.0, 10_000.0, 65_535.0)

# How far the bright end of a scene may lie above the card's range (clouds, glint) or below it (night, deep forest,
# water) before its units are doubted. Between the common scales lie factors of 6.5 and more.
_ABOVE, _BELOW = 2.5, 50.0


def check_bands(card: ModelCard, raster: Raster) -> None:
    """Check that the raster has the bands that the model sees.

    Raises
    ------
    ContractError
        Naming what is missing, what the file has, and the ``--bands`` to write.
    """
    wanted, have = [band.name for band in card.bands], [band.name for band in raster.bands]
    missing = [name for name in wanted if name not in have]
    if not missing:
        return
    lacks = f"{raster.name!r} lacks band{'s' * (len(missing) > 1)} {', '.join(missing)} for model {card.name!r}"
    listing = ", ".join(f"{i} {name}" for i, name in enumerate(have[:16], 1)) + (", …" if len(have) > 16 else "")
    if len(have) < len(wanted):
        raise ContractError(
            f"{lacks}: it has {len(have)} band{'s' * (len(have) != 1)} ({listing}), the model needs {len(wanted)}; "
            "add files of the other bands with --stack, or choose another model with -m"
        )
    example = _example(wanted, have, np.dtype(raster.dtype))
    message = f"{lacks}: it has {listing}; say which is which, as in --bands {example}"
    raise ContractError(message, suggested_options={"bands": example})


def _example(wanted: Sequence[str], have: Sequence[str], dtype: np.dtype[Any]) -> str:
    """Return a ``--bands`` value: by name, else by the usual order of such a file, else a free number each."""
    if not set(wanted) & set(have):
        usual = usual_order(len(have), dtype)
        if set(wanted) <= set(usual):
            return ",".join(f"{name}={usual.index(name) + 1}" for name in wanted)
    free = iter([i for i, name in enumerate(have, 1) if name not in wanted])
    return ",".join(f"{name}={have.index(name) + 1 if name in have else next(free)}" for name in wanted)


def check_contract(card: ModelCard, raster: Raster, sample: Pixels) -> list[str]:
    """Hold a scene against the card.

    Parameters
    ----------
    card
        The model's card.
    raster
        The scene; its bands need not be in the card's order yet.
    sample
        Some of the scene's pixels, bands in the order of ``raster.bands``.

    Returns
    -------
    Warnings, one line each.

    Raises
    ------
    ContractError
        If bands are missing, or the numbers are in other units than the card's (reflectance 0–1 where 0–10,000 is
        expected, say); the message says what to write.
    """
    check_bands(card, raster)
    if np.issubdtype(raster.dtype, np.complexfloating):
        raise ContractError(
            f"{raster.name!r} holds complex numbers ({raster.dtype}): convert to amplitude or decibels first"
        )
    return [*_check_range(card, raster, sample), *_check_resolution(card, raster)]


def _check_range(card: ModelCard, raster: Raster, sample: Pixels) -> list[str]:
    if card.value_range is None:
        return []
    names = [band.name for band in raster.bands]
    low, high = card.value_range
    if not bool(sample.valid.any()):
        return [f"{raster.name!r}: no valid pixel in a sample of the scene; is its nodata value right?"]
    lows, highs, raw = [], [], []
    for band in card.bands:
        i = names.index(band.name)
        values = _ends(sample.data[i][sample.valid])
        transform = to_card_units(raster.bands[i], band.scale, band.offset)
        ends = sorted(value * transform.a + transform.b for value in values)
        lows.append(ends[0])
        highs.append(ends[-1])
        raw.append(values[-1])
    span = high - low
    # The brightest band decides: dark scenes are common, scenes where every band is dark by a factor of 50 are not.
    top, bottom = max(highs), min(lows)
    if top > low + _ABOVE * span or top < low + span / _BELOW:
        message, mend = _units_message(card, raster, top, max(raw))
        raise ContractError(message, suggested_options=mend)
    if bottom < low - 0.5 * span:
        down = f"{raster.name!r}: values reach down to {bottom:.6g}, the model expects {low:g}…{high:g}"
        return [f"{down}; if that is fill, name it with --nodata"]
    return []


def _ends(values: NDArray[np.generic]) -> tuple[float, float]:
    """First and 99th percentile: a few hot or dead pixels decide nothing."""
    low, high = np.nanpercentile(values.astype(np.float64), (1, 99))
    return float(low), float(high)


def _units_message(card: ModelCard, raster: Raster, top: float, raw_top: float) -> tuple[str, dict[str, str]]:
    assert card.value_range is not None
    low, high = card.value_range
    band = card.bands[0]
    scaled = any(b.scaled for b in raster.bands)
    after = f" after the scale {raster.bands[0].scale:g} that the file gives" if scaled else ""
    said = (
        f"{raster.name!r} does not fit model {card.name!r}: its values reach {top:.6g}{after}, "
        f"the model expects {low:g}…{high:g}"
    )
    if not (raw_top > 0 and math.isfinite(raw_top)):
        return f"{said}; give the file's units with --scale and --offset", {}
    full = min(_FULL_SCALE, key=lambda scale: abs(math.log(scale / raw_top)) if raw_top <= 1.6 * scale else math.inf)
    if raw_top > 1.6 * _FULL_SCALE[-1]:
        return f"{said}; give the file's units with --scale and --offset", {}
    physical = high * band.scale + band.offset
    suggestion = physical / full
    if scaled and math.isclose(suggestion, raster.bands[0].scale, rel_tol=1e-3):
        return f"{said}; the model is made for other scenes", {}
    kind = "reflectance" if math.isclose(physical, 1.0, rel_tol=0.7) else "values"
    scale = f"{suggestion:.6g}"
    return f"{said}; if the file holds {kind} as 0…{full:g}, write --scale {scale}", {"scale": scale}


def _check_resolution(card: ModelCard, raster: Raster) -> list[str]:
    if card.resolution is None:
        return []
    size = pixel_size(raster)
    if size is None:
        return []
    finest, coarsest = card.resolution
    # A tenth of slack: 9.6 m pixels are "10 m" to everybody.
    if finest * 0.9 <= size <= coarsest * 1.1:
        return []
    mend = f"--resolution {finest if size < finest else coarsest:g}"
    return [
        f"{raster.name!r} has pixels of {size:.3g} m, model {card.name!r} was made for {finest:g}–{coarsest:g} m: "
        f"expect a worse map" + (f", or resample with {mend}" if size < finest else "")
    ]


def pixel_size(raster: Raster) -> float | None:
    """Side of a pixel on the ground in metres: mean of both, at the scene's centre; None without CRS."""
    sides = pixel_sides(raster.crs, raster.transform, raster.shape)
    return None if sides is None else sum(sides) / 2
