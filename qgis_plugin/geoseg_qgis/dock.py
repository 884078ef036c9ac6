"""The dock panel: raster and model, preview and run, results, corrections. It only connects its parts."""

from __future__ import annotations

from typing import Any

from qgis.core import Qgis, QgsApplication, QgsProcessingException, QgsProject
from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from . import commands, environment, settings
from .diagnostics import diagnostics
from .environment import Probe
from .environment_page import EnvironmentPage
from .labels import labels
from .panel_correct import CorrectPanel
from .panel_objects import ObjectsPanel
from .panel_result import ResultPanel
from .panel_run import RunPanel
from .panel_scene import ScenePanel
from .panel_sketch import SketchPanel
from .project_state import ProjectState
from .render_dialog import RenderDialog
from .runner import RunError, geoseg_command
from .session import Session, pool, start
from .tr import tr
from .widgets import Button, WrappedLabel
from .words import without_options

_LIMIT = 120.0  # seconds for the list of models


class GeosegDock(QgsDockWidget):
    """GeoSeg for people who do not know Processing."""

    def __init__(self, iface: Any) -> None:
        super().__init__(tr("GeoSeg"), iface.mainWindow())
        self.setObjectName("GeosegDock")
        self.iface = iface
        self._began = False
        self._sessions: list[Session] = []
        self._classes: dict[str, Any] = {}
        self._name = ""
        self._outputs: dict[str, str] = {}
        self.page: EnvironmentPage | None = None
        self.render_dialog: RenderDialog | None = None
        self._build()

    def _build(self) -> None:
        inside = QWidget(self)
        self.banner = QFrame(inside)
        self.banner.setFrameShape(QFrame.Shape.StyledPanel)
        self.banner_text = WrappedLabel("", self.banner)
        self.setup_button = Button(tr("Set up…"), self.banner)
        self.setup_button.clicked.connect(self.open_environment)
        layout = QVBoxLayout(self.banner)
        layout.addWidget(self.banner_text)
        layout.addWidget(self.setup_button)
        self.scene = ScenePanel(inside)
        self.run = RunPanel(self.iface, self.scene, inside)
        self.result = ResultPanel(self.iface, inside)
        self.sketch = SketchPanel(self.iface, self.scene, self.run, inside)
        self.correct = CorrectPanel(self.iface, self.scene, inside)
        self.objects = ObjectsPanel(self.iface, self.scene, self.correct, inside)
        layout = QVBoxLayout(inside)
        for widget in (self.banner, self.scene, self.sketch, self.run, self.result, self.objects, self.correct):
            layout.addWidget(widget)
        layout.addStretch()
        area = self.area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(inside)
        self.setWidget(area)
        self.run.said.connect(self.say)
        self.correct.said.connect(self.say)
        self.objects.said.connect(self.say)
        self.sketch.made.connect(self._take_model)
        self.run.finished.connect(self._show_result)
        self.result.shown.connect(self._begin_corrections)
        # Later, when the panel has been laid out with it.
        self.result.shown.connect(lambda _: QTimer.singleShot(100, self._scroll_to_result))
        self.scene.changed.connect(self.result.show_raster)
        self.correct.trained.connect(self._take_model)
        self.scene.classes_wanted.connect(self.sketch.new_classes)
        self.scene.rendering_wanted.connect(self.render)
        self._show_banner(None)
        self._state = ProjectState(self.state, self.restore, self)

    def showEvent(self, event: Any) -> None:
        """Find geoseg when the panel is seen for the first time: starting QGIS stays as quick as it was."""
        super().showEvent(event)
        if not self._began:
            self._began = True
            self.refresh()

    def say(self, text: str, bad: bool) -> None:
        """Tell the user in the message bar and in the log."""
        level = Qgis.MessageLevel.Warning if bad else Qgis.MessageLevel.Success
        self.iface.messageBar().pushMessage("GeoSeg", without_options(text, labels()), level, 0 if bad else 6)
        settings.log(text, warning=bad)  # as geoseg says it

    # --- environment and models

    def refresh(self, model: str = "") -> None:
        """Check the interpreter if it was not, then list the models and choose ``model``."""
        python = settings.interpreter()
        found = settings.last_probe(python)
        self._show_banner(found)
        if not python:
            self.scene.set_models([])
        # Processes are started in a turn of their own, after the panel is laid out.
        elif found is None:
            QTimer.singleShot(0, lambda: self._probe(python))
        elif found.works:
            self.scene.set_models(settings.known_models(), model)
            QTimer.singleShot(0, lambda: self._list_models(python, model))

    def _show_banner(self, found: Probe | None) -> None:
        python = settings.interpreter()
        text = ""
        if not python:
            text = tr("geoseg needs a Python of its own. It is made in a few minutes, outside of QGIS.")
        elif found is not None and not found.works:
            text = tr("geoseg does not run: {reason}").format(reason=found.error)
        self.banner_text.show_text(text)
        self.banner.setVisible(bool(text))
        if found is not None:
            self.run.show_device(found.device)

    def _start(self, command: list[str], on_end: Any, limit: float) -> RunError | None:
        session = start(command, self, on_end, limit)
        if isinstance(session, RunError):
            return session
        self._sessions.append(session)
        session.ended.connect(self._sessions.remove)
        return None

    def _probe(self, python: str) -> None:
        def ended(session: Session) -> None:
            settings.remember_probe(environment.read_probe(session.child))
            self.refresh()

        try:
            failed = self._start(environment.probe_command(python), ended, environment.PROBE_LIMIT)
        except RunError as error:
            failed = error
        if failed is not None:
            settings.remember_probe(Probe(python, error=str(failed)))
            self._show_banner(Probe(python, error=str(failed)))

    def _list_models(self, python: str, model: str) -> None:
        def ended(session: Session) -> None:
            try:
                session.child.raise_for_error()
                cards = session.listing()
            except (RunError, ValueError) as error:
                self.say(tr("The models cannot be listed: {reason}").format(reason=error), True)
                return
            if cards != settings.known_models() or not self.scene.models.count() or model:
                settings.remember_models(cards)
                self.scene.set_models(cards, model)
                # Processing offers the models in its dialogs; they are built anew from here.
                provider = QgsApplication.processingRegistry().providerById("geoseg")
                if provider is not None:
                    provider.refreshAlgorithms()

        failed = self._start(geoseg_command(python, commands.models()), ended, _LIMIT)
        if failed is not None:
            self.say(str(failed), True)

    def open_environment(self) -> None:
        """Open the environment page."""
        if self.page is None:
            self.page = EnvironmentPage(self.iface.mainWindow())
            self.page.changed.connect(self.refresh)
        self.page.show_state()
        self.page.show()
        self.page.raise_()

    def copy_diagnostics(self) -> None:
        """Put the text for a bug report on the clipboard."""
        log = self.page.log.toPlainText().splitlines() if self.page is not None else []
        QgsApplication.clipboard().setText(diagnostics(log))
        self.say(tr("Diagnostics are on the clipboard."), False)

    # --- results

    def _show_result(self, event: dict[str, Any], name: str, raster: str) -> None:
        self._classes = event.get("classes", {})
        self._name, self._outputs = name, event["outputs"]
        self.result.show_result(event, name, raster)
        self.sketch.take_result(event, raster)

    def _scroll_to_result(self) -> None:
        self.area.ensureWidgetVisible(self.result)

    def _begin_corrections(self, layers: dict[str, Any]) -> None:
        self.correct.begin(layers, self._outputs, self._classes, self._name)

    def state(self) -> dict[str, Any]:
        """Return what the project is to keep of the panel."""
        last = {"name": self._name, "outputs": self._outputs, "classes": self._classes}
        corrections = self.correct.corrections.state()
        return {
            "scene": self.scene.state(), "results": self.result.state(), "last": last, "corrections": corrections,
            "sketch": self.sketch.state(), "objects": self.objects.state(),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what a project has kept."""
        try:
            self.scene.restore(state.get("scene", {}))
            self.result.restore(state.get("results", {}))
            self.sketch.restore(state.get("sketch", {}))
            self.objects.restore(state.get("objects", {}))
            last, corrections = state.get("last", {}), state.get("corrections", {})
            polygons = QgsProject.instance().mapLayer(str(corrections.get("result", "")))
            if polygons is not None:
                self._name, self._outputs, self._classes = (last[key] for key in ("name", "outputs", "classes"))
                self._begin_corrections({"polygons": polygons})
                self.correct.corrections.restore(corrections)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError, QgsProcessingException) as error:
            settings.log(tr("The project's GeoSeg entry cannot be read: {reason}").format(reason=error), warning=True)

    def render(self) -> None:
        """Ask which part of a layer that is no file is rendered to one, and choose that."""
        layer = self.scene.layer()
        if layer is None:
            return
        if self.render_dialog is not None:
            self.render_dialog.stop()
            self.render_dialog.deleteLater()
        dialog = RenderDialog(self.iface, self.iface.mainWindow(), layer)
        # Not modal: the user may have to move the map, draw, or select polygons.
        dialog.accepted.connect(lambda: self.scene.layers.setLayer(dialog.made))
        dialog.show()
        self.render_dialog = dialog

    def _take_model(self, name: str) -> None:
        self.refresh(name)

    def shut_down(self) -> None:
        """End everything that runs."""
        self._state.stop()
        for session in list(self._sessions):
            session.drop()
        self._sessions.clear()
        pool.close()
        self.scene.stop()
        self.sketch.shut_down()
        self.run.shut_down()
        self.correct.shut_down()
        self.objects.shut_down()
        if self.render_dialog is not None:
            self.render_dialog.stop()
        if self.page is not None:
            self.page.shut_down()
            self.page.close()
