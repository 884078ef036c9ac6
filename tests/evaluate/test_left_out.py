"""What of a reference is left out is told, and a value that is named is compared even if it is declared nodata."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box as rectangle

import geoseg


@pytest.mark.parametrize("named", [True, False])
def test_a_class_declared_nodata_is_told_and_can_be_named(class_map, named):
    from geoseg.classes import LAND_COVER

    truth = np.random.default_rng(0).integers(0, 3, (40, 50), dtype=np.uint8)
    found = np.where(np.random.default_rng(1).random(truth.shape) < 0.2, (truth + 1) % 3, truth).astype(np.uint8)
    classes = LAND_COVER if named else ()
    predicted = class_map("map.tif", found, classes=classes)
    reference = class_map("reference.tif", truth, classes=classes, nodata=0)
    result = geoseg.evaluate(predicted, reference)
    assert int(result.matrix.sum()) == (truth != 0).sum()
    (note,) = [line for line in result.notes if "as nodata" in line]
    assert f"{(truth == 0).sum():,} pixels left out" in note
    pair = note.rsplit("--map ", 1)[1]
    whole = geoseg.evaluate(predicted, reference, renames=pair)
    assert int(whole.matrix.sum()) == truth.size
    assert int(np.trace(whole.matrix)) == (truth == found).sum()
    assert not [line for line in whole.notes if "as nodata" in line]


@pytest.mark.parametrize(
    "kinds", [["tree", "", "crop"], ["tree", "  ", "crop"], ["tree", None, "crop"], ["0", "", "2"]]
)
def test_polygons_without_a_class_are_left_out_and_told(class_map, tmp_path, kinds):
    predicted = class_map("map.tif", np.zeros((30, 30), np.uint8))
    shapes = [rectangle(500000, 5400000 - y - 100, 500300, 5400000 - y) for y in (0, 100, 200)]
    path = tmp_path / "reference.gpkg"
    gpd.GeoDataFrame({"class_name": kinds}, geometry=shapes, crs="EPSG:32633").to_file(path)
    result = geoseg.evaluate(predicted, path)
    assert int(result.matrix.sum()) == 600
    assert result.counts.map_only == 300
    assert any("1 polygon without a class in field 'class_name' is left out" in line for line in result.notes)
