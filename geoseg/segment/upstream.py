"""Lazy arrays as input: a block of the map is a task whose inputs are the array's chunks, not a computation of its own.

dask then computes every chunk of the array once for all blocks that read it, and on the worker where it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.raster.arrays import ArraySource, chunk_starts

if TYPE_CHECKING:
    from geoseg.raster import Raster
    from geoseg.tiling import Box


@dataclass(frozen=True)
class Part:
    """The chunks of one lazy array that a box touches.

    Attributes
    ----------
    source
        The array's number among ``raster.inputs``.
    origin
        First band, row and column of the chunks.
    chunks
        Keys in the graph, in place of which a task finds the chunks: nested lists by band, row and column.
    """

    source: int
    origin: tuple[int, int, int]
    chunks: list[Any]


def lazy_sources(raster: Raster) -> dict[int, ArraySource]:
    """Return the lazy arrays that a raster reads, by their number among its inputs."""
    used = {part.source for part in raster.parts}
    found = {number: source for number, source in enumerate(raster.inputs) if number in used}
    return {number: one for number, one in found.items() if isinstance(one, ArraySource) and one.lazy}


def without_arrays(raster: Raster) -> Raster:
    """Return the raster as tasks carry it, without the graphs of its lazy arrays."""
    lazy = lazy_sources(raster)
    inputs: list[Any] = list(raster.inputs)
    for number, source in lazy.items():
        inputs[number] = replace(source, array=None, kept={})
    return replace(raster, inputs=tuple(inputs))


def parts_of(raster: Raster, box: Box) -> list[Part]:
    """Return the chunks of every lazy array that a box of the raster touches."""
    row, col = box.row + raster.origin[0], box.col + raster.origin[1]
    parts = []
    for number, source in lazy_sources(raster).items():
        bands = [part.band - 1 for part in raster.parts if part.source == number]
        spans = ((min(bands), max(bands) + 1), (row, row + box.height), (col, col + box.width))
        ranges, origin = [], []
        for sizes, (first, last) in zip(source.array.chunks, spans, strict=True):
            starts = np.array(chunk_starts(sizes))
            low, high = np.searchsorted(starts, first, "right") - 1, np.searchsorted(starts, last, "left")
            ranges.append(range(int(low), int(high)))
            origin.append(int(starts[low]))
        name = source.array.name
        chunks = [[[(name, i, j, k) for k in ranges[2]] for j in ranges[1]] for i in ranges[0]]
        parts.append(Part(number, (origin[0], origin[1], origin[2]), chunks))
    return parts


def with_pixels(raster: Raster, places: Sequence[tuple[int, tuple[int, int, int]]], chunks: Sequence[Any]) -> Raster:
    """Return a raster that reads its lazy arrays from chunks that are computed.

    Parameters
    ----------
    raster
        What :func:`without_arrays` returned.
    places
        ``source`` and ``origin`` of each :class:`Part`.
    chunks
        Its ``chunks``, computed.
    """
    inputs: list[Any] = list(raster.inputs)
    for (number, origin), nested in zip(places, chunks, strict=True):
        inputs[number] = replace(inputs[number], array=np.block(nested), origin=origin)
    return replace(raster, inputs=tuple(inputs))
