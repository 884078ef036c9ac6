"""The map of the visible part: a layer above the scene that lasts until the next one."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from typing import Any

from qgis.core import QgsLayerTreeLayer, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QObject

from . import results
from .panel_area import AreaFields
from .project_state import PREVIEW
from .tr import tr

PIXELS = 1_000_000
"""About so many pixels are computed: as many as a screen shows, in seconds also without a GPU."""

_OPACITY = 0.65


@dataclass(frozen=True)
class Part:
    """The visible part of a raster.

    Attributes
    ----------
    bbox
        West, south, east, north in the raster's CRS.
    coarse
        Pixel size if it is larger than the raster's, so that not too many are computed; else None.
    """

    bbox: tuple[float, float, float, float]
    coarse: float | None


def visible_part(area: AreaFields, layer: QgsRasterLayer | None, pixel: float = 0.0) -> Part | None:
    """Return the part of a raster that the map shows, for pixels of at least ``pixel``; None if it is empty."""
    box = area.visible(layer) if layer is not None else None
    if layer is None or box is None or box.isEmpty():
        return None
    pixel = max(layer.rasterUnitsPerPixelX(), pixel)
    side = (box.width() * box.height() / PIXELS) ** 0.5
    bbox = box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()
    return Part(bbox, side if side > pixel * 1.05 else None)


def nothing_visible() -> str:
    """Return what the user is told if the part is empty."""
    return tr("The map shows no part of the raster: zoom to it first.")


class Overlay(QObject):
    """One map of the visible part at a time, and its temporary folder."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.layer_id = ""
        self.folder = ""
        self._fresh: set[str] = set()
        QgsProject.instance().layerRemoved.connect(self._layer_removed)

    def new_folder(self) -> str:
        """Return a folder for another map; the one that is shown stays until then."""
        folder = tempfile.mkdtemp(prefix="geoseg-preview-")
        self._fresh.add(folder)
        return folder

    def drop(self, folder: str) -> None:
        """Take the folder of a map away that was never shown; nothing happens if it was."""
        if folder in self._fresh:
            self._fresh.remove(folder)
            _remove(folder)

    def shut_down(self) -> None:
        """Take the map and all folders away."""
        self.clear()
        for folder in list(self._fresh):
            self.drop(folder)

    def show(self, path: str, below: str = "") -> QgsRasterLayer | None:
        """Show a class map in place of the last one, above everything or below a layer at the top; None if it cannot.

        Parameters
        ----------
        path
            The map, in a folder that :meth:`new_folder` gave.
        below
            Id of the layer that stays above it.
        """
        layer = results.open_layer(path, "classes", tr("GeoSeg preview"))
        if not layer.isValid():
            return None
        project = QgsProject.instance()
        root, before = project.layerTreeRoot(), project.mapLayer(self.layer_id) if self.layer_id else None
        results.style(layer)
        layer.setOpacity(before.opacity() if before is not None else _OPACITY)
        layer.setCustomProperty(PREVIEW, value=True)
        # Colours of an older map below would blend with those of the new one.
        results.hide_groups(project)
        project.addMapLayer(layer, addToLegend=False)
        order = [one.layerId() if isinstance(one, QgsLayerTreeLayer) else "" for one in root.children()]
        node = root.insertLayer(order.index(below) + 1 if below and below in order else 0, layer)
        if before is not None and root.findLayer(before.id()) is not None:
            node.setExpanded(root.findLayer(before.id()).isExpanded())
        last, self.layer_id = self.layer_id, layer.id()
        if last:
            project.removeMapLayer(last)
        _remove(self.folder)
        self.folder = os.path.dirname(path)
        self._fresh.discard(self.folder)
        return layer

    def clear(self) -> None:
        """Take the map away."""
        if self.layer_id:
            QgsProject.instance().removeMapLayer(self.layer_id)
        _remove(self.folder)
        self.folder = ""

    def _layer_removed(self, identifier: str) -> None:
        """Show the older maps again when the overlay is gone, whoever took it away."""
        if identifier == self.layer_id:
            self.layer_id = ""
            results.show_groups(QgsProject.instance())


def _remove(folder: Any) -> None:
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
