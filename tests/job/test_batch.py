"""Many scenes: lists of them, one bad one among good ones, what is missing is made, and the table at the end."""

from __future__ import annotations

import csv
import json
import os
import time
from dataclasses import replace

import numpy as np
import pytest
import rasterio

from geoseg.errors import InputError
from geoseg.job import scene_planned, scene_running
from geoseg.job.batch import run
from geoseg.job.outputs import Products
from geoseg.job.request import Job
from geoseg.job.scene_list import SceneEntry, check_duplicates, read_scenes
from geoseg.segment.plan import Options
from tests.recorder import Recorder

FAST = Options(device="cpu", precision="fp32", window=64, block=64)
PLAIN = Products(polygons=False, preview=False)
ARGUMENTS = ("-m", "spectral", "--device", "cpu", "--precision", "fp32", "--no-preview", "--no-polygons")


def test_lists_of_scenes(tmp_path):
    (tmp_path / "with space; and more.tif").touch()
    for name in ("a.tif", "b.tif", "b2.tif"):
        (tmp_path / name).touch()
    text = tmp_path / "list.txt"
    text.write_text("# comment\n\na.tif\nb.tif ; b2.tif\nwith space; and more.tif\nhttps://host/c.tif\n", "utf-8")
    at = str(tmp_path) + os.sep
    assert read_scenes(text) == [
        SceneEntry(at + "a.tif"), SceneEntry([at + "b.tif", at + "b2.tif"]),
        SceneEntry(at + "with space; and more.tif"),
        SceneEntry("https://host/c.tif"),
    ]  # fmt: skip
    table = tmp_path / "list.csv"
    table.write_text("\ufeffid,Scene,name\n1,a.tif,first\n2,b.tif;b2.tif,\n", "utf-8")
    assert read_scenes(table) == [SceneEntry(at + "a.tif", "first"), SceneEntry([at + "b.tif", at + "b2.tif"])]
    items = tmp_path / "items.json"
    items.write_text(json.dumps({"type": "FeatureCollection", "features": [{"type": "Feature", "id": "x"}]}), "utf-8")
    assert read_scenes(items) == [SceneEntry(f"{items}#x", "x")]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("l.txt", "a.tif\n./a.tif\n", "line 2: ./a.tif is listed twice (first: {path}, line 1)"),
        ("l.txt", "# nothing\n", "lists no scene"),
        ("l.csv", "file;name\na.tif;b\n", "no column 'scene'"),
        ("l.csv", "scene,name,Scene\na.tif,x,b.tif\n", "two columns 'Scene'"),
        ("l.csv", "scene,name\na.tif,x\nb.tif,x\n", "x is listed twice"),
        ("l.json", "{}", "not a STAC ItemCollection"),
        ("l.json", "nonsense", "not JSON"),
        ("l.json", '{"type": "FeatureCollection", "features": [{}]}', "item 1 has no id"),
    ],
)
def test_bad_lists(tmp_path, name, content, says):
    path = tmp_path / name
    path.write_text(content, "utf-8")
    with pytest.raises(InputError) as error:
        read_scenes(path)
    assert says.format(path=path) in str(error.value)
    with pytest.raises(InputError, match="cannot be read"):
        read_scenes(tmp_path / "none.txt")


def test_a_scene_given_twice_is_refused(geoseg, tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif")
    code, _, err = geoseg("segment", scene, scene, "-o", tmp_path / "out", *ARGUMENTS, "--progress", "none")
    assert code == 1
    assert "twice" in err
    assert not (tmp_path / "out").exists()
    check_duplicates([np.zeros(3), np.zeros(3)])  # arrays are not compared


def test_a_batch_ends_with_a_table_and_does_only_what_is_missing(geoseg, tmp_path, reflectance):
    for name, seed in (("a", 1), ("b", 2), ("d", 3)):
        reflectance(tmp_path / f"{name}.tif", seed=seed)
    (tmp_path / "c.tif").write_text("no raster")
    (tmp_path / "list.csv").write_text("scene,name\nb.tif,second\nc.tif,\nd.tif,\n", "utf-8")
    arguments = ("segment", tmp_path / "a.tif", "--scenes", tmp_path / "list.csv", "-o", tmp_path / "out", *ARGUMENTS)
    code, out, err = geoseg(*arguments, "--progress", "json")
    assert code == 1
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["scene"] for event in events if event["event"] == "result"] == ["a", "second", "d"]
    summary = events[-1]
    assert summary["event"] == "summary"
    assert [(row["name"], row["status"]) for row in summary["scenes"]] == [
        ("a", "done"), ("second", "done"), (str(tmp_path / "c.tif"), "failed"), ("d", "done"),
    ]  # fmt: skip
    assert all(event["status"] == "done" for event in events if event["event"] == "result")
    with (tmp_path / "out" / "summary.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["done", "done", "failed", "done"]
    assert int(rows[0]["crop pixels"]) == summary["scenes"][0]["pixels"]["crop"] > 0
    assert "c.tif" in rows[2]["error"]

    before = (tmp_path / "out" / "a_classes.tif").stat().st_mtime_ns
    reflectance(tmp_path / "c.tif", seed=4)
    code, _, err = geoseg(*arguments, "--progress", "none")
    assert code == 0
    table = [line.split() for line in err.splitlines()]
    assert [line[:2] for line in table[-4:]] == [["a", "kept"], ["second", "kept"], ["c", "done"], ["d", "kept"]]
    assert table[-5][:3] == ["scene", "status", "time"]
    assert (tmp_path / "out" / "a_classes.tif").stat().st_mtime_ns == before


def test_a_stac_collection_is_a_batch(geoseg, tmp_path, reflectance):
    features = []
    for name in ("first", "second"):
        reflectance(tmp_path / "data" / f"{name}.tif", seed=len(name))
        asset = {"href": f"data/{name}.tif", "type": "image/tiff"}
        features.append({"type": "Feature", "id": name, "assets": {"data": asset}})
    items = tmp_path / "items.json"
    items.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    bands = "blue=1,green=2,red=3,nir=4,swir16=5,swir22=6"
    common = ("-o", tmp_path / "out", *ARGUMENTS, "--bands", bands, "--progress", "none")
    code, _, err = geoseg("segment", "--scenes", items, *common)
    assert code == 0, err
    assert {path.name for path in (tmp_path / "out").glob("*_classes.tif")} == {
        "first_classes.tif", "second_classes.tif",
    }  # fmt: skip
    code, _, err = geoseg("segment", items, *common)
    assert code == 1
    assert "--scenes" in err
    features[0]["assets"]["data"]["href"] = "https://example.invalid/x.tif"
    items.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    code, _, err = geoseg("segment", "--scenes", items, *common)
    assert code == 1
    assert "allow_remote" in err or "--allow-remote" in err


def test_scenes_of_a_batch_are_those_of_single_runs(tmp_path, reflectance):
    sizes = [(96, 128), (40, 50), (1, 1), (130, 70), (64, 64), (90, 33), (20, 300)]
    scenes = [reflectance(tmp_path / f"s{i}.tif", *size, seed=i) for i, size in enumerate(sizes)]
    recorder = Recorder()
    results = run(Job(scenes, tmp_path / "batch", "spectral", options=FAST, products=PLAIN), recorder)
    assert [result.status for result in results] == ["done"] * len(sizes)
    for scene in scenes:
        (alone,) = run(Job([scene], tmp_path / "alone", "spectral", options=FAST, products=PLAIN))
        together = next(result for result in results if result.name == alone.name)
        assert alone.outputs["classes"].read_bytes() == together.outputs["classes"].read_bytes()
    scenes_in_order = [args[2].split()[1].rstrip(":") for name, args, _ in recorder.events if name == "progress"]
    assert scenes_in_order == sorted(scenes_in_order), "events of scenes come one scene after the other"
    assert [facts["scene"] for name, _, facts in recorder.events if name == "result"] == [
        f"s{i}" for i in range(len(sizes))
    ]
    assert not (tmp_path / "batch" / ".geoseg").exists()


def test_scenes_are_in_flight_together(tmp_path, reflectance, monkeypatch):
    """Reading takes long: files of one block each must be read at the same time."""
    from geoseg.raster import Raster

    scenes = [reflectance(tmp_path / f"s{i}.tif", 32, 32, seed=i) for i in range(6)]
    read = Raster.read

    def slowly(self, box):
        time.sleep(0.2)
        return read(self, box)

    monkeypatch.setattr(Raster, "read", slowly)
    run(Job([scenes[0]], tmp_path / "warm", "spectral", options=FAST, products=PLAIN))
    results, spans = run_traced(scenes, tmp_path, "batch")
    assert all(result.status == "done" for result in results)
    reads = [(start, start + duration) for stage, start, duration in spans if stage == "read"]
    assert len(reads) == 6
    most = max(sum(a <= start < b for a, b in reads) for start, _ in reads)
    assert most >= 2, "blocks of different scenes never were in flight together"


def run_traced(scenes, folder, name):
    job = Job(scenes, folder / name, "spectral", options=FAST, products=PLAIN, profile=folder / "trace.json")
    results = run(job)
    events = json.loads((folder / "trace.json").read_text("utf-8"))["traceEvents"]
    return results, [(e["name"], e["ts"] / 1e6, e["dur"] / 1e6) for e in events if e["ph"] == "X"]


def test_the_trace_holds_every_stage_and_thread(tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif")
    job = replace(Job([scene], tmp_path / "out", "spectral", options=FAST), profile=tmp_path / "trace.json")
    run(job)
    trace = json.loads((tmp_path / "trace.json").read_text("utf-8"))
    spans = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert {"read", "wait", "forward", "stitch", "store", "write", "polygonize"} <= {span["name"] for span in spans}
    assert all(span["ts"] >= 0 and span["dur"] > 0 for span in spans)
    assert {span["args"]["block"] for span in spans if span["name"] == "store"} == {0, 1, 2, 3}
    names = {event["args"]["name"] for event in trace["traceEvents"] if event["name"] == "thread_name"}
    assert any(name.startswith("geoseg") for name in names)


def test_a_scene_that_breaks_in_an_unforeseen_way_does_not_stop_the_others(tmp_path, reflectance, monkeypatch):
    make_plan = scene_planned.make_plan

    def breaks(raster, *more):
        if raster.name == "b":
            raise ZeroDivisionError("surprise")
        return make_plan(raster, *more)

    monkeypatch.setattr(scene_planned, "make_plan", breaks)
    scenes = [reflectance(tmp_path / f"{name}.tif", 32, 32) for name in "abc"]
    results = run(Job(scenes, tmp_path / "out", "spectral", options=FAST, products=PLAIN))
    assert [result.status for result in results] == ["done", "failed", "done"]
    assert "ZeroDivisionError: surprise" in str(results[1].error)


def test_memory_for_polygons_is_shared_with_the_next_scenes_blocks(tmp_path, reflectance, monkeypatch):
    rooms = []
    write = scene_running.write_products

    def watched(*args, memory):
        rooms.append(memory)
        return write(*args, memory=memory)

    monkeypatch.setattr(scene_running, "write_products", watched)
    scenes = [reflectance(tmp_path / f"{name}.tif", 32, 32) for name in "ab"]
    options = replace(FAST, memory="1.5GB")
    run(Job(scenes[:1], tmp_path / "one", "spectral", options=options, products=PLAIN))
    run(Job(scenes, tmp_path / "two", "spectral", options=options, products=PLAIN))
    assert rooms[1] == rooms[2] < rooms[0] <= 10**9


def test_a_map_can_be_opened_in_gdal_while_it_grows(tmp_path, reflectance, monkeypatch):
    scene = reflectance(tmp_path / "scene.tif", 200, 200, seed=5)
    seen = {}

    def look(recipe, store, *more, **kwargs):
        with rasterio.open(store.folder.location("finished_so_far.vrt")) as file:
            seen["classes"], seen["colors"] = file.read(1), file.colormap(1)
            seen["grid"] = file.transform, file.crs
        raise KeyboardInterrupt

    monkeypatch.setattr(scene_running, "write_products", look)
    monkeypatch.setattr("geoseg.job.finished_vrt._MIN_SECONDS", 0.0)
    monkeypatch.setattr("geoseg.job.finished_vrt._MAX_SHARE", 1e9)
    job = Job([scene], tmp_path / "out", "spectral", options=FAST, products=PLAIN)
    with pytest.raises(KeyboardInterrupt):
        run(job)
    monkeypatch.undo()
    (result,) = run(job)
    with rasterio.open(result.outputs["classes"]) as file:
        classes = file.read(1)
        assert seen["grid"] == (file.transform, file.crs)
        assert seen["colors"][5][:3] == file.colormap(1)[5][:3]
    shown = seen["classes"] != 255
    assert (seen["classes"][shown] == classes[shown]).all()
    assert shown.mean() > 0.5
