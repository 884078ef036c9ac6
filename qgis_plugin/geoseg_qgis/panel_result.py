"""Results in the dock: area per class, report, and the polygons to look at first."""

from __future__ import annotations

import json
import os
from typing import Any

from qgis.core import QgsCoordinateTransform, QgsFeatureRequest, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import Qt, QTimer, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QColor, QDesktopServices
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from . import results
from .report import as_html
from .tr import tr
from .uncertain import Search


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
        self.window: QDialog | None = None
        self._build()
        self.hide()

    def _build(self) -> None:
        self.table = QTableWidget(0, 4, self)
        self.table.setHorizontalHeaderLabels([tr("Class"), tr("Area"), "%", tr("Polygons")])
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.report_button = QPushButton(tr("Open report"), self)
        self.report_button.clicked.connect(self.open_report)
        self.uncertain_button = QPushButton(tr("Zoom to uncertain"), self)
        self.uncertain_button.setToolTip(
            tr("Steps through the polygons with the most uncertain area: low confidence × large area")
        )
        self.uncertain_button.clicked.connect(self.next_uncertain)
        buttons = QHBoxLayout()
        buttons.addWidget(self.report_button)
        buttons.addWidget(self.uncertain_button)
        self.note = QLabel(self)
        self.note.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addLayout(buttons)
        layout.addWidget(self.note)

    def show_result(self, event: dict[str, Any], name: str) -> None:
        """Add a result to the project and fill the table."""
        self._outputs = dict(event["outputs"])
        self._place, self._search = -1, None
        self.fill(event.get("classes", {}))
        self.note.setText("")
        results.Adding(self._outputs, name, self).added.connect(self._show_layers)

    def _show_layers(self, layers: dict[str, Any]) -> None:
        polygons = layers.get("polygons")
        self._polygons = polygons.id() if polygons is not None else ""
        self.uncertain_button.setEnabled(bool(self._polygons))
        self.show()
        self.shown.emit(layers)

    def fill(self, classes: dict[str, dict[str, Any]]) -> None:
        """Fill the table with area per class, largest first."""
        rows = sorted(classes.items(), key=lambda item: -_amount(item[1]))
        whole = sum(_amount(facts) for facts in classes.values()) or 1.0
        self.table.setRowCount(len(rows))
        for row, (name, facts) in enumerate(rows):
            area = f"{facts['area_m2'] / 1e4:,.1f} ha" if "area_m2" in facts else f"{facts.get('pixels', 0):,} px"
            cells = (name, area, f"{100 * _amount(facts) / whole:.1f}", f"{facts.get('polygons', 0):,}")
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(int(Qt.AlignmentFlag.AlignRight) | int(Qt.AlignmentFlag.AlignVCenter))
                else:
                    item.setData(Qt.ItemDataRole.DecorationRole, QColor(facts.get("color", "#888888")))
                self.table.setItem(row, column, item)
        self.table.setFixedHeight(min(self.table.verticalHeader().length() + 30, 260))

    # --- report

    def open_report(self) -> None:
        """Show the report in a window."""
        path = self._outputs.get("report", "")
        try:
            with open(path, encoding="utf-8") as file:
                report = json.load(file)
        except (OSError, ValueError) as error:
            self.note.setText(tr("{path} cannot be read: {reason}").format(path=path, reason=error))
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
            self._search = Search(self._outputs.get("polygons", ""))
        self._wait_for_search()

    def _wait_for_search(self) -> None:
        if self._search is None:
            return
        if self._search.found is None:
            QTimer.singleShot(50, self._wait_for_search)
            return
        layer = QgsProject.instance().mapLayer(self._polygons)
        if not isinstance(layer, QgsVectorLayer) or not self._search.found:
            self.note.setText(tr("There are no polygons with a confidence."))
            return
        self._place = (self._place + 1) % len(self._search.found)
        self._zoom(layer, self._search.found[self._place])

    def _zoom(self, layer: QgsVectorLayer, identifier: int) -> None:
        feature = next(layer.getFeatures(QgsFeatureRequest(identifier)), None)
        if feature is None:  # edited away
            self.note.setText(tr("This polygon is gone; on to the next."))
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
        self.note.setText(
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
