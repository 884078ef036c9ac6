"""Run the self-test in a process of its own: a driver that hangs or a library that crashes does not take us along.

The process prints one JSON object a line: ``{"begin": NAME}`` when a step begins, then ``{"step": NAME, "text": …,
"value": …, "seconds": …, "status": …, "remedy": …}``; ``{"device": NAME, …}`` per device; ``{"end": true}`` at last.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from geoseg.errors import one_line
from geoseg.system.doctor.entry import UNFINISHED, Entry

_REINSTALL = (
    "make a fresh environment and install geoseg there (python -m venv …); if it stays, report it with the text of "
    "geoseg doctor --support"
)


def probe(
    command: Sequence[str], limit: float, began: Callable[[str], None] | None = None
) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Run the self-test; return the devices that it found, and its steps.

    Parameters
    ----------
    command
        Program and arguments.
    limit
        Seconds after which it is ended.
    began
        Called with the name of each step.
    """
    start = time.monotonic()
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, encoding="utf-8", errors="replace",
        )  # fmt: skip
    except OSError as error:
        return (), (Entry("start", f"Python does not start: {one_line(error)}", None, "error", _REINSTALL),)
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(limit, end)
    timer.start()
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
    reader.start()
    devices: list[Entry] = []
    steps: list[Entry] = []
    running, complete = "start", False
    try:
        for line in process.stdout or ():
            fact = _fact(line)
            if fact is None:
                continue
            if "begin" in fact:
                running = str(fact["begin"])
                if began is not None:
                    began(running)
            elif "device" in fact:
                devices.append(_entry(str(fact["device"]), fact))
            elif "step" in fact:
                steps.append(_entry(str(fact["step"]), fact))
                running = "end"
            elif "end" in fact:
                complete = True
        code = process.wait()
    finally:
        timer.cancel()
        if process.poll() is None:  # interrupted
            process.kill()
            process.wait()
        reader.join(5)
    seconds = time.monotonic() - start
    if not complete:
        steps.append(_end(code, running, said, limit if late.is_set() else None))
    steps.append(Entry("time", f"{seconds:.1f} s", round(seconds, 2)))
    return tuple(devices), tuple(steps)


def _fact(line: str) -> dict[str, Any] | None:
    """Return what a line says; None for what a library printed."""
    try:
        fact = json.loads(line)
    except ValueError:
        return None
    return fact if isinstance(fact, dict) else None


def _entry(name: str, fact: dict[str, Any]) -> Entry:
    seconds = f" ({fact['seconds']:.1f} s)" if "seconds" in fact else ""
    status = fact.get("status", "ok")
    return Entry(name, f"{fact['text']}{seconds}", fact.get("value"), status, str(fact.get("remedy", "")))


def _end(code: int, running: str, said: Sequence[str], limit: float | None) -> Entry:
    """Return why the self-test did not come to its end."""
    if limit is not None:
        text = f"not finished after {limit:g} s"
        remedy = "a first start after the installation, slow disks and busy machines take longer: try --timeout 2min"
        return Entry(running, text, UNFINISHED, "error", remedy)
    last = next((line.strip() for line in reversed(said) if line.strip()), "")
    if code < 0 or code >= 0xC0000000:  # a signal, or a Windows exception such as 0xC0000005
        name = f"signal {-code}" if code < 0 else f"0x{code & 0xFFFFFFFF:08X}"
        text = f"Python crashed ({name})"
        return Entry(running, f"{text}{': ' + last if last else ''}", None, "error", _crash_remedy())
    return Entry(running, last or f"ended early, with exit code {code}", None, "error", _REINSTALL)


def _crash_remedy() -> str:
    return (
        _REINSTALL if sys.platform != "win32" else f"install Microsoft's Visual C++ Redistributable; else {_REINSTALL}"
    )
