"""Bottom of the dock: corrections become labels, and a model is fine-tuned on them."""

from __future__ import annotations

import os
import re
from typing import Any, Callable, Iterator

from qgis.core import QgsGeometry, QgsProcessingException, QgsVectorLayer
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QDoubleSpinBox, QLineEdit, QProgressBar, QSpinBox, QVBoxLayout, QWidget

from . import commands, phases, settings
from .corrections import Corrections
from .label_layer import FIELD
from .new_classes import NewClassesDialog
from .object_labels import UNCHECKED, copying
from .panel_scene import ScenePanel
from .results import writable_folder
from .runner import RunError, geoseg_command
from .session import Session, start
from .tr import tr
from .turns import Turns
from .widgets import Button, Flow, Section, WrappedLabel, form, narrow


class CorrectPanel(QWidget):
    """Corrections and fine-tuning."""

    trained = pyqtSignal(str)
    """Name of a model that is new in the list."""
    said = pyqtSignal(str, bool)
    """Something for the user, and whether it is bad."""

    def __init__(self, iface: Any, scene: ScenePanel, parent: QWidget) -> None:
        super().__init__(parent)
        self._iface, self._scene = iface, scene
        self._session: Session | None = None
        self._collecting = False
        self._progress = phases.progress(several=False)
        self.corrections = Corrections(self)
        self.corrections.changed.connect(self._count)
        self._model = ""
        self._objects = False  # whether the labels are objects, one polygon each
        self._trained_scene = commands.Scene([])
        self._build()
        self._count()

    def _build(self) -> None:
        box = Section(tr("Labels and training"), self)
        self.note = WrappedLabel("", box)
        self.classes_button = Button(tr("New classes…"), box)
        self.classes_button.setToolTip(tr("Name classes, draw examples of them on this raster, and train a model"))
        self.classes_button.clicked.connect(lambda *_: self.new_classes())
        self.collect_button = Button(tr("Edited polygons → labels"), box)
        self.collect_button.setToolTip(tr("Save your edits of the result and use the edited polygons as labels"))
        self.collect_button.clicked.connect(self.collect)
        self.draw_button = Button(tr("Draw labels"), box)
        self.draw_button.setToolTip(tr("Draw polygons of known class"))
        self.draw_button.clicked.connect(self.draw)
        first = Flow(self.classes_button, self.collect_button, self.draw_button)
        self.epochs = QSpinBox(box)
        self.epochs.setRange(1, 1000)
        self.epochs.setValue(10)
        self.name = QLineEdit(box)
        fields = form()
        fields.addRow(tr("New model"), self.name)
        fields.addRow(tr("Epochs"), self.epochs)
        self.tune_button = Button("", box)
        self.tune_button.clicked.connect(self.tune)
        self.cancel_button = Button(tr("Cancel"), box)
        self.cancel_button.clicked.connect(self.cancel)
        second = Flow(self.tune_button, self.cancel_button)
        self.bar = QProgressBar(box)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.hide()
        layout = QVBoxLayout(box)
        layout.addWidget(self.note)
        layout.addLayout(first)
        layout.addLayout(fields)
        self.advanced = self._build_advanced(box)
        layout.addWidget(self.advanced)
        layout.addLayout(second)
        layout.addWidget(self.bar)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)

    def _build_advanced(self, parent: QWidget) -> Section:
        box = Section(tr("Advanced"), parent)
        self.window, self.batch, self.rate = QSpinBox(box), QSpinBox(box), QDoubleSpinBox(box)
        self.window.setRange(0, 4096)
        self.window.setSingleStep(32)
        self.window.setSuffix(" px")
        self.window.setToolTip(tr("Side of the squares that the model is trained on"))
        self.batch.setRange(0, 1024)
        self.batch.setToolTip(tr("Tiles that are computed at a time; fewer need less memory"))
        self.rate.setRange(0, 1)
        self.rate.setDecimals(6)
        self.rate.setSingleStep(0.0001)
        self.rate.setToolTip(tr("By how much each step changes the model"))
        fields = form()
        for text, field in (
            (tr("Tile size"), self.window),
            (tr("Batch size"), self.batch),
            (tr("Learning rate"), self.rate),
        ):
            field.setSpecialValueText(tr("automatic"))
            fields.addRow(text, field)
        narrow(self.window, self.batch, self.rate, self.epochs, self.name)
        QVBoxLayout(box).addLayout(fields)
        box.setCollapsed(True)
        return box

    def begin(self, layers: dict[str, Any], outputs: dict[str, str], classes: dict[str, Any], scene: str) -> None:
        """Take up a new result."""
        polygons = layers.get("polygons")
        if polygons is None:
            return
        path = re.sub(r"_polygons(\.\w+)$", "_corrections.gpkg", outputs["polygons"])
        colours = {name: facts.get("color", "#888888") for name, facts in classes.items()}
        ids = {name: facts["id"] for name, facts in classes.items() if "id" in facts}
        self.corrections.watch(polygons, path, colours, scene, ids)
        self._model, self._trained_scene, self._objects = self._scene.model(), self._scene.scene(), False
        self.name.setText(self._free_name())
        self._count()

    def new_classes(self, dialog: NewClassesDialog | None = None) -> None:
        """Ask for classes, then open a new label layer over the chosen raster for drawing."""
        layer = self._scene.layer()
        try:
            scene = self._scene.scene()
        except QgsProcessingException as error:
            self.said.emit(str(error), True)
            return
        if layer is None:
            return
        folder = writable_folder(os.path.dirname(scene.sources[0]))
        stem = re.sub(r"[^\w-]+", "_", layer.name())
        dialog = dialog or NewClassesDialog(self._iface.mainWindow(), os.path.join(folder, f"{stem}_labels.gpkg"))
        if not dialog.exec():
            return
        self.corrections.begin(dialog.path(), dialog.classes(), layer.name(), layer.crs())
        self._model, self._trained_scene, self._objects = "", scene, False
        self.name.setText(self._free_name(base=stem))
        self.draw()
        self._count()

    def taking_objects(
        self, layer: QgsVectorLayer, path: str, classes: dict[str, str], places: tuple[QgsGeometry, QgsGeometry]
    ) -> Iterator[None]:
        """Make labels of objects that were looked through, piece by piece; returns how many.

        Parameters
        ----------
        layer
            Objects; unsaved edits are saved.
        path
            File for the labels.
        classes
            Colour per class name.
        places
            What was looked through, and the extent of the chosen raster, in the layer's CRS.

        Raises
        ------
        QgsProcessingException
            If something cannot be saved.
        """
        scene, name = self._scene.scene(), self._scene.layer().name()
        if layer.isModified() and not layer.commitChanges(stopEditing=False):
            raise QgsProcessingException("; ".join(layer.commitErrors()))
        yield
        known = {**(self.corrections.classes if self.corrections.path == path else {}), **classes}
        self.corrections.begin(path, known, name, layer.crs())
        labels = self.corrections.open_labels()
        if labels.isModified() and not labels.commitChanges(stopEditing=False):
            raise QgsProcessingException("; ".join(labels.commitErrors()))
        yield
        number = yield from copying(layer, labels, *places)
        model = self._scene.model()
        finds = any(card["name"] == model and card.get("objects") for card in settings.known_models())
        self._model, self._trained_scene, self._objects = model if finds else "", scene, True
        self.name.setText(self._free_name(base=re.sub(r"[^\w-]+", "_", name)))
        self._count()
        return number

    def _free_name(self, used: str = "", base: str = "") -> str:
        base = base or re.sub(r"[^\w-]+", "_", os.path.basename(self._model) or "model")
        base = re.sub(r"_tuned\d*$", "", base)
        taken = {used, *(card["name"] for card in settings.known_models())}
        kind = "tuned" if self._model else "model"
        return next(name for n in range(1, 10_000) if (name := f"{base}_{kind}{n}") not in taken)

    def _count(self) -> None:
        waiting, labels = self.corrections.waiting(), self.corrections.count()
        text = tr("{labels} labels, {waiting} edited polygons that are no labels yet.")
        hint = tr("Toggle editing on the polygons and change class or shape, or draw labels.")
        if self.corrections.result() is None:
            text = tr("{labels} labels.")
            hint = tr("Draw some polygons of each class, in places that differ.")
        if not self.corrections.path:
            text, hint = "", tr("Train a model on classes of your own, or correct the map that a run gives.")
        self.note.show_text(
            (text.format(labels=labels, waiting=waiting) + ("" if labels or waiting else "\n" + hint)).strip()
        )
        self._enable()

    def _enable(self) -> None:
        running = self._session is not None or self._collecting
        self.collect_button.setEnabled(not self._collecting)
        self.tune_button.setText(tr("Fine-tune the model") if self._model else tr("Train a model"))
        self.collect_button.setVisible(self.corrections.result() is not None)
        self.draw_button.setVisible(bool(self.corrections.path))
        self.tune_button.setEnabled(not running and bool(self.corrections.path))
        self.cancel_button.setEnabled(self._session is not None)
        self.bar.setVisible(self._session is not None)

    def collect(self) -> None:
        """Turn edited polygons into labels."""
        text = tr("{count} polygons are labels now")
        self._collect(lambda count: self.said.emit(text.format(count=count), False))

    def _collect(self, then: Callable[[int], None]) -> None:
        """Turn edited polygons into labels, then go on; the buttons that would do it twice wait."""

        def collecting(now: bool) -> None:
            self._collecting = now
            self._enable()

        turns = Turns(self.corrections.collect(), self)
        turns.done.connect(lambda count: (collecting(False), then(count)))
        turns.failed.connect(lambda text: (collecting(False), self.said.emit(text, True)))
        collecting(True)

    def draw(self) -> None:
        """Open the labels for drawing."""
        try:
            layer = self.corrections.open_labels()
        except QgsProcessingException as error:
            self.said.emit(str(error), True)
            return
        self._iface.setActiveLayer(layer)
        layer.startEditing()
        self._iface.actionAddFeature().trigger()

    def tune(self) -> None:
        """Train on the corrections, from the model that made the result."""
        if self.corrections.waiting():
            self._collect(lambda _: self._tune())
        else:
            self._tune()

    def _tune(self) -> None:
        try:
            labels = self.corrections.save()
        except QgsProcessingException as error:
            self.said.emit(str(error), True)
            return
        found = settings.last_probe(settings.interpreter())
        folder = found.facts.get("models", "") if found is not None else ""
        name = self.name.text().strip()
        if not folder or not re.fullmatch(r"[\w.-]+", name):
            self.said.emit(tr("Give the new model a name of letters, digits, - and _."), True)
            return
        target = os.path.join(folder, name)
        if os.path.exists(target):
            self.said.emit(tr("There is a model called {name}: choose another name.").format(name=name), True)
            return
        os.makedirs(folder, exist_ok=True)
        scene = self._trained_scene
        options = {"class_field": FIELD, "epochs": self.epochs.value(), "stack": len(scene.sources) > 1}
        options.update(window=self.window.value() or None, batch=self.batch.value() or None)
        options["lr"] = self.rate.value() or None
        if self._objects:
            options["task"] = "instances"
            options["ignore"] = UNCHECKED if self.corrections.partial else None
        elif not self._model:
            options["classes"] = ",".join(f"{name}:{colour}" for name, colour in self.corrections.classes.items())
        arguments = commands.train(scene, [labels], target, self._model, **options)
        session = start(geoseg_command(settings.interpreter(), arguments), self, self._ended)
        if isinstance(session, RunError):
            self.said.emit(str(session), True)
            return
        session.spoke.connect(self._take)
        session.show_as(tr("GeoSeg: training {model}").format(model=name))
        self._session, self._progress = session, phases.progress(several=False)
        self.bar.setValue(0)
        self.note.show_text(self._progress.text())
        self._enable()

    def _take(self, event: dict[str, Any]) -> None:
        if self._progress.take(event) and self._progress.text():
            self.bar.setValue(int(self._progress.percent * 10))
            self._session.progress(self._progress.percent)
            self.note.show_text(self._progress.text())

    def cancel(self) -> None:
        """Stop training."""
        if self._session is not None:
            self._session.cancel()

    def _ended(self, session: Session) -> None:
        self._session = None
        self._count()
        if session.child.cancelled:
            self.note.show_text(tr("Cancelled."))
        elif session.error:
            self.said.emit(session.error, True)
        else:
            name = self.name.text().strip()
            self.said.emit(tr("Model {name} is trained and in the list").format(name=name), False)
            self.trained.emit(name)
            self.name.setText(self._free_name(name))

    def shut_down(self) -> None:
        """End what runs."""
        if self._session is not None:
            self._session.drop()
            self._session = None
