"""Regular outlines: what is square comes back square, and nothing that touches is pulled apart."""

from __future__ import annotations

import itertools

import hypothesis.strategies as st
import numpy as np
import pytest
import rasterio.features
import shapely
import xarray as xr
from hypothesis import example, given, settings
from shapely import affinity

from geoseg.errors import OptionError
from geoseg.polygonize import polygonize
from tests.polygonize.polygon_helpers import array, polygonized
from tests.polygonize.test_reshaped import maps


@st.composite
def towns(draw):
    """Rectangles of any direction, many of which touch or hide others."""
    side = draw(st.integers(8, 40))
    out = np.zeros((side, side), np.uint8)
    for number in range(1, draw(st.integers(2, 7))):
        box = affinity.rotate(
            shapely.box(0, 0, draw(st.integers(2, 25)), draw(st.integers(2, 25))), draw(st.integers(0, 90))
        )
        box = affinity.translate(box, draw(st.integers(-5, side)), draw(st.integers(-5, side)))
        rasterio.features.rasterize([(box, number)], out=out)
    return out


def turned(polygon, degrees, place=(50.2, 49.7)):
    """A polygon turned around its centroid, which is moved to a place."""
    centre = polygon.centroid
    polygon = affinity.rotate(polygon, degrees, origin=centre)
    return affinity.translate(polygon, place[0] - centre.x, place[1] - centre.y)


def burned(*polygons, shape=(100, 100)):
    """Pixels of polygons, numbered from 1."""
    return rasterio.features.rasterize([(one, k) for k, one in enumerate(polygons, 1)], out_shape=shape, dtype="uint8")


def regular(values, rows=64, **options):
    """The regular outlines of all that is not 0."""
    return np.asarray(polygonized(rows, array(values, nodata=0), **{"regularize": "square"} | options).geometry)


def iou(one, two):
    return shapely.area(shapely.intersection(one, two)) / shapely.area(shapely.union(one, two))


def right_angles(polygon) -> bool:
    """Whether all corners of a polygon are of 90°."""
    for ring in [polygon.exterior, *polygon.interiors]:
        steps = np.diff(np.asarray(ring.coords), axis=0)
        steps /= np.hypot(*steps.T)[:, None]
        if np.abs((steps * np.roll(steps, 1, 0)).sum(1)).max() > 0.005:
            return False
    return True


# fmt: off
MEETING = np.array([
    [int(value) for value in line] for line in (
        "001111011221111", "222210012210000", "212210222100000", "222202201211000",
        "212202210110001", "210100200222221", "221000111222222", "210012222210121",
    )
], np.uint8)
# fmt: on
"""Classes that meet in threes: the neighbours of an edge on its one side are not those on its other side."""


@given(
    st.one_of(maps(), towns()), st.sampled_from([None, 0.7, 1, 1.5, 3, 8]), st.integers(1, 8), st.booleans(),
    st.sampled_from(["square", "circle"]),
)  # fmt: skip
@example(MEETING, None, 8, False, "square")
@settings(max_examples=30, deadline=None)
def test_regular_outlines_stay_coverages(values, tolerance, rows, with_nodata, kind):
    source = array(values, nodata=0) if with_nodata else array(values)
    before = polygonized(64, source)
    after = polygonized(rows, source, simplify=tolerance, regularize=kind)
    whole = polygonized(64, source, simplify=tolerance, regularize=kind, workers=1)
    assert after.geometry.to_wkb().equals(whole.geometry.to_wkb())
    old, new = np.asarray(before.geometry), np.asarray(after.geometry)
    assert shapely.is_valid(new).all()
    assert (shapely.area(new) > 0).all()
    assert shapely.coverage_is_valid(new)
    assert sorted(after.class_id) == sorted(before.class_id)
    # The same polygons, each within the tolerance of what was traced.
    near = shapely.STRtree(shapely.boundary(new)).query(shapely.boundary(old), "dwithin", distance=1e-9 + 4 * 30)
    distance = shapely.hausdorff_distance(shapely.boundary(old[near[0]]), shapely.boundary(new[near[1]]))
    best = np.full(len(old), np.inf)
    np.minimum.at(best, near[0], distance)
    assert best.max(initial=0) <= (tolerance or 2) + 1e-3


def test_large_groups_keep_their_outlines_whatever_the_strips(monkeypatch, tmp_path):
    from geoseg.polygonize.regular import groups

    monkeypatch.setattr(groups, "MOST_PIXELS", 1000)
    big, small = [turned(shapely.box(0, 0, 30, w), 20, c) for w, c in ((50, (35, 40)), (14, (80, 60)))]
    values = burned(big, turned(shapely.box(0, 0, 4, 50), 20, (54, 33)), small)
    found = [regular(values, rows) for rows in (3, 64)]
    assert shapely.equals_exact(*found).all()
    counts = sorted(shapely.get_num_coordinates(found[0]))
    assert counts[0] == 5
    assert counts[1] > 30
    assert shapely.coverage_is_valid(found[0])
    source = array(values, nodata=0)
    assert any(
        "stay along the pixels" in note for note in polygonize(source, tmp_path / "a.fgb", regularize="square").notes
    )
    assert not any("stay along" in note for note in polygonize(source, tmp_path / "b.fgb").notes)


@pytest.mark.parametrize("radius", [4.3, 11.0, 27.5])
def test_a_disc_comes_back_as_a_circle_of_its_area(radius):
    disc = shapely.Point(50.3, 49.8).buffer(radius, 64)
    pixels = burned(disc)
    (found,) = regular(pixels, regularize="circle", simplify=1.0)
    distance = shapely.distance(shapely.points(shapely.get_coordinates(found)), found.centroid)
    assert np.ptp(distance) < 0.01
    assert found.area == pytest.approx(pixels.sum(), rel=1e-3)
    assert iou(found, disc) > 1 - 1.2 / radius**1.5
    square = turned(shapely.box(0, 0, 40, 40), 30)
    assert shapely.get_num_coordinates(regular(burned(square), regularize="circle", simplify=2.0)[0]) < 10


ELL = shapely.Polygon([(0, 0), (40, 0), (40, 16), (16, 16), (16, 40), (0, 40)])
COURT = shapely.box(0, 0, 60, 44).difference(shapely.box(14, 12, 44, 30))
HORSESHOE = shapely.box(0, 0, 50, 44).difference(shapely.box(16, 14, 34, 44))
SHAPES = st.one_of(
    st.tuples(st.floats(14, 60), st.floats(14, 60)).map(lambda size: shapely.box(0, 0, *size)),
    st.sampled_from([ELL, COURT, HORSESHOE]),
)


@given(SHAPES, st.floats(0, 90), st.floats(-0.5, 0.5), st.floats(-0.5, 0.5))
@settings(max_examples=30, deadline=None)
def test_a_square_shape_comes_back_with_its_corners(shape, degrees, right, down):
    truth = turned(shape, degrees, (50 + right, 50 + down))
    pixels = burned(truth)
    (found,) = regular(pixels)
    assert shapely.get_num_coordinates(found) == shapely.get_num_coordinates(truth)
    assert right_angles(found)
    assert found.area == pytest.approx(pixels.sum(), rel=0.06)
    traced = polygonized(64, array(pixels, nodata=0)).geometry.iloc[0]
    assert iou(found, truth) > iou(traced, truth) - 0.03
    corners = shapely.points(shapely.get_coordinates(truth))
    assert shapely.distance(corners, shapely.MultiPoint(shapely.get_coordinates(found))).max() < 2


@pytest.mark.parametrize("degrees", [0, 7, 24, 45, 81])
def test_houses_of_a_terrace_share_walls_and_facades(degrees):
    houses = [turned(shapely.box(0, 0, 14, 24), degrees, (0, 0)) for _ in range(5)]
    step = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]) * 14
    houses = [affinity.translate(one, *(np.array([50, 50]) + (k - 2) * step)) for k, one in enumerate(houses)]
    found = regular(burned(*houses))
    assert shapely.get_num_coordinates(found).tolist() == [5] * 5
    assert all(map(right_angles, found))
    assert shapely.coverage_is_valid(found)
    block = shapely.union_all(found, grid_size=0.002)
    assert shapely.get_num_coordinates(shapely.simplify(block, 0.01)) == 5  # one facade
    shared = [shapely.length(shapely.intersection(a, b)) for a, b in itertools.combinations(found, 2)]
    assert sorted(np.round(shared) > 20) == [False] * 6 + [True] * 4


def test_what_the_raster_cuts_stays_cut():
    values = burned(turned(shapely.box(0, 0, 60, 20), 20, (92, 50)), turned(shapely.box(0, 0, 30, 20), 70, (20, 96)))
    found = regular(values)
    assert shapely.bounds(found)[:, :2].min() >= 0
    assert shapely.bounds(found)[:, 2:].max() == 100
    assert shapely.get_num_coordinates(found).tolist() == [5, 5]


def test_the_tolerance_is_in_metres_on_the_ground():
    from affine import Affine
    from odc.geo.geobox import GeoBox
    from odc.geo.xr import xr_coords

    # At 60° north a degree of longitude is half as long as one of latitude.
    box = GeoBox((100, 100), Affine(8e-6, 0, 10.0, 0, -4e-6, 60.0), "EPSG:4326")
    truth = turned(ELL, 33)
    pixels = xr.DataArray(burned(truth), coords=xr_coords(box), dims=("latitude", "longitude"), attrs={"nodata": 0})
    (found,) = polygonized(64, pixels, regularize="square", simplify=1.0).geometry
    pixel = affinity.affine_transform(found, [1 / 8e-6, 0, 0, -1 / 4e-6, -10 / 8e-6, 60 / 4e-6])
    assert shapely.get_num_coordinates(found) == 7
    assert right_angles(pixel)
    assert iou(pixel, truth) > 0.97


def test_options_that_make_no_sense_are_refused():
    values = array(np.eye(4, dtype=np.uint8), nodata=0)
    with pytest.raises(OptionError, match="use one of square, circle"):
        polygonized(4, values, regularize="oval")
    with pytest.raises(OptionError, match="smooth and regularize exclude each other"):
        polygonized(4, values, regularize="square", smooth=True)
    with pytest.raises(OptionError, match="needs connectivity 4"):
        polygonized(4, values, regularize="square", connectivity=8)
