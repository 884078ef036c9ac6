"""Where a label would help most: uncertain regions of one believed class, unlike what is labelled, never twice."""

from __future__ import annotations

import json
import sqlite3
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.features import geometry_mask
from shapely.geometry import box

from geoseg.classes import LAND_COVER
from geoseg.cli import main
from geoseg.errors import GeosegError
from geoseg.evaluate.advice import next_labels, places
from geoseg.progress.reporters import Silent

WEST, NORTH, PIXEL = 500000, 5400000, 10.0


@pytest.fixture
def results(tmp_path, class_map):
    """Write an output folder: ``results("a", classes, confidence, bands=None)``; returns its path."""

    def make(name, classes, confidence, bands=None, folder="out", **options):
        (tmp_path / folder).mkdir(exist_ok=True)
        class_map(f"{folder}/{name}_classes.tif", np.asarray(classes, np.uint8), **options)
        class_map(f"{folder}/{name}_confidence.tif", np.asarray(confidence, np.uint8), classes=(), **options)
        if bands is not None:
            with rasterio.open(tmp_path / folder / f"{name}_classes.tif") as file:
                profile = file.profile | {"count": len(bands), "dtype": "uint16", "nodata": None}
            with rasterio.open(tmp_path / f"{name}.tif", "w", **profile) as file:
                file.write(np.asarray(bands, np.uint16))
            report = {"scene": {"sources": [str(tmp_path / f"{name}.tif")]}, "options": {"reading": {}}}
            (tmp_path / folder / f"{name}_report.json").write_text(json.dumps(report))
        return tmp_path / folder

    return make


def _square(row, col, side=10):
    """The polygon of a square of pixels."""
    west, north = WEST + PIXEL * col, NORTH - PIXEL * row
    return box(west, north - PIXEL * side, west + PIXEL * side, north)


def _two_classes(shape=(120, 160)):
    classes = np.zeros(shape, np.uint8)
    classes[:, shape[1] // 2 :] = 1
    return classes, np.full(shape, 90, np.uint8)


def _heard(**options):
    lines = SimpleNamespace(info=[], warning=[])

    class Heard(Silent):
        def info(self, message):
            lines.info.append(message)

        def warning(self, message):
            lines.warning.append(message)

    return Heard(), lines


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 10_000), side=st.integers(5, 30))
def test_proposals_are_uncertain_regions_of_one_class(results, patches, seed, side):
    rng = np.random.default_rng(seed)
    height, width = (int(n) for n in rng.integers(30, 90, 2))
    classes = patches(height, width, seed, holes=True)
    confidence = np.kron(rng.integers(20, 101, (height // 8 + 1, width // 8 + 1)), np.ones((8, 8), int))
    confidence = np.where(classes == 255, 255, confidence[:height, :width])
    folder = results("a", classes, confidence)
    frame = next_labels(folder, side=side, count=4).frame
    transform = rasterio.Affine(PIXEL, 0, WEST, 0, -PIXEL, NORTH)
    mean = confidence[classes != 255].mean()
    times = np.zeros(classes.shape, int)
    for row in frame.itertuples():
        inside = geometry_mask([row.geometry], classes.shape, transform, invert=True)
        times += inside
        rows, cols = np.nonzero(inside)
        assert max(np.ptp(rows), np.ptp(cols)) < side
        assert len(np.unique(classes[inside])) == 1
        assert (confidence[inside] <= mean).all()
        assert row.confidence == pytest.approx(confidence[inside].mean(), abs=0.06)
        assert row.area_m2 == pytest.approx(100 * inside.sum(), rel=0.01)
    assert times.max(initial=0) <= 1
    assert frame.priority.tolist() == list(range(1, len(frame) + 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(places, "_BLOCK", 32)
        again = next_labels(folder, side=side, count=4).frame
    assert again.equals(frame), "blocks show"


def test_the_bands_tell_what_is_new(results):
    classes, confidence = _two_classes()
    bands = np.full((2, *classes.shape), 1000, np.uint16)
    for row, col, value in ((20, 20, 1000), (60, 20, 3000), (90, 120, 1000)):
        confidence[row : row + 10, col : col + 10] = 40
        bands[:, row : row + 10, col : col + 10] = value
    folder = results("a", classes, confidence, bands)
    scenes = [folder.parent / "a.tif"]
    labels = gpd.GeoDataFrame({"class": ["x"]}, geometry=[_square(100, 10)], crs="EPSG:32633")
    found = next_labels(folder, labels=labels, scenes=scenes, count=3)
    assert found.compared == "bands"
    first = found.frame.geometry[0]
    assert first.within(_square(60, 20)), "the only region whose bands are unlike the labels'"
    # Labelled, it is no longer the first, and is not proposed again.
    both = gpd.GeoDataFrame(geometry=[_square(100, 10), _square(60, 20)], crs="EPSG:32633").to_crs(4326)
    rest = next_labels(folder, labels=both, scenes=[folder.parent], count=3).frame
    assert len(rest) == 2
    assert not rest.intersects(_square(60, 20)).any()


def test_without_the_scene_places_far_from_labels_come_first(results, tmp_path):
    classes, confidence = _two_classes()
    for row, col in ((20, 20), (100, 60)):
        confidence[row : row + 10, col : col + 10] = 40
    folder = results("a", classes, confidence, np.ones((1, *classes.shape)))
    reporter, lines = _heard()
    labels = gpd.GeoDataFrame(geometry=[_square(35, 20)], crs="EPSG:32633")
    found = next_labels(folder, labels=labels, count=5, reporter=reporter)
    assert found.compared == "distance"
    assert found.frame.geometry[0].within(_square(100, 60))
    assert any("by their distance; by their bands if --scenes names the scenes" in line for line in lines.info)
    assert lines.warning == ["only 2 uncertain places are found, 5 were asked for"]
    reporter, lines = _heard()
    (tmp_path / "other.tif").touch()
    assert next_labels(folder, labels=labels, scenes=[tmp_path / "other.tif"], reporter=reporter).compared == "distance"
    assert any("the scenes given are not those of all reports" in line for line in lines.warning)


def test_classes_take_turns(results):
    classes, confidence = _two_classes()
    for row in range(0, 120, 12):
        confidence[row : row + 10, 5:15] = 30
    confidence[50:60, 120:130] = 60
    frame = next_labels(results("a", classes, confidence), count=3).frame
    assert set(frame.class_name[:2]) == {"tree", "grass/shrub"}


def test_large_uncertain_areas_are_cut_around_the_least_certain_place(results):
    classes, confidence = np.zeros((200, 200), np.uint8), np.full((200, 200), 80, np.uint8)
    confidence[20:180, 20:180] = 50
    confidence[100:104, 60:64] = 20
    frame = next_labels(results("a", classes, confidence), count=1, side=16).frame
    assert frame.geometry[0].contains(_square(101, 61, 2))
    assert frame.area_m2[0] <= 16 * 16 * 100 * 1.01


def test_maps_in_several_crs_are_written_in_the_first(results, tmp_path):
    classes, confidence = _two_classes()
    confidence[20:30, 20:30] = 40
    results("a", classes, confidence)
    folder = results("b", classes, confidence, crs="EPSG:32634", origin=(200000, 5400000))
    reporter, lines = _heard()
    frame = next_labels(folder, tmp_path / "n.gpkg", count=4, reporter=reporter).frame
    assert frame.crs == "EPSG:32633"
    assert set(frame.scene) == {"a", "b"}
    other = frame[frame.scene == "b"].to_crs(32634).geometry.iloc[0]
    assert other.centroid.distance(shapely.Point(200250, 5399750)) < 1
    assert any("EPSG:32634 are written in EPSG:32633" in line for line in lines.info)


def test_what_is_written_is_read_as_labels(results, tmp_path, capsys):
    from geoseg.train.data.polygons import read_polygons

    classes, confidence = _two_classes()
    confidence[20:30, 20:30] = confidence[20:30, 120:130] = 40
    folder, path = results("a", classes, confidence), tmp_path / "next.gpkg"
    with pytest.raises(SystemExit) as ended:
        main(["next", str(folder), "-o", str(path), "--progress", "json"])
    assert ended.value.code == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1]["event"] == "result"
    assert events[-1]["classes"] == {"grass/shrub": {"polygons": 1}, "tree": {"polygons": 1}}
    table = read_polygons([path], None, None)
    assert table.field == "class_name"
    assert sorted(c.name for c in table.vocabulary.classes) == ["grass/shrub", "tree"]
    with sqlite3.connect(path) as database:
        (style,) = database.execute("SELECT styleQML FROM layer_styles").fetchone()
    assert all(f'value="{item.name}"' in style for item in LAND_COVER), "classes to choose from"
    with pytest.raises(SystemExit) as ended:
        main(["next", str(folder), "-o", str(path)])
    assert ended.value.code == 1
    assert "exists, perhaps with corrections" in capsys.readouterr().err


def test_bad_input_is_one_line(results, tmp_path, class_map):
    classes, confidence = _two_classes()
    confidence[20:30, 20:30] = 40
    good = results("a", classes, confidence)
    (tmp_path / "empty").mkdir()
    bare = tmp_path / "bare"
    bare.mkdir()
    class_map("bare/x_classes.tif", classes)
    other = results("c", classes, confidence, folder="other")
    class_map("other/c_confidence.tif", confidence[:50], classes=())
    nowhere = gpd.GeoDataFrame(geometry=[_square(0, 0)])
    full = gpd.GeoDataFrame(geometry=[_square(-10, -10, 300)], crs="EPSG:32633")
    mixed = results("m", classes, confidence, folder="mixed", crs=None)
    results("n", classes, confidence, folder="mixed")
    cases = [
        ((tmp_path / "gone",), {}, "no such file or folder"),
        ((tmp_path / "empty",), {}, "no NAME_classes.tif in this folder"),
        ((bare,), {}, "x_confidence.tif: is missing"),
        ((other,), {}, "is not the confidence of c_classes.tif"),
        ((results("e", np.full_like(classes, 255), confidence, folder="none"),), {}, "no pixel has a class"),
        ((results("f", classes, np.full_like(confidence, 100), folder="sure"),), {}, "nothing is uncertain"),
        ((mixed,), {}, "m: has no CRS, so its places cannot be put beside"),
        ((good,), {"labels": nowhere}, "the labels: has no CRS"),
        ((good,), {"labels": full}, "every uncertain place is labelled already"),
        ((good,), {"labels": tmp_path / "gone.gpkg"}, "gone.gpkg: no such file"),
        ((good,), {"count": 0}, "count must be at least 1"),
        ((good,), {"scenes": [tmp_path / "gone.tif"]}, "gone.tif: no such file or folder"),
        ((), {}, "no results given"),
    ]
    for folders, options, message in cases:
        with pytest.raises(GeosegError, match=message) as caught:
            next_labels(list(folders), tmp_path / "n.gpkg", **options)
        assert "\n" not in str(caught.value)
    with pytest.raises(GeosegError, match=r"name the file n\.gpkg"):
        next_labels(good, tmp_path / "n.shp")
    assert not (tmp_path / "n.gpkg").exists()


def test_what_only_a_report_names_is_not_read(results, monkeypatch):
    import geoseg.raster

    classes, confidence = _two_classes()
    confidence[20:30, 20:30] = 40
    folder = results("a", classes, confidence, np.ones((1, *classes.shape)))
    monkeypatch.setattr(geoseg.raster, "open_raster", lambda *_, **__: pytest.fail("opened"))
    assert next_labels(folder).compared == "distance"
    assert next_labels(folder, scenes=[folder]).compared == "distance", "the scene lies elsewhere"
    report = {"scene": {"sources": ["https://example.org/a.tif"]}, "options": {"reading": {}}}
    (folder / "a_report.json").write_text(json.dumps(report))
    assert next_labels(folder, scenes=[folder]).compared == "distance"
    (folder / "a_report.json").write_text("{")
    assert next_labels(folder).compared == "distance"
