"""Training of detectors: targets follow windows and turns, scores equal COCO's, and a trained model can be used."""

from __future__ import annotations

import importlib
import json

import numpy as np
import pytest
import rasterio
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import geoseg
from geoseg.errors import GeosegError, OptionError
from geoseg.models.boxes.detections import mask_bytes, touched
from geoseg.models.boxes.predictor import pasted
from geoseg.tiling import Box
from geoseg.train.boxes.precision import Matches
from geoseg.train.boxes.targets import ImageObjects, turned
from geoseg.train.data.augment import dihedral


@pytest.mark.parametrize("kind", range(8))
def test_boxes_turn_with_their_window(kind):
    mask = torch.zeros(1, 12, 12)
    mask[0, 2:5, 1:9] = 1
    rows, cols = torch.nonzero(dihedral(mask, kind)[0], as_tuple=True)
    expected = [cols.min(), rows.min(), cols.max() + 1, rows.max() + 1]
    assert turned(torch.tensor([[1.0, 2, 9, 5]]), kind, 12)[0].tolist() == expected


def test_a_window_shows_objects_of_which_enough_is_inside():
    import shapely

    boxes = np.array([[0.0, 0, 20, 20], [18, 18, 38, 38], [50, 50, 60, 60]])
    objects = ImageObjects(shapely.box(*boxes.T), boxes, np.array([1, 2, 1]))
    seen = objects.seen(Box(10, 10, 20, 20), 2.0)
    # A quarter of the first is in the window, and 36 % of the second.
    np.testing.assert_array_equal(seen.boxes, [[16, 16, 40, 40]])
    assert seen.classes.tolist() == [2]
    assert seen.centres.tolist() == [[28, 28]]
    (mask,) = objects.masks(seen.positions, Box(10, 10, 20, 20), 40, 2.0).numpy()
    rows, cols = np.nonzero(mask)
    assert (cols.min(), rows.min(), cols.max() + 1, rows.max() + 1) == (16, 16, 40, 40)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_average_precision_is_cocos(seed):
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    from pycocotools.coco import COCO

    rng = np.random.default_rng(seed)
    matches, images, annotations, results = Matches(), [], [], []
    for image in range(1, 4):
        truth = np.hstack([corner := rng.uniform(0, 80, (6, 2)), corner + rng.uniform(5, 30, (6, 2))])
        kinds = rng.integers(1, 3, 6)
        found = np.vstack([truth[:4] + rng.normal(0, 2, (4, 4)), truth[2:] + rng.normal(0, 4, (4, 4))])
        found[:, 2:] = np.maximum(found[:, 2:], found[:, :2] + 1)
        labels = np.where(rng.random(8) < 0.8, np.concatenate([kinds[:4], kinds[2:]]), 1)
        scores = rng.permutation(8) / 8 + image / 100  # no two are equal
        matches.add((found, scores, labels), np.ones(8, bool), (truth, kinds, np.ones(6, bool)))
        images.append({"id": image})
        for box, kind in zip(truth, kinds, strict=True):
            size = box[2:] - box[:2]
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image, "category_id": int(kind), "iscrowd": 0,
                 "bbox": [*box[:2], *size], "area": float(size.prod())}
            )  # fmt: skip
        for box, score, label in zip(found, scores, labels, strict=True):
            results.append(
                {"image_id": image, "category_id": int(label), "score": float(score),
                 "bbox": [*map(float, (*box[:2], *(box[2:] - box[:2])))]}
            )  # fmt: skip
    reference = COCO()
    reference.dataset = {
        "images": images, "annotations": annotations, "categories": [{"id": 1}, {"id": 2}], "info": {},
    }  # fmt: skip
    reference.createIndex()
    evaluation = cocoeval.COCOeval(reference, reference.loadRes(results), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    precision = evaluation.eval["precision"][:, :, :, 0, 2]  # IoU, recall, class; all sizes; at most 100 boxes
    result = matches.result({1: "a", 2: "b"})
    present = [k for k in range(2) if (precision[:, :, k] > -1).all()]
    assert result["ap"] == pytest.approx(np.mean([precision[:, :, k].mean() for k in present]), abs=2e-4)
    assert result["ap50"] == pytest.approx(np.mean([precision[0, :, k].mean() for k in present]), abs=2e-4)


def test_boxes_outside_of_what_counts_are_neither_right_nor_wrong():
    matches = Matches()
    boxes = np.array([[0.0, 0, 10, 10], [20, 20, 30, 30], [40, 40, 50, 50]])
    truth, counted = boxes[:2], np.array([True, False])
    matches.add(
        (boxes, np.array([0.9, 0.8, 0.7]), np.ones(3, int)),
        np.array([True, True, False]),
        (truth, np.ones(2, int), counted),
    )
    result = matches.result({1: "tree"})
    assert (result["ap"], result["objects"], result["precision"]) == (1.0, 1, 1.0)
    assert Matches().result({1: "tree"})["ap50"] is None


@settings(max_examples=50)
@given(st.integers(0, 2**32 - 1))
def test_masks_stay_in_their_boxes(seed):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 30, (3, 2))
    boxes = np.hstack([corner, corner + rng.uniform(0.6, 40, (3, 2))]).astype(np.float32)
    pixels = touched(boxes)
    bits = pasted(np.ones((3, 28, 28), np.float32), boxes.astype(np.float64), pixels)
    assert len(bits) == mask_bytes(boxes).sum()
    start = 0
    for (top, left, bottom, right), (r0, c0, r1, c1), size in zip(boxes, pixels, mask_bytes(boxes), strict=True):
        mask = np.unpackbits(bits[start : start + size])[: (r1 - r0) * (c1 - c0)].reshape(r1 - r0, c1 - c0)
        rows, cols = np.arange(r0, r1) + 0.5, np.arange(c0, c1) + 0.5
        inside = ((rows >= top) & (rows <= bottom))[:, None] & ((cols >= left) & (cols <= right))
        np.testing.assert_array_equal(mask, inside)
        start += size


def squares(folder, count=30, side=160, seed=0):
    """Bright squares on noise, and a table of them."""
    rng = np.random.default_rng(seed)
    pixels, boxes = rng.normal(60, 8, (2, side, side)), []
    while len(boxes) < count:
        size = rng.integers(9, 18, 2)
        left, top = (int(v) for v in rng.integers(0, side - size))
        box = (left, top, left + int(size[0]), top + int(size[1]))
        if pixels[0, max(top - 2, 0) : box[3] + 2, max(left - 2, 0) : box[2] + 2].max() < 130:
            pixels[:, top : box[3], left : box[2]] += 100
            boxes.append(box)
    with rasterio.open(
        folder / "a.tif", "w", driver="GTiff", height=side, width=side, count=2, dtype="uint8", crs="EPSG:32633",
        transform=rasterio.Affine(0.5, 0, 500000, 0, -0.5, 5000000),
    ) as file:  # fmt: skip
        file.write(pixels.clip(1, 255).astype(np.uint8))
    lines = ["image_path,xmin,ymin,xmax,ymax,label", *(f"a.tif,{','.join(map(str, box))},square" for box in boxes)]
    (folder / "a.csv").write_text("\n".join(lines), "utf-8")
    return str(folder / "a.tif"), str(folder / "a.csv"), boxes


TINY = {
    "task": "boxes", "arch": "fcos", "encoder": "mobilenet_v3_small", "window": 64, "batch": 2, "windows": 4,
    "epochs": 1, "workers": 0, "device": "cpu",
}  # fmt: skip


def test_a_detector_is_trained_described_and_used(tmp_path):
    image, table, _ = squares(tmp_path)
    model = geoseg.train(image, table, tmp_path / "model", **TINY)
    card = model.card
    assert [item.name for item in card.classes] == ["background", "square"]
    assert card.architecture == "torchvision:fcos"
    assert card.boxes.side_px["50"] == pytest.approx(14, abs=3)
    assert card.boxes.area_m2["square"]["50"] == pytest.approx(40, abs=25)
    assert card.margin == 32
    assert set(card.metrics["validation"]) >= {"ap50", "ap", "f1", "score", "objects"}
    assert card.metrics["validation"]["objects"] > 0
    assert "boxes of square" in card.describe()
    # The loss of classes is none of a detector's.
    assert "loss" not in card.hyperparameters["training"]
    assert card.hyperparameters["training"]["epochs"] == TINY["epochs"]
    metrics = json.loads((tmp_path / "model" / "metrics.json").read_text("utf-8"))
    assert metrics["classes"]["square"]["objects"] == metrics["objects"]
    again = geoseg.load_model(tmp_path / "model")
    found = geoseg.detect(image, again, score=0.0, options=geoseg.job.Options(device="cpu", window=160))
    assert set(found.columns) >= {"width_m", "height_m", "angle", "score"}


@pytest.mark.parametrize("ignore", [("open",), ()])
def test_what_the_labels_leave_open_is_not_seen_as_background(tmp_path, ignore, monkeypatch):
    """The right half was not looked at: with --ignore its pixels are missing and its squares are no objects."""
    import geopandas as gpd
    from shapely import box as rectangle

    image, _, boxes = squares(tmp_path)
    boxes = [one for one in boxes if one[2] < 80]
    shapes = [rectangle(500040, 4999920, 500080, 5000000)]  # columns 80 … 160
    shapes += [rectangle(500000 + a / 2, 5000000 - d / 2, 500000 + c / 2, 5000000 - b / 2) for a, b, c, d in boxes]
    names = ["open", *["square"] * len(boxes)]
    gpd.GeoDataFrame({"class_name": names}, geometry=shapes, crs="EPSG:32633").to_file(tmp_path / "a.gpkg")
    samples = []

    def keep(task, reporter, *, resume):
        samples.append(task.samples)
        raise GeosegError("enough")

    # By its module: the name geoseg.train is a function.
    monkeypatch.setattr(importlib.import_module("geoseg.train.boxes.api"), "fit", keep)
    with pytest.raises(GeosegError, match="enough"):
        geoseg.train(image, tmp_path / "a.gpkg", ignore=ignore, **TINY | {"augment": 0.0, "validation": 0.0})
    for number in range(12):
        sample = samples[0][number]
        col = sample.where[2]
        open_ = np.arange(col, col + 64) >= 80
        blank = (sample.x[:, :, open_] == 0).all() if open_.any() else True
        assert blank == (not open_.any() or bool(ignore))
        centres = (sample.target.boxes[:, 0] + sample.target.boxes[:, 2]).numpy() / 2
        if ignore:
            assert (centres + col < 81).all()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("arch", "epochs"), [("fcos", 12), ("faster-rcnn", 12), ("retinanet", 36)])
def test_squares_are_learned(tmp_path, arch, epochs):
    image, table, _ = squares(tmp_path, 90, 320)
    more = {"arch": arch, "batch": 4, "windows": 64, "epochs": epochs, "augment": 0.5, "workers": 1}
    model = geoseg.train(image, table, tmp_path / "model", **(TINY | more))
    assert model.card.metrics["validation"]["ap50"] > 0.7


@pytest.mark.parametrize(
    ("more", "match"),
    [
        ({"arch": "deeplabv3+"}, "finds no boxes: use one of faster-rcnn"),
        ({"encoder": "mit_b0"}, "not one for boxes"),
        ({"base": "landcover"}, "cannot fine-tune"),
        ({"tune": 3}, "has no tune"),
        ({"loss": "focal"}, "losses of their own"),
    ],
)
def test_options_that_do_not_fit_are_told(tmp_path, more, match):
    image, table, _ = squares(tmp_path, 10)
    with pytest.raises(OptionError, match=match):
        geoseg.train(image, table, tmp_path / "model", **(TINY | more))
    assert not (tmp_path / "model").exists()


def test_rasters_are_no_boxes(tmp_path):
    image, _, _ = squares(tmp_path, 10)
    with pytest.raises(GeosegError, match="learns from polygons, one per object, or boxes"):
        geoseg.train(image, image, tmp_path / "model", **TINY)
