"""What half precision costs, measured on labelled windows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

from geoseg.models.card.half_precision import measured_loss
from geoseg.train.half_precision import measure_half_precision


class Network(torch.nn.Module):
    """The class is the pixel's value; in bf16 it is another one above a limit, in fp16 it is not finite."""

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = torch.nn.Parameter(torch.tensor(float(limit)))

    def forward(self, x):
        if torch.is_autocast_enabled("cpu"):
            if torch.get_autocast_dtype("cpu") == torch.float16:
                return torch.full((len(x), 3, *x.shape[2:]), torch.nan)
            x = torch.where(x > self.limit, x - 1, x)
        return -((x - torch.arange(3.0).view(1, -1, 1, 1)) ** 2)


def given(values, labels, limit, count=2):
    sample = SimpleNamespace(x=torch.from_numpy(values)[None].float(), y=torch.from_numpy(labels))
    prepared = SimpleNamespace(
        validation_windows=lambda: [sample] * count, window=len(values), card=SimpleNamespace(classes=[0, 1, 2]),
        validated=True,
    )  # fmt: skip
    return prepared, Network(limit), "cpu"


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_the_loss_is_that_of_the_labelled_pixels(limit):
    rng = np.random.default_rng(limit)
    values = rng.integers(0, 3, (32, 32))
    labels = np.where(rng.random((32, 32)) < 0.8, values, rng.integers(0, 3, (32, 32))).astype(np.uint8)
    labels[:4] = 255
    half = np.where(values > limit, values - 1, values)
    known = labels != 255
    before, after = (jaccard_score(labels[known], found[known], average="macro") for found in (values, half))
    found = measure_half_precision(*given(values, labels, limit))
    assert found.windows == 2
    assert found.pixels == 2 * known.sum()
    assert found.loss == {"bf16": pytest.approx(before - after, abs=1e-4)}
    assert found.differing == {"bf16": pytest.approx((half != values)[known].mean(), abs=1e-5)}
    assert measured_loss({"half_precision": found.as_metrics()}, "bf16") == found.loss["bf16"]
    assert measured_loss({"half_precision": found.as_metrics()}, "fp16") is None


def test_too_few_pixels_say_nothing():
    values = np.zeros((16, 16), np.int64)
    prepared, network, device = given(values, values.astype(np.uint8), 1)
    assert measure_half_precision(prepared, network, device) is None
    assert measure_half_precision(SimpleNamespace(validated=False), network, device) is None
