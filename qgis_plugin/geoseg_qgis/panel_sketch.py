"""The sketch in the dock: classes drawn with QGIS's own tools, and a model of them within seconds."""

from __future__ import annotations

import os
import re
from typing import Any

from qgis.core import QgsProcessingException, QgsRectangle
from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QProgressBar, QVBoxLayout, QWidget

from . import label_layer, settings
from .click_tool import Clicker
from .labels import labels
from .new_classes import NewClassesDialog
from .next_places import NextPlaces
from .overlay import visible_part
from .panel_run import RunPanel
from .panel_scene import ScenePanel
from .sketch_labels import SketchLabels
from .sketch_loop import SketchLoop, Wish, is_sketch
from .sketch_table import SketchTable, is_result, score_text
from .tr import tr
from .vectors import file_of
from .widgets import Button, CheckBox, Flow, Section, WrappedLabel, narrow
from .words import without_options

_SOON = 100  # milliseconds until it is asked again whether the map is finished


class SketchPanel(QWidget):
    """Labels, the buttons, and what the sketch is worth."""

    made = pyqtSignal(str)
    """Name of a model that is new in the list."""

    def __init__(self, iface: Any, scene: ScenePanel, run: RunPanel, parent: QWidget) -> None:
        super().__init__(parent)
        self._iface, self._scene, self._run = iface, scene, run
        self._name = ""  # of the model
        self._listed = "", 0  # the model that was announced, and its number of classes
        self._problem = ""
        self._wanted = False  # whether to learn when the drawings are counted
        self._map = ""  # that the last run made
        self.seconds = 0.0
        self._build()
        self.loop = SketchLoop(
            run.overlay, lambda: visible_part(run.area, scene.layer()), lambda: self.labels.layer_id, self
        )
        self.next = NextPlaces(iface, self)
        self.clicks = Clicker(iface, scene, lambda: self.labels.layer_id, self)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self.next_place)
        self._connect()
        self._show()

    def _build(self) -> None:
        self.section = Section(tr("Sketch a model"), self)
        box = QWidget(self.section)  # as the section shows all of its children when it is opened
        self.labels = SketchLabels(self._iface, self._scene, box)
        self.sketch_button = Button(tr("Sketch"), box)
        self.sketch_button.setToolTip(
            tr("Save the edits of the labels, learn a model from them, and show its map of the visible part")
        )
        self.sketch_button.clicked.connect(self.sketch)
        self.next_button = Button(tr("Next place"), box)
        self.next_button.setToolTip(tr("Zoom to the place where a label would help most, one after the other"))
        self.next_button.clicked.connect(self.next_place)
        self.click_button = Button(tr("Click objects"), box)
        self.click_button.setCheckable(True)
        self.click_button.setToolTip(
            tr("Click on an object of the selected class: a click model such as SAM outlines it in the labels")
        )
        self.click_button.clicked.connect(self.click_objects)
        self.click_models = QComboBox(box)
        self.click_models.setToolTip(tr("The click model that outlines"))
        narrow(self.click_models)
        self.click_models.currentTextChanged.connect(self._choose_click_model)
        self.cancel_button = Button(tr("Cancel"), box)
        self.cancel_button.clicked.connect(self.cancel)
        self.auto = CheckBox(tr("Sketch when edits are saved"), box)
        self.auto.setChecked(True)
        self.table = SketchTable(box)
        self.bar = QProgressBar(box)
        self.bar.setRange(0, 100)
        self.bar.setTextVisible(False)
        self.note = WrappedLabel("", box)
        self.score = WrappedLabel("", box)
        layout = QVBoxLayout(box)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.labels)
        layout.addWidget(self.table)
        layout.addWidget(self.auto)
        layout.addWidget(self.click_models)
        layout.addLayout(Flow(self.click_button, self.sketch_button, self.next_button, self.cancel_button))
        for widget in (self.bar, self.note, self.score):
            layout.addWidget(widget)
        QVBoxLayout(self.section).addWidget(box)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.section)
        self.section.setCollapsed(True)

    def _connect(self) -> None:
        self.labels.taken.connect(self._begin_anew)
        self.labels.removed.connect(self._labels_removed)
        self.labels.counted.connect(self._counted)
        self.labels.saved.connect(self._saved)
        self.table.chosen.connect(self.labels.draw_as)
        self.loop.changed.connect(self._show_state)
        self.loop.learned.connect(self._learned)
        self.loop.painted.connect(self._painted)
        self.next.changed.connect(self._show_state)
        self.clicks.changed.connect(self._show_clicks)
        self.labels.saved.connect(self.clicks.settle)
        for part in (self.labels, self.loop, self.next, self.clicks):
            part.failed.connect(self._fail)
        self._scene.changed.connect(lambda _: self._begin_anew())

    def new_classes(self, dialog: NewClassesDialog | None = None) -> None:
        """Ask for classes of the user's own for the chosen raster, and let him draw."""
        self.section.setCollapsed(False)
        self.labels.new_classes(dialog)

    def _begin_anew(self) -> None:
        """Have done with the last sketch: another raster or other labels were chosen."""
        self._later.stop()
        self.loop.forget()
        self.next.forget()
        self.clicks.forget()
        self.table.forget()
        self._name = self._problem = ""
        self._map = ""
        self._wanted, self.seconds = False, 0.0
        self._show()

    def _labels_removed(self) -> None:
        running = self.loop.running
        self._begin_anew()
        if running:
            self._fail(tr("The labels were removed from the project: choose others, or make new classes."))

    # --- sketching

    def sketch(self) -> None:
        """Save the edits, learn and repaint."""
        layer = self.labels.layer()
        if layer is not None and layer.isModified() and not layer.commitChanges(stopEditing=False):
            self._fail(tr("The edits cannot be saved: {reason}").format(reason="; ".join(layer.commitErrors())))
            return
        self._want()

    def _saved(self) -> None:
        if self.auto.isChecked() and not self.section.isCollapsed():
            self._want()

    def _want(self) -> None:
        self._problem, self._wanted = "", True
        self.labels.count()

    def _counted(self) -> None:
        wanted, self._wanted = self._wanted, False
        self._show()
        if wanted:
            QTimer.singleShot(0, self._learn)  # in a turn of its own

    def _learn(self) -> None:
        """Learn what is drawn, if it is something to learn."""
        reason = self._why_not()
        if reason:
            self._fail(reason)
            return
        try:
            scene, drawings = self._scene.scene(), file_of(self.labels.layer())
        except QgsProcessingException as error:
            self._fail(str(error))
            return
        self.loop.want(Wish(scene, drawings, self._folder(), self.labels.options()))

    def _why_not(self) -> str:
        if not settings.interpreter():
            return tr("geoseg needs a Python of its own. It is made in a few minutes, outside of QGIS.")
        if self._scene.layer() is None:
            return tr("Add a raster layer to the project.")
        return self.labels.why_not()

    def _folder(self) -> str:
        """Return the folder of the model: that of the last round, or a new one among the user's models."""
        found = settings.last_probe(settings.interpreter())
        models = str(found.facts.get("models", "")) if found is not None else ""
        there = os.path.join(models, self._name)
        if not self._name or (os.path.exists(there) and not is_sketch(there)):  # nothing else is ever replaced
            stem = re.sub(r"[^\w-]+", "_", self._scene.layer().name()).strip("_") or "raster"
            names = (f"{stem}_sketch{number}" for number in range(1, 10_000))
            self._name = next(name for name in names if not os.path.exists(os.path.join(models, name)))
        return os.path.join(models, self._name)

    def cancel(self) -> None:
        """Stop what runs."""
        self._later.stop()
        self.loop.cancel()
        self.next.cancel()
        self.clicks.cancel()

    # --- outlining by clicks

    def click_objects(self) -> None:
        """Take up the tool that outlines what is clicked on, or put it away."""
        self._problem = ""
        if self.clicks.active:
            self.clicks.end()
        elif self.labels.layer() is None or not settings.interpreter():
            self._fail(self._why_not())
        else:
            self.clicks.begin()
        self._show_state()

    def _choose_click_model(self, name: str) -> None:
        if name:
            self.clicks.model = name

    def _show_clicks(self) -> None:
        listed = [self.click_models.itemText(number) for number in range(self.click_models.count())]
        if listed != self.clicks.models:
            self.click_models.blockSignals(True)
            self.click_models.clear()
            self.click_models.addItems(self.clicks.models)
            self.click_models.setCurrentText(self.clicks.model)
            self.click_models.blockSignals(False)
        if self.clicks.running:
            self._problem = ""
        self._show_state()

    def _learned(self, result: dict[str, Any]) -> None:
        self._problem = ""
        self.table.show_result(result)
        self._show()

    def _painted(self, seconds: float) -> None:
        if seconds:
            self.seconds = seconds
            settings.log(tr("Sketch after {seconds:.1f} s").format(seconds=seconds))
        self.next.map_changed(QgsRectangle(*self.loop.part.bbox))
        listed = self._name, len(self.loop.known.result["classes"])
        if self._listed != listed:
            self._listed = listed
            self.made.emit(self._name)

    def _fail(self, message: str) -> None:
        """Say what is wrong, where the user looks; nothing pops up while he draws."""
        self._problem = message
        settings.log(message, warning=True)
        self._show()

    # --- the next place

    def next_place(self) -> None:
        """Zoom to the next of the places where a label would help most, when the map is finished."""
        if self.loop.running:
            self._later.start(_SOON)
            self.loop.stop_comparing()
            return
        self._problem = ""
        layer = self.labels.layer()
        try:
            drawings = file_of(layer) if layer is not None and self.labels.drawn.numbers else ""
        except QgsProcessingException as error:
            self._fail(str(error))
            return
        self.next.go(self._run.overlay.folder or self._map, drawings)

    def take_result(self, event: dict[str, Any], raster: str) -> None:
        """Take notice of a map of the whole raster: places are looked for there."""
        layer = self._scene.layer()
        if layer is not None and layer.id() == raster:
            self._map = str(event["outputs"]["classes"])
            self.next.map_changed()
            self._show()

    # --- what is shown

    def _show(self) -> None:
        self.table.show_classes(self.labels.colours(), self.labels.drawn)
        self._show_state()

    def _show_state(self) -> None:
        """Show all but the table, which what is being done does not change."""
        there = self.labels.layer() is not None
        for widget in (
            self.table, self.auto, self.click_button, self.sketch_button, self.next_button, self.cancel_button,
        ):  # fmt: skip
            widget.setVisible(there)
        self.click_models.setVisible(there and len(self.clicks.models) > 1)
        self.click_button.setChecked(self.clicks.active)
        self.labels.draw_button.setEnabled(there)
        running = self.loop.running or self.next.running or self.clicks.running
        self.cancel_button.setEnabled(running)
        somewhere = bool(self._run.overlay.folder or self._map)
        self.next_button.setEnabled(somewhere and not self.next.running)
        self.bar.setVisible(there and running)
        self.bar.setValue(int(self.loop.percent) if self.loop.running else 0)
        if self._problem:
            self.note.show_text(without_options(self._problem, labels()), "✖", "#b3261e")
        else:
            self.note.show_text(self._note())
        text = score_text(self.loop.known.result)
        self.score.show_text(text)
        self.score.setVisible(bool(text))

    def _note(self) -> str:
        """Return one line: what is going on, else what to do."""
        layer, drawn = self.labels.layer(), self.labels.drawn
        if self.loop.running:
            return self.loop.text() + (tr("; newer drawings wait") if self.loop.waiting else "")
        if self.next.running:
            return self.next.text()
        if self.clicks.running:
            return tr("Outlining")
        if self.clicks.active:
            return self.clicks.said or tr(
                "Click on an object of the selected class. Shift adds to it, Ctrl takes away."
            )
        if layer is None:
            return tr("Name classes, draw some places of each, and see a map of the visible part within seconds.")
        if layer.isModified():
            return tr("There are unsaved edits: save them, or press Sketch.")
        if self.next.current:
            return self.next.current
        if drawn.nameless:
            return tr("{count} drawings have no class and are left out.").format(count=drawn.nameless)
        if self.loop.known.result and self.seconds:
            text = tr("Shown {seconds:.1f} s after saving. Run maps the whole raster.")
            return text.format(seconds=self.seconds)
        return tr("Select a class, draw it in three places or more, and save the edits.")

    # --- in the project

    def state(self) -> dict[str, Any]:
        """Return what the project is to keep."""
        known = self.loop.known
        return {
            "labels": self.labels.layer_id, "name": self._name, "auto": self.auto.isChecked(),
            "open": not self.section.isCollapsed(), "result": known.result, "reading": known.reading,
            "compared": known.compared,
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Take up what :meth:`state` returned."""
        layer = label_layer.vector(str(state.get("labels", "")))
        self.auto.setChecked(bool(state.get("auto", True)))
        self.section.setCollapsed(not state.get("open"))
        self.labels.layers.setLayer(layer)
        self.labels.take(layer)
        if layer is None:
            return
        name = str(state.get("name", ""))
        self._name = name if re.fullmatch(r"[\w-]+", name) else ""
        known, result = self.loop.known, state.get("result")
        known.result = result if is_result(result) else {}
        self._listed = self._name, len(known.result.get("classes", {}))
        known.reading, known.compared = [str(word) for word in state.get("reading", [])], int(state.get("compared", 0))
        self.table.show_result(known.result)
        self._show()

    def shut_down(self) -> None:
        """End what runs."""
        self._later.stop()
        self.loop.drop()
        self.next.forget()
        self.clicks.forget()
        self.labels.shut_down()
