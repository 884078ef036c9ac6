"""What other models say about an image, from maps on disk: soft targets, and labels where there are none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoseg.classes import NODATA
from geoseg.raster import Raster
from geoseg.tiling import Box
from geoseg.train.data.labels import NO_VALUE


@dataclass(frozen=True, eq=False)
class SoftLabels:
    """The maps of one or several models on the pixels of an image.

    Attributes
    ----------
    label
        Name for messages.
    classes
        The class map of a single model; None for several, whose mean decides.
    probabilities
        For each model, a raster of percents, a band for each of its classes.
    orders
        For each model, its positions of the classes 0…K−1.
    """

    label: str
    classes: Raster | None
    probabilities: tuple[Raster, ...]
    orders: tuple[tuple[int, ...], ...]

    def read(self, box: Box) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the winning class of each pixel; see :class:`~geoseg.train.data.labels.LabelSource`."""
        if self.classes is None:
            sums, valid = self._sums(box)
            winner = sums.argmax(0)
        else:
            pixels = self.classes.read(box)
            ranks = np.full(256, NO_VALUE, np.int64)
            ranks[list(self.orders[0])] = np.arange(len(self.orders[0]))
            winner, valid = ranks[pixels.data[0]], pixels.valid
        return np.where(valid, winner, NO_VALUE), valid

    def percents(self, box: Box) -> NDArray[np.uint8]:
        """Return the mean percent of each class, uint8 (K, h, w): 0…100, 255 where a model says nothing."""
        sums, valid = self._sums(box)
        return np.where(valid, np.rint(sums / len(self.probabilities)), NODATA).astype(np.uint8)

    def _sums(self, box: Box) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        sums = np.zeros((len(self.orders[0]), box.height, box.width), np.int32)
        valid = np.ones((box.height, box.width), np.bool_)
        for raster, order in zip(self.probabilities, self.orders, strict=True):
            pixels = raster.read(box)
            sums += pixels.data[list(order)]
            valid &= pixels.valid
        return sums, valid

    def check_unchanged(self) -> None:
        """Do nothing: the maps are files of this run."""


@dataclass(frozen=True, eq=False)
class AnyClass(SoftLabels):
    """Stands in for labels where only places are split: every valid pixel is labelled, and all classes are everywhere.

    Attributes
    ----------
    image
        The image whose valid pixels count.
    count
        Number of classes.
    """

    image: Raster
    count: int

    @classmethod
    def on(cls, image: Raster, count: int) -> AnyClass:
        """Return the stand-in for an image."""
        return cls("the images", None, (), (tuple(range(count)),), image, count)

    def read(self, box: Box) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """See :class:`SoftLabels`; the class is that of the pixel's diagonal."""
        rows, cols = (np.arange(start, stop) for start, stop in ((box.row, box.bottom), (box.col, box.right)))
        valid = self.image.read(box).valid
        return np.where(valid, np.add.outer(rows, cols) % self.count, NO_VALUE), valid
