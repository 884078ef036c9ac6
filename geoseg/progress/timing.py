"""Where the time goes: seconds per named stage, summed over threads by the caller; on request, each span of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

Span = tuple[str, float, float]
"""Stage, begin (seconds since 1970, so that machines can be laid side by side) and duration in seconds."""

_LOCAL = threading.local()


class Clock:
    """Adds up wall-clock seconds per stage; one per thread, joined with :meth:`add`."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count the time of the ``with`` block towards ``stage``."""
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
        """Add another clock's stages."""
        for stage, value in seconds.items():
            self.seconds[stage] = self.seconds.get(stage, 0.0) + value


@contextmanager
def recorded(*, wanted: bool = True) -> Iterator[list[Span]]:
    """Collect every span that clocks measure in this thread, for a trace; nothing if not ``wanted``."""
    before, spans = getattr(_LOCAL, "spans", None), list[Span]()
    _LOCAL.spans = spans if wanted else before
    try:
        yield spans
    finally:
        _LOCAL.spans = before
