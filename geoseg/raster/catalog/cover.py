"""The fewest footprints that cover a place: a set cover, solved exactly by branch and bound.

Of equally few, those whose keys have the smallest sum: clouds first, then days from the middle of the period; then
their order. A footprint inside another with a better key cannot be part of the answer, which leaves a handful of
thousands; then every footprint over some uncovered point is tried in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Key = tuple[float, ...]
"""What makes a footprint worse, the most important first; sums are compared."""

# Part of a place that may stay uncovered: footprints in degrees have rounded corners, and their sides are straight.
TOLERANCE = 1e-5

# Partial covers that are looked at before the best one found so far is taken: seconds.
_MOST_STEPS = 500

_CHUNK = 512


@dataclass(frozen=True)
class Cover:
    """The footprints chosen.

    Attributes
    ----------
    chosen
        Their numbers, the best first.
    covered
        Part of the place that they cover, 0…1, by area on the sphere.
    proven
        Whether fewer are certainly not enough.
    """

    chosen: tuple[int, ...]
    covered: float
    proven: bool = True


def fewest(place: Any, footprints: Sequence[Any], keys: Sequence[Key]) -> Cover:
    """Choose the fewest footprints that cover a place, or as much of it as all of them do.

    Parameters
    ----------
    place
        shapely polygons.
    footprints
        (n,) shapely polygons in the same coordinates, degrees.
    keys
        Of each footprint, smaller is better.

    Examples
    --------
    >>> import shapely
    >>> from geoseg.raster.catalog.cover import fewest
    >>> halves = [shapely.box(0, 0, 1, 2), shapely.box(1, 0, 2, 2), shapely.box(0, 0, 2, 2)]
    >>> fewest(shapely.box(0, 0, 2, 2), halves, [(0.0,), (0.0,), (50.0,)]).chosen
    (2,)
    """
    import shapely

    if not len(footprints):
        return Cover((), 0.0)
    parts = shapely.intersection(np.asarray(footprints, object), place)
    order = sorted(range(len(keys)), key=lambda number: (keys[number], number))
    usable = [number for number in order if shapely.area(parts[number]) > TOLERANCE * place.area]
    kept = _undominated(parts, usable)
    goal = shapely.union_all(parts[kept]) if kept else shapely.Polygon()
    search = _Search(goal, parts[kept], [keys[number] for number in kept], TOLERANCE * place.area)
    best, proven = search.solve()
    chosen = tuple(kept[position] for position in sorted(best))
    covered = shapely.union_all(parts[list(chosen)]) if chosen else shapely.Polygon()
    return Cover(chosen, min(_sphere_area(covered) / _sphere_area(place), 1.0), proven)


def _undominated(parts: NDArray[Any], order: list[int]) -> list[int]:
    """Return the footprints, best first, that no better one contains."""
    import shapely

    unique: dict[bytes, int] = {}
    for number in order:
        unique.setdefault(shapely.to_wkb(shapely.normalize(parts[number])), number)
    kept: list[int] = []
    numbers = list(unique.values())
    for start in range(0, len(numbers), _CHUNK):
        some = numbers[start : start + _CHUNK]
        candidates = np.array([*kept, *some])
        inner, outer = shapely.STRtree(parts[candidates]).query(parts[some], predicate="covered_by")
        # Positions grow with the keys: an earlier one is better.
        worse = set(inner[outer < inner + len(kept)].tolist())
        kept += [number for position, number in enumerate(some) if position not in worse]
    return kept


class _Search:
    """Branch and bound over sets of footprints, with iterative deepening in their number."""

    def __init__(self, goal: Any, parts: NDArray[Any], keys: list[Key], tolerance: float) -> None:
        import shapely

        self._goal, self._parts, self._keys, self._tolerance = goal, parts, keys, tolerance
        shapely.prepare(parts)
        self._steps = 0
        self._best: tuple[Any, ...] | None = None
        self._tried: set[frozenset[int]] = set()

    def solve(self) -> tuple[frozenset[int], bool]:
        """Return positions in ``parts``, and whether they are proven to be the fewest."""
        import shapely

        largest = max(shapely.area(self._parts), default=0.0)
        if self._left(self._goal) == 0:
            return frozenset(), True
        for count in range(1, len(self._parts) + 1):
            if count * largest < self._goal.area - self._tolerance:
                continue
            self._best, self._tried = None, set()
            self._extend(frozenset(), self._goal, count, largest)
            if self._steps > _MOST_STEPS:
                return self._greedy(), False
            if self._best is not None:
                return self._best[-1], True
        return self._greedy(), False

    def _left(self, rest: Any) -> float:
        return float(rest.area) if rest.area > self._tolerance else 0.0

    def _extend(self, chosen: frozenset[int], rest: Any, more: int, largest: float) -> None:
        import shapely

        self._steps += 1
        if self._steps > _MOST_STEPS or chosen in self._tried:
            return
        self._tried.add(chosen)
        if not self._left(rest):
            rank = (*self._total(chosen), sorted(chosen), chosen)
            if self._best is None or rank[:-1] < self._best[:-1]:
                self._best = rank
            return
        if more == 0 or more * largest < rest.area - self._tolerance:
            return
        pieces = [piece for piece in shapely.get_parts(rest) if piece.area > 0]
        # Well inside, as rounding leaves spikes without area, on which a representative point may lie.
        widest = shapely.maximum_inscribed_circle(max(pieces, key=lambda piece: piece.area))
        point = shapely.get_point(widest, 0)
        for position in np.flatnonzero(shapely.covers(self._parts, point)).tolist():
            if position not in chosen:
                self._extend(chosen | {position}, shapely.difference(rest, self._parts[position]), more - 1, largest)

    def _total(self, chosen: frozenset[int]) -> Key:
        return tuple(round(float(sum(values)), 6) for values in zip(*(self._keys[one] for one in chosen), strict=True))

    def _greedy(self) -> frozenset[int]:
        """Take the best of those footprints that add about the most, again and again; then drop what is not needed."""
        import shapely

        chosen: list[int] = []
        rest = self._goal
        while self._left(rest):
            shapely.prepare(rest)
            near = np.flatnonzero(shapely.intersects(rest, self._parts))
            gains = np.zeros(len(self._parts))
            gains[near] = shapely.area(shapely.intersection(self._parts[near], rest))
            if not gains.max() > 0:
                break
            position = int(np.flatnonzero(gains >= 0.9 * gains.max())[0])
            chosen.append(position)
            rest = shapely.difference(rest, self._parts[position])
        for position in sorted(chosen, reverse=True):  # later ones may have made an earlier one needless
            others = [one for one in chosen if one != position]
            if not self._left(shapely.difference(self._goal, shapely.union_all(self._parts[others]))):
                chosen = others
        return frozenset(chosen)


def _sphere_area(shape: Any) -> float:
    """Return the area of a shape in degrees, in proportion to that on the sphere (Lambert's cylindrical projection)."""
    import shapely

    return float(shapely.transform(shape, lambda xy: np.column_stack([xy[:, 0], np.sin(np.radians(xy[:, 1]))])).area)
