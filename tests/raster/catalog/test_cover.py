"""The fewest footprints: equal to trying every subset."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geoseg.raster.catalog.cover import TOLERANCE, fewest

PLACE = shapely.box(0, 0, 4, 3)


@st.composite
def footprints(draw):
    """Rectangles and triangles on whole numbers, some of them the same, with few different keys."""
    shapes = []
    for _ in range(draw(st.integers(1, 8))):
        west, south = draw(st.integers(-1, 3)), draw(st.integers(-1, 2))
        east, north = draw(st.integers(west + 1, 6)), draw(st.integers(south + 1, 5))
        corners = [(west, south), (east, south), (east, north), (west, north)]
        if draw(st.booleans()) and draw(st.booleans()):
            corners.pop(draw(st.integers(0, 3)))
        shapes.append(shapely.Polygon(corners))
    keys = [(float(draw(st.integers(0, 3))), float(draw(st.integers(0, 2)))) for _ in shapes]
    return shapes, keys


def by_trying(place, shapes, keys):
    """Return number and keys of the best subset."""
    parts = [shape.intersection(place) for shape in shapes]
    goal = shapely.union_all(parts)
    for count in range(len(shapes) + 1):
        ranks = [
            np.sum([keys[one] for one in chosen], axis=0).tolist() if chosen else []
            for chosen in combinations(range(len(shapes)), count)
            if goal.difference(shapely.union_all([parts[one] for one in chosen])).area <= TOLERANCE * place.area
        ]
        if ranks:
            return count, min(ranks)
    raise AssertionError


@settings(max_examples=100, deadline=None)
@given(footprints())
def test_equals_trying_every_subset(case):
    shapes, keys = case
    cover = fewest(PLACE, shapes, keys)
    count, rank = by_trying(PLACE, shapes, keys)
    assert cover.proven
    assert len(cover.chosen) == count
    assert (np.sum([keys[one] for one in cover.chosen], axis=0).tolist() if count else []) == rank
    assert len(set(cover.chosen)) == count
    union = shapely.union_all([shapes[one].intersection(PLACE) for one in cover.chosen] or [shapely.Polygon()])
    assert abs(cover.covered - union.area / PLACE.area) < 0.01  # near the equator


def test_thousands_of_the_same_tile():
    rng = np.random.default_rng(0)
    tiles = [shapely.box(x, y, x + 1.1, y + 1.1) for x in range(4) for y in range(3)]
    shapes = [tiles[number % len(tiles)] for number in range(3000)]
    keys = [(float(cloud),) for cloud in rng.uniform(0, 100, len(shapes))]
    cover = fewest(PLACE, shapes, keys)
    assert cover.proven
    assert cover.covered > 0.9999
    best = [min(keys[number] for number in range(place, 3000, 12)) for place in range(12)]
    assert sorted(keys[one] for one in cover.chosen) == sorted(best)


def test_too_many_ways_end_soon_and_say_so():
    rng = np.random.default_rng(1)
    corners = rng.uniform(0, [3.6, 2.7], (200, 2))
    shapes = [shapely.box(x, y, x + 0.4, y + 0.4) for x, y in corners]
    cover = fewest(PLACE, shapes, [(float(one),) for one in rng.uniform(0, 20, 200)])
    assert not cover.proven
    union = shapely.union_all(shapes).intersection(PLACE)
    rest = union.difference(shapely.union_all([shapes[one] for one in cover.chosen]))
    assert rest.area <= TOLERANCE * PLACE.area
    for left_out in cover.chosen:  # none is needless
        some = shapely.union_all([shapes[one] for one in cover.chosen if one != left_out])
        assert union.difference(some).area > TOLERANCE * PLACE.area
