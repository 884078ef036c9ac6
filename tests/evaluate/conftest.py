"""Class rasters on disk, small and made up."""

from __future__ import annotations

import numpy as np
import pytest

from geoseg.classes import LAND_COVER

SIX = LAND_COVER


@pytest.fixture
def class_map(tmp_path):
    """Write a class map: ``class_map("a.tif", array, classes=SIX, …)``; returns the path."""
    import rasterio

    from geoseg.write.sidecar import _METADATA_KEY

    def make(name, array, *, classes=SIX, crs="EPSG:32633", origin=(500000, 5400000), pixel=10.0, nodata=255):
        import json

        array = np.asarray(array)
        path = tmp_path / name
        profile = {
            "driver": "GTiff", "height": array.shape[0], "width": array.shape[1], "count": 1, "dtype": array.dtype,
            "crs": crs, "nodata": nodata,
            "transform": rasterio.Affine(pixel, 0, origin[0], 0, -pixel, origin[1]),
        }  # fmt: skip
        with rasterio.open(path, "w", **profile) as file:
            file.write(array, 1)
            if classes:
                names = [[item.id, item.name, item.color] for item in classes]
                file.update_tags(**{_METADATA_KEY: json.dumps(names)})
        return path

    return make


@pytest.fixture
def patches():
    """Make a plausible class map: ``patches(height, width, seed)``, uint8 of classes 0…5 in blocks of some pixels."""

    def make(height, width, seed=0, *, holes=False):
        rng = np.random.default_rng(seed)
        coarse = rng.integers(0, 6, (-(-height // 7), -(-width // 7)), dtype=np.uint8)
        array = np.kron(coarse, np.ones((7, 7), np.uint8))[:height, :width].copy()
        if holes:
            array[rng.random((height, width)) < 0.05] = 255
        return array

    return make
