"""The choice of an execution: devices, cache, and that half precision must agree."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from geoseg.errors import OptionError
from geoseg.models import Execution, choose_execution, measured_rate
from geoseg.models.inference import bench, calibrate, device
from geoseg.models.inference.agreement import Agreement
from geoseg.models.inference.execution import measured_window
from geoseg.system.folders import user_folder
from geoseg.system.resources import cpu_count
from tests.models.conftest import identity_model


def choose(model, **options):
    return choose_execution(model, (64, 64), dtype=np.uint16, **options)


@pytest.fixture
def measured(monkeypatch):
    """Count measurements."""
    calls = []
    measure = calibrate._measure
    monkeypatch.setattr(calibrate, "_measure", lambda *args: calls.append(args) or measure(*args))
    return calls


def test_measured_once_then_remembered(measured):
    first, second = choose(identity_model(), device="cpu"), choose(identity_model(), device="cpu")
    assert len(measured) == 1
    assert first == second
    assert first.reason == second.reason
    assert first.device == "cpu"
    assert first.rate > 0
    assert first.streams * first.threads <= cpu_count()
    choose(identity_model(), device="cpu", precision="fp32")
    choose_execution(identity_model(), (128, 64), dtype=np.uint16, device="cpu")
    choose_execution(identity_model(), (64, 64), dtype=np.uint8, device="cpu")
    assert len(measured) == 4


def test_windows_of_about_a_size_share_a_measurement(measured):
    """A preview of another extent has another window, and must not cost the seconds of a measurement again."""
    for side in (512, 700, 811, 1023):
        choose_execution(identity_model(), (side, side), dtype=np.uint16, device="cpu")
    assert len(measured) == 1


@pytest.mark.parametrize("stride", [1, 32, 48])
@given(height=st.integers(1, 3000), width=st.integers(1, 3000))
def test_measured_windows(stride, height, width):
    card = identity_model().card.model_copy(update={"stride": stride})
    shape = tuple(max(side // stride * stride, stride) for side in (height, width))
    found = measured_window(card, shape)
    assert all(side % stride == 0 for side in found)
    for side, whole in zip(found, shape, strict=True):
        assert min(whole, 1024 // stride * stride) / 2 - stride <= side <= whole


def test_the_rate_is_known_afterwards():
    model = identity_model()
    assert measured_rate(model, (64, 64), "cpu") is None
    assert choose(model, device="cpu").rate * 1e6 == measured_rate(model, (64, 64), "cpu")
    assert measured_rate(model, (64, 64), "cpu", "fp32") is None


def test_a_rate_of_other_windows_is_better_than_none():
    model = identity_model()
    small = choose_execution(model, (256, 256), dtype=np.uint16, device="cpu").rate
    assert measured_rate(model, (1088, 1088), "cpu") is None
    assert measured_rate(model, (1088, 1088), "cpu", other_windows=True) == small * 1e6
    large = choose_execution(model, (1088, 1088), dtype=np.uint16, device="cpu").rate
    assert measured_rate(model, (1088, 1088), "cpu", other_windows=True) == large * 1e6
    assert measured_rate(model, (256, 256), "cpu") == small * 1e6


def test_a_damaged_cache_is_measured_again(measured):
    choose(identity_model(), device="cpu", runtime="torch")
    (entry,) = (user_folder("cache") / "executions").iterdir()
    good = json.loads(entry.read_text())
    for text in ("{", "[]", json.dumps(good | {"batch": 0}), json.dumps(good | {"colour": "red"})):
        entry.write_text(text)
        choose(identity_model(), device="cpu", runtime="torch")
    assert len(measured) == 5
    assert json.loads(entry.read_text()).keys() == good.keys()


def test_a_cache_that_cannot_be_written_is_no_error():
    folder = user_folder("cache")
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder should be")
    assert choose(identity_model(), device="cpu").device == "cpu"


def test_devices_that_are_not_here(monkeypatch):
    with pytest.raises(OptionError, match="device 'tpu' is unknown: use auto, cpu, cuda, cuda:N or mps"):
        choose(identity_model(), device="tpu")
    monkeypatch.setattr(device, "cuda_missing", lambda: "no NVIDIA GPU with a working driver was found")
    monkeypatch.setattr(device, "_mps", lambda: False)
    with pytest.raises(OptionError, match=r"'cuda:1' cannot be used: no NVIDIA GPU .*; use one of cpu"):
        choose(identity_model(), device="cuda:1")
    with pytest.raises(OptionError, match="needs a Mac"):
        choose(identity_model(), device="mps")
    assert "CUDA not used: no NVIDIA GPU" in choose(identity_model()).reason


def test_precisions_that_are_not_here():
    with pytest.raises(OptionError, match="precision 'int4' is unknown"):
        choose(identity_model(), precision="int4")
    with pytest.raises(OptionError, match="precision fp16 is not supported on cpu"):
        choose(identity_model(), device="cpu", precision="fp16")
    assert choose(identity_model(), device="cpu", precision="bf16").precision == "bf16"


class Fickle(torch.nn.Module):
    """Votes for another class in half precision."""

    def forward(self, x):
        y = torch.zeros_like(x)
        y[:, int(torch.is_autocast_enabled("cpu"))] = 1
        return y


@pytest.mark.parametrize(("net", "precision"), [(Fickle(), "fp32"), (None, "bf16")])
def test_half_precision_must_agree(monkeypatch, net, precision):
    """Half precision that is twice as fast is taken only if it gives the same classes."""
    time = bench.Bench.timed

    def pretend(self, execution):
        time(self, execution)
        return 2.0 if execution.precision == "bf16" else 1.0

    monkeypatch.setattr(bench.Bench, "timed", pretend)
    # OpenVINO's graph is traced in fp32, where the network is not fickle.
    assert choose(identity_model(module=net), device="cpu", runtime="torch").precision == precision


@pytest.mark.parametrize(
    ("net", "loss", "precision"),
    [(Fickle(), 0.001, "bf16"), (None, 0.02, "fp32"), (None, "nan", "bf16"), (Fickle(), True, "fp32")],
)
def test_a_loss_on_labelled_windows_decides(monkeypatch, net, loss, precision):
    """What the card says is believed, and what is no number is not."""
    time = bench.Bench.timed

    def pretend(self, execution):
        time(self, execution)
        return 2.0 if execution.precision == "bf16" else 1.0

    monkeypatch.setattr(bench.Bench, "timed", pretend)
    model = identity_model(module=net, metrics={"half_precision": {"bf16": {"mean_iou_loss": loss}}})
    assert choose(model, device="cpu", runtime="torch").precision == precision


@pytest.mark.parametrize(("loss", "taken"), [(0.02, False), (0.001, True)])
def test_openvino_is_compared_although_the_card_speaks_of_torch_unless_that_lost(monkeypatch, loss, taken):
    compared = []
    monkeypatch.setattr(bench.Bench, "agreement", lambda _, other: compared.append(other) or Agreement(0.0, 0.0, 0.0))
    model = identity_model(metrics={"half_precision": {"bf16": {"mean_iou_loss": loss}}})
    found = bench.Bench(model, (64, 64), np.dtype("uint16"), 1.0)._agrees(
        Execution(precision="bf16", runtime="openvino")
    )
    assert found is taken
    assert len(compared) == taken


@pytest.mark.parametrize(("gain", "streams"), [(1.2, 3), (2.0, 1)])
def test_threads_that_share_a_pass_must_gain_much(monkeypatch, gain, streams):
    """They stand still in a whole run while one of them reads or writes, which the measurement does not see."""
    monkeypatch.setattr(calibrate, "cpu_count", lambda: 3)
    monkeypatch.setattr(bench.Bench, "timed", lambda _, execution: gain if execution.threads > 1 else 1.0)
    found = choose(identity_model(), device="cpu", precision="fp32")
    assert (found.streams, found.threads) == (streams, 3 // streams)
    assert f"{streams} × {3 // streams} threads" in found.reason


def test_fewer_streams_have_more_threads():
    one = Execution(streams=5, threads=2, reason="5 × 2 threads")
    assert one.with_streams(5) is one.with_streams(9) is one
    assert one.with_streams(3) == Execution(streams=3, threads=3)
    assert one.with_streams(1).reason == "1 × 10 threads"


def test_executions_are_checked():
    with pytest.raises(OptionError, match="batch must be at least 1, got 0"):
        Execution(batch=0)
    with pytest.raises(OptionError, match="precision 'auto' is unknown"):
        Execution(precision="auto")


def test_one_moment_in_which_everything_stood_still_decides_nothing(monkeypatch):
    monkeypatch.setattr(calibrate, "cpu_count", lambda: 3)
    measured = []

    def time(_, execution):
        measured.append(execution)
        stood_still = execution.streams > 1 and measured.count(execution) == 1
        return 0.1 if stood_still else 1.0

    monkeypatch.setattr(bench.Bench, "timed", time)
    assert choose(identity_model(), device="cpu", precision="fp32").shares == "3 × 1 threads"
