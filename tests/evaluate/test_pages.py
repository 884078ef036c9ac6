"""REPORT.html of evaluations: the scores of the report, for people, and nothing that a name could run."""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np
import pytest
import shapely

import geoseg
from geoseg.errors import OutputError
from tests.write.test_html import HOSTILE, Parsed


def text_of(page):
    parsed = Parsed(page.read_text("utf-8"))
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert not [tag for tag, _ in parsed.tags if tag in ("iframe", "object", "link", "a", "base")]
    return parsed, "".join(parsed.texts)


@pytest.fixture(scope="module")
def evaluation(scene):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, (1, 60, 80), dtype=np.uint8)
    noisy = np.where(rng.random(truth.shape) < 0.2, (truth + 1) % 3, truth).astype(np.uint8)
    names = {"class_names": [HOSTILE, "water & ice", "<b>bold</b>"]}
    maps = [scene(60, 80, array=array)[0].assign_attrs(names) for array in (noisy, truth)]
    return geoseg.evaluate(*maps)


def test_a_map(evaluation, tmp_path):
    written = evaluation.write(tmp_path / "report.json")
    assert [path.name for path in written.values()] == ["report.json", "report.png", "report.html"]
    page = written["html"].read_text("utf-8")
    assert page.count("<script") == 1
    parsed, text = text_of(written["html"])
    assert f"{evaluation.scores.overall_accuracy:.3f}overall accuracy" in text
    assert "water & ice" in text
    cells = [
        attributes for tag, attributes in parsed.tags if tag == "td" and "pixels" in (attributes.get("title") or "")
    ]
    counts = [int(re.sub(r"\D", "", cell["title"])) for cell in cells]
    np.testing.assert_array_equal(np.reshape(counts, (3, 3)), evaluation.matrix)
    (picture,) = [attributes for tag, attributes in parsed.tags if tag == "img"]
    assert picture["src"].startswith("data:image/png;base64,")
    assert picture["alt"].startswith("Map of errors")


def test_the_page_can_be_left_out_and_is_not_replaced_unasked(evaluation, tmp_path):
    assert set(evaluation.write(tmp_path / "report.json", html=False)) == {"report", "picture"}
    (tmp_path / "other.html").touch()
    with pytest.raises(OutputError, match=r"other\.html exists"):
        evaluation.write(tmp_path / "other.json")
    assert not (tmp_path / "other.json").exists()


def test_objects(tmp_path):
    boxes = shapely.box([0, 9, 20], 0, [4, 12, 23], 4)
    trees = gpd.GeoDataFrame({"score": [0.9, 0.4, 0.2], "class_name": HOSTILE}, geometry=boxes)
    result = geoseg.evaluate(trees, trees.iloc[:2].drop(columns="score"))
    written = result.write(tmp_path / "trees.json")
    assert [path.name for path in written.values()] == ["trees.json", "trees_matches.gpkg", "trees.html"]
    assert "<script" not in written["html"].read_text("utf-8")
    _, text = text_of(written["html"])
    assert f"{result.ap50:.3f}AP50" in text
    assert "trees_matches.gpkg" in text
