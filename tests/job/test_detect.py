"""``geoseg detect``: the same objects for any blocks, workers and interruptions; nothing goes wrong in silence."""

from __future__ import annotations

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import torch

import geoseg
from geoseg.classes import MapClass
from geoseg.cli import main
from geoseg.errors import ModelError, OptionError
from geoseg.job import Options
from geoseg.job.objects import DetectOptions
from geoseg.job.outputs import Products
from geoseg.job.request import Job, request_of
from geoseg.job.status import status
from geoseg.models import Model
from geoseg.models.card.card import card_with
from geoseg.models.card.objects import ObjectHeads, ObjectKind

pytestmark = pytest.mark.filterwarnings("ignore:More than one layer")

FAST = Options(device="cpu", precision="fp32", window=64, block=64, stitch="linear")
PRODUCTS = Products(polygons=False, objects=DetectOptions())
CLASSES = (
    MapClass(0, "background", "#777777"),
    MapClass(1, "tree rim", "#88cc88"),
    MapClass(2, "tree core", "#117733"),
)
HEADS = ObjectHeads(
    kinds=(ObjectKind(name="tree", color="#117733", core=2, rim=1, area_m2={"5": 90, "50": 250, "95": 900}),),
    background=0,
    reach=8,
)


@pytest.fixture(scope="module")
def trees(identity_model):
    """A model whose class is the pixel's value: background, rim or core of trees."""
    model = identity_model(3)
    return Model(card_with(model.card, classes=CLASSES, objects=HEADS), module=model._given)


def crowns(height: int, width: int) -> np.ndarray:
    """Crowns of 7 pixels side by side in rows that touch, and one road of crowns through all of the scene."""
    rows, cols = np.indices((height, width))
    inside = (rows % 9 < 7) & (cols < width - 3)
    core = (np.abs(rows % 9 - 3) < 2) & (np.abs(cols % 7 - 3) < 2)
    values = np.where(inside, np.where(core, 2, 1), 0)
    values[height // 2 - 1 : height // 2 + 2] = 2
    return values.astype(np.uint8)[None]


def do(scene, out, model, products=PRODUCTS, options=FAST, **more):
    (result,) = geoseg.run(Job([scene], out, model, options=options, products=products, **more))
    assert result.status == "done", result.error
    return result


@pytest.fixture(scope="module")
def wood(tmp_path_factory, scene, trees):
    """A scene with nodata in a corner, and what detecting gives."""
    array = crowns(150, 140)
    array[0, :20, :20] = 9
    raster = scene(*array.shape[1:], nodata=9, array=array).rename("wood")
    source = geoseg.open_raster(raster)
    return source, do(source, tmp_path_factory.mktemp("wood") / "out", trees)


def test_outputs_and_report(wood):
    _, result = wood
    assert {path.name for path in result.outputs.values()} == {
        "wood_objects.gpkg", "wood_objects_preview.png", "wood_objects_report.html", "wood_objects_report.json",
    }  # fmt: skip
    folder = result.outputs["objects"].parent
    assert {path.name for path in folder.iterdir()} == {path.name for path in result.outputs.values()}
    frame = gpd.read_file(result.outputs["objects"])
    columns = ["object_id", "class_id", "class_name", "score", "area_m2", "perimeter_m", "cut", "geometry"]
    assert list(frame.columns) == columns
    assert frame.crs.to_epsg() == 32633
    styles = gpd.read_file(result.outputs["objects"], layer="layer_styles")
    assert styles.f_table_name.tolist() == ["objects"]
    assert 'attr="class_id"' in styles.styleQML[0]
    assert 'label="tree"' in styles.styleQML[0]
    tree = result.report["classes"]["tree"]
    assert tree["objects"] == len(frame) == result.report["objects"]
    assert tree["area_m2"] == pytest.approx(frame.area_m2.sum(), abs=0.01)
    assert tree["per_km2"] == pytest.approx(len(frame) / ((150 * 140 - 400) * 1e-4), rel=1e-3)
    assert frame.score.between(0.9, 1).all()
    road = frame.loc[frame.area_m2.idxmax()]
    assert road.geometry.bounds[2] - road.geometry.bounds[0] == 1400  # longer than any block, and one
    assert road.cut
    assert 0 < frame.cut.sum() < len(frame)


@pytest.mark.parametrize(
    ("options", "more"),
    [({"block": 512}, {}), ({"block": 64, "workers": 1}, {}), ({"block": 50, "window": 32}, {})],
)
def test_any_block_size_gives_the_same_bytes(wood, trees, tmp_path, options, more):
    source, result = wood
    other = do(source, tmp_path / "out", trees, options=replace(FAST, **options), **more)
    assert other.outputs["objects"].read_bytes() == result.outputs["objects"].read_bytes()


def test_an_interrupted_run_goes_on_with_the_same_bytes(wood, trees, tmp_path, monkeypatch):
    source, result = wood
    from geoseg.job.objects import products

    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(products, "_write_objects", interrupted)
        with pytest.raises(KeyboardInterrupt):
            do(source, tmp_path / "out", trees)
    left = list((tmp_path / "out" / ".geoseg" / "wood").glob("*.tif"))
    left[0].unlink()
    again = do(source, tmp_path / "out", trees)
    assert again.report["tiling"]["blocks_reused"] == len(left) - 1
    assert again.outputs["objects"].read_bytes() == result.outputs["objects"].read_bytes()
    assert not (tmp_path / "out" / ".geoseg").exists()
    (state,) = status(tmp_path / "out", [source], request_of(Job([source], tmp_path, trees, products=PRODUCTS)))
    assert state.state == "other"  # other windows
    (state,) = status(
        tmp_path / "out", [source], request_of(Job([source], tmp_path, trees, options=FAST, products=PRODUCTS))
    )
    assert state.state == "done"
    (kept,) = geoseg.run(Job([source], tmp_path / "out", trees, options=FAST, products=PRODUCTS))
    assert kept.status == "kept"
    for other in (DetectOptions(score=0.9), DetectOptions(regularize="circle")):
        products = replace(PRODUCTS, objects=other)
        (refused,) = geoseg.run(Job([source], tmp_path / "out", trees, options=FAST, products=products))
        assert "wood_objects.gpkg exists and is of another" in str(refused.error)


def test_objects_and_class_map_live_in_one_folder(wood, trees, tmp_path):
    source, _ = wood
    do(source, tmp_path, trees)
    do(source, tmp_path, trees, products=Products())
    names = {path.name for path in tmp_path.iterdir()}
    assert {"wood_objects.gpkg", "wood_objects_report.json", "wood_classes.tif", "wood_report.json"} <= names


@pytest.mark.parametrize(("value", "invalid"), [(0, 0), (9, 400)])
def test_a_scene_without_objects_gives_an_empty_layer(scene, trees, tmp_path, value, invalid):
    array = np.full((1, 20, 20), value, np.uint8)
    source = geoseg.open_raster(scene(*array.shape[1:], nodata=9, array=array).rename("bare"))
    result = do(source, tmp_path, trees)
    frame = gpd.read_file(result.outputs["objects"])
    assert len(frame) == 0
    assert "object_id" in frame.columns
    assert result.report["classes"]["tree"]["objects"] == 0
    assert result.report["nodata_pixels"] == invalid


def test_a_model_that_returns_nan_is_an_error(scene, trees, tmp_path):
    class Broken(torch.nn.Module):
        def forward(self, x):
            return torch.full((x.shape[0], 3, *x.shape[2:]), torch.nan)

    broken = Model(trees.card, module=Broken())
    source = geoseg.open_raster(scene(30, 30, array=crowns(30, 30)).rename("nan"))
    (result,) = geoseg.run(Job([source], tmp_path / "out", broken, options=FAST, products=PRODUCTS))
    assert isinstance(result.error, ModelError | geoseg.GeosegError)
    assert "NaN" in str(result.error)
    assert not (tmp_path / "out" / "nan_objects.gpkg").exists()


class Lines:
    """Collects warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def __getattr__(self, name: str):
        return self.warnings.append if name == "warning" else (lambda *_, **__: None)


def test_detect_in_python(wood, trees, tmp_path):
    source, result = wood
    frame = geoseg.detect(source, trees, options=FAST)
    assert frame.geometry.geom_equals_exact(gpd.read_file(result.outputs["objects"]).geometry, 0).all()
    report = geoseg.detect(source, trees, path=tmp_path / "trees.fgb", options=FAST, score=0.0)
    assert report["objects"] == len(gpd.read_file(tmp_path / "trees.fgb"))
    assert [path.name for path in tmp_path.iterdir()] == ["trees.fgb"]
    with pytest.raises(geoseg.GeosegError, match="exists"):
        geoseg.detect(source, trees, path=tmp_path / "trees.fgb")
    assert len(geoseg.detect(source, trees, options=FAST, min_area=10_000)) == 1


def test_models_of_classes_find_connected_regions_and_say_so(scene, identity_model):
    array = np.zeros((1, 20, 20), np.uint8)
    array[0, 2:5, 2:5] = array[0, 5:8, 5:8] = 2
    array[0, 12:14] = 3
    source, model = geoseg.open_raster(scene(*array.shape[1:], array=array).rename("map")), identity_model(4)
    said = Lines()
    frame = geoseg.detect(source, model, classes=["class 2", "class 3"], options=FAST, reporter=said)
    assert sorted(zip(frame.class_name, frame.area_m2.round(-2), strict=True)) == [
        ("class 2", 900), ("class 2", 900), ("class 3", 4000),
    ]  # fmt: skip
    assert any("tells classes, not objects" in line for line in said.warnings)
    with pytest.raises(OptionError, match="'roof' is nothing that model 'identity' finds"):
        geoseg.detect(source, model, classes=["roof"], options=FAST)


def test_pixels_too_coarse_for_the_objects_are_a_warning(scene, trees):
    small = ObjectHeads(kinds=(replace_area(HEADS.kinds[0], 30.0),), background=0)
    model = Model(card_with(trees.card, objects=small), module=trees._given)
    said = Lines()
    geoseg.detect(geoseg.open_raster(scene(30, 30, array=crowns(30, 30))), model, options=FAST, reporter=said)
    assert any("too coarse for objects" in line and "0.3 pixels" in line for line in said.warnings)


def replace_area(kind: ObjectKind, median: float) -> ObjectKind:
    return ObjectKind(**{**kind.model_dump(), "area_m2": {"5": median / 2, "50": median, "95": median * 2}})


def test_cards_say_what_is_an_object_and_refuse_nonsense(trees):
    item = trees.card.to_item()
    assert item["properties"]["mlm:tasks"] == ["instance-segmentation", "semantic-segmentation"]
    assert geoseg.ModelCard.from_item(item).objects == HEADS
    assert "tree of 90…900 m², median 250" in trees.card.describe()
    for change, text in (
        ({"background": 1}, "must be different classes"),
        ({"background": 7}, "class 7 does not exist"),
        ({"reach": 0}, "greater than or equal to 1"),
        ({"kinds": []}, "at least 1"),
    ):
        broken = json.loads(json.dumps(item))
        broken["properties"]["geoseg:objects"] |= change
        with pytest.raises(ModelError, match=text):
            geoseg.ModelCard.from_item(broken)


def test_the_command(tmp_path, reflectance, capsys):
    path = reflectance(tmp_path / "scene.tif", 96, 128, seed=3)
    arguments = ["detect", str(path), "-m", "spectral", "-o", str(tmp_path / "out"), "--classes", "water,tree"]
    with pytest.raises(SystemExit) as exit_:
        main([*arguments, "--min-area", "300", "--device", "cpu", "--progress", "json"])
    assert exit_.value.code == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (found,) = [event for event in events if event["event"] == "result"]
    frame = gpd.read_file(found["outputs"]["objects"])
    assert set(frame.class_name) <= {"water", "tree"}
    assert frame.area_m2.min() >= 300
    assert found["classes"]["tree"]["objects"] == (frame.class_name == "tree").sum()
    with rasterio.open(found["outputs"]["preview"]) as picture:
        assert picture.count == 3
    with pytest.raises(SystemExit) as exit_:
        main([*arguments[:-1], "roof"])
    assert exit_.value.code == 1
    assert "error: classes: 'roof' is nothing" in capsys.readouterr().err
