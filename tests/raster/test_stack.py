"""Several files on one grid, and files that must be resampled."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.warp import calculate_default_transform

from geoseg.errors import InputError
from geoseg.raster import open_raster
from geoseg.tiling import Box

UTM = Affine(10, 0, 500_000, 0, -10, 5_000_000)

H, W = 90, 130


@st.composite
def boxes(draw, height=H, width=W):
    row, col = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    return Box(row, col, draw(st.integers(1, height - row)), draw(st.integers(1, width - col)))


def test_files_on_one_grid_are_read_as_they_are(tmp_path, write, pixels):
    a, b = pixels(1, seed=1), pixels(2, dtype="float32", seed=2)
    stack = open_raster([write(tmp_path / "s_B02.tif", a), write(tmp_path / "s_x.tif", b)])
    assert [band.name for band in stack.bands] == ["B02", "band2", "band3"]
    assert stack.name == "s"
    assert stack.dtype == np.float32
    got = stack.read(stack.box)
    np.testing.assert_array_equal(got.data, np.concatenate([a, b]))
    assert got.valid.all()


def test_aligned_files_of_other_extent_are_shifted_not_resampled(tmp_path, write, pixels):
    a, b = pixels(1, seed=1), pixels(1, 40, 50, seed=2)
    moved = UTM * Affine.translation(100, -10)
    stack = open_raster([write(tmp_path / "a.tif", a), write(tmp_path / "b.tif", b, transform=moved)])
    got = stack.read(stack.box)
    inside = np.zeros((H, W), bool)
    inside[:30, 100:] = True
    np.testing.assert_array_equal(got.valid, inside)
    np.testing.assert_array_equal(got.data[1][inside], b[0, 10:, :30].ravel())
    far = stack.read(Box(60, 0, 20, 20))
    assert not far.valid.any()
    small = stack.quicklook(36)
    assert 0.03 < small.valid.mean() < 0.12


CASES = {
    "coarser": (UTM * Affine.scale(2), "EPSG:32631", {}),
    "other phase": (UTM * Affine.translation(0.3, 0.4), "EPSG:32631", {}),
    "other zone": (None, "EPSG:32632", {}),
    "degrees, nodata": (None, "EPSG:4326", {"nodata": 7}),
    "south-up": (Affine(10, 0, 500_000, 0, 10, 4_999_100), "EPSG:32631", {}),
    "float": (UTM * Affine.translation(0.25, 0.5), "EPSG:32631", {"dtype": "float32"}),
}


@pytest.fixture(scope="module")
def stacks(tmp_path_factory, write, pixels):
    folder = tmp_path_factory.mktemp("stack")
    found = {}
    for kind, (given_transform, crs, more) in CASES.items():
        transform = given_transform
        fine = write(folder / f"{kind} fine.tif", pixels(1, seed=1))
        height, width = H, W
        if transform is None:
            # 11 m pixels, so that the other file stays the finest.
            bounds = rasterio.transform.array_bounds(H, W, UTM)
            size = 11 if crs != "EPSG:4326" else 1.4e-4
            transform, width, height = calculate_default_transform("EPSG:32631", crs, W, H, *bounds, resolution=size)
        dtype = more.get("dtype", "uint16")
        other = pixels(2, height, width, dtype, seed=2)
        keywords = {k: v for k, v in more.items() if k != "dtype"}
        path = write(folder / f"{kind} other.tif", other, transform=transform, crs=crs, **keywords)
        found[kind] = (open_raster([fine, path]), path)
    return found


@pytest.mark.parametrize("kind", list(CASES))
def test_a_pixel_is_the_same_in_every_box(stacks, kind):
    raster, _ = stacks[kind]
    whole = raster.read(raster.box)
    assert raster.shape == (H, W)
    assert whole.valid.mean() > 0.4

    @settings(max_examples=25)
    @given(boxes())
    def check(box):
        got = raster.read(box)
        part = (slice(box.row, box.bottom), slice(box.col, box.right))
        np.testing.assert_array_equal(got.valid, whole.valid[part])
        np.testing.assert_array_equal(got.data[:, got.valid], whole.data[(slice(None), *part)][:, got.valid])

    check()


@pytest.mark.parametrize("kind", list(CASES))
def test_warped_equals_interpolation_by_hand(stacks, kind):
    """The oracle is pyproj and four neighbours: GDAL's and rasterio's own ways approximate the transformation."""
    raster, path = stacks[kind]
    got = raster.select([2, 3]).read(raster.box)
    with rasterio.open(path) as data:
        source, back, crs, nodata = data.read().astype(float), ~data.transform, data.crs, data.nodata
    rows, cols = np.nonzero(got.valid)
    x, y = UTM * (cols + 0.5, rows + 0.5)
    x, y = Transformer.from_crs("EPSG:32631", crs, always_xy=True).transform(x, y)
    c, r = back * (np.asarray(x), np.asarray(y))
    left, top = np.floor(c - 0.5).astype(int), np.floor(r - 0.5).astype(int)
    inner = (left >= 0) & (top >= 0) & (left < source.shape[2] - 1) & (top < source.shape[1] - 1)
    left, top, across, down = left[inner], top[inner], (c - 0.5 - left)[inner], (r - 0.5 - top)[inner]
    corners = [source[:, top + i, left + j] for i in (0, 1) for j in (0, 1)]
    weights = [(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across]
    expected = sum(w * v for w, v in zip(weights, corners, strict=True))
    clean = np.ones(len(top), bool)
    for corner in corners:
        clean &= (corner != nodata).all(axis=0)
    values = got.data[:, rows[inner], cols[inner]]
    assert clean.sum() > 2000
    # Half a unit of rounding, and projections that two libraries compute to a micrometre.
    np.testing.assert_allclose(values[:, clean], expected[:, clean], atol=0.502 if "float" not in kind else 1e-5)


def test_nearest_for_classes_bilinear_for_measurements(tmp_path, write, pixels):
    fine = write(tmp_path / "s_B02.tif", pixels(1))
    coarse = np.where(np.indices((45, 65))[1] < 30, 10, 200).astype("uint8")[None]
    measured = write(tmp_path / "s_B11.tif", coarse, transform=UTM * Affine.scale(2))
    classes = write(tmp_path / "s_SCL.tif", coarse, transform=UTM * Affine.scale(2))
    stack = open_raster([fine, measured, classes])
    got = stack.read(stack.box)
    assert len(np.unique(got.data[1])) > 2
    np.testing.assert_array_equal(got.data[2], coarse[0].repeat(2, 0).repeat(2, 1))
    assert sum("resampled" in note for note in stack.notes) == 2


def test_alpha_and_data_mask_follow_a_warp(tmp_path, write, pixels):
    fine = write(tmp_path / "s_B02.tif", pixels(1))
    rgba = np.full((4, 45, 65), 200, "uint8")
    rgba[3, :, :20] = 0
    colors = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    half = UTM * Affine.scale(2)
    other = write(tmp_path / "rgba.tif", rgba, transform=half, photometric="RGB", colors=colors)
    got = (stack := open_raster([fine, other])).read(stack.box)
    assert not got.valid[:, :39].any()
    assert got.valid[:, 41:].all()
    assert (got.data[1][got.valid] == 200).all()
    masked = np.full((2, 45, 65), 300, "uint16")
    masked[1] = 1
    masked[:, :10] = 0
    other = write(tmp_path / "s_B11_(Raw).tif", masked, transform=half)
    got = (stack := open_raster([fine, other])).read(stack.box)
    assert [b.name for b in stack.bands] == ["B02", "B11"]
    assert not got.valid[:19].any()
    assert got.valid[21:].all()
    assert (got.data[1][got.valid] == 300).all()
    masked_inside = write(
        tmp_path / "m.tif", masked[:1], transform=half, mask=(masked[1] * 255).astype("uint8"), nodata=None
    )
    got = (stack := open_raster([fine, masked_inside])).read(stack.box)
    assert not got.valid[:19].any()
    assert got.valid[21:].all()


def test_bands_with_and_without_nodata_in_one_warped_file(tmp_path, write, pixels):
    fine = write(tmp_path / "fine.tif", pixels(1))
    coarse = np.full((2, 45, 65), 50, "uint16")
    coarse[0, :, :10] = 0
    other = write(tmp_path / "other.tif", coarse, transform=UTM * Affine.scale(2), nodata=0)
    stack = open_raster([fine, other])
    got = stack.read(stack.box)
    assert not got.valid[:, :19].any()
    assert got.valid[:, 20:].all()
    # A missing pixel is left out of its neighbours' means, not mixed in.
    assert (got.data[1][got.valid] == 50).all()


def test_resolution_brings_one_file_to_other_pixels(tmp_path, write):
    path = write(tmp_path / "flat.tif", np.full((1, H, W), 123, "uint16"))
    raster = open_raster(path, resolution=30)
    assert raster.shape == (30, 44)
    assert raster.transform == UTM * Affine.scale(3)
    got = raster.read(raster.box)
    assert got.valid[:, :43].all()
    assert (got.data[:, got.valid] == 123).all()
    assert any("resampled" in note for note in raster.notes)
    finer = open_raster(path, resolution=(5, 2.5))
    assert finer.shape == (360, 260)


def test_shrinking_averages_all_pixels(tmp_path, write, pixels):
    array = pixels(1, 240, 240)
    raster = open_raster(write(tmp_path / "noise.tif", array), resolution=40)
    got = raster.read(raster.box)
    assert np.std(got.data[0, 2:-2, 2:-2].astype(float)) < 0.5 * np.std(array.astype(float))


def test_rotated_is_made_upright(tmp_path, write):
    rotated = UTM * Affine.rotation(30)
    ramp = np.indices((H, W))[1][None].astype("float32") + 1
    raster = open_raster(write(tmp_path / "rotated.tif", ramp, transform=rotated))
    assert raster.transform.b == raster.transform.d == 0
    assert any("rotated" in note for note in raster.notes)
    got = raster.read(raster.box)
    assert 0.4 < got.valid.mean() < 0.8
    rows, cols = np.nonzero(got.valid)
    xs, ys = raster.transform * (cols + 0.5, rows + 0.5)
    expected, _ = ~rotated * (np.asarray(xs), np.asarray(ys))
    inner = (expected > 1) & (expected < W - 1)
    np.testing.assert_allclose(got.data[0][rows, cols][inner], expected[inner] + 0.5, atol=0.01)


def test_mirrored_and_turned(tmp_path, write, pixels):
    array = pixels(1)
    mirrored = open_raster(write(tmp_path / "mirror.tif", array, transform=Affine(-10, 0, 501_300, 0, -10, 5_000_000)))
    np.testing.assert_array_equal(mirrored.read(mirrored.box).data, array[:, :, ::-1])
    quarter = UTM * Affine.rotation(90)
    turned = open_raster(write(tmp_path / "turned.tif", array, transform=quarter))
    got = turned.read(turned.box)
    assert turned.shape == (W, H)
    assert got.valid.all()
    assert sorted(got.data.ravel()) == sorted(array.ravel())


def test_control_points(tmp_path, write, pixels):
    array = pixels(1)
    corners = [(0, 0), (0, W), (H, 0), (H, W)]
    points = [GroundControlPoint(r, c, *(UTM * (c, r))) for r, c in corners]
    raster = open_raster(write(tmp_path / "gcp.tif", array, gcps=points, transform=None))
    assert any("ground control points" in note for note in raster.notes)
    np.testing.assert_allclose(raster.transform[:6], UTM[:6], atol=1e-6)
    np.testing.assert_array_equal(raster.read(raster.box).data, array)
    bent = [*points, GroundControlPoint(H / 2, W / 2, 500_700, 4_999_400)]
    with pytest.raises(InputError, match="gdalwarp"):
        open_raster(write(tmp_path / "bent.tif", array, gcps=bent, transform=None))


def test_no_crs_at_all_still_stacks(tmp_path, write, pixels):
    a = write(tmp_path / "a.tif", pixels(1), crs=None)
    b = write(tmp_path / "b.tif", pixels(1, 45, 65), crs=None, transform=UTM * Affine.scale(2))
    stack = open_raster([a, b])
    assert stack.crs is None
    assert not stack.georeferenced
    assert stack.read(stack.box).valid.all()
    assert sum("no coordinate reference system" in note for note in stack.notes) == 1


@pytest.mark.parametrize("resolution", [(30, 30), (17, 40), (3, 4)])
def test_other_resolutions_too_are_the_same_in_every_box(tmp_path_factory, write, pixels, resolution):
    """GDAL sizes its kernel by the window it happens to warp, unless it is told."""
    path = write(tmp_path_factory.mktemp("size") / "s.tif", pixels(1, 700, 800), tiled=True)
    raster = open_raster(path, resolution=resolution)
    whole = raster.read(raster.box)

    @settings(max_examples=25)
    @given(boxes(*raster.shape))
    def check(box):
        got = raster.read(box)
        part = (slice(box.row, box.bottom), slice(box.col, box.right))
        np.testing.assert_array_equal(got.valid, whole.valid[part])
        np.testing.assert_array_equal(got.data[:, got.valid], whole.data[(slice(None), *part)][:, got.valid])

    check()
