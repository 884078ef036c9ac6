"""Loops over the pixels of a date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.jit import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray


@compiled
def add_valid(values: NDArray[Any], valid: NDArray[np.bool_], total: NDArray[Any], count: NDArray[np.uint16]) -> None:
    """Add what is valid (n,) of values (bands, n) to their sum and to their number."""
    for band in range(values.shape[0]):
        for place in range(values.shape[1]):
            total[band, place] += values[band, place] if valid[place] else 0
    for place in range(valid.size):
        count[place] += int(valid[place])


@compiled
def halve(low: NDArray[Any], high: NDArray[Any], between: NDArray[Any]) -> None:
    """Write the mean of two whole numbers of at most 32 bits, half to even."""
    for place in range(low.size):
        total = low[place] + high[place]
        half = total >> 1
        between[place] = half + (total & half & 1)


@compiled
def find_nearest(
    block: NDArray[Any], valid: NDArray[np.bool_], center: NDArray[np.float64], distance: NDArray[np.float64],
    least: NDArray[np.float64], index: NDArray[np.uint16],
) -> None:  # fmt: skip
    """Write the number of the valid date whose squared distance to the center is least; of equal ones the first.

    ``block`` (dates · bands, n), ``valid`` (dates, n), ``center`` (bands, n); ``distance`` (n,) is overwritten,
    ``least`` (n,) is infinite at first.
    """
    bands, size = center.shape[0], distance.size
    for date in range(valid.shape[0]):
        for place in range(size):
            distance[place] = 0.0
        for band in range(bands):
            row = date * bands + band
            for place in range(size):
                difference = block[row, place] - center[band, place]
                distance[place] += difference * difference
        for place in range(size):
            nearer = valid[date, place] and distance[place] < least[place]
            least[place] = distance[place] if nearer else least[place]
            index[place] = date if nearer else index[place]


@compiled
def distances(valid: NDArray[np.bool_], most: int, found: NDArray[np.uint8]) -> None:
    """Write how far pixels are from missing ones (Rosenfeld and Pfaltz 1968, doi:10.1016/0031-3203(68)90013-7)."""
    height, width = valid.shape[0], valid.shape[1]
    for row in range(height):
        before = most
        for col in range(width):
            least = before
            if row > 0:
                least = min(least, found[row - 1, col])
                if col > 0:
                    least = min(least, found[row - 1, col - 1])
                if col + 1 < width:
                    least = min(least, found[row - 1, col + 1])
            before = min(least + 1, most) if valid[row, col] else 0
            found[row, col] = before
    for up in range(height):
        row = height - 1 - up
        before = most
        for left in range(width):
            col = width - 1 - left
            least = before
            if up > 0:
                least = min(least, found[row + 1, col])
                if col > 0:
                    least = min(least, found[row + 1, col - 1])
                if left > 0:
                    least = min(least, found[row + 1, col + 1])
            before = min(least + 1, found[row, col])
            found[row, col] = before
