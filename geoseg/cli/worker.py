"""``geoseg worker``: one process that runs command lines one after the other, for programs that call geoseg often.

Starting Python, loading PyTorch and the first forward pass take seconds, which a warm process saves. Each line on stdin
is a job, ``{"id": 7, "arguments": ["inspect", "scene.tif", "--json"]}``; what the command prints follows, then
``{"event":"done","id":7,"code":0}`` on stdout. The process ends with stdin, also in the middle of a job. To cancel a
job, end the process.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from contextlib import suppress

import click

from geoseg.progress import PROTOCOL


@click.command(hidden=True)
def worker() -> None:
    """Run command lines read from stdin as JSON."""
    jobs: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read, args=(jobs,), name="worker-stdin", daemon=True).start()
    _load()
    _say("ready", protocol=PROTOCOL)
    while True:
        line = jobs.get()
        try:
            job = json.loads(line)
            number, arguments = job["id"], [str(argument) for argument in job["arguments"]]
        except (ValueError, TypeError, KeyError):
            _say("done", id=None, code=2)
            continue
        code = run_job(arguments)
        _give_back_memory()
        _say("done", id=number, code=code)


def run_job(arguments: list[str]) -> int:
    """Run a command line in this process and return its exit code; the worker itself cannot be a job."""
    from geoseg.cli import _run

    if "worker" in arguments[:1]:
        return 2
    try:
        return _run([argument for argument in arguments if argument != "--die-with-parent"], debug=False)
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else int(ending.code is not None)


def _read(jobs: queue.Queue[str]) -> None:
    """Hand over lines of stdin; end this process and its children when stdin ends."""
    rest = b""
    with suppress(OSError, ValueError):
        # Not sys.stdin: see geoseg.cli.parent.
        while piece := os.read(sys.__stdin__.fileno(), 1 << 16) if sys.__stdin__ else b"":
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                jobs.put(line.decode("utf-8", "replace"))
    from geoseg.cli.parent import end_now

    end_now()


def _load() -> None:
    """Import what nearly every job needs."""
    import torch

    import geoseg.job
    import geoseg.segment.inspection  # noqa: F401
    from geoseg.models import keep_memory

    keep_memory()
    torch.get_num_threads()


def _give_back_memory() -> None:
    """Return freed memory to the system: the process may be idle for long."""
    from geoseg.models.inference.malloc import trim

    trim()


def _say(event: str, **facts: object) -> None:
    sys.stderr.flush()
    click.echo(json.dumps({"event": event, **facts}))
