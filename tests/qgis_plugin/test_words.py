"""Messages in the words of the panel, models that fit, and the order of uncertain polygons."""

from __future__ import annotations

import ast
import re
import sqlite3

import pytest

from tests.qgis_plugin.conftest import PLUGIN

from geoseg_qgis.uncertain import most_uncertain  # isort: skip
from geoseg_qgis.words import fitting_models, missing_bands, without_options  # isort: skip


def _messages():
    """All texts in geoseg's source that name an option of the command line."""
    for path in sorted((PLUGIN.parent / "geoseg").rglob("*.py")):
        if "cli" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and re.search(r"(^|\s)(--[a-z]|-m\b)", text) and "\n" not in text:
                yield text


def test_no_option_is_left_in_any_message():
    texts = list(_messages())
    assert len(texts) > 50
    shown = [without_options(text, {}) for text in texts]
    left = [text for text in shown if re.search(r"(^|\s)(--\w|-m\b)", text)]
    assert not left


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("if that is fill, add --nodata 0, or it is mapped", "if that is fill, add “No data” 0, or it is mapped"),
        (
            "exists: choose another name or add --overwrite (overwrite=True)",
            "exists: choose another name or add “Replace”",
        ),
        ("choose another model with -m", "choose another model with “model”"),
        ("label with--dashes, a-m and 3--4", "label with--dashes, a-m and 3--4"),
        ("give a smaller --min-area", "give a smaller “min area”"),
    ],
)
def test_options_become_names_of_fields(message, shown):
    assert without_options(message, {"nodata": "No data", "overwrite": "Replace"}) == shown


def test_models_that_fit_a_photo():
    cards = [
        {"name": "six", "bands": ["blue", "green", "red", "nir", "swir16", "swir22"], "default": True},
        {"name": "rgb", "bands": ["red", "green", "blue"]},
        {"name": "grey", "bands": ["red"]},
        {"name": "unknown", "bands": []},
    ]
    have = ["red", "green", "blue"]
    assert [card["name"] for card in fitting_models(cards, have)] == ["rgb", "grey"]
    assert missing_bands(cards[0]["bands"], have) == ["nir", "swir16", "swir22"]


def _polygons(path, rows):
    """Squares, if no perimeter is given."""
    rows = [row if len(row) == 4 else (*row, 4 * row[1] ** 0.5) for row in rows]
    with sqlite3.connect(path) as database:
        names = "fid INTEGER PRIMARY KEY, area_m2 REAL, confidence REAL, perimeter_m REAL"
        database.execute(f"CREATE TABLE polygons ({names})")
        database.executemany("INSERT INTO polygons VALUES (?, ?, ?, ?)", rows)
    return str(path)


def test_strips_along_borders_come_later(tmp_path):
    """A strip that is two pixels wide is uncertain as any border is, a field of the same size for a reason."""
    strip, field, larger_strip = (1, 40_000, 50.0, 4040.0), (2, 40_000, 55.0), (3, 60_000, 50.0, 6040.0)
    path = _polygons(tmp_path / "p.gpkg", [strip, field, larger_strip, (4, 9e6, 90.0)])
    assert most_uncertain(path, 10.0)[:3] == [2, 3, 1]
    assert most_uncertain(path)[:3] == [3, 1, 2], "where the pixel is not known, the area counts"


def test_the_whole_map_is_not_the_most_uncertain_polygon(tmp_path):
    """Size counts up to a hundredth of the map: the largest polygon is no reason to look at all of it first."""
    rows = [(1, 34_160_000, 86.0), (2, 400_000, 40.0), (3, 300_000, 55.0), (4, 100, 20.0), (5, 200_000, 99.0)]
    order = most_uncertain(_polygons(tmp_path / "p.gpkg", rows))
    assert order[:2] == [2, 3]
    assert order.index(1) > 1
    assert order[-1] == 5, "surer than the map as a whole"
    assert sorted(order) == [1, 2, 3, 4, 5]


def test_of_equal_confidence_larger_ones_come_first(tmp_path):
    rows = [(number, 10.0 * number, 50.0) for number in range(1, 301)]
    order = most_uncertain(_polygons(tmp_path / "p.gpkg", rows), most=300)
    assert order.index(10) < order.index(5) < order.index(1)
    assert most_uncertain(str(tmp_path / "no.gpkg")) == []
