"""Standard streams that are hostile, full, closed or narrow: an exit code and at most one line, never a traceback."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from geoseg.cli import streams
from geoseg.cli.environment import prepare_libraries
from geoseg.cli.streams import GuardedStream, Interrupts, guarded_streams
from geoseg.errors import OutputError

ROOT = Path(__file__).resolve().parents[2]
SHELL = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")  # noqa: PTH110


class FullDisk(io.StringIO):
    """A stream whose disk is full."""

    def write(self, text):
        raise OSError(28, "No space left on device")


def test_control_characters_are_escaped_and_lines_stay():
    inner = io.StringIO()
    stream = GuardedStream(inner, "standard output")
    assert stream.write("a\tb\n\x1b[2J\x9b\u202e\udcff\r") == 12
    assert inner.getvalue() == "a\tb\n\\x1b[2J\\x9b\\u202e\\udcff\r"
    assert not hasattr(stream, "buffer")
    with pytest.raises(TypeError):
        stream.write(b"bytes go around the gate")


def test_a_full_disk_is_an_error_on_stdout_and_nothing_on_stderr():
    stream = GuardedStream(FullDisk(), "standard output")
    for _ in range(2):
        with pytest.raises(OutputError, match="standard output cannot be written: No space left"):
            stream.write("line")
    GuardedStream(FullDisk(), None).write("line")


def test_absent_streams_take_anything(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with guarded_streams():
        print("dropped")
        print("dropped", file=sys.stderr)
        assert not sys.stderr.isatty()
    assert sys.stdout is None


def test_the_third_ctrl_c_ends_the_process_at_once(monkeypatch):
    ended = []
    monkeypatch.setattr(streams.os, "_exit", ended.append)
    interrupts = Interrupts()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            interrupts()
    interrupts()
    assert ended == [130]


def test_a_proj_folder_without_database_is_ignored(monkeypatch, tmp_path, capsys):
    good = tmp_path / "good"
    good.mkdir()
    (good / "proj.db").touch()
    monkeypatch.setenv("PROJ_DATA", str(tmp_path))
    monkeypatch.setenv("PROJ_LIB", f"{tmp_path}{os.pathsep}{good}")
    monkeypatch.setenv("CPL_LOG", "")
    prepare_libraries(debug=False)
    assert "PROJ_DATA" not in os.environ
    assert os.environ["PROJ_LIB"].endswith("good")
    err = capsys.readouterr().err
    assert err.startswith(f"warning: PROJ_DATA={tmp_path} has no proj.db and is ignored; unset it")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "spins"), [({}, "30000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "active"}, None)]
)
def test_threads_of_torch_stop_spinning_early_unless_the_user_decides(monkeypatch, given, spins):
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # so that it is put back afterwards
        monkeypatch.delenv(name)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    prepare_libraries(debug=True)
    assert os.environ.get("GOMP_SPINCOUNT") == spins


# --- whole processes


def sh(command, cwd, **environment):
    geoseg = f"'{sys.executable}' -m geoseg"
    process = subprocess.run(
        ["/bin/sh", "-c", command.replace("GEOSEG", geoseg)],
        capture_output=True,
        check=False,
        timeout=120,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    err = process.stderr.decode("utf-8", "backslashreplace")
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    assert "unexpected" not in err
    return process.returncode, process.stdout, err


@SHELL
@FULL
@pytest.mark.parametrize(
    "command",
    [
        "GEOSEG model list --json >/dev/full",
        "GEOSEG --help >/dev/full",
        "GEOSEG segment none.tif -o out -m spectral --progress json >/dev/full",
    ],
)
def test_full_stdout(command, tmp_path):
    code, _, err = sh(command, tmp_path)
    assert code == 1
    assert err.splitlines()[-1].startswith("error: standard output cannot be written: No space left on device")
    assert err.count("error:") == 1


@SHELL
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("GEOSEG inspect none.tif -m spectral 2>&-", 1),
        ("GEOSEG inspect none.tif -m spectral >&- 2>&- <&-", 1),
        ("GEOSEG segment none.tif -o out -m spectral --progress json 2>&-", 1),
        ("GEOSEG model list >&-", 0),
    ],
)
def test_closed_streams(command, code, tmp_path):
    assert sh(command, tmp_path)[0] == code


@SHELL
def test_names_that_the_streams_cannot_encode(tmp_path):
    narrow = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    command = "GEOSEG segment 'é水.tif' \"$(printf '\\377.tif')\" -o out -m spectral --progress json"
    code, out, err = sh(command, tmp_path, **narrow)
    events = [json.loads(line) for line in out.decode("ascii").splitlines()]
    assert code == 1
    assert next(event["message"] for event in events if event["event"] == "error").startswith("é水.tif: no such file")
    assert err.isascii()
    assert err.count("error:") == 2


@SHELL
def test_a_deleted_working_folder(tmp_path):
    (tmp_path / "gone").mkdir()
    code, _, err = sh("cd gone && rmdir ../gone && GEOSEG inspect ../none.tif -m spectral", tmp_path)
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("error: ")


@SHELL
@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit the address space")
@pytest.mark.parametrize("command", ["segment s.tif -o out --no-polygons", "inspect s.tif"])
def test_600_mb_of_address_space(command, tmp_path, reflectance):
    reflectance(tmp_path / "s.tif", 48, 48)
    code, _, err = sh(
        f"ulimit -v 600000; GEOSEG {command} -m spectral", tmp_path, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1"
    )
    assert code in (0, 1)
    assert code == 0 or err.splitlines()[-1].startswith("error: out of memory"), err


@SHELL
def test_ctrl_c_three_times(tmp_path, reflectance):
    scene = reflectance(tmp_path / "big.tif", 400, 400)
    process = subprocess.Popen(
        [sys.executable, "-m", "geoseg", "segment", scene, "-o", tmp_path / "out", "-m", "spectral", "--device", "cpu",
         "--precision", "fp32", "--block", "32", "--progress", "json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )  # fmt: skip
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "progress" and event["message"].startswith("segment") and event["done"] >= 4:
            break
    for _ in range(5):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    _, err = process.communicate(timeout=60)
    # A signal during the last moments of an interpreter ends it as the system does.
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in err
