"""What a network must beat: local maxima of smoothed greenness."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from green.data import ndvi
from scipy import ndimage

from trees.scores import Found

if TYPE_CHECKING:
    from numpy.typing import NDArray

SETTINGS = tuple(product((1.5, 2.5, 3.5), (3, 5, 7)))
"""Deviations of the smoothing, and rows and columns that maxima are apart, in pixels."""


def greenness(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return NDVI of an image of four bands, or green against red and blue of one of three."""
    if len(image) == 4:
        return ndvi(image)
    red, green, blue = image.astype(np.float32)
    return np.asarray((2 * green - red - blue) / np.maximum(red + green + blue, 1), np.float32)


def maxima(image: NDArray[np.uint8], deviation: float, apart: int) -> Found:
    """Return the local maxima of the smoothed greenness; the score is its height."""
    smooth = ndimage.gaussian_filter(greenness(image), deviation)
    rows, cols = np.nonzero(smooth == ndimage.maximum_filter(smooth, 2 * apart + 1))
    return Found(np.stack([cols, rows], 1).astype(np.float64), smooth[rows, cols].astype(np.float64))
