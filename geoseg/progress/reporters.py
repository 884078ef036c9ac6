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
from geoseg.progress.pace import Pace
from geoseg.system.text import printable_json

PROTOCOL = 1

_LOG_SECONDS = 30.0
"""Seconds between two lines of progress in a log."""

_WAIT = 2.0
"""Seconds of a stage from which on the time left is estimated."""

_BUSY = ("blocks/s", "device ", "I/O ")
"""Parts of the line that tell how busy the machine is."""


def _line(text: str) -> str:
    """Return tqdm's format of a line with a text at its end."""
    shown = text.replace("{", "{{").replace("}", "}}")
    return "{desc} {percentage:3.0f} % |{bar}| " + (shown or "{n_fmt}/{total_fmt}")


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


class PassingOn:
    """Passes every event on; subclasses say where to, and may change some."""

    def _pass_on(self, event: str, *args: Any, **facts: Any) -> None:
        raise NotImplementedError

    def start(self, **facts: Any) -> None:
        """Pass the event on."""
        self._pass_on("start", **facts)

    def progress(self, done: int, total: int, message: str) -> None:
        """Pass the event on."""
        self._pass_on("progress", done, total, message)

    def info(self, message: str) -> None:
        """Pass the event on."""
        self._pass_on("info", message)

    def warning(self, message: str) -> None:
        """Pass the event on."""
        self._pass_on("warning", message)

    def result(self, **facts: Any) -> None:
        """Pass the event on."""
        self._pass_on("result", **facts)

    def summary(self, **facts: Any) -> None:
        """Pass the event on."""
        self._pass_on("summary", **facts)

    def error(self, kind: str, message: str) -> None:
        """Pass the event on."""
        self._pass_on("error", kind, message)


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
    """Draws one line on stderr, with messages above it, and prints the paths of results on stdout.

    The line has the stage, its share, the time left and the rate. Where stderr is no terminal, as in the log of a batch
    job, it is printed every half minute.

    Parameters
    ----------
    details
        Whether the line also tells how busy device and disks are.
    """

    def __init__(self, *, details: bool = False) -> None:
        self._bar: Any = None
        self._stage = ""
        self._details = details
        self._pace, self._logged = Pace(), 0.0

    def progress(self, done: int, total: int, message: str) -> None:
        """Move the bar; a new stage starts a new one."""
        from tqdm import tqdm

        stage, _, detail = printable(message).partition(": ")
        if self._bar is None or stage != self._stage:
            self._close()
            self._stage, self._pace, self._logged = stage, Pace(), time.monotonic()
            # The bar moves the cursor, which the command line's stream would escape.
            stream: Any = getattr(sys.stderr, "unguarded", sys.stderr)
            disable = True if stream is None else None
            self._bar = tqdm(total=total, desc=stage, file=stream, bar_format=_line(""), leave=True, disable=disable)
        text = ", ".join(self._parts(done, total, detail))
        self._bar.total = total
        if text and not self._bar.disable:
            self._bar.bar_format = _line(text)
        self._bar.update(done - self._bar.n)
        if self._bar.disable:
            self._note(done, total, text)
        if done >= total:
            self._close()

    def _parts(self, done: int, total: int, detail: str) -> list[str]:
        """Return the time left, then what else is told of a stage, the busy shares only if they are wanted."""
        parts = [part for part in detail.split(", ") if part]
        left = [part for part in parts if part.endswith(" left")]
        self._pace.note(time.monotonic(), done)
        seconds = self._pace.left(total)
        if not left and seconds is not None and done < total and self._pace.seconds > _WAIT:
            left = [time_left(seconds)]
        others = [part for part in parts if not part.endswith(" left")]
        return left + [
            part for part in others if self._details or (not part.startswith(_BUSY) and not part.endswith(_BUSY))
        ]

    def _note(self, done: int, total: int, text: str) -> None:
        now = time.monotonic()
        if now - self._logged >= _LOG_SECONDS and done < total:
            self._logged = now
            _log(f"{self._stage}: {100 * done // max(total, 1)} %{', ' + text if text else ''}")

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
    """Return the reporter for ``--progress``: ``"bar"``, ``"details"``, ``"json"`` or ``"none"``.

    Raises
    ------
    OptionError
        If ``kind`` is none of these.
    """
    if kind == "json":
        return Json()
    if kind in ("bar", "details"):
        return Bar(details=kind == "details")
    if kind == "none":
        return Silent()
    raise OptionError(f"progress {kind!r} is unknown: use bar, details, json or none")


def time_left(seconds: float) -> str:
    """Return the part of a message that says how long something still takes, ``"2 min left"``."""
    return f"{format_seconds(seconds)} left"


def format_seconds(seconds: float) -> str:
    """Return a duration rounded for display: ``"12 s"``, ``"3 min"``, ``"2.5 h"``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
