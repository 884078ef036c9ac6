"""Alpha bands: masks hide pixels, data marked as alpha does not."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp

from geoseg.raster import open_raster
from tests.raster.conftest import UTM

COLORS = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]


@pytest.fixture
def rgba(tmp_path, write, pixels):
    def make(alpha, *, premultiplied=False, colors=None, **profile):
        found = pixels(3, *alpha.shape, dtype="uint8") % 200 + 1 if colors is None else colors
        if premultiplied:
            found = (found.astype(float) * alpha / 255).astype("uint8")
        array = np.concatenate([found, alpha[None]]).astype("uint8")
        return write(tmp_path / "rgba.tif", array, photometric="RGB", colors=COLORS, **profile), array

    return make


def ramp(width=20):
    """A hole whose border is as wide as it says: 0 … 255."""
    alpha = np.full((90, 130), 255)
    alpha[:, : 40 + width] = np.clip((np.arange(40 + width) - 39) * 255 // (width + 1), 0, 255)
    return alpha


def test_a_mask(rgba):
    alpha = np.where(np.arange(130) < 40, 0, 255) * np.ones((90, 1), int)
    path, array = rgba(alpha)
    raster = open_raster(path)
    got = raster.read(raster.box)
    assert [band.name for band in raster.bands] == ["red", "green", "blue"]
    assert (got.valid == (array[3] > 0)).all()
    assert "band 4 is transparency (alpha) and masks the pixels where it is 0" in raster.notes[0]


def test_near_infrared_marked_as_alpha(rgba, pixels):
    nir = pixels(1, dtype="uint8")[0]
    nir[:, 40:80] = 0
    path, array = rgba(nir)
    raster = open_raster(path)
    got = raster.read(raster.box)
    assert got.valid.all()
    assert [band.name for band in raster.bands] == ["red", "green", "blue", "band4"]
    assert (got.data == array).all()
    assert (
        "used as data, not as mask; if it is near infrared, add --bands red=1,green=2,blue=3,nir=4" in raster.notes[0]
    )
    named = open_raster(path, bands="red=1,green=2,blue=3,nir=4")
    assert [band.name for band in named.bands] == ["red", "green", "blue", "nir"]


@pytest.mark.parametrize("value", [1, 128])
def test_a_mask_of_another_value(rgba, write, pixels, tmp_path, value):
    alpha = np.where(np.arange(130) < 40, 0, value) * np.ones((90, 1), int)
    path, array = rgba(alpha)
    fine = write(tmp_path / "fine.tif", pixels(1, 180, 260), transform=UTM * Affine.scale(0.5))
    assert (open_raster(path).read(open_raster(path).box).valid == (array[3] > 0)).all()
    stack = open_raster([fine, path])
    valid = stack.read(stack.box).valid
    assert not valid[:, :79].any()
    assert valid[:, 81:].all()


@pytest.mark.parametrize("width", [3, 20])
def test_soft_edges_stay_a_mask(rgba, pixels, width):
    alpha = ramp(width)
    colors = np.where(alpha > 0, pixels(3, dtype="uint8"), 0)
    path, array = rgba(alpha, colors=np.maximum(colors, (alpha > 0) * np.uint8(254)))
    raster = open_raster(path)
    assert len(raster.bands) == 3
    assert (raster.read(raster.box).valid == (array[3] > 0)).all()


def test_soft_edges_over_any_colours(rgba):
    """Most pixels are opaque: a wide soft edge over ground that was not blackened."""
    path, array = rgba(ramp(20))
    raster = open_raster(path)
    assert len(raster.bands) == 3
    assert (raster.read(raster.box).valid == (array[3] > 0)).all()


@pytest.mark.parametrize("levels", [range(10), range(3, 12), (0, 100, 200)])
def test_dark_or_coarse_near_infrared_marked_as_alpha(rgba, levels):
    """Few values, but neither the largest of the type nor one value beside 0."""
    path, array = rgba(np.random.default_rng(0).choice(list(levels), (90, 130)))
    raster = open_raster(path)
    got = raster.read(raster.box)
    assert got.valid.all()
    assert (got.data == array).all()


def test_premultiplied_edges_are_missing(rgba):
    path, array = rgba(ramp(), premultiplied=True)
    raster = open_raster(path)
    assert (raster.read(raster.box).valid == (array[3] == 255)).all()
    assert "masks the pixels where it is lower than the largest value" in raster.notes[0]


def test_a_sample_decides_about_large_files(tmp_path):
    side = 4096
    path = tmp_path / "large.tif"
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 4, "dtype": "uint8", "tiled": True,
               "blockxsize": 256, "blockysize": 256, "photometric": "RGB", "alpha": "YES", "crs": "EPSG:32631",
               "transform": UTM, "sparse_ok": True}  # fmt: skip
    rng = np.random.default_rng(0)
    with rasterio.open(path, "w", **profile) as file:
        for row in range(0, side, 1024):
            for col in range(0, side, 1024):
                block = rng.integers(0, 255, (4, 600, 600)).astype("uint8")
                file.write(block, window=rasterio.windows.Window(col + 200, row + 200, 600, 600))
    assert len(open_raster(path).bands) == 4


def test_every_alpha_band_is_looked_at(tmp_path, write, pixels):
    """The first alpha band is near infrared, the second a mask."""
    array = pixels(5, dtype="uint8")
    array[4] = np.where(np.arange(130) < 40, 0, 255)
    path = write(tmp_path / "rgbna.tif", array, photometric="RGB", colors=[*COLORS, ColorInterp.alpha])
    raster = open_raster(path)
    got = raster.read(raster.box)
    assert (got.data == array[:4]).all()
    assert (got.valid == (array[4] > 0)).all()
