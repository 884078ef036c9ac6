"""``geoseg detect`` with a detector: each object once for any blocks and interruptions; bad models are told."""

from __future__ import annotations

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
import torch
from rasterio.features import shapes as traced
from torch import nn

import geoseg
from geoseg.classes import MapClass
from geoseg.errors import ModelError, OptionError
from geoseg.job import Options
from geoseg.job.objects import DetectOptions
from geoseg.job.objects.options import least_score, score_note
from geoseg.job.outputs import Products
from geoseg.job.request import Job
from geoseg.models import BandSpec, Model, ModelCard
from geoseg.models.boxes.predictor import BoxPredictor
from geoseg.models.card.boxes import BoxHeads
from geoseg.models.card.card import card_with
from geoseg.models.export.export import export_model

FAST = Options(device="cpu", window=64, margin=16, block=64)
CLASSES = (MapClass(0, "background", "#777777"), MapClass(1, "tree", "#117733"), MapClass(2, "car", "#aa3300"))


class _Heard:
    """Keeps warnings and other news."""

    def __init__(self):
        self.lines, self.told = [], []

    def warning(self, text):
        self.lines.append(text)

    def info(self, text):
        self.told.append(text)

    def __getattr__(self, name):
        return lambda *_, **__: None


class ById(nn.Module):
    """Finds the extent of all pixels of one value, and their outline; a number that is even is a car."""

    def __init__(self, *, masks: bool = False, breaks: str = "") -> None:
        super().__init__()
        self.backbone, self.masks, self.breaks = _Maps(), masks, breaks
        self.detections_per_img = 100

    def forward(self, x):
        (maps,) = self.backbone(x).values()
        boxes, classes, masks = [], [], []
        for value in [int(one) for one in torch.unique(maps[0, 0]) if one > 0]:
            rows, cols = torch.nonzero(maps[0, 0] == value, as_tuple=True)
            box = [float(v) for v in (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1)]
            boxes.append(box)
            classes.append(1 + (value + 1) % 2)
            part = (maps[:, :1, int(box[1]) : int(box[3]), int(box[0]) : int(box[2])] == value).float()
            masks.append(nn.functional.interpolate(part, (28, 28), mode="nearest")[0])
        if self.breaks == "thin":
            boxes, classes = [*boxes, [3.0, 3.0, 3.0, 9.0]], [*classes, 1]
        scores = torch.linspace(0.9, 0.6, len(boxes)) if boxes else torch.zeros(0)
        if self.breaks == "nan" and boxes:
            scores[-1] = torch.nan
        found = {
            "boxes": torch.tensor(boxes).reshape(-1, 4)[: self.detections_per_img],
            "labels": torch.tensor(classes, dtype=torch.int64)[: self.detections_per_img],
            "scores": scores[: self.detections_per_img],
        }
        if self.masks:
            found["masks"] = torch.stack(masks)[: self.detections_per_img] if masks else torch.zeros(0, 1, 28, 28)
        return [found]


class _Maps(nn.Module):
    def forward(self, x):
        return {"0": x}


def model_of(*, masks=False, breaks="", **heads):
    card = ModelCard(
        name="by-id",
        architecture="torchvision:" + ("mask-rcnn" if masks else "fcos"),
        bands=[BandSpec(name="id")],
        classes=CLASSES,
        boxes=BoxHeads(masks=masks, window=64, **heads),
        stride=8,
        margin=16,
        min_window=8,
    )
    return Model(card, module=ById(masks=masks, breaks=breaks))


def crowd(height, width, seed=0):
    """Discs that touch but do not overlap, of 5 to 21 pixels, each with a value of its own; 200 means nodata."""
    rng = np.random.default_rng(seed)
    values = np.zeros((height, width), np.uint8)
    rows, cols = np.indices(values.shape)
    for number in range(1, 150):
        row, col, radius = rng.integers(0, height), rng.integers(0, width), rng.integers(2, 11)
        disc = (rows - row) ** 2 + (cols - col) ** 2 <= radius**2
        if not values[disc].any():
            values[disc] = number
    return values


@pytest.fixture(scope="module")
def wood(tmp_path_factory):
    """A scene with nodata in a corner, as a file; its values, and the extent of each object."""
    values = crowd(150, 170)
    values[:45, :45] = 200  # more than a block of 37 pixels
    path = tmp_path_factory.mktemp("wood") / "wood.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=150, width=170, count=1, dtype="uint8", crs="EPSG:32633", nodata=200,
        transform=rasterio.Affine(0.5, 0, 500000, 0, -0.5, 5000000),
    ) as file:  # fmt: skip
        file.write(values[None])
        file.descriptions = ("id",)
    return path, values


def extents(values):
    """One pass over the whole scene."""
    found = {}
    for value in np.unique(values[(values > 0) & (values < 200)]).tolist():
        rows, cols = np.nonzero(values == value)
        found[value] = (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1)
    return found


def do(scene, out, model, options=FAST, products=None, reporter=None):
    products = products or Products(polygons=False, preview=False, objects=DetectOptions())
    (result,) = geoseg.run(Job([scene], out, model, options=options, products=products), reporter)
    if result.error is not None:
        raise result.error
    return result


@pytest.fixture(scope="module")
def result(wood, tmp_path_factory):
    products = Products(polygons=False, objects=DetectOptions())
    return do(wood[0], tmp_path_factory.mktemp("out"), model_of(), products=products)


def test_every_object_is_found_once_as_one_pass_finds_it(wood, result):
    frame = gpd.read_file(result.outputs["objects"], layer="objects")
    expected = extents(wood[1])
    pixels = [
        tuple(np.round([(w - 500000) * 2, (5000000 - n) * 2, (e - 500000) * 2, (5000000 - s) * 2]).astype(int))
        for w, s, e, n in frame.geometry.bounds.to_numpy()
    ]
    assert sorted(pixels) == sorted(expected.values())
    by_extent = {extent: value for value, extent in expected.items()}
    assert frame.class_name.tolist() == ["car" if by_extent[box] % 2 == 0 else "tree" for box in pixels]
    assert frame.object_id.tolist() == list(range(1, len(frame) + 1))
    invalid = np.pad(wood[1] == 200, 1, constant_values=True)
    for box, cut in zip(pixels, frame.cut, strict=True):
        assert cut == invalid[box[1] : box[3] + 2, box[0] : box[2] + 2].any()
    sides = np.array([(box[2] - box[0], box[3] - box[1]) for box in pixels]) * 0.5
    np.testing.assert_allclose(frame.width_m, sides.max(1), rtol=2e-3)
    np.testing.assert_allclose(frame.height_m, sides.min(1), rtol=2e-3)
    np.testing.assert_allclose(frame.area_m2, sides.prod(1), rtol=3e-3)
    assert set(frame.angle[sides[:, 0] != sides[:, 1]]) <= {0.0, 90.0}


def test_report_counts_classes_and_the_picture_is_there(wood, result):
    report = json.loads(result.outputs["report"].read_text("utf-8"))
    assert report["objects"] == len(extents(wood[1]))
    assert set(report["classes"]) == {"tree", "car"}
    assert result.outputs["preview"].stat().st_size > 1000


@pytest.mark.parametrize(
    "options", [replace(FAST, block=37), replace(FAST, block=200, workers=1), replace(FAST, block=96, workers=4)]
)
def test_blocks_and_workers_do_not_matter(wood, result, tmp_path, options):
    again = do(wood[0], tmp_path / "out", model_of(), options)
    assert again.outputs["objects"].read_bytes() == result.outputs["objects"].read_bytes()


@pytest.mark.slow
def test_workers_of_a_cluster_find_what_threads_find(wood, tmp_path, dask_workers):
    from geoseg.models import save_model
    from geoseg.models.build import build_architecture

    changes = {"hyperparameters": {"encoder": "mobilenet_v3_small"}, "stride": 32, "margin": 32, "min_window": 32}
    card = card_with(model_of(limit=40, least_score=0.0).card, **changes)
    torch.manual_seed(0)
    folder = save_model(tmp_path / "model", card, build_architecture(card)).folder
    options = replace(FAST, window=96, margin=32)
    products = Products(polygons=False, preview=False, objects=DetectOptions(score=0.0))
    files = []
    for name, scheduler in (("threads", "threads"), ("dask", dask_workers)):
        job = Job([wood[0]], tmp_path / name, folder, options=options, products=products, scheduler=scheduler)
        (found,) = geoseg.run(job)
        assert found.error is None
        assert found.report["objects"] > 0
        files.append(found.outputs["objects"].read_bytes())
    assert files[0] == files[1]


def test_a_run_that_was_interrupted_goes_on_to_the_same_bytes(wood, result, tmp_path, monkeypatch):
    find, calls = BoxPredictor.find, []

    def failing(self, *arguments):
        calls.append(1)
        if len(calls) > 4:
            raise ModelError("the power went out")
        return find(self, *arguments)

    monkeypatch.setattr(BoxPredictor, "find", failing)
    with pytest.raises(geoseg.errors.GeosegError, match="power"):
        do(wood[0], tmp_path / "out", model_of(), replace(FAST, workers=1))
    monkeypatch.setattr(BoxPredictor, "find", find)
    heard = _Heard()
    again = do(wood[0], tmp_path / "out", model_of(), replace(FAST, workers=1), reporter=heard)
    assert any("blocks are there already" in line for line in heard.told)
    assert again.outputs["objects"].read_bytes() == result.outputs["objects"].read_bytes()


def test_a_lower_score_only_adds_objects(wood, tmp_path):
    some, more = (
        geoseg.detect(wood[0], model_of(), score=score, options=FAST).geometry.to_wkt().tolist() for score in (0.8, 0.0)
    )
    assert 0 < len(some) < len(more)
    assert set(some) <= set(more)


@pytest.mark.parametrize(
    ("validation", "least"),
    [
        ({"score": 0.8, "f1": 0.6}, 0.8),
        ({"score": 0.8, "f1": 0.0}, 0.5),
        ({"score": None, "f1": None}, 0.5),
        ({"score": "high", "f1": [1]}, 0.5),
        ({"score": 7, "f1": 0.6}, 0.5),
        (None, 0.5),
    ],
)
def test_the_lowest_score_is_the_best_in_validation(validation, least):
    card = model_of().card
    card = card if validation is None else card_with(card, metrics={"validation": validation})
    assert least_score(card, DetectOptions()) == least
    assert least_score(card, DetectOptions(0.3)) == 0.3
    assert (score_note(card, DetectOptions()) is None) == (least == 0.5)


def test_the_score_of_the_model_is_told_and_used(wood, tmp_path):
    model = model_of()
    known = Model(card_with(model.card, metrics={"validation": {"score": 0.8, "f1": 0.6}}), module=model.module())
    heard = _Heard()
    one = do(wood[0], tmp_path / "one", known, reporter=heard)
    two = do(
        wood[0], tmp_path / "two", known, products=Products(polygons=False, preview=False, objects=DetectOptions(0.8))
    )
    usual = do(wood[0], tmp_path / "usual", model)
    assert one.outputs["objects"].read_bytes() == two.outputs["objects"].read_bytes()
    assert one.report["score"] == 0.8
    assert 0 < one.report["objects"] < usual.report["objects"]
    assert usual.report["score"] == 0.5
    assert sum("score of 0.8 or more" in line for line in heard.told) == 1


def test_masks_are_outlines_and_not_rectangles(wood, tmp_path):
    frame = geoseg.detect(wood[0], model_of(masks=True), options=FAST)
    values = wood[1]
    grid = rasterio.Affine(0.5, 0, 500000, 0, -0.5, 5000000)
    whole = {v: shapely.geometry.shape(s) for s, v in traced(values, transform=grid) if 0 < v < 200}
    assert len(frame) == len(extents(values))
    for outline in frame.geometry:
        assert max(outline.intersection(one).area / outline.union(one).area for one in whole.values()) > 0.85
    assert (frame.area_m2 < 0.95 * frame.width_m * frame.height_m).mean() > 0.8
    assert frame.geometry.is_valid.all()


def test_masks_are_made_regular_each_for_itself_and_boxes_are_not(wood, tmp_path):
    model = model_of(masks=True)
    plain = geoseg.detect(wood[0], model, options=FAST)
    round_ = geoseg.detect(wood[0], model, options=FAST, regularize="circle", simplify=1)
    assert plain.object_id.tolist() == round_.object_id.tolist()
    np.testing.assert_allclose(round_.area_m2, plain.area_m2, rtol=0.12, atol=1)  # what is cut is not round

    def roundness(frame):
        return (4 * np.pi * frame.geometry.area / frame.geometry.length**2)[frame.area_m2 > 40]

    assert (roundness(round_) > 0.98).mean() > 0.6 > (roundness(plain) > 0.98).mean()
    assert (plain.geometry.to_numpy() != round_.geometry.to_numpy()).any()
    with pytest.raises(OptionError, match="finds boxes, which are rectangles already"):
        geoseg.detect(wood[0], model_of(), options=FAST, regularize="square")


def test_outputs_without_an_object_have_the_same_columns(tmp_path, result):
    path = tmp_path / "empty.tif"
    with rasterio.open(path, "w", driver="GTiff", height=40, width=40, count=1, dtype="uint8") as file:
        file.write(np.zeros((1, 40, 40), np.uint8))
        file.descriptions = ("id",)
    empty = do(path, tmp_path / "out", model_of())
    frame = gpd.read_file(empty.outputs["objects"], layer="objects")
    assert not len(frame)
    assert list(frame.columns) == list(gpd.read_file(result.outputs["objects"]).columns)


def test_as_many_objects_as_are_returned_at_most_is_told(wood, tmp_path):
    # In windows with at least 5 objects scores go down from 0.9 in equal steps: the fifth has at least 0.6.
    for score, told in ((0.5, True), (0.9, False)):
        heard = _Heard()
        geoseg.detect(wood[0], model_of(limit=5), options=FAST, score=score, reporter=heard)
        assert told == any("hold as many objects as model 'by-id' returns at most, 5" in line for line in heard.lines)


def test_objects_that_no_window_sees_whole_are_told(tmp_path):
    values = np.zeros((1, 60, 300), np.uint8)
    values[0, 20:30, 20:280] = 7
    path = tmp_path / "road.tif"
    with rasterio.open(path, "w", driver="GTiff", height=60, width=300, count=1, dtype="uint8") as file:
        file.write(values)
        file.descriptions = ("id",)
    heard = _Heard()
    geoseg.detect(path, model_of(), options=FAST, reporter=heard)
    assert any("end where their window did" in line and "up to 32 px" in line for line in heard.lines)


def test_scores_that_are_no_numbers_end_the_run(wood, tmp_path):
    with pytest.raises(geoseg.errors.GeosegError, match="NaN or infinity"):
        do(wood[0], tmp_path / "out", model_of(breaks="nan"))
    assert not list((tmp_path / "out").glob("*_objects.gpkg"))


def test_boxes_without_an_area_are_no_objects(wood, tmp_path, result):
    again = do(wood[0], tmp_path / "out", model_of(breaks="thin"))
    assert again.report["objects"] == result.report["objects"]


def test_a_detector_tells_no_classes_of_pixels(wood, tmp_path):
    with pytest.raises(ModelError, match="use it with geoseg detect"):
        do(wood[0], tmp_path / "out", model_of(), products=Products())
    with pytest.raises(ModelError, match="use it with geoseg detect"):
        geoseg.segment(wood[0], model=model_of()).compute()
    with pytest.raises(ModelError, match="use it with geoseg detect"):
        export_model(model_of(), tmp_path / "model.onnx")
    with pytest.raises(OptionError, match="fp32 only"):
        do(wood[0], tmp_path / "out", model_of(), replace(FAST, precision="bf16"))


def test_cards_of_detectors_are_checked():
    card = model_of().card
    assert ModelCard.from_item(card.to_item()).boxes == card.boxes
    assert card.to_item()["properties"]["mlm:tasks"] == ["object-detection"]
    with pytest.raises(ModelError, match="finds none"):
        card_with(card, architecture="Unet")
    with pytest.raises(ModelError, match="nor a temperature"):
        card_with(card, temperature=2.0)
    with pytest.raises(ModelError, match="no class of objects"):
        card_with(card, boxes=BoxHeads(area_m2={"ship": {"50": 3.0}}))
    item = card.to_item()
    item["properties"]["mlm:tasks"] = ["semantic-segmentation"]
    with pytest.raises(ModelError, match="object-detection"):
        ModelCard.from_item(item)
