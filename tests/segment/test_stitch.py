"""Weights never vanish, agree across blocks, and blending equals the same sum done in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.errors import OptionError
from geoseg.segment.stitch import Blender, check_stitch, profile
from geoseg.tiling import Box, Tiling

KINDS = st.sampled_from(["linear", "gaussian"])


@given(KINDS, st.integers(1, 60), st.integers(1, 20), st.integers(0, 20))
def test_weights_are_positive_and_at_most_one(kind, size, keep, margin):
    tiling = Tiling(size, size, keep, margin)
    for window in tiling.windows():
        weights = profile(kind, (window.read.row, window.read.height), (window.keep.row, window.keep.height), tiling)
        assert weights.shape == (window.read.height,)
        assert (weights > 0).all()
        assert (weights <= 1).all()


def test_linear_ramps_of_neighbours_add_up_to_one():
    tiling = Tiling(1, 64, keep=32, margin=8)
    total = np.zeros(64)
    for window in tiling.windows():
        weights = profile("linear", (window.read.col, window.read.width), (window.keep.col, window.keep.width), tiling)
        part = window.keep.grown(tiling.margin).intersection(window.read)  # blended; windows may read more
        total[part.col : part.right] += weights[part.within(window.read)[1]]
    assert np.allclose(total[8:-8], 1)


@settings(max_examples=40)
@given(
    KINDS,
    st.integers(1, 30),
    st.integers(1, 30),
    st.integers(1, 9),
    st.integers(0, 6),
    st.integers(1, 31),
    st.integers(0, 9),
)
def test_blending_equals_the_sum_over_the_whole_scene(kind, height, width, keep, margin, block, seed):
    tiling = Tiling(height, width, keep, margin, block)
    generator = torch.Generator().manual_seed(seed)
    scores = {
        window: torch.softmax(torch.randn(3, window.read.height, window.read.width, generator=generator), 0)
        for window in tiling.windows()
    }
    total = np.zeros((3, height, width))
    for window, score in scores.items():
        rows = profile(kind, (window.read.row, window.read.height), (window.keep.row, window.keep.height), tiling)
        cols = profile(kind, (window.read.col, window.read.width), (window.keep.col, window.keep.width), tiling)
        part = window.keep.grown(margin).intersection(tiling.scene).intersection(window.read)
        at, inside = part.within(tiling.scene), part.within(window.read)
        total[:, at[0], at[1]] += score.numpy()[:, inside[0], inside[1]] * np.outer(rows[inside[0]], cols[inside[1]])
    share = total / total.sum(0)
    ordered = np.sort(share, 0)
    for box in tiling.blocks():
        blender = Blender(box, tiling, kind)
        for window in tiling.windows(box, overlapping=True):
            blender.add(window, scores[window])
        classes, confidence, _ = blender.result()
        here = box.within(tiling.scene)
        clear = (ordered[-1] - ordered[-2])[here] > 1e-5
        assert (classes == share.argmax(0)[here])[clear].all()
        assert np.abs(confidence - 100 * share.max(0)[here]).max() <= 0.51


def test_pixels_that_no_window_reached_are_class_0_with_no_confidence():
    classes, confidence, probabilities = Blender(Box(0, 0, 2, 3), Tiling(2, 3, 4), "linear").result((1, 0))
    assert classes.shape == confidence.shape == (2, 3)
    assert probabilities.shape == (2, 2, 3)
    assert not classes.any()
    assert not confidence.any()


def test_unknown_stitching_is_refused():
    with pytest.raises(OptionError, match="use one of trim, linear, gaussian"):
        check_stitch("crop")
