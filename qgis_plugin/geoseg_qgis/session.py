"""A run of geoseg in QGIS's event loop: a timer polls the child, signals say what it said."""

from __future__ import annotations

from typing import Any, Sequence

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from .runner import Child, RunError
from .settings import log

_INTERVAL = 50  # milliseconds between polls; a poll takes microseconds


class Session(QObject):
    """A child that is polled until it ended.

    Parameters
    ----------
    command
        Program and arguments.
    parent
        Owner.
    limit
        Seconds it may take; None for no limit.

    Raises
    ------
    RunError
        If it cannot be started.
    """

    spoke = pyqtSignal(dict)
    ended = pyqtSignal(object)

    def __init__(self, command: Sequence[str], parent: QObject, limit: float | None = None) -> None:
        super().__init__(parent)
        self.child = Child(command, limit=limit)
        self.said: list[str] = []
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._poll)
        self._timer.start(_INTERVAL)

    @property
    def error(self) -> str:
        """Why it failed; empty if it did not."""
        return self.child.error

    @property
    def results(self) -> list[dict[str, Any]]:
        """Its result events."""
        return self.child.results

    def cancel(self) -> None:
        """Ask it to end; ``ended`` follows."""
        self.child.cancel()

    def drop(self) -> None:
        """End it at once; nobody is told."""
        self._timer.stop()
        self.child.close()
        self.deleteLater()

    def _poll(self) -> None:
        for event in self.child.poll():
            if event["event"] == "log":
                if event["stream"] == "out":
                    self.said.append(event["message"])
                else:
                    log(event["message"])
            elif event["event"] == "warning":
                log(event["message"], warning=True)
            self.spoke.emit(event)
        if self.child.ended:
            self._timer.stop()
            self.ended.emit(self)
            self.deleteLater()


def start(command: Sequence[str], parent: QObject, on_end: Any, limit: float | None = None) -> Session | RunError:
    """Start a session that calls ``on_end(session)``; return it, or why it cannot be started."""
    try:
        session = Session(command, parent, limit)
    except RunError as error:
        return error
    session.ended.connect(on_end)
    return session
