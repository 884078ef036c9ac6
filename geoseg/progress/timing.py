"""Wall-clock seconds per named stage and, for traces, when each stage ran."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

Span = tuple[str, float, float]
"""Stage, start (Unix time in seconds, comparable between machines) and duration in seconds."""

_LOCAL = threading.local()


class Clock:
    """Sums wall-clock seconds per stage. Not thread-safe: use one per thread and merge them with :meth:`add`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add the duration of the ``with`` block to ``stage``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            duration = time.perf_counter() - start
            self.add({stage: duration})
            spans = getattr(_LOCAL, "spans", None)
            if spans is not None:
                spans.append((stage, time.time() - duration, duration))

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add the seconds of each stage of another clock."""
        for stage, value in seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + value


@contextmanager
def record_spans(*, enabled: bool = True) -> Iterator[list[Span]]:
    """Yield a list that receives every span measured by any :class:`Clock` in this thread; empty if not enabled."""
    outer, spans = getattr(_LOCAL, "spans", None), list[Span]()
    _LOCAL.spans = spans if enabled else outer
    try:
        yield spans
    finally:
        _LOCAL.spans = outer
