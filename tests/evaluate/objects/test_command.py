"""geoseg evaluate OBJECTS REFERENCE: table, JSON report, map of matches and misses."""

from __future__ import annotations

import json
import sqlite3

import geopandas as gpd
import pytest
import shapely
from click.testing import CliRunner

from geoseg.cli import cli
from geoseg.errors import OptionError, OutputError

UTM = "EPSG:32633"


@pytest.fixture
def layers(tmp_path):
    """Two files: one object found, one missed, one false alarm."""
    ours = gpd.GeoDataFrame(
        {"class_name": ["tree", "tree"], "score": [0.9, 0.8]},
        geometry=gpd.GeoSeries(shapely.box([0, 70], 0, [10, 80], [8, 10]), crs=UTM),
    )
    theirs = gpd.GeoDataFrame(
        {"class_name": ["tree", "tree"]}, geometry=gpd.GeoSeries(shapely.box([40, 0], 0, [50, 10], 10), crs=UTM)
    )
    ours.to_file(tmp_path / "trees.gpkg", layer="objects")
    theirs.to_file(tmp_path / "truth.geojson")
    return tmp_path


def run(*words):
    return CliRunner().invoke(cli, ["evaluate", *map(str, words)])


def test_table_report_and_matches(layers):
    result = run(layers / "trees.gpkg", layers / "truth.geojson", "--score", "0.5", "-o", layers / "report.json")
    assert result.exit_code == 0, result.output
    assert "trees.gpkg against truth.geojson" in result.output
    assert "score ≥ 0.5, IoU ≥ 0.5: precision 0.500, recall 0.500, F1 0.500" in result.output
    report = json.loads((layers / "report.json").read_text("utf-8"))
    assert report["kind"] == "geoseg-object-evaluation"
    assert report["operating_point"]["score_chosen"] == "given"
    assert report["classes"]["tree"]["false_negatives"] == 1
    matches = gpd.read_file(layers / "report_matches.gpkg", layer="matches")
    assert matches.crs == UTM
    assert matches.status.tolist() == ["true_positive", "false_positive", "false_negative"]
    assert matches.iou[0] == pytest.approx(0.8)
    assert matches.score[:2].tolist() == [0.9, 0.8]
    assert matches.geometry.area.tolist() == [80, 100, 100]
    assert matches[["object_row", "reference_row"]].fillna(-1).to_numpy().tolist() == [[0, 1], [1, -1], [-1, 0]]
    cells = gpd.read_file(layers / "report_matches.gpkg", layer="counts")
    assert (cells.objects.sum(), cells.reference.sum()) == (2, 2)
    assert sorted(cells["difference"]) == [-1, 0, 1]
    with sqlite3.connect(layers / "report_matches.gpkg") as database:
        [(name, style)] = database.execute("SELECT f_table_name, styleQML FROM layer_styles").fetchall()
    assert name == "matches"
    assert 'attr="status_id"' in style
    assert "false_negative" in style


def test_json_and_html_of_the_result(layers):
    import geoseg

    printed = run(layers / "trees.gpkg", layers / "truth.geojson", "--json", "--bbox=-5,-5,45,20")
    found = json.loads(printed.stdout)
    assert (found["outside_extent"], found["reference_outside_extent"]) == (1, 1)
    result = geoseg.evaluate(layers / "trees.gpkg", layers / "truth.geojson")
    assert str(result) == result.table()
    assert "&lt;" not in result._repr_html_()
    assert result._repr_html_().startswith("<pre>trees.gpkg against")


def test_all_matched_makes_a_map_with_all_fields(layers):
    import geoseg

    result = geoseg.evaluate(layers / "trees.gpkg", layers / "trees.gpkg")
    written = result.write(layers / "same.json")
    assert gpd.read_file(written["matches"], layer="matches").status.tolist() == ["true_positive"] * 2
    empty = geoseg.evaluate(layers / "trees.gpkg", layers / "trees.gpkg", renames="tree=")
    columns = gpd.read_file(empty.write(layers / "none.json")["matches"], layer="matches").columns
    assert {"status", "class_name", "score", "iou", "area", "geometry"} <= set(columns)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tolerance", "3"], "--tolerance is for maps"),
        (["--confidence", "c.tif"], "--confidence is for maps"),
        (["--resolution", "3"], "--resolution says how images are read"),
        (["--sizes", "7"], "give two areas"),
        (["--bbox", "1,1,0,0"], "is empty"),
        (["-o", "trees.gpkg"], "a report is JSON"),
    ],
)
def test_options_that_do_not_fit(layers, words, message):
    result = run(layers / "trees.gpkg", layers / "truth.geojson", *words)
    assert result.exit_code in (1, 2)
    assert message in result.output + str(result.exception)


def test_options_of_objects_are_refused_for_maps(layers, class_map):
    import numpy as np

    path = class_map("map.tif", np.zeros((4, 4), np.uint8))
    result = run(path, path, "--iou", "0.3")
    assert isinstance(result.exception, OptionError)
    assert "--iou is for OBJECTS REFERENCE" in str(result.exception)


def test_a_report_never_replaces_what_exists(layers):
    (layers / "r_matches.gpkg").write_text("mine")
    result = run(layers / "trees.gpkg", layers / "truth.geojson", "-o", layers / "r.json")
    assert isinstance(result.exception, OutputError)
    assert "r_matches.gpkg exists" in str(result.exception)
    assert (layers / "r_matches.gpkg").read_text() == "mine"
