"""The guarantees of minimum mapping unit, simplification and smoothing, on small maps of every kind."""

from __future__ import annotations

import geopandas as gpd
import hypothesis.strategies as st
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from scipy import ndimage

import geoseg
from geoseg.classes import MapClass
from tests.polygonize.polygon_helpers import PATTERNS, array, canonical, polygonized


@st.composite
def maps(draw, side=20):
    """Random pixels, blobs and patterns."""
    shape = draw(st.tuples(st.integers(1, side), st.integers(1, side)))
    kind = draw(st.sampled_from(["pixels", "blobs", *PATTERNS]))
    if kind == "pixels":
        return draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, 3)))
    if kind == "blobs":
        generator = np.random.default_rng(draw(st.integers(0, 2**32)))
        field = ndimage.gaussian_filter(generator.standard_normal(shape), draw(st.floats(0.5, 3)))
        return np.digitize(field, np.quantile(field, [0.3, 0.6])).astype(np.uint8)
    return np.asarray(PATTERNS[kind](*shape)).astype(np.int32)


@given(
    maps(), st.sampled_from([None, 0.5, 0.8, 1, 1.5, 2, 4, 30]), st.booleans(), st.integers(1, 8), st.booleans(),
)  # fmt: skip
@settings(max_examples=300)
def test_simplified_and_smoothed_maps_stay_coverages(values, tolerance, smooth, rows, with_nodata):
    source = array(values, nodata=0) if with_nodata else array(values)
    before = polygonized(64, source)
    after = polygonized(rows, source, simplify=tolerance, smooth=smooth or tolerance is None)
    geometries = np.asarray(after.geometry)
    assert after.class_id.equals(before.class_id)
    assert shapely.is_valid(geometries).all()
    assert (shapely.area(geometries) > 0).all()
    assert shapely.coverage_is_valid(geometries)
    holes = shapely.get_num_interior_rings
    assert np.array_equal(holes(geometries), holes(np.asarray(before.geometry)))
    whole = polygonized(64, source, simplify=tolerance, smooth=smooth or tolerance is None, workers=1)
    assert after.geometry.to_wkb().equals(whole.geometry.to_wkb())


@given(maps(), st.sampled_from([0.6, 1, 2, 5]))
@settings(max_examples=60)
def test_no_boundary_strays_farther_than_the_tolerance(values, tolerance):
    before = shapely.boundary(np.asarray(polygonized(64, values).geometry))
    after = shapely.boundary(np.asarray(polygonized(64, values, simplify=tolerance).geometry))
    # Vertices of the raster lie within the tolerance of what replaces them.
    for old, new in zip(before, after, strict=True):
        points = shapely.points(shapely.get_coordinates(old))
        assert shapely.distance(points, new).max() <= tolerance + 1e-9


def test_simplifying_a_noisy_diagonal_halves_its_vertices():
    row, col = np.indices((200, 200))
    values = (col > row + np.random.default_rng(0).integers(0, 2, (200, 1))).astype(np.uint8)
    before, after = polygonized(64, values), polygonized(64, values, simplify=1.5)
    count = [shapely.get_num_coordinates(np.asarray(frame.geometry)).sum() for frame in (before, after)]
    assert count[1] < 0.1 * count[0]


def test_smoothing_turns_stairs_into_a_slope():
    values = np.tril(np.ones((50, 50), np.uint8))
    frame = polygonized(64, values, smooth=True)
    # 49 steps: √2 a step instead of 2.
    shared = shapely.length(shapely.intersection(*np.asarray(frame.geometry)))
    assert shared == pytest.approx(49 * np.sqrt(2), rel=0.03)


@pytest.mark.parametrize("connectivity", [4, 8])
def test_eight_connected_maps_are_valid_too(connectivity):
    values = np.random.default_rng(1).integers(0, 2, (40, 40), dtype=np.uint8)
    frame = polygonized(7, values, connectivity=connectivity, simplify=1.2, smooth=True)
    assert shapely.is_valid(np.asarray(frame.geometry)).all()
    assert len(frame) == len(polygonized(64, values, connectivity=connectivity))


def dissolved_naively(values, least, keep, nodata, connectivity):
    """The rule of ``minimum_mapping_unit``, applied to the raster one region at a time."""
    values = values.astype(int).copy()
    valid = np.ones(values.shape, bool) if nodata is None else values != nodata
    structure = np.ones((3, 3)) if connectivity == 8 else None
    index = np.arange(values.size).reshape(values.shape)
    while True:
        labels, count = np.zeros(values.shape, int), 0
        for value in np.unique(values[valid]):
            found, number = ndimage.label((values == value) & valid, structure=structure)
            labels[found > 0] = found[found > 0] + count
            count += number
        padded = np.pad(labels, 1)
        shared: dict[int, dict[int, int]] = {}
        for axis in (0, 1):
            a, b = padded[1:] if axis == 0 else padded[:, 1:], padded[:-1] if axis == 0 else padded[:, :-1]
            for one, two in zip(a[(a != b) & (a > 0) & (b > 0)], b[(a != b) & (a > 0) & (b > 0)], strict=True):
                for x, y in ((one, two), (two, one)):
                    shared.setdefault(x, {})[y] = shared.setdefault(x, {}).get(y, 0) + 1
        area = np.bincount(labels.ravel(), minlength=count + 1)
        last = {region: index[labels == region].max() for region in range(1, count + 1)}
        kind = {region: values[labels == region][0] for region in range(1, count + 1)}
        for region in sorted(last, key=lambda r: (area[r], last[r])):
            if area[region] < least and kind[region] not in keep and region in shared:
                lengths = shared[region]
                best = max(lengths, key=lambda r: (lengths[r], area[r], -last[r]))
                values[labels == region] = kind[best]
                break
        else:
            return values


@given(
    maps(side=9), st.integers(2, 12), st.sampled_from([(), (1,)]), st.sampled_from([None, 0]), st.integers(1, 9),
    st.sampled_from([4, 8]),
)  # fmt: skip
@settings(max_examples=120)
def test_minimum_mapping_unit_follows_its_rule(values, least, keep, nodata, rows, connectivity):
    attributes = {} if nodata is None else {"nodata": nodata}
    found = polygonized(rows, array(values, **attributes), min_area=least, keep=keep, connectivity=connectivity)
    expected = dissolved_naively(values, least, keep, nodata, connectivity).astype(np.int32)
    wanted = polygonized(64, array(expected, **attributes), connectivity=connectivity)
    assert canonical(found.class_id, found.geometry) == canonical(wanted.class_id, wanted.geometry)


def test_minimum_mapping_unit_and_simplification_together():
    values = np.random.default_rng(3).integers(0, 4, (120, 90), dtype=np.uint8)
    frame = polygonized(16, values, min_area=9, simplify=1, smooth=True)
    assert shapely.coverage_is_valid(np.asarray(frame.geometry))
    exact = polygonized(50, values, min_area=9)
    assert len(frame) == len(exact)
    assert exact.area_m2.min() >= 9


@pytest.mark.parametrize("simplify", [None, 0.5, 12])
def test_areas_that_new_outlines_change_are_told(tmp_path, simplify):
    """Islands of 3 × 3 pixels in a sea: the note states what the areas of the written polygons and pixels say."""
    values = np.zeros((120, 120), np.uint8)
    for row, col in np.random.default_rng(5).integers(2, 110, (60, 2)):
        values[row : row + 3, col : col + 3] = 1
        values[row + 3, col + 1] = 1
    path = tmp_path / "map.gpkg"
    names = [MapClass(0, "sea", "#0000ff"), MapClass(1, "island", "#00ff00")]
    summary = geoseg.polygonize(array(values), path, simplify=simplify, names=names)
    areas = gpd.read_file(path, layer=0).dissolve("class_id").area
    changes = {number: areas[number] / (values == number).sum() - 1 for number in (0, 1)}
    (*_, note) = ("", *(note for note in summary.notes if "change areas" in note))
    assert ("island by" in note) == (abs(changes[1]) > 0.05) == (simplify == 12), changes
    assert ("sea by" in note) == (abs(changes[0]) > 0.05)
    if note:
        assert f"island by {100 * changes[1]:+.0f} %" in note, (changes, note)
