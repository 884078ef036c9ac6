"""Regular outlines: what is square comes back square, and nothing that touches is pulled apart."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import rasterio.features
import shapely
from hypothesis import given, settings
from scipy import ndimage
from shapely import affinity

from geoseg.errors import OptionError
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
    return np.asarray(
        polygonized(rows, array(values, nodata=0), **{"regularize": "square"} | options).geometry
    )


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


@given(
    st.one_of(maps(), towns()), st.sampled_from([None, 0.7, 1, 1.5, 3, 8]), st.integers(1, 8), st.booleans(),
    st.sampled_from(["square", "circle"]),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
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


def test_large_groups_keep_their_outlines_whatever_the_strips(monkeypatch):
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
