"""Middle of the dock: preview, run, progress, device, cancel."""

from __future__ import annotations

import os
import tempfile
import time
from typing import Any

from qgis.core import QgsProcessingException, QgsRectangle
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import Qt, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QProgressBar,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from . import commands, phases, settings
from .algorithms.base import source_of
from .clip import Clip
from .overlay import Overlay, nothing_visible, visible_part
from .panel_area import AreaError, AreaFields
from .panel_scene import ScenePanel
from .results import writable_folder
from .runner import RunError, geoseg_command
from .session import Session, start
from .tr import tr
from .widgets import Button, CheckBox, Flow, WrappedLabel, form, narrow


class RunPanel(QWidget):
    """Starts geoseg on the visible part or on all of the scene, and shows how it goes."""

    finished = pyqtSignal(dict, str, str)
    """A run is done: the result event, and the raster layer's name and id."""
    said = pyqtSignal(str, bool)
    """Something for the user, and whether it is bad."""

    def __init__(self, iface: Any, scene: ScenePanel, parent: QWidget) -> None:
        super().__init__(parent)
        self._iface, self._scene = iface, scene
        self._session: Session | None = None
        self._clip: Clip | None = None
        self._progress = phases.progress()
        self.overlay = Overlay(self)
        self._folder = ""
        self._clicked = 0.0
        self._last: dict[str, Any] = {}
        self.preview_seconds = 0.0
        self._build()
        scene.checked.connect(self._enable)
        scene.changed.connect(lambda _: self.area.set_layer(scene.layer()))

    def _build(self) -> None:
        self.preview_button = Button(tr("Preview"), self)
        self.preview_button.setToolTip(tr("Segment the visible part of the map and show it as an overlay"))
        self.preview_button.clicked.connect(self.preview)
        self.run_button = Button(tr("Run"), self)
        self.run_button.setToolTip(tr("Segment the chosen area in the background"))
        self.run_button.clicked.connect(self.run)
        self.cancel_button = Button(tr("Cancel"), self)
        self.cancel_button.setEnabled(False)
        self.cancel_button.clicked.connect(self.cancel)
        buttons = Flow(self.preview_button, self.run_button, self.cancel_button)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.badge = Badge(self)
        line = QHBoxLayout()
        line.addWidget(self.bar, 1)
        line.addWidget(self.badge)
        self.status = WrappedLabel("", self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_options())
        layout.addLayout(buttons)
        layout.addLayout(line)
        layout.addWidget(self.status)

    def _build_options(self) -> QFormLayout:
        self.folder = QgsFileWidget(self)
        self.folder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.folder.setFilePath(str(settings.get("folder")))
        self.folder.lineEdit().setPlaceholderText(tr("geoseg_results, beside the raster"))
        self.min_area, self.simplify = QDoubleSpinBox(self), QDoubleSpinBox(self)
        for box, unit in ((self.min_area, " m²"), (self.simplify, " m")):
            box.setRange(0, 1e9)
            box.setDecimals(1)
            box.setSuffix(unit)
            box.setSpecialValueText(tr("off"))
        self.min_area.setToolTip(tr("Smaller polygons are merged into their neighbours"))
        self.simplify.setToolTip(tr("By how much borders of polygons may be moved to make them smoother"))
        self.overwrite = CheckBox(tr("Replace existing results"), self)
        self.overwrite.setChecked(True)
        narrow(self.min_area, self.simplify)
        self.area = AreaFields(self._iface, self)
        fields = form()
        self.area.add_to(fields)
        fields.addRow(tr("Results"), self.folder)
        fields.addRow(tr("Minimum area"), self.min_area)
        fields.addRow(tr("Simplify"), self.simplify)
        fields.addRow(self.overwrite)
        return fields

    @property
    def running(self) -> bool:
        """Whether geoseg runs."""
        return self._session is not None or self._clip is not None

    def show_device(self, name: str) -> None:
        """Show what geoseg computes on."""
        self.badge.show_device(name)

    def _enable(self, facts: dict[str, Any] | None = None) -> None:
        fits = bool((self._scene.facts if facts is None else facts).get("fits"))
        self.preview_button.setEnabled(fits and not self.running)
        self.run_button.setEnabled(fits and not self.running)
        self.cancel_button.setEnabled(self.running)

    # --- preview

    def preview(self) -> None:
        """Segment what the canvas shows."""
        self._clicked = time.monotonic()
        part = visible_part(self.area, self._scene.layer(), self.area.pixel.value())
        if part is None:
            self._fail(nothing_visible())
            return
        options = {"no_polygons": True, "no_preview": True}
        self.overlay.drop(self._folder)
        self._folder = self.overlay.new_folder()
        self._start(part.bbox, self._folder, options, self._preview_done, part.coarse)

    def _preview_done(self, session: Session) -> None:
        if not self._ended(session):
            return
        path = session.results[-1]["outputs"]["classes"]
        if self.overlay.show(path) is None:
            self._fail(tr("{path} cannot be opened").format(path=path))
            return
        self.preview_seconds = time.monotonic() - self._clicked
        settings.log(tr("Preview after {seconds:.1f} s").format(seconds=self.preview_seconds))
        self.bar.setValue(1000)
        text = tr("Preview of the visible part")
        if self._coarse:
            size = tr("{size:.4g} map units").format(size=self._coarse)
            text += "; " + tr("computed with pixels of {size}: zoom in to see what the run will give").format(size=size)
        self.status.show_text(text)
        self._scene.estimate_again()

    # --- run

    def run(self) -> None:
        """Segment the chosen area."""
        layer = self._scene.layer()
        if layer is None:
            return
        try:
            box = self.area.box(layer)
            layers = [layer, *self._scene.details.others()]
            shapes = [(each, shape) for each in layers if (shape := self.area.shape(each)) is not None]
        except AreaError as error:
            self._fail(str(error))
            return
        folder = self.folder.filePath() or self._beside()
        options = {
            "min_area": self.min_area.value() or None,
            "simplify": self.simplify.value() or None,
            "overwrite": self.overwrite.isChecked(),
        }
        self._name, self._raster = layer.name(), layer.id()
        if len(shapes) == len(layers):
            if self._usable(folder):
                self._cut_out(shapes, folder, options)
        else:
            self._start(bounds(box) if box is not None else (), folder, options, self._run_done)

    def _cut_out(self, shapes: list[Any], folder: str, options: dict[str, Any]) -> None:
        """Cut the raster to the polygon, then segment what is left."""
        try:
            parts = [(source_of(layer), shape.asWkt(9)) for layer, shape in shapes]
        except QgsProcessingException as error:
            self._fail(str(error))
            return
        clip = self._clip = Clip(parts, os.path.join(folder, "area"))
        self.status.show_text(tr("Cutting out the polygon…"))
        self._enable()

        def wait() -> None:
            if self._clip is not clip:
                return  # cancelled
            if not clip.done:
                QTimer.singleShot(50, wait)
                return
            self._clip = None
            self._enable()
            if clip.error:
                self._fail(clip.error)
            else:
                self._start((), folder, options, self._run_done, sources=clip.made)

        wait()

    def _beside(self) -> str:
        """Return a folder for results beside the raster, or in the home folder if that cannot be written."""
        try:
            place = os.path.dirname(self._scene.scene().sources[0])
        except QgsProcessingException:
            place = ""
        return os.path.join(writable_folder(place), "geoseg_results")

    def _run_done(self, session: Session) -> None:
        if self._ended(session):
            if self._whole:  # the estimate is that of the whole scene
                phases.note(self._facts, time.monotonic() - self._started)
            self.overlay.clear()
            self.bar.setValue(1000)
            self.status.show_text(tr("Done: {folder}").format(folder=os.path.dirname(self._output(session, "classes"))))
            self.finished.emit(session.results[-1], self._name, self._raster)

    @staticmethod
    def _output(session: Session, kind: str) -> str:
        return str(session.results[-1]["outputs"][kind])

    # --- both

    def _start(
        self,
        bbox: tuple[float, ...],
        folder: str,
        options: dict[str, Any],
        on_end: Any,
        coarse: float | None = None,
        sources: list[str] | None = None,
    ) -> None:
        self._coarse = coarse
        try:
            chosen = self._scene.scene()
        except QgsProcessingException as error:
            self._fail(str(error))
            return
        reading = {**chosen.reading, "resolution": coarse or self.area.resolution()}
        scene = commands.Scene(sources or chosen.sources, chosen.bands, bbox, reading)
        if not self._usable(folder):
            return
        if on_end == self._run_done:
            settings.put("folder", self.folder.filePath())
        arguments = commands.segment(scene, folder, self._scene.model(), **options)
        session = start(geoseg_command(settings.interpreter(), arguments), self, on_end)
        if isinstance(session, RunError):
            self._fail(str(session))
            return
        session.spoke.connect(self._take)
        title = tr("GeoSeg: {scene}").format(scene=self._scene.layer().name())
        session.show_as(title, [self._scene.layer()])
        self._session, self._progress, self._started = session, phases.progress(), time.monotonic()
        self._facts, self._whole = self._scene.facts, not (bbox or sources)
        self.bar.setValue(0)
        self.status.show_text(self._progress.text())
        self._enable()

    def _usable(self, folder: str) -> bool:
        """Whether results can be written into a folder; the user is told if not."""
        try:
            os.makedirs(folder, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return True
        except OSError as error:
            text = tr("The results folder {folder} cannot be used: {reason}. Choose another one.")
            self._fail(text.format(folder=folder, reason=error.strerror or error))
            return False

    def _take(self, event: dict[str, Any]) -> None:
        if self._progress.take(event):
            self.bar.setValue(int(self._progress.percent * 10))
            self._session.progress(self._progress.percent)
            if self._progress.text():
                self.status.show_text(self._progress.text())
            if self._progress.device == "cpu":
                self.show_device("CPU")

    def cancel(self) -> None:
        """Cancel what runs; finished parts are kept and used by the next run."""
        if self._clip is not None:
            self._clip = None
            self.status.show_text(tr("Cancelled."))
            self._enable()
        if self._session is not None:
            self.status.show_text(tr("Cancelling…"))
            self._session.cancel()

    def _ended(self, session: Session) -> bool:
        """Take notice of the end of a session and return whether it was a good one."""
        self._session = None
        self._enable()
        if session.child.cancelled:
            self.bar.setValue(0)
            self.status.show_text(tr("Cancelled. Run again to go on where it was."))
        elif session.error:
            self._fail(session.error)
        return not session.error

    def _fail(self, message: str) -> None:
        self.bar.setValue(0)
        self.status.show_text("")
        self.said.emit(message, True)

    def shut_down(self) -> None:
        """End what runs and take temporary things away."""
        if self._session is not None:
            self._session.drop()
            self._session = None
        self._clip = None
        self.area.stop_drawing()
        self.overlay.shut_down()


class Badge(WrappedLabel):
    """Says what geoseg computes on."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__("CPU", parent)
        self.setWordWrap(False)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.show_device("CPU")

    def show_device(self, name: str) -> None:
        """Show the name of a GPU, or CPU."""
        gpu = name not in {"", "CPU", "cpu"}
        text = self.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, 120) if gpu else "CPU"
        self.setText(text)
        self.setToolTip(tr("geoseg computes on {device}").format(device=name if gpu else "CPU"))
        colour = "#4a148c" if gpu else "#33691e"
        self.setStyleSheet(f"QLabel{{background:{colour};color:white;border-radius:6px;padding:1px 7px}}")


def bounds(box: QgsRectangle) -> tuple[float, float, float, float]:
    """Return west, south, east, north."""
    return box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()
