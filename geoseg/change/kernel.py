"""Compare two maps pixel by pixel: the one loop over all pixels, compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from geoseg.jit import compiled

Array = NDArray[Any]

COUNTED, UNSURE, SHIFTED = 0, 1, 2
"""What a pixel counts as: unchanged or changed; different, but one date is not sure; different by a shift alone."""


@compiled
def translate(values: Array, valid: Array, table: Array, row: int, col: int, out: Array) -> int:
    """Write the positions of pixel values into a part of an array; return how many are 254, no class.

    Parameters
    ----------
    values, valid
        uint8 (h, w): pixel values, and 0 where they are invalid.
    table
        uint8 (256): position of each value.
    row, col
        Where the part begins in ``out``.
    out
        uint8: positions; 255 where a pixel is invalid.
    """
    strange = 0
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            found = 255
            if valid[i, j] != 0:
                found = table[values[i, j]]
                if found == 254:
                    strange += 1
            out[row + i, col + j] = found
    return strange


@compiled
def explained(before: Array, after: Array, row: int, col: int, reach: int) -> bool:
    """Return whether one shift of at most ``reach`` pixels explains the difference at a pixel.

    A shift by (y, x) that moves BEFORE onto AFTER takes the pixel's new class from ``before[row - y, col - x]`` and
    leaves its old one at ``after[row + y, col + x]``. Both must hold for the same shift. Unknown pixels (255) may be
    anything.
    """
    old = before[row, col]
    new = after[row, col]
    for y in range(-reach, reach + 1):
        for x in range(-reach, reach + 1):
            source = before[row - y, col - x]
            if source == new or source == 255:  # noqa: PLR1714  the compiler knows no "in"
                target = after[row + y, col + x]
                if target == old or target == 255:  # noqa: PLR1714
                    return True
    return False


@compiled
def compare(
    before: Array,
    after: Array,
    sure: Array,
    codes: Array,
    prefix: Array,
    rows: Array,
    table: Array,
    reach: int,
    out: Array,
    pixels: Array,
    area: Array,
) -> None:
    """Classify and count the pixels of a window.

    Parameters
    ----------
    before, after
        uint8 (h + 2 reach, w + 2 reach): classes 0…K−1, 255 unknown.
    sure
        uint8 (h, w): 0 where one of the dates is not sure; of shape (1, 1) if all are sure.
    codes
        int64 (K, K): code of each transition in the change raster.
    prefix, rows, table
        Areas of pixels, see :class:`geoseg.geodesy.StripAreas`: cumulative areas (tables, w + 1); weight of the second
        table and scale (h, 2); first table (h).
    reach
        Largest shift in pixels.
    out
        Result, uint8 or uint16 (h, w): 0 unchanged, 1 uncertain, codes of changes, the type's largest value nodata
        (already there).
    pixels, area
        int64 (3, K²): pixels, and their areas in units, by what they count as and transition; added to.
    """
    height = out.shape[0]
    width = out.shape[1]
    classes = codes.shape[0]
    has_sure = sure.shape[0] == height and sure.shape[1] == width
    for i in range(height):
        first = table[i]
        mix = rows[i, 0]
        scale = rows[i, 1]
        second = first
        if mix > 0:
            second = first + 1
        # Pixels that count alike are added up before they are stored: memory would be what the loop waits for.
        last = 0
        last_kind = 0
        run = 0
        run_area = 0
        for j in range(width):
            old = before[i + reach, j + reach]
            new = after[i + reach, j + reach]
            if old == 255 or new == 255:
                continue
            kind = 0
            value = 0
            if old != new:
                value = codes[old, new]
                if has_sure and sure[i, j] == 0:
                    kind = 1
                elif reach > 0 and explained(before, after, i + reach, j + reach, reach):
                    kind = 2
                if kind > 0:
                    value = 1
            out[i, j] = value
            size = (prefix[first, j + 1] - prefix[first, j]) * (1 - mix)
            if mix > 0:
                size += (prefix[second, j + 1] - prefix[second, j]) * mix
            # Whole units: sums do not depend on how the map is cut into windows.
            which = old * classes + new
            if which != last or kind != last_kind:
                pixels[last_kind, last] += run
                area[last_kind, last] += run_area
                run = 0
                run_area = 0
                last = which
                last_kind = kind
            run += 1
            run_area += int(np.floor(size * scale + 0.5))
        pixels[last_kind, last] += run
        area[last_kind, last] += run_area
