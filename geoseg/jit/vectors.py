"""Writes functions as LLVM assembly whose vectors are pixels side by side: what kernels over rasters share."""

from __future__ import annotations

import ctypes
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

STEP = 16
"""Widths of what is computed are multiples of this, in pixels."""

# Cephes, single precision: logarithms are (power · ln 2) + f − f²/2 + f³ · polynomial(f), exponentials
# 2^power · (1 + r + r² · polynomial(r)).
_LOG = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
        2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)  # fmt: skip
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4
_ROUND = 1.5 * 2**23

Plane = tuple[int, int, int]
"""Address of an array's row, and the floats from plane to plane and from row to row."""


def checked(wanted: Mapping[str, tuple[Array, tuple[int, ...]]], rows: int) -> None:
    """Check arrays (planes, h, w) by name against their shapes; h must be a multiple of ``rows``, w of :data:`STEP`.

    Raises
    ------
    ValueError
        If shapes or types do not fit.
    """
    for name, (array, shape) in wanted.items():
        if array.shape != shape or array.dtype != np.float32 or (array.size and array.strides[2] != array.itemsize):
            raise ValueError(f"{name} is {array.dtype} {array.shape}: float32 {shape} in contiguous rows is needed")
    height, across = next(iter(wanted.values()))[1][1:]
    if height % rows or across % STEP:
        raise ValueError(f"{height} × {across} pixels: multiples of {rows} and {STEP} are needed")


def by_rows(compute: Callable[[int, int], None], height: int, rows: int, pool: Executor | None, threads: int) -> None:
    """Call ``compute(first row, last + 1)`` for the parts of a raster, divided among threads in multiples of rows."""
    step = max(-(-height // threads // rows) * rows, rows)
    starts = range(0, height, step)
    stops = [min(start + step, height) for start in starts]
    list(map(compute, starts, stops) if pool is None else pool.map(compute, starts, stops))


def row_of(array: Array, row: int) -> Plane:
    """Return where a row of an array (planes, h, w) begins."""
    planes, rows, _ = array.strides
    return array.ctypes.data + row * rows, planes // 4, rows // 4


def entry_of(address: int, arrays: int, weights: int) -> Callable[..., None]:
    """Return a function that takes a :data:`Plane` for each array, the addresses of weights, rows and columns."""
    kinds = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64] * arrays + [ctypes.c_void_p] * weights
    return ctypes.CFUNCTYPE(None, *kinds, ctypes.c_int64, ctypes.c_int64)(address)


def lanes_here() -> tuple[int, int]:
    """Return the floats in a vector of this processor, and how many units of a layer are summed at a time."""
    import llvmlite.binding as llvm

    # 11 × 2 sums fill the 32 registers of AVX-512, 6 × 2 the 16 of AVX2, and in halves the 32 of Arm.
    return (16, 11) if llvm.get_host_cpu_features().get("avx512f", False) else (8, 6)


class Writer:
    """Writes a function, instruction by instruction; a block is a vector of pixels of each of two rows.

    Parameters
    ----------
    lanes
        Pixels in a vector.
    most
        Units of a layer that are summed at a time.
    """

    def __init__(self, lanes: int, most: int) -> None:
        self.lanes, self.most = lanes, most
        self.vector = f"<{lanes} x float>"
        self.lines: list[str] = []
        self.count = 0
        self.block = ""  # the basic block that is being written
        self.steps: dict[str, int] = {}  # of each loop

    def head(self, arrays: Sequence[str], weights: Sequence[str], scratch: dict[str, int]) -> None:
        """Begin the function ``entry``: its parameters, and room for vectors of both rows."""
        planes = [f"ptr noalias %{name}, i64 %{name}.c, i64 %{name}.r" for name in arrays]
        numbers = [f"ptr noalias readonly %{name}" for name in weights]
        self.lines.append(f"define void @entry({', '.join([*planes, *numbers])}, i64 %rows, i64 %cols) {{\nstart:")
        self.block = "start"
        for name, units in scratch.items():
            self.lines.append(f"  %{name} = alloca [{2 * units} x {self.vector}], align 64")

    def tail(self) -> str:
        """End the function; return its assembly."""
        self.lines.append("  ret void\n}")
        return "\n".join(self.lines)

    def set(self, text: str) -> str:
        """Write an instruction; return the name of its result."""
        self.count += 1
        self.lines.append(f"  %t{self.count} = {text}")
        return f"%t{self.count}"

    def add(self, a: str, b: Any) -> str:
        """Return a sum of two indices."""
        return self.set(f"add i64 {a}, {b}")

    def times(self, a: str, b: Any) -> str:
        """Return a product of two indices."""
        return self.set(f"mul i64 {a}, {b}")

    def at(self, pointer: str, *offsets: str) -> str:
        """Return a pointer moved by so many floats."""
        for offset in offsets:
            pointer = self.set(f"getelementptr float, ptr {pointer}, i64 {offset}")
        return pointer

    def load(self, pointer: str, lanes: int) -> str:
        """Load neighbouring floats."""
        return self.set(f"load <{lanes} x float>, ptr {pointer}, align 4")

    def store(self, value: str, pointer: str) -> None:
        """Store a vector of neighbouring floats."""
        self.lines.append(f"  store {self.vector} {value}, ptr {pointer}, align 4")

    def number(self, pointer: str) -> str:
        """Load a number into all lanes."""
        single = self.set(f"load float, ptr {pointer}, align 4")
        first = self.set(f"insertelement {self.vector} poison, float {single}, i32 0")
        return self.set(
            f"shufflevector {self.vector} {first}, {self.vector} poison, <{self.lanes} x i32> zeroinitializer"
        )

    def fused(self, a: str, b: str, total: str, kind: str) -> str:
        """Return ``a * b + total``, computed in one step where the processor has it."""
        product = self.set(f"fmul contract {kind} {a}, {b}")
        return self.set(f"fadd contract {kind} {product}, {total}")

    def constant(self, value: float, kind: str = "float") -> str:
        """Return a number in all lanes, rounded to float32; or an integer, with the kind i32."""
        text = str(int(value)) if kind != "float" else f"0x{struct.pack('>d', float(np.float32(value))).hex()}"
        return f"<{', '.join([f'{kind} {text}'] * self.lanes)}>"

    def of(self, operation: str, a: str, b: str) -> str:
        """Return ``fadd``, ``fsub``, ``fmul`` or ``fdiv`` of two vectors."""
        return self.set(f"{operation} {self.vector} {a}, {b}")

    def choose(self, condition: str, a: str, b: str, yes: str, no: str) -> str:
        """Return the lanes of ``yes`` where the comparison of ``a`` and ``b`` holds, else those of ``no``."""
        mask = self.set(f"fcmp {condition} {self.vector} {a}, {b}")
        return self.set(f"select <{self.lanes} x i1> {mask}, {self.vector} {yes}, {self.vector} {no}")

    def polynomial(self, x: str, factors: Sequence[float]) -> str:
        """Return a polynomial, the factor of the highest power first."""
        total = self.constant(factors[0])
        for factor in factors[1:]:
            total = self.fused(total, x, self.constant(factor), self.vector)
        return total

    def log(self, x: str) -> str:
        """Return natural logarithms of normal positive numbers to 1 part in 10 million; NaN stays NaN.

        Cephes' logf: https://www.netlib.org/cephes. Of infinity, 89.
        """
        ints = f"<{self.lanes} x i32>"
        bits = self.set(f"bitcast {self.vector} {x} to {ints}")
        # From √½ to √2, so that numbers near 1 have small logarithms.
        above = self.set(f"sub {ints} {bits}, {self.constant(0x3F3504F3, 'i32')}")
        exponent = self.set(f"ashr {ints} {above}, {self.constant(23, 'i32')}")
        shift = self.set(f"shl {ints} {exponent}, {self.constant(23, 'i32')}")
        mantissa = self.set(f"bitcast {ints} {self.set(f'sub {ints} {bits}, {shift}')} to {self.vector}")
        power = self.set(f"sitofp {ints} {exponent} to {self.vector}")
        f = self.of("fadd", mantissa, self.constant(-1.0))
        square = self.of("fmul", f, f)
        rest = self.of("fmul", self.of("fmul", f, square), self.polynomial(f, _LOG))
        rest = self.fused(power, self.constant(_LN2_LOW), rest, self.vector)
        rest = self.fused(square, self.constant(-0.5), rest, self.vector)
        found = self.fused(power, self.constant(_LN2_HIGH), self.of("fadd", f, rest), self.vector)
        return self.choose("uno", x, x, x, found)

    def exp(self, x: str) -> str:
        """Return exponentials of numbers from -87 to 88 to 1 part in 10 million; smaller ones count as -87.

        Cephes' expf: https://www.netlib.org/cephes.
        """
        ints = f"<{self.lanes} x i32>"
        x = self.choose("olt", x, self.constant(-87.0), self.constant(-87.0), x)
        # Adding 1.5 · 2²³ rounds to integers, which are then the lowest bits.
        shifted = self.fused(x, self.constant(1 / math.log(2)), self.constant(_ROUND), self.vector)
        power = self.of("fsub", shifted, self.constant(_ROUND))
        rest = self.fused(power, self.constant(-_LN2_HIGH), x, self.vector)
        rest = self.fused(power, self.constant(-_LN2_LOW), rest, self.vector)
        found = self.fused(self.polynomial(rest, _EXP), self.of("fmul", rest, rest), rest, self.vector)
        found = self.of("fadd", found, self.constant(1.0))
        bits = self.set(f"bitcast {self.vector} {shifted} to {ints}")
        bits = self.set(f"shl {ints} {bits}, {self.constant(23, 'i32')}")
        scale = self.set(f"add {ints} {bits}, {self.constant(0x3F800000, 'i32')}")
        return self.of("fmul", found, self.set(f"bitcast {ints} {scale} to {self.vector}"))

    def relu(self, a: str) -> str:
        """Return the larger of a vector and 0; NaN stays NaN."""
        return self.choose("olt", a, "zeroinitializer", "zeroinitializer", a)

    def shuffle(self, a: str, b: str, lanes: int, order: list[int]) -> str:
        """Return lanes of two vectors in another order."""
        kind = f"<{lanes} x float>"
        mask = ", ".join(f"i32 {place}" for place in order)
        return self.set(f"shufflevector {kind} {a}, {kind} {b}, <{len(order)} x i32> <{mask}>")

    def keep(self, scratch: str, place: str, value: str) -> None:
        """Store a vector in the function's scratch memory."""
        where = self.set(f"getelementptr {self.vector}, ptr {scratch}, i64 {place}")
        self.lines.append(f"  store {self.vector} {value}, ptr {where}, align {4 * self.lanes}")

    def kept(self, scratch: str, place: str) -> str:
        """Load a vector from the function's scratch memory."""
        where = self.set(f"getelementptr {self.vector}, ptr {scratch}, i64 {place}")
        return self.set(f"load {self.vector}, ptr {where}, align {4 * self.lanes}")

    def begin(self, block: str) -> None:
        """Begin a basic block, after the one before."""
        self.lines += [f"  br label %{block}", f"{block}:"]
        self.block = block

    def loop(self, name: str, first: str, step: int) -> str:
        """Begin a loop that is run at least once; return its number. What is carried on follows as phi."""
        before = self.block
        self.begin(name)
        self.lines.append(f"  %{name}.i = phi i64 [ {first}, %{before} ], [ %{name}.next, %{name}.end ]")
        self.steps[name] = step
        return f"%{name}.i"

    def end(self, name: str, last: str) -> None:
        """End a loop, which goes on below ``last``."""
        self.begin(f"{name}.end")
        self.lines += [
            f"  %{name}.next = add i64 %{name}.i, {self.steps[name]}",
            f"  %{name}.more = icmp slt i64 %{name}.next, {last}",
            f"  br i1 %{name}.more, label %{name}, label %{name}.done",
            f"{name}.done:",
        ]
        self.block = f"{name}.done"

    def layer(
        self, name: str, source: str, inputs: int, units: int, weights: tuple[str, str],
        use: Callable[[int, int, str], None],
    ) -> None:  # fmt: skip
        """Compute a linear layer of what is kept for both rows; ``use(unit, row, value)`` takes each result."""
        size = -(-units // -(-units // self.most))
        for first in range(0, units, size):
            self._units(
                f"{name}.{first}", source, (inputs, units), range(first, min(first + size, units)), weights, use
            )

    def _units(
        self, name: str, source: str, shape: tuple[int, int], units: range, weights: tuple[str, str],
        use: Callable[[int, int, str], None],
    ) -> None:  # fmt: skip
        """Compute some units of a layer for both rows: their sums stay in registers."""
        biases = [self.number(self.at(weights[1], str(unit))) for unit in units]
        before = self.block
        k = self.loop(name, "0", 1)
        sums = [(place, line) for place in range(len(units)) for line in (0, 1)]
        for place, line in sums:
            total = f"%{name}.{place}.{line}"
            self.lines.append(
                f"  {total} = phi {self.vector} [ {biases[place]}, %{before} ], [ {total}.next, %{name}.end ]"
            )
        double = self.set(f"shl i64 {k}, 1")
        values = [self.kept(source, self.add(double, line)) for line in (0, 1)]
        row = self.at(weights[0], self.times(k, shape[1]))
        for place, unit in enumerate(units):
            weight = self.number(self.at(row, str(unit)))
            for line in (0, 1):
                total = f"%{name}.{place}.{line}"
                product = self.set(f"fmul contract {self.vector} {values[line]}, {weight}")
                self.lines.append(f"  {total}.next = fadd contract {self.vector} {product}, {total}")
        self.end(name, str(shape[0]))
        for place, line in sums:
            use(units[place], line, f"%{name}.{place}.{line}.next")
