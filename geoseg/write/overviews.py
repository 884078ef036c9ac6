"""Reduce a raster to half its size: by mode for classes, by mean for confidence. Valid pixels win over nodata.

Plain numpy, one tile at a time: the passes stay in the processor's cache and release the interpreter lock. Bytes are
selected by bitwise operations, which numpy vectorises; its masked assignment takes three to ten times as long.
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
    result, missing = a, a == NODATA
    if missing.any():
        for later in (b, c, d):
            result = _select(result == NODATA, later, result)
    # The first value stands unless a later one is the first to occur twice. Nodata never counts as occurring twice.
    others = ~((a == b) | (a == c) | (a == d)) | missing
    c_twice = (c == d) & (c != NODATA) & others
    b_twice = ((b == c) | (b == d)) & (b != NODATA) & others
    return _select(b_twice, b, _select(c_twice, c, result))


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
    values = _even(values)
    if not (values == NODATA).any():
        pairs = values.view("<u2")
        sums = (pairs & 0xFF) + (pairs >> 8)
        return ((sums[::2] + sums[1::2] + np.uint16(2)) >> 2).astype(np.uint8)
    quarters = _quarters(values)
    total = np.zeros(quarters[0].shape, np.uint16)
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


def count_values(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how often each value from 0 to 255 occurs: int64 (256,).

    Class maps hold few values: counting them one by one takes a third of ``np.bincount``, which widens to int64 first.
    """
    counts, left = np.zeros(256, np.int64), values.size
    for value in (NODATA, *range(_FEW)):
        if not left:
            return counts
        counts[value] = np.count_nonzero(values == value)
        left -= int(counts[value])
    return np.bincount(values.ravel(), minlength=256) if left else counts


_FEW = 10
"""Values that are counted one by one; for more, ``np.bincount`` is faster."""


def _select(mask: NDArray[np.bool_], one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ``one`` where the mask is set, else ``other``."""
    result = np.bitwise_xor(one, other)
    result &= np.negative(mask.view(np.uint8))  # 0 or 255
    result ^= other
    return result


def _even(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pad an odd last row or column with nodata; C-contiguous."""
    height, width = values.shape
    if height % 2 or width % 2:
        values = np.pad(values, ((0, height % 2), (0, width % 2)), constant_values=NODATA)
    return np.ascontiguousarray(values)


def _quarters(values: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], ...]:
    """Return the upper left, upper right, lower left and lower right pixels of each 2x2."""
    # Neighbours as one number: taking its halves apart is several times faster than copying every second byte.
    pairs = _even(values).view("<u2")
    left, right = pairs.astype(np.uint8), (pairs >> 8).astype(np.uint8)
    return left[::2], right[::2], left[1::2], right[1::2]
