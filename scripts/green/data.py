"""The tiles with their tree points, and labels made from near infrared and points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import rasterio

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

TREE, LOW, OTHER = 0, 1, 2

FOLDS = (("bishop", "chico"), ("claremont", "long beach"), ("riverside", "santa monica"))
"""Cities that are held out together."""

NDVI_OF_VEGETATION = 0.12
"""Pixels above are vegetation."""


@dataclass(frozen=True)
class Tiles:
    """Aerial pictures of 0.6 m with a point on every tree.

    Attributes
    ----------
    images
        Red, green, blue, nir, uint8 (tiles, 4, side, side).
    points
        Column and row of each tree of each tile, float64 (trees, 2).
    cities
        The city of each tile.
    """

    images: NDArray[np.uint8]
    points: list[NDArray[np.float64]]
    cities: NDArray[np.str_]

    @classmethod
    def read(cls, folder: Path) -> Tiles:
        """Read ``images/CITY_YEAR_N.tif`` and ``csv/CITY_YEAR_N.csv`` (a header, then x,y in pixels)."""
        images, points, cities = [], [], []
        for path in sorted((folder / "images").glob("*.tif")):
            with rasterio.open(path) as source:
                images.append(source.read())
            table = folder / "csv" / f"{path.stem}.csv"
            rows = table.read_text(encoding="utf-8").split()[1:] if table.is_file() else []
            points.append(np.array([[float(v) for v in row.split(",")[:2]] for row in rows]).reshape(-1, 2))
            cities.append(path.stem.rsplit("_", 2)[0].replace("_", " "))
        return cls(np.stack(images), points, np.array(cities))


def ndvi(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return (nir − red) / (nir + red) of images (…, 4, h, w)."""
    red, nir = images[..., 0, :, :].astype(np.float32), images[..., 3, :, :].astype(np.float32)
    return np.asarray((nir - red) / np.maximum(nir + red, 1), np.float32)
