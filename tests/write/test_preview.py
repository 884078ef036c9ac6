"""The picture of a run: right colours in the right place, and a scale bar that tells the truth."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from PIL import Image
from rasterio.windows import Window

from geoseg.classes import LAND_COVER, NODATA
from geoseg.errors import OutputError
from geoseg.geodesy import pixel_sides
from geoseg.job.outputs import every
from geoseg.raster.quicklook import choose_bands, stretch
from geoseg.write.preview import PANEL, Preview, draw, paint, step_of, write_preview

UTM = Affine(10, 0, 500000, 0, -10, 5400000)
GREY = 0xEC


def preview_of(height, width, *, bands=3, step=1, crs="EPSG:32633", transform=UTM, classes=None):
    rng = np.random.default_rng(0)
    if classes is None:
        classes = np.arange(height * width).reshape(height, width).astype(np.uint8) % 6
    pixels = dict(enumerate(np.bincount(classes.ravel(), minlength=256).tolist()))
    geobox = GeoBox((height * step, width * step), transform, crs)
    quicklook = rng.integers(0, 10_000, (bands, height, width), dtype=np.uint16)
    return Preview(quicklook, classes != NODATA, classes, LAND_COVER, pixels, step, geobox, "scene: classes")


@pytest.mark.parametrize("bands", [1, 3])
@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (60, 80), (450, 900)])
def test_draws_any_shape(bands, shape):
    image = np.asarray(draw(preview_of(*shape, bands=bands)))
    assert image.ndim == 3
    assert max(image.shape) < 3 * PANEL
    for item in LAND_COVER:  # in the legend, if nowhere else
        assert (image == item.rgb).all(axis=-1).any(), item.name


def test_class_panel_shows_every_pixel_as_a_square():
    preview = preview_of(3, 4)
    image = np.asarray(draw(preview))
    factor = PANEL // 2 // 4
    expected = paint(preview.classes, LAND_COVER).repeat(factor, axis=0).repeat(factor, axis=1)
    first = expected[0, 0]
    rows, cols = np.nonzero((image == first).all(axis=-1))
    top, left = rows.min(), cols[rows == rows.min()].min()
    np.testing.assert_array_equal(image[top : top + 3 * factor, left : left + 4 * factor], expected)


def test_all_nodata():
    preview = preview_of(40, 50, classes=np.full((40, 50), NODATA, np.uint8))
    assert (stretch(preview.quicklook, preview.valid) == GREY).all()
    assert (np.asarray(draw(preview)) == GREY).all(axis=-1).sum() > 2 * 40 * 50


def test_stretch_is_monotone_and_ignores_missing_pixels():
    quicklook = np.arange(200, dtype=np.float32).reshape(1, 10, 20)
    valid = np.ones((10, 20), bool)
    valid[0, 0] = valid[0, 1] = False
    quicklook[0, 0, 0], quicklook[0, 0, 1] = np.nan, 1e30
    out = stretch(quicklook, valid)
    assert (out[0, :2] == GREY).all()
    values = out[valid]
    assert (values == values[:, :1]).all()  # one band is grey
    assert (np.diff(values[:, 0].astype(int)) >= 0).all()
    assert (values[0, 0], values[-1, 0]) == (0, 255)


def test_stretch_of_one_value_does_not_fail():
    assert stretch(np.full((3, 4, 4), 7, np.uint16), np.ones((4, 4), bool)).shape == (4, 4, 3)


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (("blue", "green", "red", "nir"), (2, 1, 0)),
        (("nir", "red", "green"), (0, 1, 2)),
        (("swir16", "nir", "red"), (0, 1, 2)),
        (("band1",), (0,)),
        (("a", "b"), (0,)),
        (("a", "b", "c", "d"), (0, 1, 2)),
    ],
)
def test_choice_of_bands(names, chosen):
    assert choose_bands(names) == chosen


@pytest.mark.parametrize(("shape", "step"), [((1, 1), 1), ((PANEL, 3), 1), ((3, PANEL + 1), 2), ((24_000, 9), 27)])
def test_step(shape, step):
    assert step_of(*shape) == step


@pytest.mark.parametrize(
    ("crs", "transform", "step", "metres"),
    [
        ("EPSG:32633", UTM, 1, 2000),
        ("EPSG:32633", UTM, 3, 10_000),
        ("EPSG:4326", Affine(0.001, 0, 10, 0, -0.001, 60), 1, 20_000),
        (None, UTM, 1, 200),  # pixels
    ],
)
def test_scale_bar_has_its_length(crs, transform, step, metres):
    """The black bar under the scene, measured in the picture."""
    preview = preview_of(450, 900, crs=crs, transform=transform, step=step)
    image = np.asarray(draw(preview))
    dark = (image == 0x22).all(axis=-1)
    runs = [max((len(run) for run in "".join("#" if v else " " for v in row).split()), default=0) for row in dark]
    bar = max(runs[460:])
    sides = pixel_sides(preview.geobox.crs, preview.geobox.affine, preview.geobox.shape)
    per_pixel = (sides[0] if sides else 1) * step
    assert bar == pytest.approx(metres / per_pixel, abs=1.5)
    assert bar <= 0.4 * 900 + 1.5
    assert math.log10(metres / int(str(metres)[0])) % 1 == 0


def test_writes_a_png_and_leaves_nothing_else(tmp_path):
    write_preview(tmp_path / "a.png", preview_of(30, 40))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    with Image.open(tmp_path / "a.png") as image:
        assert image.format == "PNG"


def test_unwritable_is_one_line(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OutputError, match=r"a\.png cannot be written") as caught:
        write_preview(tmp_path / "a.png", preview_of(30, 40))
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_reducing_a_class_map_holds_one_strip_of_it(tmp_path):
    """80 MB of map, and a picture of 20 kB: views of the strips would keep all of it."""
    height, width, step = 40_000, 2000, 64
    rows = (np.arange(height) // 7 % 5).astype(np.uint8)
    path = tmp_path / "classes.tif"
    profile = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": "uint8", "tiled": True}
    with rasterio.open(path, "w", **profile, blockxsize=512, blockysize=512, compress="deflate") as file:
        for row in range(0, height, 1024):
            part = np.repeat(rows[row : row + 1024, None], width, 1)
            file.write(part, 1, window=Window(0, row, width, len(part)))
    tracemalloc.start()
    try:
        small = every(path, step)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert small.shape == (625, 32)
    assert (small == rows[::step, None]).all()
    assert peak < 20e6
