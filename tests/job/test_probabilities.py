"""``NAME_probabilities.tif``: only if asked for, the same bytes from any run, and never from another run's blocks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

import geoseg as package
from geoseg.errors import OptionError
from geoseg.job.batch import run
from geoseg.job.block_store import read_manifest
from geoseg.job.outputs import Products
from geoseg.job.request import Job, fingerprint_of, manifest_of, open_scene, request_of
from geoseg.segment.plan import Options
from tests.job.processes import SMALL, Run, blocks_in, succeed, wait_until
from tests.write.cog_rules import violations

FAST = Options(device="cpu", precision="fp32", window=64, block=64)
PLAIN = Products(polygons=False, preview=False)
EVERY = replace(PLAIN, probabilities="all")
NAMES = ("tree", "grass/shrub", "crop", "built", "bare", "water")


def do(scene, out, products=EVERY, options=FAST, **more):
    (result,) = run(Job([scene], out, "spectral", options=options, products=products, **more))
    assert result.status == "done", result.error
    return result


def written(result):
    return result.outputs["probabilities"].read_bytes()


def read(result, kind):
    with rasterio.open(result.outputs[kind]) as file:
        return file.read()


@pytest.fixture(scope="module")
def ready(tmp_path_factory, reflectance):
    """A scene and a run with the probabilities of all classes."""
    folder = tmp_path_factory.mktemp("probabilities")
    scene = reflectance(folder / "scene.tif", 192, 256, seed=5)
    return scene, do(scene, folder / "out")


def test_the_file_holds_percents_of_every_class(ready):
    scene, result = ready
    path = result.outputs["probabilities"]
    assert path.name == "scene_probabilities.tif"
    assert violations(path) == []
    with rasterio.open(scene) as source, rasterio.open(path) as file:
        assert (file.crs, file.transform, file.shape) == (source.crs, source.transform, source.shape)
        assert file.descriptions == NAMES
        assert file.units == ("percent",) * 6
        assert file.nodata == 255
        percents, invalid = file.read(), source.read(1) == 0
    classes, confidence = read(result, "classes")[0], read(result, "confidence")[0]
    assert (percents[:, invalid] == 255).all()
    assert (percents[:, ~invalid].sum(0, dtype=int) == 100).all()
    winners = np.take_along_axis(percents, np.where(invalid, 0, classes)[None].astype(int), 0)[0]
    assert np.array_equal(winners[~invalid], confidence[~invalid])
    assert result.report["options"]["probabilities"] == "all"
    lazy = package.segment(scene, "spectral", device="cpu", precision="fp32", probabilities="all")
    assert np.array_equal(lazy.probabilities.compute(), percents)


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ({"block": 512}, {}), ({"block": 50}, {}), ({"block": 1024, "workers": 1}, {}),
        ({"workers": 2}, {"scheduler": "local"}),
    ],
)  # fmt: skip
def test_any_block_size_and_scheduler_gives_the_same_bytes(ready, tmp_path, options, more):
    scene, result = ready
    assert written(do(scene, tmp_path, options=replace(FAST, **options), **more)) == written(result)


@pytest.mark.parametrize("stitch", ["linear", "gaussian"])
def test_blended_windows_give_the_same_bytes_for_any_block_size(ready, tmp_path, stitch):
    scene, _ = ready
    options = replace(FAST, stitch=stitch, window=96, margin=16)
    one = do(scene, tmp_path / "one", options=options)
    other = do(scene, tmp_path / "other", options=replace(options, block=80))
    assert written(one) == written(other)
    percents = read(one, "probabilities")
    assert set(np.unique(percents.sum(0, dtype=int))) == {100, 6 * 255}


def test_a_subset_holds_the_bands_asked_for_in_that_order(ready, tmp_path):
    scene, result = ready
    subset = do(scene, tmp_path, replace(PLAIN, probabilities=("water", "tree")))
    with (
        rasterio.open(subset.outputs["probabilities"]) as part,
        rasterio.open(result.outputs["probabilities"]) as every,
    ):
        assert part.descriptions == ("water", "tree")
        assert np.array_equal(part.read(), every.read([6, 1]))
    assert subset.report["options"]["probabilities"] == ["water", "tree"]


def test_the_other_outputs_do_not_change_and_nothing_is_written_unasked(ready, tmp_path):
    scene, result = ready
    plain = do(scene, tmp_path, PLAIN)
    assert "probabilities" not in plain.outputs
    assert not list(tmp_path.glob("*probabilities*"))
    assert "probabilities" not in plain.report["options"]
    for kind in ("classes", "confidence"):
        assert plain.outputs[kind].read_bytes() == result.outputs[kind].read_bytes()


def test_fingerprints_of_runs_without_probabilities_stay_what_they_were(ready):
    assert repr(PLAIN) == "Products(polygons=False, preview=False, format='gpkg', min_area=None, simplify=None)"
    assert repr(EVERY) == repr(PLAIN)
    assert repr(FAST) == repr(replace(FAST, probabilities="all"))
    prints = {}
    for products in (
        PLAIN,
        EVERY,
        *(replace(PLAIN, probabilities=names) for names in (NAMES, NAMES[:2], NAMES[1::-1])),
    ):
        request = request_of(Job([], ready[0].parent, "spectral", options=FAST, products=products))
        raster = open_scene(ready[0], request)
        prints[products.probabilities] = manifest_of(raster, request)["fingerprint"], fingerprint_of(raster, request)
    assert prints["all"] == prints[NAMES]
    assert len(set(prints.values())) == len({one for one, _ in prints.values()}) == 4


def test_a_broken_off_run_goes_on_but_not_with_blocks_that_lack_probabilities(ready, tmp_path, monkeypatch):
    from geoseg.job import dispatch

    scene, result = ready
    segment_block, left = dispatch.segment_block, [5]

    def dies(recipe, index, **more):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return segment_block(recipe, index, **more)

    for products in (PLAIN, EVERY):
        left[0] = 5
        monkeypatch.setattr(dispatch, "segment_block", dies)
        with pytest.raises(KeyboardInterrupt):
            run(Job([scene], tmp_path, "spectral", options=replace(FAST, workers=1), products=products))
        assert blocks_in(tmp_path) == 5
    monkeypatch.setattr(dispatch, "segment_block", segment_block)
    resumed = do(scene, tmp_path)
    assert resumed.report["tiling"]["blocks_reused"] == 5, "of the second run, not of the first"
    assert written(resumed) == written(result)
    (kept,) = run(Job([scene], tmp_path, "spectral", options=FAST, products=EVERY))
    assert kept.status == "kept"
    resumed.outputs["probabilities"].unlink()
    (again,) = run(Job([scene], tmp_path, "spectral", options=FAST, products=EVERY, overwrite=True))
    assert written(again) == written(result)
    assert not read_manifest(tmp_path / ".geoseg" / "scene")


@pytest.mark.slow
def test_a_killed_run_gives_the_same_bytes(tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif", 448, 512, seed=11)
    extra = (*SMALL, "--no-polygons", "--probabilities", "water,grass/shrub")
    expected = succeed(scene, "-o", tmp_path / "whole", *extra).of("result")[0]["outputs"]["probabilities"]
    out = tmp_path / "out"
    killed = Run(scene, "-o", out, *extra)
    wait_until(lambda: blocks_in(out) >= 10 or not killed.alive(), 240, every=0.002)
    killed.kill()
    outputs = succeed(scene, "-o", out, *extra).of("result")[0]["outputs"]
    assert list(outputs) == ["classes", "confidence", "probabilities", "report"]
    assert Path(outputs["probabilities"]).read_bytes() == Path(expected).read_bytes()


def test_a_name_that_is_no_class_stops_the_job_at_once(ready, tmp_path, geoseg):
    products = replace(PLAIN, probabilities=("water", "wood"))
    with pytest.raises(OptionError, match="'wood' is not a class of model 'spectral'; use 'all' or names from: tree"):
        run(Job([ready[0]] * 2, tmp_path, "spectral", products=products))
    code, _, err = geoseg("segment", ready[0], "-o", tmp_path, "-m", "spectral", "--probabilities", "wood")
    assert code == 1
    assert err.splitlines()[-1].startswith("error: probabilities: 'wood' is not a class")
    assert not list(tmp_path.iterdir())


def test_the_command_line_writes_the_file_and_lists_it(ready, tmp_path, geoseg):
    scene, result = ready
    options = ("--device", "cpu", "--precision", "fp32", "--window", "64", "--no-polygons", "--no-preview")
    code, out, _ = geoseg(
        "segment", scene, "-o", tmp_path, "-m", "spectral", "--probabilities", "all", "--progress", "json", *options
    )
    assert code == 0
    event = json.loads(out.splitlines()[-1])
    assert event["outputs"]["probabilities"] == str(tmp_path / "scene_probabilities.tif")
    assert (tmp_path / "scene_probabilities.tif").read_bytes() == written(result)
    assert (tmp_path / "scene_probabilities.qml").exists()
