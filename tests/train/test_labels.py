"""Labels on an image's pixels equal GDAL's own warp and one-pass rasterizing, in whatever boxes they are read."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio.features import rasterize

from geoseg.errors import InputError, OptionError
from geoseg.raster import open_raster
from geoseg.tiling import Box
from geoseg.train.data.images import label_files, match_rasters
from geoseg.train.data.labels import Labels, place_rasters
from geoseg.train.data.polygons import read_polygons

BOXES = st.tuples(st.integers(0, 255), st.integers(0, 191), st.integers(1, 90), st.integers(1, 90))


def _box(numbers):
    return Box(*numbers).intersection(Box(0, 0, 256, 192))


@pytest.mark.parametrize(
    ("crs", "transform", "shape"),
    [
        ("EPSG:32633", rasterio.Affine(10, 0, 500000, 0, -10, 5400000), (256, 192)),
        ("EPSG:32633", rasterio.Affine(7, 0, 500103, 0, -7, 5399990), (200, 150)),
        ("EPSG:32633", rasterio.Affine(30, 0, 499990, 0, -30, 5400020), (90, 70)),
        ("EPSG:4326", rasterio.Affine(2e-4, 0, 15.0, 0, -1.5e-4, 48.756), (180, 160)),
    ],
    ids=["same grid", "finer", "coarser", "another CRS"],
)
def test_rasters_are_warped_to_the_image_by_the_nearest_pixel(place, write, tmp_path, crs, transform, shape):
    values = np.random.default_rng(0).integers(0, 9, shape, dtype=np.uint8)
    path = write(tmp_path / "l.tif", values, crs=crs, transform=transform, nodata=8)
    raster = open_raster(place.image)
    source = place_rasters([str(path)], raster.grid, "scene")
    # The oracle: the label under each pixel's centre.
    col, row = np.meshgrid(np.arange(192) + 0.5, np.arange(256) + 0.5)
    x, y = Transformer.from_crs("EPSG:32633", crs, always_xy=True).transform(*(raster.transform * (col, row)))
    c, r = (np.floor(v).astype(int) for v in ~transform * (x, y))
    inside = (r >= 0) & (r < shape[0]) & (c >= 0) & (c < shape[1])
    wanted = np.full(raster.shape, 8, np.uint8)
    wanted[inside] = values[r[inside], c[inside]]
    for box in (raster.box, Box(17, 33, 64, 80), Box(100, 90, 56, 42)):
        raw, labelled = source.read(box)
        found = np.where(labelled, raw, 8)
        assert (found == wanted[box.within(raster.box)]).mean() > 0.999


@settings(max_examples=25)
@given(numbers=BOXES)
def test_polygons_burn_alike_in_any_box(place, polygons, numbers):
    raster = open_raster(place.image)
    source = read_polygons([polygons.path], None, None).on(raster.grid, "scene")
    box = _box(numbers)
    raw, labelled = pickle.loads(pickle.dumps(source)).read(box)
    assert labelled.all()
    assert np.array_equal(raw, place.classes[box.within(raster.box)])


@settings(max_examples=20)
@given(numbers=BOXES, seed=st.integers(0, 5))
def test_random_polygons_equal_rasterizing_all_at_once(place, numbers, seed):
    import geopandas as gpd
    import shapely

    rng = np.random.default_rng(seed)
    points = rng.uniform((500000, 5397440), (501920, 5400000), (30, 2))
    shapes = shapely.buffer(shapely.points(points), rng.uniform(5, 300, 30))
    frame = gpd.GeoDataFrame({"class": rng.integers(0, 4, 30)}, geometry=shapes, crs="EPSG:32633")
    raster = open_raster(place.image)
    table = read_polygons([frame], "class", None)
    whole = rasterize(
        zip(shapes, table.codes + 1, strict=True), raster.shape, transform=raster.transform, dtype="int32"
    )
    box = _box(numbers)
    raw, labelled = table.on(raster.grid, "scene").read(box)
    assert np.array_equal(np.where(labelled, raw + 1, 0), whole[box.within(raster.box)])


def test_raw_values_become_classes_and_others_are_unlabelled(place):
    raster = open_raster(place.image)
    source = place_rasters([str(place.labels)], raster.grid, "scene")
    labels = Labels(source, np.array([0, 2]), np.array([1, 255], np.uint8))
    found = labels.read(raster.box)
    assert np.array_equal(found, np.where(place.classes == 0, 1, 255))


def test_labels_belong_to_images_by_name_then_by_place(place, write, tmp_path):
    empty = np.ones((256, 192), np.uint8)
    for name in ("scene_labels.tif", "other_labels.tif"):
        write(tmp_path / "labels" / name, empty)
    image = open_raster(place.image)
    files = label_files([tmp_path / "labels"])
    (source,) = match_rasters([image], files)
    assert source.label.endswith("scene_labels.tif")
    # Names say nothing: every file that overlaps counts, the first on top.
    far = write(tmp_path / "far.tif", empty, transform=rasterio.Affine(10, 0, 600000, 0, -10, 5400000))
    near = write(tmp_path / "near.tif", empty)
    (source,) = match_rasters([image], [str(far), str(near)])
    assert source.label == str(near)
    assert match_rasters([image], [str(far)]) == [None]


def test_label_rasters_must_be_classes(place, write, tmp_path):
    grid = open_raster(place.image).grid
    two = write(tmp_path / "two.tif", np.zeros((2, 256, 192), np.uint8))
    with pytest.raises(InputError, match="one band, it has 2"):
        place_rasters([str(two)], grid, "scene")
    half = write(tmp_path / "half.tif", np.full((256, 192), 0.5, np.float32))
    with pytest.raises(InputError, match=r"holds 0\.5"):
        place_rasters([str(half)], grid, "scene").read(Box(0, 0, 4, 4))
    bare = write(tmp_path / "bare.tif", np.zeros((256, 192), np.uint8), crs=None)
    with pytest.raises(InputError, match="has no CRS"):
        place_rasters([str(bare)], grid, "scene")


def test_polygons_are_checked(polygons, tmp_path):
    import geopandas as gpd
    from shapely import wkt
    from shapely.geometry import GeometryCollection, Point

    bow = wkt.loads("POLYGON((0 0, 10 10, 10 0, 0 10, 0 0))")
    frame = gpd.GeoDataFrame({"class": ["a", "b"]}, geometry=[Point(0, 0).buffer(1), bow], crs="EPSG:32633")
    with pytest.raises(InputError, match=r"1 polygon is invalid, the first is number 2 \(Self-intersection"):
        read_polygons([frame], None, None)
    with pytest.raises(InputError, match="no field 'kind'; its fields are class"):
        read_polygons([frame], "kind", None)
    both = GeometryCollection([Point(0, 0), Point(1, 1)])
    mixed = gpd.GeoDataFrame({"class": ["a"]}, geometry=[both], crs="EPSG:32633")
    with pytest.raises(InputError, match="holds Geometrycollection geometries"):
        read_polygons([mixed], None, None)
    with pytest.raises(OptionError, match="buffer is for points and lines, but the labels are polygons"):
        read_polygons([polygons.path], None, None, 5.0)
    text = tmp_path / "broken.geojson"
    text.write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be read"):
        read_polygons([text], None, None)
    table = read_polygons([polygons.path], None, "zone")
    assert [c.name for c in table.vocabulary.classes] == list(polygons.names)
    assert len(table.group_names) == 12


def test_the_layer_of_polygons_is_found_beside_tables(polygons, tmp_path, recwarn):
    import pandas as pd
    import pyogrio

    path = tmp_path / "two.gpkg"
    pyogrio.write_dataframe(pd.DataFrame({"style": ["x"]}), path, layer="layer_styles")
    polygons.frame.to_file(path, layer="fields")
    assert len(read_polygons([path], None, None).codes) == len(polygons.frame)
    assert not [w for w in recwarn if "layer" in str(w.message)]
    polygons.frame.to_file(path, layer="more")
    with pytest.raises(InputError, match=r"several layers \(fields, more\)"):
        read_polygons([path], None, None)
