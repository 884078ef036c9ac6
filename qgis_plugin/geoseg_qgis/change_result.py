"""What has changed: areas from class to class, the largest places one by one, and both dates to be compared there."""

from __future__ import annotations

import os
from typing import Any

from qgis.core import (
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsFeatureRequest,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtCore import Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QColor, QPainter, QPixmap
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from . import change_report
from .change_inputs import is_class_map, rasters, title
from .change_report import Row
from .class_table import fit_height, set_up
from .compare_view import FLICKER, SWIPE, CompareView
from .labels import labels
from .project_state import KIND
from .tr import tr
from .uncertain import Search
from .widgets import Button, Flow, WrappedLabel, form, narrow
from .words import without_options

_AROUND = 3.0  # the view is so many times as wide as a place
_LEAST = 40  # pixels of the map that are shown at least
_FILE = "file:"  # before the path of a picture that is not in the project yet
_PICTURES = (".tif", ".tiff", ".jp2", ".png", ".jpg")
_SWATCH = 28, 12


class ChangeResult(QWidget):
    """Table, places and pictures of a comparison."""

    said = pyqtSignal(str)
    """Something that went wrong."""

    def __init__(self, iface: Any, parent: QWidget) -> None:
        super().__init__(parent)
        self._iface = iface
        self.report: dict[str, Any] = {}
        self._outputs: dict[str, str] = {}
        self._rows: list[Row] = []
        self._search: Search | None = None
        self._place = -1
        self._step = 1
        self._band: QgsRubberBand | None = None
        self.view = CompareView(iface.mapCanvas(), self)
        self.view.ended.connect(self._view_ended)
        self._build()
        project = QgsProject.instance()
        for signal in (project.layersAdded, project.layersRemoved):
            signal.connect(self._list_pictures)
        project.layersWillBeRemoved.connect(self._layers_go)

    def _build(self) -> None:
        self.summary = WrappedLabel("", self)
        self.table = QTableWidget(self)
        set_up(self.table, (tr("Change"), tr("Area")))
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setIconSize(QPixmap(*_SWATCH).size())
        self.table.itemSelectionChanged.connect(self._start_over)
        self.back_button, self.next_button = Button(tr("Back"), self), Button(tr("Next place"), self)
        self.back_button.clicked.connect(lambda: self.go(-1))
        self.next_button.clicked.connect(lambda: self.go(1))
        self.next_button.setToolTip(tr("Steps through the changes of the selected row, the largest first"))
        self.place = WrappedLabel("", self)
        self.before, self.after = QComboBox(self), QComboBox(self)
        for box in (self.before, self.after):
            box.setToolTip(tr("What is shown of this date"))
            box.activated.connect(lambda _: self._look_again())
        self.flicker_button, self.swipe_button = Button(tr("Flicker"), self), Button(tr("Swipe"), self)
        self.flicker_button.setToolTip(tr("Shows the two dates in turns, a second each"))
        self.swipe_button.setToolTip(tr("Before left, after right of a line that can be dragged"))
        for button, mode in ((self.flicker_button, FLICKER), (self.swipe_button, SWIPE)):
            button.setCheckable(True)
            button.clicked.connect(lambda checked, mode=mode: self.look(mode if checked else ""))
        narrow(self.before, self.after)
        pictures = form()
        pictures.addRow(tr("Picture before"), self.before)
        pictures.addRow(tr("Picture after"), self.after)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.summary)
        layout.addWidget(self.table)
        layout.addLayout(Flow(self.back_button, self.next_button))
        layout.addWidget(self.place)
        layout.addLayout(pictures)
        layout.addLayout(Flow(self.flicker_button, self.swipe_button))
        self.show_report({}, {})

    # --- the table

    def show_report(self, report: dict[str, Any], outputs: dict[str, str]) -> None:
        """Fill the table, the largest area first; an empty report empties it.

        Raises
        ------
        KeyError
            If it is no report of ``geoseg change``.
        """
        self.leave()
        self.report, self._outputs = report, outputs
        self._rows = change_report.rows(report) if report else []
        shown = [change_report.total(self._rows), *self._rows] if self._rows else []
        self.table.blockSignals(True)
        self.table.clearSelection()
        self.table.setRowCount(len(shown))
        for number, row in enumerate(shown):
            name, area = tr("All changes") if row.code is None else row.name, self._area(row.area)
            hint = tr("{change}: {area}, {polygons} polygons")
            for column, text in enumerate((name, area)):
                item = QTableWidgetItem(text)
                item.setToolTip(hint.format(change=name, area=area, polygons=f"{row.polygons:,}"))
                if column:
                    item.setTextAlignment(int(Qt.AlignmentFlag.AlignRight) | int(Qt.AlignmentFlag.AlignVCenter))
                elif row.code is not None:
                    item.setData(Qt.ItemDataRole.DecorationRole, _swatch(row.colors))
                self.table.setItem(number, column, item)
        self.table.blockSignals(False)
        fit_height(self.table, 220)
        self.summary.show_text(self._summary() if report else "")
        self._start_over()
        self.setVisible(bool(report))

    def _area(self, area: float) -> str:
        return change_report.area_text(area, self.report, tr("units²"))

    def _summary(self) -> str:
        uncertain = self._area(change_report.uncertain_area(self.report))
        text = tr("Nothing has changed; {area} differ, but are not certain.").format(area=uncertain)
        if self._rows:
            share = f"{change_report.share_changed(self.report):.1f}"
            text = tr("{share} % has changed; {area} more differ, but are not certain")
            text = text.format(share=share, area=uncertain)
        # What geoseg is not sure of must be read before the table is.
        return "\n".join([text, *("⚠ " + without_options(str(note), labels()) for note in self.report["notes"])])

    # --- places

    def layer(self) -> QgsVectorLayer | None:
        """Return the polygons, if they are in the project."""
        path = os.path.normpath(self._outputs.get("changes", "-"))
        for layer in QgsProject.instance().mapLayers().values():
            if isinstance(layer, QgsVectorLayer) and os.path.normpath(layer.source().split("|")[0]) == path:
                return layer
        return None

    def _start_over(self) -> None:
        self._search, self._place = None, -1
        self.place.show_text("")
        for button in (self.back_button, self.next_button):
            button.setEnabled(bool(self._rows))

    def _code(self) -> int | None:
        row = self.table.currentRow() if self.table.selectedItems() else 0
        return self._rows[row - 1].code if 0 < row <= len(self._rows) else None

    def go(self, step: int) -> None:
        """Show the next place, or the one before."""
        self._step = step
        if self._search is None:
            self._search = Search(self._outputs.get("changes", ""), self._code(), change_report.largest)
        self._wait()

    def _wait(self) -> None:
        if self._search is None:
            return
        if self._search.found is None:
            QTimer.singleShot(50, self._wait)
            return
        layer, found = self.layer(), self._search.found
        if layer is None or not found:
            self.place.show_text(tr("The polygons of the changes are not in the project, or there are none."))
            return
        self._place = (self._place + self._step) % len(found) if self._place >= 0 or self._step > 0 else len(found) - 1
        feature = next(layer.getFeatures(QgsFeatureRequest(found[self._place])), None)
        if feature is None:  # edited away
            self.place.show_text(tr("This polygon is gone; on to the next."))
            return
        self._zoom(layer, feature)
        text = tr("{place} of {count}: {change}, {area}")
        change = f"{feature['from_class']} → {feature['to_class']}"
        area = self._area(float(feature["area_m2"]))
        text = text.format(place=self._place + 1, count=len(found), change=change, area=area)
        confidence = feature["confidence"]
        if isinstance(confidence, (int, float)):
            text += ", " + tr("confidence {percent} %").format(percent=round(confidence))
        self.place.show_text(text)

    def _zoom(self, layer: QgsVectorLayer, feature: QgsFeature) -> None:
        """Show a place with what is around it, and its outline."""
        canvas = self._iface.mapCanvas()
        box, target = feature.geometry().boundingBox(), canvas.mapSettings().destinationCrs()
        least = _LEAST * self._pixel()
        box.grow(max(least - max(box.width(), box.height()), 0.0) / 2)
        if layer.crs().isValid() and target.isValid():
            try:
                box = QgsCoordinateTransform(layer.crs(), target, QgsProject.instance()).transformBoundingBox(box)
            except QgsCsException as error:
                self.said.emit(tr("The area cannot be transformed: {reason}").format(reason=error))
                return
        box.scale(_AROUND)
        if self._band is None:
            self._band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
            self._band.setStrokeColor(QColor("#ff00ff"))
            self._band.setFillColor(QColor(0, 0, 0, 0))
            self._band.setWidth(2)
        self._band.setToGeometry(feature.geometry(), layer)
        canvas.setExtent(QgsRectangle(box))
        canvas.refresh()

    def _pixel(self) -> float:
        """Return the side of a pixel of the maps in units of their CRS."""
        transform = self.report.get("grid", {}).get("transform") or [0.0]
        return abs(float(transform[0]))

    def _unmark(self) -> None:
        if self._band is not None:
            self._iface.mapCanvas().scene().removeItem(self._band)
            self._band = None

    def _layers_go(self, identifiers: list[str]) -> None:
        layer = self.layer()
        if layer is not None and layer.id() in identifiers:
            self._unmark()
            self._start_over()

    # --- pictures

    def propose(self, layers: tuple[QgsRasterLayer, QgsRasterLayer]) -> None:
        """Choose as pictures the scenes of two class maps, else the compared layers themselves."""
        self._list_pictures(wanted=[_picture_of(layer) for layer in layers])

    def pictures(self) -> list[str]:
        """Return what is chosen: ids of layers, or a file that is not in the project yet."""
        return [str(box.currentData() or "") for box in (self.before, self.after)]

    def choose_pictures(self, wanted: list[str]) -> None:
        """Choose what :meth:`pictures` returned, as far as it is there."""
        self._list_pictures(wanted=wanted)

    def _list_pictures(self, *_: Any, wanted: list[str] | None = None) -> None:
        layers = rasters()
        known = {os.path.normpath(layer.source()): layer.id() for layer in layers}
        scenes = dict.fromkeys(change_report.scene_of(layer.source()) for layer in layers if is_class_map(layer))
        files = [path for path in scenes if path and path not in known and path.lower().endswith(_PICTURES)]
        chosen = wanted or self.pictures()
        for box, data in zip((self.before, self.after), chosen):
            box.blockSignals(True)
            box.clear()
            for layer in layers:
                box.addItem(title(layer), layer.id())
            for path in files:
                box.addItem(tr("{name} (is added)").format(name=os.path.basename(path)), _FILE + path)
            # A file may have come into the project meanwhile.
            there = known.get(data[len(_FILE) :]) if data.startswith(_FILE) else None
            box.setCurrentIndex(max(box.findData(there or data), 0))
            box.blockSignals(False)
        for button in (self.flicker_button, self.swipe_button):
            button.setEnabled(self.before.count() > 0)

    def _open(self, data: str) -> QgsRasterLayer | None:
        """Return the layer of a choice, added to the project if it is a file."""
        project = QgsProject.instance()
        if not data.startswith(_FILE):
            layer = project.mapLayer(data)
            return layer if isinstance(layer, QgsRasterLayer) else None
        path = data[len(_FILE) :]
        layer = QgsRasterLayer(path, os.path.splitext(os.path.basename(path))[0])
        if not layer.isValid():
            self.said.emit(tr("{path} cannot be opened").format(path=path))
            return None
        project.addMapLayer(layer, addToLegend=False)
        # Below everything: it must not cover the results.
        project.layerTreeRoot().addLayer(layer)
        return layer

    def look(self, mode: str) -> None:
        """Compare the two pictures, or stop that if ``mode`` is empty."""
        layers: list[QgsRasterLayer] = []
        for data in self.pictures() if mode else ():
            layer = self._open(data)
            if layer is not None:
                layers.append(layer)
        if len(layers) == 2:
            self.view.show(mode, (layers[0], layers[1]), (title(layers[0]), title(layers[1])))
        else:
            self.view.stop()
        self._view_ended()

    def _look_again(self) -> None:
        if self.view.mode:
            self.look(self.view.mode)

    def _view_ended(self) -> None:
        self.flicker_button.setChecked(self.view.mode == FLICKER)
        self.swipe_button.setChecked(self.view.mode == SWIPE)

    # --- end

    def leave(self) -> None:
        """Take everything from the canvas."""
        self.view.stop()
        self._unmark()

    def shut_down(self) -> None:
        """Leave, and have no more to do with the project."""
        self.leave()
        self.view.shut_down()
        project = QgsProject.instance()
        for signal in (project.layersAdded, project.layersRemoved):
            signal.disconnect(self._list_pictures)
        project.layersWillBeRemoved.disconnect(self._layers_go)


def _picture_of(layer: QgsRasterLayer) -> str:
    """Return a picture of a date: the scene of a class map, else the layer itself."""
    path = change_report.scene_of(layer.source()) if is_class_map(layer) else ""
    if path:
        for other in rasters():
            if os.path.normpath(other.source()) == path and not other.customProperty(KIND):
                return str(other.id())
        if path.lower().endswith(_PICTURES):
            return _FILE + path
    return str(layer.id())


def _swatch(colors: tuple[str, str]) -> QPixmap:
    """Return the colours of the classes before and after side by side."""
    width, height = _SWATCH
    picture = QPixmap(width, height)
    painter = QPainter(picture)
    for place, color in enumerate(colors):
        painter.fillRect(place * width // 2, 0, width // 2, height, QColor(color))
    painter.end()
    return picture
