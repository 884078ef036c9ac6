"""Disturbances of reflectance as other sensors, dates and corrections cause them, to measure robustness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoseg.models.networks.landcover import BANDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Images = NDArray[np.float32]

# The band that replaces a lost one: its neighbour in the spectrum.
_STAND_IN = {"blue": "green", "green": "red", "red": "green", "nir": "swir16", "swir16": "swir22", "swir22": "swir16"}


def _without(band: str, *, zero: bool) -> Callable[[Images], Images]:
    def lose(images: Images) -> Images:
        lost = images.copy()
        lost[:, BANDS.index(band)] = 0.0 if zero else images[:, BANDS.index(_STAND_IN[band])]
        return lost

    return lose


def _noise(images: Images) -> Images:
    generator = np.random.default_rng(0)
    return images + generator.normal(0.0, 0.005, images.shape).astype(np.float32)


DISTURBANCES: dict[str, Callable[[Images], Images]] = {
    "as it is": lambda images: images,
    "gain 0.9": lambda images: images * np.float32(0.9),
    "gain 1.1": lambda images: images * np.float32(1.1),
    "gain 1.05, 0.95 by turns": lambda images: images * np.float32([1.05, 0.95] * 3)[:, None, None],
    "offset +0.005": lambda images: images + np.float32(0.005),
    "offset -0.005": lambda images: images - np.float32(0.005),
    "noise 0.005": _noise,
    **{f"{band} lost, its neighbour instead": _without(band, zero=False) for band in BANDS},
    **{f"{band} lost, zeros instead": _without(band, zero=True) for band in BANDS},
}
"""Functions of reflectance (tiles, 6, side, side), by name."""
