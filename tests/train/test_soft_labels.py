"""Soft targets: they stay with their pixels, and what is learned from them is the teacher's answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import geoseg
from geoseg.classes import NODATA
from geoseg.tiling import Box
from geoseg.train.data.augment import Augment
from geoseg.train.data.samples import resized
from geoseg.train.data.soft_labels import SoftLabels
from geoseg.train.losses import Loss, SoftLoss


@given(seed=st.integers(0, 2**32), strength=st.floats(0, 3), side=st.sampled_from([16, 23, 32]))
def test_soft_targets_stay_with_their_labels_through_zoom_and_augmentation(seed, strength, side):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, (24, 24)).astype(np.uint8)
    valid = rng.random((24, 24)) < 0.8
    labels[~valid] = NODATA
    percents = np.where(valid, np.eye(3, dtype=np.uint8)[:, np.where(valid, labels, 0)] * 100, NODATA)
    both = np.concatenate([labels[None], percents]).astype(np.uint8)
    x, y, mask = resized(torch.ones(4, 24, 24), torch.from_numpy(both), torch.from_numpy(valid), side)
    _, y = Augment(strength)(x, y, mask, torch.Generator().manual_seed(seed % 2**31))
    assert y.shape == (4, side, side)
    labelled = y[0] != NODATA
    assert torch.equal((y[1:] != NODATA).all(0), labelled)
    assert torch.equal(y[1:].argmax(0)[labelled], y[0].long()[labelled])


def test_the_teachers_answer_has_the_least_loss():
    rng = np.random.default_rng(0)
    shares = rng.dirichlet([1, 1, 1], (2, 8, 8)).transpose(0, 3, 1, 2)
    percents = torch.from_numpy(np.rint(shares * 100).astype(np.uint8))
    hidden = torch.full((2, 1, 8, 8), NODATA, dtype=torch.uint8)  # no labels at all: the soft part alone
    targets = torch.cat([hidden, percents], 1)
    best = (percents.float().clamp(min=1e-6) / percents.float().sum(1, keepdim=True)).log()
    loss = SoftLoss(Loss("ce"))
    assert loss(best, targets) == pytest.approx(0, abs=1e-4)
    assert loss(best + 0.5 * torch.randn(best.shape, generator=torch.Generator().manual_seed(0)), targets) > 0.01


def test_pixels_without_an_answer_teach_nothing_and_labels_alone_are_the_loss_itself():
    logits = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    targets = torch.full((1, 4, 4, 4), NODATA, dtype=torch.uint8)
    SoftLoss(Loss("ce+dice"))(logits, targets).backward()
    assert not logits.grad.any()
    labels = torch.randint(3, (1, 4, 4))
    assert SoftLoss(Loss("ce"))(logits, labels) == Loss("ce")(logits, labels)


def test_maps_of_several_models_are_averaged_in_one_order_of_classes(tmp_path, write):
    one = np.array([[[100, 30, 255]], [[0, 70, 255]]], np.uint8)
    other = np.array([[[20, 80, 10]], [[80, 20, 90]]], np.uint8)
    rasters = tuple(
        geoseg.open_raster(write(tmp_path / f"{number}.tif", data, nodata=255))
        for number, data in enumerate((one, other))
    )
    soft = SoftLabels("both", None, rasters, ((0, 1), (1, 0)))
    assert soft.percents(Box(0, 0, 1, 3)).tolist() == [[[90, 25, 255]], [[10, 75, 255]]]
    classes, valid = soft.read(Box(0, 0, 1, 3))
    assert classes[0, :2].tolist() == [0, 1]
    assert valid.tolist() == [[True, True, False]]
    map_ = geoseg.open_raster(write(tmp_path / "map.tif", np.array([[1, 0, 255]], np.uint8), nodata=255))
    single = SoftLabels("one", map_, rasters[1:], ((1, 0),))
    assert single.read(Box(0, 0, 1, 2))[0].tolist() == [[0, 1]]
