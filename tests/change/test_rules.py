"""What counts as a change, on arrays: against numpy over the whole map, and by properties."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.change.kernel import SHIFTED, UNSURE, compare
from geoseg.change.transitions import FIRST, Counts, Numbering
from geoseg.classes import MapClass, default_color
from geoseg.errors import InputError
from geoseg.geodesy import PixelGeodesy

CLASSES = 4
NAMED = tuple(MapClass(k, f"class {k}", default_color(k)) for k in range(CLASSES))
NUMBERS = Numbering.of(NAMED)


def shifted(array, y, x):
    """The array moved by (y, x): ``result[p] = array[p - (y, x)]``, 255 where nothing is known."""
    out = np.full_like(array, 255)
    rows, cols = array.shape
    out[max(y, 0) : rows + min(y, 0), max(x, 0) : cols + min(x, 0)] = array[
        max(-y, 0) : rows + min(-y, 0), max(-x, 0) : cols + min(-x, 0)
    ]
    return out


def oracle(before, after, tolerance, sure):
    """The documented rule, shift by shift over whole arrays: codes, and what each pixel counts as."""
    known = (before != 255) & (after != 255)
    differs = known & (before != after)
    explained = np.zeros(before.shape, bool)
    for y in range(-tolerance, tolerance + 1):
        for x in range(-tolerance, tolerance + 1):
            source, target = shifted(before, y, x), shifted(after, -y, -x)
            explained |= ((source == after) | (source == 255)) & ((target == before) | (target == 255))
    kind = np.where(differs & ~sure, UNSURE, np.where(differs & explained, SHIFTED, 0))
    codes = np.full(before.shape, 255, np.uint8)
    codes[known] = 0
    codes[differs] = NUMBERS.codes[before[differs], after[differs]]
    codes[kind > 0] = 1
    return codes, kind


def run(before, after, tolerance, sure=None, *, side=1 << 20):
    """The kernel over windows of a side; areas as on the ground."""
    height, width = before.shape
    ground = PixelGeodesy(Affine(0.01, 0, 10, 0, -0.01, 50), "EPSG:4326", height, width)
    out = np.full(before.shape, 255, np.uint8)
    counts = Counts.zeros(CLASSES)
    padded = [np.pad(one, tolerance, constant_values=255) for one in (before, after)]
    for row in range(0, height, side):
        for col in range(0, width, side):
            bottom, right = min(row + side, height), min(col + side, width)
            cut = slice(row, bottom + 2 * tolerance), slice(col, right + 2 * tolerance)
            part = np.full((bottom - row, right - col), 255, np.uint8)
            which = np.ones((1, 1), np.uint8) if sure is None else sure[row:bottom, col:right].astype(np.uint8)
            areas = ground.areas(row, bottom)
            compare(
                *(np.ascontiguousarray(one[cut]) for one in padded), which, NUMBERS.codes,
                np.ascontiguousarray(areas.prefix[:, col : right + 1]), np.stack([areas.mix, areas.scale], axis=1),
                areas.table, tolerance, part, counts.pixels, counts.area,
            )  # fmt: skip
            out[row:bottom, col:right] = part
    return out, counts


@st.composite
def pairs(draw, most=14):
    height, width = draw(st.integers(1, most)), draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    cell = draw(st.integers(1, 4))
    maps = []
    for _ in range(2):
        coarse = rng.integers(0, CLASSES, (-(-height // cell), -(-width // cell)), dtype=np.uint8)
        array = np.kron(coarse, np.ones((cell, cell), np.uint8))[:height, :width].copy()
        array[rng.random((height, width)) < draw(st.sampled_from([0, 0.1]))] = 255
        maps.append(array)
    return maps[0], maps[1], rng.random((height, width)) < 0.8


@settings(max_examples=150)
@given(pairs(), st.integers(0, 2), st.integers(1, 9), st.booleans())
def test_the_kernel_follows_the_rule_in_windows_of_any_size(pair, tolerance, side, ask):
    before, after, sure = pair
    codes, kind = oracle(before, after, tolerance, sure if ask else np.ones_like(sure))
    found, counts = run(before, after, tolerance, sure if ask else None, side=side)
    np.testing.assert_array_equal(found, codes)
    known = codes != 255
    for number in range(3):
        chosen = known & (kind == number)
        expected = np.zeros((CLASSES, CLASSES), np.int64)
        np.add.at(expected, (before[chosen], after[chosen]), 1)
        np.testing.assert_array_equal(counts.matrix(number), expected)
    _, whole = run(before, after, tolerance, sure if ask else None)
    np.testing.assert_array_equal(counts.area, whole.area)  # exact: whole units


@settings(max_examples=150)
@given(pairs(20), st.integers(0, 2), st.integers(-2, 2), st.integers(-2, 2), st.data())
def test_a_map_shifted_within_the_tolerance_has_not_changed(pair, tolerance, y, x, data):
    scene = pair[0]
    y, x = max(-tolerance, min(y, tolerance)), max(-tolerance, min(x, tolerance))
    after = shifted(scene, y, x)
    if data.draw(st.booleans(), label="both maps are cut out of a larger scene"):
        edge = min(2, (scene.shape[0] - 1) // 2, (scene.shape[1] - 1) // 2)
        cut = slice(edge, scene.shape[0] - edge), slice(edge, scene.shape[1] - edge)
        scene, after = np.ascontiguousarray(scene[cut]), np.ascontiguousarray(after[cut])
    _, counts = run(scene, after, tolerance)
    assert not counts.changes().any()


@settings(max_examples=80)
@given(pairs(), st.integers(0, 2))
def test_swapping_the_dates_transposes_the_matrices(pair, tolerance):
    before, after, _ = pair
    found, there = run(before, after, tolerance)
    swapped, back = run(after, before, tolerance)
    for number in range(3):
        np.testing.assert_array_equal(there.matrix(number), back.matrix(number).T)
        np.testing.assert_array_equal(there.matrix(number, area=True), back.matrix(number, area=True).T)
    np.testing.assert_array_equal(np.minimum(found, FIRST), np.minimum(swapped, FIRST))


@given(pairs(), st.integers(0, 3))
def test_a_map_and_itself_have_no_change(pair, tolerance):
    _, counts = run(pair[0], pair[0].copy(), tolerance)
    assert not counts.changes().any()
    assert not counts.pixels[1:].any()


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("tolerance", [1, 2])
def test_thin_new_objects_are_kept_whole(width, tolerance):
    before = np.zeros((20, 20), np.uint8)
    after = before.copy()
    after[:, 8 : 8 + width] = 2  # a new road
    for pair in ((before, after), (after, before)):
        _, counts = run(*pair, tolerance)
        assert counts.matrix()[counts.changes()].sum() >= width * (20 - 2 * tolerance)


@pytest.mark.parametrize(("growth", "kept"), [(1, 0), (2, 2), (3, 3)])
def test_growth_within_the_tolerance_is_uncertain_and_beyond_it_is_kept_whole(growth, kept):
    before = np.zeros((20, 20), np.uint8)
    before[:, :8] = 1
    after = np.zeros((20, 20), np.uint8)
    after[:, : 8 + growth] = 1
    found, _ = run(before, after, 1)
    inside = found[1:-1]  # of the rows at the edge it is not known what lies beyond
    assert (inside >= FIRST).sum() == kept * 18
    assert (inside == 1).sum() == (growth - kept) * 18


def test_a_moved_map_with_a_new_object_keeps_the_object_alone():
    rng = np.random.default_rng(1)
    scene = np.kron(rng.integers(0, 3, (8, 8)), np.ones((5, 5), int)).astype(np.uint8)
    after = shifted(scene, 1, -1)
    after[12:15, 20:30] = 3
    found, _ = run(scene, after, 1)
    assert (found[12:15, 20:30] >= FIRST).all()
    assert (np.where(found == 255, 0, found) >= FIRST).sum() == 30
    plain, _ = run(scene, after, 0)
    assert (np.where(plain == 255, 0, plain) >= FIRST).sum() > 300  # without a tolerance every border has changed


def test_every_transition_of_sixteen_classes_has_a_code_and_more_are_refused_in_one_line():
    many = tuple(MapClass(k, f"c{k}", default_color(k)) for k in range(17))
    numbers = Numbering.of(many[:16])
    assert sorted(numbers.pairs()) == list(range(2, 2 + 16 * 15))
    assert Numbering.of(many) is None
    with pytest.raises(InputError, match=r"272 different transitions .* at most 253: merge classes with --map"):
        Numbering.of_those(many, ~np.eye(17, dtype=bool))
