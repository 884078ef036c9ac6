"""OpenVINO beside torch under ``--runtime auto``: what is timed, what is compared, what is said."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

import geoseg
from geoseg.models import Execution, Model, choose_execution
from geoseg.models.inference import agreement, bench, calibrate
from geoseg.models.inference.agreement import Agreement, Sample, compare
from geoseg.models.inference.execution import measured_candidates
from geoseg.models.inference.predictor import Predictor
from geoseg.segment.inspection import inspect_scene
from geoseg.segment.plan import Options, make_plan
from tests.models.conftest import identity_model

openvino = pytest.mark.skipif(not calibrate.is_installed("openvino"), reason="the extra openvino")


@pytest.fixture
def rates(monkeypatch):
    """Pretend how fast each runtime is."""
    found = {"torch": 1.0, "openvino": 1.0}
    monkeypatch.setattr(bench.Bench, "timed", lambda _, execution: found[execution.runtime])
    monkeypatch.setattr(calibrate, "_LONG", 0.0)
    return found


def choose(model, **options):
    return choose_execution(model, (64, 64), dtype=np.uint16, **{"device": "cpu", **options})


# What counts as the same map ----------------------------------------------------------------------------------------


class Shifted(torch.nn.Module):
    """Logits of the bands, the first of them a little higher."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def forward(self, x):
        return torch.cat([x[:, :1] + self.by, x[:, 1:]], 1)


def predictors(*shifts):
    return [Predictor(identity_model(module=Shifted(by)), [(1.0, 0.0)] * 3, Execution()) for by in shifts]


def sample(logits, valid=None):
    data = np.asarray(logits, np.float32).T.reshape(1, 3, 1, -1)
    valid = np.ones(data[:, 0].shape, bool) if valid is None else valid
    return Sample(data, valid, [(1.0, 0.0)] * 3)


def test_ties_may_go_either_way_and_clear_classes_not():
    ties = sample([[1.0, 1.05, 0.0]] + [[3.0, 0.0, 0.0]] * 99)
    found = compare(*predictors(0.0, 0.1), ties)
    assert found.differing == 0.01
    assert found.clear == 0
    assert found.same
    clear = sample([[0.0, 1.0, 0.0]] + [[3.0, 0.0, 0.0]] * 99)
    found = compare(*predictors(0.0, 1.1), clear)
    assert found.differing == found.clear == 0.01
    assert not found.same


def test_confidence_counts():
    surely = sample([[1.0, 0.0, 0.0]] * 50)
    assert compare(*predictors(0.0, 0.0), surely).confidence < 0.3
    found = compare(*predictors(0.0, 0.5), surely)
    assert found.differing == 0
    assert not found.same
    assert "0.00% other classes, confidence off by 11 % on average" in str(found)


def test_invalid_pixels_do_not_count():
    valid = np.array([[[True, False]]])
    found = compare(*predictors(0.0, 5.0), sample([[9.0, 0.0, 0.0], [0.0, 1.0, 0.0]], valid))
    assert found.differing == 0
    assert compare(*predictors(0.0, 5.0), sample([[0.0, 1.0, 0.0]], np.zeros((1, 1, 1), bool))).same


# The choice ---------------------------------------------------------------------------------------------------------


@openvino
@pytest.mark.parametrize(("rate", "runtime"), [(3.0, "openvino"), (1.04, "torch"), (0.5, "torch")])
def test_the_faster_runtime_is_taken(rates, rate, runtime):
    rates["openvino"] = rate
    model = identity_model()
    found = choose(model)
    assert found.runtime == runtime
    assert found.candidates == {"torch fp32": 1.0, "OpenVINO fp32": rate}
    assert f"{rate:.2f} times as fast as torch" in found.reason
    assert ("OpenVINO not used" in found.reason) == (runtime == "torch")
    assert measured_candidates(model, (64, 64), "cpu") == found.candidates
    assert choose(model, runtime="torch").runtime == "torch"
    rates["openvino"] = 100.0
    assert choose(model) == found, "measured once"
    assert choose(model).reason == found.reason


@openvino
@pytest.mark.parametrize(
    ("before", "last"), [([], 60e6), ([40e6], 20e6), ([20e6] * 2, 30e6), ([1e6] * 599, 1e6)], ids=str
)
def test_short_runs_do_not_pay_for_the_search_until_they_add_up(rates, monkeypatch, before, last):
    monkeypatch.setattr(calibrate, "_LONG", 60.0)
    rates["openvino"] = 3.0
    model = identity_model()
    for pixels in before:  # at 1 Mpx/s
        short = choose(model, pixels=pixels)
        assert short.runtime == "torch"
        assert short.candidates == {}
    assert choose(model, pixels=last).runtime == "openvino"
    assert choose(model, pixels=1e6).runtime == "openvino", "what is known is used"


@openvino
def test_a_preview_does_not_wait_for_the_search(rates, monkeypatch):
    monkeypatch.setattr(calibrate, "_LONG", 60.0)
    rates["openvino"] = 3.0
    model = identity_model()
    choose(model, pixels=59e6)
    assert choose(model, pixels=1.9e6).runtime == "torch"
    assert choose(model, pixels=2e6).runtime == "openvino"


@openvino
def test_another_map_is_refused_however_fast(rates, monkeypatch):
    rates["openvino"] = 9.0
    monkeypatch.setattr(bench, "compare", lambda *_: Agreement(0.03, 0.02, 0.5))
    found = choose(identity_model())
    assert found.runtime == "torch"
    assert "OpenVINO not used: 9.00 times as fast as torch, but on a sample 3.00% other classes" in found.reason


@openvino
def test_the_scene_is_what_is_compared(rates):
    rates["openvino"] = 2.0
    pixels = sample([[1.0, 0.0, 0.0]] * 4)
    asked = []
    compared = []

    def pixels_of_the_scene():
        asked.append(1)
        return pixels

    original = agreement.compare
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "compare", lambda *what: compared.append(what[2]) or original(*what))
        for _ in range(2):
            assert choose(identity_model(), sample=pixels_of_the_scene).runtime == "openvino"
    assert asked == [1], "only where something is measured"
    assert compared == [pixels]


@openvino
def test_a_model_that_cannot_be_converted_falls_back_with_a_line(rates):
    class Sorting(torch.nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else x.clone()  # control flow by value cannot be traced

    rates["openvino"] = 9.0
    found = choose(identity_model(module=Sorting().eval()))
    assert found.runtime == "torch"
    assert "OpenVINO not used: model 'identity' cannot be converted for OpenVINO: " in found.reason
    assert "use --runtime" not in found.reason
    assert "\n" not in found.reason


def test_without_openvino_nothing_is_said(rates, monkeypatch):
    monkeypatch.setattr(calibrate, "is_installed", lambda _: False)
    found = choose(identity_model())
    assert found.runtime == "torch"
    assert "OpenVINO" not in found.reason
    assert found.candidates == {}


@openvino
def test_networks_without_context_and_half_precision_that_is_not_native_have_no_rival(rates, monkeypatch):
    monkeypatch.setattr("geoseg.models.runtimes.openvino_devices.openvino_supports", lambda *_: False)
    rates["openvino"] = 9.0
    assert choose(geoseg.load_model("spectral")).runtime == "torch"
    assert choose(identity_model(), precision="bf16").runtime == "torch"


@pytest.mark.slow
@openvino
def test_inspect_and_report_show_every_rate(rates, tmp_path, reflectance):
    rates["openvino"] = 2.5
    scene = reflectance(tmp_path / "scene.tif", 96, 96)
    assert "runtimes" not in inspect_scene(scene, "landcover", {}, Options(device="cpu")).as_text()
    execution = make_plan(scene, "landcover", Options(device="cpu")).execution()
    assert execution.runtime == "openvino"
    found = inspect_scene(scene, "landcover", {}, Options(device="cpu"))
    assert "  runtimes    torch fp32 1, OpenVINO fp32 2.5 Mpx/s measured" in found.as_text()
    assert found.as_dict()["run"]["runtimes"] == {"torch fp32": 1.0, "OpenVINO fp32": 2.5}


_PROGRAM = """
import sys
from geoseg.cli import main
try:
    main()
finally:
    print("torch" in sys.modules, "openvino" in sys.modules, file=sys.stderr)
"""


@openvino
@pytest.mark.slow
def test_the_next_run_needs_no_torch(rates, tmp_path, reflectance):
    """torch takes seconds to import, which a preview must not cost."""
    rates["openvino"] = 2.5
    scene = reflectance(tmp_path / "scene.tif", 96, 96)
    assert make_plan(scene, "landcover", Options(device="cpu")).execution().runtime == "openvino"
    command = [sys.executable, "-c", _PROGRAM, "segment", str(scene), "--device", "cpu", "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "False True", done.stderr
    assert (tmp_path / "out" / "scene_classes.tif").exists()


def test_a_damaged_record_shows_no_rates():
    from geoseg.models.inference.execution import measured_window
    from geoseg.system import cache

    model: Model = identity_model()
    for value in ("fast", {"torch fp32": "fast"}, [1.0]):
        cache.store({"rate": 1.0, "candidates": value}, "rate", model.fingerprint,
                    measured_window(model.card, (64, 64)), "auto", "auto", "auto")  # fmt: skip
        assert measured_candidates(model, (64, 64)) == {}
