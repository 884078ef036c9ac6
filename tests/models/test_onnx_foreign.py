"""ONNX graphs from elsewhere: every layout, type, size and ending gives what the graph itself says."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")

from geoseg.errors import ModelError, OptionError  # noqa: E402
from geoseg.job import Options  # noqa: E402
from geoseg.models import Execution, check_model, load_model  # noqa: E402
from geoseg.models.card.scaling import card_transforms  # noqa: E402
from geoseg.models.inference.predictor import Predictor  # noqa: E402
from geoseg.segment.block import Recipe, segment_block  # noqa: E402
from geoseg.segment.plan import make_plan  # noqa: E402
from tests.models.onnx_graphs import card_for, constant, model_folder, network, save  # noqa: E402

FIXED = (48, 48)

KINDS = {
    "plain": {},
    "fixed": {"sides": FIXED},
    "fixed_batch_1": {"sides": FIXED, "batch": 1},
    "fixed_batch_3": {"sides": FIXED, "batch": 3},
    "fixed_oblong": {"sides": (48, 80), "batch": 1},
    "fixed_height": {"sides": (48, None)},
    "nhwc": {"layout": "NHWC"},
    "nhwc_fixed_softmax": {"layout": "NHWC", "sides": FIXED, "batch": 1, "end": "softmax"},
    "nhwc_argmax": {"layout": "NHWC", "end": "argmax"},
    "nhwc_quarter": {"layout": "NHWC", "sides": FIXED, "scale": 4},
    "chw": {"layout": "CHW", "sides": FIXED},
    "hwc": {"layout": "HWC", "sides": FIXED},
    "hwc_argmax": {"layout": "HWC", "sides": FIXED, "end": "argmax"},
    "float16": {"dtype": "float16"},
    "float16_fixed_nhwc": {"dtype": "float16", "layout": "NHWC", "sides": FIXED},
    "float64": {"dtype": "float64"},
    "uint8": {"dtype": "uint8"},
    "uint8_fixed_nhwc_softmax": {"dtype": "uint8", "layout": "NHWC", "sides": FIXED, "batch": 1, "end": "softmax"},
    "int32": {"dtype": "int32"},
    "softmax": {"end": "softmax"},
    "softmax_by_hand": {"end": "exp"},
    "logsoftmax": {"end": "logsoftmax"},
    "sigmoids": {"end": "sigmoid"},
    "argmax": {"end": "argmax"},
    "argmax_quarter": {"end": "argmax", "scale": 4, "sides": FIXED},
    "argmax_as_floats": {"end": "cast"},
    "half": {"scale": 2},
    "quarter": {"scale": 4},
    "quarter_softmax": {"scale": 4, "sides": FIXED, "end": "softmax"},
    "features_too": {"extra": ("features",), "sides": FIXED},
    "features_too_free": {"extra": ("features",)},
    "one_logit": {"classes": 2, "channels": 1},
    "one_sigmoid": {"classes": 2, "channels": 1, "end": "sigmoid"},
    "one_sigmoid_nhwc_fixed": {"classes": 2, "channels": 1, "end": "sigmoid", "layout": "NHWC", "sides": FIXED},
    "one_sigmoid_quarter": {"classes": 2, "channels": 1, "end": "sigmoid", "sides": FIXED, "scale": 4},
    "one_band": {"bands": 1},
    "six_bands_two_classes": {"bands": 6, "classes": 2, "end": "softmax"},
}


def _oracle(path, pixels, kind):
    """Classes and confidence of one window (bands, h, w), computed with numpy from what onnxruntime returns."""
    session = ort.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    dtype = {"tensor(float)": "f4", "tensor(float16)": "f2", "tensor(double)": "f8", "tensor(uint8)": "u1",
             "tensor(int32)": "i4"}[entry.type]  # fmt: skip
    layout, end, h, w = kind.get("layout", "NCHW"), kind.get("end", ""), *pixels.shape[1:]
    height, width = (side or have for side, have in zip(kind.get("sides", (None, None)), (h, w), strict=True))
    pixels = np.pad(pixels, ((0, 0), (0, height - h), (0, width - w)), mode="symmetric").astype(dtype)
    data = np.moveaxis(pixels, 0, -1) if layout.endswith("C") else pixels
    if "N" in layout:
        data = np.stack([data] * (entry.shape[0] if isinstance(entry.shape[0], int) else 1))
    out = session.run(["y"], {"x": data})[0].astype(np.float64)
    out = out[0] if "N" in layout else out
    classes = kind.get("classes", 4)
    if end in ("argmax", "cast"):
        factor = height // out.shape[0]
        numbers = np.kron(out, np.ones((factor, factor)))[:h, :w]
        return numbers, np.full(numbers.shape, 100.0)
    out = np.moveaxis(out, -1, 0) if layout.endswith("C") else out
    if out.shape[1:] != (height, width):
        resized = torch.nn.functional.interpolate(torch.tensor(out)[None], (height, width), mode="bilinear")
        out = resized[0].numpy()
    out = out[:, :h, :w]
    if len(out) == 1:
        p = out[0] if end == "sigmoid" else 1 / (1 + np.exp(-out[0]))
        shares = np.stack([1 - p, p])
    elif end in ("softmax", "sigmoid", "exp"):
        shares = out / out.sum(0)
    else:
        shares = np.exp(out - out.max(0))
        shares /= shares.sum(0)
    assert len(shares) == classes
    return shares.argmax(0), 100 * shares.max(0)


@pytest.mark.parametrize("name", KINDS)
def test_classes_and_confidence_are_the_graphs_own(name, tmp_path):
    kind = KINDS[name]
    bands = kind.get("bands", 3)
    folder = model_folder(tmp_path / "model", **kind)
    model = load_model(folder)
    fixed = [side for side in kind.get("sides", ()) if side]
    assert model.card.window == (min(fixed) if fixed else None)
    side = model.card.window or 64
    rng = np.random.default_rng(5)
    low, high = (0, 255) if kind.get("dtype") in ("uint8", "int32") else (-3, 3)
    windows = rng.uniform(low, high, (2, bands, side, side)).astype(np.float32)
    if kind.get("dtype") in ("uint8", "int32"):
        windows = np.rint(windows)
    predictor = Predictor(model, card_transforms(model.card.value_scaling, bands), Execution(batch=2))
    classes, confidence = predictor.classify(windows)
    for window, found, sure in zip(windows, classes, confidence, strict=True):
        wanted, percent = _oracle(folder / "model.onnx", window, kind)
        # Float16 leaves ties at the borders between classes.
        assert np.mean(found == wanted) > (0.99 if kind.get("dtype") == "float16" else 0.9999)
        assert np.abs(sure - percent).max() < (1.6 if kind.get("dtype") == "float16" else 0.6)
    assert len(np.unique(classes)) > 1
    check_model(folder)


@pytest.mark.parametrize("margin", [0, 8, 20])
@pytest.mark.parametrize("stitch", ["trim", "linear"])
def test_fixed_windows_do_not_depend_on_blocks(margin, stitch, tmp_path, scene):
    from geoseg.raster import open_raster

    folder = model_folder(tmp_path / "m", 3, 4, sides=FIXED, batch=1, card={"margin": margin})
    data = np.random.default_rng(2).integers(0, 5, (3, 131, 97), dtype=np.uint8)
    raster = open_raster(scene(131, 97, array=data), bands="red=1,green=2,blue=3")
    results = []
    for block in (17, 48, 200):
        plan = make_plan(raster, folder, Options(stitch=stitch, block=block, device="cpu"))
        assert plan.tiling.largest_read() == FIXED
        assert {(w.read.height, w.read.width) for w in plan.tiling.windows()} == {FIXED}
        recipe = Recipe(plan.raster, plan.model, plan.tiling, stitch, Execution())
        whole = np.zeros((2, 131, 97), np.uint8)
        for index in range(plan.tiling.block_count):
            result = segment_block(recipe, index)
            rows, cols = result.box.within(plan.tiling.scene)
            whole[0, rows, cols], whole[1, rows, cols] = result.classes, result.confidence
        results.append(whole)
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def test_a_scene_smaller_than_the_window(tmp_path, scene):
    from geoseg.raster import open_raster

    folder = model_folder(tmp_path / "m", sides=FIXED, batch=1, context=False)
    data = np.random.default_rng(2).integers(0, 5, (3, 9, 31), dtype=np.uint8)
    plan = make_plan(open_raster(scene(9, 31, array=data), bands="red=1,green=2,blue=3"), folder, Options(device="cpu"))
    result = segment_block(Recipe(plan.raster, plan.model, plan.tiling, "trim", Execution()), 0)
    wanted, _ = _oracle(folder / "model.onnx", data.astype(np.float32), {"sides": FIXED})
    np.testing.assert_array_equal(result.classes, wanted)


def test_options_that_a_fixed_window_excludes(tmp_path, scene):
    from geoseg.raster import open_raster

    model = load_model(model_folder(tmp_path / "m", sides=FIXED))
    raster = open_raster(scene(60, 60, array=np.ones((3, 60, 60), np.uint8)), bands="red=1,green=2,blue=3")
    assert make_plan(raster, model, Options(window=48)).tiling.keep == 48
    assert make_plan(raster, model, Options(window=48, margin=8)).tiling.keep == 32
    with pytest.raises(OptionError, match="windows of 48 × 48 pixels only"):
        make_plan(raster, model, Options(window=64))
    with pytest.raises(OptionError, match="give 23 or less"):
        make_plan(raster, model, Options(margin=24))


def test_the_card_follows_the_graph(tmp_path):
    large = load_model(
        model_folder(tmp_path / "a", sides=(96, 96), card={"stride": 32, "margin": 64, "min_window": 32})
    )
    assert (large.card.window, large.card.stride, large.card.margin) == (96, 32, 0)
    odd = load_model(model_folder(tmp_path / "b", sides=(50, 50), card={"stride": 32, "margin": 64, "min_window": 32}))
    assert (odd.card.window, odd.card.stride, odd.card.margin) == (50, 1, 12)
    free = load_model(model_folder(tmp_path / "c", scale=4, card={"margin": 5}))
    assert (free.card.window, free.card.stride, free.card.margin) == (None, 4, 8)
    same = load_model(model_folder(tmp_path / "d"))
    assert same.card.to_item() == json.loads((tmp_path / "d/model.json").read_text())


def test_whole_numbers_are_said_and_checked(tmp_path, scene):
    from geoseg.errors import ContractError
    from geoseg.raster import open_raster

    model = load_model(model_folder(tmp_path / "m", dtype="uint8"))
    assert model.card.value_range == (0, 255)
    data = np.random.default_rng(0).integers(0, 255, (3, 60, 60))
    plan = make_plan(open_raster(scene(60, 60, array=data.astype(np.uint8)), bands="red=1,green=2,blue=3"), model)
    assert any("whole numbers (uint8)" in line for line in plan.warnings)
    with pytest.raises(ContractError, match="the model expects 0…255"):
        make_plan(open_raster(scene(60, 60, array=(data * 39).astype(np.uint16)), bands="red=1,green=2,blue=3"), model)
    scaled = {"value_scaling": [{"type": "z-score", "mean": 100, "stddev": 50}] * 3}
    with pytest.raises(ModelError, match="'z-score' makes fractions"):
        load_model(model_folder(tmp_path / "n", dtype="uint8", card=scaled))


def test_class_numbers_cannot_be_averaged(tmp_path, scene):
    from geoseg.raster import open_raster

    raster = open_raster(scene(60, 60, array=np.ones((3, 60, 60), np.uint8)), bands="red=1,green=2,blue=3")
    model = load_model(model_folder(tmp_path / "m", end="argmax"))
    plan = make_plan(raster, model)
    assert any("confidence is 100" in line for line in plan.warnings)
    with pytest.raises(OptionError, match="returns classes only"):
        make_plan(raster, model, Options(stitch="linear"))
    small = load_model(model_folder(tmp_path / "few", classes=5, end="argmax"))
    card_for(tmp_path / "few", classes=2)
    few = load_model(tmp_path / "few")
    assert len(small.card.classes) == 5
    pixels = np.random.default_rng(0).normal(0, 1, (1, 3, 32, 32)).astype(np.float32)
    with pytest.raises(ModelError, match="the card has classes 0…1"):
        Predictor(few, card_transforms((), 3), Execution()).classify(pixels)


@pytest.mark.parametrize(
    ("graph", "card", "message"),
    [
        ({"extra": ("twin",)}, {}, "2 outputs of its graph could be the segmentation"),
        ({"channels": 7}, {}, "does not fit the card"),
        ({"channels": 1}, {}, "tells two classes apart, but the card has 4"),
        ({"classes": 2, "channels": 1, "end": "softmax"}, {}, "a softmax over one class"),
    ],
)
def test_graphs_that_need_a_word(graph, card, message, tmp_path):
    with pytest.raises(ModelError, match=message) as raised:
        load_model(model_folder(tmp_path / "m", **graph, card=card))
    assert "\n" not in str(raised.value)


def test_the_card_names_the_output(tmp_path):
    both = {}
    for name in ("y", "twin"):
        folder = model_folder(tmp_path / name, extra=("twin",), card={"output": name})
        pixels = np.random.default_rng(0).normal(0, 1, (1, 3, 32, 32)).astype(np.float32)
        both[name] = Predictor(load_model(folder), card_transforms((), 3), Execution()).classify(pixels)[0]
    assert (both["y"] != both["twin"]).mean() > 0.5


def test_softmax_over_another_axis(tmp_path):
    nodes, inputs, outputs, weights = network()
    nodes[-1] = onnx.helper.make_node("Softmax", [nodes[-1].input[0]], ["y"], axis=3)
    save(tmp_path / "m/model.onnx", nodes, inputs, outputs, weights)
    model = load_model(card_for(tmp_path / "m"))
    with pytest.raises(ModelError, match="do not sum to 1"):
        Predictor(model, card_transforms((), 3), Execution()).classify(np.ones((1, 3, 32, 32), np.float32))


def test_several_inputs(tmp_path):
    nodes, inputs, outputs, weights = network()
    save(tmp_path / "m/model.onnx", nodes, [*inputs, ("size", "int64", [2])], outputs, weights)
    with pytest.raises(ModelError, match=r"has 2 inputs \('x' .*, 'size' \(int64 2\)\)"):
        load_model(card_for(tmp_path / "m"))


# Deepness and plain metadata ----------------------------------------------------------------------------------------

DEEPNESS = {
    "model_type": json.dumps("Segmentor"),
    "class_names": json.dumps({0: "background", 1: "building", 2: "wood", 3: "water"}),
    "resolution": json.dumps(50),
    "tile_size": json.dumps(48),
    "tiles_overlap": json.dumps(25),
    "standardization_mean": json.dumps([0.4, 0.5, 0.3]),
    "standardization_std": json.dumps([0.2, 0.1, 0.25]),
}


def test_deepness_metadata_make_a_card(tmp_path):
    graph = network(sides=FIXED, batch=1)
    card = load_model(save(tmp_path / "my model.v2.onnx", *graph, metadata=DEEPNESS)).card
    assert card.name == "my-model.v2"
    assert [band.name for band in card.bands] == ["red", "green", "blue"]
    assert [item.name for item in card.classes] == ["background", "building", "wood", "water"]
    assert [(s.mean, s.stddev) for s in card.value_scaling] == [(102, 51), (127.5, 25.5), (76.5, 63.75)]
    assert card.value_range == (0, 255)
    assert card.resolution == (0.4, 0.625)
    assert (card.window, card.margin) == (48, 6)
    python = {**DEEPNESS, "class_names": "{0: 'a', 1: 'b', 2: 'c', 3: 'd'}", "model_type": "segmentor"}
    names = load_model(save(tmp_path / "p.onnx", *graph, metadata=python)).card.classes
    assert [item.name for item in names] == ["a", "b", "c", "d"]
    bare = load_model(save(tmp_path / "bare.onnx", *graph, metadata={"model_type": '"Segmentor"'})).card
    assert [(s.mean, s.stddev) for s in bare.value_scaling] == [(0, 255)] * 3
    assert len(bare.classes) == 4
    single = network(2 + 1, 2, sides=FIXED, channels=1, end="sigmoid")
    one = {"model_type": '"Segmentor"', "class_names": '{"0": "road"}'}
    assert [c.name for c in load_model(save(tmp_path / "r.onnx", *single, metadata=one)).card.classes] == [
        "background", "road",
    ]  # fmt: skip


def test_a_deepness_model_runs_from_the_command_line(tmp_path, geoseg, reflectance):
    import rasterio

    rng = np.random.default_rng(1)
    data = rng.integers(1, 255, (3, 61, 75), dtype=np.uint8)
    path = save(tmp_path / "deep.onnx", *network(sides=FIXED, batch=1, context=False), metadata=DEEPNESS)
    file = reflectance(tmp_path / "rgb.tif", data=data, nodata=False, dtype="uint8")
    code, _, err = geoseg(
        "segment", file, "-m", path, "-o", tmp_path / "out", "--bands", "red=1,green=2,blue=3", "--no-polygons",
        "--no-preview", "--progress", "none",
    )  # fmt: skip
    assert code == 0, err
    kernel = network(sides=FIXED, context=False)[3][0]
    kernel = onnx.numpy_helper.to_array(kernel)[:, :, 0, 0]
    mean, std = np.array([0.4, 0.5, 0.3])[:, None, None], np.array([0.2, 0.1, 0.25])[:, None, None]
    scores = np.tensordot(kernel, (data / 255 - mean) / std, 1)
    with rasterio.open(tmp_path / "out/rgb_classes.tif") as made:
        assert (made.read(1) == scores.argmax(0)).mean() > 0.999


@pytest.mark.parametrize(
    ("metadata", "bands", "message"),
    [
        ({}, 3, r"has no model card, and its metadata do not tell its scaling of values"),
        ({"model_type": '"Segmentor"'}, 5, r"do not tell its bands.*geoseg:bands.*red,green,blue,nir,band5"),
        ({"model_type": '"Regressor"'}, 3, r"is a 'Regressor' by its metadata"),
        ({"model_type": '"Segmentor"', "class_names": "[1, 2]"}, 3, "must be names by number"),
        ({"model_type": '"Segmentor"', "class_names": '{"0": "a", "2": "b"}'}, 3, "must number the classes 0, 1, 2"),
        ({"model_type": '"Segmentor"', "standardization_std": "[0, 1, 1]"}, 3, "must be positive"),
        ({"model_type": '"Segmentor"', "standardization_mean": "[0, 1]"}, 3, "has 2 numbers for 3 bands"),
        ({"model_type": '"Segmentor"', "standardization_mean": '"x"'}, 3, "must be a number for each band"),
        ({"model_type": '"Segmentor"', "resolution": "-3"}, 3, "must be a positive number"),
        ({"model_type": '"Segmentor"', "resolution": "NaN"}, 3, "must be a positive number"),
        ({"model_type": '"Segmentor"', "tile_size": '"big"'}, 3, "must be a positive number"),
        ({"geoseg:card": "[]"}, 3, "must be a JSON object"),
        ({"geoseg:card": "5"}, 3, "must be a JSON object"),
        ({"geoseg:card": "null"}, 3, "must be a JSON object"),
        ({"geoseg:card": "{"}, 3, "is not valid JSON"),
        ({"geoseg:card": "[" * 100_000}, 3, "is not valid JSON"),
    ],
)
def test_metadata_that_do_not_suffice(metadata, bands, message, tmp_path):
    path = save(tmp_path / "m.onnx", *network(bands, sides=FIXED), metadata=metadata)
    with pytest.raises(ModelError, match=message) as raised:
        load_model(path)
    assert "\n" not in str(raised.value)


def test_the_command_in_the_message_mends_the_file(tmp_path):
    import shlex
    import subprocess

    path = save(tmp_path / "it's mine.onnx", *network(4, 3), metadata={"author": "somebody"})
    with pytest.raises(ModelError) as raised:
        load_model(path)
    command = shlex.split(str(raised.value).partition("correct and run: ")[2])
    assert command[:2] == ["python", "-c"]
    import sys

    subprocess.run([sys.executable, *command[1:]], check=True, timeout=60)
    card = load_model(path).card
    assert [band.name for band in card.bands] == ["red", "green", "blue", "nir"]
    assert len(card.classes) == 3


def test_weights_stay_small_in_the_copy_whose_shapes_are_inferred(tmp_path):
    nodes, inputs, outputs, weights = network()
    weights.append(constant("unused", np.zeros(5000, np.float32)))
    save(tmp_path / "m/model.onnx", nodes, inputs, outputs, weights)
    assert load_model(card_for(tmp_path / "m")).card.window is None
