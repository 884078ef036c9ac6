"""Reads the dates of a box and joins them: a source of bands like a file."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from geoseg.raster.composite import methods
from geoseg.raster.composite.validity import KnownValidity
from geoseg.raster.sources import read_reduced
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from geoseg.raster.raster import Raster
    from geoseg.raster.types import BandSource, ReadRequest

# Bytes of the stack of dates that are in memory at a time in each thread: more than 100 dates of one block, 512² × 4 of
# 16 bits. A block that is cut is decoded once for each piece.
_STACK = 256 << 20


@dataclass(frozen=True)
class Unit:
    """How stored values of a date become those of the first: times ``gain``, plus ``shift``, for each band."""

    gain: tuple[float, ...]
    shift: tuple[float, ...]

    @property
    def same(self) -> bool:
        """Whether nothing has to be done."""
        return all(value == 1 for value in self.gain) and all(value == 0 for value in self.shift)


@dataclass(frozen=True, eq=False)
class CompositeSource:
    """Bands joined from several dates, and the number of dates as the last band.

    Attributes
    ----------
    dates
        Rasters of the same bands on one grid.
    units
        Of each date, the stored units of the first.
    method
        Name of the method.
    dtype
        Type of the joined pixels.
    closeness
        Of each date, 1 at the target date and 0 furthest from it; of ``best`` only.
    reach
        Pixels from missing data beyond which a pixel counts as far from clouds; of ``best`` only.
    label
        Name for messages.
    """

    dates: tuple[Raster, ...]
    units: tuple[Unit, ...]
    method: str
    dtype: str
    closeness: tuple[float, ...] = ()
    reach: int = 0
    label: str = "composite"

    @property
    def block_shape(self) -> tuple[int, int]:
        """Height and width of the blocks of the first date."""
        return self.dates[0].block_shape

    @property
    def sources(self) -> tuple[BandSource, ...]:
        """The files that are read."""
        return tuple(source for one in self.dates for source in one.leaves)

    def rasters_in(self, box: Box) -> Iterator[tuple[Raster, Box]]:
        """Yield the dates, with the part of each that is read for a box."""
        for one in self.dates:
            yield one, box

    def recipe(self) -> str:
        """Return text that changes whenever the pixels might change."""
        parts = (self.method, self.dtype, self.closeness, self.reach, self.units)
        text = repr([parts, [one.fingerprint() for one in self.dates]])
        return hashlib.sha256(text.encode()).hexdigest()

    def overview(self, factor: float) -> int | None:
        """Return None: at a reduced size each date would be decoded."""
        del factor
        return None

    def unmasked(self, names: frozenset[str]) -> CompositeSource:
        """Return the same with some of clouds, shadows and snow not masked."""
        return replace(self, dates=tuple(one.unmasked(names) for one in self.dates))

    def read(self, request: ReadRequest) -> None:
        """Fill ``request.out`` and clear ``request.valid`` where no date has data.

        Raises
        ------
        ReadError, ChangedError
            As the files raise them.
        """
        if request.shape != (request.box.height, request.box.width):
            read_reduced(self, request)
            return
        for number, part in enumerate(self._pieces(request.box)):
            self._join(request, part, part.within(request.box), backward=number % 2 == 1)

    def _pieces(self, box: Box) -> Iterator[Box]:
        """Cut a box so that the stack of a piece fits its memory, between blocks of the files if possible."""
        # Others keep what is joined so far, with its sums, and read one date.
        kept = len(self.dates) if self.method in methods.STACKED else 4
        pixel = kept * (len(self.dates[0].bands) * np.dtype(self.dtype).itemsize + 1)
        down, across = self.block_shape
        rows, cols = box.height, box.width
        while rows * cols * pixel > _STACK and (rows > down or cols > across):
            if cols > across and (cols >= rows or rows <= down):
                cols = -(-cols // 2 // across) * across
            else:
                rows = -(-rows // 2 // down) * down
        if rows * cols * pixel > _STACK:  # one block is too much
            rows = max(_STACK // (cols * pixel), 1)
        for top in _cuts(box.row, box.bottom, rows, down):
            for left in _cuts(box.col, box.right, cols, across):
                yield Box(top[0], left[0], top[1] - top[0], left[1] - left[0])

    def _join(self, request: ReadRequest, box: Box, place: tuple[slice, slice], *, backward: bool) -> None:
        bands, dtype = len(self.dates[0].bands), np.dtype(self.dtype)
        shape = bands, box.height, box.width
        joiner = methods.JOINERS[self.method](shape, dtype, len(self.dates))
        count = np.zeros(shape[1:], np.uint16)
        numbers = range(len(self.dates))
        dates: Iterable[Any] = (self._read_date(number, box) for number in numbers)
        if backward and self.method in methods.STACKED:
            # All dates are kept anyway: begin with the files that are still open from the piece before.
            dates = [self._read_date(number, box) for number in reversed(numbers)][::-1]
        for values, valid, score in dates:
            joiner.add(values, valid, score)
            count += valid
        joined = np.empty((bands + 1, *shape[1:]), dtype)
        joiner.write(joined[:bands])
        joined[bands] = count
        some = count > 0
        for position, band in enumerate(request.bands):
            request.out[position][place] = self._without_nodata(joined[band - 1], request.nodata[position], some)
            seen = request.valid if request.valid.ndim == 2 else request.valid[position]
            if band <= bands:
                seen[place] &= some

    def _read_date(self, number: int, box: Box) -> tuple[NDArray[Any], NDArray[np.bool_], NDArray[np.float32] | None]:
        """Return a date's values in the units of the first, their validity, and their score if there is one."""
        date, unit = self.dates[number], self.units[number]
        pixels = date.read(box)
        values = pixels.data.astype(self.dtype, copy=False)
        if not unit.same:
            for band, (gain, shift) in enumerate(zip(unit.gain, unit.shift, strict=True)):
                changed = pixels.data[band].astype(np.float64) * gain + shift
                values[band] = methods.stored(changed, values.dtype)
        if not self.closeness:
            return values, pixels.valid, None
        around, grown = _known(self).around(number, box, self.reach, pixels)
        far = methods.distance_to_missing(around, self.reach)[box.within(grown)]
        score = far.astype(np.float32) / np.float32(self.reach) + np.float32(self.closeness[number])
        return values, pixels.valid, score

    @staticmethod
    def _without_nodata(values: NDArray[Any], nodata: float | None, where: NDArray[np.bool_]) -> NDArray[Any]:
        """Move what was computed off the value that marks missing pixels, by the least step."""
        if nodata is None or not np.isfinite(nodata):
            return values
        marked = where & (values == values.dtype.type(nodata))
        if marked.any():
            step = values.dtype.type(nodata)
            above = np.nextafter(step, np.array(np.inf, values.dtype)) if values.dtype.kind == "f" else step + 1
            values = np.where(marked, above, values)
        return values


def _known(source: CompositeSource) -> KnownValidity:
    """Return what is known of a source's dates in this process."""
    with _LOCK:
        if source not in _KNOWN:
            _KNOWN[source] = KnownValidity(source.dates)
        return _KNOWN[source]


_KNOWN: WeakKeyDictionary[CompositeSource, KnownValidity] = WeakKeyDictionary()
_LOCK = threading.Lock()


def _cuts(start: int, stop: int, step: int, block: int) -> Iterator[tuple[int, int]]:
    """Cut a range into pieces of at most ``step``, at multiples of ``block`` where a piece holds one."""
    while start < stop:
        end = start + step
        if step >= block and end < stop:
            end = max(end // block * block, start + 1)
        yield start, min(end, stop)
        start = end
