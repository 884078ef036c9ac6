"""Losses against their definitions, and blind to what is not labelled."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from geoseg.errors import OptionError
from geoseg.train.losses import Loss, parse_class_weights
from geoseg.train.options import LOSSES, TrainOptions

SUMS = [*LOSSES, "ce+dice", "focal+dice", "ce+lovasz"]


def _case(seed):
    g = torch.Generator().manual_seed(seed)
    logits = torch.randn((2, 4, 8, 8), generator=g)
    labels = torch.randint(0, 4, (2, 8, 8), generator=g)
    return logits, labels.masked_fill(torch.rand((2, 8, 8), generator=g) < 0.4, 255), g


@settings(max_examples=15)
@given(seed=st.integers(0, 9999), text=st.sampled_from(SUMS))
def test_unlabelled_pixels_do_not_count(seed, text):
    logits, labels, g = _case(seed)
    other = torch.where((labels == 255)[:, None], torch.randn(logits.shape, generator=g) * 9, logits)
    assert torch.allclose(Loss(text)(logits, labels), Loss(text)(other, labels), atol=1e-5)


@pytest.mark.parametrize("text", SUMS)
def test_perfect_is_nearly_nothing_and_wrong_costs(text):
    labels = torch.randint(0, 3, (1, 8, 8), generator=torch.Generator().manual_seed(0))
    right = functional.one_hot(labels, 3).permute(0, 3, 1, 2).float() * 40 - 20
    assert Loss(text)(right, labels) < 1e-3
    assert Loss(text)(right, (labels + 1) % 3) > 0.5


@pytest.mark.parametrize("text", SUMS)
def test_nothing_labelled_costs_nothing_and_has_a_gradient(text):
    logits = torch.randn((1, 3, 4, 4), requires_grad=True)
    loss = Loss(text)(logits, torch.full((1, 4, 4), 255))
    loss.backward()
    assert loss == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_parts_by_their_definitions():
    logits, labels, _ = _case(1)
    seen = labels != 255
    logs = logits.log_softmax(1).permute(0, 2, 3, 1)[seen]
    wanted = -logs.gather(1, labels[seen][:, None]).mean()
    assert torch.allclose(Loss("ce")(logits, labels), wanted)
    chance, truth = logs.exp(), functional.one_hot(labels[seen], 4).float()
    dice = 1 - 2 * (chance * truth).sum(0) / (chance.sum(0) + truth.sum(0))
    assert torch.allclose(Loss("dice")(logits, labels), dice.mean(), atol=1e-5)
    assert torch.allclose(Loss("ce+dice")(logits, labels), wanted + dice.mean(), atol=1e-5)


@pytest.mark.parametrize("text", ["ce", "dice", "focal"])
def test_class_weights_move_the_loss_to_their_class(text):
    logits, labels, _ = _case(2)
    only = Loss(text, np.array([0, 1, 0, 0], np.float32))
    worse = logits.clone()
    worse[:, 1] -= (labels == 1) * 3.0
    assert only(worse, labels) > only(logits, labels)


def test_class_weights_are_read():
    names, pixels = ["a", "b", "c"], np.array([100, 400, 0])
    assert parse_class_weights(None, names, pixels) is None
    assert parse_class_weights("b=2", names, pixels).tolist() == [1, 2, 1]
    assert parse_class_weights("1,2,3", names, pixels).tolist() == [1, 2, 3]
    balanced = parse_class_weights("balanced", names, np.array([100, 400, 1600]))
    assert balanced[0] / balanced[2] == pytest.approx(4)
    assert balanced.mean() == pytest.approx(1)
    for wrong in ("d=1", "1,2", "x,y,z", "-1,1,1", "0,0,0"):
        with pytest.raises(OptionError, match="class weights"):
            parse_class_weights(wrong, names, pixels)


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "mse"}, {"loss": "ce+ce"}, {"epochs": 0}, {"batch": 0}, {"lr": -1.0}, {"validation": 1.0},
        {"augment": 9.0},
        {"split": "random"}, {"split": "groups"}, {"group_field": "a", "groups": "b"}, {"base": "a", "weights": "b"},
        {"precision": "int8"}, {"block_size": 0.0},
    ],
)  # fmt: skip
def test_impossible_options(options):
    with pytest.raises(OptionError):
        TrainOptions(**options)
