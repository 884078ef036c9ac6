"""What the network learns: which pixels are crown, and how near the middle of a tree each pixel is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from green.crowns import make_labels
from green.data import Tiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEVIATION = 3.0
"""Of the bell around each tree point, in pixels of 0.6 m."""

_REACH = 12


def middles(points: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return a map (h, w) of bells that are 1 at the points (column, row); the higher one where they meet."""
    found = np.zeros(shape, np.float32)
    for col, row in points:
        rows = np.arange(max(int(row) - _REACH, 0), min(int(row) + _REACH + 1, shape[0]))
        cols = np.arange(max(int(col) - _REACH, 0), min(int(col) + _REACH + 1, shape[1]))
        if rows.size and cols.size:
            part = found[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
            squares = np.add.outer((rows - row) ** 2, (cols - col) ** 2)
            np.maximum(part, np.exp(squares / (-2 * DEVIATION**2)), out=part)
    return found


def layers_of(tiles: Tiles) -> NDArray[np.float32]:
    """Return (tiles, 4, h, w): class of ``green`` (0 is crown), weight, NDVI, and nearness to a tree's middle."""
    labels = make_labels(tiles)
    heat = np.stack([middles(points, tiles.images.shape[2:]) for points in tiles.points])
    return np.stack([labels.classes.astype(np.float32), labels.weights, labels.index, heat], 1)
