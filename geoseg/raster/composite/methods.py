"""The arithmetic of composites, on arrays: dates go in one by one, the joined pixels come out.

All is exact in the type of the pixels: whole numbers are rounded once, half to even. Only ``median`` and ``medoid``
keep all dates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from geoseg.jit.middles import middles
from geoseg.raster.composite.kernels import add_valid, distances, find_nearest, halve

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pixels whose medoid is computed at a time: with 100 dates of 16 bits they fit the cache of a core.
_CHUNK = 8192


class Joiner(Protocol):
    """Joins the dates of a box."""

    def add(self, values: NDArray[Any], valid: NDArray[np.bool_], score: NDArray[np.float32] | None) -> None:
        """Take one date: values (bands, h, w), which may be changed, their validity (h, w), and its score (h, w)."""
        ...

    def write(self, out: NDArray[Any]) -> None:
        """Write the joined pixels (bands, h, w); those that no date has are unspecified."""
        ...


class First:
    """The pixel of the first date that has one."""

    def __init__(self, shape: tuple[int, int, int], dtype: np.dtype[Any], _dates: int) -> None:
        self.joined = np.zeros(shape, dtype)
        self.missing = np.ones(shape[1:], np.bool_)

    def add(self, values: NDArray[Any], valid: NDArray[np.bool_], _score: NDArray[np.float32] | None) -> None:
        """Take what was missing until now."""
        np.copyto(self.joined, values, where=valid & self.missing)
        self.missing &= ~valid

    def write(self, out: NDArray[Any]) -> None:
        """Write the pixels."""
        out[...] = self.joined


class Best:
    """The pixel of the date with the largest score; of equal ones the first."""

    def __init__(self, shape: tuple[int, int, int], dtype: np.dtype[Any], _dates: int) -> None:
        self.joined = np.zeros(shape, dtype)
        self.top = np.full(shape[1:], -1, np.float32)

    def add(self, values: NDArray[Any], valid: NDArray[np.bool_], score: NDArray[np.float32] | None) -> None:
        """Take the pixels whose score is larger than before."""
        if score is None:
            raise ValueError("best needs a score")
        better = valid & (score > self.top)
        np.copyto(self.joined, values, where=better)
        np.copyto(self.top, score, where=better)

    def write(self, out: NDArray[Any]) -> None:
        """Write the pixels."""
        out[...] = self.joined


class Mean:
    """The mean of each band."""

    def __init__(self, shape: tuple[int, int, int], dtype: np.dtype[Any], _dates: int) -> None:
        # Sums of a thousand dates of 16 bits fit 32, which is the fastest.
        wide = {"u": np.uint32, "i": np.int32}.get(dtype.kind, np.float64) if dtype.itemsize <= 2 else np.float64
        self.total = np.zeros(shape, np.float64 if dtype.kind == "f" else wide)
        self.count = np.zeros(shape[1:], np.uint16)

    def add(self, values: NDArray[Any], valid: NDArray[np.bool_], _score: NDArray[np.float32] | None) -> None:
        """Add what is valid."""
        rows, seen = _flat(values, valid)
        add_valid(_signed(rows), seen, self.total.reshape(rows.shape), self.count.reshape(-1))

    def write(self, out: NDArray[Any]) -> None:
        """Write the means."""
        count = np.maximum(self.count, 1)
        for band, total in enumerate(self.total):
            out[band] = stored(total / count, out.dtype)


class Median:
    """The median of each band; of an even number of dates the mean of the two in the middle."""

    def __init__(self, _shape: tuple[int, int, int], _dtype: np.dtype[Any], _dates: int) -> None:
        self.dates: list[NDArray[Any]] = []
        self.valid: list[NDArray[np.bool_]] = []

    def add(self, values: NDArray[Any], valid: NDArray[np.bool_], _score: NDArray[np.float32] | None) -> None:
        """Keep a date."""
        rows, seen = _flat(values, valid)
        self.dates.append(rows)
        self.valid.append(seen)

    def write(self, out: NDArray[Any]) -> None:
        """Write the medians."""
        for band, target in enumerate(out):
            low, high, count = middles([date[band] for date in self.dates], self.valid)
            if out.dtype.kind in "iu" and out.dtype.itemsize <= 4:
                between = np.empty_like(low)
                halve(low, high, between)
            else:
                # Of what no date has, 0: the largest of 64-bit integers is none as a float.
                between = stored(np.where(count, (low.astype(np.float64) + high) / 2, 0), out.dtype)
            target[...] = between.reshape(target.shape)


class Medoid(Median):
    """The pixel of the date that is nearest to the median of all bands (squared differences; the first counts).

    The spectrum is one that was observed (Flood 2013, Remote Sensing 5(12), doi:10.3390/rs5126481, with the distance to
    the median in place of that to all other dates: linear in their number).
    """

    def write(self, out: NDArray[Any]) -> None:
        """Write the pixels."""
        target = out.reshape(len(out), -1)
        for start in range(0, target.shape[1], _CHUNK):
            part = slice(start, start + _CHUNK)
            target[:, part] = self._nearest([date[:, part] for date in self.dates], [has[part] for has in self.valid])

    def _nearest(self, dates: list[NDArray[Any]], valid: list[NDArray[np.bool_]]) -> NDArray[Any]:
        block, seen = np.stack(dates), np.stack(valid)
        count, bands, size = block.shape
        halves = [middles(list(block[:, band]), list(seen))[:2] for band in range(bands)]
        center = np.stack([(low.astype(np.float64) + high) / 2 for low, high in halves])
        least, index = np.full(size, np.inf), np.zeros(size, np.uint16)
        find_nearest(_signed(block.reshape(count * bands, size)), seen, center, np.empty(size), least, index)
        return block[index, :, np.arange(size)].T


def _flat(values: NDArray[Any], valid: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return values (bands, n) and validity (n,) as machine code reads them; it has no floats of 16 bits."""
    wide = values.astype(np.float32) if values.dtype == np.float16 else values
    return np.ascontiguousarray(wide).reshape(len(values), -1), np.ascontiguousarray(valid).reshape(-1)


def _signed(values: NDArray[Any]) -> NDArray[Any]:
    """Return values whose numbers fit int64 or float64, as those of compiled loops do; of uint64 floats, as numpy."""
    return values.astype(np.float64) if values.dtype == np.uint64 else values


JOINERS: dict[str, Any] = {"median": Median, "medoid": Medoid, "mean": Mean, "first": First, "best": Best}
"""Methods by name: called with the shape (bands, h, w), the type and the number of dates."""

STACKED = ("median", "medoid")
"""Methods that keep all dates in memory."""


def stored(values: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return values in a stored type: whole numbers rounded half to even and held within its range."""
    if dtype.kind == "f":
        return values.astype(dtype)
    info = np.iinfo(dtype)
    return np.clip(np.rint(values), info.min, info.max).astype(dtype)


def distance_to_missing(valid: NDArray[np.bool_], most: int) -> NDArray[np.uint8]:
    """Return how far each pixel (h, w) is from one without data, in pixels along rows and columns, at most ``most``.

    0 at missing pixels. What lies outside the array counts as far; pass it with a margin of ``most`` pixels.

    Examples
    --------
    >>> import numpy as np
    >>> distance_to_missing(np.array([[True, True, True, False]]), 2)
    array([[2, 2, 1, 0]], dtype=uint8)
    """
    found = np.empty(valid.shape, np.uint8)
    distances(np.ascontiguousarray(valid), most, found)
    return found
