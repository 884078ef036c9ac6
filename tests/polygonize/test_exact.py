"""The set of polygons equals GDAL's of the whole raster, however it is cut into strips."""

from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
import rasterio.features
import shapely
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from tests.polygonize.polygon_helpers import PATTERNS, array, canonical, one_pass, polygonized


@st.composite
def rasters(draw):
    """Small rasters of few classes: random pixels, patterns, and patterns with random pixels changed."""
    shape = draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    classes = draw(st.integers(1, 4))
    values = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, classes - 1)))
    name = draw(st.sampled_from([None, *PATTERNS]))
    if name is None:
        return values
    pattern = np.asarray(PATTERNS[name](*shape)).astype(np.uint8)
    return np.where(draw(hnp.arrays(bool, shape, elements=st.sampled_from([False] * 5 + [True]))), values, pattern)


@given(rasters(), st.integers(1, 12), st.sampled_from([4, 8]))
@settings(max_examples=250)
def test_equals_one_pass(values, rows, connectivity):
    frame = polygonized(rows, values, connectivity=connectivity)
    assert canonical(frame.class_id, frame.geometry) == canonical(*one_pass(values, connectivity))
    assert shapely.is_valid(np.asarray(frame.geometry)).all()
    assert shapely.area(np.asarray(frame.geometry)).sum() == values.size


@given(rasters(), st.integers(1, 6), st.integers(7, 12), st.sampled_from([4, 8]))
@settings(max_examples=60)
def test_order_and_bytes_do_not_depend_on_strips(values, few, many, connectivity):
    first = polygonized(few, values, connectivity=connectivity)
    second = polygonized(many, values, connectivity=connectivity, workers=1)
    assert first.geometry.to_wkb().equals(second.geometry.to_wkb())
    assert first.drop(columns="geometry").equals(second.drop(columns="geometry"))


@given(rasters(), st.integers(1, 12))
@settings(max_examples=80)
def test_nodata_belongs_to_no_polygon(values, rows):
    frame = polygonized(rows, array(values, nodata=0))
    assert canonical(frame.class_id, frame.geometry) == canonical(*one_pass(values, mask=values != 0))


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("rows", [1, 3, 8, 64])
@pytest.mark.parametrize("connectivity", [4, 8])
def test_patterns(name, rows, connectivity):
    values = np.asarray(PATTERNS[name](24, 17)).astype(np.int32)
    frame = polygonized(rows, values, connectivity=connectivity)
    assert canonical(frame.class_id, frame.geometry) == canonical(*one_pass(values, connectivity))


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "float32", "bool"])
def test_every_whole_dtype(dtype):
    values = np.array([[0, 1, 1], [0, 0, 1], [1, 0, 0]]).astype(dtype)
    frame = polygonized(2, values)
    assert canonical(frame.class_id, frame.geometry) == canonical(*one_pass(values.astype(np.uint8)))


def test_all_256_values_of_a_byte_are_classes():
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    frame = polygonized(5, values)
    assert sorted(frame.class_id) == list(range(256))


def test_negative_and_wide_values():
    values = np.array([[-(2**31) + 1, 5], [2**31 - 1, -7]], np.int32)
    assert sorted(polygonized(1, values).class_id) == sorted(values.ravel().tolist())


@pytest.mark.parametrize("connectivity", [4, 8])
def test_a_large_noisy_map_gives_itself_back(connectivity):
    generator = np.random.default_rng(4)
    values = generator.integers(0, 3, (300, 400), dtype=np.uint8)
    values[100:200] = np.repeat(np.repeat(generator.integers(0, 3, (10, 40), dtype=np.uint8), 10, 0), 10, 1)
    frame = polygonized(37, values, connectivity=connectivity)
    assert canonical(frame.class_id, frame.geometry) == canonical(*one_pass(values, connectivity))
    pairs = zip(frame.geometry, frame.class_id + 1, strict=True)
    back = rasterio.features.rasterize(pairs, out_shape=values.shape, dtype=np.int32)
    assert np.array_equal(back, values.astype(np.int32) + 1)
