"""Small models and rasters for the tests of geoseg.models."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from geoseg.classes import LAND_COVER, MapClass
from geoseg.models import BandSpec, Model, ModelCard, ValueScaling, save_model


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch, tmp_path):
    """Neither the user's models nor their cache of measurements may be touched."""
    monkeypatch.setenv("GEOSEG_MODELS", str(tmp_path / "user-models"))
    monkeypatch.setenv("GEOSEG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path / "home")
    # Weights that an earlier test read stay in memory; a test that damages the file must not get those.
    monkeypatch.setattr("geoseg.models.model._MODULES", {})


def make_card(**changes) -> ModelCard:
    fields = {
        "name": "tiny",
        "title": "A small test model",
        "architecture": "Unet",
        "bands": tuple(BandSpec(name=name, scale=1e-4) for name in ("red", "green", "nir")),
        "value_scaling": tuple(
            ValueScaling(type="z-score", mean=m, stddev=s) for m, s in ((500, 200), (700, 300), (3000, 1000))
        ),
        "value_range": (0, 10000),
        "classes": LAND_COVER,
    }
    return ModelCard(**(fields | changes))


@pytest.fixture
def card() -> ModelCard:
    return make_card()


@pytest.fixture(scope="session")
def tiny_net() -> torch.nn.Module:
    import segmentation_models_pytorch as smp

    torch.manual_seed(0)
    return smp.Unet(
        "tu-mobilenetv4_conv_small_035",
        encoder_weights=None,
        in_channels=3,
        classes=6,
        decoder_channels=(16, 8, 8, 8, 8),
    ).eval()


@pytest.fixture
def tiny_model(tmp_path, tiny_net) -> Model:
    return save_model(
        tmp_path / "tiny", make_card(), tiny_net, arch="Unet", encoder="tu-mobilenetv4_conv_small_035",
        decoder_channels=[16, 8, 8, 8, 8],
    )  # fmt: skip


class Linear(torch.nn.Module):
    """Logits are the bands themselves, as they reach the network."""

    def forward(self, x):
        return x.clone()


def identity_model(bands: int = 3, module: torch.nn.Module | None = None, **changes) -> Model:
    names = [f"band{i + 1}" for i in range(bands)]
    card = make_card(
        name="identity",
        architecture="identity",
        bands=tuple(BandSpec(name=name) for name in names),
        value_scaling=(),
        value_range=None,
        classes=tuple(MapClass(i, name, "#000000") for i, name in enumerate(names)),
        **changes,
    )
    return Model(card, module=module or Linear())


def band(name="red", scale=1.0, offset=0.0, scaled=False):
    return SimpleNamespace(name=name, scale=scale, offset=offset, scaled=scaled)


def fake_raster(names=("red", "green", "nir"), dtype=np.uint16, size=10.0, **band_fields):
    from affine import Affine

    return SimpleNamespace(
        name="scene",
        bands=tuple(band(name, **band_fields) for name in names),
        dtype=np.dtype(dtype),
        shape=(64, 64),
        crs="EPSG:32633",
        transform=Affine(size, 0, 500000, 0, -size, 5400000),
        quality=None,
    )


def fake_sample(low, high, bands=3, dtype=np.uint16, valid=True):
    rng = np.random.default_rng(0)
    return SimpleNamespace(data=rng.uniform(low, high, (bands, 64, 64)).astype(dtype), valid=np.full((64, 64), valid))
