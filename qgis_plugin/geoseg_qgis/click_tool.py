"""A map tool: a click on the raster outlines what is there, as a new drawing of the labels.

A click model, such as a pair of SAM's encoder and decoder, runs in the process that stays warm: it embeds a picture
once, which takes seconds, and answers further clicks near by at once. Shift adds a point to the last object, Ctrl
takes away what is there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Callable

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProcessingException,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerUtils,
)
from qgis.gui import QgsMapTool, QgsRubberBand
from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor

from . import commands, settings
from .label_layer import FIELD, vector
from .panel_scene import ScenePanel
from .runner import RunError, geoseg_command
from .session import Session, start
from .tr import tr

_LIMIT = 120.0  # seconds that the list of models may take


@dataclass
class Outline:
    """What is being outlined.

    Attributes
    ----------
    inside, outside
        Points on it, and off it, in the CRS of the raster.
    feature
        Number of its drawing; None before there is one.
    """

    inside: list[QgsPointXY] = field(default_factory=list)
    outside: list[QgsPointXY] = field(default_factory=list)
    feature: int | None = None


class ClickTool(QgsMapTool):
    """Tells where the user clicked, in the CRS of the map, and with which keys."""

    clicked = pyqtSignal(object, object)

    def __init__(self, canvas: Any) -> None:
        super().__init__(canvas)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def canvasReleaseEvent(self, event: Any) -> None:
        """Pass on a click with the left button."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(QgsPointXY(event.mapPoint()), event.modifiers())


class Clicker(QObject):
    """Outlines what is clicked on.

    Parameters
    ----------
    iface
        QGIS.
    scene
        The raster, and how it is read.
    labels
        Returns the id of the layer that is drawn in.
    parent
        Owner.
    """

    changed = pyqtSignal()
    """Something began or ended."""
    failed = pyqtSignal(str)

    def __init__(self, iface: Any, scene: ScenePanel, labels: Callable[[], str], parent: QObject) -> None:
        super().__init__(parent)
        self._iface, self._scene, self._labels = iface, scene, labels
        self.models: list[str] = []
        self.model = ""
        self.said = ""
        self._object = Outline()
        self._session: Session | None = None
        self._mark: QgsRubberBand | None = None
        self.tool: ClickTool | None = None

    @property
    def running(self) -> bool:
        """Whether something is being computed."""
        return self._session is not None

    @property
    def active(self) -> bool:
        """Whether clicks on the map outline."""
        return self.tool is not None and self._iface.mapCanvas().mapTool() == self.tool

    # --- beginning and end

    def begin(self) -> None:
        """Look for click models, then take up the tool."""
        if self.running:
            return
        self._start(geoseg_command(settings.interpreter(), commands.click_models()), self._listed, _LIMIT)

    def end(self) -> None:
        """Put the tool away."""
        if self.active:
            self._iface.mapCanvas().unsetMapTool(self.tool)

    def _listed(self, session: Session) -> None:
        try:
            self.models = [str(row["name"]) for row in session.listing()]
        except (ValueError, TypeError, KeyError):
            self.models = []
        if not self.models:
            self.failed.emit(
                tr("No click model is installed. Add the two ONNX files of one, such as SAM: {command}").format(
                    command="geoseg model add ENCODER.onnx --decoder DECODER.onnx"
                )
            )
            return
        self.model = self.model if self.model in self.models else self.models[0]
        self._object, self.said = Outline(), ""
        if self.tool is None:
            self.tool = ClickTool(self._iface.mapCanvas())
            self.tool.clicked.connect(self.click)
            self.tool.deactivated.connect(self._left)
        self._iface.mapCanvas().setMapTool(self.tool)
        self.changed.emit()

    def _left(self) -> None:
        self._unmark()
        self.changed.emit()

    # --- clicks

    def click(self, point: QgsPointXY, keys: Any) -> None:
        """Outline what is at a point of the map."""
        raster, layer = self._scene.layer(), vector(self._labels())
        if self.running or raster is None or layer is None:
            return
        try:
            there = _moved(point, self._iface.mapCanvas().mapSettings().destinationCrs(), raster.crs())
            scene = self._scene.scene()
        except (QgsCsException, QgsProcessingException) as error:
            self.failed.emit(str(error))
            return
        more = bool(keys & Qt.KeyboardModifier.ShiftModifier)
        less = bool(keys & Qt.KeyboardModifier.ControlModifier)
        if not (more or less) or not self._object.inside:
            self._object = Outline()
        (self._object.outside if less and self._object.inside else self._object.inside).append(there)
        arguments = commands.click(
            scene,
            self.model,
            [(one.x(), one.y()) for one in self._object.inside],
            [(one.x(), one.y()) for one in self._object.outside],
            pixel=self._pixel(raster),
        )
        self._show_mark(point)
        self._start(geoseg_command(settings.interpreter(), arguments), self._outlined)

    def _pixel(self, raster: Any) -> float:
        """Return the size of the pixels that the model is to see: about those of the map, by powers of two."""
        own = raster.rasterUnitsPerPixelX()
        canvas = self._iface.mapCanvas()
        try:
            crs = canvas.mapSettings().destinationCrs()
            box: QgsRectangle = _transform(crs, raster.crs()).transformBoundingBox(canvas.extent())
        except QgsCsException:
            return own
        shown = box.width() / max(canvas.width(), 1)
        return own * 2 ** max(math.floor(math.log2(max(shown / own, 1))), 0)

    def _outlined(self, session: Session) -> None:
        self._unmark()
        found = session.results[-1].get("outlines") if session.results else None
        if not found:
            self.said = tr("Nothing is outlined there: click elsewhere on it, or with Shift on more of it.")
            return
        layer, raster = vector(self._labels()), self._scene.layer()
        if layer is None or raster is None:
            return
        geometry = QgsGeometry.fromWkt(str(found[0]["wkt"]))
        try:
            geometry.transform(_transform(raster.crs(), layer.crs()))
        except QgsCsException as error:
            self.failed.emit(str(error))
            return
        geometry.convertToMultiType()
        self._draw(layer, geometry)
        score, cut = float(found[0]["score"]), bool(found[0]["cut"])
        self.said = tr("Outlined, score {score:.2f}. Shift adds to it, Ctrl takes away.").format(score=score)
        if cut:
            self.said += " " + tr("It may go on: zoom out and click again.")

    def _draw(self, layer: QgsVectorLayer, geometry: QgsGeometry) -> None:
        """Add the drawing, or give the one that is being changed its new shape; one step of undo each."""
        if not layer.isEditable() and not layer.startEditing():
            self.failed.emit(tr("The labels cannot be edited."))
            return
        number = self._object.feature
        layer.beginEditCommand(tr("Outline by a click"))
        if number is not None and layer.getFeature(number).isValid():
            done = layer.changeGeometry(number, geometry)
        else:
            place = layer.fields().indexOf(FIELD)
            values = {place: layer.defaultValue(place)} if place >= 0 else {}
            feature: QgsFeature = QgsVectorLayerUtils.createFeature(layer, geometry, values)
            done = layer.addFeature(feature)
            self._object.feature = feature.id() if done else None
        if done:
            layer.endEditCommand()
        else:
            layer.destroyEditCommand()
            self.failed.emit(tr("The outline cannot be added to the labels."))
        layer.triggerRepaint()

    def settle(self) -> None:
        """Begin a new object with the next click: the drawings were saved, which numbers them anew."""
        self._object = Outline()

    # --- geoseg

    def _start(self, command: list[str], ended: Callable[[Session], None], limit: float | None = None) -> None:
        def done(session: Session) -> None:
            self._session = None
            if session.error and not session.child.cancelled:
                self._unmark()
                self.failed.emit(session.error)
            elif not session.error:
                ended(session)
            self.changed.emit()

        self.said = ""
        session = start(command, self, done, limit)
        if isinstance(session, RunError):
            self.failed.emit(str(session))
            return
        self._session = session
        self.changed.emit()

    def cancel(self) -> None:
        """Stop what is computed."""
        if self._session is not None:
            self._session.stop()

    def forget(self) -> None:
        """Have no more to do with the raster and the labels."""
        if self._session is not None:
            self._session.drop()
            self._session = None
        self._object, self.said = Outline(), ""
        self._unmark()
        self.end()

    def _show_mark(self, point: QgsPointXY) -> None:
        self._unmark()
        canvas = self._iface.mapCanvas()
        self._mark = QgsRubberBand(canvas)
        self._mark.setColor(QColor("#e91e63"))
        self._mark.setWidth(3)
        self._mark.setToGeometry(QgsGeometry.fromPointXY(point).buffer(5 * canvas.mapUnitsPerPixel(), 8), None)

    def _unmark(self) -> None:
        if self._mark is not None:
            self._iface.mapCanvas().scene().removeItem(self._mark)
            self._mark = None


def _transform(source: QgsCoordinateReferenceSystem, target: QgsCoordinateReferenceSystem) -> QgsCoordinateTransform:
    return QgsCoordinateTransform(source, target, QgsProject.instance().transformContext())


def _moved(point: QgsPointXY, source: QgsCoordinateReferenceSystem, target: QgsCoordinateReferenceSystem) -> QgsPointXY:
    return _transform(source, target).transform(point)
