"""xarray objects as rasters."""

from __future__ import annotations

import pickle

import dask.array as da
import numpy as np
import odc.geo.xr  # noqa: F401
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords

from geoseg.errors import InputError, ReadError
from geoseg.raster import open_raster
from geoseg.tiling import Box

BOX = GeoBox((90, 130), Affine(10, 0, 5e5, 0, -10, 5e6), "EPSG:32631")


def array(values, **options):
    dims = ("band", "y", "x")[-values.ndim :]
    return xr.DataArray(values, dims=dims, coords=xr_coords(BOX), **options)


@pytest.mark.parametrize("lazy", [False, True])
def test_array(pixels, lazy):
    values = pixels(3)
    values[1, 3, 4] = 0
    source = array(da.from_array(values, chunks=(1, 32, 50)) if lazy else values, name="scene", attrs={"_FillValue": 0})
    source = source.assign_coords(band=["B02", "VV", "red"])
    raster = open_raster(source)
    assert [band.name for band in raster.bands] == ["B02", "VV", "red"]
    assert raster.name == "scene"
    assert raster.geobox == BOX
    assert raster.bands[0].nodata == 0
    box = Box(2, 3, 30, 40)
    got = raster.select(["red", "VV"]).read(box)
    np.testing.assert_array_equal(got.data, values[[2, 1], 2:32, 3:43])
    np.testing.assert_array_equal(got.valid, values[1, 2:32, 3:43] != 0)
    part = raster.cut(box)
    np.testing.assert_array_equal(part.read(part.box).data, values[:, 2:32, 3:43])
    again = pickle.loads(pickle.dumps(raster))
    assert again == raster
    assert hash(again) == hash(raster)
    assert raster.quicklook(38).data.shape[1:] == (26, 38)
    if lazy:
        assert raster.block_shape == (32, 50)


def test_same_shape_other_values_is_another_raster(pixels):
    assert open_raster(array(pixels(1, seed=1))) != open_raster(array(pixels(1, seed=2)))


def test_plane_time_and_order_of_dimensions(pixels):
    values = pixels(2)
    plane = open_raster(array(values[0]).rename("nir"))
    assert [band.name for band in plane.bands] == ["nir"]
    turned = open_raster(array(values).transpose("y", "x", "band"))
    np.testing.assert_array_equal(turned.read(turned.box).data, values)
    assert open_raster(array(values).expand_dims("time")).shape == (90, 130)
    with pytest.raises(InputError, match="'time' of length 3"):
        open_raster(xr.concat([array(values)] * 3, "time"))
    with pytest.raises(InputError, match="a raster has"):
        open_raster(xr.DataArray(values, dims=("a", "b", "c")))


def test_dataset_has_a_band_per_variable(pixels):
    one, two = pixels(1)[0], pixels(1, dtype="float32")[0]
    two[3, 4] = np.nan
    raster = open_raster(xr.Dataset({"B02": array(one), "ndvi": array(two), "time": 3}))
    assert [(band.name, band.dtype) for band in raster.bands] == [("B02", "uint16"), ("ndvi", "float32")]
    got = raster.read(raster.box)
    assert got.data.dtype == np.float32
    assert not got.valid[3, 4]
    assert got.valid.sum() == 90 * 130 - 1


def test_scale_and_names_from_attributes(pixels):
    source = array(pixels(2, dtype="int16"), attrs={"scale_factor": 0.01, "add_offset": 5, "long_name": ("Red", "NIR")})
    bands = open_raster(source).bands
    assert [(b.name, b.scale, b.offset, b.scaled) for b in bands] == [("red", 0.01, 5, True), ("nir", 0.01, 5, True)]


def test_arrays_that_are_no_grid(pixels):
    bare = open_raster(xr.DataArray(pixels(1), dims=("band", "y", "x")))
    assert bare.crs is None
    assert "pixel coordinates" in bare.notes[0]
    uneven = array(pixels(1)[0]).drop_vars("spatial_ref").assign_coords(x=np.arange(130.0) ** 2)
    with pytest.raises(InputError, match=r"evenly spaced|regular"):
        open_raster(uneven)
    with pytest.raises(InputError, match="no bands"):
        open_raster(array(pixels(1)[:0]))
    planar = xr.DataArray(pixels(1)[0], dims=("y", "x"), coords={"y": np.arange(90) * -2.0, "x": np.arange(130) * 2.0})
    assert open_raster(planar).transform == Affine(2, 0, -1, 0, -2, 1)
    with pytest.raises(InputError, match="complex"):
        open_raster(array(pixels(1)[0].astype("complex64")))
    with pytest.raises(InputError, match="not numbers"):
        open_raster(array(np.full((90, 130), "a")))
    assert open_raster(array(np.ones((90, 130), bool))).dtype == np.uint8


def test_failing_computation_names_the_box(pixels):
    def fail(block):
        if block.size:
            raise RuntimeError("lost")
        return block

    lazy = da.from_array(pixels(1), chunks=50).map_blocks(fail, dtype="uint16", meta=np.empty((0, 0, 0), "uint16"))
    raster = open_raster(array(lazy))
    with pytest.raises(ReadError, match=r"rows 0–4, columns 0–4 failed: lost"):
        raster.read(Box(0, 0, 5, 5))
