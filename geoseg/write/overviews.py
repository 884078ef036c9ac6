"""Reduce a raster to half its size: by mode for classes, by mean for confidence. Valid pixels win over nodata.

Plain numpy, one tile at a time: the few passes stay in the processor's cache and release the interpreter lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoseg.classes import NODATA

if TYPE_CHECKING:
    from numpy.typing import NDArray


def halve_by_mode(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the most frequent valid value of every 2x2 pixels; ties go to the first in reading order.

    Ties do not go to the smaller number, so that no class gains area in the overviews.

    Parameters
    ----------
    values
        uint8 ``(h, w)``; an odd last row or column is padded with nodata.

    Returns
    -------
    uint8 ``(ceil(h / 2), ceil(w / 2))``; nodata where all four are nodata.
    """
    a, b, c, d = _quarters(values)
    result = a.copy()
    for later in (b, c, d):
        np.copyto(result, later, where=result == NODATA)
    # The first value stands unless a later one is the first to occur twice. Nodata never counts as occurring twice.
    first_twice = ((a == b) | (a == c) | (a == d)) & (a != NODATA)
    b_twice = ((b == c) | (b == d)) & (b != NODATA)
    c_twice = (c == d) & (c != NODATA)
    np.copyto(result, c, where=c_twice)
    np.copyto(result, b, where=b_twice)
    np.copyto(result, a, where=first_twice)
    return result


def halve_by_mean(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mean of the valid pixels of every 2x2, rounded half up.

    Parameters
    ----------
    values
        uint8 ``(h, w)``; an odd last row or column is padded with nodata.

    Returns
    -------
    uint8 ``(ceil(h / 2), ceil(w / 2))``; nodata where all four are nodata.
    """
    quarters = _quarters(values)
    total = np.zeros(quarters[0].shape, np.uint16)
    if not any((quarter == NODATA).any() for quarter in quarters):
        for quarter in quarters:
            total += quarter
        return ((total + 2) >> 2).astype(np.uint8)
    count = np.zeros(total.shape, np.uint16)
    for quarter in quarters:
        valid = quarter != NODATA
        total += quarter * valid
        count += valid
    mean = (2 * total + count) // np.maximum(2 * count, 1)
    return np.where(count == 0, NODATA, mean).astype(np.uint8)


def any_of_four(tiles: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return, for each tile of the next overview, whether one of the four tiles that it covers is set."""
    rows, cols = tiles.shape
    padded = np.pad(tiles, ((0, rows % 2), (0, cols % 2)))
    return padded[::2, ::2] | padded[1::2, ::2] | padded[::2, 1::2] | padded[1::2, 1::2]


def _quarters(values: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], ...]:
    """Return the upper left, upper right, lower left and lower right pixels of each 2x2."""
    height, width = values.shape
    if height % 2 or width % 2:
        values = np.pad(values, ((0, height % 2), (0, width % 2)), constant_values=NODATA)
    # Contiguous copies: the passes above run several times faster on them than on strided views.
    return tuple(np.ascontiguousarray(values[row::2, col::2]) for row in (0, 1) for col in (0, 1))
