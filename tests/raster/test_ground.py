"""Pixels are as large as they are on the ground, whatever their CRS says."""

from __future__ import annotations

import pytest
from affine import Affine

from geoseg.raster.ground import pixel_sides

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


def test_the_centre_counts():
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
