"""Seeds, the connected cores of objects, numbered over a whole raster that is read in slabs of rows.

One pass labels each slab and joins the labels at its seams, as polygons are joined: a seed of any length is one seed.
Labelling a slab again later gives the same labels, so that only their final numbers are kept: four bytes each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from geoseg.errors import InputError
from geoseg.polygonize.kernels.runs import dense, label, paint, union_all
from geoseg.polygonize.kernels.types import Array
from geoseg.polygonize.objects.reading import ObjectReading
from geoseg.polygonize.source import RowSource
from geoseg.system.threads import ordered_map

_MOST = 2**31 - 2
"""Seeds are numbered in int32."""


@dataclass(frozen=True)
class Slabs:
    """A class map cut into slabs of rows.

    Attributes
    ----------
    source
        The class map, uint8.
    rows
        Rows of each slab but the last.
    reading
        How it is read as objects.
    """

    source: RowSource
    rows: int
    reading: ObjectReading

    @property
    def count(self) -> int:
        """Number of slabs."""
        return -(-self.source.height // self.rows)

    def classes(self, number: int) -> Array:
        """Return the pixels of a slab, uint8 (rows, columns)."""
        first = number * self.rows
        return self.source.read(first, min(first + self.rows, self.source.height))[0]

    def labels(self, classes: Array) -> tuple[Array, int]:
        """Label the seeds within a slab: int32 (rows, columns), from 1, 0 elsewhere; and how many there are."""
        codes = np.pad(self.reading.is_core[classes], ((0, 0), (1, 1)))
        runs = label(codes, 0, eight=False)
        count = int(runs.group.size)
        out = np.zeros(codes.shape, np.int32)
        paint(*runs[:4], np.arange(1, count + 1, dtype=np.int32), out)
        return out[:, 1:-1], count


class Seeds(NamedTuple):
    """The seeds of a raster.

    Attributes
    ----------
    number
        int32: number of each slab's labels, from 1, slab by slab; 0 for those of seeds that are too small.
    offset
        int64 (slabs + 1): labels of slab ``k`` are ``number[offset[k] : offset[k + 1]]``.
    position
        uint8: position of the class of seed ``i + 1`` in the reading: that of most of its pixels; of equals the first.
    """

    number: Array
    offset: Array
    position: Array

    def of_slab(self, k: int) -> Array:
        """Return a table from the labels of a slab, 0 included, to numbers of seeds."""
        return np.concatenate([np.zeros(1, np.int32), self.number[self.offset[k] : self.offset[k + 1]]])


class _Labelled(NamedTuple):
    """A slab's first and last row of labels, and pixels per label and object class."""

    top: Array
    bottom: Array
    votes: Array


def number_seeds(slabs: Slabs, workers: int, tick: Callable[[], None]) -> Seeds:
    """Find the seeds of a raster and number them.

    Parameters
    ----------
    slabs
        The class map.
    workers
        Threads that read and label.
    tick
        Called after each slab.

    Raises
    ------
    InputError
        If there are more than 2³¹ seeds.
    """
    offset, votes, pairs = [0], [], []
    above: Array | None = None
    for part in _labelled(slabs, workers):
        if above is not None:
            pairs.append(_touching(above, part.top, offset[-2], offset[-1]))
        above = part.bottom
        votes.append(part.votes)
        offset.append(offset[-1] + len(part.votes))
        if offset[-1] > _MOST:
            raise InputError(f"{slabs.source.name}: more than {_MOST} seeds of objects; is the class map noise?")
        tick()
    parent = np.arange(offset[-1], dtype=np.int32)
    for upper, lower in pairs:
        union_all(parent, upper, lower)
    number = np.empty(parent.size, np.int32)
    count = dense(parent, number)
    total = np.zeros((count, len(slabs.reading.classes)), np.int64)
    for k, part_votes in enumerate(votes):
        np.add.at(total, number[offset[k] : offset[k + 1]], part_votes)
    number += 1
    if slabs.reading.least > 1:
        number[(total.sum(1) < slabs.reading.least)[number - 1]] = 0
    position = total.argmax(1).astype(np.uint8) if count else np.zeros(0, np.uint8)
    return Seeds(number, np.array(offset, np.int64), position)


def _labelled(slabs: Slabs, workers: int) -> Iterator[_Labelled]:
    kinds = len(slabs.reading.classes)

    def one(k: int) -> _Labelled:
        classes = slabs.classes(k)
        labels, count = slabs.labels(classes)
        if kinds == 1 and slabs.reading.least == 1:  # nobody asks how large it is
            votes = np.ones((count, 1), np.int64)
        else:
            inside = labels > 0
            cells = (labels[inside].astype(np.int64) - 1) * kinds + slabs.reading.position[classes[inside]]
            votes = np.bincount(cells, minlength=count * kinds).reshape(count, kinds)
        return _Labelled(labels[0].copy(), labels[-1].copy(), votes)

    return ordered_map(one, range(slabs.count), workers, ahead=workers + 1, name="seeds")


def _touching(above: Array, below: Array, first: int, second: int) -> tuple[Array, Array]:
    """Return the pairs of labels that meet at a seam, counted over all slabs."""
    both = (above > 0) & (below > 0)
    pairs = np.unique(np.stack([above[both], below[both]]).astype(np.int64), axis=1)
    return pairs[0] - 1 + first, pairs[1] - 1 + second
