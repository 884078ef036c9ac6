"""The child process: its events, its end, and that nothing of it is left, whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest
from geoseg_qgis.runner import (
    Cancelled,
    Child,
    Outcome,
    RunError,
    clean_environment,
    geoseg_command,
    hide_secrets,
    run,
    shown,
)

from tests.qgis_plugin.conftest import PLUGIN, alive, wait_for

posix = pytest.mark.skipif(os.name == "nt", reason="process groups of POSIX")


def _drain(child):
    events = []
    while not child.ended:
        events += child.poll(0.1)
    return events


def test_events_log_and_result(fake):
    seen = []
    (result,) = run(fake(), seen.append)
    assert result["outputs"] == {"classes": "ü.tif"}
    kinds = [event["event"] for event in seen]
    assert kinds.count("progress") == 3
    assert kinds[0] == "start" or seen[0]["stream"] == "err"
    log = {event["message"]: event["stream"] for event in seen if event["event"] == "log"}
    assert log == {"noise on stdout {not json": "out", "a line for people: Größe": "err"}


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ("fail", "weights are damaged"),
        ("plain", "no model is called 'nix'"),
        ("crash", "ended by the system (signal 9)"),
    ],
)
@posix
def test_failures_are_one_line(fake, wish, message):
    with pytest.raises(RunError) as caught:
        run(fake(wish))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, Cancelled)


def test_of_several_errors_the_reason_comes_first_and_nothing_twice():
    outcome = Outcome(["geoseg"])
    for message in ("b.tif lacks bands", "b.tif lacks bands", "nothing is compared"):
        outcome.take("out", json.dumps({"event": "error", "message": message}))
    assert outcome.said_error == "b.tif lacks bands\nnothing is compared"


def test_a_program_that_is_not_there(tmp_path):
    with pytest.raises(RunError, match=r"cannot start .*nothing"):
        run([str(tmp_path / "nothing")])


def test_polling_never_blocks(fake):
    child = Child(fake("long"))
    try:
        slowest = 0.0
        end = time.monotonic() + 2
        while time.monotonic() < end:
            before = time.perf_counter()
            child.poll()
            slowest = max(slowest, time.perf_counter() - before)
            time.sleep(0.01)
        assert not child.ended
        assert slowest < 0.25  # machines that run tests stall; QGIS's own loop is measured in the window test
    finally:
        child.close()
    assert child.ended


@posix
def test_a_program_can_be_left_without_waiting_for_its_end(fake):
    child = Child(fake("long", "grandchild", "deaf"))
    said = []
    wait_for(lambda: said.extend(child.poll()) or any(event["event"] == "progress" for event in said))
    grandchild = next(int(e["message"]) for e in said if e["event"] == "info" and e["message"].isdigit())
    child.leave()
    assert child.ended
    assert child.error == "cancelled"
    assert child.poll() == []
    wait_for(lambda: not alive(child.pid) and not alive(grandchild))


@pytest.mark.parametrize("deaf", [False, True])
@posix
def test_cancel_leaves_nothing(fake, deaf):
    child = Child(fake("long", "grandchild", *(["deaf"] if deaf else [])))
    said = []
    wait_for(lambda: said.extend(child.poll()) or any(event["event"] == "progress" for event in said))
    grandchild = next(int(e["message"]) for e in said if e["event"] == "info" and e["message"].isdigit())
    assert alive(child.pid)
    assert alive(grandchild)
    asked = time.monotonic()
    child.cancel()
    _drain(child)
    assert time.monotonic() - asked < 60  # three seconds of grace; machines that run tests stall
    wait_for(lambda: not alive(child.pid) and not alive(grandchild))
    with pytest.raises(Cancelled):
        child.raise_for_error()


@posix
def test_a_grandchild_that_keeps_the_pipes_does_not_hold_us(fake):
    child = Child(fake("grandchild"))
    started = time.monotonic()
    events = _drain(child)
    assert time.monotonic() - started < 60
    assert child.code == 0
    pid = next(int(e["message"]) for e in events if e["event"] == "info")
    wait_for(lambda: not alive(pid))


def test_time_limit(fake):
    child = Child(fake("long"), limit=0.5)
    _drain(child)
    with pytest.raises(RunError, match=r"did not answer within 0 s|did not answer within 1 s") as caught:
        child.raise_for_error()
    assert not isinstance(caught.value, Cancelled)


def test_cancelling_a_blocking_run(fake):
    seen = []
    with pytest.raises(Cancelled):
        run(fake("long"), seen.append, lambda: len(seen) > 4)


_PARENT = """
import sys, time
sys.path.insert(0, {plugin!r})
from geoseg_qgis.runner import Child
child = Child({command!r})
print(child.pid, flush=True)
while not child.ended:
    child.poll(0.1)
"""


@pytest.mark.parametrize("real", [False, True])
def test_it_dies_with_a_parent_that_is_killed(fake, tmp_path, real, reflectance):
    """The parent gets no chance to clean up: kill -9."""
    command = fake("long", "--die-with-parent")
    if real:
        scene = reflectance(tmp_path / "scene.tif", 3000, 3000, nodata=False)
        arguments = ["segment", str(scene), "-o", str(tmp_path / "out"), "-m", "spectral", "--progress", "json"]
        command = geoseg_command(sys.executable, [*arguments, "--device", "cpu", "--precision", "fp32"])
    code = _PARENT.format(plugin=str(PLUGIN), command=command)
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        child = int(parent.stdout.readline())
        time.sleep(1.0 if real else 0.5)  # geoseg watches from its first moments; it need not be far
        assert alive(child)
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not alive(child), 30)


def test_any_command_of_geoseg_may_be_tied_to_us():
    (line,) = _all(geoseg_command(sys.executable, ["model", "list", "--json"]))
    models = json.loads(line["message"])
    assert any(model["default"] for model in models)


def _all(command):
    seen = []
    child = Child(command)
    while not child.ended:
        seen += child.poll(0.1)
    child.raise_for_error()
    return seen


def test_environment_of_qgis_does_not_reach_the_child(fake, monkeypatch):
    for name in ("PROJ_LIB", "PYTHONHOME", "PYTHONPATH", "LD_PRELOAD", "GDAL_DATA", "QT_PLUGIN_PATH", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "/wrong")
    monkeypatch.setenv("SSL_CERT_FILE", "/not/there")
    for name in ("GDAL_CACHEMAX", "AWS_PROFILE", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "mine")
    events = []
    run(fake("environment"), events.append)
    (env,) = [json.loads(e["message"]) for e in events if e["event"] == "info"]
    assert not {"PROJ_LIB", "PYTHONHOME", "PYTHONPATH", "LD_PRELOAD", "GDAL_DATA", "QT_PLUGIN_PATH"} & set(env)
    assert "SSL_CERT_FILE" not in env
    assert (env["GDAL_CACHEMAX"], env["AWS_PROFILE"], env["HTTPS_PROXY"]) == ("mine", "mine", "mine")


def test_real_geoseg_works_in_a_spoiled_environment(tmp_path, reflectance, monkeypatch):
    for name in ("PROJ_LIB", "PROJ_DATA", "PYTHONHOME", "PYTHONPATH", "GDAL_DATA"):
        monkeypatch.setenv(name, str(tmp_path))
    scene = reflectance(tmp_path / "scène (1).tif")
    (event,) = _all(geoseg_command(sys.executable, ["inspect", str(scene), "--json"]))
    facts = json.loads(event["message"]) if event["event"] == "log" else event
    assert facts["fits"]
    assert facts["raster"]["crs"] == "EPSG:32633"


def test_osgeo4w_is_taken_off_the_path():
    sep = os.pathsep
    base = {"OSGEO4W_ROOT": "/OSGeo4W", "PATH": sep.join(["/osgeo4w/bin", "/usr/bin", "/OSGeo4W/apps/Python312"])}
    assert clean_environment(base)["PATH"] == "/usr/bin"


def test_threads_sleep_while_they_wait():
    """Spinning threads take the processor from QGIS; who has chosen otherwise keeps it."""
    assert clean_environment({})["OMP_WAIT_POLICY"] == "PASSIVE"
    assert clean_environment({"OMP_WAIT_POLICY": "ACTIVE"})["OMP_WAIT_POLICY"] == "ACTIVE"


def test_secrets_are_not_shown():
    assert hide_secrets("http://me:secret@proxy:3128/x") == "http://***@proxy:3128/x"
    assert hide_secrets("https://host/a@b") == "https://host/a@b"
    assert shown(["uv", "--proxy", "https://u:p@h:3128", "C:/a b"]) == 'uv --proxy https://***@h:3128 "C:/a b"'
