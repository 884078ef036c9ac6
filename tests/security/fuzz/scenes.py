"""Rasters that fuzzed files refer to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from affine import Affine


def tif(path: Path, *, side: int = 20, count: int = 1, dtype: str = "uint16", **profile: object) -> Path:
    """Write a small raster in UTM."""
    defaults = {
        "driver": "GTiff", "width": side, "height": side, "count": count, "dtype": dtype, "crs": "EPSG:32631",
        "transform": Affine(10, 0, 5e5, 0, -10, 5e6),
    }  # fmt: skip
    with rasterio.open(path, "w", **(defaults | profile)) as file:
        file.write((np.arange(count * side * side).reshape(count, side, side) % 250).astype(dtype))
    return path
