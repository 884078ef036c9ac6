"""Property 1: keep regions partition the scene, windows lie within scene plus padding, for any size and block."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoseg.errors import OptionError
from geoseg.tiling import Box, Tiling, round_up


@st.composite
def tilings(draw: st.DrawFn) -> Tiling:
    stride = draw(st.sampled_from([1, 2, 4, 8]))
    return Tiling(
        height=draw(st.integers(1, 90)),
        width=draw(st.integers(1, 90)),
        keep=stride * draw(st.integers(1, 12)),
        margin=stride * draw(st.integers(0, 6)),
        block=draw(st.integers(1, 100)),
        stride=stride,
        least=draw(st.integers(1, 40)),
        strip=draw(st.integers(0, 5)),
    )


@given(tilings())
def test_keep_regions_partition_the_scene(tiling):
    count = np.zeros((tiling.height, tiling.width), int)
    for window in tiling.windows():
        count[window.keep.within(tiling.scene)] += 1
    assert (count == 1).all()


@given(tilings())
def test_blocks_partition_the_scene(tiling):
    count = np.zeros((tiling.height, tiling.width), int)
    for box in tiling.blocks():
        assert box.area > 0
        count[box.within(tiling.scene)] += 1
    assert (count == 1).all()


@given(tilings())
def test_every_block_comes_once_and_strips_are_as_narrow_as_wanted(tiling):
    assert sorted(tiling.order()) == list(range(tiling.block_count))
    assert max(len(strip) for strip in tiling.strips) <= (tiling.strip or tiling.block_count)
    assert all(index % tiling.block_shape[1] in tiling.strip_of(index) for index in tiling.order())


@given(tilings(), st.booleans(), st.data())
def test_readers_are_the_blocks_that_read_something_of_a_box(tiling, overlapping, data):
    row, col = data.draw(st.integers(0, tiling.height - 1)), data.draw(st.integers(0, tiling.width - 1))
    box = Box(row, col, data.draw(st.integers(1, 40)), data.draw(st.integers(1, 40))).intersection(tiling.scene)
    strip = data.draw(st.sampled_from(tiling.strips))
    reads = [
        tiling.read_box(tiling.block_box(index), overlapping=overlapping)
        for index in tiling.order()
        if index % tiling.block_shape[1] in strip
    ]
    assert tiling.readers(box, strip, overlapping=overlapping) == sum(read.intersection(box).area > 0 for read in reads)


@given(tilings(), st.booleans())
def test_a_block_reads_what_its_windows_read(tiling, overlapping):
    for block in tiling.blocks():
        region = tiling.read_box(block, overlapping=overlapping)
        reads = [w.read.intersection(tiling.scene) for w in tiling.windows(block, overlapping=overlapping)]
        assert all(region.contains(read) for read in reads)
        assert region.row == min(read.row for read in reads)
        assert region.right == max(read.right for read in reads)


@given(tilings())
def test_windows_read_their_keep_and_margin_within_scene_and_padding(tiling):
    for window in tiling.windows():
        assert window.read.contains(window.keep)
        assert window.read.height % tiling.stride == window.read.width % tiling.stride == 0
        assert window.read.row % tiling.stride == window.read.col % tiling.stride == 0
        assert min(window.read.row, window.read.col) >= 0
        # Padding lies below and to the right, and no more of it than stride and least size ask for.
        for end, size, start in (
            (window.read.bottom, tiling.height, window.read.row),
            (window.read.right, tiling.width, window.read.col),
        ):
            assert end <= max(round_up(size, tiling.stride), start + round_up(tiling.least, tiling.stride))
        # All the context that the scene has is there.
        assert window.read.contains(window.keep.grown(tiling.margin).intersection(tiling.scene))


@given(tilings(), st.data())
def test_windows_of_a_box_are_those_of_the_scene_that_touch_it(tiling, data):
    row, col = data.draw(st.integers(0, tiling.height - 1)), data.draw(st.integers(0, tiling.width - 1))
    box = Box(row, col, data.draw(st.integers(1, 90)), data.draw(st.integers(1, 90))).intersection(tiling.scene)
    everything = tiling.windows()
    assert tiling.windows(box) == [w for w in everything if w.keep.intersection(box).area]
    contributing = [w for w in everything if w.keep.grown(tiling.margin).intersection(box).area]
    found = tiling.windows(box, overlapping=True)
    assert set(contributing) <= set(found) <= set(everything)
    region = tiling.read_box(box, overlapping=True)
    assert all(region.contains(w.read.intersection(tiling.scene)) for w in contributing)


@given(tilings())
def test_computed_pixels_are_those_of_all_windows(tiling):
    reads = [window.read for window in tiling.windows()]
    assert tiling.computed == sum(read.area for read in reads)
    assert tiling.kept_share == tiling.height * tiling.width / sum(read.area for read in reads)
    assert tiling.largest_read() == (max(r.height for r in reads), max(r.width for r in reads))


@given(tilings())
def test_windows_at_the_border_are_as_large_as_the_others_if_they_miss_no_more_than_margins(tiling):
    usual = round_up(max(tiling.keep + 2 * tiling.margin, tiling.least), tiling.stride)
    for size, sides in (
        (tiling.height, {window.read.height for window in tiling.windows()}),
        (tiling.width, {window.read.width for window in tiling.windows()}),
    ):
        assert max(sides) <= usual
        if round_up(size, tiling.stride) >= usual:
            # The one cell that is cut by the scene's end may be small: it alone has a size of its own.
            assert len(sides - {usual}) <= 1
            assert all(side < usual - 2 * tiling.margin for side in sides - {usual})


def test_a_small_scene_is_one_window_without_margins():
    (window,) = Tiling(300, 200, keep=1024, margin=64, stride=32).windows()
    assert window.read == Box(0, 0, 320, 224)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"height": 0}, "height must be a whole number of at least 1, got 0"),
        ({"keep": 33}, "keep must be a multiple of the model's stride 32, got 33; use 64"),
        ({"margin": 10}, "margin must be a multiple of the model's stride 32, got 10; use 32"),
        ({"margin": -32}, "margin must be a whole number of at least 0, got -32"),
        ({"block": 1.5}, "block must be a whole number of at least 1, got 1.5"),
    ],
)
def test_impossible_sizes_are_named(changes, message):
    with pytest.raises(OptionError, match=message):
        Tiling(**{"height": 100, "width": 100, "keep": 64, "margin": 32, "block": 64, "stride": 32, **changes})


def test_block_numbers_out_of_range_are_refused():
    with pytest.raises(IndexError, match="block 4 of 4"):
        Tiling(100, 100, keep=64, block=64).block_box(4)
