"""Events of several scenes that are computed at once, told as if they came one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from geoseg.errors import Stopped

if TYPE_CHECKING:
    from geoseg.progress.reporters import Reporter


class OrderedReporters:
    """Gives every scene a reporter of its own; what a scene says waits until all before it are through. Thread-safe.

    Parameters
    ----------
    reporter
        Who is told in the end.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._front = 0
        self._waiting: dict[int, list[tuple[str, Callable[[], None]]]] = {}
        self._ended: set[int] = set()
        self._lock = threading.RLock()
        self._stopped = False

    def of(self, number: int) -> Reporter:
        """Return the reporter of scene ``number``, counted from 0."""
        return _Scene(self, number)

    def end(self, number: int) -> None:
        """Say that a scene is through."""
        with self._lock:
            self._ended.add(number)
            while self._front in self._ended:
                self._front += 1
                for _, tell in self._waiting.pop(self._front, []):
                    tell()

    def stop(self) -> None:
        """End every scene at the next thing it says: the user does not want it any more."""
        self._stopped = True

    def tell(self, number: int, kind: str, *args: Any, **facts: Any) -> None:
        """Pass an event on, or keep it; of progress that waits only the last of each stage is kept."""
        if self._stopped:
            raise Stopped
        call = partial(getattr(self._reporter, kind), *args, **facts)
        with self._lock:
            if number == self._front:
                call()
                return
            waiting = self._waiting.setdefault(number, [])
            key = f"progress {str(args[2]).partition(':')[0]}" if kind == "progress" else kind
            if kind == "progress" and waiting and waiting[-1][0] == key:
                waiting.pop()
            waiting.append((key, call))


class _Scene:
    """The reporter of one scene."""

    def __init__(self, all_of_them: OrderedReporters, number: int) -> None:
        self._all, self._number = all_of_them, number

    def start(self, **facts: Any) -> None:
        self._all.tell(self._number, "start", **facts)

    def progress(self, done: int, total: int, message: str) -> None:
        self._all.tell(self._number, "progress", done, total, message)

    def info(self, message: str) -> None:
        self._all.tell(self._number, "info", message)

    def warning(self, message: str) -> None:
        self._all.tell(self._number, "warning", message)

    def result(self, **facts: Any) -> None:
        self._all.tell(self._number, "result", **facts)

    def error(self, kind: str, message: str) -> None:
        self._all.tell(self._number, "error", kind, message)
