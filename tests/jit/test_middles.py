"""The values in the middle of many dates against sorting in numpy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.jit import middles as compiled
from geoseg.jit.middles import middles

DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64")


def drawn(seed, dtype, dates, size):
    """Pixels of the whole range of a type, many of them equal, and their validity."""
    rng = np.random.default_rng(seed)
    if dtype[0] == "f":
        values = rng.choice(np.array([-np.inf, -1.5, -0.25, 0.0, 3.0, 1e30, np.inf]), (dates, size)).astype(dtype)
    else:
        info = np.iinfo(dtype)
        values = rng.integers(info.min, info.max, (dates, size), dtype, endpoint=True)
        values[rng.random(values.shape) < 0.3] = info.max
    return values, rng.random((dates, size)) < rng.random()


def expected(values, valid):
    """Of each pixel, both middles of the sorted valid values."""
    for place in range(values.shape[1]):
        seen = np.sort(values[valid[:, place], place])
        yield (seen[(len(seen) - 1) // 2], seen[len(seen) // 2]) if len(seen) else None


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(DTYPES), st.integers(1, 40), st.integers(0, 300), st.integers(0, 2**32 - 1))
def test_they_are_those_of_sorted_values(dtype, dates, size, seed):
    values, valid = drawn(seed, dtype, dates, size)
    low, high, count = middles(list(values), list(valid))
    np.testing.assert_array_equal(count, valid.sum(0))
    assert low.dtype == high.dtype == dtype
    for place, wanted in enumerate(expected(values, valid)):
        assert wanted is None or (low[place], high[place]) == wanted


@pytest.mark.parametrize("dates", [1, 2, 60, 100, 1000])
def test_many_dates(dates):
    values, valid = drawn(dates, "uint16", dates, 70)
    kept = values.copy(), valid.copy()
    low, high, _ = middles(list(values), list(valid))
    assert all(w is None or (low[k], high[k]) == w for k, w in enumerate(expected(values, valid)))
    assert np.array_equal(values, kept[0])
    assert np.array_equal(valid, kept[1])


def test_threads_compile_it_once_and_agree(monkeypatch):
    compiled._compiled.cache_clear()
    made = []
    monkeypatch.setattr(compiled, "machine_code", lambda text, make=compiled.machine_code: made.append(1) or make(text))
    values, valid = drawn(5, "int16", 9, 1000)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: middles(list(values), list(valid)), range(8)))
    assert len(made) == 1
    assert all(np.array_equal(one, other) for each in found for one, other in zip(each, found[0], strict=True))


@pytest.mark.parametrize(
    "change",
    [
        lambda dates, valid: (dates, valid[:2]),
        lambda dates, valid: ([*dates[:2], dates[2].astype(np.int16)], valid),
        lambda dates, valid: ([*dates[:2], dates[2][:-1]], valid),
        lambda dates, valid: ([one[::2] for one in dates], [one[::2] for one in valid]),
        lambda dates, valid: (dates, [one.astype(np.uint8) for one in valid]),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change):
    values, valid = drawn(1, "uint16", 3, 200)
    with pytest.raises(ValueError, match="needed"):
        middles(*change(list(values), list(valid)))
