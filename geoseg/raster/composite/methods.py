"""The arithmetic of composites, on arrays (dates, bands, h, w) and the validity (dates, h, w) of their pixels.

Each function writes (bands, h, w); pixels that no date has are left as they are. All are exact in the type of the
pixels: whole numbers are rounded once, half to even.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Stack = NDArray[Any]
    Valid = NDArray[np.bool_]


def median(stack: Stack, valid: Valid, out: NDArray[Any]) -> None:
    """Write the median of each band; of an even number of dates the mean of the two in the middle."""
    count = valid.sum(0)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    high = np.minimum(high, len(stack) - 1)
    for band in range(stack.shape[1]):
        # What is not valid goes to the end; values that are as large do no harm there.
        values = np.where(valid, stack[:, band], _largest(stack.dtype))
        values.sort(axis=0)
        lower, upper = (np.take_along_axis(values, index[None], 0)[0] for index in (low, high))
        np.copyto(out[band], _cast((lower.astype(np.float64) + upper) / 2, out.dtype), where=count > 0)


def medoid(stack: Stack, valid: Valid, out: NDArray[Any]) -> None:
    """Write the pixel of the date that is nearest to the median of all bands (squared differences; the first counts).

    The spectrum is one that was observed (Flood 2013, Remote Sensing 5(12), doi:10.3390/rs5126481, with the distance
    to the median in place of that to all other dates: linear in their number).
    """
    middle = np.zeros(out.shape, np.float64)
    median(stack, valid, middle)
    distance = np.full(valid.shape, np.inf)
    for date, has in enumerate(valid):
        square = ((stack[date].astype(np.float64) - middle) ** 2).sum(0)
        np.copyto(distance[date], square, where=has)
    _pick(stack, distance.argmin(0), valid.any(0), out)


def mean(stack: Stack, valid: Valid, out: NDArray[Any]) -> None:
    """Write the mean of each band."""
    count = valid.sum(0)
    for band in range(stack.shape[1]):
        total = np.where(valid, stack[:, band], 0).sum(0, dtype=np.float64)
        np.copyto(out[band], _cast(total / np.maximum(count, 1), out.dtype), where=count > 0)


def first(stack: Stack, valid: Valid, out: NDArray[Any]) -> None:
    """Write the pixel of the first date that has one."""
    _pick(stack, valid.argmax(0), valid.any(0), out)


def best(stack: Stack, valid: Valid, score: NDArray[np.float32], out: NDArray[Any]) -> None:
    """Write the pixel of the date with the largest score (dates, h, w); of equal ones the first."""
    _pick(stack, np.where(valid, score, -1).argmax(0), valid.any(0), out)


PLAIN: dict[str, Callable[[Any, Any, Any], None]] = {"median": median, "medoid": medoid, "mean": mean, "first": first}
"""Methods that need nothing but pixels."""


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
        far = np.maximum(across, step)
        np.minimum(found[step:], far[:-step], out=found[step:])
        np.minimum(found[:-step], far[step:], out=found[:-step])
    return found


def _along_rows(valid: NDArray[np.bool_], most: int) -> NDArray[np.uint8]:
    width = valid.shape[1]
    places = np.arange(width)
    left = np.maximum.accumulate(np.where(valid, -most - 1, places), 1)
    right = np.minimum.accumulate(np.where(valid, width + most, places)[:, ::-1], 1)[:, ::-1]
    return np.minimum(np.minimum(places - left, right - places), most).astype(np.uint8)


def _pick(stack: Stack, date: NDArray[np.intp], where: NDArray[np.bool_], out: NDArray[Any]) -> None:
    for band in range(stack.shape[1]):
        np.copyto(out[band], np.take_along_axis(stack[:, band], date[None], 0)[0], where=where, casting="unsafe")


def _cast(values: NDArray[np.float64], dtype: np.dtype[Any]) -> NDArray[Any]:
    return values.astype(dtype) if dtype.kind == "f" else np.rint(values).astype(dtype)


def _largest(dtype: np.dtype[Any]) -> Any:
    return np.array(np.inf, dtype) if dtype.kind == "f" else np.iinfo(dtype).max
