"""Groups of touching polygons that are too large to be held in memory together; known before anything is traced.

A group is a connected region of pixels of any class, corners included. Which groups are large must not depend on how
the raster is cut into strips, so a first pass counts the pixels of each.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from geoseg.polygonize.kernels.runs import dense, label, touching, union_all
from geoseg.polygonize.kernels.types import Array

MOST_PIXELS = 1 << 22
"""Pixels of a group whose outlines are made regular; those of larger ones stay as they are traced."""

TOO_LARGE = (
    f"some polygons are in groups of more than {MOST_PIXELS:,} pixels that touch: their outlines stay along the pixels;"
    " to make them regular, choose classes of things that stand alone or in smaller groups"
)


class StripGroups(NamedTuple):
    """Groups of one strip: those of the runs of the row above it and of its last row, and the pixels of each."""

    above: Array
    below: Array
    pixels: Array


class LargeGroups(NamedTuple):
    """Whether each group of each strip is part of a large one; those of strip ``k`` begin at ``base[k - first]``."""

    is_large: Array
    base: Array
    first: int = 0

    def part(self, index: int) -> LargeGroups:
        """Return those of strip ``index`` alone."""
        begin, end = self.base[index - self.first : index - self.first + 2].tolist()
        return LargeGroups(self.is_large[begin:end], np.array([0, end - begin]), index)


def strip_groups(codes: Array, absent: int) -> StripGroups:
    """Find the groups of one strip; arguments as for ``strips.trace_strip``."""
    runs = label(codes, absent, eight=False)
    group = touching(runs)
    below = runs.row_ptr[1]  # the row above is counted in its own strip
    pixels = np.bincount(
        group[runs.region[below:]], runs.stop[below:] - runs.start[below:], int(group.max(initial=-1)) + 1
    )
    return StripGroups(group[runs.region[:below]], group[runs.region[runs.row_ptr[-2] :]], pixels.astype(np.int64))


def large_groups(strips: Iterable[StripGroups]) -> LargeGroups:
    """Join the groups of strips, from top to bottom, and return which are large."""
    pixels: list[Array] = []
    base = [0]
    seams: list[tuple[Array, Array]] = []
    below = np.zeros(0, np.int64)
    for strip in strips:
        seams.append((below, base[-1] + strip.above.astype(np.int64)))
        below = base[-1] + strip.below.astype(np.int64)
        pixels.append(strip.pixels)
        base.append(base[-1] + strip.pixels.size)
    parent = np.arange(base[-1], dtype=np.int32)
    for one, two in seams:
        union_all(parent, one, two)
    root = np.empty_like(parent)
    count = dense(parent, root)
    total = np.bincount(root, np.concatenate([np.zeros(0), *pixels]), count)
    return LargeGroups((total > MOST_PIXELS)[root], np.array(base))
