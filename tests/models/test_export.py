"""Models that leave geoseg as ONNX and PT2, and ONNX models that come in."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

import geoseg
from geoseg.classes import LAND_COVER
from geoseg.errors import ModelError, OptionError, OutputError
from geoseg.models import BandSpec, Execution, Model, ModelCard, ValueScaling, check_model, load_model
from geoseg.models.card.known_answer import synthetic_pixels
from geoseg.models.card.scaling import card_transforms
from geoseg.models.export import export as export_module
from geoseg.models.export.export import export_model
from geoseg.models.export.options import ExportOptions
from geoseg.models.inference.predictor import Predictor

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

BANDS = ("red", "green", "blue", "nir")


class Small(torch.nn.Module):
    """A network with a stride of 4: down twice, up twice."""

    def __init__(self) -> None:
        super().__init__()
        self.down = torch.nn.Sequential(
            torch.nn.Conv2d(4, 8, 3, padding=1), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
            torch.nn.Conv2d(8, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        )  # fmt: skip
        self.head = torch.nn.Conv2d(12, 4, 3, padding=1)

    def forward(self, x):
        deep = torch.nn.functional.interpolate(self.down(x), scale_factor=4, mode="bilinear")
        return 3 * self.head(torch.cat([deep, x], 1))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    card = ModelCard(
        name="small", architecture="test", bands=[BandSpec(name=name) for name in BANDS], classes=LAND_COVER[:4],
        value_scaling=[ValueScaling(type="z-score", mean=90 + 9 * i, stddev=40 + 3 * i) for i in range(4)],
        value_range=(0, 255), stride=4, margin=8, min_window=8, resolution=(0.6, 5),
    )  # fmt: skip
    return Model(card, module=Small().eval())


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "small.onnx"
    return export_model(model, path)


def _classify(model, pixels):
    card = model.card
    steps = card_transforms(card.value_scaling, len(card.bands))
    return Predictor(model, steps, Execution()).classify(pixels)


def test_the_graph_answers_as_torch(model, exported):
    assert max(off for _, off in exported.differences) < 1e-4
    assert {shape[0] for shape, _ in exported.differences} == {1, 3}
    session = ort.InferenceSession(exported.path.read_bytes())
    assert session.get_inputs()[0].shape == ["batch", 4, "height", "width"]
    for shape in ((2, 4, 12, 40), (1, 4, 100, 64)):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(1))
        with torch.inference_mode():
            wanted = torch.softmax(model.module()(x), 1).numpy()
        np.testing.assert_allclose(session.run(None, {"scene": x.numpy()})[0], wanted, atol=1e-5)


def test_geoseg_runs_it(model, exported):
    loaded = load_model(exported.path)
    assert loaded.card.bands == model.card.bands
    assert [item.name for item in loaded.card.classes] == [item.name for item in model.card.classes]
    pixels = synthetic_pixels(model.card, 2, 64, 48).astype(np.uint8)
    (classes, sure), (wanted, wanted_sure) = _classify(loaded, pixels), _classify(model, pixels)
    np.testing.assert_array_equal(classes, wanted)
    assert np.abs(sure.astype(int) - wanted_sure).max() <= 1
    assert len(np.unique(classes)) > 1
    again = pickle.loads(pickle.dumps(loaded))
    assert again == loaded
    lines = check_model(exported.path)
    assert any("test vector: reproduced" in line for line in lines)


def test_deepness_reads_it(model, exported):
    """Do what the plugin does: divide by 255, standardise, run, take the class of the highest score."""
    session = ort.InferenceSession(exported.path.read_bytes())
    meta = {key: value for key, value in session.get_modelmeta().custom_metadata_map.items() if ":" not in key}
    found = {key: json.loads(value) for key, value in meta.items()}
    assert found["model_type"] == "Segmentor"
    assert list(found["class_names"].items()) == [(str(k), item.name) for k, item in enumerate(LAND_COVER[:4])]
    assert found["resolution"] == pytest.approx(60)
    assert found["tile_size"] % 4 == 0
    assert 0 <= found["tiles_overlap"] < 100
    output = session.get_outputs()[0].shape
    assert output[1] == 4
    assert output[2] == output[3]  # the plugin takes square outputs only
    pixels = synthetic_pixels(model.card, 1, 64, 64).astype(np.uint8)
    tile = np.moveaxis(pixels, 1, -1) * 1.0 / 255.0
    tile = (tile - np.array(found["standardization_mean"])) / np.array(found["standardization_std"])
    scores = session.run(None, {"scene": np.moveaxis(tile, -1, 1).astype(np.float32)})[0]
    scores[scores < found["seg_thresh"]] = 0
    np.testing.assert_array_equal(scores.argmax(1), _classify(model, pixels)[0])


def test_raw_logits_and_a_folder(model, tmp_path):
    made = export_model(model, tmp_path / "folder", ExportOptions(raw=True, logits=True))
    assert made.path == tmp_path / "folder" / "model.onnx"
    pixels = synthetic_pixels(model.card, 1, 32, 32).astype(np.uint8)
    session = ort.InferenceSession(made.path.read_bytes())
    logits = session.run(None, {"scene": pixels.astype(np.float32)})[0]
    np.testing.assert_array_equal(logits.argmax(1), _classify(model, pixels)[0])
    for ref in (tmp_path / "folder", made.path):
        loaded = load_model(ref)
        np.testing.assert_array_equal(_classify(loaded, pixels)[0], _classify(model, pixels)[0])
        check_model(ref)
    item = json.loads((tmp_path / "folder" / "model.json").read_text("utf-8"))
    assert item["properties"]["mlm:framework"] == "ONNX"
    with pytest.raises(OutputError, match="exists"):
        export_model(model, made.path)


def test_nothing_in_the_file_names_this_machine(exported):
    data = exported.path.read_bytes()
    assert str(Path(geoseg.__file__).parent).encode() not in data
    assert b"stack_trace" not in data


def test_eight_bits(model, exported, tmp_path, reflectance, monkeypatch):
    from geoseg.models.export import quantize

    monkeypatch.setattr(quantize, "SIDE", 64)
    rng = np.random.default_rng(0)
    patches = np.kron(rng.integers(0, 200, (4, 40, 40)), np.ones((8, 8), int)) + rng.integers(0, 55, (4, 320, 320))
    scene = reflectance(tmp_path / "scene.tif", data=patches.astype(np.uint8), nodata=False)
    options = ExportOptions(int8=True, calibration=(str(scene),), reading={"bands": "red=1,green=2,blue=3,nir=4"})
    made = export_model(model, tmp_path / "q.onnx", options)
    assert made.agreement > 0.9
    kinds = {node.op_type for node in onnx.load(made.path).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    check_model(made.path)
    proto, agreement, note = quantize.quantized(onnx.load(exported.path), model.card, ExportOptions(int8=True))
    assert agreement > 0.9
    assert "synthetic" in note
    assert any(node.op_type == "DynamicQuantizeLinear" for node in proto.graph.node)


def test_pt2(model, tmp_path):
    made = export_model(model, tmp_path / "small.pt2")
    extra = {"model.json": ""}
    program = torch.export.load(made.path, extra_files=extra)
    x = torch.randn(2, 4, 24, 56)
    with torch.inference_mode():
        wanted = torch.softmax(model.module()(x), 1)
    torch.testing.assert_close(program.module()(x), wanted, atol=1e-5, rtol=0)
    assert ModelCard.from_item(json.loads(extra["model.json"])).name == "small"


def test_an_export_that_differs_is_not_written(model, tmp_path, monkeypatch):
    runner = export_module.torch_runner

    def off_by_a_hundredth(network):
        """The original, a torch module of geoseg's, answers differently; the exported program does not."""
        own = type(network).__name__ == "Exported"
        return lambda pixels: runner(network)(pixels) + np.float32(0.01 if own else 0)

    monkeypatch.setattr(export_module, "torch_runner", off_by_a_hundredth)
    with pytest.raises(ModelError, match=r"differs from torch by 0\.01"):
        export_model(model, tmp_path / "a.pt2")
    assert list(tmp_path.iterdir()) == []


def test_options_that_make_no_sense(model, exported, tmp_path):
    for path, options, message in (
        ("a.pt", {}, "are exported as"),
        ("a.pt2", {"int8": True}, "int8 is for ONNX"),
        ("a.onnx", {"calibration": ("x.tif",)}, "calibrate is for"),
    ):
        with pytest.raises(OptionError, match=message):
            export_model(model, tmp_path / path, ExportOptions(**options))
    with pytest.raises(ModelError, match="is ONNX already"):
        export_model(exported.path, tmp_path / "b.onnx")


def _changed(path, target, change):
    proto = onnx.load(path)
    change(proto)
    target.write_bytes(proto.SerializeToString())
    return target


def test_unsafe_graphs_are_refused(exported, tmp_path):
    def foreign(proto):
        proto.graph.node[0].domain = "evil.ops"

    def outside(proto):
        tensor = next(t for t in proto.graph.initializer if t.raw_data)
        tensor.data_location = onnx.TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", "../../secret.bin"

    def hidden(proto):
        branch = onnx.helper.make_node("Strange", [], ["y"], domain="evil.ops")
        graph = onnx.helper.make_graph([branch], "g", [], [])
        proto.graph.node.append(onnx.helper.make_node("If", ["c"], ["y"], then_branch=graph, else_branch=graph))

    def compiled(proto):
        proto.graph.node[0].op_type = "EPContext"

    for change, message in (
        (foreign, "needs a library of its own"), (hidden, "needs a library of its own"),
        (outside, "weights in other files"), (compiled, "code compiled for"),
    ):  # fmt: skip
        path = _changed(exported.path, tmp_path / f"{change.__name__}.onnx", change)
        with pytest.raises(ModelError, match=message) as raised:
            load_model(path)
        assert "\n" not in str(raised.value)


def test_damaged_graphs(exported, tmp_path):
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(exported.path.read_bytes()[:1000])
    with pytest.raises(ModelError):
        load_model(cut).module()
    bare = _changed(exported.path, tmp_path / "bare.onnx", lambda proto: proto.ClearField("metadata_props"))
    with pytest.raises(ModelError, match="has no model card"):
        load_model(bare)

    def fewer(proto):
        proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 3

    with pytest.raises(ModelError, match="input of its graph"):
        load_model(_changed(exported.path, tmp_path / "fewer.onnx", fewer))


def test_a_changed_network_fails_its_test_vector(exported, tmp_path):
    def change(proto):
        tensor = next(t for t in proto.graph.initializer if len(t.dims) == 4)
        values = onnx.numpy_helper.to_array(tensor) * np.float32(1.5)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values, tensor.name))

    path = _changed(exported.path, tmp_path / "changed.onnx", change)
    with pytest.raises(ModelError, match="fails its test vector"):
        check_model(path)


def test_command_line(exported, tmp_path, capsys):
    from geoseg.cli import main

    with pytest.raises(SystemExit) as stopped:
        main(["model", "show", str(exported.path)])
    assert stopped.value.code == 0
    assert "red, green, blue, nir" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main(["model", "check", str(exported.path)])
    assert "test vector: reproduced" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main(["model", "export", "spectral", "-o", str(tmp_path / "s.pt2"), "--logits"])
    found = capsys.readouterr()
    assert stopped.value.code == 0, found.err
    assert found.out.count("largest difference") == 3
    assert (tmp_path / "s.pt2").is_file()


def test_a_network_that_loops_over_its_batch(model, tmp_path):
    class Looping(Small):
        def forward(self, x):
            out = torch.empty((len(x), 4, *x.shape[2:]))
            for i in range(len(x)):
                out[i] = super().forward(x[i : i + 1])[0]
            return out

    torch.manual_seed(3)
    looping = Model(model.card, module=Looping().eval())
    made = export_model(looping, tmp_path / "one.onnx")
    assert ort.InferenceSession(made.path.read_bytes()).get_inputs()[0].shape == [1, 4, "height", "width"]
    assert "one window at a time" in made.notes[-1]
    pixels = synthetic_pixels(model.card, 3, 16, 24).astype(np.uint8)
    np.testing.assert_array_equal(_classify(load_model(made.path), pixels)[0], _classify(model, pixels)[0])


def test_cards_without_a_test_vector_stay_valid():
    assert check_model("spectral")[-1].startswith("test vector: the card has none")
