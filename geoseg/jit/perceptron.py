"""A small perceptron on every pixel, in vector registers: the last layers of a network whose features are maps.

Frameworks compute such layers as products of matrices, whose arguments and results, as large as the scene times the
channels, go through memory between any two steps. Here a block of two rows of pixels goes through all layers at a time:
the vectors are pixels side by side, the weights are numbers, and nothing but the classes' scores is written.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoseg.jit.machine import Once, machine_code

Array = NDArray[np.float32]

STEP = 16
"""Widths of what is computed are multiples of this, in pixels."""


@dataclass(frozen=True)
class Layers:
    """Weights of a perceptron, float32.

    Attributes
    ----------
    pixel
        (width, inputs), of the first layer; its bias is in what the pixels of a cell share.
    decide, decide_bias
        (decide, width) and (decide,).
    head, head_bias
        (classes, decide) and (classes,).
    """

    pixel: Array
    decide: Array
    decide_bias: Array
    head: Array
    head_bias: Array

    @property
    def sizes(self) -> tuple[int, int, int, int]:
        """Inputs, units of both hidden layers, and classes."""
        return self.pixel.shape[1], self.pixel.shape[0], *self.head.shape[::-1]

    @functools.cached_property
    def as_read(self) -> list[Array]:
        """As machine code reads them: the inputs of a unit one after the other, the units of a block side by side."""
        parts = self.pixel, self.decide.T, self.decide_bias, self.head.T, self.head_bias
        return [np.ascontiguousarray(part, np.float32) for part in parts]


def perceptron(
    layers: Layers, pixels: Array, cells: Array, quarters: Array, out: Array, *, pool: Executor | None = None,
    threads: int = 1,
) -> None:  # fmt: skip
    """Compute scores: two hidden layers with ReLU, then a linear one.

    What goes into the first layer is summed at three resolutions: of each pixel, of its cell of 2 × 2 pixels, and of
    cells of 4 × 4, brought to those of 2 × 2 by bilinear interpolation. Releases the GIL. What is computed of a pixel
    does not depend on how the arrays are cut.

    Parameters
    ----------
    layers
        The weights.
    pixels
        (inputs, h, w), h a multiple of 4 and w of :data:`STEP`. All arrays are float32, and their rows contiguous.
    cells
        (width, h / 2, w / 2): what is added in the first layer.
    quarters
        (width, h / 4 + 2, w / 4 + 2): what is added, too, with a border of one cell.
    out
        (classes, h, w): scores.
    pool, threads
        What computes the rows, divided among so many threads; None: the caller.

    Raises
    ------
    ValueError
        If shapes or types do not fit.
    """
    inputs, width, _, classes = layers.sizes
    height, across = pixels.shape[1:]
    wanted = {
        "pixels": (pixels, (inputs, height, across)),
        "cells": (cells, (width, height // 2, across // 2)),
        "quarters": (quarters, (width, height // 4 + 2, across // 4 + 2)),
        "out": (out, (classes, height, across)),
    }
    for name, (array, shape) in wanted.items():
        if array.shape != shape or array.dtype != np.float32 or (array.size and array.strides[2] != array.itemsize):
            raise ValueError(f"{name} is {array.dtype} {array.shape}: float32 {shape} in contiguous rows is needed")
    if height % 4 or across % STEP:
        raise ValueError(f"{height} × {across} pixels: multiples of 4 and {STEP} are needed")
    function, weights = _compiled(*layers.sizes)[1], [part.ctypes.data for part in layers.as_read]

    def compute(rows: tuple[int, int]) -> None:
        start, stop = rows
        function(
            *_place(pixels, start), *_place(cells, start // 2), *_place(quarters, start // 4), *_place(out, start),
            *weights, stop - start, across,
        )  # fmt: skip

    step = max(-(-height // threads // 4) * 4, 4)
    parts = [(start, min(start + step, height)) for start in range(0, height, step)]
    list(map(compute, parts) if pool is None else pool.map(compute, parts))


def _place(array: Array, row: int) -> tuple[int, int, int]:
    """Return the address of a row, and the floats from plane to plane and from row to row."""
    planes, rows, _ = array.strides
    return array.ctypes.data + row * rows, planes // 4, rows // 4


@Once
def _compiled(inputs: int, width: int, decide: int, classes: int) -> tuple[Any, Callable[..., None]]:
    """Return the engine that owns the code, and its function."""
    import llvmlite.binding as llvm

    wide = llvm.get_host_cpu_features().get("avx512f", False)
    # 11 × 2 sums fill the 32 registers of AVX-512, 6 × 2 the 16 of AVX2, and in halves the 32 of Arm.
    text = _Writer(inputs, width, decide, classes, *((16, 11) if wide else (8, 6))).text()
    engine, address = machine_code(text)
    return engine, _callable(address)


def _callable(address: int) -> Callable[..., None]:
    kinds = [ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64] * 4 + [ctypes.c_void_p] * 5 + [ctypes.c_int64] * 2
    return ctypes.CFUNCTYPE(None, *kinds)(address)


_ARRAYS = ("pixels", "cells", "quarters", "out")
_WEIGHTS = ("w1", "w2", "b2", "w3", "b3")


class _Writer:
    """Writes the function as LLVM assembly.

    Parameters
    ----------
    inputs, width, decide, classes
        Sizes of the layers.
    lanes
        Pixels in a vector; two of them, one above the other, are a block.
    most
        Units that are summed at a time.
    """

    def __init__(self, inputs: int, width: int, decide: int, classes: int, lanes: int, most: int) -> None:
        self.inputs, self.width, self.decide, self.classes = inputs, width, decide, classes
        self.lanes, self.most = lanes, most
        self.vector = f"<{lanes} x float>"
        self.lines: list[str] = []
        self.count = 0
        self.block = ""  # the basic block that is being written
        self.steps: dict[str, int] = {}  # of each loop

    # --- instructions

    def set(self, text: str) -> str:
        self.count += 1
        self.lines.append(f"  %t{self.count} = {text}")
        return f"%t{self.count}"

    def add(self, a: str, b: Any) -> str:
        return self.set(f"add i64 {a}, {b}")

    def times(self, a: str, b: Any) -> str:
        return self.set(f"mul i64 {a}, {b}")

    def at(self, pointer: str, *offsets: str) -> str:
        for offset in offsets:
            pointer = self.set(f"getelementptr float, ptr {pointer}, i64 {offset}")
        return pointer

    def load(self, pointer: str, lanes: int) -> str:
        return self.set(f"load <{lanes} x float>, ptr {pointer}, align 4")

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

    def relu(self, a: str) -> str:
        above = self.set(f"fcmp ogt {self.vector} {a}, zeroinitializer")
        return self.set(f"select <{self.lanes} x i1> {above}, {self.vector} {a}, {self.vector} zeroinitializer")

    def shuffle(self, a: str, b: str, lanes: int, order: list[int]) -> str:
        kind = f"<{lanes} x float>"
        mask = ", ".join(f"i32 {place}" for place in order)
        return self.set(f"shufflevector {kind} {a}, {kind} {b}, <{len(order)} x i32> <{mask}>")

    def keep(self, scratch: str, place: str, value: str) -> None:
        where = self.set(f"getelementptr {self.vector}, ptr {scratch}, i64 {place}")
        self.lines.append(f"  store {self.vector} {value}, ptr {where}, align {4 * self.lanes}")

    def kept(self, scratch: str, place: str) -> str:
        where = self.set(f"getelementptr {self.vector}, ptr {scratch}, i64 {place}")
        return self.set(f"load {self.vector}, ptr {where}, align {4 * self.lanes}")

    def begin(self, block: str) -> None:
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
        self.begin(f"{name}.end")
        self.lines += [
            f"  %{name}.next = add i64 %{name}.i, {self.steps[name]}",
            f"  %{name}.more = icmp slt i64 %{name}.next, {last}",
            f"  br i1 %{name}.more, label %{name}, label %{name}.done",
            f"{name}.done:",
        ]
        self.block = f"{name}.done"

    # --- the function

    def text(self) -> str:
        """Return the assembly of the function ``entry``."""
        arrays = [f"ptr noalias %{name}, i64 %{name}.c, i64 %{name}.r" for name in _ARRAYS]
        weights = [f"ptr noalias readonly %{name}" for name in _WEIGHTS]
        self.lines.append(f"define void @entry({', '.join([*arrays, *weights])}, i64 %rows, i64 %cols) {{\nstart:")
        self.block = "start"
        for name, units in (("h1", self.width), ("h2", self.decide)):
            self.lines.append(f"  %{name} = alloca [{2 * units} x {self.vector}], align 64")
        row = self.loop("row", "0", 2)
        col = self.loop("col", "0", self.lanes)
        self._first_layer(row, col)
        self._layer("l2", "%h1", self.width, self.decide, ("%w2", "%b2"), self._keep_second)
        above = self.at("%out", self.times(row, "%out.r"), col)
        places = above, self.at(above, "%out.r")
        self._layer("l3", "%h2", self.decide, self.classes, ("%w3", "%b3"), functools.partial(self._write, places))
        self.end("col", "%cols")
        self.end("row", "%rows")
        self.lines.append("  ret void\n}")
        return "\n".join(self.lines)

    def _first_layer(self, row: str, col: str) -> None:
        above = self.at("%pixels", self.times(row, "%pixels.r"), col)
        planes = [self.times("%pixels.c", k) for k in range(self.inputs)]
        values = [
            [self.load(self.at(start, plane), self.lanes) for plane in planes]
            for start in (above, self.at(above, "%pixels.r"))
        ]
        half = self.set(f"lshr i64 {row}, 1")
        cell = self.at("%cells", self.times(half, "%cells.r"), self.set(f"lshr i64 {col}, 1"))
        # The row of 4 × 4 cells that the cell lies in, counted with the border, and the next nearest one.
        main = self.add(self.set(f"lshr i64 {half}, 1"), 1)
        odd = self.set(f"and i64 {half}, 1")
        other = self.add(self.add(main, self.set(f"shl i64 {odd}, 1")), -1)
        across = self.set(f"lshr i64 {col}, 2")
        near, far = (self.at("%quarters", self.times(line, "%quarters.r"), across) for line in (main, other))
        unit = self.loop("l1", "0", 1)
        around = self._interpolated(near, far, self.times(unit, "%quarters.c"))
        half_lanes = self.lanes // 2
        own = self.load(self.at(cell, self.times(unit, "%cells.c")), half_lanes)
        shared = self.set(f"fadd <{half_lanes} x float> {own}, {around}")
        both = self.shuffle(shared, "poison", half_lanes, [place // 2 for place in range(self.lanes)])
        sums = [both, both]
        weights = self.at("%w1", self.times(unit, self.inputs))
        for k in range(self.inputs):
            weight = self.number(self.at(weights, str(k)))
            sums = [self.fused(values[line][k], weight, sums[line], self.vector) for line in (0, 1)]
        place = self.set(f"shl i64 {unit}, 1")
        for line in (0, 1):
            self.keep("%h1", self.add(place, line), self.relu(sums[line]))
        self.end("l1", str(self.width))

    def _interpolated(self, near: str, far: str, plane: str) -> str:
        """Return cells of 4 × 4 pixels at half as many cells of 2 × 2 as a vector has lanes."""
        few = self.lanes // 4
        kind = f"<{few} x float>"
        most, least = (f"<{', '.join([f'float {share}'] * few)}>" for share in ("7.5e-01", "2.5e-01"))
        columns = []
        for step in range(3):  # the column to the left, the cell's own, the one to the right
            one, other = (self.load(self.at(start, plane, str(step)), few) for start in (near, far))
            scaled = self.set(f"fmul {kind} {other}, {least}")
            columns.append(self.fused(one, most, scaled, kind))
        sides = [
            self.fused(columns[1], most, self.set(f"fmul {kind} {columns[side]}, {least}"), kind) for side in (0, 2)
        ]
        return self.shuffle(sides[0], sides[1], few, [k // 2 + few * (k % 2) for k in range(2 * few)])

    def _layer(
        self, name: str, source: str, inputs: int, units: int, weights: tuple[str, str],
        use: Callable[[int, int, str], None],
    ) -> None:  # fmt: skip
        size = -(-units // -(-units // self.most))
        for first in range(0, units, size):
            self._block(
                f"{name}.{first}", source, (inputs, units), range(first, min(first + size, units)), weights, use
            )

    def _block(
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

    def _keep_second(self, unit: int, line: int, value: str) -> None:
        self.keep("%h2", str(2 * unit + line), self.relu(value))

    def _write(self, places: tuple[str, str], unit: int, line: int, value: str) -> None:
        where = self.at(places[line], self.times("%out.c", unit))
        self.lines.append(f"  store {self.vector} {value}, ptr {where}, align 4")
