"""Fill that no file declares."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

import geoseg
from geoseg.raster.fill import constant_fill, find_fill, number_text
from geoseg.tiling import Box


def write(path, data):
    with rasterio.open(
        path, "w", driver="GTiff", count=len(data), height=data.shape[1], width=data.shape[2], dtype=data.dtype,
        crs="EPSG:32633", transform=rasterio.Affine(10, 0, 4e5, 0, -10, 5e6),
    ) as file:  # fmt: skip
        file.write(data)
    return path


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(0, "uint16"), (65535, "uint16"), (-9999, "int16"), (-1, "int16"), (255, "uint8"), (-9999, "float32"),
     (float(np.finfo("float32").min), "float32")],
)  # fmt: skip
def test_fill_is_found_and_taken(tmp_path, value, dtype):
    data = np.random.default_rng(0).integers(20, 200, (3, 60, 50)).astype(dtype)
    data[:, :, :20] = value
    path = write(tmp_path / "scene.tif", data)
    fill = find_fill(geoseg.open_raster(path), geoseg.open_raster(path).sample())
    assert (fill.value, fill.share) == (value, 0.4)
    assert float(number_text(fill.value)) == value
    raster = geoseg.open_raster(path, nodata="auto")
    valid = raster.read(Box(0, 0, 60, 50)).valid
    np.testing.assert_array_equal(valid, np.broadcast_to(np.arange(50) >= 20, (60, 50)))
    assert any("40 %" in note and f"--nodata {fill.text}" in note for note in raster.notes)


def test_what_is_no_fill():
    generator = np.random.default_rng(1)
    ground, valid = generator.integers(1, 9000, (4, 100, 100)).astype("uint16"), np.ones((100, 100), bool)
    ground[0, :50] = 0  # one band alone is dark water
    assert constant_fill(ground, valid) is None
    assert constant_fill(np.full((3, 10, 10), 900, "uint16"), valid[:10, :10]) is None
    assert constant_fill(generator.integers(0, 5, (1, 100, 100)).astype("uint8"), valid) is None  # classes
    ground[:, :10] = 0
    assert constant_fill(ground, np.arange(100)[:, None] * np.ones((1, 100)) >= 10) is None  # declared already


def test_nothing_to_find_is_noted(tmp_path):
    path = write(tmp_path / "scene.tif", np.random.default_rng(0).integers(1, 99, (3, 9, 9)).astype("uint16"))
    assert any("no fill value was found" in note for note in geoseg.open_raster(path, nodata="auto").notes)


def test_fill_of_another_value_in_each_band(tmp_path):
    data = np.random.default_rng(0).integers(20, 9000, (3, 60, 50)).astype("int16")
    data[:, :, :20] = np.array([0, -1, 32000])[:, None, None]
    path = write(tmp_path / "scene.tif", data)
    fill = find_fill(geoseg.open_raster(path), geoseg.open_raster(path).sample())
    assert (fill.values, fill.share, fill.value, fill.text) == ((0, -1, 32000), 0.4, None, "auto")
    np.testing.assert_array_equal(fill.holds(data), np.broadcast_to(np.arange(50) < 20, (60, 50)))
    raster = geoseg.open_raster(path, nodata="auto")
    np.testing.assert_array_equal(raster.read(raster.box).valid, ~fill.holds(data))
    assert any("40 %" in note and "(0, -1, 32000)" in note for note in raster.notes)


def test_a_second_fill_is_named_too():
    data = np.random.default_rng(0).integers(200, 4000, (4, 50, 60), dtype=np.uint16)
    data[:, :10], data[:, -5:] = 0, 65535
    fill = constant_fill(data, np.ones((50, 60), bool))
    assert (fill.value, fill.share, fill.others) == (0, 0.2, ((65535.0, 0.1),))
    assert "add --nodata 0," in fill.warning("scene")
    assert "another 10 % is 65535" in fill.warning("scene")
