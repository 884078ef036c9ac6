"""Clouds, their shadows, snow and rare surfaces drawn over tiles: real examples of them are from very few places.

Spectra are typical ones of surface reflectance with random brightness and slope; shapes are thresholded fractal noise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from landcover.data import UNKNOWN, Tiles

from water.data import CLOUD, LAND, SHADOW, SNOW, WATER

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Image = NDArray[np.float32]
    Labels = NDArray[np.uint8]
    Sky = Callable[[np.random.Generator, Image, Labels], tuple[Image, Labels]]

# Blue, green, red, nir, swir16, swir22: least and greatest reflectance of surfaces that are land to the model.
_RARE_LAND = {
    "sand": ((0.12, 0.18, 0.24, 0.30, 0.36, 0.32), (0.32, 0.42, 0.52, 0.58, 0.66, 0.62)),
    "forest": ((0.010, 0.020, 0.013, 0.14, 0.05, 0.020), (0.040, 0.055, 0.045, 0.34, 0.16, 0.070)),
    "burnt": ((0.02, 0.025, 0.03, 0.05, 0.08, 0.08), (0.05, 0.06, 0.07, 0.12, 0.20, 0.20)),
    "roof": ((0.15, 0.16, 0.17, 0.19, 0.19, 0.17), (0.40, 0.42, 0.44, 0.46, 0.46, 0.42)),
    "dark soil": ((0.02, 0.03, 0.035, 0.05, 0.07, 0.05), (0.06, 0.08, 0.10, 0.14, 0.20, 0.17)),
}
_SNOW = ((0.55, 0.55, 0.54, 0.48, 0.02, 0.02), (0.98, 0.98, 0.97, 0.88, 0.16, 0.14))
_TURBID = ((0.05, 0.08, 0.09, 0.03, 0.005, 0.003), (0.11, 0.17, 0.22, 0.16, 0.025, 0.015))
_FOAM_AND_GLINT = 0.12  # greatest reflectance, equal in all bands, that waves and sun add to water

# Share of light that reaches shaded ground from the sky.
_SKYLIGHT = np.float32([0.60, 0.55, 0.48, 0.38, 0.30, 0.27])

_CLOUDY, _CLEAR = 0.25, 0.06  # opacity from which a pixel is cloud, and up to which it is not
_SHADED, _LIT = 0.5, 0.12
_SNOWY = 0.45


def fractal(generator: np.random.Generator, side: int) -> NDArray[np.float32]:
    """Return noise with a power spectrum of random slope, periodic, as ranks 0…1 (side, side)."""
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    frequency[0, 0] = np.inf
    phases = generator.normal(size=frequency.shape) + 1j * generator.normal(size=frequency.shape)
    noise = np.fft.irfft2(phases * frequency ** -generator.uniform(1.1, 2.4), (side, side))
    ranks = np.empty(noise.size, np.float32)
    ranks[noise.ravel().argsort()] = np.linspace(0, 1, noise.size, dtype=np.float32)
    return ranks.reshape(side, side)


def _cover(generator: np.random.Generator, side: int, most: float) -> NDArray[np.float32]:
    """Return opacity 0…1 (side, side): shapes with soft edges on up to ``most`` of the pixels."""
    share, softness = generator.uniform(0.08, most), generator.uniform(0.02, 0.25)
    return np.clip((fractal(generator, side) - (1 - share)) / softness, 0, 1)


def _between(generator: np.random.Generator, spectra: tuple[tuple[float, ...], tuple[float, ...]]) -> Image:
    """Return a spectrum (6, 1, 1) between two, its bands mostly moving together."""
    least, greatest = np.float32(spectra)
    part = np.clip(generator.uniform() + generator.normal(0, 0.08, len(least)), -0.1, 1.1)
    return (least + (greatest - least) * part.astype(np.float32))[:, None, None]


def _textured(generator: np.random.Generator, spectrum: Image, side: int) -> Image:
    """Return the spectrum with brightness varying over an area (6, side, side)."""
    strength = generator.uniform(0.02, 0.25)
    return spectrum * (1 + strength * (2 * fractal(generator, side) - 1))


def _blend(image: Image, top: Image, opacity: NDArray[np.float32]) -> Image:
    return (image + (top - image) * opacity).astype(np.float32)


def _mark(labels: Labels, opacity: NDArray[np.float32], name: int, least: float, most: float) -> Labels:
    """Set the class from an opacity of ``least`` on, unknown from ``most`` to there."""
    labels = np.where(opacity > most, np.uint8(UNKNOWN), labels)
    return np.where(opacity >= least, np.uint8(name), labels)


def clouds(generator: np.random.Generator, image: Image, labels: Labels) -> tuple[Image, Labels]:
    """Draw clouds and their shadows."""
    side = labels.shape[-1]
    opacity = _cover(generator, side, 0.6) * generator.choice([1.0, 1.0, generator.uniform(0.3, 0.9)])
    shift = generator.integers(4, 45) * np.exp(2j * np.pi * generator.uniform())
    shade = np.roll(opacity, (round(shift.imag), round(shift.real)), (0, 1)) * generator.uniform(0.75, 1.0)
    light = np.clip(_SKYLIGHT * generator.uniform(0.5, 1.35), 0, 1)[:, None, None]
    image = _blend(image, image * light, shade)
    # Shaded water looks like water; ground half in the shade like anything.
    on_land = (labels == LAND) & (shade >= _SHADED)
    labels = np.where((shade > _LIT) & (labels != CLOUD), np.uint8(UNKNOWN), labels)
    labels = np.where(on_land, np.uint8(SHADOW), labels)
    bright = generator.uniform(0.28, 0.95)
    slope = np.float32(
        [1.02, 1.0, 1.0, generator.uniform(0.95, 1.3), generator.uniform(0.5, 0.95), generator.uniform(0.35, 0.85)]
    )
    top = _textured(generator, (bright * slope)[:, None, None], side)
    return _blend(image, top, opacity), _mark(labels, opacity, CLOUD, _CLOUDY, _CLEAR)


def snow(generator: np.random.Generator, image: Image, labels: Labels) -> tuple[Image, Labels]:
    """Draw snow on land, some of it shaded by slopes."""
    side = labels.shape[-1]
    opacity = _cover(generator, side, 0.9) * (labels == LAND)
    lit = np.clip(1.3 - generator.uniform(0, 1.1) * fractal(generator, side), 0.25, 1)
    top = _textured(generator, _between(generator, _SNOW), side) * lit
    return _blend(image, top, opacity), _mark(labels, opacity, SNOW, _SNOWY, _CLEAR)


def surfaces(generator: np.random.Generator, image: Image, labels: Labels) -> tuple[Image, Labels]:
    """Draw sand, roofs, forest, burnt and dark soil on land, and make water turbid or glinting."""
    side = labels.shape[-1]
    for name in generator.choice(list(_RARE_LAND), 2, replace=False):
        top = _textured(generator, _between(generator, _RARE_LAND[name]), side)
        image = _blend(image, top, _cover(generator, side, 0.9) * (labels == LAND))
    water = labels == WATER
    turbid = _textured(generator, _between(generator, _TURBID), side)
    image = _blend(image, turbid, _cover(generator, side, 0.6) * water * generator.uniform(0.3, 1.0))
    glint = generator.uniform(0, _FOAM_AND_GLINT) * fractal(generator, side) * generator.choice([0.0, 1.0])
    return (image + glint * water).astype(np.float32), labels


def weather(generator: np.random.Generator, image: Image, labels: Labels) -> tuple[Image, Labels]:
    """Draw clouds and shadows, and before them on two fifths of the tiles rare surfaces, on a fifth snow."""
    first = generator.uniform()
    if first < 0.6:
        image, labels = (snow if first < 0.2 else surfaces)(generator, image, labels)
    return clouds(generator, image, labels)


def ground(generator: np.random.Generator, image: Image, labels: Labels) -> tuple[Image, Labels]:
    """Draw rare surfaces, and after them on half of the tiles snow."""
    image, labels = surfaces(generator, image, labels)
    return snow(generator, image, labels) if generator.uniform() < 0.5 else (image, labels)


def simulate(tiles: Tiles, draw: Sky, seed: int) -> Tiles:
    """Return all tiles with what ``draw`` adds to each; equal seeds give equal tiles."""
    drawn = [
        draw(np.random.default_rng((seed, number)), image, labels)
        for number, (image, labels) in enumerate(zip(tiles.images, tiles.labels, strict=True))
    ]
    empty = (tiles.images <= 0).all(1)
    images = np.where(empty[:, None], tiles.images, np.stack([image for image, _ in drawn]))
    return Tiles(images, np.where(empty, tiles.labels, np.stack([labels for _, labels in drawn])), tiles.places)
