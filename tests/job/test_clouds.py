"""``mask_clouds`` in runs: by product and by model, said in the report, the same in segment, evaluate and train."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio

from geoseg.errors import ContractError
from geoseg.evaluate.model import evaluate_model
from geoseg.job.batch import run
from geoseg.job.outputs import Products
from geoseg.job.request import Job
from geoseg.models import load_model
from geoseg.models.clouds import mapped
from geoseg.raster import open_raster
from geoseg.segment.block import make_recipe, segment_block
from geoseg.segment.cloud_model import masked_by
from geoseg.segment.plan import Options, make_plan
from geoseg.segment.survey import survey_scene
from geoseg.tiling import Box
from geoseg.train.data.images import open_images
from tests.recorder import Recorder

FAST = Options(device="cpu", precision="fp32", runtime="torch", block=32)
PLAIN = Products(polygons=False, preview=False)


@pytest.fixture
def folder(tmp_path, reflectance):
    """A scene in a folder with its scene classification: a cloud above, shadow below it, snow on the left."""
    made = tmp_path / "scene"
    path = reflectance(made / "S2_20240601.tif", 96, 128)
    scl = np.full((48, 64), 4, "uint8")
    scl[:10, 20:], scl[10:14, 20:], scl[30:, :8] = 9, 3, 11
    with rasterio.open(path) as file:
        profile = file.profile | {"count": 1, "dtype": "uint8", "nodata": None, "height": 48, "width": 64,
                                  "transform": file.transform @ rasterio.Affine.scale(2), "blockxsize": 16,
                                  "blockysize": 16}  # fmt: skip
    with rasterio.open(made / "S2_20240601_SCL.tif", "w", **profile) as file:
        file.write(scl, 1)
    return made


def doubled(values):
    return values.repeat(2, 0).repeat(2, 1)


def classes_of(result):
    with rasterio.open(result.outputs["classes"]) as file:
        return file.read(1)


def test_a_run_masks_what_the_product_says_and_reports_it(tmp_path, folder):
    reporter = Recorder()
    (result,) = run(Job([folder], tmp_path / "out", "spectral", options=FAST, products=PLAIN), reporter)
    (bare,) = run(Job([folder], tmp_path / "bare", "spectral", {"mask_clouds": "none"}, FAST, PLAIN))
    with rasterio.open(folder / "S2_20240601_SCL.tif") as file:
        kept = ~np.isin(doubled(file.read(1)), [3, 9, 11])
    np.testing.assert_array_equal(classes_of(result), np.where(kept, classes_of(bare), 255))
    (said,) = result.report["clouds"]
    assert (said["by"], said["masked"]) == ("SCL", ["clouds", "shadows", "snow"])
    assert said["share"] == round(float((~kept).mean()), 4)
    assert said["source"].endswith("S2_20240601_SCL.tif")
    assert "clouds" not in bare.report
    told = [json.dumps(event, default=str) for event in reporter.events]
    assert any(f"{100 * said['share']:.3g} % is masked as clouds, shadows, snow by SCL" in line for line in told)
    assert any("missing pixels, by SCL" in line for line in result.report["warnings"])


def test_a_model_that_maps_clouds_sees_them(folder):
    water, spectral = load_model("water"), load_model("spectral")
    assert mapped(water.card) == {"snow": (1,), "clouds": (2,), "shadows": (3,)}
    assert mapped(spectral.card) == {}
    raster = open_raster(folder)
    assert survey_scene(raster, water).raster.quality is None
    assert survey_scene(raster, spectral).raster.quality is not None
    # Asked for by name, the mask stays.
    assert survey_scene(open_raster(folder, mask_clouds="scl"), water).raster.quality is not None


def test_a_model_masks_clouds_wherever_it_is_read(tmp_path, folder):
    """The mask is the model's own map in one pass, for any box, block and reader."""
    raster = open_raster(folder, mask_clouds="none")
    plan = make_plan(raster, "water", Options(window=512, device="cpu", precision="fp32", runtime="torch"))
    recipe = make_recipe(plan)
    one_pass = np.full(raster.shape, 255, np.uint8)
    for index in range(plan.tiling.block_count):
        result = segment_block(recipe, index)
        one_pass[result.box.within(raster.box)] = result.classes
    assert set(np.unique(one_pass)) & {1, 2, 3}, "the scene has nothing to mask"
    masked = masked_by(raster, "water", "cpu")
    every = raster.read(raster.box).valid
    kept = every & ~np.isin(one_pass, [1, 2, 3])
    np.testing.assert_array_equal(masked.read(masked.box).valid, kept)
    box = Box(33, 21, 40, 77)
    np.testing.assert_array_equal(masked.read(box).valid, kept[box.within(raster.box)])
    cut = masked.cut(box).select(["red"])
    np.testing.assert_array_equal(cut.read(Box(1, 2, 9, 9)).valid, kept[34:43, 23:32])
    # Of a scene that was cut before.
    early = masked_by(raster.cut(Box(0, 0, 96, 100)), "water", "cpu")
    np.testing.assert_array_equal(early.read(Box(0, 0, 60, 60)).valid, kept[:60, :60])
    with pytest.raises(ContractError, match="masks no clouds: none of its classes is cloud"):
        masked_by(raster, "spectral")
    (result,) = run(Job([folder], tmp_path / "out", "spectral", {"mask_clouds": "water"}, FAST, PLAIN))
    assert result.status == "done", result.error
    np.testing.assert_array_equal(classes_of(result) == 255, ~kept)
    assert result.report["clouds"][0]["by"] == "model water"
    assert result.report["clouds"][0]["share"] == round(float((every & ~kept).mean()), 4)


def test_train_and_evaluate_read_the_same_pixels(tmp_path, folder):
    with rasterio.open(folder / "S2_20240601.tif") as file:
        profile = file.profile | {"count": 1, "dtype": "uint8", "nodata": 255}
    labels = tmp_path / "labels.tif"
    with rasterio.open(labels, "w", **profile) as file:
        file.write(np.zeros((1, 96, 128), "uint8"))
    counted = []
    for reading in ({}, {"mask_clouds": "none"}, {"mask_clouds": "water"}):
        (image,) = open_images([open_raster(folder)] if not reading else [folder / "S2_20240601.tif"], reading, None)
        found = evaluate_model(
            "spectral", [folder / "S2_20240601.tif"], [labels], options=FAST,
            reading=reading, tolerance=None,
        )  # fmt: skip
        counted.append((int(image.read(image.box).valid.sum()), found.facts["images"][0]["pixels"]))
    # The file alone has no quality band, the folder has one.
    assert counted[0][0] < counted[1][0] == counted[0][1] == counted[1][1]
    assert counted[2][0] == counted[2][1] < counted[1][0]
