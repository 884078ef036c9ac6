"""Property 3: reading equals rasterio's own reading wherever both apply."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp
from rasterio.windows import Window

from geoseg.raster import open_raster
from geoseg.tiling import Box

H, W = 90, 130


@st.composite
def boxes(draw, height=H, width=W):
    row, col = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    return Box(row, col, draw(st.integers(1, height - row)), draw(st.integers(1, width - col)))


def window(box):
    return Window(box.col, box.row, box.width, box.height)


@pytest.fixture(scope="module")
def files(tmp_path_factory, write, pixels):
    """One file for each way of saying that a pixel is missing."""
    folder = tmp_path_factory.mktemp("read")
    rng = np.random.default_rng(1)
    holes = rng.random((H, W)) < 0.2
    tiled = {"tiled": True, "blockxsize": 32, "blockysize": 16, "compress": "deflate"}
    plain = pixels()
    nodata = pixels(3)
    nodata[rng.random(nodata.shape) < 0.1] = 0
    real = pixels(2, dtype="float32")
    real[0][holes] = np.nan
    real[1, 5, 7] = np.inf
    lowest = pixels(1, dtype="float32")
    lowest[0][holes] = np.finfo("float32").min
    nan = pixels(1, dtype="float64")
    nan[0][holes] = np.nan
    rgba = pixels(4, dtype="uint8")
    rgba[3] = np.where(holes, 0, np.where(rng.random((H, W)) < 0.5, 255, 7))
    colors = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    inside = np.where(holes, 0, 255).astype("uint8")
    made = {
        "plain": write(folder / "plain.tif", plain),
        "nodata": write(folder / "nodata.tif", nodata, nodata=0, **tiled),
        "nodata out of range": write(folder / "range.tif", pixels(dtype="uint8"), nodata=None),
        "float, nan and infinity": write(folder / "real.tif", real, **tiled),
        "float, lowest is nodata": write(folder / "lowest.tif", lowest, nodata=float(np.finfo("float32").min)),
        "float, nan is nodata": write(folder / "nan.tif", nan, nodata=float("nan")),
        "alpha": write(folder / "alpha.tif", rgba, photometric="RGB", colors=colors, **tiled),
        "internal mask": write(folder / "mask.tif", pixels(3), mask=inside),
        "south-up": write(folder / "south.tif", nodata, nodata=0, transform=Affine(10, 0, 5e5, 0, 10, 4e6)),
        "signed, scaled": write(
            folder / "scaled.tif", nodata.astype("int16") - 2000, nodata=-2000, scales=(0.1,) * 3, offsets=(-5.0,) * 3
        ),
        "png": write(folder / "picture.png", pixels(3, dtype="uint8"), driver="PNG", crs=None, transform=None),
    }
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False):
        made["external mask"] = folder / "external.tif"
        profile = {"driver": "GTiff", "height": H, "width": W, "count": 2, "dtype": "uint16"}
        with rasterio.open(made["external mask"], "w", **profile) as file:
            file.write(plain)
            file.write_mask(inside)
        assert (folder / "external.tif.msk").exists()
    return made


def oracle(path, box, indexes):
    """Pixels and validity as rasterio gives them: every band's mask, and no NaN or infinity."""
    with rasterio.open(path) as data:
        values = data.read(indexes, window=window(box))
        valid = (data.read_masks(indexes, window=window(box)) > 0).all(axis=0)
    if np.issubdtype(values.dtype, np.floating):
        valid &= np.isfinite(values).all(axis=0)
    return values, valid


@pytest.mark.parametrize(
    "kind",
    [
        "plain", "nodata", "nodata out of range", "float, nan and infinity", "float, lowest is nodata",
        "float, nan is nodata", "alpha", "internal mask", "external mask", "south-up", "signed, scaled", "png",
    ],
)  # fmt: skip
def test_read_equals_rasterio(files, kind):
    raster = open_raster(files[kind])
    count = len(raster.bands)
    assert count == (3 if kind == "alpha" else rasterio.open(files[kind]).count)

    @settings(max_examples=25)
    @given(boxes(), st.lists(st.integers(1, count), min_size=1, max_size=4))
    def check(box, bands):
        got = raster.select(bands).read(box)
        values, valid = oracle(files[kind], box, bands)
        np.testing.assert_array_equal(got.valid, valid)
        assert got.data.dtype == values.dtype
        np.testing.assert_array_equal(got.data[:, valid], values[:, valid])

    check()


def test_every_way_of_missing_is_seen(files):
    """The oracle would also agree with a reader that finds everything valid in files that have no hole."""
    for kind, path in files.items():
        whole = open_raster(path)
        share = whole.read(whole.box).valid.mean()
        assert (share == 1) == (kind in ("plain", "nodata out of range", "png")), kind


@settings(max_examples=25)
@given(boxes(), boxes())
def test_crop_then_read_is_read(files, outer, inner):
    raster = open_raster(files["nodata"])
    inner = Box(inner.row % outer.height, inner.col % outer.width, 1, 1)
    part = raster.cut(outer)
    got = part.read(inner)
    direct = raster.read(Box(outer.row + inner.row, outer.col + inner.col, 1, 1))
    np.testing.assert_array_equal(got.data, direct.data)
    assert part.transform * (0, 0) == raster.transform * (outer.col, outer.row)


def test_scale_and_offset_are_stated_not_applied(files):
    raster = open_raster(files["signed, scaled"])
    assert {(b.scale, b.offset, b.scaled) for b in raster.bands} == {(0.1, -5.0, True)}
    assert raster.dtype == np.int16
    other = open_raster(files["signed, scaled"], scale=[1, 2, 3], offset=7)
    assert [(b.scale, b.offset) for b in other.bands] == [(1, 7), (2, 7), (3, 7)]
    assert not open_raster(files["plain"]).bands[0].scaled


def test_nodata_option_replaces_the_files_own(files):
    raster = open_raster(files["nodata"], nodata=17)
    whole = raster.read(raster.box)
    np.testing.assert_array_equal(whole.valid, (whole.data != 17).all(axis=0))
    assert not whole.valid.all()


def test_external_and_alpha_count_beside_a_nodata_option(files):
    raster = open_raster(files["alpha"], nodata=3)
    values, valid = oracle(files["alpha"], raster.box, [1, 2, 3])
    np.testing.assert_array_equal(raster.read(raster.box).valid, valid & (values != 3).all(axis=0))


def test_alpha_that_is_asked_for_is_data(files):
    raster = open_raster(files["alpha"], bands="nir=4,red=1")
    assert [b.name for b in raster.bands] == ["nir", "red"]
    got = raster.read(raster.box)
    assert got.valid.all()
    np.testing.assert_array_equal(got.data, rasterio.open(files["alpha"]).read([4, 1]))
    assert any("alpha" in note for note in raster.notes)


@pytest.mark.parametrize("shape", [(1, 1), (1, 57), (57, 1)])
def test_thin_scenes(tmp_path, write, pixels, shape):
    array = pixels(2, *shape)
    raster = open_raster(write(tmp_path / "thin.tif", array))
    np.testing.assert_array_equal(raster.read(raster.box).data, array)
    np.testing.assert_array_equal(raster.sample().data, array)


def test_all_nodata(tmp_path, write):
    raster = open_raster(write(tmp_path / "nothing.tif", np.zeros((2, 20, 30), "uint8"), nodata=0))
    assert not raster.read(raster.box).valid.any()


def test_huge_sparse_file_costs_nothing(tmp_path, write):
    path = tmp_path / "sparse.tif"
    profile = {
        "driver": "GTiff", "height": 300_000, "width": 300_000, "count": 3, "dtype": "uint16", "SPARSE_OK": True,
        "tiled": True, "BIGTIFF": "YES", "crs": "EPSG:32631", "transform": Affine(1, 0, 0, 0, -1, 0), "nodata": 0,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.full((3, 16, 16), 9, "uint16"), window=Window(150_000, 150_000, 16, 16))
    raster = open_raster(path)
    assert raster.shape == (300_000, 300_000)
    assert raster.read(Box(149_990, 149_990, 64, 64)).valid.sum() == 256
    assert not raster.read(Box(299_000, 299_000, 1000, 1000)).valid.any()


def test_quicklook_is_nearest_pixels_of_the_scene(files):
    raster = open_raster(files["nodata"])
    small = raster.quicklook(26)
    assert small.data.shape == (3, 18, 26)
    assert small.valid.shape == small.data.shape[1:]
    whole = raster.read(raster.box)
    assert np.isin(small.data[0], whole.data[0]).all()
    np.testing.assert_array_equal(small.valid, (small.data != 0).all(axis=0))


def test_many_threads_read_what_one_reads(files):
    raster = open_raster(files["alpha"])
    todo = [Box(r, c, 17, 23) for r in range(0, 70, 9) for c in range(0, 100, 11)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(raster.read, todo))
    for box, got in zip(todo, found, strict=True):
        values, valid = oracle(files["alpha"], box, [1, 2, 3])
        np.testing.assert_array_equal(got.data, values)
        np.testing.assert_array_equal(got.valid, valid)


def test_a_raster_is_a_recipe_that_travels(files, tmp_path):
    raster = open_raster(files["nodata"]).select([2, 1]).cut(Box(3, 4, 40, 50))
    raster.read(Box(0, 0, 5, 5))
    again = pickle.loads(pickle.dumps(raster))
    assert again == raster
    assert hash(again) == hash(raster)
    (tmp_path / "raster.pickle").write_bytes(pickle.dumps(raster))
    code = (
        "import pickle, sys; from geoseg.tiling import Box; r = pickle.load(open(sys.argv[1], 'rb'));"
        "p = r.read(Box(1, 2, 8, 9)); print(r.fingerprint(), hash(r), p.data.sum(), p.valid.sum())"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "raster.pickle")], capture_output=True, text=True, check=True
    )
    here = raster.read(Box(1, 2, 8, 9))
    assert said.stdout.split() == [
        raster.fingerprint(), str(hash(raster)), str(here.data.sum()), str(here.valid.sum())
    ]  # fmt: skip


def test_fingerprint_tells_scenes_apart(files, tmp_path, write, pixels):
    one = open_raster(files["nodata"])
    others = [
        one.select([1]), one.select([2, 1, 3]), one.cut(Box(0, 0, 5, 5)), open_raster(files["nodata"], nodata=3),
        open_raster(files["nodata"], scale=2), open_raster(files["plain"]),
        open_raster(files["nodata"], resolution=20),
    ]  # fmt: skip
    prints = {raster.fingerprint() for raster in [one, *others]}
    assert len(prints) == 1 + len(others)
    assert open_raster(files["nodata"]).fingerprint() == one.fingerprint()
    path = write(tmp_path / "again.tif", pixels(seed=1))
    before = open_raster(path)
    first = before.read(before.box).data
    write(path, pixels(seed=2))
    after = open_raster(path)
    assert after.fingerprint() != before.fingerprint()
    # The old file is still open in this thread: the new one must be read all the same.
    assert not np.array_equal(after.read(after.box).data, first)


def test_reading_outside_is_a_mistake(files):
    raster = open_raster(files["plain"])
    for box in (Box(-1, 0, 5, 5), Box(0, 0, H + 1, 1), Box(0, W, 1, 1), Box(0, 0, 0, 3)):
        with pytest.raises(ValueError, match="does not lie inside"):
            raster.read(box)
