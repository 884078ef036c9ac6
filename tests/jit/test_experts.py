"""Features, classifier and the other classifier's opinion against the same steps in numpy, and vectors' functions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.jit import experts
from geoseg.jit.experts import Form, Weights, weigh
from geoseg.jit.machine import machine_code
from geoseg.jit.vectors import Writer, entry_of, row_of

SIX = Form((True,) * 6, ((1, 0), (3, 2), (5, 4)), 6, answers=False, prior=True, hidden=8, classes=4, limit=6.0,
           least=1e-4)  # fmt: skip


def made(form, rng):
    def random(*shape):
        return rng.normal(size=shape).astype(np.float32)

    bands, wide = len(form.logs), form.hidden or form.classes
    layers = [(random(wide, form.features), random(wide))]
    if form.hidden:
        layers.append((random(form.classes, wide), random(form.classes)))
    mixture = rng.random((form.classes, form.said)).astype(np.float32) if form.prior else np.zeros((0, 0), np.float32)
    return Weights(
        random(bands) / 10, 0.1 + rng.random(bands).astype(np.float32), random(bands),
        0.5 + rng.random(bands).astype(np.float32), tuple(layers), mixture, float(np.float32(rng.random())),
    )  # fmt: skip


def fields(form, rng, height, across):
    pixels = (3 * rng.random((len(form.logs), height, across)) - 0.2).astype(np.float32)
    pixels[:, rng.random((height, across)) < 0.1] = 0
    said = (4 * rng.normal(size=(form.said, height, across))).astype(np.float32)
    return pixels, said, np.full((form.classes, height, across), np.nan, np.float32)


def reference(form, weights, pixels, said):
    """The same in float64, one step after the other."""
    x, column = pixels.astype(float), (slice(None), None, None)
    planes = x - weights.zero[column]
    logs = np.array(form.logs)
    with np.errstate(invalid="ignore"):
        planes[logs] = np.maximum(planes[logs], 0) / weights.floor[logs][column] + 1
        ratios = [(planes[i] - planes[j]) / (planes[i] + planes[j]) for i, j in form.pairs]
    planes[logs] = np.log(planes[logs])
    values = np.clip((planes - weights.center[column]) / weights.spread[column], -form.limit, form.limit)
    found = np.where((x != 0).any(0), np.concatenate([values, *(ratio[None] for ratio in ratios)]), 0)
    if form.answers:
        found = np.concatenate([found, said])
    for number, (matrix, bias) in enumerate(weights.layers):
        found = np.maximum(found, 0) if number else found
        found = np.einsum("ok,khw->ohw", matrix.astype(float), found) + bias[column]
    if form.prior:
        powers = np.exp(said.astype(float) - said.max(0))
        shares = np.einsum("ok,khw->ohw", weights.mixture.astype(float), powers / powers.sum(0))
        found = found + weights.trust * np.log(shares + form.least)
    return found


@st.composite
def forms(draw):
    logs = tuple(draw(st.lists(st.booleans(), min_size=1, max_size=7)))
    positions = [k for k, log in enumerate(logs) if log]
    every = [(i, j) for i in positions for j in positions if i > j]
    pairs = tuple(draw(st.lists(st.sampled_from(every), max_size=5))) if every else ()
    said = draw(st.integers(0, 7))
    return Form(
        logs, pairs, said, answers=draw(st.booleans()) and said > 0, prior=draw(st.booleans()) and said > 0,
        hidden=draw(st.sampled_from([0, 1, 13, 32])), classes=draw(st.integers(1, 12)), limit=6.0, least=1e-4,
    )  # fmt: skip


@settings(deadline=None, max_examples=25)
@given(forms(), st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_any_form(form, twos, sixteens, seed):
    rng = np.random.default_rng(seed)
    weights, (pixels, said, out) = made(form, rng), fields(form, rng, 2 * twos, 16 * sixteens)
    weigh(form, weights, pixels, said, out)
    wanted = reference(form, weights, pixels, said)
    assert np.allclose(out, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("registers", [(8, 6), (16, 11)])
def test_every_width_of_vectors(registers):
    """Also those that this processor has to take apart."""
    rng = np.random.default_rng(3)
    weights, (pixels, said, out) = made(SIX, rng), fields(SIX, rng, 4, 32)
    engine, address = machine_code(experts._Writer(SIX, *registers).text())
    numbers = [part.ctypes.data for part in weights.as_read]
    entry_of(address, 3, 7)(*row_of(pixels, 0), *row_of(said, 0), *row_of(out, 0), *numbers, 4, 32)
    assert np.allclose(out, reference(SIX, weights, pixels, said), rtol=1e-5, atol=1e-4)
    del engine


def test_parts_and_threads_give_the_same_bytes():
    rng = np.random.default_rng(4)
    weights, (pixels, said, out) = made(SIX, rng), fields(SIX, rng, 12, 48)
    weigh(SIX, weights, pixels, said, out)
    with ThreadPoolExecutor(3) as pool:
        for threads in (2, 3, 5):
            again = np.empty_like(out)
            weigh(SIX, weights, pixels, said, again, pool=pool, threads=threads)
            assert again.tobytes() == out.tobytes()
    part = np.empty_like(out[:, :4, :16])
    weigh(SIX, weights, pixels[:, 4:8, 16:32], said[:, 4:8, 16:32], part)
    assert part.tobytes() == out[:, 4:8, 16:32].tobytes()


def test_what_is_no_number_stays_none_and_infinity_is_limited():
    rng = np.random.default_rng(5)
    form = replace(SIX, pairs=())
    weights, (pixels, said, out) = made(form, rng), fields(form, rng, 2, 16)
    pixels[:] = 1
    pixels[2, 0, 3], pixels[2, 0, 4], pixels[2, 0, 5], said[1, 1, 7] = np.nan, np.inf, -np.inf, np.nan
    weigh(form, weights, pixels, said, out)
    assert np.isnan(out[:, 0, 3]).all()
    assert np.isnan(out[:, 1, 7]).all()
    assert np.isfinite(out).sum() == out.size - 2 * form.classes
    pixels[2, 0, 4], pixels[2, 0, 5] = 1e30, -1e30
    again = np.empty_like(out)
    weigh(form, weights, pixels, said, again)
    assert np.allclose(again[:, 0, 4:6], out[:, 0, 4:6], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda p, s, o: (p[:, :3], s[:, :3], o[:, :3]), "multiples of 2 and 16"),
        (lambda p, s, o: (p[:, :, :8], s[:, :, :8], o[:, :, :8]), "multiples of 2 and 16"),
        (lambda p, s, o: (p[:5], s, o), "pixels is float32"),
        (lambda p, s, o: (p, s.astype(float), o), "said is float64"),
        (lambda p, s, o: (p, s, o[..., ::2]), "out is float32"),
    ],
)
def test_what_does_not_fit_is_refused(change, text):
    rng = np.random.default_rng(6)
    with pytest.raises(ValueError, match=text):
        weigh(SIX, made(SIX, rng), *change(*fields(SIX, rng, 4, 32)))


class _Single(Writer):
    """``out = f(in)``."""

    def text(self, function):
        self.head(("in", "out"), (), {})
        row, col = self.loop("row", "0", 1), self.loop("col", "0", self.lanes)
        places = [self.at(f"%{name}", self.times(row, f"%{name}.r"), col) for name in ("in", "out")]
        value = getattr(self, function)(self.load(places[0], self.lanes))
        self.store(value, places[1])
        self.end("col", "%cols")
        self.end("row", "%rows")
        return self.tail()


@pytest.mark.parametrize("lanes", [8, 16])
@pytest.mark.parametrize(
    ("function", "values"),
    [
        ("log", np.concatenate([np.geomspace(1e-37, 3e38, 60_000), 1 + np.linspace(-0.3, 0.5, 4096)])),
        ("exp", np.linspace(-87, 88, 65_536)),
    ],
)
def test_logarithms_and_exponentials(function, values, lanes):
    x = np.resize(values, (1, 1, 65_536)).astype(np.float32)
    out = np.empty_like(x)
    engine, address = machine_code(_Single(lanes, 6).text(function))
    entry_of(address, 2, 0)(*row_of(x, 0), *row_of(out, 0), 1, x.shape[2])
    wanted = getattr(np, function)(x.astype(float))
    assert np.abs(out - wanted).max(where=np.abs(wanted) < 1e-2, initial=0) < 1e-9
    relative = np.abs(out - wanted) / np.maximum(np.abs(wanted), 1e-30)
    assert relative.max(where=np.abs(wanted) >= 1e-2, initial=0) < 3e-7
    del engine
