"""A temperature in the card moves confidences as a softmax says, no class, and reaches every runtime once."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from geoseg.errors import ModelError
from geoseg.models import Execution, Model, ModelCard, check_model, load_model
from geoseg.models.card.card import card_with
from geoseg.models.card.scaling import card_transforms
from geoseg.models.export.export import export_model
from geoseg.models.export.options import ExportOptions
from geoseg.models.inference.predictor import Predictor
from geoseg.models.networks.temperature import Tempered, without_temperature
from geoseg.models.optimize.fuse import fused

T = 1.7
SHAPE = (2, 3, 24, 40)


@pytest.fixture(scope="module")
def net():
    """A convolution with a normalisation, whose logits are as far apart as a trained network's."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3, padding=1), torch.nn.BatchNorm2d(6)).eval()


@pytest.fixture
def model(card, net):
    return Model(card_with(card, stride=4, margin=4, min_window=4), module=net)


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 5000, SHAPE).astype(np.uint16)


def tempered(model: Model, temperature: float | None) -> Model:
    return Model(card_with(model.card, temperature=temperature), module=without_temperature(model.module()))


def predictor(model: Model, **execution) -> Predictor:
    steps = card_transforms(model.card.value_scaling, len(model.card.bands))
    return Predictor(model, steps, dataclasses.replace(Execution(), **execution))


@pytest.mark.parametrize("execution", [{}, {"channels_last": True}, {"precision": "bf16"}], ids=str)
def test_confidences_move_and_classes_stay(model, pixels, execution):
    plain = predictor(model, **execution).predict(pixels)
    soft = predictor(tempered(model, T), **execution).predict(pixels)
    np.testing.assert_array_equal(soft.classes, plain.classes)
    assert (soft.confidence <= plain.confidence).all()
    assert soft.confidence.mean() < plain.confidence.mean() - 3


def test_probabilities_are_the_softmax_of_the_divided_logits(model, pixels):
    logits = torch.log(predictor(model).scores(pixels).double())
    wanted = torch.softmax(logits / T, 1).float()
    torch.testing.assert_close(predictor(tempered(model, T)).scores(pixels), wanted, atol=1e-5, rtol=0)


def test_networks_that_run_in_strips_do_so(pixels):
    card = load_model("spectral").card
    rules = Model(card_with(card, temperature=T, item={}), module=load_model("spectral").module())
    image = np.random.default_rng(1).integers(0, 5000, (1, 6, 40, 40)).astype(np.uint16)
    found, plain = predictor(rules), predictor(load_model("spectral"))
    assert rules.module().pointwise
    np.testing.assert_array_equal(found.classify(image)[0], plain.classify(image)[0])
    assert found.classify(image)[1].mean() < plain.classify(image)[1].mean()


def test_a_card_without_one_is_as_before(tiny_model):
    item = tiny_model.card.to_item()
    assert not any("temperature" in key for key in item["properties"])
    assert not isinstance(tiny_model.module(), Tempered)


def test_the_folder_keeps_it_and_its_test_vector_shows_it(tiny_model):
    folder = tiny_model.folder
    before = tiny_model.fingerprint
    card = card_with(tiny_model.card, temperature=T)
    card.write(folder / "model.json")
    assert load_model(folder).card.temperature == T
    assert load_model(folder).fingerprint != before
    # The test vector is still that of the network without it.
    with pytest.raises(ModelError, match="test vector"):
        check_model(Model(card_with(card, temperature=0.05), folder=folder))


@pytest.mark.parametrize("value", [0, -1, 1e-9, 1e9, float("nan"), "warm", [1.2] * 6])
def test_absurd_ones_are_refused(tiny_model, value):
    item = tiny_model.card.to_item()
    item["properties"]["geoseg:temperature"] = value
    with pytest.raises(ModelError, match="temperature"):
        ModelCard.from_item(item)


def test_layers_are_fused_as_without_it(net):
    soft = fused(Tempered(net, T), torch.randn(1, 3, 16, 16))
    assert isinstance(soft, Tempered)
    assert [type(layer) for layer in soft.network] == [torch.nn.Conv2d, torch.nn.Identity]
    x = torch.randn(SHAPE)
    torch.testing.assert_close(soft(x), net(x) / T)


@pytest.mark.parametrize("logits", [False, True])
def test_an_exported_graph_divides_once(model, tmp_path, pixels, logits):
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    card = card_with(model.card, temperature=T)
    read = Model(card_with(card, item=card.to_item()), module=model.module())
    export_model(read, tmp_path / "m.onnx", ExportOptions(logits=logits))
    again = load_model(tmp_path / "m.onnx")
    assert again.card.temperature is None
    assert "temperature" not in json.dumps(again.card.to_item())
    torch.testing.assert_close(predictor(again).scores(pixels), predictor(read).scores(pixels), atol=1e-4, rtol=0)


def test_an_exported_program_divides_too(model, net, tmp_path):
    export_model(tempered(model, T), tmp_path / "m.pt2")
    x = torch.randn(SHAPE)
    found = torch.export.load(tmp_path / "m.pt2").module()(x)
    torch.testing.assert_close(found, torch.softmax(net(x) / T, 1), atol=1e-5, rtol=0)
