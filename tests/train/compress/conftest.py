"""A model trained for seconds on a small scene whose right answer is known."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import geoseg
from geoseg.models.inference import calibrate
from geoseg.train.compress import measure
from tests.train.conftest import _one_thread, heard, hearing, place, write

__all__ = ["_one_thread", "heard", "hearing", "place", "write"]

ENCODER = "tu-mobilenetv3_small_050"


@pytest.fixture(scope="session")
def quick():
    """Options of a compression of a second or two, apart from its method."""
    return {
        "window": 64, "batch": 4, "windows": 8, "epochs": 2, "device": "cpu", "workers": 0, "lr": 3e-3,
        "block_size": 640.0, "max_loss": 0.9,
    }  # fmt: skip


@pytest.fixture(scope="session")
def original(place, tmp_path_factory):
    """A model of three classes that maps the scene fairly well."""
    folder = tmp_path_factory.mktemp("original") / "big"
    return geoseg.train(
        place.image, place.labels, folder, classes="wood,field,water", encoder=ENCODER, window=64, batch=4, windows=8,
        epochs=4, device="cpu", workers=0, lr=3e-3, block_size=640.0, licence="CC0-1.0",
    )  # fmt: skip


@pytest.fixture(scope="session")
def as_fast():
    """Make a stand-in for the timing of models, which takes seconds: ``as_fast(before, after)``."""

    def make(before: float, after: float):
        return lambda *_args, **_options: (before, after)

    return make


@pytest.fixture(scope="session")
def shrunk(original, place, quick, tmp_path_factory):
    """The original pruned by half without labels, and what was reported."""
    pytest.importorskip("torch_pruning", reason="the extra compress is not installed")
    folder = tmp_path_factory.mktemp("shrunk")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "_SIDE", 64)
        patch.setattr(calibrate, "is_installed", lambda _: False)  # conversions for OpenVINO take half a minute
        made = geoseg.compress_model(original, folder / "small", images=place.image, prune=0.5, **quick)
    return SimpleNamespace(made=made, folder=folder)
