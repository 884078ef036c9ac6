"""Reports scenes that are computed concurrently as if they were computed one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from geoseg.errors import Stopped
from geoseg.progress.reporters import PassingOn, Reporter


class OrderedReporters:
    """Gives each scene its own reporter and buffers a scene's events until earlier scenes finish. Thread-safe.

    Parameters
    ----------
    reporter
        Receives the events of all scenes, in the scenes' order.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._current = 0
        self._buffered: dict[int, list[tuple[str, Callable[[], None]]]] = {}
        self._finished: set[int] = set()
        self._lock = threading.RLock()
        self._stopped = False

    def of(self, number: int) -> Reporter:
        """Return the reporter of scene ``number``, counted from 0."""
        return _SceneReporter(self, number)

    def end(self, number: int) -> None:
        """Mark a scene as finished; pass on what the scenes after it have buffered, as far as it is their turn."""
        with self._lock:
            self._finished.add(number)
            while self._current in self._finished:
                self._current += 1
                for _, call in self._buffered.pop(self._current, []):
                    call()

    def stop(self) -> None:
        """Raise :class:`~geoseg.errors.Stopped` at every scene's next event: the run is being given up."""
        self._stopped = True

    def emit(self, number: int, event: str, *args: Any, **facts: Any) -> None:
        """Pass on an event of scene ``number``, or buffer it; only the last progress of each stage is buffered.

        Raises
        ------
        Stopped
            After :meth:`stop`.
        """
        if self._stopped:
            raise Stopped
        call = partial(getattr(self._reporter, event), *args, **facts)
        with self._lock:
            if number == self._current:
                call()
                return
            buffered = self._buffered.setdefault(number, [])
            key = f"progress {str(args[2]).partition(':')[0]}" if event == "progress" else event
            if event == "progress" and buffered and buffered[-1][0] == key:
                buffered.pop()
            buffered.append((key, call))


class _SceneReporter(PassingOn):
    """The reporter of one scene."""

    def __init__(self, ordered: OrderedReporters, number: int) -> None:
        self._ordered, self._number = ordered, number

    def _pass_on(self, event: str, *args: Any, **facts: Any) -> None:
        self._ordered.emit(self._number, event, *args, **facts)
