"""Narrower networks are rebuilt from the numbers in a card, and from nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from geoseg.errors import ModelError
from geoseg.models.networks.widths import set_widths, widths_of


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.Conv2d(16, 16, 3, padding=1, groups=16),
        nn.GroupNorm(4, 16), nn.ConvTranspose2d(16, 24, 2, stride=2), nn.Conv2d(24, 12, 1, groups=4),
        nn.Conv2d(12, 2, 1),
    ).eval()  # fmt: skip


NARROW = {
    "0": {"out": 8}, "1": {"out": 8}, "2": {"out": 8}, "3": {"out": 8}, "4": {"in": 8, "out": 16},
    "5": {"in": 16, "out": 8}, "6": {"in": 8},
}  # fmt: skip


def test_a_network_is_cut_to_the_widths_of_a_card_and_runs():
    cut = network()
    set_widths(cut, NARROW, "model")
    assert cut(torch.randn(2, 3, 8, 8)).shape == (2, 2, 16, 16)
    assert widths_of(cut, network()) == {name: dict(NARROW[name]) for name in sorted(NARROW)}
    again = network()
    set_widths(again, widths_of(cut, network()), "model")
    again.load_state_dict(cut.state_dict())
    x = torch.randn(1, 3, 8, 8)
    assert torch.equal(again.eval()(x), cut.eval()(x))


def test_an_unpruned_network_has_no_widths():
    assert widths_of(network(), network()) == {}


@pytest.mark.parametrize(
    "widths",
    [
        [], "wide", {"0": 8}, {"0": {}}, {"9": {"out": 8}}, {"": {"out": 8}}, {"0": {"kernel_size": 1}},
        {"0": {"out": 0}}, {"0": {"out": -8}}, {"0": {"out": 17}}, {"0": {"out": 2**40}}, {"0": {"out": True}},
        {"0": {"out": 8.0}}, {"0": {"out": "8"}}, {"0": {"out": None}}, {"2": {"in": 8}}, {"1": {"in": 8}},
        {"5": {"out": 6}}, {"5": {"in": 10}}, {"3": {"out": 6}},
    ],
)  # fmt: skip
def test_widths_that_no_pruning_leaves_are_refused(widths):
    with pytest.raises(ModelError, match=r"^model 'x': widths"):
        set_widths(network(), widths, "model 'x'")
