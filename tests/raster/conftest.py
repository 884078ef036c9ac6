"""Small rasters for the tests of geoseg.raster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

UTM = Affine(10, 0, 500_000, 0, -10, 5_000_000)


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """Write an array (bands, h, w) as a raster; keywords are rasterio's, ``bands`` are descriptions."""

    def _write(path: Path, array: np.ndarray, *, descriptions: Any = None, mask: Any = None, **profile: Any) -> Path:
        count, height, width = array.shape
        scales, offsets = profile.pop("scales", None), profile.pop("offsets", None)
        colors = profile.pop("colors", None)
        defaults = {
            "driver": "GTiff", "crs": "EPSG:32631", "transform": UTM, "count": count, "height": height,
            "width": width, "dtype": array.dtype.name,
        }  # fmt: skip
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **(defaults | profile)) as file:
            if colors:  # before the pixels: the tags of a written TIFF are fixed
                file.colorinterp = colors
            file.write(array)
            if descriptions:
                file.descriptions = tuple(descriptions)
            if scales:
                file.scales, file.offsets = scales, offsets
            if mask is not None:
                file.write_mask(mask)
        return path

    return _write


@pytest.fixture(scope="session")
def pixels() -> Callable[..., np.ndarray]:
    """Reproducible noise (bands, h, w)."""

    def _pixels(bands: int = 2, height: int = 90, width: int = 130, dtype: str = "uint16", seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng(seed)
        if np.issubdtype(np.dtype(dtype), np.floating):
            return rng.normal(size=(bands, height, width)).astype(dtype)
        top = min(np.iinfo(dtype).max, 5000)
        return rng.integers(1, top, (bands, height, width)).astype(dtype)

    return _pixels
