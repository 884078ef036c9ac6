"""The perceptron on pixels against the same layers in numpy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.jit import perceptron as compiled
from geoseg.jit.machine import machine_code
from geoseg.jit.perceptron import Layers, perceptron
from geoseg.jit.vectors import entry_of


def random(rng, *shape):
    return rng.normal(size=shape).astype(np.float32)


def layers_of(rng, inputs, width, decide, classes):
    return Layers(
        random(rng, width, inputs), random(rng, decide, width), random(rng, decide), random(rng, classes, decide),
        random(rng, classes),
    )  # fmt: skip


def doubled(values, axis):
    """Bilinear interpolation to twice the size: of values with one more at both ends, 3/4 of the nearest and 1/4 of the
    next."""
    values = np.moveaxis(values, axis, -1)
    inner = values[..., 1:-1]
    pairs = np.stack([0.75 * inner + 0.25 * values[..., :-2], 0.75 * inner + 0.25 * values[..., 2:]], -1)
    return np.moveaxis(pairs.reshape(*inner.shape[:-1], -1), -1, axis)


def reference(layers, pixels, cells, quarters):
    """The same in float64, one step after the other."""
    shared = cells + doubled(doubled(quarters.astype(float), 1), 2)
    shared = shared.repeat(2, 1).repeat(2, 2)
    hidden = np.maximum(np.einsum("ok,khw->ohw", layers.pixel.astype(float), pixels) + shared, 0)
    hidden = np.einsum("ok,khw->ohw", layers.decide.astype(float), hidden) + layers.decide_bias[:, None, None]
    return np.einsum("ok,khw->ohw", layers.head, np.maximum(hidden, 0)) + layers.head_bias[:, None, None]


def fields(rng, sizes, height, across):
    inputs, width, _, classes = sizes
    return (
        random(rng, inputs, height, across), random(rng, width, height // 2, across // 2),
        random(rng, width, height // 4 + 2, across // 4 + 2), np.full((classes, height, across), np.nan, np.float32),
    )  # fmt: skip


@settings(deadline=None, max_examples=12)
@given(
    st.tuples(st.integers(1, 7), st.integers(1, 30), st.integers(1, 26), st.integers(1, 13)), st.integers(1, 5),
    st.integers(1, 4), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_any_sizes(sizes, fours, sixteens, seed):
    rng = np.random.default_rng(seed)
    layers = layers_of(rng, *sizes)
    parts = fields(rng, sizes, 4 * fours, 16 * sixteens)
    perceptron(layers, *parts)
    wanted = reference(layers, *parts[:3])
    assert np.allclose(parts[3], wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("registers", [(8, 6), (16, 11)])
def test_every_width_of_vectors(monkeypatch, registers):
    """Also those that this processor has to take apart."""
    rng, sizes = np.random.default_rng(3), (6, 24, 20, 6)
    layers, parts = layers_of(rng, *sizes), fields(rng, sizes, 8, 32)
    perceptron(layers, *parts)
    kept = []

    def version(*sizes):
        engine, address = machine_code(compiled._Writer(*sizes, *registers).text())
        kept.append(engine)
        return engine, entry_of(address, 4, 5)

    monkeypatch.setattr(compiled, "_compiled", version)
    other = np.empty_like(parts[3])
    perceptron(layers, *parts[:3], other)
    assert np.allclose(other, parts[3], rtol=1e-6, atol=1e-5)
    assert kept


def test_parts_of_larger_arrays_are_the_same_to_the_bit():
    rng, sizes = np.random.default_rng(4), (6, 24, 20, 6)
    layers, (pixels, cells, quarters, out) = layers_of(rng, *sizes), fields(rng, sizes, 32, 64)
    perceptron(layers, pixels, cells, quarters, out)
    parts = np.full_like(out, np.nan)
    for top, bottom in ((0, 4), (4, 24), (24, 32)):
        for left, right in ((0, 16), (16, 64)):
            perceptron(
                layers, pixels[:, top:bottom, left:right],
                cells[:, top // 2 : bottom // 2, left // 2 : right // 2],
                quarters[:, top // 4 : bottom // 4 + 2, left // 4 : right // 4 + 2], parts[:, top:bottom, left:right],
            )  # fmt: skip
    assert np.array_equal(parts, out)


@pytest.mark.parametrize("height", [0, 4, 28])
def test_threads_share_the_rows(height):
    rng, sizes = np.random.default_rng(5), (2, 3, 4, 5)
    layers, (*parts, out) = layers_of(rng, *sizes), fields(rng, sizes, height, 16)
    perceptron(layers, *parts, out)
    other = np.full_like(out, np.nan)
    with ThreadPoolExecutor(3) as pool:
        perceptron(layers, *parts, other, pool=pool, threads=3)
    assert np.array_equal(other, out)


@pytest.mark.parametrize(
    ("place", "change"),
    [(0, lambda a: a.astype(float)), (0, lambda a: a[:, :, :8]), (1, lambda a: a[1:]), (2, lambda a: a[:, 1:]),
     (3, np.asfortranarray)],
)  # fmt: skip
def test_wrong_arrays_are_refused(place, change):
    rng, sizes = np.random.default_rng(6), (2, 3, 4, 5)
    parts = list(fields(rng, sizes, 8, 16))
    parts[place] = change(parts[place])
    with pytest.raises(ValueError, match="needed"):
        perceptron(layers_of(rng, *sizes), *parts)
