"""The network that training starts from."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from geoseg.classes import MapClass
from geoseg.errors import ModelError, OptionError
from geoseg.models import BandSpec, Model, ModelCard
from geoseg.models.build import build_architecture
from geoseg.models.card.card import card_with
from geoseg.models.networks.smp import smp_class
from geoseg.train.model_folder import model_name
from geoseg.train.options import TrainOptions
from geoseg.train.start.network import start_network, with_classes

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")


def _card(architecture="Unet", classes=3, bands=BANDS, **fields):
    return ModelCard(
        name="start",
        architecture=architecture,
        hyperparameters={"encoder": "resnet18"},
        bands=tuple(BandSpec(name=name) for name in bands),
        classes=tuple(MapClass(i, f"c{i}", "#000000") for i in range(classes)),
        **{"stride": 32, "margin": 32, "min_window": 32, **fields},
    )


@pytest.mark.parametrize(
    ("text", "name"), [("unet", "Unet"), ("Unet++", "UnetPlusPlus"), ("DeepLabV3+", "DeepLabV3Plus"), ("fpn", "FPN")]
)
def test_architectures_by_their_usual_names(text, name):
    assert smp_class(text).__name__ == name


@pytest.mark.parametrize("folder", ["m", "7", "wald & wiesen", "_x_", "…", "Модель", "a.b-c_d", "x/../y", "."])
def test_any_folder_gives_a_name_that_cards_take(folder):
    name = model_name(Path(folder))
    assert card_with(_card(), name=name).name == name


def test_unknown_architectures_are_listed():
    with pytest.raises(OptionError, match="use one of Unet"):
        smp_class("vnet")


@pytest.mark.parametrize("arch", ["Unet", "FPN", "DeepLabV3Plus", "PSPNet", "UPerNet", "Segformer"])
@pytest.mark.parametrize("bands", [1, 7])
def test_any_architecture_takes_any_bands(arch, bands):
    card = _card(arch, bands=[f"b{i}" for i in range(bands)])
    network, said = start_network(card, TrainOptions(), None, 64)
    assert said == "random weights"
    network(torch.zeros(2, bands, 64, 64)).sum().backward()
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_the_seed_decides_random_weights():
    one, two, other = (start_network(_card(), TrainOptions(seed=seed), None, 64)[0] for seed in (1, 1, 2))
    key = "encoder.conv1.weight"
    assert torch.equal(one.state_dict()[key], two.state_dict()[key])
    assert not torch.equal(one.state_dict()[key], other.state_dict()[key])


def test_the_land_cover_network_learns_on():
    card = _card("geoseg:landcover-net", 6, stride=16, margin=64, min_window=16)
    base = Model(card, module=build_architecture(card).requires_grad_(False))
    network, _ = start_network(card, TrainOptions(base="x"), base, 128)
    network(torch.rand(2, 6, 128, 128)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert not any(parameter.requires_grad for parameter in base.module().parameters()), "the model itself is untouched"


def test_the_start_is_the_network_without_its_temperature():
    card = card_with(_card(), temperature=2.0)
    base = Model(card, module=build_architecture(card).eval())
    network, _ = start_network(card, TrainOptions(base="x"), base, 64)
    x = torch.rand(1, len(card.bands), 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(network.eval()(x), 2 * base.module()(x))


def test_classes_keep_what_was_learned_of_them():
    before, after = _card(), card_with(_card(), classes=(MapClass(0, "new", "#000000"), MapClass(1, "c2", "#000000")))
    old, new = build_architecture(before).state_dict(), build_architecture(after).state_dict()
    moved = with_classes(old, new, before, after)
    head = "segmentation_head.0.weight"
    assert torch.equal(moved[head][1], old[head][2])
    assert torch.equal(moved[head][0], new[head][0])
    assert torch.equal(moved["encoder.conv1.weight"], old["encoder.conv1.weight"])


def test_what_does_not_fit_is_said_before_anything_is_read():
    options = TrainOptions(base="x")
    shrinks = Model(_card(), module=torch.nn.Conv2d(6, 3, 3))
    with pytest.raises(ModelError, match=r"returns scores of shape \(1, 3, 62, 62\) for a window of 64 px"):
        start_network(_card(), options, shrinks, 64)
    narrow = Model(_card(), module=torch.nn.Conv2d(4, 3, 1))
    with pytest.raises(ModelError, match="does not run on windows of 64 px"):
        start_network(_card(), options, narrow, 64)
