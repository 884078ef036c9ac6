"""A reporter that records events, for tests."""

from __future__ import annotations

from typing import Any


class Recorder:
    """Keeps every event as ``(name, args, facts)``."""

    def __init__(self) -> None:
        self.events: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def of(self, event: str) -> list[tuple[tuple[Any, ...], dict[str, Any]]]:
        """Return arguments of all events of one name."""
        return [(args, facts) for name, args, facts in self.events if name == event]

    def _record(self, name: str, *args: Any, **facts: Any) -> None:
        self.events.append((name, args, facts))

    def start(self, **facts: Any) -> None:
        self._record("start", **facts)

    def progress(self, done: int, total: int, message: str) -> None:
        self._record("progress", done, total, message)

    def info(self, message: str) -> None:
        self._record("info", message)

    def warning(self, message: str) -> None:
        self._record("warning", message)

    def result(self, **facts: Any) -> None:
        self._record("result", **facts)

    def summary(self, **facts: Any) -> None:
        self._record("summary", **facts)

    def error(self, kind: str, message: str) -> None:
        self._record("error", kind, message)
