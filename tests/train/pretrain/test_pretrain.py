"""Encoders that learn from scenes without labels."""

from __future__ import annotations

import importlib
import inspect
import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

import geoseg
from geoseg.cli import cli
from geoseg.errors import GeosegError
from geoseg.train.pretrain import pretrain
from geoseg.train.pretrain.masking import MaskedWindows, Reconstruction, random_squares
from geoseg.train.semi.scenes import Unlabelled, UnlabelledScene

ENCODER = "tu-mobilenetv3_small_050"
NAMES = ("blue", "green", "red", "nir")


@pytest.fixture(scope="module")
def quick():
    """Options of a pretraining of a second."""
    return {
        "arch": "linknet", "encoder": ENCODER, "window": 64, "batch": 4, "windows": 8, "device": "cpu", "workers": 0
    }  # fmt: skip


@pytest.fixture(scope="module")
def pretrained(place, quick, tmp_path_factory, hearing):
    """An encoder of two epochs."""
    heard = hearing()
    folder = pretrain(place.image, tmp_path_factory.mktemp("pre") / "e", epochs=2, reporter=heard, **quick)
    return folder, heard


@given(
    side=st.integers(8, 96), patch=st.integers(4, 16), share=st.floats(0.1, 0.9), seed=st.integers(0, 999)
)  # fmt: skip
@settings(deadline=None, max_examples=40)
def test_so_many_whole_squares_are_hidden(side, patch, share, seed):
    mask = random_squares(side, patch, share, np.random.default_rng(seed))
    assert mask.shape == (side, side)
    corners = mask[::patch, ::patch]
    assert np.array_equal(np.kron(corners, np.ones((patch, patch), bool))[:side, :side], mask)
    assert corners.sum() == max(round(share * corners.size), 1)


def test_the_error_counts_only_what_is_hidden():
    filled, target = torch.randn(2, 3, 8, 8, requires_grad=True), torch.randn(2, 3, 8, 8)
    hidden = torch.rand(2, 1, 8, 8) < 0.5
    loss = Reconstruction()
    found = loss(filled, target.masked_fill(~hidden, float("nan")))
    each = torch.nn.functional.huber_loss(filled, target, reduction="none")
    assert float(found) == pytest.approx(float((each * hidden).sum() / (hidden.sum() * 3)), rel=1e-5)
    found.backward()
    assert (filled.grad[~hidden.expand_as(filled)] == 0).all()
    assert float(loss(filled, torch.full_like(target, float("nan")))) == 0.0


def test_what_is_hidden_is_zero_and_what_is_invalid_is_no_target(place):
    raster = geoseg.open_raster(place.image)
    from geoseg.models import BandTransform

    steps = tuple(BandTransform(0.001, 1.0) for _ in range(4))
    scenes = Unlabelled((UnlabelledScene(raster, steps, np.zeros((32, 24), bool)),), 8)
    windows = MaskedWindows(scenes, window=64, patch=8, masked=0.5, zoom=1.0, seed=1)
    sample, again = windows[3], windows[3]
    known = torch.isfinite(sample.y)
    assert torch.equal(sample.x, again.x)
    assert 0.4 < float(known.float().mean()) < 0.6
    assert (sample.x[known] == 0).all()
    assert (sample.x[~known] >= 1).all(), "what is seen is as it was"
    assert (sample.y[known] >= 1).all()


def test_an_encoder_is_written_that_trains(pretrained, place, small, tmp_path, heard):
    folder, said = pretrained
    assert {path.name for path in folder.iterdir()} == {"encoder.safetensors", "encoder.json"}
    facts = json.loads((folder / "encoder.json").read_text("utf-8"))
    assert facts["bands"] == list(NAMES)
    assert facts["encoder"] == ENCODER
    assert facts["loss"][-1] < facts["loss"][0]
    assert any(f"--encoder {ENCODER} --weights {folder}" in line for line in said.all("info"))
    model = geoseg.train(
        place.image, place.labels, tmp_path / "m", weights=str(folder), reporter=heard, **(small | {"epochs": 1})
    )
    (start,) = (line for line in heard.all("info") if line.startswith("starting from"))
    assert "encoder tensors loaded" in start
    assert "taken as its card has them: blue, green, red, nir by name" in start
    assert model.card.hyperparameters["training"]["weights"] == folder.name


def test_bands_in_another_order_meet_their_own_weights(pretrained):
    import segmentation_models_pytorch as smp
    from safetensors.torch import load_file

    from geoseg.train.start.weights import load_weights

    folder, _ = pretrained
    network = smp.Linknet(ENCODER, encoder_weights=None, in_channels=3, classes=2)
    load_weights(network, ENCODER, str(folder), ("nir", "red", "blue"))
    kernel = load_file(folder / "encoder.safetensors")["model.conv_stem.weight"]
    found = network.state_dict()["encoder.model.conv_stem.weight"]
    assert torch.allclose(found, kernel[:, [3, 2, 0]] * 4 / 3, atol=1e-6)
    with pytest.raises(GeosegError, match=rf"are of encoder '{ENCODER}', not 'resnet18': use --encoder {ENCODER}"):
        load_weights(network, "resnet18", str(folder), ("nir", "red", "blue"))


def test_the_command_line(monkeypatch):
    seen = {}

    def fake(scenes, output, **values):
        seen.update(scenes=scenes, output=str(output), **values)

    monkeypatch.setattr(importlib.import_module("geoseg.train.pretrain"), "pretrain", fake)
    words = ["pretrain", "a.tif", "b.tif", "-o", "e", "--encoder", ENCODER, "--masked", "0.5", "--bands", "red,nir"]
    result = CliRunner().invoke(cli, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert (seen["scenes"], seen["encoder"], seen["masked"]) == (["a.tif", "b.tif"], ENCODER, 0.5)
    assert seen["reading"] == {"bands": "red,nir"}
    missing = {name for name in inspect.signature(pretrain).parameters if name not in seen}
    assert missing == set(), "each option of the function is one of the command"


class _Bad:
    """Changed arguments, and the message expected."""

    def __init__(self, pretrained, place, write, folder) -> None:
        self.pretrained, self.place, self.write, self.folder = pretrained, place, write, folder

    def none(self):
        return {"scenes": []}, "no scene given"

    def missing(self):
        return {"scenes": self.folder / "*.tif"}, r"\*.tif: no such file"

    def all_nodata(self):
        path = self.write(self.folder / "black.tif", self.place.bands * 0, NAMES, nodata=0)
        return {"scenes": [self.place.image, path]}, "black: a sample of this unlabelled scene has no valid pixel"

    def other_bands(self):
        path = self.write(self.folder / "three.tif", self.place.bands[:3], NAMES[:3])
        return {"scenes": [self.place.image, path]}, "has bands blue, green, red, the first image"

    def masked(self):
        return {"masked": 1.0}, "masked must lie between 0 and 1, got 1: 0.6 is usual"

    def unknown_encoder(self):
        return {"encoder": "resnet17"}, r"resnet17.*cannot be built"

    def output_exists(self):
        return {"output": self.pretrained[0]}, "already holds an encoder"

    def output_is_in_the_way(self):
        return {"output": self.folder, "overwrite": True, "scenes": self.place.image}, "is in the way and no encoder"


CASES = [name for name in vars(_Bad) if not name.startswith("_")]


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_one_line(case, pretrained, place, write, quick, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "photo.jpg").touch()
    changes, message = getattr(_Bad(pretrained, place, write, tmp_path / "in"), case)()
    arguments = {"scenes": place.image, "output": tmp_path / "out", "epochs": 1} | quick | changes
    with pytest.raises(GeosegError, match=message) as caught:
        pretrain(**arguments)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()
