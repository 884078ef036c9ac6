"""Where: files, boxes and WKT."""

from __future__ import annotations

import doctest
import importlib

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Transformer

from geoseg.errors import InputError
from geoseg.raster.catalog.place import read_place, within_degrees

TRIANGLE = shapely.Polygon([(500_000, 5_800_000), (510_000, 5_800_000), (505_000, 5_806_000)])


def test_file_wkt_and_box_are_the_same_place(tmp_path):
    path = tmp_path / "place.gpkg"
    gpd.GeoDataFrame(geometry=[TRIANGLE], crs="EPSG:32633").to_file(path)
    of_file, of_wkt = read_place(str(path)), read_place(f"SRID=32633;{TRIANGLE.wkt}")
    to_degrees = Transformer.from_crs(32633, 4326, always_xy=True)
    wanted = shapely.transform(shapely.segmentize(TRIANGLE, 50), to_degrees.transform, interleaved=False)
    for place in (of_file, of_wkt):
        assert place.area.symmetric_difference(wanted).area < 1e-6 * wanted.area
        assert not place.is_box
        assert place.in_crs("EPSG:32633", "x").symmetric_difference(TRIANGLE).area < 1e-6 * TRIANGLE.area
    box = read_place(",".join(map(str, wanted.bounds)))
    assert box.is_box
    np.testing.assert_allclose(box.bounds, wanted.bounds)


def test_antimeridian():
    place = read_place("179,-17,-178,-16")
    assert place.bounds == (179, -17, -178, -16)
    assert place.area.area == pytest.approx(3)
    beyond = within_degrees(shapely.box(179, -17, 182, -16))
    around = within_degrees(shapely.Polygon([(179, -17), (-178, -17), (-178, -16), (179, -16)]))
    for area in (beyond, around):
        assert area.symmetric_difference(place.area).area < 1e-9
    assert not read_place("-179,-10,179,10").crosses


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nowhere.gpkg", "is no place"),
        ("1,2,3", "four numbers"),
        ("3,4,1,2,5", "four numbers"),
        ("1,5,2,5", "is empty"),
        ("500000,5800000,510000,5810000", "are no degrees"),
        ("nan,1,2,3", "four numbers"),
        ("POINT (1 2)", "needs polygons"),
        ("POLYGON ((1 2, 3", "no valid WKT"),
        ("POLYGON ((1 2, 1 3, 1 4, 1 2))", "polygons"),
        ("POLYGON EMPTY", "needs polygons"),
        ("SRID=32633;POLYGON ((1e9 1e9, 2e9 1e9, 2e9 2e9, 1e9 1e9))", "outside"),
        ("https://host/place.gpkg", "is no place"),
        ("", "is no place"),
    ],
)
def test_what_is_no_place(text, message):
    with pytest.raises(InputError, match=message):
        read_place(text)


def test_files_that_are_no_place(tmp_path):
    frame = gpd.GeoDataFrame(geometry=[TRIANGLE], crs="EPSG:32633")
    frame.to_file(tmp_path / "two.gpkg", layer="a")
    frame.to_file(tmp_path / "two.gpkg", layer="b")
    with pytest.raises(InputError, match=r"2 layers with geometries \(a, b\)"):
        read_place(str(tmp_path / "two.gpkg"))
    gpd.GeoDataFrame(geometry=[TRIANGLE]).to_file(tmp_path / "none.gpkg")
    with pytest.raises(InputError, match="has no CRS"):
        read_place(str(tmp_path / "none.gpkg"))
    gpd.GeoDataFrame(geometry=[TRIANGLE.boundary], crs="EPSG:32633").to_file(tmp_path / "line.gpkg")
    with pytest.raises(InputError, match="needs polygons"):
        read_place(str(tmp_path / "line.gpkg"))


@pytest.mark.parametrize(
    "module",
    ["errors.secrets", "raster.gdal.addresses", "raster.catalog.api", "raster.catalog.catalogs", "raster.catalog.cover",
     "raster.catalog.place", "models.imports.described"],
)  # fmt: skip
def test_examples(module):
    failed, tried = doctest.testmod(importlib.import_module(f"geoseg.{module}"))
    assert tried
    assert not failed
