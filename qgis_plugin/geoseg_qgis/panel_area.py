"""Which part of the raster is computed, and at which pixel size."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsUnitTypes,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.gui import QgsMapTool, QgsRubberBand
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QWidget

from .tr import tr
from .widgets import Button, narrow

_BENDS = 20  # points that are added to an edge before it is transformed

ALL, VIEW, DRAWN, SELECTED = "all", "view", "drawn", "selected"


class AreaError(Exception):
    """There is no such area; the message is one line for the user."""


class AreaFields(QWidget):
    """Two rows of a form: area and pixel size. The widget itself is not shown."""

    def __init__(self, iface: Any, parent: QWidget) -> None:
        super().__init__(parent)
        self.hide()
        self._iface = iface
        self._drawn = QgsGeometry()
        self._tool: DrawTool | None = None
        self._before: Any = None
        self.area = QComboBox(parent)
        for text, kind in (
            (tr("Whole raster"), ALL),
            (tr("Map view"), VIEW),
            (tr("Drawn polygon"), DRAWN),
            (tr("Selected polygons"), SELECTED),
        ):
            self.area.addItem(text, kind)
        narrow(self.area)
        self.area.setToolTip(tr("What lies outside of the polygons has no class"))
        self.area.activated.connect(lambda _: self._chosen())
        self.draw_button = Button(tr("Draw again"), parent)
        self.draw_button.clicked.connect(self.draw)
        self.draw_button.hide()
        self.pixel = QDoubleSpinBox(parent)
        self.pixel.setSpecialValueText(tr("native"))
        self.pixel.setToolTip(tr("Pixel size of the map; the raster is resampled to it"))
        narrow(self.pixel)
        self.set_layer(None)

    def add_to(self, form: QFormLayout) -> None:
        """Add the rows to a form."""
        form.addRow(tr("Area"), self.area)
        form.addRow("", self.draw_button)
        form.addRow(tr("Pixel size"), self.pixel)

    def set_layer(self, layer: QgsRasterLayer | None) -> None:
        """Take the unit of another raster; all of it is computed, with the pixels of its file."""
        self.area.setCurrentIndex(0)
        self._chosen()
        crs = layer.crs() if layer is not None else QgsCoordinateReferenceSystem()
        unit = QgsUnitTypes.toAbbreviatedString(crs.mapUnits()) if crs.isValid() else ""
        self.pixel.setDecimals(8 if crs.isGeographic() else 3)
        self.pixel.setRange(0, 1e6)
        self.pixel.setValue(0)
        self.pixel.setSuffix(f" {unit}" if unit else "")
        if layer is not None:
            self.pixel.setSingleStep(layer.rasterUnitsPerPixelX())

    # --- what is chosen

    def kind(self) -> str:
        """Return which area is chosen."""
        return str(self.area.currentData())

    def resolution(self) -> float | None:
        """Return the pixel size in units of the CRS; None for that of the file."""
        return self.pixel.value() or None

    def box(self, layer: QgsRasterLayer) -> QgsRectangle | None:
        """Return the chosen area in the raster's CRS; None for all of it.

        Raises
        ------
        AreaError
            If nothing is drawn or selected, or it lies outside of the raster.
        """
        if self.kind() == ALL:
            return None
        if self.kind() == VIEW:
            return self.inside(self.visible(layer), layer)
        return self.inside(self._polygon(layer).boundingBox().intersect(layer.extent()), layer)

    def shape(self, layer: QgsRasterLayer) -> QgsGeometry | None:
        """Return the polygon that is drawn or selected, in the raster's CRS; None if the area is a rectangle.

        Raises
        ------
        AreaError
            As :meth:`box` does.
        """
        if self.kind() in {ALL, VIEW}:
            return None
        shape = self._polygon(layer)
        rectangle = shape.boundingBox().area()
        return shape if rectangle - shape.area() > 1e-6 * rectangle else None

    def _polygon(self, layer: QgsRasterLayer) -> QgsGeometry:
        if self.kind() == SELECTED:
            return self._selected(layer)
        if self._drawn.isEmpty():
            raise AreaError(tr("Draw the area on the map first: click its corners, right-click to finish."))
        return to_crs(self._drawn, self._canvas_crs(), layer.crs())

    @staticmethod
    def inside(box: QgsRectangle, layer: QgsRasterLayer) -> QgsRectangle:
        """Return a part of the raster.

        Raises
        ------
        AreaError
            If it is empty.
        """
        if box.isEmpty():
            raise AreaError(tr("The chosen area lies outside of the raster '{name}'.").format(name=layer.name()))
        return box

    def visible(self, layer: QgsRasterLayer) -> QgsRectangle:
        """Return the part of the raster that the canvas shows, in the raster's CRS."""
        box = QgsGeometry.fromRect(self._iface.mapCanvas().extent())
        try:
            return to_crs(box, self._canvas_crs(), layer.crs()).boundingBox().intersect(layer.extent())
        except AreaError:
            return layer.extent()

    def _canvas_crs(self) -> QgsCoordinateReferenceSystem:
        return self._iface.mapCanvas().mapSettings().destinationCrs()

    def _selected(self, layer: QgsRasterLayer) -> QgsGeometry:
        active = self._iface.activeLayer()
        layers = [active, *QgsProject.instance().mapLayers().values()]
        for other in layers:
            polygons = QgsWkbTypes.GeometryType.PolygonGeometry
            if isinstance(other, QgsVectorLayer) and other.geometryType() == polygons and other.selectedFeatureCount():
                shapes = [feature.geometry() for feature in other.selectedFeatures()]
                return to_crs(QgsGeometry.unaryUnion(shapes), other.crs(), layer.crs())
        raise AreaError(tr("No polygon is selected: select some in a vector layer first."))

    # --- drawing

    def _chosen(self) -> None:
        self.draw_button.setVisible(self.kind() == DRAWN)
        if self.kind() == DRAWN:
            self.draw()
        else:
            self.stop_drawing()

    def draw(self) -> None:
        """Let the user draw a polygon on the map."""
        canvas = self._iface.mapCanvas()
        if self._tool is None:
            self._tool = DrawTool(canvas)
            self._tool.drawn.connect(self._take)
        if canvas.mapTool() is not self._tool:
            self._before = canvas.mapTool()
        self._tool.reset()
        canvas.setMapTool(self._tool)

    def _take(self, polygon: QgsGeometry) -> None:
        self._drawn = polygon
        if self._before is not None:
            self._iface.mapCanvas().setMapTool(self._before)

    def stop_drawing(self) -> None:
        """Take the drawing and its tool away."""
        if self._tool is not None:
            canvas = self._iface.mapCanvas()
            if canvas.mapTool() is self._tool:
                canvas.unsetMapTool(self._tool)
            self._tool.reset()
        self._drawn = QgsGeometry()


class DrawTool(QgsMapTool):
    """Draws a polygon: a click adds a corner, a right-click ends, Esc starts anew."""

    drawn = pyqtSignal(QgsGeometry)

    def __init__(self, canvas: Any) -> None:
        super().__init__(canvas)
        self._points: list[QgsPointXY] = []
        self._done = False
        self._band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        self._band.setStrokeColor(QColor("#e91e63"))
        self._band.setFillColor(QColor(233, 30, 99, 40))
        self._band.setWidth(2)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def reset(self) -> None:
        """Forget what was drawn."""
        self._points, self._done = [], False
        self._band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)

    def canvasReleaseEvent(self, event: Any) -> None:
        """Add a corner, or end."""
        if event.button() == Qt.MouseButton.RightButton:
            self._end()
            return
        if self._done:
            self.reset()
        self._points.append(event.mapPoint())
        self._show(self._points)

    def canvasMoveEvent(self, event: Any) -> None:
        """Show the polygon as it would be."""
        if self._points and not self._done:
            self._show([*self._points, event.mapPoint()])

    def keyPressEvent(self, event: Any) -> None:
        """Start anew on Esc."""
        if event.key() == Qt.Key.Key_Escape:
            self.reset()

    def _show(self, points: list[QgsPointXY]) -> None:
        self._band.setToGeometry(QgsGeometry.fromPolygonXY([points]), None)

    def _end(self) -> None:
        if len(self._points) >= 3:
            self._done = True
            self._show(self._points)
            self.drawn.emit(QgsGeometry.fromPolygonXY([self._points]))


def to_crs(
    geometry: QgsGeometry, source: QgsCoordinateReferenceSystem, target: QgsCoordinateReferenceSystem
) -> QgsGeometry:
    """Return a geometry in another CRS; unchanged if one of them is not known.

    Raises
    ------
    AreaError
        If it cannot be transformed.
    """
    moved = QgsGeometry(geometry)
    if source.isValid() and target.isValid() and source != target:
        # Edges are bent by a projection: corners alone would cut the box around them.
        moved = moved.densifyByCount(_BENDS)
        try:
            moved.transform(QgsCoordinateTransform(source, target, QgsProject.instance()))
        except QgsCsException as error:
            raise AreaError(tr("The area cannot be transformed: {reason}").format(reason=error)) from error
    return moved
