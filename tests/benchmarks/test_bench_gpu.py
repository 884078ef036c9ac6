"""The script for machines with a GPU runs from end to end here, with the CPU in the GPU's place."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

SCRIPT = Path(__file__).with_name("bench_gpu.py")


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    return importlib.import_module("bench_gpu")


def test_forward_passes_and_copies_of_a_device_that_only_seems_to_be_there(bench):
    module = torch.nn.Conv2d(4, 6, 3, padding=1)
    setting = bench.Setting(bench.Fake(), 16, 2, 0.0, time.monotonic() + 600)
    for row in (("net", way, precision, last) for way in ("autocast", "half", "graph") for precision in ("fp32", "bf16")
                for last in (True, False)):  # fmt: skip
        assert bench.forward_rate({"net": module}, setting, row) > 0
    assert isinstance(
        bench.forward_rate({"net": torch.nn.Conv2d(3, 6, 3)}, setting, ("net", "half", "fp32", True)), str
    )
    over = bench.Setting(bench.Fake(), 16, 2, 0.0, time.monotonic() - 1)
    assert bench.forward_rate({"net": module}, over, ("net", "half", "fp32", True)) == "no time left"
    assert all(value > 0 for value in bench.copies(module, setting).values())
    assert module.weight.dtype == torch.float32


@pytest.mark.slow
def test_every_line_runs_without_a_gpu(tmp_path):
    output = tmp_path / "gpu.json"
    command = [sys.executable, str(SCRIPT), "--quick", "--folder", str(tmp_path), "--output", str(output)]
    environment = os.environ | {"GEOSEG_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stderr[-2000:]
    found = json.loads(output.read_text())
    rates = found["forward"]
    assert {name.split()[1] for name in rates} == {"autocast", "half", "graph", "tensorrt", "compile"}
    # Only what is not installed may be missing.
    assert all(isinstance(rate, float) and rate > 0 for name, rate in rates.items() if "tensorrt" not in name), rates
    assert all(value > 0 for value in found["copies"].values())
    assert set(found["scene"]["alone"]) == {
        "decode, all cores", "copy up, pinned", "forward pass", "copy down", "write, all cores"
    }  # fmt: skip
    assert found["scene"]["seconds"] > 0
    assert not list(tmp_path.glob("tmp*"))
