"""ONNX detectors with the metadata of Deepness and Ultralytics: decoded as numpy does, each object once in a scene.

The graphs are small ones of the published output formats, made with torch's exporter; no package of YOLO is used.
"""

from __future__ import annotations

import json
import warnings

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from rasterio.transform import from_origin
from torch import nn

from geoseg.errors import ModelError
from geoseg.models import load_model
from geoseg.models.boxes.layouts import best, decode
from geoseg.models.boxes.predictor import BoxPredictor, pasted_prototypes
from geoseg.models.imports import ImportOptions, add_model
from geoseg.models.inference.execution import Execution
from geoseg.tiling import Box

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

NAMES = {0: "tree", 1: "car"}
ULTRALYTICS = {
    "description": "Ultralytics YOLO11n model", "author": "Ultralytics", "task": "detect", "stride": "32", "batch": "1",
    "imgsz": "[64, 64]", "names": str(NAMES), "license": "AGPL-3.0 License (https://ultralytics.com/license)",
}  # fmt: skip
DEEPNESS = {
    "model_type": json.dumps("Detector"), "class_names": json.dumps(NAMES), "resolution": "20", "tiles_overlap": "50",
    "tile_size": "64", "det_conf": "0.3", "det_iou_thresh": "0.5",
}  # fmt: skip


class Markers(nn.Module):
    """Finds a box for each pixel in the middle of 8 × 8: red is its score, green and blue are width and height.

    Boxes that are wider than high are trees, others cars. Masks are where red is, averaged over 4 × 4 pixels.
    """

    def __init__(self, layout="columns", *, masks=False):
        super().__init__()
        self.layout, self.masks = layout, masks

    def forward(self, x):
        cells = x[:, :, 4::8, 4::8]
        score, width, height = cells[:, 0:1], cells[:, 1:2] * 255, cells[:, 2:3] * 255
        ones = torch.ones_like(score)
        centre = torch.cat([ones.cumsum(3), ones.cumsum(2)], 1) * 8 - 3.5
        wide = (width > height).float()
        classes = torch.cat([wide, 1 - wide], 1)
        more = [ones * 10] if self.masks else []
        if self.layout == "columns":
            rows = torch.cat([centre, width, height, classes * score, *more], 1).flatten(2)
        elif self.layout in ("objectness", "classes"):
            any_object = score if self.layout == "objectness" else ones * 0.01
            classes = classes if self.layout == "objectness" else classes * score
            rows = torch.cat([centre, width, height, any_object, classes, *more], 1).flatten(2).transpose(1, 2)
        else:
            half = torch.cat([width, height], 1) / 2
            rows = torch.cat([centre - half, centre + half, score, 1 - wide, *more], 1).flatten(2)
            rows = rows.gather(2, score.flatten(2).topk(20, 2)[1].expand(-1, rows.shape[1], -1)).transpose(1, 2)
        return (rows, F.avg_pool2d(x[:, :1], 4) - 0.3) if self.masks else rows


def exported(path, network, metadata, *, free=False):
    import onnx

    names = ["output0", "output1"][: 1 + network.masks]
    axes = {"images": {2: "h", 3: "w"}} if free else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this exporter is the older one, and the faster
        torch.onnx.export(
            network, (torch.rand(1, 3, 64, 64),), path, dynamo=False, opset_version=17, input_names=["images"],
            output_names=names, dynamic_axes=axes,
        )  # fmt: skip
    proto = onnx.load(path)
    for key, value in metadata.items():
        proto.metadata_props.add(key=key, value=value)
    onnx.save(proto, path)
    return path


@pytest.fixture(autouse=True)
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOSEG_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


# Decoding -----------------------------------------------------------------------------------------------------------


def by_hand(raw, layout, classes, least, overlap, limit):
    """Decode one box after another, and suppress greedily within each class."""
    found = []
    for row in raw[0].T if layout == "columns" else raw[0]:
        row = row.astype(np.float64)  # noqa: PLW2901
        if layout == "final":
            box, score, number = row[:4], row[4], round(row[5])
        else:
            first = 4 if layout == "columns" else 5
            number = int(np.argmax(row[first : first + classes]))
            score = row[first + number] * (row[4] if layout == "objectness" else 1)
            box = np.array([row[0] - row[2] / 2, row[1] - row[3] / 2, row[0] + row[2] / 2, row[1] + row[3] / 2])
        if score >= least:
            found.append((score, number, box))
    found.sort(key=lambda one: -one[0])
    kept = []
    for score, number, box in found:
        if layout == "final" or all(number != other or iou(box, theirs) <= overlap for _, other, theirs in kept):
            kept.append((score, number, box))
    return kept[:limit]


def iou(one, other):
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    shared = np.prod(np.maximum(high - low, 0))
    return shared / (np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - shared)


@pytest.mark.parametrize("layout", ["columns", "objectness", "classes", "final"])
@pytest.mark.parametrize("extra", [0, 4])
def test_raw_outputs_are_decoded_as_by_hand(layout, extra):
    rng = np.random.default_rng(len(layout) + extra)
    count, classes = 120, 3
    boxes = np.hstack([rng.uniform(0, 60, (count, 2)), rng.uniform(4, 30, (count, 2))])
    scores = rng.uniform(0, 1, (count, classes))
    if layout == "final":
        boxes[:, 2:] += boxes[:, :2]
        columns = [boxes, scores[:, :1], rng.integers(0, classes, (count, 1))]
    else:
        columns = [boxes, *([] if layout == "columns" else [rng.uniform(0.2, 1, (count, 1))]), scores]
    rows = np.hstack([*columns, rng.normal(size=(count, extra))]).astype(np.float32)
    raw = (rows.T if layout == "columns" else rows)[None]
    found = best(decode(torch.from_numpy(raw.copy()), layout, classes, 0.4), layout, 0.5, 25)
    expected = by_hand(raw, layout, classes, 0.4, 0.5, 25)
    assert 5 < len(expected) <= 25
    np.testing.assert_allclose(found.scores, [one[0] for one in expected], rtol=1e-6)
    assert found.classes.tolist() == [one[1] for one in expected]
    np.testing.assert_allclose(found.boxes, [one[2] for one in expected], atol=1e-5)
    assert found.coefficients.shape == (len(expected), extra)


# Scenes -------------------------------------------------------------------------------------------------------------


OBJECTS = [  # row and column of the cell, score, width, height
    (3, 3, 200, 20, 12), (7, 8, 180, 30, 14), (8, 15, 220, 12, 40), (12, 11, 255, 9, 25), (15, 3, 100, 10, 12),
    (14, 17, 130, 21, 20), (20, 7, 250, 16, 11),
]  # fmt: skip


def scene_of(path, objects=OBJECTS, shape=(184, 150)):
    pixels = np.zeros((3, *shape), np.uint8)
    for row, col, *values in objects:
        pixels[:, 8 * row + 4, 8 * col + 4] = values
    profile = {"driver": "GTiff", "width": shape[1], "height": shape[0], "count": 3, "dtype": "uint8",
               "crs": "EPSG:32633", "transform": from_origin(5e5, 5e6, 0.2, 0.2), "photometric": "rgb"}  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(pixels)
    return path


def found_in(folder):
    """Return score, class, and left, top, right, bottom in pixels of each object, by place."""
    frame = gpd.read_file(next(folder.glob("*_objects.gpkg")))
    rows = []
    for score, name, shape in zip(frame["score"], frame["class_name"], frame.geometry, strict=True):
        left, bottom, right, top = shape.bounds
        corners = [(left - 5e5) / 0.2, (5e6 - top) / 0.2, (right - 5e5) / 0.2, (5e6 - bottom) / 0.2]
        rows.append((*np.round(corners, 3), round(score, 2), name))
    return sorted(rows)


def expected_in(least, shape=(184, 150)):
    rows = []
    for row, col, score, width, height in OBJECTS:
        x, y = 8 * col + 4.5, 8 * row + 4.5
        corners = np.clip(
            [x - width / 2, y - height / 2, x + width / 2, y + height / 2], 0, [*shape[::-1], *shape[::-1]]
        )
        if score / 255 >= least:
            rows.append((*np.round(corners, 3), round(score / 255, 2), "tree" if width > height else "car"))
    return sorted(rows)


@pytest.mark.parametrize(
    ("layout", "metadata", "free"),
    [
        ("columns", ULTRALYTICS, False),
        ("final", ULTRALYTICS, False),
        ("objectness", {**DEEPNESS, "det_type": '"YOLO_v5_or_v7_default"'}, False),
        ("classes", {**DEEPNESS, "det_type": '"YOLO_v6"'}, True),
        pytest.param("columns", {**DEEPNESS, "det_type": '"YOLO_Ultralytics"'}, True, marks=pytest.mark.slow),
    ],
)
def test_each_object_of_a_scene_once(tmp_path, geoseg, layout, metadata, free):
    """Objects at the seams of windows of 64 px too; the scene is smaller than a multiple of them."""
    path = exported(tmp_path / "their net.onnx", Markers(layout), metadata, free=free)
    code, out, err = geoseg("model", "add", path, "--as", "theirs")
    assert code == 0, err
    assert "forward pass: 64 × 64 pixels give finite boxes" in out
    assert "test vector: reproduced" in out
    assert load_model("theirs").card.boxes.layout == layout
    scene = scene_of(tmp_path / "scene.tif")
    options = ("--margin", "16") if metadata is ULTRALYTICS else ()
    code, _, err = geoseg("detect", scene, "-m", "theirs", "-o", tmp_path / "out", "--score", "0.45", *options)
    assert code == 0, err
    assert found_in(tmp_path / "out") == expected_in(0.45)


def test_what_the_metadata_state_is_in_the_card(tmp_path, geoseg):
    path = exported(tmp_path / "a.onnx", Markers(), ULTRALYTICS)
    card = load_model(path).card  # as it is, without adding it
    assert [one.name for one in card.classes] == ["background", "tree", "car"]
    assert card.license == "AGPL-3.0 License (https://ultralytics.com/license)"
    assert [band.name for band in card.bands] == ["red", "green", "blue"]
    assert (card.window, card.boxes.window, card.boxes.overlap) == (64, 64, 0.7)
    assert [step.stddev for step in card.value_scaling] == [255.0] * 3
    path = exported(tmp_path / "b.onnx", Markers("objectness"), DEEPNESS, free=True)
    card = load_model(path).card
    assert (card.boxes.layout, card.boxes.window, card.boxes.overlap, card.margin) == ("objectness", 96, 0.5, 32)
    assert card.resolution == pytest.approx((0.16, 0.25))
    assert "--score 0.3" in card.description
    code, _, err = geoseg("segment", scene_of(tmp_path / "s.tif"), "-m", path, "-o", tmp_path / "out")
    assert code == 1
    assert "finds boxes of objects" in err


def test_instances(tmp_path, geoseg):
    """Masks against torch's own resizing of the whole window; and as outlines in a scene."""
    network = Markers(masks=True)
    path = exported(tmp_path / "seg.onnx", network, {**ULTRALYTICS, "task": "segment"})
    model = load_model(path)
    assert model.card.boxes.masks
    data = np.random.default_rng(3).integers(0, 40, (3, 64, 64)).astype(np.uint8)
    data[:, 20, 20], data[:, 36, 44] = (255, 30, 20), (250, 12, 33)
    data[0, 10:30, 12:40] = 200
    predictor = BoxPredictor(model, [(1 / 255, 0.0)] * 3, Execution(), 50)
    found = predictor.find(data, np.ones((64, 64), bool))
    assert len(found.boxes) >= 2
    boxes = found.boxes.astype(np.float64)
    pixels = np.concatenate([np.floor(boxes[:, :2]), np.ceil(boxes[:, 2:])], 1).astype(np.int64)
    offset = np.array([100, 200] * 2)
    bits = pasted_prototypes(found, boxes + offset, pixels + offset, Box(100, 200, 64, 64))
    with torch.inference_mode():
        _, prototypes = network(torch.from_numpy(data[None] / 255).float())
        whole = F.interpolate(prototypes * 10, (64, 64), mode="bilinear", align_corners=False)[0, 0].numpy()
    start = 0
    for (top, left, bottom, right), (row, col, last_row, last_col) in zip(boxes, pixels, strict=True):
        count = (last_row - row) * (last_col - col)
        mask = np.unpackbits(bits[start : start + -(-count // 8)])[:count].reshape(last_row - row, last_col - col)
        start += -(-count // 8)
        rows, cols = np.mgrid[row:last_row, col:last_col] + 0.5
        inside = (rows >= top) & (rows <= bottom) & (cols >= left) & (cols <= right)
        np.testing.assert_array_equal(mask, (whole[row:last_row, col:last_col] >= 0) & inside)
    scene = scene_of(tmp_path / "scene.tif")
    with rasterio.open(scene, "r+") as file:
        red = file.read(1)
        red[18:40, 20:44] = np.maximum(red[18:40, 20:44], 90)  # part of the first object's box
        file.write(red, 1)
    assert geoseg("detect", scene, "-m", path, "-o", tmp_path / "out", "--margin", "16")[0] == 0
    frame = gpd.read_file(tmp_path / "out" / "scene_objects.gpkg")
    (one,) = frame[frame["score"].round(2) == 0.78].geometry
    box = np.array([28.5 - 10, 28.5 - 6, 28.5 + 10, 28.5 + 6])
    assert one.area == pytest.approx((box[2] - max(box[0], 20)) * (box[3] - box[1]) * 0.04, rel=0.1)


def test_nan_is_told(tmp_path):
    class Broken(Markers):
        def forward(self, x):
            return super().forward(x) + torch.log(x.min() - 1)

    model = load_model(exported(tmp_path / "a.onnx", Broken(), ULTRALYTICS))
    predictor = BoxPredictor(model, [(1 / 255, 0.0)] * 3, Execution(), 50)
    with pytest.raises(ModelError, match="NaN or infinit"):
        predictor.find(np.zeros((3, 64, 64), np.uint8), np.ones((64, 64), bool))


def test_what_is_refused(tmp_path, models):
    import onnx

    path = exported(tmp_path / "net.onnx", Markers(), {})
    v5 = exported(tmp_path / "v5.onnx", Markers("objectness"), {"names": str(NAMES), "stride": "32"})

    def with_metadata(**values):
        proto = onnx.load(path)
        for key, value in values.items():
            proto.metadata_props.add(key=key, value=value)
        onnx.save(proto, tmp_path / "changed.onnx")
        return tmp_path / "changed.onnx"

    def without(key):
        return {name: value for name, value in ULTRALYTICS.items() if name != key}

    for values, message in (
        ({**ULTRALYTICS, "task": "pose"}, "task 'pose': it returns key points"),
        ({**ULTRALYTICS, "task": "obb"}, "rotated boxes"),
        ({**ULTRALYTICS, "task": "classify"}, "classes of whole pictures"),
        ({**ULTRALYTICS, "names": "{0: 'tree'}"}, r"a detector of 1 classes whose output .* is none that is known"),
        (
            {**DEEPNESS, "det_type": '"YOLO_Ultralytics_obb"'},
            "det_type 'YOLO_Ultralytics_obb' .* is none that is known",
        ),
        ({**DEEPNESS, "det_type": '"YOLO_v6"'}, "is none that is known"),
        (without("names"), r"does not state its classes \(--classes"),
        ({**ULTRALYTICS, "stride": "'x'"}, "stride in its metadata must be a positive number"),
    ):
        with pytest.raises(ModelError, match=message) as failed:
            add_model(with_metadata(**values), "bad")
        assert "\n" not in str(failed.value)
    with pytest.raises(ModelError, match=r"does not state its normalisation \(--divide 255"):
        add_model(v5)
    folder, _ = add_model(v5, "known", ImportOptions(divide=255.0, classes=("oak", "van")))
    assert [one.name for one in load_model(folder).card.classes] == ["background", "oak", "van"]
    assert [one.name for one in models.iterdir()] == ["known"]
