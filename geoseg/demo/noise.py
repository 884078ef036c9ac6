"""Smooth random fields and repeatable random values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Field = NDArray[np.float32]


def smooth(rng: np.random.Generator, size: int, cell: float) -> Field:
    """Return noise that varies over about ``cell`` pixels, mean 0, standard deviation about 1, ``(size, size)``.

    A grid of normal numbers, interpolated by cubic B-splines: two small matrix products.
    """
    count = int(size / cell) + 5
    grid = rng.standard_normal((count, count), dtype=np.float32)
    offset = rng.random(2)
    down, across = (_spline_weights(size, cell, count, float(shift)) for shift in offset)
    values = np.asarray(down @ grid @ across.T, np.float32)
    return values * np.float32(2.0)  # the spline halves the standard deviation


def fractal(rng: np.random.Generator, size: int, largest: float, smallest: float, roughness: float = 0.5) -> Field:
    """Return smooth noise summed over octaves of cells from ``largest`` to ``smallest``, standard deviation about 1.

    Each octave has half the cell of the previous one and ``roughness`` times its amplitude.
    """
    total = np.zeros((size, size), np.float32)
    cell, strength, power = largest, 1.0, 0.0
    while cell >= smallest:
        total += np.float32(strength) * smooth(rng, size, cell)
        power += strength**2
        cell, strength = cell / 2, strength * roughness
    return total / np.float32(np.sqrt(max(power, 1e-9)))


def _spline_weights(size: int, cell: float, count: int, shift: float) -> Field:
    """Return the weights of the cubic B-spline from ``count`` knots to ``size`` pixels."""
    position = np.arange(size) / cell + shift
    first = position.astype(int)
    t = position - first
    cubic = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    weights = np.zeros((size, count), np.float32)
    for step, value in enumerate(cubic):
        weights[np.arange(size), first + step] = value / 6
    return weights


def scatter(*numbers: NDArray[np.int32] | Field, salt: int = 0) -> Field:
    """Hash whole numbers (ids of parcels, for example) to repeatable random values in 0…1."""
    state = np.uint32((salt * 0x9E3779B9 + 0x85EBCA6B) & 0xFFFFFFFF)
    mixed = np.asarray(state)
    for number in numbers:
        mixed = mixed ^ np.asarray(number).astype(np.int32).view(np.uint32)
        for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):  # Wellons' "lowbias32" integer hash
            mixed = (mixed ^ (mixed >> np.uint32(shift))) * np.uint32(factor)
        mixed = mixed ^ (mixed >> np.uint32(16))
    return (mixed >> np.uint32(8)).astype(np.float32) / np.float32(2**24)


def blur(image: Field, share: float) -> Field:
    """Blur by the kernel ``(share, 1 - 2 share, share)`` along rows and columns."""
    result = image
    for _ in range(2):
        padded = np.pad(result, ((1, 1), (0, 0)), mode="edge")
        result = np.float32(1 - 2 * share) * result
        result += np.float32(share) * padded[:-2]
        result += np.float32(share) * padded[2:]
        result = result.T  # the other axis, then back
    return result


def grain(rng: np.random.Generator, size: int) -> Field:
    """Return noise that varies over about two pixels, standard deviation about 1; cheaper than :func:`smooth`."""
    return blur(rng.standard_normal((size, size), dtype=np.float32), 0.25) * np.float32(2.67)
