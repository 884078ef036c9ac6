"""Accuracy and areas with confidence intervals: a random sample of points, interpreted one by one, and the report.

The sample and the estimates are geoseg's (``geoseg evaluate sample`` and ``area``). The points are a layer of the
project; what is entered is saved at once, so that the work can be continued another day. The map stays hidden meanwhile
and its class at the point untold, since both would sway the interpreter.
"""

from __future__ import annotations

import os
from typing import Any

from qgis.core import (
    QgsCoordinateTransform,
    QgsMapLayer,
    QgsProcessingException,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from . import commands, phases, settings
from .accuracy_report import estimate_html
from .algorithms.base import source_of
from .project_state import is_own
from .runner import RunError, geoseg_command
from .session import Session, start
from .tr import tr

FIELD = "reference_class"
_SIDE = 60  # pixels of the map that are shown around a point


class AccuracyDialog(QDialog):
    """Draws points, asks for their classes, reports."""

    def __init__(self, iface: Any) -> None:
        super().__init__(iface.mainWindow())
        self._iface = iface
        self.setWindowTitle(tr("Accuracy and areas"))
        self._session: Session | None = None
        self._progress = phases.progress(several=False)
        self._points = ""
        self._order: list[int] = []
        self._answers: dict[int, str] = {}
        self._place = 0
        self._classes: list[str] = []
        self._hidden: set[str] = set()
        self._build()
        self.list_maps()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        for widget in (self._build_sample(), self._build_form(), self._build_report()):
            layout.addWidget(widget)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        layout.addWidget(self.bar)
        layout.addWidget(self.note)

    def _build_sample(self) -> QWidget:
        box = QGroupBox(tr("1. Points"), self)
        self.map = QComboBox(box)
        self.map.currentIndexChanged.connect(lambda _: self._propose_file())
        self.count = QSpinBox(box)
        self.count.setRange(10, 100_000)
        self.count.setValue(300)
        self.count.setToolTip(tr("Drawn at random within each class; more points give narrower intervals"))
        self.file = QgsFileWidget(box)
        self.file.setStorageMode(QgsFileWidget.StorageMode.SaveFile)
        self.file.setFilter("GeoPackage (*.gpkg)")
        self.file.fileChanged.connect(lambda _: self._name_button())
        self.draw_button = QPushButton(tr("Draw points"), box)
        self.draw_button.clicked.connect(self.draw)
        form = QFormLayout(box)
        form.addRow(tr("Class map"), self.map)
        form.addRow(tr("Points"), self.count)
        form.addRow(tr("File"), self.file)
        form.addRow("", self.draw_button)
        return box

    def _build_form(self) -> QWidget:
        self.form = QGroupBox(tr("2. What do you see at the marked point?"), self)
        self.place = QLabel(self.form)
        self._buttons = QGridLayout()
        self.back_button, self.skip_button = QPushButton(tr("Back"), self.form), QPushButton(tr("Skip"), self.form)
        self.back_button.clicked.connect(lambda *_: self.go(-1))
        self.skip_button.clicked.connect(lambda *_: self.go(1))
        self.skip_button.setToolTip(tr("Leave the point without a class; it does not count"))
        line = QHBoxLayout()
        line.addWidget(self.back_button)
        line.addWidget(self.skip_button)
        layout = QVBoxLayout(self.form)
        layout.addWidget(self.place)
        layout.addLayout(self._buttons)
        layout.addLayout(line)
        self.form.setEnabled(False)
        return self.form

    def _build_report(self) -> QWidget:
        box = QGroupBox(tr("3. Report"), self)
        self.report_button = QPushButton(tr("Make the report"), box)
        self.report_button.setEnabled(False)
        self.report_button.clicked.connect(self.make_report)
        self.browser = QTextBrowser(box)
        self.browser.hide()
        layout = QVBoxLayout(box)
        layout.addWidget(self.report_button)
        layout.addWidget(self.browser)
        return box

    # --- the sample

    def list_maps(self) -> None:
        """Offer the class maps of the project."""
        self.map.clear()
        for layer in QgsProject.instance().mapLayers().values():
            if isinstance(layer, QgsRasterLayer) and is_own(layer) and layer.source().endswith("_classes.tif"):
                self.map.addItem(layer.name() + " – " + os.path.basename(layer.source()), layer.id())
        self.draw_button.setEnabled(self.map.count() > 0)
        if not self.map.count():
            self.note.setText(tr("Run a model on a raster first, or add its class map to the project."))

    def class_map(self) -> QgsRasterLayer | None:
        """Return the chosen class map."""
        layer = QgsProject.instance().mapLayer(str(self.map.currentData() or ""))
        return layer if isinstance(layer, QgsRasterLayer) else None

    def _propose_file(self) -> None:
        layer = self.class_map()
        if layer is not None:
            self.file.setFilePath(layer.source()[: -len("_classes.tif")] + "_points.gpkg")
        self._name_button()

    def _name_button(self) -> None:
        there = os.path.isfile(self.file.filePath())
        self.draw_button.setText(tr("Continue with these points") if there else tr("Draw points"))

    def draw(self) -> None:
        """Draw the points, or open those that are there."""
        layer, path = self.class_map(), self.file.filePath()
        if layer is None or not path:
            return
        if os.path.isfile(path):
            self.open_points(path)
            return
        try:
            # Two points in each class at least, and fifty only if there are enough for all.
            each = max(2, min(50, self.count.value() // (2 * max(len(_classes_of(layer)), 1))))
            arguments = commands.sample(source_of(layer), path, points=self.count.value(), minimum=each)
        except QgsProcessingException as error:
            self._fail(str(error))
            return
        self._start(arguments, lambda _: self.open_points(path))

    def open_points(self, path: str) -> None:
        """Add the points to the project and go to the first that has no class."""
        layer = QgsVectorLayer(f"{path}|layername=points", tr("Points to interpret"), "ogr")
        if not layer.isValid() or layer.fields().indexOf(FIELD) < 0:
            self._fail(tr("{path} holds no points of geoseg").format(path=path))
            return
        project = QgsProject.instance()
        project.removeMapLayers([self._points] if self._points in project.mapLayers() else [])
        project.addMapLayer(layer, addToLegend=False)
        project.layerTreeRoot().insertLayer(0, layer)
        layer.setLabelsEnabled(False)
        self._points = layer.id()
        layer.afterCommitChanges.connect(self._read_answers)  # the user may also edit the table
        self._read_answers()
        self._hide_results()
        self._offer(_classes_of(self.class_map()))
        self.form.setEnabled(True)
        self._place = next((place for place, fid in enumerate(self._order) if fid not in self._answers), 0)
        # In a turn of its own: adding a layer is work enough for one.
        QTimer.singleShot(0, self._show)

    def _read_answers(self) -> None:
        layer = self.points()
        if layer is None:
            return
        answers = {feature.id(): feature[FIELD] for feature in layer.getFeatures()}
        self._order = list(answers)
        self._answers = {fid: name for fid, name in answers.items() if isinstance(name, str) and name}
        self._place = min(self._place, max(len(self._order) - 1, 0))

    def _hide_results(self) -> None:
        for node in QgsProject.instance().layerTreeRoot().findLayers():
            layer = node.layer()
            if layer is not None and is_own(layer) and node.itemVisibilityChecked():
                node.setItemVisibilityChecked(False)
                self._hidden.add(node.layerId())

    # --- the form

    def _offer(self, classes: list[str]) -> None:
        self._classes = classes
        while self._buttons.count():
            self._buttons.takeAt(0).widget().deleteLater()
        for number, name in enumerate(classes):
            key = f"{number + 1}  " if number < 9 else ""
            button = QPushButton(f"{key}{name}", self.form)
            button.clicked.connect(lambda *_, name=name: self.answer(name))
            self._buttons.addWidget(button, number // 2, number % 2)

    def keyPressEvent(self, event: Any) -> None:
        """Take the keys 1 to 9 for the classes."""
        text = event.text()
        if self.form.isEnabled() and text in "123456789" and text and int(text) <= len(self._classes):
            self.answer(self._classes[int(text) - 1])
        else:
            super().keyPressEvent(event)

    def answer(self, name: str) -> None:
        """Save the class of the point, and go to the next one."""
        layer = self.points()
        if layer is None or not self._order:
            return
        field = layer.fields().indexOf(FIELD)
        if not layer.dataProvider().changeAttributeValues({self._order[self._place]: {field: name}}):
            self._fail(tr("{path} cannot be written").format(path=layer.source()))
            return
        self._answers[self._order[self._place]] = name
        self.go(1)

    def go(self, steps: int) -> None:
        """Go some points on, or back."""
        self._place = min(max(self._place + steps, 0), len(self._order) - 1)
        self._show()

    def points(self) -> QgsVectorLayer | None:
        """Return the layer of points, if it is still there."""
        layer = QgsProject.instance().mapLayer(self._points)
        return layer if isinstance(layer, QgsVectorLayer) else None

    def _show(self) -> None:
        layer, done = self.points(), self._answers
        if layer is None or not self._order:
            return
        fid = self._order[self._place]
        text = tr("Point {place} of {count}, {done} done").format(
            place=self._place + 1, count=len(self._order), done=len(done)
        )
        self.place.setText(f"{text}: {done[fid]}" if fid in done else text)
        self.report_button.setEnabled(len(done) >= 2)
        canvas, project = self._iface.mapCanvas(), QgsProject.instance()
        point = layer.getFeature(fid).geometry().asPoint()
        classes = self.class_map()
        side = _SIDE * (classes.rasterUnitsPerPixelX() if classes is not None else 10.0)
        box = QgsRectangle(point.x() - side / 2, point.y() - side / 2, point.x() + side / 2, point.y() + side / 2)
        target = canvas.mapSettings().destinationCrs()
        if layer.crs().isValid() and target.isValid():
            box = QgsCoordinateTransform(layer.crs(), target, project).transformBoundingBox(box)
        layer.selectByIds([fid])
        canvas.setExtent(box)
        canvas.refresh()

    # --- the report

    def make_report(self) -> None:
        """Estimate accuracy and areas from the points that have a class."""
        layer, classes = self.points(), self.class_map()
        if layer is None or classes is None:
            return
        path = self.file.filePath()
        target = os.path.splitext(path)[0] + "_accuracy.json"
        arguments = commands.area(path, source_of(classes), target, overwrite=True)
        self._start(arguments, lambda session: self._show_report(session.results[-1], target))

    def _show_report(self, event: dict[str, Any], target: str) -> None:
        html = estimate_html(event["estimate"])
        page = os.path.splitext(target)[0] + ".html"
        try:
            with open(page, "w", encoding="utf-8") as file:
                file.write(html)
        except OSError as error:
            self._fail(tr("{path} cannot be written: {reason}").format(path=page, reason=error))
            return
        self.browser.setHtml(html)
        self.browser.setMinimumSize(620, 340)
        self.browser.show()
        self.note.setText(tr("Saved as {page} and {report}").format(page=page, report=os.path.basename(target)))

    # --- running geoseg

    def _start(self, arguments: list[str], on_good_end: Any) -> None:
        def ended(session: Session) -> None:
            self._session = None
            self.bar.hide()
            if session.error:
                self._fail(session.error)
            else:
                self.note.setText("")
                on_good_end(session)

        if self._session is not None:
            return
        session = start(geoseg_command(settings.interpreter(), arguments), self, ended)
        if isinstance(session, RunError):
            self._fail(str(session))
            return
        session.show_as(tr("GeoSeg: accuracy"))
        session.spoke.connect(self._take)
        self._session, self._progress = session, phases.progress(several=False)
        self.bar.show()
        self.note.setStyleSheet("")
        self.note.setText(self._progress.text())

    def _take(self, event: dict[str, Any]) -> None:
        if self._progress.take(event):
            self.bar.setValue(int(self._progress.percent * 10))
            self.note.setText(self._progress.text())

    def _fail(self, message: str) -> None:
        self.note.setStyleSheet("color: #b3261e")
        self.note.setText(message)

    def closeEvent(self, event: Any) -> None:
        """Show the hidden results again."""
        for node in QgsProject.instance().layerTreeRoot().findLayers():
            if node.layerId() in self._hidden:
                node.setItemVisibilityChecked(True)
        self._hidden.clear()
        super().closeEvent(event)

    def shut_down(self) -> None:
        """End what runs."""
        if self._session is not None:
            self._session.drop()
            self._session = None


def _classes_of(layer: QgsMapLayer | None) -> list[str]:
    """Return the names of a class map's classes, by its colours."""
    renderer = layer.renderer() if isinstance(layer, QgsRasterLayer) else None
    entries = getattr(renderer, "classes", list)()
    return [entry.label for entry in entries if entry.label]
