"""Objects in the panel: counts per class, the least certain first, each once. No QGIS."""

from __future__ import annotations

import math

import numpy as np
from geoseg_qgis.object_tally import MOST, Steps, Tally
from hypothesis import given
from hypothesis import strategies as st


def test_counts_and_areas_are_those_of_numpy():
    rng = np.random.default_rng(0)
    names, areas = rng.choice(["tree", "house", "tank"], 1000), rng.uniform(1, 50, 1000)
    scores = rng.integers(0, 101, 1000) / 100
    tally = Tally()
    for number in range(1000):
        tally.add(number + 1, str(names[number]), float(scores[number]), float(areas[number]))
    for name in ("tree", "house", "tank"):
        assert tally.classes[name].number == int((names == name).sum())
        assert math.isclose(tally.classes[name].area, areas[names == name].sum())
    assert tally.number == 1000
    order = np.lexsort((np.arange(1000), scores))[:MOST] + 1
    assert tally.least_certain() == order.tolist()


def test_what_has_no_score_is_counted_and_not_stepped_through():
    tally = Tally()
    tally.add(1, "tree", None, None)
    tally.add(2, "tree", math.nan, math.nan)
    tally.add(-3, "tree", 0.5, 2.0)
    assert tally.classes["tree"].number == 3
    assert tally.classes["tree"].area == 2.0
    assert tally.least_certain() == [-3]


@given(st.lists(st.lists(st.integers(-5, 20), unique=True), min_size=1, max_size=30))
def test_no_object_comes_again_before_all_have_been_seen(listings):
    """The list changes between steps, as objects are deleted and split."""
    steps, since = Steps(), set()
    for listed in listings:
        found = steps.next(listed)
        if not listed:
            assert found is None
            continue
        identifier, place = found
        if since.issuperset(listed):
            since = set()
        assert identifier in listed
        assert identifier not in since
        since.add(identifier)
        assert place == len(since.intersection(listed))
