"""The arithmetic of composites, on arrays: dates go in one by one, the joined pixels come out.

All is exact in the type of the pixels: whole numbers are rounded once, half to even. Only ``median`` and ``medoid``
keep all dates.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pixels that are sorted at a time: with 100 dates of 16 bits they fit the cache of a core.
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
        np.copyto(values, 0, where=~valid)
        self.total += values
        self.count += valid

    def write(self, out: NDArray[Any]) -> None:
        """Write the means."""
        count = np.maximum(self.count, 1)
        for band, total in enumerate(self.total):
            out[band] = stored(total / count, out.dtype)


class Median:
    """The median of each band; of an even number of dates the mean of the two in the middle."""

    def __init__(self, shape: tuple[int, int, int], dtype: np.dtype[Any], dates: int) -> None:
        # What is not valid is the largest value: sorted, it goes to the end, and values that are as large do no harm.
        self.largest = dtype.type(np.inf if dtype.kind == "f" else np.iinfo(dtype).max)
        self.stack = np.empty((dates, *shape), dtype)
        self.valid = np.zeros((dates, *shape[1:]), np.bool_)
        self.given = 0

    def add(self, values: NDArray[Any], valid: NDArray[np.bool_], _score: NDArray[np.float32] | None) -> None:
        """Keep a date."""
        self.stack[self.given], self.valid[self.given] = values, valid
        np.copyto(self.stack[self.given], self.largest, where=~valid)
        self.given += 1

    def write(self, out: NDArray[Any]) -> None:
        """Write the medians."""
        for part, stack, valid in self._chunks():
            target = out.reshape(len(out), -1)
            for band, (low, high) in enumerate(_middles(stack, valid)):
                target[band, part] = stored((low.astype(np.float64) + high) / 2, out.dtype)

    def _chunks(self) -> Any:
        """Yield pixels: their slice, the stack (dates, bands, n) and its validity (dates, n)."""
        stack = self.stack.reshape(*self.stack.shape[:2], -1)
        valid = self.valid.reshape(len(self.valid), -1)
        for start in range(0, valid.shape[1], _CHUNK):
            part = slice(start, start + _CHUNK)
            yield part, stack[:, :, part], valid[:, part]


class Medoid(Median):
    """The pixel of the date that is nearest to the median of all bands (squared differences; the first counts).

    The spectrum is one that was observed (Flood 2013, Remote Sensing 5(12), doi:10.3390/rs5126481, with the distance to
    the median in place of that to all other dates: linear in their number).
    """

    def write(self, out: NDArray[Any]) -> None:
        """Write the pixels."""
        target = out.reshape(len(out), -1)
        for part, stack, valid in self._chunks():
            middle = [(low.astype(np.float64) + high) / 2 for low, high in _middles(stack, valid)]
            least = np.full(valid.shape[1], np.inf)
            picked = np.zeros((len(out), valid.shape[1]), out.dtype)
            for date, has in zip(stack, valid, strict=True):
                distance = np.zeros(len(least))
                for values, center in zip(date, middle, strict=True):
                    with np.errstate(invalid="ignore", over="ignore"):  # infinity where a date has no data
                        difference = values - center
                        difference *= difference
                    distance += difference
                nearer = has & (distance < least)
                np.copyto(picked, date, where=nearer)
                np.copyto(least, distance, where=nearer)
            target[:, part] = picked


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
    # The larger of the distances along rows and columns: first along rows, then the best of the rows around.
    across = _along_rows(valid, most)
    found = across.copy()
    for step in range(1, most):
        far = np.maximum(across, np.uint8(step))
        np.minimum(found[step:], far[:-step], out=found[step:])
        np.minimum(found[:-step], far[step:], out=found[:-step])
    return found


def _along_rows(valid: NDArray[np.bool_], most: int) -> NDArray[np.uint8]:
    width = valid.shape[1]
    places = np.arange(width, dtype=np.int32)
    left = np.maximum.accumulate(np.where(valid, np.int32(-most - 1), places), 1)
    right = np.minimum.accumulate(np.where(valid, np.int32(width + most), places)[:, ::-1], 1)[:, ::-1]
    return np.minimum(np.minimum(places - left, right - places), most).astype(np.uint8)


def _middles(stack: NDArray[Any], valid: NDArray[np.bool_]) -> Any:
    """Yield, for each band of a stack (dates, bands, n), the two values in the middle of the valid ones (n,).

    What is not valid is as large as can be.
    """
    count = valid.sum(0, dtype=np.uint16)
    low, high = np.maximum(count, 1) - np.uint16(1) >> 1, np.minimum(count >> 1, len(stack) - 1)
    places = range(1, len(stack) // 2 + 1)
    where = [(number, low == number, high == number) for number in places]
    for band in range(stack.shape[1]):
        rows = _smallest([date[band] for date in stack], len(stack) // 2 + 1)
        lower, upper = rows[0].copy(), rows[0].copy()
        for number, is_low, is_high in where:
            np.copyto(lower, rows[number], where=is_low)
            np.copyto(upper, rows[number], where=is_high)
        yield lower, upper


def _smallest(rows: list[NDArray[Any]], count: int) -> list[NDArray[Any]]:
    """Return the ``count`` smallest values along the list in order, element by element.

    They are found by a network of minima and maxima, which are vectorized; the rows themselves do not change.
    """
    sorted_rows: list[NDArray[Any]] = [row.copy() for row in rows]
    spare = np.empty_like(rows[0])
    for one, other, smaller, larger in _network(len(rows), count):
        least, most = sorted_rows[one], sorted_rows[other]
        if smaller:
            np.minimum(least, most, out=spare)
        if larger:
            np.maximum(least, most, out=most)
        if smaller:
            sorted_rows[one], spare = spare, least
    return sorted_rows[:count]


@functools.cache
def _network(count: int, wanted: int) -> tuple[tuple[int, int, bool, bool], ...]:
    """Return the comparators that the ``wanted`` smallest of ``count`` values need, and which of their results.

    They are those of Batcher's merge exchange (see ``_merge_exchange``) that have a way to one of these.
    """
    needed = set(range(wanted))
    found = []
    for one, other in reversed(_merge_exchange(count)):
        if one in needed or other in needed:
            found.append((one, other, one in needed, other in needed))
            needed |= {one, other}
    return tuple(reversed(found))


def _merge_exchange(count: int) -> tuple[tuple[int, int], ...]:
    """Return the comparators of Batcher's merge exchange (Knuth, The Art of Computer Programming 3, 5.2.2, M)."""
    pairs = []
    top = 1 << max((count - 1).bit_length() - 1, 0)
    step = top
    while step:
        run, rest, gap = top, 0, step
        while True:
            pairs += [(one, one + gap) for one in range(count - gap) if one & step == rest]
            if run == step:
                break
            gap, run, rest = run - step, run // 2, step
        step //= 2
    return tuple(pairs)
