"""Which pixels polygons, lines and points label, against geometry computed pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from geoseg.raster.burn import buffered, burn, thin
from geoseg.raster.files.georeference import Grid

ROWS, COLS = 9, 12
MAP = Affine(10, 0, 1000, 0, -10, 5000)

# Thousandths of a pixel off its borders: there, which side wins is a matter of rounding.
INSIDE = st.tuples(st.integers(-20, (COLS + 2) * 10 - 1), st.integers(-20, (ROWS + 2) * 10 - 1)).map(
    lambda p: MAP * (p[0] / 10 + 0.05, p[1] / 10 + 0.05)
)
POINTS = INSIDE.map(shapely.Point)
LINES = st.lists(INSIDE, min_size=2, max_size=4, unique=True).map(shapely.LineString)
POLYGONS = st.tuples(INSIDE, st.integers(2, 40)).map(lambda p: shapely.Point(p[0]).buffer(p[1] + 0.123))


def _labelled(geometry, row, col) -> bool:
    """Whether a geometry labels a pixel, by its definition."""
    (west, north), (east, south) = MAP * (col, row), MAP * (col + 1, row + 1)
    pixel = shapely.box(west, south, east, north)
    if geometry.geom_type == "Polygon":
        return geometry.contains(pixel.centroid)
    return geometry.intersects(pixel)


@settings(max_examples=40)
@given(geometries=st.lists(st.one_of(POINTS, LINES, POLYGONS), min_size=1, max_size=6))
def test_the_last_geometry_that_labels_a_pixel_wins(geometries):
    found = burn(np.array(geometries, object), MAP, (ROWS, COLS))
    wanted = np.full((ROWS, COLS), -1)
    for number, geometry in enumerate(geometries):
        for row, col in np.ndindex(ROWS, COLS):
            if _labelled(geometry, row, col):
                wanted[row, col] = number
    # A line through the very corner of a pixel may or may not count.
    corners = [MAP * (c, r) for c in range(COLS + 1) for r in range(ROWS + 1)]
    near = shapely.multipoints(corners)
    if any(g.geom_type == "LineString" and g.distance(near) < 1e-6 for g in geometries):
        return
    assert np.array_equal(found, wanted)


@settings(max_examples=20)
@given(
    geometries=st.lists(st.one_of(POINTS, LINES, POLYGONS), min_size=1, max_size=6),
    row=st.integers(0, ROWS - 2),
    col=st.integers(0, COLS - 2),
)
def test_windows_burn_as_the_whole(geometries, row, col):
    whole = burn(np.array(geometries, object), MAP, (ROWS, COLS))
    part = burn(np.array(geometries, object), MAP * Affine.translation(col, row), (ROWS - row, COLS - col))
    assert np.array_equal(part, whole[row:, col:])


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:32633", Affine(10, 0, 500000, 0, -10, 5400000)),
        ("EPSG:4326", Affine(1e-4, 0, 15, 0, -1e-4, 60)),
        ("EPSG:3857", Affine(10, 0, 1_669_792, 0, -10, 8_399_738)),
        ("EPSG:32633", Affine(8, 6, 500000, 6, -8, 5400000)),
    ],
)
def test_buffers_are_metres_on_the_ground(crs, transform):
    grid = Grid(200, 200, transform, CRS.from_string(crs))
    centre = transform * (100, 100)
    shapes = np.array([shapely.Point(centre), shapely.box(*centre, centre[0] + 1, centre[1] + 1)], object)
    area, polygon = buffered(shapes, 30.0, grid)
    assert polygon is shapes[1]
    from pyproj import Geod, Transformer

    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*area.exterior.xy)
    here = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(*centre)
    geod = Geod(ellps="WGS84")
    distances = [geod.inv(*here, x, y)[2] for x, y in zip(lon, lat, strict=True)]
    assert distances == pytest.approx([30.0] * len(distances), rel=0.01)


def test_buffers_are_pixels_without_crs():
    line = shapely.LineString([(10, 10), (20, 10)])
    (area,) = buffered(np.array([line], object), 2.0, Grid(50, 50, Affine.scale(0.5, 0.5), None))
    assert area.bounds == pytest.approx((9, 9, 21, 11))


def test_points_and_lines_have_no_area():
    shapes = [
        shapely.Point(0, 0),
        shapely.MultiPoint([(0, 0)]),
        shapely.LineString([(0, 0), (1, 1)]),
        shapely.box(0, 0, 1, 1),
    ]
    assert thin(np.array(shapes, object)).tolist() == [True, True, True, False]
