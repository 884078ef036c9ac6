"""Pairs of class maps on disk, small and made up."""

from __future__ import annotations

import numpy as np
import pytest

from geoseg.classes import MapClass, default_color

NAMES = ("wood", "field", "water", "built", "bare")
CLASSES = tuple(MapClass(k, name, default_color(k)) for k, name in enumerate(NAMES))


@pytest.fixture
def write_map(tmp_path):
    """Write a class map: ``write_map("a_classes.tif", array, classes=…, crs=…, origin=…, pixel=…)``."""
    import json

    import rasterio

    def make(name, array, *, classes=CLASSES, crs="EPSG:32633", origin=(500000, 5400000), pixel=10.0, nodata=255):
        array = np.asarray(array)
        array = array[None] if array.ndim == 2 else array
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        profile = {
            "driver": "GTiff", "height": array.shape[1], "width": array.shape[2], "count": len(array), "crs": crs,
            "dtype": array.dtype, "nodata": nodata,
            "transform": rasterio.Affine(pixel, 0, origin[0], 0, -pixel, origin[1]),
        }  # fmt: skip
        with rasterio.open(path, "w", **profile) as file:
            file.write(array)
            if classes:
                file.update_tags(GEOSEG_CLASSES=json.dumps([[c.id, c.name, c.color] for c in classes]))
        return path

    return make


@pytest.fixture
def patches():
    """A plausible class map: ``patches(height, width, seed)``, uint8 of classes 0…4 in blocks of some pixels."""

    def make(height, width, seed=0, *, holes=False):
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 5, (-(-height // 6), -(-width // 6)), dtype=np.uint8)
        array = np.kron(coarse, np.ones((6, 6), np.uint8))[:height, :width].copy()
        if holes:
            array[rng.random((height, width)) < 0.05] = 255
        return array

    return make
