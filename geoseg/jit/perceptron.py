"""A small perceptron on every pixel, in vector registers: the last layers of a network whose features are maps.

Frameworks compute such layers as products of matrices, whose arguments and results, as large as the scene times the
channels, go through memory between any two steps. Here a block of two rows of pixels goes through all layers at a time:
the vectors are pixels side by side, the weights are numbers, and nothing but the classes' scores is written.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np

from geoseg.jit.machine import Once, machine_code
from geoseg.jit.vectors import Array, Writer, by_rows, checked, entry_of, lanes_here, row_of


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
        (inputs, h, w), h a multiple of 4 and w of :data:`geoseg.jit.vectors.STEP`. All arrays are float32, and their
        rows contiguous.
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
    checked(wanted, 4)
    function, weights = _compiled(*layers.sizes)[1], [part.ctypes.data for part in layers.as_read]

    def compute(start: int, stop: int) -> None:
        function(
            *row_of(pixels, start), *row_of(cells, start // 2), *row_of(quarters, start // 4), *row_of(out, start),
            *weights, stop - start, across,
        )  # fmt: skip

    by_rows(compute, height, 4, pool, threads)


@Once
def _compiled(inputs: int, width: int, decide: int, classes: int) -> tuple[Any, Callable[..., None]]:
    """Return the engine that owns the code, and its function."""
    engine, address = machine_code(_Writer(inputs, width, decide, classes, *lanes_here()).text())
    return engine, entry_of(address, len(_ARRAYS), len(_WEIGHTS))


_ARRAYS = ("pixels", "cells", "quarters", "out")
_WEIGHTS = ("w1", "w2", "b2", "w3", "b3")


class _Writer(Writer):
    """Writes the function.

    Parameters
    ----------
    inputs, width, decide, classes
        Sizes of the layers.
    lanes, most
        As a :class:`Writer` takes them.
    """

    def __init__(self, inputs: int, width: int, decide: int, classes: int, lanes: int, most: int) -> None:
        super().__init__(lanes, most)
        self.inputs, self.width, self.decide, self.classes = inputs, width, decide, classes

    def text(self) -> str:
        """Return the assembly of the function ``entry``."""
        self.head(_ARRAYS, _WEIGHTS, {"h1": self.width, "h2": self.decide})
        row = self.loop("row", "0", 2)
        col = self.loop("col", "0", self.lanes)
        self._first_layer(row, col)
        self.layer("l2", "%h1", self.width, self.decide, ("%w2", "%b2"), self._keep_second)
        above = self.at("%out", self.times(row, "%out.r"), col)
        places = above, self.at(above, "%out.r")
        self.layer("l3", "%h2", self.decide, self.classes, ("%w3", "%b3"), functools.partial(self._write, places))
        self.end("col", "%cols")
        self.end("row", "%rows")
        return self.tail()

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

    def _keep_second(self, unit: int, line: int, value: str) -> None:
        self.keep("%h2", str(2 * unit + line), self.relu(value))

    def _write(self, places: tuple[str, str], unit: int, line: int, value: str) -> None:
        self.store(value, self.at(places[line], self.times("%out.c", unit)))
