"""Seeds grow into the rims around them, all at the same pace, a bounded number of steps.

A step takes every rim pixel that shares an edge with what has grown so far; a pixel that several seeds reach in the
same step goes to the one that most of its eight neighbours belong to, then to the one above, left, right, below. What a
pixel becomes after ``reach`` steps depends on the pixels at most ``reach`` rows and columns away, and on nothing else:
a raster may be cut anywhere if each part is read with that margin.
"""

from __future__ import annotations

import numpy as np

from geoseg.jit import compiled
from geoseg.polygonize.kernels.types import Array


@compiled
def _frontier(ids: Array, rim: Array, around: Array, margin: int, queue: Array) -> int:
    """List the seed pixels that share an edge with a rim pixel; return their number."""
    n = 0
    for at in range(margin, ids.size - margin):
        if ids[at] > 0:
            for k in range(4):
                if rim[at + around[k]] != 0:
                    queue[n] = at
                    n += 1
                    break
    return n


@compiled
def _grow(ids: Array, rim: Array, step: Array, around: Array, queue: Array, last: int, reach: int) -> None:
    """Grow from the first ``last`` pixels of the queue."""
    first = 0
    for d in range(1, reach + 1):
        end = last
        for q in range(first, last):
            for k in range(4):
                at = queue[q] + around[k]
                if rim[at] != 0 and ids[at] == 0 and step[at] == 0:
                    step[at] = d
                    queue[end] = at
                    end += 1
        if end == last:
            break
        for q in range(last, end):
            at = queue[q]
            best = np.int64(0)
            most = 0
            for k in range(4):
                label = np.int64(ids[at + around[k]])
                # What this step itself has labelled does not count: the order of the queue must not matter.
                if label <= 0 or label == best or step[at + around[k]] == d:
                    continue
                votes = 0
                for j in range(8):
                    beside = at + around[j]
                    if ids[beside] == label and step[beside] != d:
                        votes += 1
                if votes > most:
                    most = votes
                    best = label
            ids[at] = best
        first = last
        last = end


def grow(ids: Array, rim: Array, reach: int) -> Array:
    """Return the seed of every pixel that one reaches.

    Parameters
    ----------
    ids
        int32 (rows, columns): number of each seed pixel's seed, from 1; 0 elsewhere.
    rim
        uint8 (rows, columns): 1 where seeds may grow; 0 at seed pixels.
    reach
        Steps, 1…1024.

    Returns
    -------
    int32 (rows, columns): ``ids``, and the seed of each rim pixel that one reaches; 0 elsewhere.
    """
    rows, columns = ids.shape
    width = columns + 2
    flat_ids, flat_rim = np.pad(ids, 1).ravel(), np.pad(rim, 1).ravel()
    around = np.array([-width, -1, 1, width, -width - 1, 1 - width, width - 1, width + 1], np.int64)
    rims = int(np.count_nonzero(rim))
    if rims:
        queue = np.empty(min(5 * rims, ids.size), np.int32)
        step = np.zeros(flat_ids.size, np.int16)
        count = _frontier(flat_ids, flat_rim, around, width + 1, queue)
        _grow(flat_ids, flat_rim, step, around, queue, count, reach)
    return flat_ids.reshape(rows + 2, width)[1:-1, 1:-1]
