"""Bottom of the dock: corrections become labels, and a model is fine-tuned on them."""

from __future__ import annotations

import os
import re
import shlex
from typing import Any

from qgis.core import QgsProcessingException
from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import (
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from . import commands, phases, settings
from .corrections import FIELD, Corrections
from .panel_scene import ScenePanel
from .runner import RunError, geoseg_command
from .session import Session, start
from .tr import tr


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
        self._progress = phases.progress(several=False)
        self.corrections = Corrections(self)
        self.corrections.changed.connect(self._count)
        self._model = ""
        self._trained_scene = commands.Scene([])
        self._build()
        self.hide()

    def _build(self) -> None:
        box = QgsCollapsibleGroupBox(tr("Correct and retrain"), self)
        self.note = QLabel(box)
        self.note.setWordWrap(True)
        self.collect_button = QPushButton(tr("Edited polygons → labels"), box)
        self.collect_button.setToolTip(tr("Save your edits of the result and use the edited polygons as labels"))
        self.collect_button.clicked.connect(self.collect)
        self.draw_button = QPushButton(tr("Draw labels"), box)
        self.draw_button.setToolTip(tr("Draw polygons of known class"))
        self.draw_button.clicked.connect(self.draw)
        first = QHBoxLayout()
        first.addWidget(self.collect_button)
        first.addWidget(self.draw_button)
        self.epochs = QSpinBox(box)
        self.epochs.setRange(1, 1000)
        self.epochs.setValue(10)
        self.name = QLineEdit(box)
        self.more = QLineEdit(box)
        self.more.setPlaceholderText("--batch=4 --lr=0.0001")
        self.more.setToolTip(tr("Further options of geoseg train"))
        form = QFormLayout()
        form.addRow(tr("Epochs"), self.epochs)
        form.addRow(tr("Options"), self.more)
        form.addRow(tr("New model"), self.name)
        self.tune_button = QPushButton(tr("Fine-tune model on my corrections"), box)
        self.tune_button.clicked.connect(self.tune)
        self.cancel_button = QPushButton(tr("Cancel"), box)
        self.cancel_button.clicked.connect(self.cancel)
        second = QHBoxLayout()
        second.addWidget(self.tune_button, 1)
        second.addWidget(self.cancel_button)
        self.bar = QProgressBar(box)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.hide()
        layout = QVBoxLayout(box)
        layout.addWidget(self.note)
        layout.addLayout(first)
        layout.addLayout(form)
        layout.addLayout(second)
        layout.addWidget(self.bar)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(box)

    def begin(self, layers: dict[str, Any], outputs: dict[str, str], classes: dict[str, Any], scene: str) -> None:
        """Take up a new result."""
        polygons = layers.get("polygons")
        self.setVisible(polygons is not None)
        if polygons is None:
            return
        path = re.sub(r"_polygons(\.\w+)$", "_corrections.gpkg", outputs["polygons"])
        colours = {name: facts.get("color", "#888888") for name, facts in classes.items()}
        self.corrections.watch(polygons, path, colours, scene)
        self._model, self._trained_scene = self._scene.model(), self._scene.scene()
        self.name.setText(self._free_name())
        self._count()

    def _free_name(self, used: str = "") -> str:
        base = re.sub(r"[^\w-]+", "_", os.path.basename(self._model) or "model")
        base = re.sub(r"_tuned\d*$", "", base)
        taken = {used, *(card["name"] for card in settings.known_models())}
        return next(name for n in range(1, 10_000) if (name := f"{base}_tuned{n}") not in taken)

    def _count(self) -> None:
        waiting, labels = self.corrections.waiting(), self.corrections.count()
        text = tr("{labels} labels, {waiting} edited polygons that are no labels yet.")
        hint = tr("Toggle editing on the polygons and change class or shape, or draw labels.")
        self.note.setText(text.format(labels=labels, waiting=waiting) + ("" if waiting or labels else "\n" + hint))
        self._enable()

    def _enable(self) -> None:
        running = self._session is not None
        self.tune_button.setEnabled(not running)
        self.cancel_button.setEnabled(running)
        self.bar.setVisible(running)

    def collect(self) -> None:
        """Turn edited polygons into labels."""
        try:
            count = self.corrections.collect()
        except QgsProcessingException as error:
            self.said.emit(str(error), True)
            return
        self.said.emit(tr("{count} polygons are labels now").format(count=count), False)

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
        try:
            if self.corrections.waiting():
                self.corrections.collect()
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
        arguments = commands.train(scene, [labels], target, self._model, **options)
        try:
            arguments += shlex.split(self.more.text())
        except ValueError as error:
            self.said.emit(tr("Options: {reason}").format(reason=error), True)
            return
        session = start(geoseg_command(settings.interpreter(), arguments), self, self._ended)
        if isinstance(session, RunError):
            self.said.emit(str(session), True)
            return
        session.spoke.connect(self._take)
        session.show_as(tr("GeoSeg: training {model}").format(model=name))
        self._session, self._progress = session, phases.progress(several=False)
        self.bar.setValue(0)
        self.note.setText(self._progress.text())
        self._enable()

    def _take(self, event: dict[str, Any]) -> None:
        if self._progress.take(event) and self._progress.text():
            self.bar.setValue(int(self._progress.percent * 10))
            self._session.progress(self._progress.percent)
            self.note.setText(self._progress.text())

    def cancel(self) -> None:
        """Stop training."""
        if self._session is not None:
            self._session.cancel()

    def _ended(self, session: Session) -> None:
        self._session = None
        self._count()
        if session.child.cancelled:
            self.note.setText(tr("Cancelled."))
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
