"""A timeline of a run, by process and thread, for chrome://tracing, Perfetto or speedscope.

The file has the Trace Event Format, with complete events (``"ph": "X"``) and times in microseconds:
https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geoseg.errors import OutputError
from geoseg.progress.timing import Span
from geoseg.system.files import complete

Place = tuple[str, int, str]
"""Host name, process id and thread name."""


def here() -> Place:
    """Return the place of the calling thread."""
    return socket.gethostname(), os.getpid(), threading.current_thread().name


class Trace:
    """Collects the spans of all threads and workers and writes them at the end of a run. Thread-safe.

    Parameters
    ----------
    path
        File to write.

    Raises
    ------
    OutputError
        If its folder does not exist: better known before the run than after it.
    """

    def __init__(self, path: Path) -> None:
        if not path.absolute().parent.is_dir():
            raise OutputError(f"the trace {path} cannot be written: its folder does not exist; make it first")
        self.path = path
        self._events: list[dict[str, Any]] = []
        self._places: dict[Place, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def add(self, place: Place, spans: Sequence[Span], **facts: Any) -> None:
        """Add spans of one thread; viewers show ``facts`` (scene, block) for a selected span."""
        with self._lock:
            process, thread = self._row(place)
            for stage, start, duration in spans:
                event = {"name": stage, "ph": "X", "ts": round(start * 1e6), "dur": max(round(duration * 1e6), 1)}
                self._events.append({**event, "pid": process, "tid": thread, "args": facts})

    def _row(self, place: Place) -> tuple[int, int]:
        """Return the numbers of process and thread in the trace: process ids repeat between machines."""
        if place not in self._places:
            processes = {(host, process): row[0] for (host, process, _), row in self._places.items()}
            number = processes.get(place[:2], len(processes) + 1)
            self._places[place] = number, len(self._places) + 1
        return self._places[place]

    def write(self) -> None:
        """Write the file, completely or not at all.

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with self._lock:
            first = min((event["ts"] for event in self._events), default=0)
            events = [{**event, "ts": event["ts"] - first} for event in self._events]
            for (host, process, thread), (pid, tid) in self._places.items():
                for name, value in (("process_name", f"geoseg {host} {process}"), ("thread_name", thread)):
                    events.append({"name": name, "ph": "M", "pid": pid, "tid": tid, "args": {"name": value}})
        try:
            with complete(self.path) as part:
                part.write_text(json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}), "utf-8")
        except OSError as error:
            raise OutputError(f"the trace {self.path} cannot be written: {error.strerror or error}") from error
