"""Where a label would help most: the places on the map, and the view moved from one to the next."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from typing import Any, Iterator

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtGui import QColor

from . import commands, settings
from .panel_area import AreaError, to_crs
from .runner import RunError, geoseg_command
from .session import Session, start
from .tr import tr
from .turns import Turns

COUNT = 20
"""So many places are proposed."""

_AROUND = 8.0  # the view is so many times as wide as a place
_INSIDE = 0.9  # a map that is smaller than this share of the places' extent is a part of it


@dataclass(frozen=True)
class Place:
    """A place to label: its shape, the class that the model believes, how sure it is in percent, and its area in m²."""

    shape: QgsGeometry
    name: str
    confidence: float
    area: float


class NextPlaces(QObject):
    """Asks geoseg for places, shows them, and steps through them."""

    failed = pyqtSignal(str)
    changed = pyqtSignal()

    def __init__(self, iface: Any, parent: QObject) -> None:
        super().__init__(parent)
        self._iface = iface
        self.places: list[Place] = []
        self.current = ""
        self._crs = QgsCoordinateReferenceSystem()
        self._at = -1
        self._stale = False
        self._bands: list[QgsRubberBand] = []
        self._session: Session | None = None
        self._turns: Turns | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def running(self) -> bool:
        """Whether places are looked for."""
        return self._session is not None or self._turns is not None

    @staticmethod
    def text() -> str:
        """Return one line about what is being done."""
        return tr("Looking for uncertain places")

    def go(self, maps: str, labels: str) -> None:
        """Zoom to the next place; looks for places first if there are none, or all belong to an older map.

        Parameters
        ----------
        maps
            The map, or the folder that it alone is in; empty if there is none.
        labels
            File of what is labelled already; empty for nothing.
        """
        if self.running:
            return
        if self.places and not self._stale:
            self._step()
            return
        if not maps:
            self.failed.emit(tr("Sketch first: places are looked for on its map."))
            return
        self._folder = tempfile.TemporaryDirectory(prefix="geoseg-next-")
        target = os.path.join(self._folder.name, "next.gpkg")
        arguments = commands.next_labels([maps], target, labels=labels, count=COUNT)
        session = start(geoseg_command(settings.interpreter(), arguments), self, self._found)
        if isinstance(session, RunError):
            self.failed.emit(str(session))
            return
        self._session = session
        self.changed.emit()

    def _found(self, session: Session) -> None:
        self._session = None
        if session.error:
            if not session.child.cancelled:
                self.failed.emit(session.error)
            self.changed.emit()
            return
        self._turns = Turns(self._taking(session.results[-1]["outputs"]["polygons"]), self)
        self._turns.done.connect(lambda _: self._taken())

    def _taken(self) -> None:
        self._turns = None
        self._step()
        self.changed.emit()

    def _taking(self, path: str) -> Iterator[None]:
        """Take up the places in a file, piece by piece."""
        self._clear()
        layer = QgsVectorLayer(path, "next", "ogr")
        yield
        features = sorted(layer.getFeatures(), key=lambda feature: feature["priority"])
        self._crs = layer.crs()
        places = [_place(feature) for feature in features if feature.hasGeometry()]
        for place in places:
            yield
            band = QgsRubberBand(self._iface.mapCanvas(), QgsWkbTypes.GeometryType.PolygonGeometry)
            band.setFillColor(QColor(0, 0, 0, 0))
            band.setSecondaryStrokeColor(QColor(255, 255, 255, 200))
            band.setToGeometry(place.shape, self._crs)
            self._bands.append(band)
        self.places = places

    def _step(self) -> None:
        """Go to the next place; those that do not exist any more are never in the list."""
        if not self.places:
            self.failed.emit(tr("There are no uncertain places."))
            return
        self._at = (self._at + 1) % len(self.places)
        place = self.places[self._at]
        for number, band in enumerate(self._bands):
            band.setStrokeColor(QColor("#e91e63"))
            band.setWidth(4 if number == self._at else 2)
        canvas = self._iface.mapCanvas()
        try:
            box = to_crs(place.shape, self._crs, canvas.mapSettings().destinationCrs()).boundingBox()
        except AreaError as error:
            self.failed.emit(str(error))
            return
        canvas.setExtent(_around(box))
        canvas.refresh()
        text = tr("Place {number} of {count}: “{name}” by the model, {confidence:.0f} % sure. Draw what it is.")
        self.current = text.format(
            number=self._at + 1, count=len(self.places), name=place.name, confidence=place.confidence
        )
        self.changed.emit()

    def map_changed(self, extent: QgsRectangle | None = None) -> None:
        """Take notice of a new map: places are looked for anew, unless it shows only a part of where they are."""
        self.current = ""
        if not self.places:
            return
        whole = QgsRectangle()
        for place in self.places:
            whole.combineExtentWith(place.shape.boundingBox())
        part = extent is not None and extent.width() * extent.height() < _INSIDE * whole.width() * whole.height()
        self._stale = not part

    def cancel(self) -> None:
        """Stop looking."""
        if self._session is not None:
            self._session.stop()

    def forget(self) -> None:
        """Take the places away."""
        if self._session is not None:
            self._session.drop()
            self._session = None
        if self._turns is not None:
            self._turns.stop()
            self._turns = None
        self._clear()

    def _clear(self) -> None:
        scene = self._iface.mapCanvas().scene()
        for band in self._bands:
            scene.removeItem(band)
        self._bands.clear()
        self.places, self._at, self.current, self._stale = [], -1, "", False


def _place(feature: QgsFeature) -> Place:
    return Place(
        QgsGeometry(feature.geometry()),
        str(feature["class_name"]),
        float(feature["confidence"]),
        float(feature["area_m2"]),
    )


def _around(box: QgsRectangle) -> QgsRectangle:
    """Return a square view around a place, which lies in its middle."""
    side = max(box.width(), box.height()) * _AROUND
    middle = box.center()
    return QgsRectangle(middle.x() - side / 2, middle.y() - side / 2, middle.x() + side / 2, middle.y() + side / 2)
