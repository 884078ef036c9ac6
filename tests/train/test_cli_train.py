"""``geoseg train`` as a user and the QGIS plugin call it."""

from __future__ import annotations

import importlib
import json
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from geoseg.cli.train import train

ENCODER = "tu-mobilenetv3_small_050"
ARGUMENTS = ["--encoder", ENCODER, "--window", "64", "--batch", "4", "--windows", "8", "--device", "cpu"]
ARGUMENTS += ["--block-size", "640"]


def test_images_and_labels_take_several_words(monkeypatch):
    seen = {}

    def fake(images, labels, output, **values):
        seen.update(images=images, labels=labels, output=str(output), **values)

    monkeypatch.setattr(importlib.import_module("geoseg.train"), "train", fake)
    words = [
        "--images",
        "a.tif",
        "b.tif",
        "--labels",
        "x.gpkg",
        "y.gpkg",
        "-o",
        "m",
        "--no-augment",
        "--bands",
        "red,nir",
    ]
    words += ["--from", "base", "--scale", "1/10000", "--license", "MIT", "--ignore", "0, 9", "--progress", "none"]
    result = CliRunner().invoke(train, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert seen["images"] == ["a.tif", "b.tif"]
    assert seen["labels"] == ["x.gpkg", "y.gpkg"]
    assert (seen["output"], seen["augment"], seen["base"], seen["licence"]) == ("m", 0.0, "base", "MIT")
    assert seen["reading"] == {"bands": "red,nir", "scale": 1e-4}
    assert seen["ignore"] == ("0", "9")


def test_json_events(place, tmp_path, capsys):
    from geoseg.cli import main

    command = ["train", "--images", str(place.image), "--labels", str(place.labels), "-o", str(tmp_path / "m")]
    command += ["--epochs", "1", "--progress", "json", *ARGUMENTS]
    with pytest.raises(SystemExit) as done:
        main(command)
    told = capsys.readouterr()
    assert done.value.code == 0, told.err
    events = [json.loads(line) for line in told.out.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds[0] == "start"
    assert {"start", "progress", "info", "result"} <= set(kinds)
    assert events[0]["protocol"] == 1
    assert events[-1]["outputs"]["model"] == str(tmp_path / "m")
    with pytest.raises(SystemExit) as done:
        main(command)
    told = capsys.readouterr()
    assert done.value.code == 1
    error = json.loads(told.out.splitlines()[-1])
    assert (error["event"], error["type"]) == ("error", "OutputError")
    assert told.err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_interrupted_and_resumed(place, tmp_path):
    command = [sys.executable, "-m", "geoseg", "train", "--images", str(place.image), "--labels", str(place.labels)]
    command += ["-o", str(tmp_path / "m"), "--epochs", "200", "--progress", "json", *ARGUMENTS]
    # A runner in the background ignores the signal, and what it starts inherits that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    signal.signal(signal.SIGINT, before)
    last = tmp_path / "m.training" / "last.ckpt"
    until = time.monotonic() + 600
    while not last.is_file() and time.monotonic() < until:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 130, errors
    assert "--resume" in errors
    assert not (tmp_path / "m").exists()
    command[command.index("200")] = "3"
    done = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False, timeout=800)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "m" / "model.json").is_file()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_processes_train_together(place, tmp_path):
    command = [sys.executable, "-m", "geoseg", "train", "--images", str(place.image), "--labels", str(place.labels)]
    command += ["-o", str(tmp_path / "m"), "--epochs", "2", "--devices", "2", "--progress", "json", *ARGUMENTS]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1700)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["metrics"]["pixels"] > 0
