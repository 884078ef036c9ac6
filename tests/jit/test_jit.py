"""Compiled functions do what Python does with them."""

from __future__ import annotations

import subprocess
import sys

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from geoseg.jit import compiled
from geoseg.jit.machine import Compiled
from tests.polygonize.polygon_helpers import array, polygonized

LIMIT = 3
_WHOLE = st.integers(-(2**31), 2**31)
_REAL = st.floats(-1e6, 1e6)


@pytest.fixture
def interpreted(monkeypatch):
    """Let functions run as Python."""

    def switch():
        monkeypatch.setattr(Compiled, "__call__", lambda self, *args: self.py_func(*args))

    return switch


@compiled
def _integers(a, b):
    return a + b, a - b, a * 3, a // b, a % b, a & b, a | b, a ^ b, ~a, -a, a >> 2, (a & 255) << 3, abs(a), a / b


@compiled
def _reals(x, y, k):
    return x + y, x * y, x / y, -x, abs(x), min(x, y, k), max(x, y), np.ceil(x), np.floor(y), np.sqrt(abs(x)), int(x)


@compiled
def _relations(a, b, x):
    return a < b, a <= x, b != x, a == b or x > 0, 0 < a <= b, a in (b, 1, LIMIT), not a, bool(x), a and b > 2


@compiled
def _lookup(values, low, high, wanted):
    while high - low > 1:
        middle = (low + high) >> 1
        if values[middle] <= wanted:
            low = middle
        else:
            high = middle
    return low, values[low] == wanted


@compiled
def _flow(values, table, enough):
    """Loops of every kind, names that become floats, early ways out."""
    total = 0
    first = last = -1
    for i in range(values.size - 1, -1, -1):
        if values[i] < 0:
            continue
        if first < 0:
            first = i
        place, hit = _lookup(values, 0, values.size, LIMIT)
        for row in range(table.shape[0]):
            for column in range(0, table.shape[1], 2):
                table[row, column] += values[i] if hit or (row and column) else 0.5 * place
                if column > LIMIT:
                    break
        total += values[i] * 0.25
        last = i
        if enough and total > LIMIT:
            return total, first, last
    values[0], values[-1 + values.size] = values[values.size - 1], values[0]
    while True:
        last += 1
        if last * last > LIMIT:
            break
    return total, first, last


def _same(function, interpreted, *args):
    copies = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
    found = function(*args)
    interpreted()
    assert found == pytest.approx(function(*copies), rel=0, abs=0)
    for arg, copy in zip(args, copies, strict=True):
        assert np.array_equal(arg, copy)
    return found


@given(_WHOLE, _WHOLE.filter(bool))
def test_integers(a, b):
    assert _integers(a, b) == _integers.py_func(a, b)


@given(_REAL, _REAL.filter(bool), st.integers(-9, 9))
def test_reals(x, y, k):
    assert _reals(x, y, k) == _reals.py_func(x, y, k)


@given(st.integers(-4, 4), st.integers(-4, 4), st.sampled_from([-1.0, 0.0, 0.5, 3.0]))
def test_relations(a, b, x):
    assert _relations(a, b, x) == tuple(bool(v) for v in _relations.py_func(a, b, x))


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "int32", "uint32", "int64", "float32", "float64"]
)
@pytest.mark.parametrize("enough", [False, True])
def test_arrays_and_control_flow(interpreted, dtype, enough):
    values = np.array([0, 1, 2, 3, 5, 9], dtype)
    _same(_flow, interpreted, values, np.zeros((3, 7)), enough)


def test_empty_arrays(interpreted):
    assert _same(_flow, interpreted, np.zeros(1, np.int32), np.zeros((0, 0)), True) == (0, 0, 2)


@compiled
def _slices(values):
    return values[1:]


@compiled
def _strings(values):
    return len(values)


@pytest.mark.parametrize("function", [_slices, _strings])
def test_what_cannot_be_compiled_is_said_with_its_place(function):
    with pytest.raises(NotImplementedError, match=r"test_jit\.py:\d+: .* cannot be compiled: "):
        function(np.zeros(3))


def test_arrays_with_gaps_are_refused():
    with pytest.raises(TypeError, match="contiguous"):
        _lookup(np.arange(9)[::2], 0, 3, 1)
    with pytest.raises(TypeError, match="contiguous"):
        _lookup(np.arange(9).astype(">i8" if sys.byteorder == "little" else "<i8"), 0, 3, 1)


@pytest.mark.parametrize(
    "options", [{}, {"connectivity": 8}, {"min_area": 3, "simplify": 1.2}, {"simplify": 0.9, "smooth": True}]
)
def test_the_whole_engine_computes_what_python_computes(interpreted, options):
    values = np.random.default_rng(2).integers(0, 3, (17, 13), dtype=np.uint8)
    values[4:12, 3:9] = np.add.outer(np.arange(8), np.arange(6)) // 4
    fast = polygonized(5, array(values, nodata=2), **options)
    interpreted()
    slow = polygonized(5, array(values, nodata=2), **options)
    assert fast.geometry.to_wkb().equals(slow.geometry.to_wkb())
    assert fast.drop(columns="geometry").equals(slow.drop(columns="geometry"))


def test_a_first_call_costs_little():
    """Every kernel is compiled in a few seconds of processor time, in a process that has never seen them."""
    code = (
        "import time, numpy, xarray, geopandas, rasterio, geoseg\n"
        "data = xarray.DataArray(numpy.eye(9, dtype='u1'), dims=('y', 'x'))\n"
        "begin = time.process_time()\n"
        "geoseg.polygonize(data, min_area=2, simplify=1, smooth=True)\n"
        "print(time.process_time() - begin)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 8
