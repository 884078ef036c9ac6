"""A model sees a scene at its own pixel size, and the map has the scene's pixels: one pass, blocks, resume alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

import geoseg
from geoseg.errors import OptionError
from geoseg.job.batch import run
from geoseg.job.outputs import Products
from geoseg.job.request import Job
from geoseg.models import Execution
from geoseg.raster import open_raster
from geoseg.raster.resampled.lattice import Axis
from geoseg.raster.resampled.source import resampled
from geoseg.segment import block as blocks
from geoseg.segment.block import make_recipe, segment_block
from geoseg.segment.plan import Options, make_plan
from geoseg.tiling import Tiling

PLAIN = Products(polygons=False, preview=False)
FAST = Options(device="cpu", precision="fp32", runtime="torch")


@pytest.fixture(scope="module")
def coarse_model(neighbour_model):
    """A model of pixels of 30 m whose class depends on its surroundings of 5 × 5 pixels."""
    return neighbour_model(2, 5, resolution=(30.0, 60.0), margin=2)


def whole(recipe):
    layers = np.full((2, recipe.tiling.height, recipe.tiling.width), 7, np.uint8)
    for index in range(recipe.tiling.block_count):
        result = segment_block(recipe, index)
        layers[:, *result.box.within(recipe.tiling.scene)] = result.classes, result.confidence
    return layers


def test_a_plan_reads_the_scene_at_the_models_pixels(scene, coarse_model):
    raster = open_raster(scene(100, 140))
    plan = make_plan(raster, coarse_model, FAST)
    assert plan.inner is not None
    assert plan.inner.raster.shape == (34, 47)
    assert plan.raster.shape == (100, 140)
    (said,) = [line for line in plan.warnings if "is read at" in line]
    assert "has pixels of 10 m" in said
    assert "made for 30–60 m: it is read at 30 m (means of finer pixels)" in said
    assert not any("expect a worse map" in line for line in plan.warnings)
    never = make_plan(raster, coarse_model, replace(FAST, resample="never"))
    assert never.inner is None
    assert any("expect a worse map" in line for line in never.warnings)
    forced = make_plan(raster, coarse_model, replace(FAST, resample=15))
    assert forced.inner.raster.shape == (67, 94)
    assert make_plan(raster, coarse_model, replace(FAST, resample=10)).inner is None
    for bad in ("often", 0, "-3", float("nan")):
        with pytest.raises(OptionError, match="is no pixel size"):
            Options(resample=bad)
    with pytest.raises(OptionError, match="show no more"):
        make_plan(raster, coarse_model, replace(FAST, resample=1))


@pytest.mark.parametrize("resample", ["auto", 17.0, 5.0])
def test_the_map_is_that_of_the_resampled_scene(scene, coarse_model, resample):
    """Oracle: the model in one window over the whole resampled array, looked up by centres of pixels."""
    array = scene(60, 83, nodata=5)
    raster = open_raster(array)
    recipe = make_recipe(make_plan(raster, coarse_model, replace(FAST, resample=resample)), execution=Execution())
    got = whole(recipe)
    view = recipe.inner.raster
    one = Tiling(*view.shape, keep=max(view.shape), margin=2, block=max(view.shape))
    seen = whole(replace(recipe.inner, tiling=one))
    ratio = {"auto": 3.0, 17.0: 1.7, 5.0: 0.5}[resample]
    rows = np.minimum(((np.arange(60) + 0.5) / ratio).astype(int), view.shape[0] - 1)
    cols = np.minimum(((np.arange(83) + 0.5) / ratio).astype(int), view.shape[1] - 1)
    expected = seen[:, rows][:, :, cols]
    expected[:, array.values[0] == 5] = 255
    np.testing.assert_array_equal(got, expected)
    assert ((got[0] == 255) == (array.values[0] == 5)).all()  # no pixel is lost


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 70), st.integers(1, 70), st.sampled_from([3.0, 1.37, 0.6]), st.integers(3, 40), st.integers(2, 30)
)
def test_a_map_does_not_depend_on_blocks(scene, coarse_model, height, width, ratio, block, inner_block):
    raster = open_raster(scene(height, width, seed=height, nodata=0))
    view = resampled(raster, (ratio, ratio))
    plan = make_plan(raster, coarse_model, replace(FAST, resample="never"))
    inner = replace(plan, raster=view, tiling=Tiling(*view.shape, keep=inner_block, margin=2, block=inner_block))
    cut = replace(plan, tiling=Tiling(height, width, block, 0, block), inner=inner)
    one = replace(
        plan,
        tiling=Tiling(height, width, 70, 0, 70),
        inner=replace(inner, tiling=Tiling(*view.shape, keep=150, margin=2, block=150)),
    )
    execution = Execution()
    assert np.array_equal(whole(make_recipe(cut, execution=execution)), whole(make_recipe(one, execution=execution)))
    assert view.shape == (Axis(height, ratio).count, Axis(width, ratio).count)


def test_a_run_reports_it_and_resumes_to_the_same_bytes(tmp_path, reflectance, monkeypatch):
    path = reflectance(tmp_path / "scene.tif", 300, 420)
    options = replace(FAST, resample=30.0, block=128)
    (result,) = run(Job([path], tmp_path / "out", "spectral", options=options, products=PLAIN))
    assert result.status == "done", result.error
    seen = result.report["scene"]["resampled"]
    assert (seen["height"], seen["width"]) == (100, 140)
    assert seen["pixel_m"] == pytest.approx(30, rel=1e-3)
    assert seen["scene_pixel_m"] == pytest.approx(10, rel=1e-3)
    assert any("is read at 30 m" in line for line in result.report["warnings"])
    with rasterio.open(path) as source, rasterio.open(result.outputs["classes"]) as made:
        assert (made.crs, made.transform, made.shape) == (source.crs, source.transform, source.shape)
        assert ((made.read(1) == 255) == (source.read(1) == 0)).all()
    # Interrupted after some blocks; the other windows are those of the first run.
    original, done = blocks.segment_block, []

    def failing(recipe, index, **more):
        if recipe.inner is not None:
            if len(done) == 4:
                raise KeyboardInterrupt
            done.append(index)
        return original(recipe, index, **more)

    monkeypatch.setattr("geoseg.job.dispatch.segment_block", failing)
    with pytest.raises(KeyboardInterrupt):
        run(Job([path], tmp_path / "again", "spectral", options=options, products=PLAIN))
    monkeypatch.undo()
    (second,) = run(Job([path], tmp_path / "again", "spectral", options=options, products=PLAIN))
    assert second.report["tiling"]["blocks_reused"] >= 1
    for kind in ("classes", "confidence"):
        assert second.outputs[kind].read_bytes() == result.outputs[kind].read_bytes()
    # Other pixels are another result.
    (third,) = run(Job([path], tmp_path / "out", "spectral", options=replace(options, resample=20.0), products=PLAIN))
    assert third.status == "failed"
    assert "exists and is of another scene, model or options" in str(third.error)


def test_lazily(reflectance, tmp_path):
    path = reflectance(tmp_path / "scene.tif", 96, 128)
    lazy = geoseg.segment(path, "spectral", device="cpu", precision="fp32", runtime="torch", resample=30, block=50)
    (result,) = run(Job([path], tmp_path / "out", "spectral", options=replace(FAST, resample=30.0), products=PLAIN))
    with rasterio.open(result.outputs["classes"]) as file:
        np.testing.assert_array_equal(lazy.classes.values, file.read(1))
