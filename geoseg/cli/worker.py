"""``geoseg worker``: one process that runs command lines one after the other, for programs that call geoseg often.

Starting Python, loading PyTorch and the first forward pass take seconds, which a warm process saves. Each line on stdin
is a job, ``{"id": 7, "arguments": ["inspect", "scene.tif", "--json"]}``; what the command prints follows, then
``{"event":"done","id":7,"code":0}`` on stdout. ``{"cancel": 7}`` interrupts job 7 as Ctrl-C does, as soon as the
libraries that compute let it; it ends with code 130, and the process stays. The process ends with stdin, and by
SIGINT or SIGTERM, also in the middle of a job.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

import click

from geoseg.progress import PROTOCOL
from geoseg.system.interrupts import postponed, send


@click.command(hidden=True)
def worker() -> None:
    """Run command lines read from stdin as JSON."""
    jobs = _Jobs()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, jobs.interrupted)
        signal.signal(signal.SIGTERM, jobs.ended)
    threading.Thread(target=_read, args=(jobs,), name="worker-stdin", daemon=True).start()
    _load()
    _say("ready", protocol=PROTOCOL, cancel=True)
    while True:
        number, arguments = jobs.next()
        if arguments is None:
            _say("done", id=None, code=2)
            continue
        code = jobs.run(number, arguments)
        if jobs.ending:  # who sent the signal waits for the end of the process
            raise KeyboardInterrupt
        _give_back_memory()
        _say("done", id=number, code=code)


class _Jobs:
    """Lines of stdin, which a thread hands over, and the job that runs in the main thread."""

    def __init__(self) -> None:
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._cancelled: set[Any] = set()
        self._running: Any = None
        self._wanted: Any = None
        self.ending = False  # by a signal from outside

    def take(self, line: bytes) -> None:
        """Take a line; one that cancels a job is followed at once."""
        with suppress(ValueError, TypeError, KeyError):
            number = json.loads(line)["cancel"]
            self._cancelled.add(number)
            if number == self._running:
                self._wanted = number
                send(signal.SIGINT)
            return
        self._lines.put(line)

    def next(self) -> tuple[Any, list[str] | None]:
        """Wait for a job and return its number and arguments; the latter are None if the line is no job."""
        try:
            job = json.loads(self._lines.get())
            return job["id"], [str(argument) for argument in job["arguments"]]
        except (ValueError, TypeError, KeyError):
            return None, None

    def run(self, number: Any, arguments: list[str]) -> int:
        """Run a job, unless it was cancelled before it began, and return its exit code."""
        try:
            self._running = number
            return 130 if number in self._cancelled else run_job(arguments)
        except KeyboardInterrupt:
            return 130
        finally:
            self._running = None
            self._cancelled.discard(number)

    def interrupted(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGINT: a job that is to be cancelled may have ended, and another one begun, since that was wanted."""
        if postponed(number, frame):
            return
        wanted, self._wanted = self._wanted, None
        self.ending = self.ending or wanted is None
        if self.ending or wanted == self._running:
            raise KeyboardInterrupt

    def ended(self, number: int, frame: FrameType | None) -> None:
        """Handle SIGTERM: the job tidies up, and the process ends."""
        if not self.ending and not postponed(number, frame):
            self.ending = True
            raise KeyboardInterrupt


def run_job(arguments: list[str]) -> int:
    """Run a command line in this process and return its exit code; the worker itself cannot be a job."""
    from geoseg.cli import _run

    if "worker" in arguments[:1]:
        return 2
    try:
        return _run([argument for argument in arguments if argument != "--die-with-parent"], debug=False)
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)


def _read(jobs: _Jobs) -> None:
    """Hand over lines of stdin; end this process and its children when stdin ends."""
    rest = b""
    with suppress(OSError, ValueError):
        # Not sys.stdin: see geoseg.cli.parent.
        while piece := os.read(sys.__stdin__.fileno(), 1 << 16) if sys.__stdin__ else b"":
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                jobs.take(line)
    from geoseg.cli.parent import end_now

    end_now()


def _load() -> None:
    """Import what nearly every job needs."""
    import torch

    import geoseg.job
    import geoseg.segment.inspection  # noqa: F401
    from geoseg.models import keep_memory
    from geoseg.models.inference.answers import keep_answers

    keep_memory()
    keep_answers()
    torch.get_num_threads()


def _give_back_memory() -> None:
    """Return freed memory to the system: the process may be idle for long."""
    from geoseg.models.inference.malloc import trim

    trim()


def _say(event: str, **facts: object) -> None:
    sys.stderr.flush()
    click.echo(json.dumps({"event": event, **facts}))
