"""A run of geoseg in QGIS's event loop: a timer polls it, signals pass on its events, the task manager shows it."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import Any, Sequence

from qgis.core import QgsApplication, QgsMapLayer, QgsTask
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from .runner import Child, RunError
from .settings import log
from .warm import IDLE, Job, Warm

_INTERVAL = 50  # milliseconds between polls; a poll takes microseconds

pool = Warm()
"""The process that stays warm. It ends with QGIS, whose end closes its stdin; the plugin's end closes it too."""


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
        self.child: Child | Job = pool.start(command, limit)
        self.said: list[str] = []
        self._task: RunTask | None = None
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

    def listing(self) -> list[Any]:
        """Return the JSON array that was printed; ValueError if there is none."""
        return list(json.loads(next((line for line in self.said if line.startswith("[")), "")))

    def show_as(self, title: str, layers: Sequence[QgsMapLayer] = ()) -> None:
        """Show the run in QGIS's task manager; QGIS then warns before it closes or changes the project.

        Parameters
        ----------
        title
            Name of the task.
        layers
            Layers that it depends on.
        """
        self._task = RunTask(title)
        self._task.setDependentLayers(list(layers))
        self._task.cancel_wanted.connect(self.cancel)
        QgsApplication.taskManager().addTask(self._task)

    def progress(self, percent: float) -> None:
        """Show how far it is in the task manager."""
        if self._task is not None:
            self._task.show_progress(percent)

    def cancel(self) -> None:
        """Ask it to end; ``ended`` follows."""
        self.child.cancel()

    def stop(self) -> None:
        """Ask it to end without ending the process that stays warm; ``ended`` follows."""
        self.child.stop()

    def drop(self) -> None:
        """End it at once; nobody is told."""
        self._timer.stop()
        self.child.leave()
        self._end_task()
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
            self._end_task()
            self.ended.emit(self)
            self.deleteLater()
            QTimer.singleShot(int(IDLE * 1000) + 1000, pool.end_if_idle)

    def _end_task(self) -> None:
        if self._task is not None:
            self._task.end(self.child.ended and not self.child.error)
            self._task = None


class RunTask(QgsTask):
    """Stands for a run in the task manager: its thread only waits, the run itself is a process."""

    cancel_wanted = pyqtSignal()

    # QGIS calls the methods below from its threads, also after the session has ended.
    alive: set[RunTask] = set()  # noqa: RUF012 - shared by all on purpose

    def __init__(self, title: str) -> None:
        super().__init__(title, QgsTask.Flag.CanCancel)
        self._over = threading.Event()
        self._good = False
        self.alive.add(self)

    def run(self) -> bool:
        """Wait for the run, in one of QGIS's threads."""
        self._over.wait()
        return self._good

    def cancel(self) -> None:
        """Cancel the run: the user asked for it, or a layer that it depends on is removed."""
        if not self._over.is_set():
            self.cancel_wanted.emit()
        super().cancel()

    def finished(self, result: bool) -> None:
        """Let go of the task; QGIS calls this when nothing of it runs any more."""
        self.alive.discard(self)

    def show_progress(self, percent: float) -> None:
        """Show how far it is."""
        with suppress(RuntimeError):  # QGIS has deleted a task that was cancelled
            self.setProgress(percent)

    def end(self, good: bool) -> None:
        """End the task with the run."""
        self._good = good
        self._over.set()


def start(command: Sequence[str], parent: QObject, on_end: Any, limit: float | None = None) -> Session | RunError:
    """Start a session that calls ``on_end(session)``; return it, or why it cannot be started."""
    try:
        session = Session(command, parent, limit)
    except RunError as error:
        return error
    session.ended.connect(on_end)
    return session
