"""Boundary F1: how well the boundaries of classes match.

Csurka, Larlus & Perronnin, "What is a good evaluation measure for semantic segmentation?", BMVC 2013,
doi 10.5244/C.27.32: for each class, precision is the share of the map's boundary pixels that have a boundary pixel of
the reference within the tolerance, recall the same the other way round, F1 their harmonic mean.

A boundary pixel of a class shares a side with a compared pixel of another class. The edges of the scene and of pixels
that are not compared are no boundaries.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# One bit per class: as many classes as a word has bits are dilated at once.
_WORDS: tuple[tuple[int, type[np.unsignedinteger[Any]]], ...] = (
    (8, np.uint8),
    (16, np.uint16),
    (32, np.uint32),
    (64, np.uint64),
)


@dataclass
class BoundaryCounts:
    """Boundary pixels of each class, int64 (K,): in the map and the reference, and how many of them have a match."""

    predicted: NDArray[np.int64]
    predicted_matched: NDArray[np.int64]
    reference: NDArray[np.int64]
    reference_matched: NDArray[np.int64]

    @classmethod
    def zeros(cls, classes: int) -> BoundaryCounts:
        """Return counts of zero."""
        return cls(*(np.zeros(classes, np.int64) for _ in range(4)))

    def add(self, other: BoundaryCounts) -> None:
        """Add the counts of another part."""
        self.predicted += other.predicted
        self.predicted_matched += other.predicted_matched
        self.reference += other.reference
        self.reference_matched += other.reference_matched

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of the map's boundary pixels near one of the reference, (K,); NaN without any."""
        return _share(self.predicted_matched, self.predicted)

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of the reference's boundary pixels near one of the map, (K,); NaN without any."""
        return _share(self.reference_matched, self.reference)

    @property
    def f1(self) -> NDArray[np.float64]:
        """Harmonic mean of both, (K,); 0 where one side alone has boundaries, NaN where neither has."""
        precision, recall = np.nan_to_num(self.precision), np.nan_to_num(self.recall)
        total = precision + recall
        result = np.divide(2 * precision * recall, total, out=np.zeros(total.shape), where=total > 0)
        return np.where(self.predicted + self.reference > 0, result, np.nan)


def halo_of(tolerance: float) -> int:
    """Return how many pixels must be read around a part for its counts to be exact."""
    return math.floor(tolerance) + 1


def boundary_counts(
    predicted: NDArray[np.int16],
    reference: NDArray[np.int16],
    core: tuple[slice, slice],
    tolerance: float,
    classes: int,
) -> BoundaryCounts:
    """Count the boundary pixels of a part of two maps.

    Parameters
    ----------
    predicted, reference
        Classes 0…K−1, negative where nothing is compared (in both alike), with :func:`halo_of` pixels around the part
        unless the scene ends there.
    core
        Location of the part in the arrays.
    tolerance
        Distance in pixels, measured between centres, at least 0.
    classes
        K.
    """
    counts = BoundaryCounts.zeros(classes)
    pair = predicted, reference
    edges = _edges(predicted), _edges(reference)
    # Only classes that have a boundary here get a bit: narrow words are dilated faster.
    seen = [np.bincount(values[edge], minlength=classes) for values, edge in zip(pair, edges, strict=True)]
    present = np.flatnonzero(seen[0] + seen[1])
    size, word = next((entry for entry in _WORDS if entry[0] >= present.size), _WORDS[-1])
    for first in range(0, present.size, size):
        some = present[first : first + size]
        table = np.zeros(classes + 1, word)  # the last entry is that of -1
        table[some] = word(1) << np.arange(some.size).astype(word)
        bits = [table[np.where(edge, values, -1)] for values, edge in zip(pair, edges, strict=True)]
        near = [_dilate(image, tolerance) for image in bits]
        for own, (total, matched) in enumerate(
            ((counts.predicted, counts.predicted_matched), (counts.reference, counts.reference_matched))
        ):
            chosen = bits[own][core] != 0
            which = pair[own][core][chosen]
            hit = (near[1 - own][core][chosen] & table[which]) != 0
            np.add(total, np.bincount(which, minlength=classes), out=total)
            np.add(matched, np.bincount(which[hit], minlength=classes), out=matched)
    return counts


def _edges(values: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return the pixels that share a side with a compared pixel of another class."""
    edge = np.zeros(values.shape, np.bool_)
    for one, other in (
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ):
        differ = (values[one] != values[other]) & (values[one] >= 0) & (values[other] >= 0)
        edge[one] |= differ
        edge[other] |= differ
    return edge


def _dilate(bits: NDArray[Any], radius: float) -> NDArray[Any]:
    """Combine each pixel's bits with those of all pixels whose centre is at most ``radius`` away."""
    reach = math.floor(radius)
    by_width: dict[int, list[int]] = {}
    for row in range(-reach, reach + 1):
        by_width.setdefault(math.floor(math.sqrt(radius * radius - row * row)), []).append(row)
    out = np.zeros_like(bits)
    wide = bits.copy()
    for width in range(reach + 1):
        if width:
            _or_shifted(wide, bits, 0, width)
            _or_shifted(wide, bits, 0, -width)
        for row in by_width.get(width, ()):
            _or_shifted(out, wide, row, 0)
    return out


def _or_shifted(out: NDArray[Any], bits: NDArray[Any], rows: int, cols: int) -> None:
    """Set ``out |= bits`` with ``bits`` shifted by rows and columns; what leaves the array is dropped."""
    height, width = out.shape
    if abs(rows) >= height or abs(cols) >= width:
        return
    target = slice(max(rows, 0), height + min(rows, 0)), slice(max(cols, 0), width + min(cols, 0))
    source = slice(max(-rows, 0), height + min(-rows, 0)), slice(max(-cols, 0), width + min(-cols, 0))
    out[target] |= bits[source]


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    result = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=result, where=whole > 0)
    return result
