"""Two layers over the map, to be compared with the eye: one after the other, or on two sides of a line.

Their pictures are drawn over the map by an item of the canvas; no layer's visibility is changed, so that there is
nothing to be restored. The pictures follow the map, and the item goes when a layer is removed.
"""

from __future__ import annotations

from typing import Any

from qgis.core import QgsMapLayer, QgsMapRendererParallelJob, QgsMapSettings, QgsPointXY, QgsProject, QgsRectangle
from qgis.gui import QgsMapCanvasItem
from qgis.PyQt.QtCore import QEvent, QObject, QPointF, QRectF, QSizeF, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QColor, QCursor, QImage, QPainter, QPen

from .tr import tr

FLICKER, SWIPE = "flicker", "swipe"

_PERIOD = 1000  # milliseconds that each picture is shown
_WAIT = 150  # milliseconds after the last move of the map
_GRIP = 12  # pixels from the line at which it can be taken
_HANDLE = 9.0  # radius of the line's handle


class CompareView(QObject):
    """Shows two layers on the canvas until it is stopped.

    Parameters
    ----------
    canvas
        The map canvas.
    parent
        Owner.
    """

    ended = pyqtSignal()
    """The pictures are gone: stopped, or a layer was removed."""

    def __init__(self, canvas: Any, parent: QObject) -> None:
        super().__init__(parent)
        self._canvas = canvas
        self.item: PictureItem | None = None
        self.mode = ""
        self._layers: tuple[QgsMapLayer, ...] = ()
        self._ids: tuple[str, ...] = ()
        self._jobs: dict[int, QgsMapRendererParallelJob] = {}
        self._dropped: list[QgsMapRendererParallelJob] = []
        self._dragged = False
        self._cursor = QCursor()
        self._flicker, self._later = QTimer(self), QTimer(self)
        self._flicker.timeout.connect(self._turn)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._render)
        # A project that is closed removes its layers, too.
        QgsProject.instance().layersWillBeRemoved.connect(self._layers_go)

    # --- beginning and end

    def show(self, mode: str, layers: tuple[QgsMapLayer, QgsMapLayer], names: tuple[str, str]) -> None:
        """Show two layers, before and after, under these names, in place of those shown until now."""
        self._forget()
        self.mode, self._layers, self._ids = mode, layers, tuple(layer.id() for layer in layers)
        self.item = PictureItem(self._canvas, mode, names)
        self._canvas.viewport().installEventFilter(self)
        for signal in self._signals():
            signal.connect(self._render_soon)
        self._render()
        if mode == FLICKER:
            self._flicker.start(_PERIOD)

    def stop(self) -> None:
        """Take the pictures away."""
        if self.item is not None:
            self._forget()
            self.ended.emit()

    def shut_down(self) -> None:
        """Stop, and have no more to do with the project."""
        self.stop()
        QgsProject.instance().layersWillBeRemoved.disconnect(self._layers_go)

    def _forget(self) -> None:
        self._flicker.stop()
        self._later.stop()
        for job in (*self._jobs.values(), *self._dropped):
            job.cancel()  # waits: their layers may be gone in a moment
        self._jobs.clear()
        self._dropped.clear()
        if self.item is None:
            return
        for signal in self._signals():
            signal.disconnect(self._render_soon)
        self._canvas.viewport().removeEventFilter(self)
        self._release()
        self._canvas.scene().removeItem(self.item)
        self.item, self._layers, self._ids, self.mode = None, (), (), ""

    def _signals(self) -> tuple[Any, ...]:
        canvas = (self._canvas.extentsChanged, self._canvas.destinationCrsChanged)
        return (*canvas, *(layer.repaintRequested for layer in dict.fromkeys(self._layers)))

    def _layers_go(self, identifiers: list[str]) -> None:
        if set(identifiers) & set(self._ids):
            self.stop()

    # --- pictures

    def _render_soon(self, *_: Any) -> None:
        self._later.start(_WAIT)

    def _render(self) -> None:
        """Draw both layers for what the map shows now; the last pictures stay until then."""
        for job in self._jobs.values():
            job.cancelWithoutBlocking()
        self._dropped += self._jobs.values()
        self._jobs.clear()
        if self.item is None:
            return
        for place, layer in enumerate(self._layers):
            settings = QgsMapSettings(self._canvas.mapSettings())
            settings.setLayers([layer])
            settings.setBackgroundColor(QColor(255, 255, 255))
            job = QgsMapRendererParallelJob(settings)
            # No function that knows the job: it would keep it, and its picture, for ever.
            job.finished.connect(self._take)
            self._jobs[place] = job
            job.start()

    def _take(self) -> None:
        """Show what has been drawn."""
        ended = [job for job in self._dropped if not job.isActive()]
        self._dropped = [job for job in self._dropped if job.isActive()]
        for place, job in list(self._jobs.items()):
            if not job.isActive() and self.item is not None:
                ended.append(self._jobs.pop(place))
                self.item.set_picture(place, job.renderedImage(), _extent(job.mapSettings()))
        # One of them is just telling that it has ended: they are let go of in the next turn.
        QTimer.singleShot(0, ended.clear)

    @property
    def rendering(self) -> bool:
        """Whether pictures are being drawn."""
        return bool(self._jobs) or self._later.isActive()

    def _turn(self) -> None:
        if self.item is not None and not self.rendering:
            self.item.turn()

    # --- the line

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the line be dragged; everything else goes to the map tool, as ever."""
        kind = event.type()
        if self.item is None or self.mode != SWIPE:
            return False
        if kind == QEvent.Type.Leave:
            self._release()
            return False
        if kind not in {
            QEvent.Type.MouseButtonPress, QEvent.Type.MouseMove, QEvent.Type.MouseButtonRelease,
            QEvent.Type.MouseButtonDblClick,
        }:  # fmt: skip
            return False
        width = max(self._canvas.viewport().width(), 1)
        near = abs(event.pos().x() - self.item.share * width) <= _GRIP
        if kind == QEvent.Type.MouseMove and self._dragged:
            self.item.set_share(event.pos().x() / width)
            return True
        if kind == QEvent.Type.MouseMove and not event.buttons():
            self._point(near)
        elif kind == QEvent.Type.MouseButtonRelease and self._dragged:
            self._dragged = False
            return True
        elif kind == QEvent.Type.MouseButtonPress and near and event.button() == Qt.MouseButton.LeftButton:
            self._dragged = True
            return True
        return False

    def _point(self, near: bool) -> None:
        """Show by the cursor that the line can be taken."""
        viewport, ours = self._canvas.viewport(), Qt.CursorShape.SplitHCursor
        there = viewport.cursor()
        if near and there.shape() != ours:
            self._cursor = there
            viewport.setCursor(ours)
        elif not near and there.shape() == ours:  # else another map tool has set its own meanwhile
            viewport.setCursor(self._cursor)

    def _release(self) -> None:
        self._dragged = False
        self._point(near=False)


class PictureItem(QgsMapCanvasItem):
    """Two pictures over the map.

    Parameters
    ----------
    canvas
        The map canvas.
    mode
        FLICKER or SWIPE.
    names
        What the layers are called.
    """

    def __init__(self, canvas: Any, mode: str, names: tuple[str, str]) -> None:
        super().__init__(canvas)
        self._canvas, self._mode, self._names = canvas, mode, names
        self._pictures: list[tuple[QImage, QgsRectangle] | None] = [None, None]
        self.share = 0.5
        self.shown = 1
        self.setZValue(-1)  # above the map, below what is drawn on it

    def set_picture(self, place: int, image: QImage, extent: QgsRectangle) -> None:
        """Take a picture, 0 before or 1 after, and what it shows."""
        self._pictures[place] = image, extent
        self.setRect(extent)
        self.update()

    def set_share(self, share: float) -> None:
        """Move the line to this share of the canvas' width."""
        self.share = min(max(share, 0.0), 1.0)
        self.update()

    def turn(self) -> None:
        """Show the other picture."""
        self.shown = 1 - self.shown
        self.update()

    def updatePosition(self) -> None:
        """Follow the map; called by the canvas."""
        known = [picture for picture in self._pictures if picture is not None]
        if known:
            self.setRect(known[-1][1])

    def paint(self, painter: QPainter, option: Any = None, widget: Any = None) -> None:
        """Draw; called by the canvas."""
        view = self.mapRectFromScene(self._canvas.mapToScene(self._canvas.viewport().rect()).boundingRect())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self._mode == FLICKER:
            self._draw(painter, self.shown, self._area(self.shown))
            self._write(painter, view, self.shown)
        else:
            line = view.left() + self.share * view.width()
            left, right = QRectF(view), QRectF(view)
            left.setRight(line)
            right.setLeft(line)
            self._draw(painter, 0, left)
            self._draw(painter, 1, right)
            self._write(painter, left, 0)
            self._write(painter, right, 1, end=True)
            _draw_line(painter, line, view)
        painter.restore()

    def _area(self, place: int) -> QRectF:
        """Return where a picture lies, in the item's coordinates."""
        picture = self._pictures[place]
        if picture is None:
            return QRectF()
        extent = picture[1]
        corner = self.toCanvasCoordinates(QgsPointXY(extent.xMinimum(), extent.yMaximum())) - self.pos()
        pixel = self._canvas.mapUnitsPerPixel()
        return QRectF(corner, QSizeF(extent.width() / pixel, extent.height() / pixel))

    def _draw(self, painter: QPainter, place: int, inside: QRectF) -> None:
        picture = self._pictures[place]
        if picture is None or inside.isEmpty():
            return
        painter.save()
        painter.setClipRect(inside)
        painter.drawImage(self._area(place), picture[0])
        painter.restore()

    def _write(self, painter: QPainter, inside: QRectF, place: int, *, end: bool = False) -> None:
        """Write which date it is into an upper corner."""
        text = (tr("Before: {name}") if place == 0 else tr("After: {name}")).format(name=self._names[place])
        metrics = painter.fontMetrics()
        room = inside.width() - 24
        if room < 30:
            return
        text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(room))
        width, height = metrics.horizontalAdvance(text) + 12, metrics.height() + 6
        left = inside.right() - width - 6 if end else inside.left() + 6
        box = QRectF(left, inside.top() + 6, width, height)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 170))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(255, 255, 255))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)


def _draw_line(painter: QPainter, x: float, view: QRectF) -> None:
    middle = QPointF(x, view.center().y())
    for colour, width in ((QColor(0, 0, 0, 150), 4.0), (QColor(255, 255, 255), 2.0)):
        painter.setPen(QPen(colour, width))
        painter.drawLine(QPointF(x, view.top()), QPointF(x, view.bottom()))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(0, 0, 0, 150), 1.0))
    painter.setBrush(QColor(255, 255, 255))
    painter.drawEllipse(middle, _HANDLE, _HANDLE)
    painter.setPen(QPen(QColor(60, 60, 60), 1.5))
    for way in (-1, 1):
        tip = QPointF(x + way * 0.6 * _HANDLE, middle.y())
        for up in (-1, 1):
            painter.drawLine(tip, QPointF(x + way * 0.2 * _HANDLE, middle.y() + up * 0.4 * _HANDLE))


def _extent(settings: QgsMapSettings) -> QgsRectangle:
    """Return where a picture's corners lie, as canvas items understand it: as if the map were not turned."""
    to_map, size = settings.mapToPixel(), settings.outputSize()
    corner = to_map.toMapCoordinates(0, 0)
    across, down = to_map.mapUnitsPerPixel() * size.width(), to_map.mapUnitsPerPixel() * size.height()
    return QgsRectangle(corner.x(), corner.y() - down, corner.x() + across, corner.y())
