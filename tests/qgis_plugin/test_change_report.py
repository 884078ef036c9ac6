"""What the plugin shows of changes: geoseg's own reports and files, and what strangers' may hold."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
from geoseg_qgis import change_report

import geoseg


def _map(path: Path, values: np.ndarray) -> Path:
    transform = rasterio.transform.from_origin(500_000, 5_500_000, 10, 10)
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype="uint8",
        crs="EPSG:32633",
        transform=transform, nodata=255,
    ) as file:  # fmt: skip
        file.write(values, 1)
    return path


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """Two maps with four changes of three kinds, and what geoseg makes of them."""
    folder = tmp_path_factory.mktemp("changed")
    before = np.ones((60, 60), np.uint8)
    before[:, 30:] = 2
    after = before.copy()
    after[5:20, 5:20] = 3
    after[30:50, 5:10] = 2
    after[5:9, 40:50] = 3
    after[40:42, 40:44] = 3
    paths = _map(folder / "a.tif", before), _map(folder / "b.tif", after)
    return geoseg.change(*paths, folder / "out", tolerance=0), before, after


def test_rows_are_the_transitions_with_most_area_first(changed):
    summary, before, after = changed
    found = change_report.rows(json.loads(summary.outputs["report"].read_text("utf-8")))
    pairs = [pair for pair in zip(before.ravel(), after.ravel(), strict=True) if pair[0] != pair[1]]
    names = [item["name"] for item in summary.report["classes"]]
    by_hand = sorted(
        (-pairs.count(pair), names[[1, 2, 3].index(pair[0])], names[[1, 2, 3].index(pair[1])]) for pair in set(pairs)
    )
    assert [(row.before, row.after) for row in found] == [(a, b) for _, a, b in by_hand]
    # 100 m² a pixel on the plane; on the ellipsoid within the scale of UTM.
    assert [row.area for row in found] == pytest.approx([-count * 100 for count, _, _ in by_hand], rel=1e-3)
    assert change_report.total(found).polygons == 4
    assert change_report.share_changed(summary.report) == pytest.approx(100 * len(pairs) / before.size, rel=1e-3)
    assert change_report.uncertain_area(summary.report) == 0
    colors = {item["name"]: item["color"] for item in summary.report["classes"]}
    assert all(row.colors == (colors[row.before], colors[row.after]) for row in found)


def test_the_largest_place_comes_first(changed):
    summary, _, _ = changed
    path = summary.outputs["changes"]
    table = geopandas.read_file(path, layer="changes", fid_as_index=True).sort_values("area_m2", ascending=False)
    assert change_report.largest(str(path)) == list(table.index)
    assert change_report.largest(str(path), most=2) == list(table.index[:2])
    code = int(table["change_id"].mode()[0])
    assert change_report.largest(str(path), code) == list(table.index[table["change_id"] == code])
    assert change_report.largest(str(path), 250) == []
    assert change_report.largest(str(path.with_name("none.gpkg"))) == []


def test_areas_have_the_unit_that_they_are_in():
    measured, plain = {"grid": {"crs": "EPSG:32633"}}, {"grid": {"crs": None}}
    texts = [change_report.area_text(area, measured, "u²") for area in (12_345_678, 10_000, 530, 0)]
    assert texts == ["1,234.6 ha", "1.0 ha", "0.053 ha", "0 ha"]
    assert change_report.area_text(1500, plain, "u²") == "1,500 u²"


@pytest.mark.parametrize("source", ["", "../ü a.tif", "ü a.tif"])
def test_the_scene_of_a_class_map_is_found(tmp_path, source):
    """By its path, or one relative to the results or to where geoseg was run, above them."""
    scene, classes = tmp_path / "ü a.tif", tmp_path / "out" / "x_classes.tif"
    classes.parent.mkdir()
    scene.write_bytes(b"")
    report = classes.with_name("x_report.json")
    report.write_text(json.dumps({"scene": {"sources": [source or str(scene)]}}), "utf-8")
    assert change_report.scene_of(str(classes)) == str(scene)
    scene.unlink()
    assert change_report.scene_of(str(classes)) == "", "it is gone"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"scene": 5}', '{"scene": {"sources": []}}', '{"scene": {"sources": ["/a.tif", "/b.tif"]}}',
     '{"scene": {"sources": ["/vsicurl/https://example.org/a.tif"]}}', '{"scene": {"sources": [{}]}}'],
)  # fmt: skip
def test_reports_of_strangers_name_nothing_that_is_no_file(tmp_path, text):
    (tmp_path / "x_report.json").write_text(text, "utf-8")
    assert change_report.scene_of(str(tmp_path / "x_classes.tif")) == ""
    assert change_report.scene_of(str(tmp_path / "y_classes.tif")) == ""
    assert change_report.scene_of(str(tmp_path / "x_report.json")) == ""
