"""A raster at another pixel size: as numpy and GDAL compute it on whole arrays, and the same for every box."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.warp import Resampling, reproject

from geoseg.raster import open_raster
from geoseg.raster.resampled.lattice import Axis, rounded_ratio
from geoseg.raster.resampled.source import resampled
from geoseg.tiling import Box

UTM = Affine(10, 0, 500_000, 0, -10, 5_000_000)


def by_gdal(data, valid, raster, view, method):
    """GDAL's result of the whole array in double precision, NaN where nothing is valid."""
    out = np.full((len(data), *view.shape), np.nan)
    source = np.where(valid, data, np.nan).astype("float64")
    reproject(source, out, src_transform=raster.transform, src_crs="EPSG:32631", dst_transform=view.transform,
              dst_crs="EPSG:32631", src_nodata=np.nan, dst_nodata=np.nan, resampling=method, tolerance=0)  # fmt: skip
    return out


@pytest.fixture
def make(tmp_path, write, pixels):
    def _make(height, width, dtype="uint16"):
        data = pixels(2, height, width, dtype)
        hole = np.random.default_rng(4).random((height, width)) < 0.3
        hole[: height // 3, : width // 3] = True
        data[:, hole] = 0
        return open_raster(write(tmp_path / "scene.tif", data, nodata=0, tiled=True, blockxsize=16, blockysize=16))

    return _make


@pytest.mark.parametrize("ratio", [2.0, 3.0, 7.0])
def test_coarser_pixels_are_means_of_valid_ones(make, ratio):
    """Exact: the sum of integers, divided once and rounded half to even."""
    raster = make(40, 53)
    view = resampled(raster, (ratio, ratio))
    step = int(ratio)
    whole, got = raster.read(raster.box), view.read(view.box)
    high, wide = view.shape
    assert view.shape == (-(-40 // step), -(-53 // step))
    assert view.transform == raster.transform @ Affine.scale(ratio)
    for row in range(high):
        for col in range(wide):
            part = np.s_[row * step : (row + 1) * step, col * step : (col + 1) * step]
            there = whole.valid[part]
            assert got.valid[row, col] == there.any()
            if there.any():
                exact = [np.rint(np.float64(whole.data[b][part][there].sum()) / there.sum()) for b in range(2)]
                assert got.data[:, row, col].tolist() == exact
    # GDAL computes the mean of whole pixels alike, but for its weights in single precision.
    expected = by_gdal(whole.data, whole.valid, raster, view, Resampling.average)
    inside = np.s_[: 40 // step, : 53 // step]
    assert np.array_equal(np.isfinite(expected[0])[inside], got.valid[inside])
    near = np.abs(expected - got.data)[:, *inside]
    assert near[:, got.valid[inside]].max() <= 0.5 + 1e-3


@pytest.mark.parametrize("ratio", [1.6667, 2.5, 0.5, 0.25, 0.4])
def test_other_ratios_are_near_gdals(make, ratio):
    raster = make(45, 61, "float32")
    view = resampled(raster, (ratio, ratio))
    whole, got = raster.read(raster.box), view.read(view.box)
    method = Resampling.average if ratio > 1 else Resampling.bilinear
    expected = by_gdal(whole.data, whole.valid, raster, view, method)
    inner = np.s_[2:-2, 2:-2]
    if ratio > 1:
        assert np.array_equal(np.isfinite(expected[0])[inner], got.valid[inner])
    both = got.valid & np.isfinite(expected[0])
    both[:2], both[-2:], both[:, :2], both[:, -2:] = False, False, False, False
    assert both.sum() > 0.2 * got.valid.sum()
    np.testing.assert_allclose(got.data[:, both], expected[:, both], rtol=2e-5, atol=2e-5)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([2.0, 3.0, 1.37, 4.5, 0.5, 0.3, (3.0, 1.7), (2.0, 0.5)]), st.data())
def test_a_pixel_does_not_depend_on_the_box(tmp_path_factory, ratio, data):
    raster = _scene(tmp_path_factory)
    view = resampled(raster, ratio if isinstance(ratio, tuple) else (ratio, ratio))
    whole = view.read(view.box)
    row, col = data.draw(st.integers(0, view.shape[0] - 1)), data.draw(st.integers(0, view.shape[1] - 1))
    height = data.draw(st.integers(1, view.shape[0] - row))
    width = data.draw(st.integers(1, view.shape[1] - col))
    box = Box(row, col, height, width)
    part = view.read(box)
    assert np.array_equal(part.data, whole.data[:, *box.within(view.box)])
    assert np.array_equal(part.valid, whole.valid[box.within(view.box)])


_MADE = {}


def _scene(factory):
    if not _MADE:
        data = np.random.default_rng(1).normal(size=(2, 50, 70)).astype("float32")
        data[:, 10:20, 5:30] = np.nan
        path = factory.mktemp("resampled") / "scene.tif"
        with rasterio.open(path, "w", driver="GTiff", crs="EPSG:32631", transform=UTM, count=2, height=50, width=70,
                           dtype="float32") as file:  # fmt: skip
            file.write(data)
        _MADE["scene"] = open_raster(path)
    return _MADE["scene"]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.floats(0.2, 40))
def test_every_pixel_lies_in_one_of_the_other_size(size, ratio):
    axis = Axis(size, ratio)
    places = axis.nearest(0, size)
    assert (np.diff(places) >= 0).all()
    assert 0 <= places[0] <= places[-1] < axis.count
    if ratio >= 1:
        # Its mean is of the pixels that it covers, all weights positive and their sum the ground that it shares.
        index, weights = axis.taps(0, axis.count)
        covered = np.minimum((np.arange(axis.count) + 1) * ratio, size) - np.arange(axis.count) * ratio
        np.testing.assert_allclose(weights.sum(0), np.clip(covered, 0, None), atol=1e-5)
        assert index.max() < size
    else:
        _, weights = axis.taps(0, axis.count)
        np.testing.assert_allclose(weights.sum(0), 1)


def test_ratios_near_whole_numbers():
    assert rounded_ratio(2.9988) == 3 == rounded_ratio(3.03)
    assert rounded_ratio(1 / 3.01) == 1 / 3
    assert rounded_ratio(1.0004) == 1
    assert rounded_ratio(1.6667) == 1.6667
    assert rounded_ratio(0.6) == 0.6
