"""The plugin's modules without qgis, under any Python; a stand-in for geoseg; a wheel of a stand-in."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from tests.qgis_plugin.stand_in import stand_in_wheel

PLUGIN = Path(__file__).resolve().parents[2] / "qgis_plugin"
sys.path.insert(0, str(PLUGIN))

# What it does is said by its arguments; it speaks geoseg's protocol.
FAKE = r"""
import json, os, subprocess, sys, threading, time
def say(event, **facts):
    print(json.dumps({"event": event, **facts}, ensure_ascii=False), flush=True)
def watch():
    while sys.stdin.buffer.read(1):
        pass
    os._exit(130)
wishes = sys.argv[1:]
if "--die-with-parent" in wishes:
    threading.Thread(target=watch, daemon=True).start()
say("start", protocol=1, pid=os.getpid())
if "grandchild" in wishes:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"], stdin=subprocess.DEVNULL)
    say("info", message=str(child.pid))
if "deaf" in wishes:
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("info", message="deaf")
print("noise on stdout {not json")
print("a line for people: Größe", file=sys.stderr, flush=True)
if "environment" in wishes:
    say("info", message=json.dumps(dict(os.environ)))
if "fail" in wishes:
    say("error", type="ModelError", message="weights are damaged")
    sys.exit(1)
if "plain" in wishes:
    sys.exit("error: no model is called 'nix'")
if "crash" in wishes:
    os.kill(os.getpid(), 9)
for number in range(300 if "long" in wishes else 3):
    say("progress", done=number, total=300, message=f"segment x: {number} Mpx/s")
    if "long" in wishes:
        time.sleep(0.1)
say("result", outputs={"classes": "ü.tif"}, classes={})
"""


@pytest.fixture
def fake(tmp_path: Path):
    """Make a command line of the stand-in: ``fake("long", "grandchild")``."""
    script = tmp_path / "fake geoseg.py"
    script.write_text(FAKE, "utf-8")

    def make(*wishes: str) -> list[str]:
        return [sys.executable, "-I", "-u", "-X", "utf8", str(script), *wishes]

    return make


def wait_for(condition, seconds: float = 30.0):
    """Wait until ``condition()`` is true and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"did not happen within {seconds} s")


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not yet waited for does not."""
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def wheels(tmp_path: Path):
    """Write a folder with a wheel called geoseg, which holds stand-ins of all that is probed."""

    def make(folder: str = "wheels", **changes: str) -> Path:
        return stand_in_wheel(tmp_path / folder, **changes).parent

    return make
