"""Small pictures of a scene as it would look if it were stored in one unit or another."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import ReadError
from geoseg.raster.quicklook import choose_bands, data_url
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard
    from geoseg.models.card.unit_choices import UnitChoice
    from geoseg.raster import Pixels, Raster

SIDE = 96
"""Side of a picture in pixels of the scene."""

_MISSING = 0xEC  # grey of missing pixels

# Without a distribution, bright is what reaches this share of the card's range: most land reflects less.
_BRIGHT = 0.4


def unit_pictures(raster: Raster, card: ModelCard, choices: Sequence[UnitChoice]) -> list[str]:
    """Return a picture for each unit, as the ``data:`` URL of a PNG; empty texts if nothing can be read.

    All show the same part of the scene, with the same brightness for the same physical value: in the right unit it
    looks natural, in others too dark, white, or pale.

    Parameters
    ----------
    raster
        The scene; it has the card's bands.
    card
        The model's card.
    choices
        See :func:`geoseg.models.card.unit_choices.unit_choices`.
    """
    names = [spec.name for spec in card.bands]
    shown = choose_bands(names)
    pixels = _part(raster.select([names[band] for band in shown]))
    if pixels is None or card.value_range is None:
        return [""] * len(choices)
    return [data_url(_colours(pixels, card, choice, shown)) for choice in choices]


def _part(raster: Raster) -> Pixels | None:
    """Return a part of the scene with few missing pixels: the centre, else one of four places around it."""
    height, width = raster.shape
    high, wide = min(SIDE, height), min(SIDE, width)
    best, most = None, 0
    for down, right in ((2, 2), (1, 1), (1, 3), (3, 1), (3, 3)):
        row, col = (height - high) * down // 4, (width - wide) * right // 4
        with suppress(ReadError):
            pixels = raster.read(Box(row, col, high, wide))
            count = int((pixels.valid & (pixels.data != pixels.data[:1, :1, :1]).any(0)).sum())
            if count > most:
                best, most = pixels, count
            if count > 0.9 * high * wide:
                break
    return best


def _colours(pixels: Pixels, card: ModelCard, choice: UnitChoice, shown: Sequence[int]) -> NDArray[np.uint8]:
    assert card.value_range is not None
    low, high = card.value_range
    known = card.value_percentiles
    bright = None if known is None else known.typical(max(known.percentiles))
    out = np.full((*pixels.valid.shape, 3), _MISSING, np.uint8)
    for channel in range(3):
        place = min(channel, len(shown) - 1)
        band, step = shown[place], choice.steps[shown[place]]
        top = low + _BRIGHT * (high - low) if bright is None else bright[band]
        numbers = pixels.data[place].astype(np.float64) * step.a + step.b
        grey = np.clip((numbers - low) / max(top - low, 1e-12), 0, 1) ** (1 / 1.7)
        out[..., channel][pixels.valid] = np.rint(np.nan_to_num(grey) * 255)[pixels.valid]
    return out
