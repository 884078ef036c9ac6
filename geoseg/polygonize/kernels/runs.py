"""Label regions of equal value by union-find over runs of pixels.

A *run* is a maximal stretch of equal pixels in one row. Labelling runs instead of pixels needs memory for the runs
only, and one pass; after He, Chao, Suzuki (2008), "A run-based two-scan labeling algorithm", IEEE TIP 17(5).

Arrays of codes carry one column of ``absent`` on each side; absent pixels belong to no region.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from geoseg.jit import compiled
from geoseg.polygonize.kernels.types import Array

if TYPE_CHECKING:
    from geoseg.geodesy import StripAreas


class Confidence(NamedTuple):
    """Confidence of a strip's pixels.

    Attributes
    ----------
    counts
        uint8 or int32 (rows, columns); without rows, confidence is not summed.
    nodata
        The count that stands for nodata.
    flags
        Number of lowest bits that are flags: the counts above them are summed, and of the flags the lowest is kept.
    """

    counts: Array
    nodata: int
    flags: int = 0


NO_CONFIDENCE = Confidence(np.zeros((0, 0), np.uint8), 255)


class Runs(NamedTuple):
    """Runs of one strip and the region of each.

    Attributes
    ----------
    row_ptr
        int64 (rows + 1): runs of row ``i`` are ``row_ptr[i] … row_ptr[i + 1] - 1``.
    start, stop
        int32: columns of the padded array, ``stop`` exclusive.
    region
        int32: the 4-connected region of each run, numbered in order of first appearance.
    group
        int32 (regions): the polygon of each region; with 8-connectivity, regions that touch at corners share one.
    """

    row_ptr: Array
    start: Array
    stop: Array
    region: Array
    group: Array


@compiled
def find(parent: Array, i: int) -> int:
    """Return the root of ``i``, halving the path to it."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@compiled
def union(parent: Array, i: int, j: int) -> None:
    """Join two sets; the smaller root remains, so that numbering does not depend on the order of unions."""
    i = find(parent, i)
    j = find(parent, j)
    if i < j:
        parent[j] = i
    elif j < i:
        parent[i] = j


@compiled
def dense(parent: Array, number: Array) -> int:
    """Write each member's set into ``number``, sets counted in order of first members; return how many there are."""
    count = 0
    for i in range(number.size):
        root = find(parent, i)
        if root == i:
            number[i] = count
            count += 1
        else:
            number[i] = number[root]
    return count


@compiled
def _label(codes: Array, absent: int, row_ptr: Array, start: Array, stop: Array, parent: Array) -> None:
    rows, width = codes.shape[0], codes.shape[1]
    n = 0
    above = 0
    row_ptr[0] = 0
    for i in range(rows):
        above_end = n
        j = 1
        while j < width - 1:
            value = codes[i, j]
            begin = j
            j += 1
            while codes[i, j] == value and j < width - 1:
                j += 1
            if value == absent:
                continue
            start[n] = begin
            stop[n] = j
            parent[n] = n
            while above < above_end and stop[above] <= begin:
                above += 1
            k = above
            while k < above_end and start[k] < j:
                if codes[i - 1, start[k]] == value:
                    union(parent, k, n)
                k += 1
            n += 1
        row_ptr[i + 1] = n
        above = above_end


@compiled
def _corners(codes: Array, row_ptr: Array, start: Array, stop: Array, region: Array, parent: Array) -> None:
    """Join regions of equal value that touch at a corner."""
    for i in range(1, codes.shape[0]):
        above = row_ptr[i - 1]
        for k in range(row_ptr[i], row_ptr[i + 1]):
            while above < row_ptr[i] and stop[above] < start[k]:
                above += 1
            a = above
            while a < row_ptr[i] and start[a] <= stop[k]:
                if codes[i - 1, start[a]] == codes[i, start[k]]:
                    union(parent, region[a], region[k])
                a += 1


@compiled
def _touch(row_ptr: Array, start: Array, stop: Array, region: Array, parent: Array) -> None:
    """Join regions of any values that share an edge or a corner."""
    for i in range(row_ptr.size - 1):
        above = row_ptr[i - 1] if i else 0
        for k in range(row_ptr[i], row_ptr[i + 1]):
            if k > row_ptr[i] and stop[k - 1] == start[k]:
                union(parent, region[k - 1], region[k])
            if i == 0:
                continue
            while above < row_ptr[i] and stop[above] < start[k]:
                above += 1
            a = above
            while a < row_ptr[i] and start[a] <= stop[k]:
                union(parent, region[a], region[k])
                a += 1


def touching(runs: Runs) -> Array:
    """Return the group of each region, int32 (regions): regions that touch, also at corners, are of one group."""
    parent = np.arange(runs.group.size, dtype=np.int32)
    _touch(*runs[:4], parent)
    group = np.empty_like(parent)
    dense(parent, group)
    return group


def label(codes: Array, absent: int, *, eight: bool) -> Runs:
    """Label the 4-connected regions of ``codes`` (rows, 1 + columns + 1) and group them.

    Parameters
    ----------
    codes
        uint8 or int32, first and last column ``absent``.
    absent
        The code of pixels that belong to no region.
    eight
        Group regions that touch at corners.
    """
    capacity = int(np.count_nonzero(codes[:, 1:] != codes[:, :-1])) + codes.shape[0]
    row_ptr = np.empty(codes.shape[0] + 1, np.int64)
    start, stop, parent = (np.empty(capacity, np.int32) for _ in range(3))
    _label(codes, absent, row_ptr, start, stop, parent)
    n = int(row_ptr[-1])
    region = np.empty(n, np.int32)
    count = dense(parent, region)
    group = np.arange(count, dtype=np.int32)
    if eight:
        parent = group.copy()
        _corners(codes, row_ptr, start, stop, region, parent)
        dense(parent, group)
    return Runs(row_ptr, start[:n], stop[:n], region, group)


def measure(
    codes: Array, runs: Runs, first_row: int, areas: StripAreas, confidence: Confidence
) -> tuple[Array, Array, Array, Array]:
    """Return value, last pixel, sums and lowest confidence of each region, over rows 1 … of a strip.

    Row 0 repeats the last row of the strip above, where it is counted.
    """
    regions = runs.group.size
    value = np.zeros(regions, np.int32)
    last = np.zeros(regions, np.int64)
    sums = np.zeros((regions, 4), np.int64)
    confidence_min = np.full(regions, 2**31 - 1, np.int32)
    _measure(codes, *runs[:4], first_row, *areas, *confidence, value, last, sums, confidence_min)
    return value, last, sums, confidence_min


@compiled
def _measure(
    codes: Array,
    row_ptr: Array,
    start: Array,
    stop: Array,
    region: Array,
    first_row: int,
    prefix: Array,
    row_table: Array,
    row_mix: Array,
    row_scale: Array,
    confidence: Array,
    confidence_nodata: int,
    flags: int,
    value: Array,
    last: Array,
    sums: Array,
    confidence_min: Array,
) -> None:
    """Write the results; columns of ``sums`` are pixels, area in units, confidence, pixels with a confidence."""
    width = codes.shape[1] - 2
    with_confidence = confidence.shape[0] > 0
    mask = -1
    if flags > 0:
        mask = (1 << flags) - 1
    for i in range(row_ptr.size - 1):
        for k in range(row_ptr[i], row_ptr[i + 1]):
            r = region[k]
            a = start[k] - 1
            b = stop[k] - 1
            value[r] = codes[i, a + 1]
            last[r] = (first_row + i - 1) * width + b - 1
            if i == 0:
                continue
            table = row_table[i - 1]
            mix = row_mix[i - 1]
            area = prefix[table, b] - prefix[table, a]
            if mix > 0:
                area += mix * (prefix[table + 1, b] - prefix[table + 1, a] - area)
            sums[r, 0] += b - a
            sums[r, 1] += np.int64(area * row_scale[i - 1] + 0.5)
            if with_confidence:
                total = np.int64(0)
                known = 0
                low = confidence_min[r]
                for j in range(a, b):
                    c = np.int64(confidence[i - 1, j])
                    if c != confidence_nodata:
                        total += c >> flags
                        known += 1
                        low = min(low, c & mask)
                sums[r, 2] += total
                sums[r, 3] += known
                confidence_min[r] = low


@compiled
def union_all(parent: Array, one: Array, two: Array) -> None:
    """Join the sets of each pair."""
    for k in range(one.size):
        union(parent, one[k], two[k])


@compiled
def flatten(parent: Array) -> None:
    """Point every member to its root."""
    for k in range(parent.size):
        parent[k] = find(parent, k)


@compiled
def paint(row_ptr: Array, start: Array, stop: Array, region: Array, value: Array, out: Array) -> None:
    """Write the value of each region into its pixels."""
    for i in range(row_ptr.size - 1):
        for k in range(row_ptr[i], row_ptr[i + 1]):
            v = value[region[k]]
            for j in range(start[k], stop[k]):
                out[i, j] = v
