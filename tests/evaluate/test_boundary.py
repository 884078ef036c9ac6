"""Boundary F1 against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geoseg.evaluate.boundary import BoundaryCounts, boundary_counts, halo_of

SHAPES = st.tuples(st.integers(1, 14), st.integers(1, 14))
MAPS = SHAPES.flatmap(
    lambda shape: st.tuples(
        *[arrays(np.int16, shape, elements=st.integers(0, 3))] * 2,
        arrays(np.bool_, shape),
        st.sampled_from([0, 1, 1.5, 2, 3.7]),
    )
)


def _boundary(values):
    """Coordinates of boundary pixels by class, pixel by pixel."""
    found = {}
    height, width = values.shape
    for row in range(height):
        for col in range(width):
            own = values[row, col]
            sides = [(row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)]
            near = [values[r, c] for r, c in sides if 0 <= r < height and 0 <= c < width]
            if own >= 0 and any(other >= 0 and other != own for other in near):
                found.setdefault(int(own), []).append((row, col))
    return found


def _brute(predicted, reference, tolerance, classes):
    counts = BoundaryCounts.zeros(classes)
    sides = _boundary(predicted), _boundary(reference)
    for own, other, total, matched in (
        (sides[0], sides[1], counts.predicted, counts.predicted_matched),
        (sides[1], sides[0], counts.reference, counts.reference_matched),
    ):
        for k, places in own.items():
            partners = np.array(other.get(k, []), float).reshape(-1, 2)
            total[k] = len(places)
            matched[k] = sum(
                bool(len(partners)) and np.hypot(*(partners - place).T).min() <= tolerance for place in places
            )
    return counts


def _same(one, other):
    for name in ("predicted", "predicted_matched", "reference", "reference_matched"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), name)


@settings(max_examples=60)
@given(MAPS)
def test_counts_are_those_of_brute_force(case):
    predicted, reference, hidden, tolerance = case
    predicted, reference = (np.where(hidden, np.int16(-1), values) for values in (predicted, reference))
    whole = tuple(slice(0, size) for size in predicted.shape)
    _same(boundary_counts(predicted, reference, whole, tolerance, 4), _brute(predicted, reference, tolerance, 4))


@settings(max_examples=60)
@given(MAPS, st.integers(1, 14), st.integers(1, 14))
def test_parts_sum_to_the_whole(case, rows, cols):
    predicted, reference, hidden, tolerance = case
    predicted, reference = (np.where(hidden, np.int16(-1), values) for values in (predicted, reference))
    height, width = predicted.shape
    total = BoundaryCounts.zeros(4)
    halo = halo_of(tolerance)
    for row in range(0, height, rows):
        for col in range(0, width, cols):
            top, left = max(row - halo, 0), max(col - halo, 0)
            part = slice(top, min(row + rows, height) + halo), slice(left, min(col + cols, width) + halo)
            core = slice(row - top, min(row + rows, height) - top), slice(col - left, min(col + cols, width) - left)
            total.add(boundary_counts(predicted[part], reference[part], core, tolerance, 4))
    whole = slice(0, height), slice(0, width)
    _same(total, boundary_counts(predicted, reference, whole, tolerance, 4))


@pytest.mark.parametrize("classes", [9, 40, 130])
def test_many_classes(classes):
    rng = np.random.default_rng(classes)
    predicted, reference = rng.integers(0, classes, (2, 24, 24)).astype(np.int16)
    whole = slice(0, 24), slice(0, 24)
    _same(boundary_counts(predicted, reference, whole, 2, classes), _brute(predicted, reference, 2, classes))


def test_scores():
    square = np.zeros((20, 20), np.int16)
    square[5:15, 5:15] = 1
    whole = slice(0, 20), slice(0, 20)
    assert boundary_counts(square, square, whole, 0, 2).f1.tolist() == [1, 1]
    moved = np.roll(square, 1, 0)
    assert (boundary_counts(moved, square, whole, 1, 2).f1 == 1).all()
    assert (boundary_counts(moved, square, whole, 0, 2).f1 < 1).all()
    assert np.isnan(boundary_counts(square * 0, square * 0, whole, 1, 2).f1).all()
    assert boundary_counts(square * 0, square, whole, 1, 2).f1.tolist() == [0, 0]
