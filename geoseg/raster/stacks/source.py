"""Reads the slots of a stack: a source of bands like a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from numpy.typing import NDArray

    from geoseg.raster.raster import Raster
    from geoseg.raster.types import BandSource, ReadRequest
    from geoseg.tiling import Box

VALID, DAY = "valid", "day"
"""Bands that a slot has beside those of its raster: 1 where it has data, else 0; and its day."""


@dataclass(frozen=True, eq=False)
class Slot:
    """One place of a stack: a raster, or nothing where a sensor or date is missing.

    Attributes
    ----------
    name
        Its bands are called ``NAME:BAND``.
    bands
        Names of its bands, without ``NAME:``.
    raster
        These bands on the grid of the stack; None if it is missing.
    required
        Whether pixels without data here are invalid whatever the other slots have.
    day
        Number of its day as the model counts it; None if the stack is no series.
    when
        The day itself.
    pixel
        Side of its own pixels in metres, before they were brought to the grid of the stack; None if unknown.
    """

    name: str
    bands: tuple[str, ...]
    raster: Raster | None
    required: bool = False
    day: int | None = None
    when: date | None = None
    pixel: float | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of all bands that it has in the stack."""
        extra = (VALID,) if self.day is None else (VALID, DAY)
        return tuple(f"{self.name}:{band}" for band in (*self.bands, *extra))


@dataclass(frozen=True, eq=False)
class StackSource:
    """The bands of several slots on one grid, one slot after another.

    A pixel is valid where every required slot and at least one slot at all has data. Where a slot has none its bands
    are 0, whatever its file holds there.

    Attributes
    ----------
    slots
        At least one of them has a raster.
    label
        Name for messages.
    """

    slots: tuple[Slot, ...]
    label: str

    @cached_property
    def _places(self) -> tuple[tuple[int, int], ...]:
        """Slot, and place in it, of each band."""
        return tuple((slot, place) for slot, one in enumerate(self.slots) for place in range(len(one.channels)))

    @property
    def rasters(self) -> tuple[Raster, ...]:
        """What is read, one raster for each slot that has any."""
        return tuple(slot.raster for slot in self.slots if slot.raster is not None)

    def rasters_in(self, box: Box) -> Iterator[tuple[Raster, Box]]:
        """Yield what is read for a box."""
        for one in self.rasters:
            yield one, box

    @property
    def block_shape(self) -> tuple[int, int]:
        """Height and width of the blocks of the first raster."""
        return self.rasters[0].block_shape

    @property
    def sources(self) -> tuple[BandSource, ...]:
        """The files that are read."""
        return tuple(source for one in self.rasters for source in one.leaves)

    def recipe(self) -> str:
        """Return text that changes whenever the pixels might change."""
        known = [
            (slot.name, slot.bands, slot.required, slot.day, slot.raster and slot.raster.fingerprint())
            for slot in self.slots
        ]
        return hashlib.sha256(repr(known).encode()).hexdigest()

    def overview(self, factor: float) -> int | None:
        """Return None: what a read at a reduced size decodes depends on all files."""
        del factor
        return None

    def unmasked(self, names: frozenset[str]) -> StackSource:
        """Return the same with some of clouds, shadows and snow not masked."""
        slots = (
            slot if slot.raster is None else replace(slot, raster=slot.raster.unmasked(names)) for slot in self.slots
        )
        return replace(self, slots=tuple(slots))

    def read(self, request: ReadRequest) -> None:
        """Fill ``request.out`` and clear ``request.valid`` where data is missing.

        With one validity for all bands, only the slots count that have some of the bands.

        Raises
        ------
        ReadError, ChangedError
            As the files raise them.
        """
        wanted: dict[int, list[tuple[int, int]]] = {}
        for position, band in enumerate(request.bands):
            slot, place = self._places[band - 1]
            wanted.setdefault(slot, []).append((position, place))
        some, every = np.zeros(request.shape, np.bool_), np.ones(request.shape, np.bool_)
        for number, bands in sorted(wanted.items()):
            valid = self._read_slot(self.slots[number], bands, request)
            some |= valid
            if self.slots[number].required:
                every &= valid
        if request.valid.ndim == 2:
            request.keep(some & every)

    @staticmethod
    def _read_slot(slot: Slot, bands: list[tuple[int, int]], request: ReadRequest) -> NDArray[np.bool_]:
        """Fill the bands of one slot, given by their position in the request and place in the slot."""
        data: Any = None
        valid = np.zeros(request.shape, np.bool_)
        if slot.raster is not None:
            pixels = slot.raster._read(request.box, request.shape)  # noqa: SLF001  same package; may be reduced
            data, valid = pixels.data, pixels.valid
        for position, place in bands:
            if place < len(slot.bands):
                request.out[position] = 0 if data is None else np.where(valid, data[place], 0)
                if request.valid.ndim == 3:
                    request.keep(valid, position)
            else:
                request.out[position] = valid if place == len(slot.bands) else slot.day
        return valid


def stack_of(raster: Raster) -> StackSource | None:
    """Return the stack that a raster reads; None if it is no stack."""
    first = raster.inputs[raster.parts[0].source]
    return first if isinstance(first, StackSource) else None
