"""How a run reports: a progress bar on a terminal, JSON lines for programs, or errors and warnings only.

The JSON protocol (version 1) prints one object per line on stdout; everything else goes to stderr::

    {"event":"start","protocol":1,…}     {"event":"progress","done":3,"total":40,"message":…}
    {"event":"info"|"warning","message":…}
    {"event":"result","outputs":{…},"classes":{…}}     {"event":"error","type":…,"message":…}
    {"event":"summary","scenes":[…]} after several scenes     {"event":"status","scenes":[…]} for --status
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from geoseg.errors import OptionError
from geoseg.errors.printable import printable
from geoseg.system.text import printable_json

PROTOCOL = 1


class Reporter(Protocol):
    """Receives the events of a run, one call at a time."""

    def start(self, **facts: Any) -> None:
        """Report that a run begins; ``facts``: version, scenes, model, output."""

    def progress(self, done: int, total: int, message: str) -> None:
        """Report that ``done`` of ``total`` units are finished; ``message`` is the stage, or ``stage: details``."""

    def info(self, message: str) -> None:
        """Report something worth knowing, in one line."""

    def warning(self, message: str) -> None:
        """Report what may make the result worse than expected, in one line."""

    def result(self, **facts: Any) -> None:
        """Report a finished scene; ``facts``: scene, outputs, classes, status, seconds."""

    def summary(self, **facts: Any) -> None:
        """Report the end of a batch; ``facts``: ``scenes``, a row for each, and ``seconds``."""

    def error(self, kind: str, message: str) -> None:
        """Report that a scene, or the whole run, failed; ``kind`` is the name of the error's class."""


class Silent:
    """Prints errors and warnings on stderr and ignores all other events."""

    def start(self, **facts: Any) -> None:
        """Ignore the event."""

    def progress(self, done: int, total: int, message: str) -> None:
        """Ignore the event."""

    def info(self, message: str) -> None:
        """Ignore the event."""

    def warning(self, message: str) -> None:
        """Print one line on stderr."""
        _log(f"warning: {message}")

    def result(self, **facts: Any) -> None:
        """Ignore the event."""

    def summary(self, **facts: Any) -> None:
        """Ignore the event."""

    def error(self, kind: str, message: str) -> None:  # noqa: ARG002 - part of the protocol
        """Print one line on stderr."""
        _log(f"error: {message}")


class Bar(Silent):
    """Draws a progress bar on stderr, with messages above it, and prints the paths of results on stdout."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._stage = ""

    def progress(self, done: int, total: int, message: str) -> None:
        """Move the bar; a new stage starts a new one."""
        from tqdm import tqdm

        stage, _, detail = printable(message).partition(": ")
        if self._bar is None or stage != self._stage:
            self._close()
            self._stage = stage
            bar_format = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
            # The bar moves the cursor, which the command line's stream would escape.
            stream: Any = getattr(sys.stderr, "unguarded", sys.stderr)
            disable = True if stream is None else None
            self._bar = tqdm(total=total, desc=stage, file=stream, bar_format=bar_format, leave=True, disable=disable)
        self._bar.total = total
        if detail:
            self._bar.set_postfix_str(detail, refresh=done == self._bar.n)
        self._bar.update(done - self._bar.n)
        if done >= total:
            self._close()

    def info(self, message: str) -> None:
        """Print one line on stderr."""
        self._write(message)

    def warning(self, message: str) -> None:
        """Print one line on stderr."""
        self._write(f"warning: {message}")

    def error(self, kind: str, message: str) -> None:
        """Print one line on stderr."""
        self._close()
        super().error(kind, message)

    def result(self, **facts: Any) -> None:
        """Print the path of each output on stdout, one per line."""
        self._close()
        for kind, path in facts.get("outputs", {}).items():
            print(printable(f"{kind:<11} {path}"), flush=True)

    def _write(self, line: str) -> None:
        if self._bar is not None and not self._bar.disable:
            self._bar.clear()
        _log(line)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


@dataclass
class Json:
    """Prints events as JSON on stdout, one object per line, for programs that run geoseg.

    Attributes
    ----------
    min_interval
        Seconds between two ``progress`` events of one stage, at least; its last event is always printed.
    """

    min_interval: float = 0.1
    _last: tuple[float, str] = field(default=(0.0, ""), init=False)

    def start(self, **facts: Any) -> None:
        """Print a ``start`` event."""
        _emit("start", protocol=PROTOCOL, **facts)

    def progress(self, done: int, total: int, message: str) -> None:
        """Print a ``progress`` event, unless the last one of this stage was printed a moment ago."""
        now, stage = time.monotonic(), message.partition(": ")[0]
        if done < total and stage == self._last[1] and now - self._last[0] < self.min_interval:
            return
        self._last = (now, stage)
        _emit("progress", done=done, total=total, message=message)

    def info(self, message: str) -> None:
        """Print an ``info`` event."""
        _emit("info", message=message)

    def warning(self, message: str) -> None:
        """Print a ``warning`` event."""
        _emit("warning", message=message)

    def result(self, **facts: Any) -> None:
        """Print a ``result`` event."""
        _emit("result", **facts)

    def summary(self, **facts: Any) -> None:
        """Print a ``summary`` event: the outcome of every scene of a batch."""
        _emit("summary", **facts)

    def error(self, kind: str, message: str) -> None:
        """Print an ``error`` event, and the message on stderr for logs, also if stdout is lost."""
        _log(f"error: {message}")
        _emit("error", type=kind, message=message)


def _log(line: str) -> None:
    """Print one line on stderr; drop it if the process has none, which ``print`` would take for stdout."""
    if sys.stderr is not None:
        print(printable(line), file=sys.stderr, flush=True)


def _emit(event: str, **facts: Any) -> None:
    print(printable_json({"event": event, **facts}, stream=sys.stdout, default=str), flush=True)


def reporter(kind: str) -> Reporter:
    """Return the reporter for ``--progress``: ``"bar"``, ``"json"`` or ``"none"``.

    Raises
    ------
    OptionError
        If ``kind`` is none of these.
    """
    if kind == "json":
        return Json()
    if kind == "bar":
        return Bar()
    if kind == "none":
        return Silent()
    raise OptionError(f"progress {kind!r} is unknown: use bar, json or none")


class Rate:
    """Measures throughput and estimates the time left, for the text beside the progress bar.

    Parameters
    ----------
    total
        Pixels to compute.
    """

    def __init__(self, total: int) -> None:
        self._start, self._total = time.perf_counter(), total

    @property
    def seconds(self) -> float:
        """Seconds since this object was created."""
        return time.perf_counter() - self._start

    def message(self, done: int) -> str:
        """Return ``"3.1 Mpx/s, 2 min left"`` after ``done`` pixels."""
        seconds = max(self.seconds, 1e-6)
        rate = done / seconds
        left = (self._total - done) / rate if rate else 0.0
        return f"{rate / 1e6:.2f} Mpx/s, {format_seconds(left)} left"


def format_seconds(seconds: float) -> str:
    """Return a duration rounded for display: ``"12 s"``, ``"3 min"``, ``"2.5 h"``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
