"""Changes between two dates: choose two class maps or scenes, run, and look at what became what.

The comparison is geoseg's (``geoseg change``). The window stays beside the map; what it draws on the map goes when it
is closed.
"""

from __future__ import annotations

import glob
import json
import os
from typing import Any

from qgis.core import QgsProcessingException, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QDialog, QFrame, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from . import phases, results, settings
from .algorithms.base import no_python
from .change_inputs import InputsPanel
from .change_result import ChangeResult
from .labels import labels
from .panel_scene import ScenePanel
from .runner import RunError, geoseg_command
from .session import Session, start
from .tr import tr
from .turns import Turns
from .widgets import Button, Flow, Section, WrappedLabel
from .words import without_options

_SCOPE, _KEY = "geoseg", "/change"
_OVERWRITE = "--overwrite"
_RED = "#b3261e"


class ChangeDialog(QDialog):
    """Compares two dates.

    Parameters
    ----------
    iface
        QGIS's interface.
    scene
        The panel's choice of raster and model; scenes are mapped by that model.
    """

    def __init__(self, iface: Any, scene: ScenePanel) -> None:
        super().__init__(iface.mainWindow())
        self._iface = iface
        self.setWindowTitle(tr("Changes"))
        self._session: Session | None = None
        self._progress = phases.change_progress(0)
        self._cancelled: list[str] = []
        self._outputs: dict[str, str] = {}
        self._build(scene)
        project = QgsProject.instance()
        project.writeProject.connect(self._write_state)
        project.readProject.connect(self._read_state)
        project.cleared.connect(self._forget)
        self._enable()
        self._read_state()

    def _build(self, scene: ScenePanel) -> None:
        inside = QWidget(self)
        self.inputs = InputsPanel(scene, inside)
        self.inputs.changed.connect(self._enable)
        scene.checked.connect(self._enable)
        self._scene = scene
        box = Section(tr("What is compared"), inside)
        self.section = box
        layout = QVBoxLayout(box)
        layout.addWidget(self.inputs)
        self.run_button, self.cancel_button = Button(tr("Run"), inside), Button(tr("Cancel"), inside)
        self.run_button.clicked.connect(self.run)
        self.cancel_button.clicked.connect(self.cancel)
        self.bar = QProgressBar(inside)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.note = WrappedLabel("", inside)
        self.result = ChangeResult(self._iface, inside)
        self.result.said.connect(self._fail)
        layout = QVBoxLayout(inside)
        layout.addWidget(box)
        layout.addLayout(Flow(self.run_button, self.cancel_button))
        for widget in (self.bar, self.note, self.result):
            layout.addWidget(widget)
        layout.addStretch(1)
        area = self.area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        outside = QVBoxLayout(self)
        outside.setContentsMargins(0, 0, 0, 0)
        outside.addWidget(area)
        self.resize(380, 760)

    def _enable(self, *_: Any) -> None:
        problem = self.inputs.problem()
        self.run_button.setEnabled(not problem and self._session is None)
        self.run_button.setToolTip(problem or tr("Compares in the background"))
        self.cancel_button.setEnabled(self._session is not None)
        if self._session is None and not self.result.report:
            self.note.show_text(problem)

    # --- the run

    def run(self) -> None:
        """Compare the chosen layers in the background."""
        layers, python = self.inputs.layers(), settings.interpreter()
        if layers is None or self._session is not None:
            return
        if reason := no_python(python):
            self._fail(reason)
            return
        try:
            arguments = self.inputs.arguments()
        except QgsProcessingException as error:
            self._fail(str(error))
            return
        # Where the same run was cancelled, maps that were finished are kept: to replace results means to map again.
        goes_on = arguments == self._cancelled and not _has_results(self.inputs.target())
        replace = self.inputs.overwrite.isChecked() and not goes_on
        session = start(geoseg_command(python, [*arguments, _OVERWRITE] if replace else arguments), self, self._ended)
        if isinstance(session, RunError):
            self._fail(str(session))
            return
        session.spoke.connect(self._take)
        session.show_as(tr("GeoSeg: changes"), list(layers))
        self._session, self._arguments, self._layers = session, arguments, [layer.id() for layer in layers]
        self._name = " – ".join(dict.fromkeys(self.inputs.titles()))
        self._progress = phases.change_progress(2 if self.inputs.with_model() else 0)
        self._warned: list[str] = []
        self.bar.setValue(0)
        self.note.show_text(self._progress.text())
        self._enable()

    def _take(self, event: dict[str, Any]) -> None:
        if event["event"] == "warning":
            self._warned.append(str(event["message"]))
        if self._progress.take(event) and self._session is not None:
            self.bar.setValue(int(self._progress.percent * 10))
            self._session.progress(self._progress.percent)
            self.note.show_text(self._progress.text())

    def cancel(self) -> None:
        """Cancel what runs."""
        if self._session is not None:
            self.note.show_text(tr("Cancelling…"))
            self._session.cancel()

    def _ended(self, session: Session) -> None:
        self._session = None
        self._cancelled = self._arguments if session.child.cancelled else []
        if session.child.cancelled:
            self.bar.setValue(0)
            mapped = self._progress.scenes > 0
            self.note.show_text(tr("Cancelled. Run again to go on where it was.") if mapped else tr("Cancelled."))
        elif session.error:
            self._fail(session.error)
        else:
            self._show(session.results)
        self._enable()

    def _show(self, said: list[dict[str, Any]]) -> None:
        """Add the results to the project, and fill the table."""
        event = said[-1]
        self._outputs = dict(event["outputs"])
        self.bar.setValue(1000)
        lines = [tr("Done: {folder}").format(folder=os.path.dirname(self._outputs["report"]))]
        told = set(event["change"]["notes"])
        lines += [without_options(text, labels()) for text in dict.fromkeys(self._warned) if text not in told]
        self.note.show_text("\n".join(lines))
        self.result.show_report(event["change"], self._outputs)
        self.section.setCollapsed(True)  # what has changed is of interest now
        project = QgsProject.instance()
        layers = [project.mapLayer(identifier) for identifier in self._layers]
        if all(isinstance(layer, QgsRasterLayer) for layer in layers):
            self.result.propose((layers[0], layers[1]))
        maps = [one["outputs"]["classes"] for one in said[:-1] if "classes" in one.get("outputs", {})]
        Turns(self._adding(maps), self)

    def _adding(self, maps: list[str]) -> Any:
        """Add the results, and the class maps of scenes: they can be compared again by other rules."""
        yield from results.adding(self._outputs, self._name)
        project = QgsProject.instance()
        known = {os.path.normpath(layer.source()) for layer in project.mapLayers().values()}
        for path in maps:
            yield
            layer = results.open_layer(path, "classes")
            if not layer.isValid() or os.path.normpath(path) in known:
                continue
            results.style(layer)
            project.addMapLayer(layer, addToLegend=False)
            node = results.group_of(self._name, project).addLayer(layer)
            node.setItemVisibilityChecked(False)
            node.setExpanded(False)

    def _fail(self, message: str) -> None:
        self.bar.setValue(0)
        self.note.show_text(without_options(message, labels()), "✖", _RED)
        settings.log(message, warning=True)

    # --- the project

    def _write_state(self, _document: Any = None) -> None:
        state = {"inputs": self.inputs.state(), "outputs": self._outputs, "pictures": self.result.pictures()}
        QgsProject.instance().writeEntry(_SCOPE, _KEY, json.dumps(state, ensure_ascii=False))

    def _read_state(self, *_: Any) -> None:
        """Take up what the project has kept; nothing happens if that is nothing, or cannot be read."""
        text, _found = QgsProject.instance().readEntry(_SCOPE, _KEY, "")
        try:
            state = json.loads(text or "null")
            if state is None:
                return
            self.inputs.restore(state["inputs"])
            outputs = {str(kind): str(path) for kind, path in state["outputs"].items()}
            if os.path.isfile(outputs.get("report", "")):
                with open(outputs["report"], encoding="utf-8") as file:
                    report = json.load(file)
                self.result.show_report(report, outputs)
                self._outputs = outputs
                self.result.choose_pictures([str(one) for one in state["pictures"]])
        except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
            settings.log(tr("The project's GeoSeg entry cannot be read: {reason}").format(reason=error), warning=True)
        self._enable()

    def _forget(self) -> None:
        """Start anew with another project."""
        self._outputs = {}
        self.result.show_report({}, {})
        self._enable()

    # --- end

    def hideEvent(self, event: Any) -> None:
        """Take everything from the map when the window is closed."""
        if not event.spontaneous():  # else it is only minimized
            self.result.leave()
        super().hideEvent(event)

    def shut_down(self) -> None:
        """End what runs, and have no more to do with the project."""
        if self._session is not None:
            self._session.drop()
            self._session = None
        project = QgsProject.instance()
        project.writeProject.disconnect(self._write_state)
        project.readProject.disconnect(self._read_state)
        project.cleared.disconnect(self._forget)
        self._scene.checked.disconnect(self._enable)
        self.result.shut_down()
        self.inputs.shut_down()


def _has_results(folder: str) -> bool:
    """Whether a folder holds results of a comparison."""
    return bool(glob.glob(os.path.join(glob.escape(folder), "*_change_report.json")))
