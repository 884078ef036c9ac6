"""Which classes are learned, and what is said about labels that do not fit them."""

from __future__ import annotations

import numpy as np
import pytest

from geoseg.classes import MapClass
from geoseg.errors import InputError, OptionError
from geoseg.train.data.class_mapping import map_classes, parse_classes
from geoseg.train.data.labels import Vocabulary

NOTHING = Vocabulary((), closed=False)
NAMED = Vocabulary((MapClass(1, "wood", "#112233"), MapClass(4, "lake", "#445566")), closed=False)
POLYGONS = Vocabulary((MapClass(0, "wood", "#112233"), MapClass(1, "lake", "#445566")), closed=True)


def _map(legend):
    return dict(zip(legend.values.tolist(), legend.indices.tolist(), strict=True))


def test_classes_are_what_the_labels_hold():
    legend = map_classes({4: 10, 1: 5, 255: 7, 9: 0}, NAMED, None, (), "x")
    assert [(c.id, c.name, c.color) for c in legend.classes] == [(0, "wood", "#112233"), (1, "lake", "#445566")]
    assert _map(legend) == {1: 0, 4: 1}
    assert [c.name for c in map_classes({0: 1, 7: 1}, NOTHING, None, (), "x").classes] == ["class 0", "class 7"]


@pytest.mark.parametrize(
    ("text", "words", "counts", "wanted"),
    [
        ("wood,lake", NOTHING, {0: 1, 1: 1}, {0: 0, 1: 1}),
        ("lake,wood", NAMED, {1: 1, 4: 1}, {1: 1, 4: 0}),
        ("4=water:#0000ff,1=land", NAMED, {1: 1, 4: 1}, {4: 0, 1: 1}),
        ("1=land,2=land,4=water", NOTHING, {1: 1, 2: 1, 4: 1}, {1: 0, 2: 0, 4: 1}),
        ("lake,wood", POLYGONS, {0: 1, 1: 1}, {0: 1, 1: 0}),
        ("lake=water,wood=forest", POLYGONS, {0: 1, 1: 1}, {0: 1, 1: 0}),
        ("-3=low,3=high", NOTHING, {-3: 1, 3: 1}, {-3: 0, 3: 1}),
    ],
)
def test_classes_asked_for(text, words, counts, wanted):
    assert _map(map_classes(counts, words, parse_classes(text), (), "x")) == wanted


def test_colours_and_mappings():
    legend = map_classes({1: 1, 4: 1}, NOTHING, parse_classes({"4": "water:#0000ff", "1": "land"}), (), "x")
    assert (legend.classes[0].name, legend.classes[0].color) == ("water", "#0000ff")


def test_values_outside_the_classes_are_named_unless_ignored():
    entries = parse_classes("1=land,4=water")
    with pytest.raises(InputError, match=r"label value 9 \(12 pixels\) is none of the classes land, water"):
        map_classes({1: 1, 4: 1, 9: 12}, NOTHING, entries, (), "x")
    assert 9 not in _map(map_classes({1: 1, 4: 1, 9: 12}, NOTHING, entries, ("9",), "x"))
    with pytest.raises(InputError, match=r"class 'lake' .*--ignore 'lake'"):
        map_classes({0: 1, 1: 3}, POLYGONS, parse_classes("wood,moor"), (), "x")


@pytest.mark.parametrize("text", ["one", "a,a", "=a,b", "a:#12,b"])
def test_impossible_classes(text):
    with pytest.raises(OptionError):
        parse_classes(text)


def test_one_class_or_none_is_too_few():
    with pytest.raises(InputError, match="all that is labelled"):
        map_classes({1: 5}, NAMED, None, (), "x")
    with pytest.raises(InputError, match="no labelled pixel"):
        map_classes({}, NAMED, None, (), "x")
    with pytest.raises(OptionError, match="no value of the labels"):
        map_classes({0: 1, 1: 1}, POLYGONS, None, ("moor",), "x")


def test_255_is_unlabelled_unless_named():
    assert 255 not in _map(map_classes({0: 1, 1: 1, 255: 1}, NOTHING, parse_classes("a,b"), (), "x"))
    assert _map(map_classes({0: 1, 255: 1}, NOTHING, parse_classes("0=a,255=b"), (), "x"))[255] == 1
    assert np.all(map_classes({0: 1, 1: 1}, NOTHING, None, (), "x").indices == [0, 1])
