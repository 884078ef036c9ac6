"""The loop of a sketch: learn from what is drawn, repaint the visible part, and again; the newest drawings win.

One job runs at a time, in the process that stays warm. What is saved meanwhile waits, and only the newest of it is
learned. Each round keeps features and classifier of the one before, which takes a second; when the user pauses, and
much was drawn since they were chosen, other ones are compared, until the next drawing interrupts that.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import Any, Callable

from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from . import commands, phases, settings
from .overlay import Overlay, Part, nothing_visible
from .runner import RunError, geoseg_command
from .session import Session, start
from .tr import tr

LEARN, PAINT, COMPARE = "learn", "paint", "compare"
"""What is being done."""

_PAUSE = 1200  # milliseconds without a new drawing until other ways to learn are compared
_GROWN = 1.25  # so many times the places that were drawn when they were last compared

# Lies in the folder of a model that is a sketch.
_KEPT = "features.safetensors"


def is_sketch(folder: str) -> bool:
    """Whether a folder holds an earlier sketch, with what it is gone on with."""
    return os.path.isfile(os.path.join(folder, _KEPT))


@dataclass(frozen=True)
class Wish:
    """What is to be learned.

    Attributes
    ----------
    scene
        The raster, and how it is read.
    labels
        File of the drawings.
    folder
        Model folder.
    values
        Further options: field and classes.
    """

    scene: commands.Scene
    labels: str
    folder: str
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def reading(self) -> list[str]:
        """What an earlier sketch must have in common with this one, to be gone on with."""
        return self.scene.arguments()


@dataclass
class Known:
    """What the last sketch said.

    Attributes
    ----------
    result
        Its result event; empty before the first.
    reading
        How the raster was read.
    compared
        Places that were drawn when ways to learn were last compared; 0 if they never were.
    """

    result: dict[str, Any] = field(default_factory=dict)
    reading: list[str] = field(default_factory=list)
    compared: int = 0

    @property
    def places(self) -> int:
        """Places that were drawn in."""
        return sum(self.result.get("places", {}).values())

    @property
    def unsettled(self) -> bool:
        """Whether other ways to learn are worth comparing."""
        return bool(self.result.get("metrics")) and self.places >= _GROWN * self.compared


class SketchLoop(QObject):
    """Learns and repaints.

    Parameters
    ----------
    overlay
        Shows the map.
    part
        Returns the visible part of the raster; None if nothing of it is visible.
    above
        Returns the id of the layer that stays above the map.
    parent
        Owner.
    """

    changed = pyqtSignal()
    """Something began or ended."""
    learned = pyqtSignal(dict)
    """A model is there: the result event."""
    painted = pyqtSignal(float)
    """The map is shown: the seconds since it was wanted; 0 if nobody did, as a better way to learn was found."""
    failed = pyqtSignal(str)

    def __init__(
        self, overlay: Overlay, part: Callable[[], Part | None], above: Callable[[], str], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._overlay, self._part, self._above = overlay, part, above
        self.known = Known()
        self.stage = ""
        self.times: dict[str, float] = {}
        self.part: Part | None = None
        self._folder = ""  # of the map that is computed
        self._session: Session | None = None
        self._wish: Wish | None = None  # the newest, until it is begun
        self._now: Wish | None = None
        self._since = self._began = self._wanted = 0.0
        self._progress = phases.progress(several=False)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._compare)

    @property
    def running(self) -> bool:
        """Whether something is being computed."""
        return self._session is not None

    @property
    def waiting(self) -> bool:
        """Whether newer drawings wait for what runs."""
        return self._wish is not None

    @property
    def percent(self) -> float:
        """How far the stage is."""
        return self._progress.percent

    def text(self) -> str:
        """Return one line about what is being done."""
        if self.stage == COMPARE:
            return tr("Comparing other ways to learn; draw on meanwhile")
        return self._progress.text() if self.stage else ""

    # --- what the user wants

    def want(self, wish: Wish) -> None:
        """Learn this as soon as possible; what was wanted before and not begun is forgotten."""
        self._wish, self._wanted = wish, time.monotonic()
        self._timer.stop()
        if self._session is None:
            self._learn()
        elif self.stage == COMPARE:
            self._session.stop()
        self.changed.emit()

    def stop_comparing(self) -> None:
        """Stop comparing other ways to learn, until more is drawn: the process is wanted for something else."""
        self._timer.stop()
        if self.stage == COMPARE:
            self._session.stop()

    def cancel(self) -> None:
        """Stop what runs, and forget what waits."""
        self._wish = None
        self._timer.stop()
        if self._session is not None:
            self._session.stop()

    def drop(self) -> None:
        """End what runs at once; nobody is told."""
        self._wish = None
        self._timer.stop()
        if self._session is not None:
            self._session.drop()
            self._session, self.stage = None, ""
            self._overlay.drop(self._folder)

    def forget(self) -> None:
        """Begin anew, with another raster or other labels."""
        self.drop()
        self.known = Known()

    # --- learning

    def _learn(self) -> None:
        self._now, self._wish, self._since = self._wish, None, self._wanted
        self.times = {}
        self._sketch(LEARN, quick=True, again=self._goes_on())

    def _goes_on(self) -> bool:
        return self.known.reading == self._now.reading and is_sketch(self._now.folder)

    def _sketch(self, stage: str, *, quick: bool, again: bool) -> None:
        wish = self._now
        previous = {"from": wish.folder} if again else {}
        values = {**wish.values, **previous, "quick": quick, "overwrite": True}
        arguments = commands.sketch(wish.scene, wish.labels, wish.folder, **values)
        self._start(stage, arguments, lambda session: self._sketched(session, again=again))

    def _sketched(self, session: Session, *, again: bool) -> None:
        compared, before = self.stage == COMPARE, self.known.result.get("learned")
        self._end()
        if session.error:
            if again and not session.child.cancelled and not compared and self._wish is None:
                self._sketch(LEARN, quick=True, again=False)  # the earlier sketch cannot be gone on with
                return
            self._next(session)
            return
        result = session.results[-1]
        self.known = Known(result, self._now.reading, self.known.compared)
        if compared:
            self.known.compared, self._since = self.known.places, 0.0
        self.learned.emit(result)
        if self._wish is not None:
            self._learn()
        elif not compared or result.get("learned") != before:
            self._paint()
        self.changed.emit()

    def _next(self, session: Session) -> None:
        """Go on after a job that gave nothing."""
        if self._wish is not None:
            self._learn()
        elif not session.child.cancelled:
            self.failed.emit(session.error)
        self.changed.emit()

    # --- painting

    def _paint(self) -> None:
        part = self.part = self._part()
        if part is None:
            self.failed.emit(nothing_visible())
            return
        scene = self._now.scene
        reading = {**scene.reading, "resolution": part.coarse}
        shown = commands.Scene(scene.sources, scene.bands, part.bbox, reading)
        self._folder = self._overlay.new_folder()
        options = {"no_polygons": True, "no_preview": True}
        self._start(PAINT, commands.segment(shown, self._folder, self._now.folder, **options), self._painted)

    def _painted(self, session: Session) -> None:
        self._end()
        if session.error:
            self._overlay.drop(self._folder)
            self._next(session)
            return
        path = session.results[-1]["outputs"]["classes"]
        began = time.monotonic()
        if self._overlay.show(path, self._above()) is None:
            self.failed.emit(tr("{path} cannot be opened").format(path=path))
            return
        self.times["show"] = time.monotonic() - began
        self.painted.emit(time.monotonic() - self._since if self._since else 0.0)
        if self._wish is not None:
            self._learn()
        elif self.known.unsettled:
            self._timer.start(_PAUSE)
        self.changed.emit()

    # --- other ways to learn

    def _compare(self) -> None:
        if self._session is None and self._wish is None and self._now is not None:
            self._sketch(COMPARE, quick=False, again=self._goes_on())
            self.changed.emit()

    # --- jobs

    def _start(self, stage: str, arguments: list[str], on_end: Callable[[Session], None]) -> None:
        session = start(geoseg_command(settings.interpreter(), arguments), self, on_end)
        if isinstance(session, RunError):
            self.failed.emit(str(session))
            return
        self._session, self.stage, self._began = session, stage, time.monotonic()
        self._progress = phases.progress(several=False)
        session.spoke.connect(self._take)

    def _end(self) -> None:
        self.times[self.stage] = self.times.get(self.stage, 0.0) + time.monotonic() - self._began
        self._session, self.stage = None, ""

    def _take(self, event: dict[str, Any]) -> None:
        if self._progress.take(event):
            self.changed.emit()
