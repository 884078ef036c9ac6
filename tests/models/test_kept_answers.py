"""Answers of a pretrained network that are kept between maps of one view: never other ones than would be computed."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn

from geoseg.models.inference import answers
from geoseg.models.inference.answers import KeptAnswers, answers_of, keep_answers, nothing_kept
from geoseg.models.networks.sketch import Layout, SketchNet


@pytest.fixture
def kept():
    keep_answers()
    yield answers._Process.kept
    keep_answers(0)


class Base(nn.Module):
    """A pretrained network that counts its forward passes."""

    def __init__(self):
        super().__init__()
        self.layer, self.passes = nn.Conv2d(2, 3, 3, padding=1), 0

    def forward(self, x):
        self.passes += 1
        return self.layer(x)


def sketch(base, seed=0):
    torch.manual_seed(seed)
    layout = Layout(3, (), (), (3,), (0, 2), 3, answers=True, prior=True, hidden=0, classes=2)
    return SketchNet(layout, base).eval()


def mapped(network, x):
    with torch.inference_mode():
        return network(x)


def test_another_classifier_on_the_same_view_costs_no_forward_pass(kept):
    base, x = Base(), torch.randn(1, 3, 32, 40)
    mapped(sketch(base), x)
    assert base.passes == 1
    found = mapped(sketch(base, seed=1), x)
    assert base.passes == 1
    keep_answers(0)
    assert torch.equal(found, mapped(sketch(base, seed=1), x))
    assert base.passes == 2


def other_pixel(network, x):
    x[0, 0, 3, 3] += 1e-6


def other_validity(network, x):
    x[0, :, 3, 3] = 0


def other_weights(network, x):
    with torch.no_grad():
        network.base.layer.weight[0, 0, 0, 0] += 1e-6


def other_scaling(network, x):
    network.base_scale[1] += 1e-6


def other_limits(network, x):
    network.base_high[0] = 0.1


@pytest.mark.parametrize("change", [other_pixel, other_validity, other_weights, other_scaling, other_limits])
def test_whatever_changes_the_answer_is_computed(kept, change):
    base, x = Base(), torch.randn(1, 3, 16, 16)
    network = sketch(base)
    before = mapped(network, x)
    change(network, x)
    found = mapped(network, x)
    assert base.passes == 2
    keep_answers(0)
    assert torch.equal(found, mapped(network, x))
    assert not torch.equal(found, before)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_layouts_and_precisions_are_kept_apart(kept, layout):
    base, x = Base(), torch.randn(1, 3, 16, 16)
    network = sketch(base)
    mapped(network, x)
    with torch.autocast("cpu", torch.bfloat16):
        half = mapped(network, x.contiguous(memory_format=layout))
    assert base.passes == 2
    keep_answers(0)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(half, mapped(network, x.contiguous(memory_format=layout)))


def test_nothing_is_kept_while_speed_is_measured_or_gradients_are_wanted(kept):
    base, x = Base(), torch.randn(1, 3, 16, 16)
    network = sketch(base)
    with nothing_kept():
        mapped(network, x)
        mapped(network, x)
    assert base.passes == 2
    network(x).sum().backward()
    assert base.layer.weight.grad is not None
    assert not kept._tensors


def test_the_limit_holds_and_the_oldest_goes_first():
    kept = KeptAnswers(limit=3 * 400)
    for key in range(5):
        kept.put(str(key), torch.full((100,), float(key)))
        kept.get("2")
    assert [key for key in map(str, range(5)) if kept.get(key) is not None] == ["2", "3", "4"]
    kept.put("large", torch.zeros(1000))
    assert kept.get("large") is None
    assert kept._bytes == sum(tensor.nbytes for tensor in kept._tensors.values())


def test_threads_get_their_own_answers(kept):
    inputs = [torch.full((1, 1, 8, 8), float(i)) for i in range(8)]
    network, wrong = nn.Conv2d(1, 1, 1), []

    def ask(x):
        with torch.inference_mode():
            for _ in range(20):
                found = answers_of(x, network, (), lambda: x * 2)
                wrong.extend([x] if not torch.equal(found, x * 2) else [])

    threads = [threading.Thread(target=ask, args=(x,)) for x in inputs * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
