"""``Raster.to_xarray``: the lazy array is what rasterio reads, masks and scales."""

from __future__ import annotations

import pickle
from itertools import accumulate, product

import dask
import dask.array as da
import numpy as np
import odc.geo.xr  # noqa: F401
import pytest
import rasterio
import xarray as xr
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp

import geoseg
from geoseg.errors import OptionError
from geoseg.raster import open_raster
from geoseg.tiling import Box

H, W = 90, 130
TILED = {"tiled": True, "blockxsize": 32, "blockysize": 16, "compress": "deflate"}


@pytest.fixture(scope="module")
def files(tmp_path_factory, write, pixels):
    """One file for each way of marking missing pixels, with and without scale."""
    folder = tmp_path_factory.mktemp("lazy")
    rng = np.random.default_rng(1)
    holes = rng.random((H, W)) < 0.2
    nodata = pixels(3)
    nodata[rng.random(nodata.shape) < 0.1] = 0
    real = pixels(2, dtype="float32")
    real[0][holes] = np.nan
    rgba = pixels(4, dtype="uint8")
    rgba[3] = np.where(holes, 0, 255)
    colors = [ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha]
    inside = np.where(holes, 0, 255).astype("uint8")
    scaling = {"scales": (1e-4, 2e-4, 0.5), "offsets": (-0.1, 0.0, 3.0)}
    return {
        "plain": write(folder / "plain.tif", pixels()),
        "nodata": write(folder / "nodata.tif", nodata, nodata=0, **TILED),
        "nodata, scaled": write(folder / "scaled.tif", nodata, nodata=0, **scaling, **TILED),
        "mask, scaled": write(folder / "mask.tif", pixels(3), mask=inside, **scaling),
        "alpha": write(folder / "alpha.tif", rgba, photometric="RGB", colors=colors, **TILED),
        "float": write(folder / "real.tif", real, **TILED),
        "int32": write(folder / "wide.tif", pixels(1, dtype="int32") * 20011 + 1, nodata=-1),
    }


def oracle(path, count):
    """Values, validity, scales and offsets as rasterio gives them."""
    with rasterio.open(path) as data:
        bands = list(range(1, count + 1))
        values = data.read(bands)
        valid = data.read_masks(bands) > 0
        scales, offsets = data.scales[:count], data.offsets[:count]
    if np.issubdtype(values.dtype, np.floating):
        valid &= np.isfinite(values)
    return values, valid, scales, offsets


KINDS = ["plain", "nodata", "nodata, scaled", "mask, scaled", "alpha", "float", "int32"]


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_those_of_rasterio(files, kind):
    raster = open_raster(files[kind])
    values, valid, scales, offsets = oracle(files[kind], len(raster.bands))
    physical = np.stack([v * np.float64(s) + o for v, s, o in zip(values, scales, offsets, strict=True)])
    floating = np.float64 if kind == "int32" else np.float32

    stored = raster.to_xarray(masked=False, scaled=False)
    assert stored.dtype == values.dtype
    np.testing.assert_array_equal(stored, values)

    masked = raster.to_xarray(scaled=False)
    assert masked.dtype == floating
    np.testing.assert_array_equal(masked, np.where(valid, values, np.nan).astype(floating))

    full = raster.to_xarray()
    assert full.dtype == floating
    np.testing.assert_array_equal(full, np.where(valid, physical, np.nan).astype(floating))
    np.testing.assert_array_equal(raster.to_xarray(masked=False), physical.astype(floating))


def test_grid_coordinates_and_attributes(files):
    raster = open_raster(files["nodata, scaled"], bands="blue=1,nir=3")
    array = raster.to_xarray()
    assert array.dims == ("band", "y", "x")
    assert array.odc.geobox == raster.geobox
    assert array.band.values.tolist() == ["blue", "nir"]
    assert array.scaled.values.tolist() == [True, True]
    assert array.attrs["sources"] == [str(files["nodata, scaled"])]
    assert array.name == raster.name
    assert isinstance(array.data, da.Array)
    assert "scale_factor" not in array.attrs

    stored = raster.to_xarray(masked=False, scaled=False)
    assert stored.attrs["_FillValue"] == 0
    assert stored.odc.nodata == 0
    assert stored.attrs["scales"] == (1e-4, 0.5)
    assert stored.attrs["offsets"] == (-0.1, 3.0)
    assert not stored.scaled.any()
    assert raster.select(["nir"]).to_xarray(scaled=False).attrs["scale_factor"] == 0.5


def test_units_and_no_georeference(tmp_path, write, pixels):
    path = write(tmp_path / "kelvin.tif", pixels(1), crs=None, transform=None)
    with rasterio.open(path, "r+") as file:
        file.units = ("K",)
    array = open_raster(path).to_xarray()
    assert array.attrs["units"] == "K"
    assert array.dims == ("band", "y", "x")
    assert array.odc.crs is None


@settings(max_examples=30)
@given(st.integers(20, 70), st.integers(20, 200), st.integers(1, 4), st.integers(0, 40), st.integers(0, 60))
def test_chunks_do_not_change_values(files, high, wide, deep, top, left):
    raster = open_raster(files["nodata, scaled"]).cut(Box(top, left, H - top, W - left))
    whole = raster.to_xarray().values
    array = raster.to_xarray(chunks={"band": deep, "y": high, "x": wide})
    np.testing.assert_array_equal(array.values, whole)
    assert max(array.chunks[1]) == min(high, H - top)
    _, valid, *_ = oracle(files["nodata, scaled"], 3)
    np.testing.assert_array_equal(np.isnan(whole), ~valid[:, top:, left:])


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        (40, ((3,), (40, 40, 10), (40, 40, 40, 10))),
        ((1, 90, -1), ((1, 1, 1), (90,), (130,))),
        ({"y": 50}, ((3,), (50, 40), (130,))),
        ({"band": 1, "x": (100, 30)}, ((1, 1, 1), (90,), (100, 30))),
        ("auto", ((3,), (90,), (130,))),
    ],
)
def test_chunks_as_xarray_takes_them(files, chunks, expected):
    assert open_raster(files["nodata"]).to_xarray(chunks=chunks).chunks == expected


def test_default_chunks_are_whole_blocks_within_dasks_limit(files):
    raster = open_raster(files["nodata"])
    with dask.config.set({"array.chunk-size": "16KiB"}):
        bands, rows, cols = raster.to_xarray().chunks
    assert bands == (3,)
    assert {size % 16 for size in rows[:-1]} == {size % 32 for size in cols[:-1]} == {0}
    assert 3 * rows[0] * cols[0] * 4 <= 16 * 1024


@pytest.mark.parametrize("chunks", [{"time": 1}, (1, 2), "big", None, {"y": "lots"}, ((3,), (50, 50), (130,)), 1.5])
def test_impossible_chunks(files, chunks):
    with pytest.raises(OptionError, match="chunks"):
        open_raster(files["nodata"]).to_xarray(chunks=chunks)


def test_files_of_other_grids(tmp_path, write, pixels):
    """A warped stack: the array holds what the reader reads, each band with its own missing pixels."""
    first, second = pixels(1, seed=1), pixels(1, 40, 50, seed=2)
    second[0, :5] = 0
    moved = Affine(20, 0, 500_103, 0, -20, 4_999_990)
    raster = open_raster(
        [write(tmp_path / "s_B02.tif", first), write(tmp_path / "s_B08.tif", second, nodata=0, transform=moved)]
    )
    array = raster.to_xarray(chunks=32)
    assert array.sizes["band"] == 2
    for number in (1, 2):
        alone = raster.select([number]).read(raster.box)
        np.testing.assert_array_equal(array[number - 1], np.where(alone.valid, alone.data[0], np.nan))
    joint = raster.read(raster.box)
    np.testing.assert_array_equal(np.isfinite(array).all("band"), joint.valid)
    assert raster.to_xarray().chunks[0] == (1, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_validity_of_all_bands_is_that_of_each(files, kind):
    raster = open_raster(files[kind])
    box = Box(3, 5, 61, 77)
    values, valid = raster.read_by_band(box)
    joint = raster.read(box)
    np.testing.assert_array_equal(values, joint.data)
    np.testing.assert_array_equal(valid.all(0), joint.valid)


def test_bbox(files):
    raster = open_raster(files["nodata"], bbox=(500_205, 4_999_300, 500_705, 4_999_800))
    values, valid, *_ = oracle(files["nodata"], 3)
    row, col = raster.origin
    part = np.s_[:, row : row + raster.shape[0], col : col + raster.shape[1]]
    np.testing.assert_array_equal(raster.to_xarray(chunks=17), np.where(valid, values, np.nan)[part])


@pytest.mark.parametrize("lazy", [False, True])
def test_arrays_are_rasters_too(pixels, lazy):
    values = pixels(2)
    values[0, 3, 4] = 7
    source = da.from_array(values, chunks=(1, 32, 50)) if lazy else values
    array = xr.DataArray(source, dims=("band", "y", "x"), attrs={"_FillValue": 7})
    raster = open_raster(array, scale=0.5)
    np.testing.assert_array_equal(raster.to_xarray(), np.where(values == 7, np.nan, values * 0.5).astype("float32"))
    tasks = dict(raster.to_xarray(chunks=16).__dask_graph__())
    assert sum(len(pickle.dumps(task)) > 2000 for task in tasks.values()) == 1  # the recipe, once


def test_tasks_are_small_and_names_repeat(files):
    raster = open_raster(files["nodata, scaled"])
    array = raster.to_xarray(chunks=16)
    graph = dict(array.__dask_graph__())
    assert len(graph) == 1 + np.prod(array.data.numblocks)
    assert max(len(pickle.dumps(task)) for task in graph.values()) < 4000
    assert sorted(len(pickle.dumps(task)) for task in graph.values())[-2] < 1000
    again = open_raster(files["nodata, scaled"])
    assert again.to_xarray(chunks=16).data.name == array.data.name
    others = [
        again.to_xarray(chunks=17), again.to_xarray(chunks=16, masked=False), again.to_xarray(chunks=16, scaled=False),
        again.select([2, 1, 3]).to_xarray(chunks=16), again.cut(Box(0, 0, 89, W)).to_xarray(chunks=16),
        open_raster(files["nodata, scaled"], scale=2).to_xarray(chunks=16),
    ]  # fmt: skip
    assert len({array.data.name, *(other.data.name for other in others)}) == 7


def test_processes_compute_the_same(files, dask_workers):
    array = open_raster(files["nodata, scaled"]).to_xarray(chunks=40)
    here = array.compute(scheduler="synchronous")
    there = dask_workers.compute(array).result()
    np.testing.assert_array_equal(there, here)
    assert there.attrs == here.attrs


def test_only_the_chunks_asked_for_are_read(files, monkeypatch):
    raster = open_raster(files["nodata"])
    seen = []
    read = type(raster).read_by_band

    def spy(self, box):
        seen.append(([band.name for band in self.bands], box))
        return read(self, box)

    monkeypatch.setattr(type(raster), "read_by_band", spy)
    array = raster.to_xarray(chunks={"band": 1, "y": 40, "x": 40})
    assert not seen
    array.sel(band="band2")[45:50, 85:125].compute(scheduler="synchronous")
    assert sorted(seen) == [(["band2"], Box(40, 80, 40, 40)), (["band2"], Box(40, 120, 40, 10))]


def test_an_array_is_read_back_as_the_same_bands(files):
    """What ``to_xarray`` gives, ``open_raster`` takes: names, units, validity, and which values are physical."""
    raster = open_raster(files["nodata, scaled"], bands="blue=1,red=2,nir=3")
    for masked, scaled in product((True, False), repeat=2):
        back = open_raster(raster.to_xarray(masked=masked, scaled=scaled))
        assert [band.name for band in back.bands] == ["blue", "red", "nir"]
        assert back.geobox == raster.geobox
        assert all(band.scaled for band in back.bands)
        ours, theirs = raster.read(raster.box), back.read(back.box)
        np.testing.assert_array_equal(theirs.valid, ours.valid)
        for number, (one, other) in enumerate(zip(raster.bands, back.bands, strict=True)):
            physical = ours.data[number][ours.valid] * one.scale + one.offset
            got = theirs.data[number][ours.valid] * other.scale + other.offset
            np.testing.assert_allclose(got, physical, rtol=1e-6, atol=1e-8)
    plain = open_raster(open_raster(files["plain"]).to_xarray())
    assert not any(band.scaled for band in plain.bands)


def test_scale_survives_selection_and_statistics(files):
    raster = open_raster(files["nodata, scaled"], bands="blue=1,red=2,nir=3")
    array = raster.to_xarray()
    assert open_raster(array.sel(band="nir")).bands[0].scaled
    mean = xr.concat([array, array], "time").mean("time")
    assert all(band.scaled for band in open_raster(mean).bands)


def test_segmenting_the_array_is_segmenting_the_raster(tmp_path, write):
    """Reflectance stored as uint16: the model must not take 0.25 for a digital number."""
    rng = np.random.default_rng(5)
    names = ("blue", "green", "red", "nir", "swir16", "swir22")
    stored = rng.integers(100, 6000, (6, 70, 90), dtype="uint16")
    stored[:, :9, :11] = 0
    path = write(
        tmp_path / "scene.tif", stored, nodata=0, descriptions=names, scales=(1e-4,) * 6, offsets=(0.0,) * 6, **TILED
    )
    options = {"device": "cpu", "precision": "fp32", "block": 32}
    raster = open_raster(path)
    expected = geoseg.segment(raster, "spectral", **options).classes.values
    assert len(np.unique(expected)) > 3
    for array in (raster.to_xarray(chunks=32), raster.to_xarray(masked=False, scaled=False, chunks=32)):
        np.testing.assert_array_equal(geoseg.segment(array, "spectral", **options).classes.values, expected)
    array = raster.to_xarray()
    ndvi = (array.sel(band="nir") - array.sel(band="red")) / (array.sel(band="nir") + array.sel(band="red"))
    red, nir = stored[2, 9:, 11:].astype(float), stored[3, 9:, 11:].astype(float)
    np.testing.assert_allclose(ndvi.values[9:, 11:], (nir - red) / (nir + red), rtol=1e-4, atol=1e-6)
    assert np.isnan(ndvi.values[:9, :11]).all()


def test_starts_cover_irregular_chunks(files):
    array = open_raster(files["plain"]).to_xarray(chunks={"y": (1, 60, 29), "x": (130,)})
    assert list(accumulate(array.chunks[1])) == [1, 61, 90]
    np.testing.assert_array_equal(array, oracle(files["plain"], 2)[0])
