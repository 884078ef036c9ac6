"""What the panel knows, kept in the project: scene, bands, units, model, the last result and its corrections.

A JSON text under the project's entry ``geoseg/panel``; restored when the project is read. Outputs of geoseg are marked,
so that the raster box does not offer them, and previews are taken out of a project as it is written.
"""

from __future__ import annotations

import json
import os
from typing import Any, Callable

from qgis.core import QgsMapLayer, QgsProject, QgsRasterLayer
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import QObject

_SCOPE, _KEY = "geoseg", "/panel"

KIND = "geoseg/kind"
"""Property of layers that geoseg made: ``"classes"``, ``"confidence"``, ``"polygons"``."""

PREVIEW = "geoseg/preview"
"""Property of previews, which are temporary."""


class ProjectState(QObject):
    """Writes the panel's state into the project, and restores it.

    Parameters
    ----------
    collect
        Returns the state, as JSON-compatible values.
    restore
        Takes a state that was stored.
    parent
        Owner.
    """

    def __init__(
        self, collect: Callable[[], dict[str, Any]], restore: Callable[[dict[str, Any]], None], parent: QObject
    ) -> None:
        super().__init__(parent)
        self._collect, self._restore = collect, restore
        project = QgsProject.instance()
        project.writeProject.connect(self._write)
        project.readProject.connect(self.read)

    def _write(self, document: Any) -> None:
        project = QgsProject.instance()
        state = json.dumps(self._collect(), ensure_ascii=False)
        # The entries are written before this signal: the text goes into the document, and into the project for later.
        project.writeEntry(_SCOPE, _KEY, state)
        _store(document, state)
        remove_layers(document, [layer.id() for layer in project.mapLayers().values() if is_preview(layer)])

    def read(self, *_: Any) -> None:
        """Restore what the project holds; nothing happens if it holds nothing, or another version's state."""
        text, found = QgsProject.instance().readEntry(_SCOPE, _KEY, "")
        if not found or not text:
            return
        try:
            state = json.loads(text)
        except ValueError:
            return
        if isinstance(state, dict):
            self._restore(state)

    def stop(self) -> None:
        """Have no more to do with the project."""
        project = QgsProject.instance()
        project.writeProject.disconnect(self._write)
        project.readProject.disconnect(self.read)


def _store(document: Any, state: str) -> None:
    """Put the state into the document's ``<properties>``, as QGIS itself writes entries."""
    properties = document.documentElement().firstChildElement("properties")
    if properties.isNull():
        properties = document.createElement("properties")
        document.documentElement().appendChild(properties)
    scope = properties.firstChildElement(_SCOPE)
    if scope.isNull():
        scope = document.createElement(_SCOPE)
        properties.appendChild(scope)
    entry = scope.firstChildElement(_KEY.strip("/"))
    if not entry.isNull():
        scope.removeChild(entry)
    entry = document.createElement(_KEY.strip("/"))
    entry.setAttribute("type", "QString")
    entry.appendChild(document.createTextNode(state))
    scope.appendChild(entry)


def remove_layers(document: Any, identifiers: list[str]) -> None:
    """Take layers out of a project's document: their definitions, and their places in trees and orders."""
    wanted = set(identifiers)
    for tag in ("maplayer", "layer-tree-layer", "legendlayer", "layer", "item"):
        nodes = document.elementsByTagName(tag)
        for element in [nodes.at(number).toElement() for number in range(nodes.count())]:
            inside = element.firstChildElement("id").text() if tag == "maplayer" else ""
            if {element.attribute("id"), element.text() if tag == "item" else inside} & wanted:
                element.parentNode().removeChild(element)


def is_preview(layer: QgsMapLayer) -> bool:
    """Whether a layer is a preview."""
    return bool(layer.customProperty(PREVIEW))


def is_own(layer: QgsMapLayer) -> bool:
    """Whether geoseg made a layer: by its mark, or, for files of other sessions, by its name and what lies beside it."""
    if layer.customProperty(KIND) or is_preview(layer):
        return True
    path = layer.source().split("|")[0]
    for ending in ("_classes.tif", "_confidence.tif", "_probabilities.tif"):
        if path.endswith(ending):
            return os.path.isfile(path[: -len(ending)] + "_report.json")
    return False


class OwnLayersHidden(QObject):
    """Keeps geoseg's own rasters out of a layer box."""

    def __init__(self, box: QgsMapLayerComboBox) -> None:
        super().__init__(box)
        self._box = box
        project = QgsProject.instance()
        project.layersAdded.connect(self._layers_added)
        project.readProject.connect(self.update)
        self.update()

    def _layers_added(self, layers: list[QgsMapLayer]) -> None:
        if any(isinstance(layer, QgsRasterLayer) and is_own(layer) for layer in layers):
            self.update()

    def update(self, *_: Any) -> None:
        """Look through the project's rasters."""
        layers = QgsProject.instance().mapLayers().values()
        self._box.setExceptedLayerList(
            [layer for layer in layers if isinstance(layer, QgsRasterLayer) and is_own(layer)]
        )
