"""The network of the land-cover recipe: any size, finite answers, and a folder like any other model's."""

from __future__ import annotations

import pytest
import torch

from geoseg.classes import LAND_COVER
from geoseg.errors import ModelError
from geoseg.models import BandSpec, ModelCard, load_model, save_model
from geoseg.models.landcover import LandcoverNet

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")


def card(**kwargs):
    return ModelCard(
        name="net",
        architecture="geoseg:landcover-net",
        hyperparameters={"kwargs": kwargs},
        bands=tuple(BandSpec(name=name, scale=0.0001) for name in BANDS),
        classes=LAND_COVER,
        stride=16,
        margin=64,
    )


@pytest.mark.parametrize("size", [(16, 16), (16, 80), (96, 64)])
def test_any_multiple_of_its_stride(size):
    net = LandcoverNet().eval()
    with torch.inference_mode():
        for value in (0.0, 0.3):
            logits = net(torch.full((2, 6, *size), value))
            assert logits.shape == (2, 6, *size)
            assert torch.isfinite(logits).all()


def test_it_packs_as_any_model(tmp_path):
    torch.manual_seed(0)
    net = LandcoverNet(width=16, decide=8, context=16).eval()
    save_model(tmp_path / "net", card(width=16, decide=8, context=16), net)
    again = load_model(tmp_path / "net")
    x = torch.rand(1, 6, 32, 32)
    with torch.inference_mode():
        assert torch.equal(again.module()(x), net(x))


def test_arguments_it_does_not_have_are_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot be built"):
        save_model(tmp_path / "net", card(depth=3), LandcoverNet())
