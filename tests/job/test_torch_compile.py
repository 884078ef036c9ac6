"""--compile: taken where it gains and says the same, left with one line where not."""

from __future__ import annotations

import json

import pytest
import torch

from geoseg.errors import ModelError
from geoseg.job.batch import run
from geoseg.job.outputs import Products
from geoseg.job.request import Job
from geoseg.models import Execution
from geoseg.models.inference import calibrate, torch_compile
from geoseg.models.inference.agreement import Agreement
from geoseg.segment.plan import Options


@pytest.fixture
def rates(monkeypatch):
    """Let measuring say what the test wants: ``rates(before, after)``."""

    def arrange(before, after):
        def rate(_, execution):
            if isinstance(after, Exception) and execution.compile:
                raise after
            return after if execution.compile else before

        monkeypatch.setattr("geoseg.models.inference.bench.Bench.rate", rate)
        monkeypatch.setattr("geoseg.models.inference.bench.Bench.agreement", lambda *_: Agreement(0.0, 0.0, 0.0))

    return arrange


@pytest.mark.parametrize(
    ("after", "taken", "says"),
    [
        (3.0, True, "on a GPU; compiled, 1.50 times as fast"),
        (2.0, False, "on a GPU; not compiled: 1.00 times as fast"),
        (ModelError("no C++ compiler"), False, "on a GPU; not compiled: no C++ compiler"),
    ],
)
def test_compiled_if_it_gains(neighbour_model, rates, after, taken, says):
    rates(2.0, after)
    found = calibrate.with_compile(neighbour_model(), Execution(reason="on a GPU"), (64, 64), "uint8")
    assert found.compile == taken
    assert found.reason == says


def test_a_network_that_cannot_be_compiled_is_said_in_one_line(monkeypatch):
    def fails(module):
        def call(x):
            raise RuntimeError("\nInvalidCxxCompiler: no compiler found\nlong story")

        return call

    monkeypatch.setattr(torch, "compile", fails)
    with pytest.raises(ModelError, match=r"cannot be compiled here \(InvalidCxxCompiler: no compiler found\)"):
        torch_compile.compile_module(torch.nn.Identity(), torch.zeros(1), "x")


def test_a_run_falls_back(tmp_path, reflectance):
    options = Options(device="cpu", precision="fp32", compile=True)
    job = Job([reflectance(tmp_path / "scene.tif")], tmp_path / "out", "spectral", options=options)
    (result,) = run(job)
    assert result.status == "done", result.error
    report = json.loads(result.outputs["report"].read_text("utf-8"))
    assert "not compiled: the network has no context" in report["execution"]["reason"]
    assert not report["execution"]["compile"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_compiled_network_gives_the_same_map(tmp_path, scene, neighbour_model, monkeypatch):
    """With torch's own compiler, whatever it gains."""
    import numpy as np
    import rasterio

    monkeypatch.setattr("geoseg.models.inference.calibrate.GAIN", 0.0)
    raster = scene(150, 170)
    maps = []
    for compiled in (False, True):
        options = Options(device="cpu", precision="fp32", compile=compiled, window=64, margin=8)
        products = Products(polygons=False, preview=False)
        (result,) = run(Job([raster], tmp_path / str(compiled), neighbour_model(), options=options, products=products))
        assert result.status == "done", result.error
        assert result.report["execution"]["compile"] == compiled, result.report["execution"]["reason"]
        with rasterio.open(result.outputs["classes"]) as file:
            maps.append(file.read(1))
    assert np.array_equal(*maps)
