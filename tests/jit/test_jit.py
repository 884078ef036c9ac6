"""Compiled functions compute what Python and numpy compute."""

from __future__ import annotations

import platform
import sys

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from geoseg.errors import GeosegError
from geoseg.jit import compiled
from geoseg.jit.machine import Compiled

LIMIT = 3
_WHOLE = st.integers(-(2**31), 2**31)
_REAL = st.floats(-1e6, 1e6)


@pytest.fixture
def interpreted(monkeypatch):
    """Return a function that switches compilation off."""

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
    """Loops of every kind, variables that widen to floats, early returns."""
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
    result = function(*args)
    interpreted()
    assert result == pytest.approx(function(*copies), rel=0, abs=0)
    for arg, copy in zip(args, copies, strict=True):
        assert np.array_equal(arg, copy)
    return result


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


_INT64 = np.iinfo(np.int64)
_EDGES = [0, 1, -1, 2, -2, 3, 62, 63, 64, 65, -63, -64, _INT64.min, _INT64.min + 1, _INT64.max]
_ANY_INT64 = st.one_of(st.sampled_from(_EDGES), st.integers(_INT64.min, _INT64.max))


@compiled
def _int64_operators(a, b):
    return a // b, a % b, a << b, a >> b, a + b, a - b, a * b, -a, abs(a)


@given(_ANY_INT64, st.one_of(_ANY_INT64, st.integers(-70, 70)))
def test_int64_operators_are_those_of_numpy_for_all_operands(a, b):
    with np.errstate(all="ignore"):
        expected = _int64_operators.py_func(np.int64(a), np.int64(b))
    assert _int64_operators(a, b) == tuple(int(value) for value in expected)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        (7, 0, (0, 0, 7, 7)),
        (-7, 0, (0, 0, -7, -7)),
        (_INT64.min, -1, (_INT64.min, 0, 0, -1)),
        (-7, 2, (-4, 1, -28, -2)),
        (7, -2, (-4, -1, 0, 0)),
        (-7, 64, (-1, 57, 0, -1)),
        (7, 64, (0, 7, 0, 0)),
    ],
)
def test_division_by_zero_overflow_and_shifts_out_of_range(a, b, expected):
    assert _int64_operators(a, b)[:4] == expected


@compiled
def _augmented(values):
    for i in range(values.size):
        values[i] //= i - 1
    for i in range(values.size):
        values[i] <<= 63 + i


def test_augmented_assignment_of_elements():
    values = np.array([_INT64.min, 5, -9, 40])
    expected = values.copy()
    _augmented(values)
    with np.errstate(all="ignore"):
        _augmented.py_func(expected)
    assert np.array_equal(values, expected)


@compiled
def _by_constants(a):
    return a // 0, a % 0, a // -1, a % -1, a // 3, a % 3, a << 64, a >> 64, a << 5, a >> 5


@given(_ANY_INT64)
def test_constant_operands(a):
    with np.errstate(all="ignore"):
        expected = _by_constants.py_func(np.int64(a))
    assert _by_constants(a) == tuple(int(value) for value in expected)


@compiled
def _as_integers(x, out):
    out[0] = x
    return int(x), np.int64(x)


@given(st.one_of(st.floats(), st.floats(-(2.0**64), 2.0**64), _ANY_INT64.map(float)))
def test_floats_become_the_int64_of_numpy_on_x86(x):
    representable = -(2.0**63) <= x < 2.0**63
    expected = int(x) if representable else _INT64.min
    out = np.zeros(1, np.int64)
    assert _as_integers(x, out) == (expected, expected)
    assert out[0] == expected
    if platform.machine().lower() in {"x86_64", "amd64"}:
        with np.errstate(invalid="ignore"):
            assert np.float64(x).astype(np.int64) == expected


@pytest.mark.parametrize("x", [np.nan, np.inf, -np.inf, 2.0**63, -(2.0**63), 1e300])
def test_nan_infinity_and_large_floats_become_the_smallest_int64(x):
    assert _as_integers(x, np.zeros(1, np.int64)) == (_INT64.min, _INT64.min)


@compiled
def _float64_operators(x, y):
    return x / y, x + y, x * y, -x, abs(x), np.sqrt(x)


@given(st.floats(), st.floats())
def test_float64_operators_are_those_of_numpy_for_all_operands(x, y):
    with np.errstate(all="ignore"):
        expected = _float64_operators.py_func(np.float64(x), np.float64(y))
    assert np.array_equal(_float64_operators(x, y), expected, equal_nan=True)


def test_numpy_scalars_keep_their_type():
    assert _reals(np.float32(1.5), np.float64(2), np.int8(3))[0] == 3.5
    assert _integers(np.uint8(7), np.int16(2))[3] == 3


@compiled
def _slices(values):
    return values[1:]


@compiled
def _strings(values):
    return len(values)


@compiled
def _float_floor(values):
    return values[0] // 2


@compiled
def _no_such_axis(values):
    return values.shape[1]


@pytest.mark.parametrize("function", [_slices, _strings, _float_floor, _no_such_axis])
def test_unsupported_code_is_refused_with_its_place(function):
    with pytest.raises(NotImplementedError, match=r"test_jit\.py:\d+: .* cannot be compiled: "):
        function(np.zeros(3))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (np.arange(9)[::2], "C-contiguous.*strides"),
        (np.arange(9).astype(">i8" if sys.byteorder == "little" else "<i8"), "native"),
        (np.zeros((2, 2, 2)), "1 or 2 dimensions"),
        (np.zeros(3, np.uint64), "uint64"),
        (np.zeros(3, np.complex128), "complex128"),
    ],
)
def test_arrays_that_cannot_be_passed_are_refused(values, text):
    with pytest.raises(TypeError, match=text):
        _lookup(values, 0, 3, 1)


def test_a_function_without_source_is_one_clear_error():
    namespace = {"__name__": "library.loops"}
    exec("def halved(x):\n    return x // 2\n", namespace)
    with pytest.raises(GeosegError, match=r"^library\.loops\.halved is .*; install library with its \.py") as error:
        compiled(namespace["halved"])(4)
    assert "\n" not in str(error.value)
