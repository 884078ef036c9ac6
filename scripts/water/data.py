"""Tiles and chips, with the classes that a larger network (ukis-csmask) or its makers gave their pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from landcover.data import UNKNOWN, Tiles

from geoseg.classes import MapClass

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES = (
    MapClass(0, "water", "#2b7bba"),
    MapClass(1, "snow", "#7fdbff"),
    MapClass(2, "cloud", "#d9d9d9"),
    MapClass(3, "shadow", "#4a3f5c"),
    MapClass(4, "land", "#b79a7d"),
)
"""The classes of the model."""

NAMES = tuple(c.name for c in CLASSES)
WATER, SNOW, CLOUD, SHADOW, LAND = range(len(NAMES))

# Our numbers of the teacher's classes shadow, water, snow, land, cloud.
_OF_TEACHER = np.array([SHADOW, WATER, SNOW, LAND, CLOUD], np.uint8)

# A plain atmosphere over land, per band: top of atmosphere = path + transmittance × surface.
_TRANSMITTANCE = np.float32([0.84, 0.88, 0.92, 0.95, 0.97, 0.98])[:, None, None]
_INFRARED_PATH = np.float32([0.012, 0.004, 0.002])
_DARKEST, _LEAST = 0.01, np.float32(0.001)  # of the darkest thousandth, in visible bands; of any pixel


@dataclass(frozen=True)
class Chip:
    """A picture with clouds: surface reflectance (6, h, w), float32, and its classes (h, w), uint8."""

    name: str
    image: NDArray[np.float32]
    labels: NDArray[np.uint8]


def read_tiles(folder: Path) -> tuple[Tiles, NDArray[np.uint8]]:
    """Read the tiles of ``landcover`` with the teacher's classes, and the labels of ``landcover`` (tiles, h, w)."""
    tiles = Tiles.read(folder)
    with np.load(folder / "teacher.npz") as teacher:
        classes = _OF_TEACHER[teacher["dlr_class"][np.argsort(teacher["tile"])]]
    no_data = (tiles.images <= 0).all(1)
    return replace(tiles, labels=np.where(no_data, np.uint8(UNKNOWN), classes)), tiles.labels


def read_chips(folder: Path) -> list[Chip]:
    """Read the chips, top-of-atmosphere reflectance, as surface reflectance."""
    chips = []
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as arrays:
            image = surface_reflectance(np.moveaxis(arrays["img"].astype(np.float32), -1, 0))
            chips.append(Chip(path.stem, image, _OF_TEACHER[arrays["msk"][..., 0]]))
    return chips


def surface_reflectance(top_of_atmosphere: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return about what atmospheric correction makes of reflectance (6, h, w) at the top of the atmosphere.

    Dark-object subtraction (Chavez 1996): the path reflectance of visible bands is what the darkest pixels have.
    """
    visible = np.percentile(top_of_atmosphere[:3], 0.1, axis=(1, 2)) - _DARKEST
    path = np.concatenate([visible, _INFRARED_PATH]).astype(np.float32)[:, None, None]
    return np.maximum((top_of_atmosphere - path) / _TRANSMITTANCE, _LEAST)


def with_chips(tiles: Tiles, chips: list[Chip]) -> Tiles:
    """Return the tiles and after them the chips, cut into tiles of the same side; each chip is a place of its own."""
    side = tiles.images.shape[-1]
    images, labels, places = [tiles.images], [tiles.labels], [tiles.places]
    for number, chip in enumerate(chips):
        rows, columns = (length // side for length in chip.labels.shape)
        cut = chip.image[:, : rows * side, : columns * side].reshape(-1, rows, side, columns, side)
        images.append(cut.transpose(1, 3, 0, 2, 4).reshape(-1, len(chip.image), side, side))
        cut = chip.labels[: rows * side, : columns * side].reshape(rows, side, columns, side)
        labels.append(cut.transpose(0, 2, 1, 3).reshape(-1, side, side))
        places.append(np.full(rows * columns, tiles.places.max() + 1 + number))
    return Tiles(np.concatenate(images), np.concatenate(labels), np.concatenate(places))
