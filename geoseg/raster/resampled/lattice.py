"""Pixels of two sizes over the same ground, along one axis: which of one lie in, or next to, which of the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Sizes whose ratio is as close to a whole number as this are taken as that number, so that pixels coincide: a UTM pixel
# of 10 m is one of 9.997 m on the ground.
_WHOLE = 0.05


def rounded_ratio(ratio: float) -> float:
    """Return a ratio of pixel sizes, or the whole number (or its inverse) that it is close to.

    Examples
    --------
    >>> from geoseg.raster.resampled.lattice import rounded_ratio
    >>> rounded_ratio(2.9988), round(1 / rounded_ratio(0.2497), 3), rounded_ratio(1.6667)
    (3.0, 4.0, 1.6667)
    """
    whole = ratio if ratio >= 1 else 1 / ratio
    if abs(whole - round(whole)) <= _WHOLE * round(whole) / max(round(whole), 4):
        whole = float(round(whole))
    elif ratio < 1:
        return ratio
    return whole if ratio >= 1 else 1 / whole


@dataclass(frozen=True)
class Axis:
    """One axis of a raster at another pixel size, from the same first edge.

    Attributes
    ----------
    size
        Pixels of the raster.
    ratio
        Its pixels in one of the other size; above 1 if those are coarser.
    """

    size: int
    ratio: float

    @property
    def count(self) -> int:
        """Pixels of the other size; the last one may reach beyond the raster."""
        return max(math.ceil(self.size / self.ratio - 1e-6), 1)

    def nearest(self, start: int, stop: int) -> NDArray[np.intp]:
        """Return for each pixel of the raster the one of the other size in which its centre lies."""
        centres = (np.arange(start, stop) + 0.5) / self.ratio
        places: NDArray[np.intp] = np.clip(np.floor(centres).astype(np.intp), 0, self.count - 1)
        return places

    def own_nearest(self, start: int, stop: int) -> NDArray[np.intp]:
        """Return for each pixel of the other size the one of the raster in which its centre lies."""
        centres = (np.arange(start, stop) + 0.5) * self.ratio
        places: NDArray[np.intp] = np.clip(np.floor(centres).astype(np.intp), 0, self.size - 1)
        return places

    def taps(self, start: int, stop: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Return which pixels of the raster make the pixels ``start`` to ``stop`` of the other size, and their weights.

        Coarser pixels are averages by the share of each pixel that they cover; finer ones lie between the centres of
        two.

        Returns
        -------
        Indexes and weights, both (taps, stop - start). They depend on the pixel alone, not on the range.
        """
        places = np.arange(start, stop)
        if self.ratio >= 1:
            low = places * self.ratio
            high = np.minimum(low + self.ratio, self.size)
            first = np.floor(low + 1e-9).astype(np.intp)
            reach = math.ceil(self.ratio - 1e-9) + (0 if float(self.ratio).is_integer() else 1)
            index = first[None] + np.arange(reach)[:, None]
            weight = np.clip(np.minimum(high, index + 1) - np.maximum(low, index), 0, None)
            weight[weight < 1e-6] = 0
        else:
            centres = (places + 0.5) * self.ratio - 0.5
            first = np.floor(centres).astype(np.intp)
            share = centres - first
            index, weight = np.stack([first, first + 1]), np.stack([1 - share, share])
        return np.clip(index, 0, self.size - 1), weight
