"""Discriminators: what they see, whom they teach, and a training with them that is resumed."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

import geoseg
from geoseg.classes import NODATA
from geoseg.errors import OptionError
from geoseg.models.build import build_architecture
from geoseg.models.networks.temperature import without_temperature
from geoseg.train.semi.adversary import Adversary, Discriminator

CLASSES = 3


def maps(seed=0):
    """Logits of a batch, and labels of which a third is unlabelled."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, CLASSES, 32, 32, generator=generator, requires_grad=True)
    labels = torch.randint(CLASSES, (2, 32, 32), generator=generator)
    labels[:, :10] = NODATA
    return logits, labels


def adversary(*, scenes=False, weight=1.0):
    torch.manual_seed(1)
    return Adversary(CLASSES, weight=weight, scenes=scenes)


def test_the_network_learns_to_deceive_and_the_discriminator_to_judge():
    logits, labels = maps()
    both = adversary()
    both.against_labels(logits, labels, 1.0).backward()
    known = (labels != NODATA)[:, None]
    one_hot = torch.stack([labels == k for k in range(CLASSES)], 1).float()
    # The oracle: two losses, each by itself.
    judge, again = Discriminator(CLASSES), logits.detach().clone().requires_grad_()
    judge.load_state_dict(both.of_maps.state_dict())
    said = judge(again.softmax(1) * known)
    F.binary_cross_entropy_with_logits(said, torch.ones_like(said)).backward()
    assert torch.allclose(logits.grad, again.grad, atol=1e-9)
    judge.zero_grad()
    real, made = judge(one_hot), judge(again.detach().softmax(1) * known)
    F.binary_cross_entropy_with_logits(real, torch.ones_like(real)).backward()
    F.binary_cross_entropy_with_logits(made, torch.zeros_like(made)).backward()
    for own, wanted in zip(both.of_maps.parameters(), judge.parameters(), strict=True):
        assert torch.allclose(own.grad * 1e3, wanted.grad, atol=1e-6)


def test_unlabelled_pixels_do_not_count():
    logits, labels = maps()
    other = torch.where((labels == NODATA)[:, None], logits + 5, logits)
    assert torch.equal(adversary().against_labels(logits, labels, 1.0), adversary().against_labels(other, labels, 1.0))


def test_predictions_on_labelled_images_are_not_changed_by_scenes():
    here, there = maps(0)[0], maps(1)[0]
    valid = torch.ones(2, 32, 32, dtype=torch.bool)
    valid[:, :, 20:] = False
    adversary(scenes=True).across_scenes((here, valid), (there, valid), 1.0).backward()
    assert here.grad is None
    assert (there.grad[:, :, :, 20:] == 0).all()
    assert (there.grad[:, :, :, :20] != 0).any()


def test_batches_without_a_labelled_or_any_window_have_no_loss():
    logits, labels = maps()
    loss = adversary().against_labels(logits[:0], labels[:0], 1.0)
    assert loss.item() == 0
    loss.backward()


def test_a_network_can_be_taught_by_the_discriminator_alone():
    """Free logits of noise become as the label maps: all of one class."""
    labels = torch.ones(2, 16, 16, dtype=torch.long)
    logits = torch.randn(2, CLASSES, 16, 16, generator=torch.Generator().manual_seed(0)).requires_grad_()
    both = adversary()
    steps = torch.optim.AdamW([{"params": [logits], "lr": 0.05}, {"params": list(both.parameters()), "lr": 1e-3}])
    before = float((logits.argmax(1) == 1).float().mean())
    for _ in range(100):
        steps.zero_grad()
        both.against_labels(logits, labels, 1.0).backward()
        steps.step()
    assert before < 0.4
    assert float((logits.argmax(1) == 1).float().mean()) > 0.9


def state(model):
    return without_temperature(model.module()).state_dict()


@pytest.fixture(scope="module")
def options(small):
    return small | {"window": 32, "windows": 8, "adversarial": 0.05, "validation": 0.0}


@pytest.fixture(scope="module")
def trained(place, options, tmp_path_factory):
    return geoseg.train(place.image, place.labels, tmp_path_factory.mktemp("adversary") / "model", **options)


def test_the_card_says_so_and_the_network_alone_is_written(trained):
    assert trained.card.hyperparameters["training"]["adversarial"] == 0.05
    assert "also" not in trained.card.hyperparameters["training"]
    assert state(trained).keys() == build_architecture(trained.card).state_dict().keys()
    log = next(trained.folder.glob("logs/*/metrics.csv")).read_text("utf-8").splitlines()
    values = [float(row.split(",")[log[0].split(",").index("adversarial_loss")]) for row in log[1:] if row]
    assert values
    assert np.isfinite(values).all()


def test_a_resumed_run_equals_an_unbroken_one(trained, place, options, tmp_path, monkeypatch):
    from geoseg.train import fit

    class Stop(fit.ReportProgress):
        def on_train_epoch_start(self, trainer, pl_module):
            if trainer.current_epoch == 1:
                raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fit, "ReportProgress", Stop)
        with pytest.raises(KeyboardInterrupt, match="--resume"):
            geoseg.train(place.image, place.labels, tmp_path / "cut", **options)
    with pytest.raises(OptionError, match="had another adversarial"):
        geoseg.train(place.image, place.labels, tmp_path / "cut", resume=True, **(options | {"adversarial": 0.1}))
    again = state(geoseg.train(place.image, place.labels, tmp_path / "cut", resume=True, **options))
    whole = state(trained)
    assert all(torch.equal(whole[name], again[name]) for name in whole)


def test_scenes_without_labels_are_told_from_labelled_ones(place, options, tmp_path):
    more = {"unlabelled": place.image, "epochs": 1}
    model = geoseg.train(place.image, place.labels, tmp_path / "model", **(options | more))
    log = next(model.folder.glob("logs/*/metrics.csv")).read_text("utf-8").splitlines()[0].split(",")
    assert {"adversarial_loss", "scenes_loss", "unlabelled_loss"} <= set(log)


@pytest.mark.parametrize(("given", "weight"), [(["--adversarial"], 0.01), (["--adversarial", "0.2"], 0.2), ([], None)])
def test_the_command_line(given, weight, place, monkeypatch):
    from geoseg.cli import main

    seen = {}
    monkeypatch.setattr(import_module("geoseg.train"), "train", lambda *_, **values: seen.update(values))
    with pytest.raises(SystemExit) as done:
        main(["train", "--images", str(place.image), *given, "--labels", str(place.labels), "-o", "out"])
    assert done.value.code == 0
    assert seen["adversarial"] == weight


@pytest.mark.parametrize("weight", [0, -1.0, float("nan"), float("inf")])
def test_weights_that_are_none(weight, place):
    with pytest.raises(OptionError, match=r"adversarial must be positive, got .*: 0\.01 is usual"):
        geoseg.train(place.image, place.labels, adversarial=weight)
