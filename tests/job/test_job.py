"""Scenes to outputs: complete or not there, resumed where it stopped, one bad scene among good ones."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import rasterio

from geoseg.errors import OptionError, OutputError
from geoseg.job import scene_running
from geoseg.job.batch import run
from geoseg.job.outputs import Products
from geoseg.job.request import Job
from geoseg.segment.plan import Options, Plan
from geoseg.system.locks import locked
from tests.recorder import Recorder

FAST = Options(device="cpu", precision="fp32", block=32)
PLAIN = Products(polygons=False, preview=False)


def read(path):
    with rasterio.open(path) as file:
        return file.read(1)


def test_outputs_carry_the_scenes_grid(tmp_path, reflectance):
    """Property 5, for every product."""
    scene = reflectance(tmp_path / "scene.tif")
    (result,) = run(Job([scene], tmp_path / "out", "spectral", options=FAST))
    assert result.status == "done", result.error
    assert sorted(p.name for p in (tmp_path / "out").iterdir() if p.suffix not in (".qml", ".xml")) == [
        "scene_classes.tif", "scene_confidence.tif", "scene_polygons.gpkg", "scene_preview.png", "scene_report.html",
        "scene_report.json",
    ]  # fmt: skip
    with rasterio.open(scene) as source:
        for kind in ("classes", "confidence"):
            with rasterio.open(result.outputs[kind]) as made:
                assert (made.crs, made.transform, made.shape) == (source.crs, source.transform, source.shape)
                assert made.nodata == 255
                assert made.dtypes == ("uint8",)
        invalid = source.read(1) == 0
    classes, confidence = read(result.outputs["classes"]), read(result.outputs["confidence"])
    assert ((classes == 255) == invalid).all()
    assert ((confidence == 255) == invalid).all()
    assert confidence[~invalid].max() <= 100
    for facts in result.report["classes"].values():
        assert facts["pixels"] == (classes == facts["id"]).sum()
        assert facts["area_m2"] == pytest.approx(facts["pixels"] * 100, rel=2e-3)
    assert result.report["nodata_pixels"] == invalid.sum()


def test_polygons_are_the_class_map(tmp_path, reflectance):
    import geopandas as gpd
    from rasterio.features import rasterize

    scene = reflectance(tmp_path / "scene.tif", seed=4)
    (result,) = run(Job([scene], tmp_path / "out", "spectral", options=FAST))
    polygons = gpd.read_file(result.outputs["polygons"], layer="polygons")
    classes = read(result.outputs["classes"])
    with rasterio.open(scene) as source:
        shapes = zip(polygons.geometry, polygons.class_id, strict=True)
        assert np.array_equal(
            rasterize(shapes, source.shape, fill=255, transform=source.transform, dtype="uint8"), classes
        )
    assert polygons.crs == "EPSG:32633"
    assert polygons.geometry.is_valid.all()
    assert set(polygons.class_name) <= {"tree", "grass/shrub", "crop", "built", "bare", "water"}
    assert polygons.confidence.between(0, 100).all()


def test_a_broken_off_run_goes_on_and_gives_the_same_bytes(tmp_path, reflectance, monkeypatch):
    """Property 6: stopped after any number of blocks."""
    import geoseg.job.dispatch

    scene = reflectance(tmp_path / "scene.tif")
    (whole,) = run(Job([scene], tmp_path / "whole", "spectral", options=FAST))
    one_by_one = replace(FAST, workers=1)  # or blocks in other threads would be given up with the one that dies
    segment_block = geoseg.job.dispatch.segment_block

    for allowed in (0, 1, 5, 11):
        out, left = tmp_path / f"out{allowed}", [allowed]

        def dies(recipe, index, left=left, **more):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return segment_block(recipe, index, **more)

        monkeypatch.setattr(geoseg.job.dispatch, "segment_block", dies)
        with pytest.raises(KeyboardInterrupt):
            run(Job([scene], out, "spectral", options=one_by_one))
        assert [path.name for path in out.iterdir()] == [".geoseg"], "nothing stands under a final name"
        monkeypatch.setattr(geoseg.job.dispatch, "segment_block", segment_block)
        (resumed,) = run(Job([scene], out, "spectral", options=FAST))
        assert resumed.report["tiling"]["blocks_reused"] == allowed
        for kind in ("classes", "confidence", "polygons"):
            assert resumed.outputs[kind].read_bytes() == whole.outputs[kind].read_bytes(), kind
        assert not (out / ".geoseg").exists(), "working files are gone when all is done"


def test_the_seconds_of_a_measurement_are_announced_once(tmp_path, reflectance, monkeypatch):
    """A first run with a model seems to hang otherwise."""
    monkeypatch.setenv("GEOSEG_CACHE", str(tmp_path / "cache"))
    scene, announced = reflectance(tmp_path / "scene.tif"), []
    for name in "ab":
        recorder = Recorder()
        run(Job([scene], tmp_path / name, "spectral", options=FAST, products=PLAIN), recorder)
        announced.append(sum("measuring the fastest settings" in args[0] for args, _ in recorder.of("info")))
    assert announced == [1, 0]


def test_blocks_of_another_scene_model_or_option_are_never_mixed(tmp_path, reflectance, monkeypatch):
    scene = reflectance(tmp_path / "scene.tif", seed=1)
    monkeypatch.setattr(scene_running, "write_products", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        run(Job([scene], tmp_path / "out", "spectral", options=FAST, products=PLAIN))
    monkeypatch.undo()
    reflectance(tmp_path / "scene.tif", seed=2)
    recorder = Recorder()
    (result,) = run(Job([scene], tmp_path / "out", "spectral", options=FAST, products=PLAIN), recorder)
    assert result.report["tiling"]["blocks_reused"] == 0
    assert any("other inputs" in args[0] for args, _ in recorder.of("info"))
    (fresh,) = run(Job([scene], tmp_path / "fresh", "spectral", options=FAST, products=PLAIN))
    assert np.array_equal(read(result.outputs["classes"]), read(fresh.outputs["classes"]))


def test_leftovers_of_a_run_that_was_killed_while_tidying_go_with_the_next(tmp_path, reflectance):
    scene, out = reflectance(tmp_path / "scene.tif"), tmp_path / "out"
    job = Job([scene], out, "spectral", options=FAST, products=PLAIN)
    run(job)
    (out / ".geoseg" / "scene").mkdir(parents=True)
    for name in ("scene/0000000.x.tif", "scene.lock", "scene.owner"):
        (out / ".geoseg" / name).touch()
    (kept,) = run(job)
    assert kept.status == "kept"
    assert not (out / ".geoseg").exists()


def test_what_is_complete_is_kept_and_what_is_others_is_not_touched(tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif")
    job = Job([scene], tmp_path / "out", "spectral", options=FAST, products=PLAIN)
    (first,) = run(job)
    before = first.outputs["classes"].stat().st_mtime_ns
    (again,) = run(job)
    assert again.status == "kept"
    assert first.outputs["classes"].stat().st_mtime_ns == before
    other = Job(
        [scene],
        tmp_path / "out",
        "spectral",
        options=Options(device="cpu", precision="fp32", stitch="linear"),
        products=PLAIN,
    )
    (refused,) = run(other)
    assert refused.status == "failed"
    assert isinstance(refused.error, OutputError)
    assert "--overwrite" in str(refused.error)
    (replaced,) = run(Job([scene], tmp_path / "out", "spectral", options=FAST, products=PLAIN, overwrite=True))
    assert replaced.status == "done"


def test_one_bad_scene_does_not_stop_the_others(tmp_path, reflectance):
    good, other = reflectance(tmp_path / "good.tif"), reflectance(tmp_path / "other.tif", seed=3)
    (tmp_path / "bad.tif").write_text("not a raster")
    recorder = Recorder()
    results = run(
        Job([good, tmp_path / "bad.tif", other], tmp_path / "out", "spectral", options=FAST, products=PLAIN), recorder
    )
    assert [result.status for result in results] == ["done", "failed", "done"]
    assert len(recorder.of("error")) == 1
    assert "bad.tif" in recorder.of("error")[0][0][1]


def test_scenes_of_one_name_are_refused(tmp_path, reflectance):
    scenes = [reflectance(tmp_path / folder / "scene.tif") for folder in ("a", "b")]
    results = run(Job(scenes, tmp_path / "out", "spectral", options=FAST, products=PLAIN))
    assert [result.status for result in results] == ["done", "failed"]
    assert "different folders" in str(results[1].error)


def test_a_folder_belongs_to_one_run_at_a_time(tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif")
    with locked(tmp_path / "out" / ".geoseg" / "scene"):
        (result,) = run(Job([scene], tmp_path / "out", "spectral", options=FAST, products=PLAIN))
    assert result.status == "failed"
    assert "another run" in str(result.error)


def test_the_report_says_how_it_came_about(tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif")
    (result,) = run(Job([scene], tmp_path / "out", "spectral", options=FAST, products=PLAIN))
    report = json.loads(result.outputs["report"].read_text("utf-8"))
    assert report["scene"]["crs"] == "EPSG:32633"
    assert report["model"]["name"] == "spectral"
    assert report["execution"]["device"] == "cpu"
    assert report["tiling"]["pixels_kept_per_computed"] == 1
    assert {"total", "segment", "segment.read", "segment.forward", "write"} <= set(report["seconds"])
    assert {"torch", "gdal", "rasterio"} <= set(report["versions"])


def test_all_cores_work_on_a_scene_of_one_block(tmp_path, reflectance, monkeypatch):
    from geoseg.models import Execution

    chosen = Execution(streams=4, threads=1)
    monkeypatch.setattr(Plan, "execution", lambda self: chosen)
    scenes = [reflectance(tmp_path / f"scene{number}.tif", seed=number) for number in range(2)]

    def shared(files, block):
        results = run(Job(files, tmp_path / f"{len(files)}.{block}", "spectral", options=replace(FAST, block=block)))
        return [(r.report["execution"]["streams"], r.report["execution"]["threads"]) for r in results]

    assert shared(scenes[:1], 4096) == [(1, 4)]
    assert shared(scenes[:1], 32) == [(4, 1)]
    assert shared(scenes, 4096) == [(4, 1)] * 2  # the other scene's block is there as well


def test_an_all_nodata_scene_gives_an_empty_map(tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif", data=np.zeros((6, 40, 50), np.uint16))
    (result,) = run(Job([scene], tmp_path / "out", "spectral", options=FAST))
    assert result.status == "done", result.error
    assert (read(result.outputs["classes"]) == 255).all()
    assert result.report["tiling"]["windows"] == 0
    assert any("no valid pixel" in warning for warning in result.report["warnings"])


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (3, 2)])
def test_tiny_scenes(tmp_path, reflectance, size):
    scene = reflectance(tmp_path / "scene.tif", *size, nodata=False)
    (result,) = run(Job([scene], tmp_path / "out", "spectral", options=FAST))
    assert result.status == "done", result.error
    assert read(result.outputs["classes"]).shape == size


def test_a_full_disk_is_said_before_the_run(tmp_path, reflectance, monkeypatch):
    import shutil

    scene = reflectance(tmp_path / "scene.tif")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1))
    (result,) = run(Job([scene], tmp_path / "out", "spectral", options=FAST, products=PLAIN))
    assert result.status == "failed"
    assert "free" in str(result.error)


def test_wrong_products_are_named():
    with pytest.raises(OptionError, match="use one of gpkg"):
        Products(format="shp")
    with pytest.raises(OptionError, match="min-area must be 0 or larger, got -1"):
        Products(min_area=-1)
