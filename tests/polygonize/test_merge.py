"""What windows say about objects is merged so that each object is there once, however the scene is cut."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.features import rasterize
from rasterio.features import shapes as traced
from shapely import affinity

from geoseg.models.boxes.detections import Detections
from geoseg.polygonize import polygonize
from geoseg.polygonize.boxes import regular as boxes_regular
from geoseg.polygonize.boxes.merge import Lattice, merge
from geoseg.polygonize.boxes.regular import regular
from geoseg.polygonize.reshape import ReshapeOptions
from geoseg.tiling import Tiling

STRIDE = 8


@st.composite
def tilings(draw):
    height, width = draw(st.integers(1, 260)), draw(st.integers(1, 260))
    keep, margin = STRIDE * draw(st.integers(2, 10)), STRIDE * draw(st.integers(2, 7))
    block = draw(st.integers(8, 300))
    return Tiling(height, width, keep, margin, block, STRIDE, STRIDE)


def crowd(tiling, seed, count, most, *, apart=0.5):
    """Boxes in a scene, of different sizes, of which no two overlap by an IoU of ``apart`` or more."""
    rng = np.random.default_rng(seed)
    size = rng.integers(1, most + 1, (count, 2))
    size = np.minimum(size, [tiling.height, tiling.width])
    corner = (rng.random((count, 2)) * (np.array([tiling.height, tiling.width]) - size + 1)).astype(int)
    boxes = np.hstack([corner, corner + size]).astype(float)
    kept = []
    for box in boxes:
        if all(iou(box, other) < apart for other in kept):
            kept.append(box)
    return np.array(kept).reshape(-1, 4)


def iou(one, other):
    sides = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    shared = np.prod(np.maximum(sides, 0))
    return shared / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared)


def seen(boxes, tiling, *, rng=None, jitter=0.0, part=0.2):
    """What a detector says that sees an object if ``part`` of it is in its window; and which object each is."""
    lattice, parts, names = Lattice(tiling), [], []
    for row in range(len(lattice.rows)):
        for col in range(len(lattice.cols)):
            read = lattice.reads(np.array([[row, col]]))[0]
            inside = np.hstack([np.maximum(boxes[:, :2], read[:2]), np.minimum(boxes[:, 2:], read[2:])])
            sides = np.maximum(inside[:, 2:] - inside[:, :2], 0)
            visible = np.flatnonzero(np.prod(sides, 1) >= part * np.prod(boxes[:, 2:] - boxes[:, :2], 1))
            found = inside[visible]
            if rng is not None:
                found = found + rng.uniform(-jitter, jitter, found.shape)
                found = np.hstack([np.maximum(found[:, :2], read[:2]), np.minimum(found[:, 2:], read[2:])])
            score = np.full(len(found), 0.5) if rng is None else rng.random(len(found))
            windows = np.tile([[row, col]], (len(found), 1))
            parts.append(detections(found, score, np.ones(len(found)), windows))
            names.append(visible)
    return Detections.joined(parts), np.concatenate(names)


def detections(boxes, scores, classes, windows, **more):
    cut = np.zeros(len(boxes), bool)
    return Detections(
        np.float32(boxes), np.float32(scores), np.uint8(classes), np.asarray(windows, np.int64), cut, **more
    )


def shuffled(found, order):
    return detections(found.boxes[order], found.scores[order], found.classes[order], found.windows[order])


@settings(max_examples=120, deadline=None)
@given(tilings(), st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_windows_of_any_size_find_what_one_pass_over_the_scene_finds(tiling, seed, count):
    boxes = crowd(tiling, seed, count, 2 * tiling.margin - 1)
    found, _ = seen(boxes, tiling)
    order = np.random.default_rng(seed).permutation(len(found))
    result = merge(shuffled(found, order), tiling)
    once = found.boxes[order[result.kept]]
    assert sorted(map(tuple, once.tolist())) == sorted(map(tuple, boxes.tolist()))
    # The same rows in the same order, whatever the order of arrival.
    again = found.boxes[merge(found, tiling).kept]
    np.testing.assert_array_equal(once, again)


@settings(max_examples=120, deadline=None)
@given(tilings(), st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_windows_that_disagree_a_little_neither_double_nor_lose_nor_fuse(tiling, seed, count):
    jitter = 0.75
    boxes = crowd(tiling, seed, count, 2 * tiling.margin - 4, apart=0.2)
    boxes = boxes[(boxes[:, 2:] - boxes[:, :2] >= 9).all(1)] if len(boxes) else boxes
    found, names = seen(boxes, tiling, rng=np.random.default_rng(seed), jitter=jitter)
    result = merge(found, tiling)
    assert sorted(names[result.kept].tolist()) == list(range(len(boxes)))
    # The whole object, not the part of it that another window saw.
    assert np.abs(found.boxes[result.kept] - boxes[names[result.kept]]).max(initial=0) <= jitter + 1e-3


def test_a_row_of_overlapping_objects_is_not_chained():
    tiling = Tiling(40, 400, 64, 32, 400, STRIDE, STRIDE)
    left = np.arange(0, 360, 7.0)  # each overlaps the next by an IoU of 0.54, the one after by 0.26
    boxes = np.stack([np.full_like(left, 5), left, np.full_like(left, 25), left + 24], 1)
    found, names = seen(boxes, tiling, rng=np.random.default_rng(0), jitter=0.5)
    assert sorted(names[merge(found, tiling).kept].tolist()) == list(range(len(boxes)))


def test_the_window_that_sees_most_around_an_object_is_believed():
    tiling = Tiling(64, 128, 64, 32, 64, STRIDE, STRIDE)
    boxes = np.float32([[20, 55, 30, 72.5], [20, 54, 30, 71]])  # both at home: centres at columns 63.75 and 62.5
    boxes[0] += [0, 1, 0, 1]
    found = detections(boxes, [0.4, 0.9], [1, 2], [[0, 1], [0, 0]])
    (kept,) = merge(found, tiling).kept
    # Window 0 reads columns 0…95, window 1 columns 32…127: 25 px beyond the box in the one, 24 in the other.
    assert kept == 1


@pytest.mark.parametrize(("side", "cut"), [(40, 0), (150, 1)])
def test_objects_that_no_window_sees_whole_are_told(side, cut):
    tiling = Tiling(300, 300, 64, 32, 300, STRIDE, STRIDE)
    boxes = np.array([[75.0, 75, 75 + side, 75 + side]])
    found, _ = seen(boxes, tiling)
    assert merge(found, tiling).cut.sum() >= cut
    if not cut:
        assert not merge(found, tiling).cut.any()


def test_nothing_found_is_nothing():
    result = merge(Detections.none(), Tiling(100, 100, 32, 16))
    assert not len(result.kept)
    assert not len(result.cut)


def test_detections_survive_their_file():
    boxes = [[0.5, 1, 3.2, 4], [7, 7, 9, 12]]
    found = detections(boxes, [0.2, 0.9], [1, 3], [[0, 0], [2, 1]], bits=np.uint8([7, 9]), full=np.float32([0.3]))
    again = Detections.from_bytes(found.to_bytes())
    for name in ("boxes", "scores", "classes", "windows", "cut", "bits", "full"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    with pytest.raises(ValueError, match="no file of detections"):
        Detections.from_bytes(found.to_bytes()[:50])


@settings(max_examples=60)
@given(st.floats(0, 179.9), st.floats(2, 40), st.floats(0.2, 0.9))
def test_the_smallest_rectangle_is_measured_however_it_is_turned(angle, long, ratio):
    import shapely
    from affine import Affine

    from geoseg.geodesy import PixelGeodesy
    from geoseg.polygonize.boxes.shapes import measure

    # Pixels of 0.5 × 0.25 m without a CRS; the long side points `angle` degrees clockwise from the columns' upper end.
    ground = PixelGeodesy(Affine(0.5, 0, 0, 0, -0.25, 0), None, 400, 400)
    rectangle = shapely.box(-long * ratio / 2, -long / 2, long * ratio / 2, long / 2)
    turned = affinity.rotate(rectangle, angle, origin=(0, 0))  # x to the right, y down: clockwise as seen
    pixels = shapely.affinity.affine_transform(turned, [2, 0, 0, 4, 200, 200])
    found = measure(np.array([pixels], object), ground)
    assert found.width[0] == pytest.approx(long, rel=1e-6)
    assert found.height[0] == pytest.approx(long * ratio, rel=1e-6)
    assert abs((found.angle[0] - angle + 90) % 180 - 90) < 1e-3
    assert found.perimeter[0] == pytest.approx(2 * long * (1 + ratio), rel=1e-6)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.sampled_from(["square", "circle"]))
def test_each_mask_becomes_as_regular_as_it_would_alone(seed, count, shape):
    """Masks that overlap one another, beside a class map that holds one of them and nothing else."""
    rng = np.random.default_rng(seed)
    masks, shapes = [], []
    for _ in range(count):
        turned = affinity.rotate(shapely.box(0, 0, *rng.uniform(6, 50, 2)), rng.uniform(0, 90))
        disc = shapely.Point(0, 0).buffer(rng.uniform(4, 30))
        shifted = affinity.translate(turned if shape == "square" else disc, *rng.uniform(40, 80, 2))
        masks.append(rasterize([shifted], (140, 150), dtype="uint8"))
        pieces = traced(masks[-1], mask=masks[-1] > 0, connectivity=4)
        shapes.append(max((shapely.geometry.shape(piece) for piece, _ in pieces), key=lambda one: one.area))
    shapes = np.array(shapes, object)
    options = ReshapeOptions(1.0, regularize=shape)
    with patch.object(boxes_regular, "_PIXELS", 300_000):  # sheets of a few masks
        found = regular(shapes, options, (0.5, 0.5))
    for mask, one, new in zip(masks, shapes, found, strict=True):
        alone = rasterize([one], mask.shape, dtype="uint8")
        frame = polygonize(xr.DataArray(alone, dims=("y", "x"), attrs={"nodata": 0}), simplify=2, regularize=shape)
        (expected,) = frame.geometry
        assert shapely.equals_exact(shapely.normalize(new), shapely.normalize(expected), 1e-6)
        assert shapely.hausdorff_distance(new.exterior, one.exterior, 0.05) <= 2.001
