"""Models in 8-bit integers: what the graph holds, what the card says, and what is refused."""

from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from torch import nn

import geoseg
from geoseg.classes import NODATA, MapClass
from geoseg.cli import cli
from geoseg.errors import CompressionError, GeosegError, ModelError, OptionError
from geoseg.models import BandSpec, Model, ModelCard, check_model, load_model
from geoseg.models.card.scaling import ValueScaling
from geoseg.models.inference.predictor import Execution, Predictor
from geoseg.progress.reporters import Silent
from geoseg.train.compress import CompressOptions, measure, run_int8
from geoseg.train.compress.quantization import search
from geoseg.train.compress.run_int8 import Int8Run
from geoseg.train.data.label_images import Sources
from geoseg.train.data.soft_labels import AnyClass
from geoseg.train.options import TrainOptions
from tests.train.conftest import NAMES, SPECTRA

onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")
ort = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
pytest.importorskip("onnxscript", reason="the extra onnx is not installed")

CLASSES = tuple(MapClass(i, name, color) for i, (name, color) in enumerate(
    [("wood", "#228833"), ("field", "#ddcc77"), ("water", "#3366cc")]
))  # fmt: skip
CARD = ModelCard(
    name="little", version="1.2.0", architecture="little", bands=[BandSpec(name=name) for name in NAMES],
    classes=CLASSES, stride=8, margin=8, min_window=8, license="CC0-1.0", attribution=("the painters",),
    value_scaling=[ValueScaling(type="z-score", mean=float(mean), stddev=300.0) for mean in SPECTRA.mean(0)],
)  # fmt: skip
# Small windows, so that a scene of 256 × 192 px has both parts.
QUICK = {"window": 64, "windows": 6, "block_size": 640.0, "device": "cpu", "workers": 0}


@pytest.fixture(scope="module")
def network(place):
    """Four convolutions, trained for a second on the small scene."""
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(4, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(),
        nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 3, 1),
    )  # fmt: skip
    x, y = normal(place.bands)[..., :96], torch.from_numpy(place.classes[None, :, :96].astype(np.int64))
    optimiser = torch.optim.Adam(net.parameters(), 3e-3)
    for _ in range(12):
        loss = nn.functional.cross_entropy(net(torch.from_numpy(x)), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net.eval()


def normal(bands):
    """The network's input (1, bands, h, w) of stored values."""
    return ((bands - SPECTRA.mean(0)[:, None, None].astype(np.float32)) / 300).astype(np.float32)[None]


def with_outlier(network):
    """The same function, whose second layer has one channel of a thousand times the range of the others."""
    import copy

    odd = copy.deepcopy(network)
    with torch.no_grad():
        odd[2].weight[0] *= 2000
        odd[2].bias[0] *= 2000
        odd[4].weight[:, 0] /= 2000
    return odd


def graph_by_hand(network, name="scene"):
    """The graph of a sequence of convolutions and ReLUs, which takes torch's exporter seconds."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights, value = [], [], name
    for number, layer in enumerate(network if isinstance(network, nn.Sequential) else [network]):
        after = f"value{number}"
        if isinstance(layer, nn.ReLU):
            nodes.append(helper.make_node("Relu", [value], [after]))
        else:
            own = [f"weight{number}", f"bias{number}"]
            arrays = [layer.weight.detach().numpy(), layer.bias.detach().numpy()]
            weights += [numpy_helper.from_array(a, n) for a, n in zip(arrays, own, strict=True)]
            nodes.append(helper.make_node("Conv", [value, *own], [after], pads=[layer.padding[0]] * 4))
        value = after
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", channels, "height", "width"])
        for n, channels in ((name, 4), (value, 3))
    ]
    graph = helper.make_graph(nodes, "by hand", ends[:1], ends[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


@pytest.fixture
def quickly_traced(monkeypatch):
    """Skip torch's exporter."""
    monkeypatch.setattr(
        run_int8, "traced", lambda _card, wrapped, _options: (graph_by_hand(wrapped.network), (), False)
    )


@pytest.fixture(scope="module")
def little(network):
    return Model(CARD, module=network)


@pytest.fixture(scope="module")
def compressed(little, place, as_fast, hearing, tmp_path_factory):
    """The little model in 8 bits, judged by labels."""
    folder, heard = tmp_path_factory.mktemp("int8") / "little8", hearing()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "speeds", as_fast(2.0, 1.5))
        made = geoseg.compress_model(
            little, folder, images=place.image, labels=place.labels, int8=True, max_loss=0.05, reporter=heard, **QUICK
        )
    return SimpleNamespace(made=made, folder=folder, heard=heard)


def graph_of(folder):
    return onnx.load(folder / "model.onnx")


def run_graph(folder, x):
    """The scores of a graph, by onnxruntime alone."""
    return ort.InferenceSession((folder / "model.onnx").read_bytes()).run(None, {"scene": x})[0]


def mean_iou(classes, wanted):
    """Mean IoU of classes that occur."""
    known = wanted != NODATA
    classes, wanted = classes[known], wanted[known]
    unions = [((classes == k) | (wanted == k)).sum() for k in range(3)]
    hits = [((classes == k) & (wanted == k)).sum() for k in range(3)]
    return np.mean([hit / union for hit, union in zip(hits, unions, strict=True) if union])


# What is written ----------------------------------------------------------------------------------------------------


def test_the_graph_holds_integers_and_the_file_is_small(compressed, network):
    graph = graph_of(compressed.folder).graph
    kinds = [node.op_type for node in graph.node]
    assert {"QuantizeLinear", "DequantizeLinear"} <= set(kinds)
    weights = {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}
    integers = {w.shape: w for w in weights.values() if w.dtype == np.int8 and w.ndim == 4}
    assert {(32, 4, 3, 3), (64, 32, 3, 3), (64, 64, 3, 3)} <= set(integers)
    # Seven bits, so that processors without 8-bit dot products do not saturate.
    assert all(np.abs(w.astype(int)).max() <= 64 for w in integers.values())
    # The last layer, which gives the scores, is not rounded.
    assert any(w.dtype == np.float32 and w.shape == (3, 64, 1, 1) for w in weights.values())
    floats = sum(t.nbytes for t in network.state_dict().values())
    # The file also holds the card.
    assert compressed.made.after.size < (compressed.folder / "model.onnx").stat().st_size < 0.4 * floats


def test_the_recorded_loss_is_that_of_both_maps(compressed, little, place):
    options = CompressOptions(int8=True, training=TrainOptions(epochs=20, lr=1e-3, **QUICK))
    sources = Sources([place.image], [place.labels])
    windows = Int8Run(little, options, sources, compressed.folder, Silent())._prepared().validation_windows()
    samples = [windows[number] for number in range(len(windows))]
    wanted = np.concatenate([sample.y.numpy().ravel() for sample in samples])
    graph = ort.InferenceSession((compressed.folder / "model.onnx").read_bytes())
    before, after = (
        np.concatenate([predict(sample.x[None].numpy()).argmax(1).ravel() for sample in samples])
        for predict in (
            lambda x: little.module()(torch.from_numpy(x)).detach().numpy(), lambda x: graph.run(None, {"scene": x})[0]
        )
    )  # fmt: skip
    loss = mean_iou(before, wanted) - mean_iou(after, wanted)
    made = compressed.made
    assert made.loss == pytest.approx(loss, abs=1e-9)
    assert made.before.mean_iou == pytest.approx(mean_iou(before, wanted), abs=1e-9)
    assert made.pixels == (wanted != NODATA).sum() > 1000
    facts = made.model.card.metrics["compression"]
    assert facts["loss"] == round(loss, 4)


def test_the_card_says_how_it_was_made_and_what_that_cost(compressed, little):
    card = compressed.made.model.card
    facts = card.metrics["compression"]
    assert (facts["method"], facts["reference"], facts["speedup"]) == ("int8", "labels", 0.75)
    assert facts["blocks_in_8_bits"] == "3 of 3"
    assert facts["windows"] == compressed.made.windows > 0
    assert facts["machine"]
    assert little.fingerprint in facts["made_from"]
    assert "little 1.2.0 in 8-bit integers, calibrated on 6 windows of 1 image" in card.description
    assert (card.license, card.attribution, card.classes) == (CARD.license, CARD.attribution, CARD.classes)
    assert card.value_scaling == CARD.value_scaling
    assert "made_from" in card.describe()
    assert any("slower here (0.75 times the speed)" in line for line in compressed.heard.all("warning"))
    # The file alone says the same.
    assert load_model(compressed.folder / "model.onnx").card.metrics == card.metrics


def test_it_is_an_ordinary_model(compressed, place):
    assert any("reproduced" in line for line in check_model(compressed.folder))
    model = load_model(compressed.folder)
    bands = geoseg.open_raster(place.image).bands
    mapped = Predictor(model, model.card.affine(bands), Execution()).classify(place.bands[None])[0][0]
    np.testing.assert_array_equal(mapped, run_graph(compressed.folder, normal(place.bands)).argmax(1)[0])
    assert sorted(path.name for path in compressed.folder.parent.iterdir()) == ["little8"]


@pytest.mark.usefixtures("quickly_traced")
def test_layers_that_suffer_stay_in_float32(network, place, tmp_path, monkeypatch, as_fast):
    monkeypatch.setattr(measure, "speeds", as_fast(2.0, 3.0))
    made = geoseg.compress_model(
        Model(CARD, module=with_outlier(network)), tmp_path / "odd8", images=place.image, int8=True, max_loss=0.05,
        **QUICK,
    )  # fmt: skip
    assert made.reference == "the original's classes"
    assert made.before.mean_iou == 1.0
    assert made.before.mean_iou - made.start.mean_iou > 0.05 >= made.loss
    assert made.blocks is not None
    assert 0 < made.blocks[0] < made.blocks[1] == 3
    weights = {w.shape: w.dtype for w in map(onnx.numpy_helper.to_array, graph_of(tmp_path / "odd8").graph.initializer)}
    assert weights[64, 32, 3, 3] == np.float32


# The search ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [(), (3,), (0, 5, 9), tuple(range(9))])
def test_the_search_keeps_as_few_as_it_must(monkeypatch, bad):
    """Blocks of which a few spoil everything, against the obvious answer."""
    from geoseg.train.compress import quantization

    class Fake:
        blocks = ((),) * 10

        def quantized(self, blocks):
            return SimpleNamespace(SerializeToString=lambda: bytes(blocks))

    noise = {block: 100.0 - block if block in bad else 1.0 for block in range(10)}
    monkeypatch.setattr(
        quantization, "_outputs", lambda graph, _windows: [np.float32([sum(noise[b] for b in graph) ** 0.5])]
    )
    tried = []

    def score(graph):
        tried.append(tuple(graph))
        wrong = sum(block in bad for block in graph)
        return np.array([[100 - 5 * wrong, 5 * wrong], [0, 100]])

    whole, best = search(Fake(), b"", [], score, 0.99, lambda *_: None)
    assert whole.blocks == 10
    assert best.blocks == 10 - len(bad)
    assert not set(best.proto.SerializeToString()) & set(bad)
    assert len(tried) <= 5


def test_stand_in_labels_cover_all_valid_pixels_with_all_classes(place, write, tmp_path):
    holed = place.bands.copy()
    holed[:, 10:20, 30:50] = 0
    raster = geoseg.open_raster(write(tmp_path / "holed.tif", holed, NAMES, nodata=0))
    labels = AnyClass.on(raster, 3)
    values, valid = labels.read(raster.box)
    np.testing.assert_array_equal(valid, (holed != 0).all(0))
    assert all((values[valid] == k).mean() > 0.3 for k in range(3))
    part = replace(raster.box, row=5, col=7, height=11, width=13)
    np.testing.assert_array_equal(labels.read(part)[0], values[5:16, 7:20])


# Refusal ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quickly_traced")
def test_what_loses_too_much_is_refused_with_its_loss(network, place, tmp_path):
    torch.manual_seed(1)
    odd = with_outlier(network)
    with torch.no_grad():  # every layer has its outlier
        odd[0].weight[0] *= 2000
        odd[0].bias[0] *= 2000
        odd[2].weight[:, 0] /= 2000
        odd[4].weight[0] *= 5000
        odd[4].bias[0] *= 5000
        odd[6].weight[:, 0] /= 5000
    with pytest.raises(CompressionError, match=r"^not kept: it loses 0\.\d{4} of mean IoU \(against labels\) even with "
                       r"\d of 3 blocks in 8 bits, --max-loss allows 0: give more --images") as raised:  # fmt: skip
        geoseg.compress_model(
            Model(CARD, module=odd), tmp_path / "odd8", images=place.image, labels=place.labels, int8=True,
            max_loss=0, **QUICK,
        )  # fmt: skip
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_what_gains_nothing_is_refused():
    from geoseg.train.compress import Compression, Measured

    before = Measured(0.6, 0.8, 1.0, 1000, 10)
    made = Compression(None, before, before, before, "labels", 1, 1, (5, 9))
    with pytest.raises(CompressionError, match=r"nothing is gained, 1\.00 times the speed .*: keep the original$"):
        made.check_worth(0.01)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"prune": 0.3}, OptionError, "int8 cannot be combined with prune: it follows as a step of its own"),
        ({"distil": "spectral"}, OptionError, "int8 cannot be combined with distil"),
        ({"encoder": "resnet18"}, OptionError, "encoder is for --distil: --int8 keeps the network"),
        ({"epochs": 3}, OptionError, "epochs is for a training, and --int8 trains nothing"),
        ({"max_loss": 1.0}, OptionError, "max-loss must be a loss of mean IoU"),
        ({"images": []}, OptionError, "no image given"),
        ({"images": "missing.tif"}, GeosegError, r"missing\.tif: no such file"),
        ({"labels": "missing.tif"}, GeosegError, r"missing\.tif: no such file"),
    ],
)
def test_bad_options_are_named_in_one_line(little, place, tmp_path, changes, error, message):
    arguments = {"model": little, "images": place.image, "int8": True} | QUICK | changes
    with pytest.raises(error, match=message) as raised:
        geoseg.compress_model(arguments.pop("model"), tmp_path / "small", **arguments)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


def test_images_and_labels_that_do_not_fit_are_named(little, place, write, tmp_path):
    image = write(tmp_path / "rgb.tif", place.bands[:3], NAMES[:3])
    with pytest.raises(GeosegError, match="nir"):
        geoseg.compress_model(little, tmp_path / "small", images=image, int8=True, **QUICK)
    from rasterio import Affine

    away = write(tmp_path / "away.tif", place.classes, transform=Affine(10, 0, 600000, 0, -10, 5400000))
    with pytest.raises(GeosegError, match="the labels do not overlap the image"):
        geoseg.compress_model(little, tmp_path / "small", images=place.image, labels=away, int8=True, **QUICK)
    assert not (tmp_path / "small").exists()


def test_models_that_are_graphs_already_are_refused(compressed, little, place, tmp_path):
    with pytest.raises(ModelError, match="'little8' is in 8-bit integers already: give the model it was made from"):
        geoseg.compress_model(compressed.folder, tmp_path / "again", images=place.image, int8=True, **QUICK)
    from geoseg.models.export.onnx_metadata import with_metadata

    plain = with_metadata(graph_by_hand(little.module()), CARD, run_int8._EXPORT, "plain.onnx")
    (tmp_path / "plain.onnx").write_bytes(plain)
    with pytest.raises(ModelError, match="'little' is an ONNX graph: give the model it was exported from"):
        geoseg.compress_model(tmp_path / "plain.onnx", tmp_path / "again", images=place.image, int8=True, **QUICK)
    assert not (tmp_path / "again").exists()


def test_networks_that_cannot_be_traced_are_named(little, place, tmp_path, monkeypatch):
    def refuse(*_args, **_options):
        raise RuntimeError("Could not guard on\ndata-dependent expression")

    monkeypatch.setattr(torch.onnx, "export", refuse)
    with pytest.raises(ModelError, match="model 'little' cannot be exported to ONNX: Could not guard on data-dep"):
        geoseg.compress_model(little, tmp_path / "x", images=place.image, int8=True, **QUICK)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quickly_traced")
def test_networks_with_nothing_to_quantise_are_named(place, tmp_path):
    network = Model(CARD, module=nn.Conv2d(4, 3, 1).eval())
    with pytest.raises(ModelError, match="'little' has no convolutions or matrix products with weights before its"):
        geoseg.compress_model(network, tmp_path / "x", images=place.image, int8=True, **QUICK)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_a_missing_extra_is_named(little, place, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModelError, match=rf'{package} is not installed: pip install "geoseg\[onnx\]"'):
        geoseg.compress_model(little, tmp_path / "small", images=place.image, int8=True, **QUICK)


def test_the_command_line_hands_it_on(place, tmp_path):
    args = ["model", "compress", "green", "--int8", "-o", str(tmp_path / "small"), "--images", str(place.image)]
    outcome = CliRunner().invoke(cli, [*args, "--prune", "0.3"])
    assert "int8 cannot be combined with prune" in str(outcome.exception)
    outcome = CliRunner().invoke(cli, [*args, "--progress", "none"])
    assert isinstance(outcome.exception, GeosegError)
    assert list(tmp_path.iterdir()) == []
