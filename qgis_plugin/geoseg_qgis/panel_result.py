"""Results in the dock: area per class, report, and the polygons to look at first."""

from __future__ import annotations

import json
import os
from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeatureRequest,
    QgsProject,
    QgsRasterLayer,
    QgsUnitTypes,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import Qt, QTimer, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QDesktopServices
from qgis.PyQt.QtWidgets import QDialog, QPushButton, QTextBrowser, QVBoxLayout, QWidget

from . import results
from .class_table import ClassTable
from .report import as_html
from .tr import tr
from .turns import Turns
from .uncertain import Search
from .widgets import Button, Flow, WrappedLabel


class ResultPanel(QWidget):
    """What came out of the last run."""

    shown = pyqtSignal(dict)
    """The layers of a result, by kind."""

    def __init__(self, iface: Any, parent: QWidget) -> None:
        super().__init__(parent)
        self._iface = iface
        self._outputs: dict[str, str] = {}
        self._polygons = ""
        self._search: Search | None = None
        self._place = -1
        self._shown: dict[str, tuple[dict[str, Any], str]] = {}  # result event and polygons, by raster layer
        self._raster = ""
        self.window: QDialog | None = None
        self._build()
        self.hide()

    def _build(self) -> None:
        self.table = ClassTable((tr("Class"), tr("Area"), "%", tr("Polygons")), self)
        self.report_button = Button(tr("Open report"), self)
        self.report_button.clicked.connect(self.open_report)
        self.uncertain_button = Button(tr("Zoom to uncertain"), self)
        self.uncertain_button.setToolTip(
            tr("Steps through the least certain polygons; small ones and narrow strips come later")
        )
        self.uncertain_button.clicked.connect(self.next_uncertain)
        buttons = Flow(self.report_button, self.uncertain_button)
        self.note = WrappedLabel("", self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addLayout(buttons)
        layout.addWidget(self.note)

    def show_result(self, event: dict[str, Any], name: str, raster: str = "") -> None:
        """Add a result to the project and fill the table.

        Parameters
        ----------
        event
            The result event of the run.
        name
            What the scene is called in the layer tree.
        raster
            Id of the raster layer that was computed; the table is shown as long as it is the chosen one.
        """
        self._take(event, "")
        turns = Turns(results.adding(self._outputs, name), self)
        turns.done.connect(lambda layers: self._show_layers(layers, event, raster))

    def show_raster(self, raster: str) -> None:
        """Show the result of the raster that is chosen now, if there is one."""
        self._raster = raster
        if raster in self._shown:
            self._take(*self._shown[raster])
        self.setVisible(raster in self._shown)

    def state(self) -> dict[str, Any]:
        """Return the results that are still in the project, for the project: event and polygons by raster layer."""
        layers = QgsProject.instance().mapLayers()
        return {raster: list(shown) for raster, shown in self._shown.items() if raster in layers}

    def restore(self, state: dict[str, Any]) -> None:
        """Show what :meth:`state` returned."""
        self._shown = {raster: (shown[0], str(shown[1])) for raster, shown in state.items()}
        self.show_raster(self._raster)

    def _take(self, event: dict[str, Any], polygons: str) -> None:
        self._outputs, self._polygons = dict(event["outputs"]), polygons
        self._place, self._search = -1, None
        self.fill(event.get("classes", {}))
        self.note.show_text("")
        self.uncertain_button.setEnabled(bool(polygons))

    def _show_layers(self, layers: dict[str, Any], event: dict[str, Any], raster: str) -> None:
        polygons = layers.get("polygons")
        self._polygons = polygons.id() if polygons is not None else ""
        self._shown[raster] = (event, self._polygons)
        self.uncertain_button.setEnabled(bool(self._polygons))
        self.show_raster(self._raster or raster)
        self.shown.emit(layers)

    def fill(self, classes: dict[str, dict[str, Any]]) -> None:
        """Fill the table with area per class, largest first."""
        rows = sorted(classes.items(), key=lambda item: -_amount(item[1]))
        whole = sum(_amount(facts) for facts in classes.values()) or 1.0
        shown = []
        for name, facts in rows:
            area = f"{facts['area_m2'] / 1e4:,.1f} ha" if "area_m2" in facts else f"{facts.get('pixels', 0):,} px"
            texts = (area, f"{100 * _amount(facts) / whole:.1f}", f"{facts.get('polygons', 0):,}")
            shown.append((name, facts.get("color", "#888888"), texts))
        self.table.fill(shown)

    # --- report

    def open_report(self) -> None:
        """Show the report in a window."""
        path = self._outputs.get("report", "")
        try:
            with open(path, encoding="utf-8") as file:
                report = json.load(file)
        except (OSError, ValueError) as error:
            self.note.show_text(tr("{path} cannot be read: {reason}").format(path=path, reason=error))
            return
        window = QDialog(self._iface.mainWindow())
        window.setWindowTitle(tr("GeoSeg report"))
        window.resize(820, 760)
        browser = QTextBrowser(window)
        browser.setHtml(as_html(report, self._outputs.get("preview", "")))
        folder = QPushButton(tr("Open folder"), window)
        url = QUrl.fromLocalFile(os.path.dirname(path))
        folder.clicked.connect(lambda *_: QDesktopServices.openUrl(url))
        layout = QVBoxLayout(window)
        layout.addWidget(browser)
        layout.addWidget(folder)
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.show()
        self.window = window

    # --- uncertain polygons

    def next_uncertain(self) -> None:
        """Zoom to the next of the polygons that are probably wrong."""
        if self._search is None:
            self._search = Search(self._outputs.get("polygons", ""), self._pixel())
        self._wait_for_search()

    def _pixel(self) -> float:
        """Return the side of a pixel of the class map in metres, about; 0 if it is not in the project."""
        layers = QgsProject.instance().mapLayers().values()
        path = os.path.normpath(self._outputs.get("classes", ""))
        for layer in layers:
            if isinstance(layer, QgsRasterLayer) and os.path.normpath(layer.source()) == path:
                unit = QgsCoordinateReferenceSystem("EPSG:3857").mapUnits()  # metres; the enum moved in newer versions
                metres = QgsUnitTypes.fromUnitToUnitFactor(layer.crs().mapUnits(), unit)
                return layer.rasterUnitsPerPixelX() * metres
        return 0.0

    def _wait_for_search(self) -> None:
        if self._search is None:
            return
        if self._search.found is None:
            QTimer.singleShot(50, self._wait_for_search)
            return
        layer = QgsProject.instance().mapLayer(self._polygons)
        if not isinstance(layer, QgsVectorLayer) or not self._search.found:
            self.note.show_text(tr("There are no polygons with a confidence."))
            return
        self._place = (self._place + 1) % len(self._search.found)
        self._zoom(layer, self._search.found[self._place])

    def _zoom(self, layer: QgsVectorLayer, identifier: int) -> None:
        feature = next(layer.getFeatures(QgsFeatureRequest(identifier)), None)
        if feature is None:  # edited away
            self.note.show_text(tr("This polygon is gone; on to the next."))
            return
        canvas = self._iface.mapCanvas()
        target = canvas.mapSettings().destinationCrs()
        box = feature.geometry().boundingBox()
        if layer.crs().isValid() and target.isValid():
            box = QgsCoordinateTransform(layer.crs(), target, QgsProject.instance()).transformBoundingBox(box)
        box.scale(1.4)
        canvas.setExtent(box)
        canvas.refresh()
        canvas.flashFeatureIds(layer, [identifier])
        layer.selectByIds([identifier])
        self._iface.setActiveLayer(layer)
        text = tr("{place} of {count}: {name}, confidence {confidence:.0f} %, {area:,.1f} ha")
        self.note.show_text(
            text.format(
                place=self._place + 1,
                count=len(self._search.found),
                name=feature["class_name"],
                confidence=feature["confidence"],
                area=feature["area_m2"] / 1e4,
            )
        )


def _amount(facts: dict[str, Any]) -> float:
    return float(facts.get("area_m2") or facts.get("pixels") or 0)
