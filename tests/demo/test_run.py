"""``geoseg demo`` from the scene to every output, small."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from geoseg.classes import LAND_COVER, NODATA
from geoseg.demo import accuracy
from geoseg.demo.run import run_demo
from geoseg.models import DEFAULT_MODEL
from geoseg.write import read_classes


@pytest.mark.parametrize(("model", "overall", "water"), [("landcover", 0.55, 0.8), ("spectral", 0.5, 0.6)])
def test_demo_from_end_to_end(tmp_path, model, overall, water):
    result = run_demo(tmp_path / "demo", size=256, model=None if model == DEFAULT_MODEL else model)
    assert DEFAULT_MODEL == "landcover"
    assert result.model == model
    assert set(result.outputs) == {"classes", "confidence", "polygons", "preview", "html", "report"}
    for path in (result.scene, result.truth, *result.outputs.values()):
        assert path.stat().st_size > 0
    again = accuracy(result.truth, result.outputs["classes"])
    assert result.accuracy == again
    assert again["overall"] > overall
    assert again["iou"]["water"] > water
    assert read_classes(result.outputs["classes"]) == LAND_COVER
    with rasterio.open(result.outputs["classes"]) as classes, rasterio.open(result.truth) as truth:
        np.testing.assert_array_equal(classes.read(1) == NODATA, truth.read(1) == NODATA)
