"""Trace the boundaries of regions along pixel edges; vertices are corners only.

Rows of a strip are numbered from 0, where row 0 repeats the last row of the strip above. Lattice line ``i`` lies above
row ``i``. A strip owns the horizontal edges of lines 1 … rows - 1 and the vertical edges of rows 1 … rows - 1, so every
edge of the raster belongs to exactly one strip, and each corner is seen once with all four pixels around it known.

A ring that leaves the strip is cut into *chains*. A chain begins and ends on *ports*: columns where a vertical edge
crosses the first line (upward out of the strip or downward into it) or the last one. No vertex is put on a port, so
nothing is left to remove when chains are joined.

Boundaries have their region on the right. Where two pixels of equal value touch at a corner only, the boundary turns
right: it follows the interior of the region, whatever connects the two elsewhere. Rings that pass such a corner twice
are taken apart in ``rings.py``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from geoseg.jit import compiled
from geoseg.polygonize.kernels.runs import Runs
from geoseg.polygonize.kernels.types import NODE, SADDLE, Array


class Pieces(NamedTuple):
    """Closed rings and chains of one strip.

    Attributes
    ----------
    xy
        int32 (2·vertices): x with flags and y of each vertex, in pixels of the whole raster.
    ptr
        int32 (pieces + 1): vertices of piece ``k`` are ``ptr[k] … ptr[k + 1] - 1``.
    region
        int32: region to the right.
    head, tail
        int32: port where a chain begins and ends, -1 for rings. Ports of the first line are the padded column, those
        of the last line the same plus the padded width.
    """

    xy: Array
    ptr: Array
    region: Array
    head: Array
    tail: Array


@compiled
def _run_at(start: Array, low: int, high: int, column: int) -> int:
    """Return the last of the runs ``low … high - 1`` that starts at or before ``column``."""
    while high - low > 1:
        middle = (low + high) >> 1
        if start[middle] <= column:
            low = middle
        else:
            high = middle
    return low


@compiled
def _follow(
    flat: Array,
    width: int,
    seen: Array,
    xy: Array,
    n: int,
    at: int,
    heading: int,
    value: int,
    stop_at: int,
    stop_heading: int,
    bottom: int,
    top_row: int,
    bottom_row: int,
    nodes: bool,  # noqa: FBT001
) -> Any:
    """Follow one boundary from its arrival at vertex ``at``.

    Headings are 0 east, 1 south, 2 west, 3 north. Returns the number of vertices and the port where a chain ends: -1
    for a closed ring, -2 where ``xy`` is full.
    """
    room = xy.size // 2
    while True:
        if n >= room:
            return n, -2
        if heading == 0:
            left = flat[at - width]
            right = flat[at]
        elif heading == 1:
            left = flat[at]
            right = flat[at - 1]
        elif heading == 2:
            left = flat[at - 1]
            right = flat[at - width - 1]
        else:
            left = flat[at - width - 1]
            right = flat[at - width]
        flag = 0
        before = heading
        if right != value:
            heading = (heading + 1) & 3
            if left == value:
                flag = SADDLE
        elif left == value:
            heading = (heading + 3) & 3
        if nodes:
            nw, ne = flat[at - width - 1], flat[at - width]
            sw, se = flat[at - 1], flat[at]
            row = at // width
            col = at - row * width
            edges = np.int64(nw != ne) + np.int64(sw != se) + np.int64(nw != sw) + np.int64(ne != se)
            # The four corners of the raster are nodes as well, so that a map keeps its corners.
            if edges >= 3 or ((col in (1, width - 1)) and (row in (top_row, bottom_row))):
                flag |= NODE
        if heading != before or flag & NODE:
            row = at // width
            xy[2 * n] = (at - row * width - 1) | flag
            xy[2 * n + 1] = row
            n += 1
        if at == stop_at and heading == stop_heading:
            return n, -1
        if heading == 0:
            seen[at] |= 1
            at += 1
        elif heading == 1:
            at += width
            if at >= bottom:
                return n, at - bottom + width
        elif heading == 2:
            at -= 1
            seen[at] |= 2
        else:
            if at < 2 * width:
                return n, at - width
            at -= width


@compiled
def _trace(  # noqa: PLR0915
    flat: Array,
    seen: Array,
    width: int,
    absent: int,
    row_ptr: Array,
    start: Array,
    region: Array,
    offset: int,
    height: int,
    nodes: bool,  # noqa: FBT001
    xy: Array,
    ptr: Array,
    owner: Array,
    head: Array,
    tail: Array,
    place: Array,
) -> bool:
    """Trace from ``place`` (source, row, column, side, vertices, pieces) on; return False where an array is full.

    ``place`` then is where to resume in larger arrays, with the piece that did not fit.
    """
    rows = flat.size // width
    resume_row = place[1]
    resume_column = place[2]
    resume_side = place[3]
    n = place[4]
    pieces = place[5]
    bottom = rows * width
    top_row = -offset
    bottom_row = height - offset
    # Three sources of starting edges, in this order: chains from above, chains from below, edges not seen yet.
    for source in range(place[0], 3):
        first = rows if source == 1 else 1
        stop = rows if source == 2 else first + 1
        for i in range(max(first, resume_row), stop):
            resume_row = 0
            for j in range(max(1, resume_column), width):
                resume_column = 0
                at = i * width + j
                for side in range(resume_side, 2):
                    resume_side = 0
                    stop_at = -1
                    stop_heading = -1
                    port = -1
                    if source == 0:
                        if side or flat[j - 1] == flat[j] or flat[j - 1] == absent:
                            break
                        port = j
                        pixel = j - 1
                        arrive = at
                        heading = 1
                    elif source == 1:
                        pixel = at - width
                        if side or flat[pixel] == flat[pixel - 1] or flat[pixel] == absent:
                            break
                        port = width + j
                        arrive = at - width
                        heading = 3
                    else:
                        if flat[at] == flat[at - width]:
                            break
                        if seen[at] & (1 << side):
                            continue
                        pixel = at - width if side else at
                        if flat[pixel] == absent:
                            continue
                        seen[at] |= 1 << side
                        if side == 0:
                            arrive = at + 1
                            heading = 0
                            stop_at = at
                            stop_heading = 0
                        else:
                            arrive = at
                            heading = 2
                            stop_at = at + 1
                            stop_heading = 2
                    end = -2
                    if pieces + 1 < owner.size:
                        n, end = _follow(
                            flat, width, seen, xy, n, arrive, heading, flat[pixel], stop_at, stop_heading,
                            bottom, top_row, bottom_row, nodes,
                        )  # fmt: skip
                    if end == -2:
                        if source == 2:
                            seen[at] &= 3 - (1 << side)  # to be traced again
                        place[0] = source
                        place[1] = i
                        place[2] = j
                        place[3] = side
                        place[4] = ptr[pieces]
                        place[5] = pieces
                        return False
                    row = pixel // width
                    run = _run_at(start, row_ptr[row], row_ptr[row + 1], pixel - row * width)
                    owner[pieces] = region[run]
                    head[pieces] = port
                    tail[pieces] = end
                    pieces += 1
                    ptr[pieces] = n
    for k in range(n):
        xy[2 * k + 1] += offset
    place[4] = n
    place[5] = pieces
    return True


def trace(codes: Array, absent: int, runs: Runs, first_row: int, height: int, *, nodes: bool) -> Pieces:
    """Trace all boundaries of a strip.

    Parameters
    ----------
    codes
        (1 + rows, 1 + columns + 1), see ``strips.trace_strip``.
    absent
        The code of pixels that belong to no region.
    runs
        The strip's runs and regions.
    first_row, height
        Raster row of ``codes[1]`` and the raster's rows.
    nodes
        Keep and flag the vertices where three or more boundaries meet, also on straight boundaries.
    """
    seen = np.zeros(codes.size, np.uint8)
    xy, table = np.empty(8192, np.int32), np.zeros((4, 1024), np.int32)
    place = np.zeros(6, np.int64)
    while not _trace(
        codes.ravel(), seen, codes.shape[1], absent, runs.row_ptr, runs.start, runs.region, first_row - 1, height,
        nodes, xy, *table, place,
    ):  # fmt: skip
        n, pieces = place[4:].tolist()
        if pieces == table.shape[1] - 1:
            table = np.concatenate([table, np.empty_like(table)], axis=1)
        else:
            xy = np.concatenate([xy, np.empty_like(xy)])
    n, pieces = place[4:].tolist()
    ptr, owner, head, tail = table
    return Pieces(xy[: 2 * n], ptr[: pieces + 1], owner[:pieces], head[:pieces], tail[:pieces])
