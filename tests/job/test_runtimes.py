"""Runs by another runtime than torch: the same bytes however they are computed, named in report and fingerprint."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rasterio

from geoseg.errors import OptionError
from geoseg.job import dispatch, scene_planned
from geoseg.job.batch import run
from geoseg.job.outputs import Products
from geoseg.job.request import Job
from geoseg.models import Execution
from geoseg.models.runtimes import choices
from geoseg.segment import precision
from geoseg.segment.lazy import segment
from geoseg.segment.plan import Options, Plan, make_plan
from tests.recorder import Recorder

pytest.importorskip("openvino", reason="the extra openvino")

PLAIN = Products(polygons=False, preview=False)
FAST = Options(device="cpu", precision="fp32", runtime="openvino", window=192, block=64)


def pixels(result, kind):
    with rasterio.open(result.outputs[kind]) as file:
        return file.read(1)


def test_the_map_is_that_of_torch_for_any_block_size(scene, neighbour_model):
    """The class depends on every pixel around, so that a wrong window or margin would show."""
    model, raster = neighbour_model(2, stride=2, margin=4), scene(60, 90, nodata=0)
    expected = segment(raster, model, window=32, runtime="torch", device="cpu")
    for block, stitch in ((24, "trim"), (48, "trim"), (48, "linear")):
        found = segment(raster, model, window=32, block=block, stitch=stitch, runtime="openvino")
        np.testing.assert_array_equal(found.classes, expected.classes)


@pytest.mark.slow
def test_workers_and_an_interruption_change_no_byte(tmp_path, reflectance, monkeypatch):
    scene = reflectance(tmp_path / "scene.tif", 150, 200)
    (whole,) = run(Job([scene], tmp_path / "whole", "landcover", options=FAST, products=PLAIN))
    assert whole.error is None
    assert whole.report["execution"]["runtime"] == whole.report["options"]["runtime"] == "openvino"
    assert whole.report["versions"]["openvino"]
    (own,) = run(Job([scene], tmp_path / "own", "landcover", options=replace(FAST, runtime="torch"), products=PLAIN))
    assert (pixels(whole, "classes") == pixels(own, "classes")).mean() > 0.999
    segment_block, left = dispatch.segment_block, [4]

    def dies(recipe, index, **more):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return segment_block(recipe, index, **more)

    monkeypatch.setattr(dispatch, "segment_block", dies)
    job = Job([scene], tmp_path / "out", "landcover", options=replace(FAST, workers=1), products=PLAIN)
    with pytest.raises(KeyboardInterrupt):
        run(job)
    monkeypatch.setattr(dispatch, "segment_block", segment_block)
    (resumed,) = run(job)
    assert resumed.report["tiling"]["blocks_reused"] == 4
    for kind in ("classes", "confidence"):
        assert resumed.outputs[kind].read_bytes() == whole.outputs[kind].read_bytes()


@pytest.mark.parametrize("change", ["another runtime", "removed"])
def test_blocks_of_a_runtime_are_not_mixed_with_others(tmp_path, reflectance, monkeypatch, change):
    scene = reflectance(tmp_path / "scene.tif", 150, 200)
    segment_block, left = dispatch.segment_block, [4]

    def dies(recipe, index, **more):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return segment_block(recipe, index, **more)

    auto, chosen = replace(FAST, workers=1, runtime="auto"), ["openvino"]
    monkeypatch.setattr(Plan, "execution", lambda _: Execution(runtime=chosen[0]))
    job = Job([scene], tmp_path / "out", "landcover", options=auto, products=PLAIN)
    monkeypatch.setattr(dispatch, "segment_block", dies)
    with pytest.raises(KeyboardInterrupt):
        run(job)
    monkeypatch.setattr(dispatch, "segment_block", segment_block)
    chosen[0] = "torch"
    recorder = Recorder()
    if change == "removed":
        monkeypatch.setattr(scene_planned, "is_installed", lambda runtime: runtime != "openvino")
        (resumed,) = run(job, recorder)
        told = [args[0] for args, _ in recorder.of("info")]
        assert any("computed by OpenVINO, which is not installed any more, and are deleted" in line for line in told)
    else:
        (resumed,) = run(replace(job, options=replace(auto, runtime="torch")), recorder)
    assert resumed.report["execution"]["runtime"] == "torch"
    assert resumed.report["tiling"]["blocks_reused"] == 0


def test_another_map_than_torchs_is_warned_about(reflectance, tmp_path, monkeypatch):
    plan = make_plan(reflectance(tmp_path / "scene.tif", 150, 200), "landcover", FAST)
    chosen = Execution(runtime="openvino")
    assert precision.precision_warning(plan, chosen) is None
    assert precision.precision_warning(replace(plan, options=replace(FAST, runtime="auto")), chosen) is None
    open_predictor = precision.open_predictor

    def other(model, affine, execution):
        predictor = open_predictor(model, affine, execution)
        if execution.runtime == "openvino":
            classify = predictor.classify
            monkeypatch.setattr(predictor, "classify", lambda data, valid: (5 - classify(data, valid)[0], None))
        return predictor

    monkeypatch.setattr(precision, "open_predictor", other)
    text = precision.precision_warning(plan, chosen)
    assert text.startswith(
        "by OpenVINO in fp32 model 'landcover' gives 100.0% of a sample of the scene another class than"
    )
    assert text.endswith("than by torch in fp32; use --runtime auto or torch")


def test_a_runtime_that_is_not_installed_is_one_line(geoseg, tmp_path, reflectance, monkeypatch):
    monkeypatch.setattr(choices, "find_spec", lambda _: None)
    scene = reflectance(tmp_path / "scene.tif")
    code, _, stderr = geoseg("segment", scene, "-m", "landcover", "--runtime", "openvino", "-o", tmp_path / "out")
    assert code == 1
    (line,) = [line for line in stderr.splitlines() if "error" in line.lower()]
    assert 'runtime openvino is not installed: pip install "geoseg[openvino]", or use --runtime auto' in line
    with pytest.raises(OptionError, match="not installed"):
        segment(scene, "landcover", runtime="openvino")


def test_a_model_that_cannot_be_converted_is_one_line(geoseg, tmp_path, reflectance):
    scene = reflectance(tmp_path / "scene.tif")
    code, _, stderr = geoseg("segment", scene, "-m", "spectral", "--runtime", "openvino", "-o", tmp_path / "out")
    assert code == 1
    assert "model 'spectral' cannot be converted for OpenVINO" in stderr
    assert "Traceback" not in stderr
    assert not (tmp_path / "out" / "scene_classes.tif").exists()
