"""Arrays to COG: numpy and dask, attributes, and arrays that cannot be class maps."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
import rasterio
import xarray as xr
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from odc.geo import xy_
from odc.geo.gcp import GCPGeoBox, GCPMapping
from odc.geo.xr import wrap_xr, xr_coords

import geoseg
from geoseg.classes import MapClass, default_color
from geoseg.errors import OptionError, OutputError
from geoseg.write import read_classes, write_cog
from geoseg.write.cog import classes_of


@pytest.fixture
def numbers():
    pixels = np.random.default_rng(0).integers(0, 5, (700, 900), dtype=np.uint8)
    pixels[:100, :200] = 255
    return pixels


def read(path):
    with rasterio.open(path) as source:
        return source.read(1)


@pytest.mark.parametrize("chunks", [None, (700, 900), (128, 300), (701, 1), ((100, 600), (513, 387))])
def test_equals_the_array(grid, tmp_path, numbers, chunks):
    pixels = numbers if chunks != (701, 1) else numbers[:40, :60]
    values = pixels if chunks is None else da.from_array(pixels, chunks=chunks)
    geobox = grid(*pixels.shape)
    with dask.config.set(scheduler="threads"):
        path = write_cog(wrap_xr(values, geobox), tmp_path / "map.tif")
    np.testing.assert_array_equal(read(path), pixels)
    with rasterio.open(path) as source:
        assert source.transform == geobox.affine
        assert source.crs.to_epsg() == 32633


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
def test_slivers_keep_their_grid(grid, tmp_path, shape):
    geobox = grid(*shape)
    with rasterio.open(write_cog(wrap_xr(np.zeros(shape, np.uint8), geobox), tmp_path / "map.tif")) as source:
        assert source.transform == geobox.affine
        assert source.shape == shape


def test_a_band_dimension_of_one(grid, tmp_path, numbers):
    data = xr.DataArray(numbers[None], dims=("band", "y", "x"), coords=xr_coords(grid(*numbers.shape)))
    path = write_cog(data, tmp_path / "map.tif")
    np.testing.assert_array_equal(read(path), numbers)
    with rasterio.open(path) as source:
        assert source.crs.to_epsg() == 32633


def test_geographic_names_of_dimensions(grid, tmp_path, numbers):
    geobox = grid(*numbers.shape, Affine(0.1, 0, 10, 0, -0.1, 50), "EPSG:4326")
    with rasterio.open(write_cog(wrap_xr(numbers, geobox), tmp_path / "map.tif")) as source:
        assert source.transform == geobox.affine
        assert source.crs.to_epsg() == 4326


def test_without_a_grid(tmp_path, numbers):
    path = write_cog(xr.DataArray(numbers), tmp_path / "map.tif")
    np.testing.assert_array_equal(read(path), numbers)
    with rasterio.open(path) as source:
        assert source.crs is None


@given(
    dtype=st.sampled_from(["uint8", "int8", "bool", "int16", "uint16", "int64", "uint64"]),
    nodata=st.sampled_from([None, 0, 1, -1, 100]),
)
def test_any_whole_numbers_and_any_nodata(grid, tmp_path_factory, dtype, nodata):
    pixels = np.array([[0, 1, 1], [1, 0, 1]], dtype)
    expected = pixels.astype(np.uint8)
    if nodata is not None:
        expected[pixels == nodata] = 255
    attrs = {} if nodata is None else {"nodata": nodata}
    path = write_cog(wrap_xr(pixels, grid(2, 3), **attrs), tmp_path_factory.mktemp("any") / "map.tif")
    np.testing.assert_array_equal(read(path), expected)


@pytest.mark.parametrize(
    ("pixels", "nodata"),
    [
        (np.array([[256]]), None),
        (np.array([[-1]]), None),
        (np.array([[2**63]], np.uint64), None),
        (np.array([[0, 255]], np.uint8), 0),
        (np.array([[-2, -1]], np.int8), -1),
    ],
)
def test_values_that_do_not_fit(grid, tmp_path, pixels, nodata):
    data = wrap_xr(pixels, grid(*pixels.shape), **({} if nodata is None else {"nodata": nodata}))
    with pytest.raises(OutputError, match="a class map holds 0…254"):
        write_cog(data, tmp_path / "map.tif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data", [np.zeros((3, 4)), np.zeros((2, 3, 4), np.uint8), np.zeros(4, np.uint8), np.zeros((0, 4), np.uint8)]
)
def test_impossible_arrays(tmp_path, data):
    with pytest.raises(OptionError, match="whole numbers of shape"):
        write_cog(xr.DataArray(data), tmp_path / "map.tif")


def test_control_points_are_no_grid(tmp_path):
    corners = [(0, 0), (4, 0), (0, 3), (4, 3), (2, 1)]
    mapping = GCPMapping(
        [xy_(*point) for point in corners], [xy_(500000 + 10 * x, 5400000 - 10 * y) for x, y in corners], "EPSG:32633"
    )
    data = wrap_xr(np.zeros((3, 4), np.uint8), GCPGeoBox((3, 4), mapping))
    with pytest.raises(OptionError, match="control points"):
        write_cog(data, tmp_path / "map.tif")


def test_names_and_colours_of_attributes(grid, tmp_path, numbers):
    attrs = {"class_values": [2, 9], "class_names": ["tree", "water"], "class_colors": ["#00ff00", "#0000ff"]}
    path = write_cog(wrap_xr(numbers, grid(*numbers.shape), **attrs), tmp_path / "map.tif")
    assert read_classes(path) == (MapClass(2, "tree", "#00ff00"), MapClass(9, "water", "#0000ff"))
    with rasterio.open(path) as source:
        assert source.colormap(1)[9][:3] == (0, 0, 255)


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [
        ({}, ()),
        ({"class_names": ["a", "b"]}, (MapClass(0, "a", default_color(0)), MapClass(1, "b", default_color(1)))),
        ({"class_names": "tree", "class_values": np.int64(4)}, (MapClass(4, "tree", default_color(4)),)),
        (
            {"class_names": np.array(["a", "b"]), "class_values": np.array([3, 1])},
            (MapClass(3, "a", default_color(3)), MapClass(1, "b", default_color(1))),
        ),
    ],
)
def test_attributes_in_all_their_forms(attrs, expected):
    assert classes_of(xr.DataArray(np.zeros((1, 1), np.uint8), attrs=attrs)) == expected


@pytest.mark.parametrize("name", ["class_values", "class_colors"])
def test_attributes_that_do_not_match(tmp_path, name):
    data = xr.DataArray(np.zeros((1, 1), np.uint8), attrs={"class_names": ["a", "b"], name: ["#000000"]})
    data.attrs[name] = [1] if name == "class_values" else ["#000000"]
    with pytest.raises(OptionError, match=f"2 class_names but 1 {name}"):
        write_cog(data, tmp_path / "map.tif")


def test_kind(grid, tmp_path):
    data = wrap_xr(np.full((3, 4), 50, np.uint8), grid(3, 4))
    for name, array, options in (
        ("a", data.rename("confidence"), {}), ("b", data.assign_attrs(kind="confidence"), {}),
        ("c", data, {"kind": "confidence"}),
    ):  # fmt: skip
        with rasterio.open(write_cog(array, tmp_path / f"{name}.tif", **options)) as source:
            assert source.tags()["BAND_KIND"] == "confidence"
    with pytest.raises(OptionError, match="'classes' or 'confidence'"):
        write_cog(data, tmp_path / "d.tif", kind="logits")


def test_what_segment_gives(scene, identity_model, tmp_path):
    source = scene(70, 90)
    result = geoseg.segment(source, identity_model(), block=64)
    path = write_cog(result.classes, tmp_path / "classes.tif")
    np.testing.assert_array_equal(read(path), source.values[0])
    assert read_classes(path) == identity_model().card.classes
    with rasterio.open(write_cog(result.confidence, tmp_path / "confidence.tif")) as file:
        assert file.tags()["BAND_KIND"] == "confidence"
        np.testing.assert_array_equal(file.read(1), result.confidence.values)


def test_failing_computation_leaves_nothing(grid, tmp_path, numbers):
    def broken(block, block_info=None):
        if block_info[0]["chunk-location"] != (0, 0):
            raise RuntimeError("worker broke")
        return block

    values = da.from_array(numbers, chunks=(350, 450)).map_blocks(broken, dtype=np.uint8)
    with pytest.raises(RuntimeError, match="worker broke"), dask.config.set(scheduler="threads"):
        write_cog(wrap_xr(values, grid(*numbers.shape)), tmp_path / "map.tif")
    assert list(tmp_path.iterdir()) == []


def test_existing_file(grid, tmp_path, numbers):
    data = wrap_xr(numbers, grid(*numbers.shape))
    path = write_cog(data, tmp_path / "map.tif")
    with pytest.raises(OutputError, match="exists"):
        write_cog(data, path)
    write_cog(data + np.uint8(1), path, overwrite=True)
    np.testing.assert_array_equal(read(path), numbers + np.uint8(1))
