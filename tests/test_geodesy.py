"""Areas and lengths are those of the ellipsoid, whatever the CRS."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox
from odc.geo.xr import xr_coords
from pyproj import CRS, Geod, Transformer

from geoseg.geodesy import PixelGeodesy, pixel_sides
from tests.polygonize.polygon_helpers import array, polygonized


def placed(values, transform, crs):
    """A georeferenced class map."""
    return xr.DataArray(
        values, dims=("y", "x"), coords=xr_coords(GeoBox(values.shape, transform, crs), dims=("y", "x"))
    )


def geodesic(geometry, crs):
    """Area and perimeter on the ellipsoid of a polygon with a point every pixel."""
    crs = CRS(crs)
    to = Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    total_area = total_length = 0.0
    for sign, ring in [(1, geometry.exterior), *((-1, hole) for hole in geometry.interiors)]:
        points = np.asarray(ring.segmentize(ring.length / 4000).coords)
        area, length = crs.get_geod().polygon_area_perimeter(*to.transform(*points.T))
        total_area += sign * abs(area)
        total_length += length
    return total_area, total_length


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4326", Affine(0.01, 0, 10, 0, -0.01, 61)),
        ("EPSG:4326", Affine(0.5, 0, -170, 0, -0.5, 88)),
        ("EPSG:32633", Affine(500, 0, 300000, 0, -500, 6600000)),
        ("EPSG:3857", Affine(1000, 0, 1e6, 0, -1000, 9e6)),
        ("EPSG:3035", Affine(1000, 0, 4e6, 0, -1000, 3e6)),
        ("EPSG:2227", Affine(300, 0, 6e6, 0, -300, 2.1e6)),  # US survey feet
        ("EPSG:32633", Affine(300, 120, 300000, 100, -280, 6600000)),
        ("EPSG:3413", Affine(2000, 0, -1e5, 0, -2000, 1e5)),  # the pole lies inside
    ],
)
def test_area_and_perimeter_are_true(crs, transform):
    values = np.zeros((60, 50), np.uint8)
    values[10:40, 5:30] = 1
    values[20:30, 10:20] = 2
    frame = polygonized(17, placed(values, transform, crs))
    for row in frame.itertuples():
        area, length = geodesic(row.geometry, crs)
        # Rows of pixels follow parallels, the oracle's many short edges do so nearly.
        assert row.area_m2 == pytest.approx(area, rel=2e-5), row.class_id
        assert row.perimeter_m == pytest.approx(length, rel=2e-3), row.class_id


def test_area_of_the_whole_earth():
    values = np.zeros((180, 360), np.uint8)
    frame = polygonized(50, placed(values, Affine(1, 0, -180, 0, -1, 90), "EPSG:4326"))
    assert frame.area_m2.sum() == pytest.approx(510_065_621_724_089, rel=1e-9)
    square = Geod(ellps="WGS84").polygon_area_perimeter([0, 1, 1, 0], [0, 0, 1, 1])[0]
    assert frame.area_m2.sum() / square > 40_000


def test_area_in_equal_area_crs_is_planar():
    values = np.random.default_rng(0).integers(0, 2, (64, 64), dtype=np.uint8)
    frame = polygonized(10, placed(values, Affine(30, 0, 4e6, 0, -30, 3e6), "EPSG:3035"))
    assert np.allclose(frame.area_m2, frame.geometry.area, rtol=1e-6)


def test_without_crs_units_are_those_of_the_transform():
    values = np.array([[1, 1, 0]], np.uint8)
    frame = polygonized(1, array(values))
    assert sorted(frame.area_m2) == [1, 2]
    assert sorted(frame.perimeter_m) == [4, 6]
    assert frame.crs is None


def test_areas_do_not_depend_on_strips_to_the_last_bit():
    values = np.random.default_rng(0).integers(0, 3, (90, 70), dtype=np.uint8)
    source = placed(values, Affine(30, 0, 3e5, 0, -30, 6e6), "EPSG:32633")
    one, other = polygonized(7, source), polygonized(64, source)
    assert one.area_m2.equals(other.area_m2)
    assert one.perimeter_m.equals(other.perimeter_m)


def test_a_rows_area_is_the_sum_of_its_pixels():
    ground = PixelGeodesy(Affine(30, 0, 3e5, 0, -30, 6e6), "EPSG:32633", 1000, 800)
    areas = ground.areas(300, 310)
    row = areas.prefix[areas.table[3]]
    assert (row[-1] - row[0]) * areas.scale[3] * ground.unit == pytest.approx(800 * 900, rel=1e-3)


UTM = Affine(10, 0, 500000, 0, -20, 5400000)


@pytest.mark.parametrize(
    ("crs", "transform", "sides"),
    [
        ("EPSG:32633", UTM, (10 / 0.9996, 20 / 0.9996)),  # the scale on the central meridian of UTM
        # A parallel at 60° is half as long as the equator.
        ("EPSG:4326", Affine(0.001, 0, 10, 0, -0.001, 60), (111.319 / 2 * 1.0025, 111.412)),
        ("EPSG:4326", Affine(0.001, 0, 10, 0, -0.001, 0), (111.319, 110.574)),
        ("EPSG:3857", Affine(10, 0, 1e6, 0, -10, 8399737.89), (5 * 1.0025, 5 * 1.0008)),  # Mercator doubles 60°
        ("EPSG:2263", Affine(10, 0, 984250, 0, -10, 200000), (3.048, 3.048)),  # feet
        ("EPSG:32633", Affine(0, 10, 500000, 20, 0, 5400000), (20 / 0.9996, 10 / 0.9996)),  # turned by 90°
        ('LOCAL_CS["site",UNIT["metre",1]]', UTM, (10, 20)),
        ('LOCAL_CS["site",UNIT["foot",0.3048]]', UTM, (3.048, 6.096)),
    ],
)
def test_sides_of_a_pixel_in_metres(crs, transform, sides):
    assert pixel_sides(crs, transform, (10, 10)) == pytest.approx(sides, rel=1e-3)


def test_sides_are_measured_at_the_centre():
    north_up = Affine(0.01, 0, 0, 0, -0.01, 60)
    along = [pixel_sides("EPSG:4326", north_up, (rows, 10))[0] for rows in (2, 4000, 12000)]
    assert along[0] < along[1]
    assert along[2] == pytest.approx(1113.19, rel=1e-3)  # the equator


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        (None, UTM),
        ("EPSG:4326", None),
        ("EPSG:4326", Affine(0, 0, 0, 0, 0, 0)),
        ("EPSG:4326", Affine(1, 0, 0, 0, 1, 400)),
    ],
)
def test_no_ground(crs, transform):
    assert pixel_sides(crs, transform, (10, 10)) is None
