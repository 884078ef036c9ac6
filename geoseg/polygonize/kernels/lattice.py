"""The boundary edges of a whole raster, two bits per lattice point.

Simplification looks up which other boundaries are near a boundary. The answer must not depend on strips, so edges are
kept for the whole raster: 0.25 bytes per pixel, in memory or, beyond a share of the budget, in a memory-mapped
temporary file.
"""

from __future__ import annotations

import tempfile

import numpy as np

from geoseg.jit import compiled
from geoseg.polygonize.kernels.types import Array


def new_lattice(height: int, width: int, limit: int) -> Array:
    """Return zeros, uint8 (height + 1, ⌈(width + 1) / 4⌉); beyond ``limit`` bytes in a temporary file."""
    shape = height + 1, (width + 4) // 4
    if shape[0] * shape[1] <= limit:
        return np.zeros(shape, np.uint8)
    with tempfile.TemporaryFile() as file:  # the memory map keeps the deleted file open
        return np.memmap(file, np.uint8, "w+", shape=shape)


@compiled
def mark(codes: Array, first_line: int, lattice: Array) -> None:
    """Record the edges of a strip's lattice lines: bit 0 of a point is the edge to its right, bit 1 the one below."""
    rows, width = codes.shape[0], codes.shape[1]
    for i in range(1, rows):
        line = first_line + i - 1
        for x in range(width - 1):
            bits = 0
            if codes[i - 1, x + 1] != codes[i, x + 1]:
                bits = 1
            if codes[i, x] != codes[i, x + 1]:
                bits |= 2
            if x & 3 == 0:
                lattice[line, x >> 2] = bits
            else:
                lattice[line, x >> 2] |= bits << (2 * (x & 3))


@compiled
def edges_at(lattice: Array, x: int, y: int) -> int:
    """Return the edges that meet at a point: bits 0 east, 1 south, 2 west, 3 north."""
    edges = (lattice[y, x >> 2] >> (2 * (x & 3))) & 3
    if x > 0 and (lattice[y, (x - 1) >> 2] >> (2 * ((x - 1) & 3))) & 1:
        edges |= 4
    if y > 0 and (lattice[y - 1, x >> 2] >> (2 * (x & 3))) & 2:
        edges |= 8
    return int(edges)
