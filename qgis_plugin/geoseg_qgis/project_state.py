"""What the panel knows, kept in the project: scene, bands, units, model, results and corrections.

A JSON text in the project's entry ``geoseg/panel``, restored when the project is read. Outputs of geoseg are marked, so
that the raster box does not offer them. Previews are temporary files: they are taken out of the project while it is
written.
"""

from __future__ import annotations

import json
import os
from typing import Any, Callable

from qgis.core import QgsMapLayer, QgsProject
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import QObject, QTimer

_SCOPE, _KEY = "geoseg", "/panel"

KIND = "geoseg/kind"
"""Property of layers that geoseg made: ``"classes"``, ``"confidence"``, ``"polygons"``, ``"changes"``."""

PREVIEW = "geoseg/preview"
"""Property of previews."""

State = dict[str, Any]


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

    def __init__(self, collect: Callable[[], State], restore: Callable[[State], None], parent: QObject) -> None:
        super().__init__(parent)
        self._collect, self._restore = collect, restore
        project = QgsProject.instance()
        self._saved = False
        project.writeProject.connect(self._write)
        project.projectSaved.connect(self._note_saved)
        project.readProject.connect(self.read)

    def _write(self, document: Any) -> None:
        # QGIS has written the layer tree by now, and writes entries and layers after this.
        project = QgsProject.instance()
        project.writeEntry(_SCOPE, _KEY, json.dumps(self._collect(), ensure_ascii=False))
        previews = [layer for layer in project.mapLayers().values() if layer.customProperty(PREVIEW)]
        _forget_places(document, {layer.id() for layer in previews})
        taken = [project.takeMapLayer(layer) for layer in previews]
        if taken:
            self._saved = False
            QTimer.singleShot(0, lambda: self._put_back(taken))

    def _note_saved(self) -> None:
        self._saved = True

    def _put_back(self, layers: list[QgsMapLayer]) -> None:
        project = QgsProject.instance()
        for layer in layers:
            project.addMapLayer(layer, addToLegend=False)
            project.layerTreeRoot().insertLayer(0, layer)
        if self._saved:  # that a preview is there again is no change worth saving
            project.setDirty(False)
            QTimer.singleShot(0, lambda: project.setDirty(False))  # the map canvas follows in the next turn

    def read(self, *_: Any) -> None:
        """Restore what the project holds; nothing happens if it holds nothing."""
        text, _found = QgsProject.instance().readEntry(_SCOPE, _KEY, "")
        try:
            state = json.loads(text or "null")
        except ValueError:
            return
        if isinstance(state, dict):
            self._restore(state)

    def stop(self) -> None:
        """Have no more to do with the project."""
        project = QgsProject.instance()
        project.writeProject.disconnect(self._write)
        project.projectSaved.disconnect(self._note_saved)
        project.readProject.disconnect(self.read)


def _forget_places(document: Any, identifiers: set[str]) -> None:
    """Take layers out of the layer tree and the order of drawing in a project's document."""
    for tag in ("layer-tree-layer", "item"):
        nodes = document.elementsByTagName(tag)
        for element in [nodes.at(number).toElement() for number in range(nodes.count())]:
            if (element.text() if tag == "item" else element.attribute("id")) in identifiers:
                element.parentNode().removeChild(element)


def is_own(layer: QgsMapLayer) -> bool:
    """Whether geoseg made a raster: by its mark or, for one added by hand, by its name and the report beside it."""
    if layer.customProperty(KIND) or layer.customProperty(PREVIEW):
        return True
    path = layer.source().split("|")[0]
    if path.endswith("_change.tif"):
        return os.path.isfile(path[: -len(".tif")] + "_report.json")
    endings = ("_classes.tif", "_confidence.tif", "_probabilities.tif")
    return any(path.endswith(end) and os.path.isfile(path[: -len(end)] + "_report.json") for end in endings)


def own(kind: type[QgsMapLayer]) -> Callable[[QgsMapLayer], bool]:
    """Return what tells whether geoseg made a layer of a kind."""
    return lambda layer: isinstance(layer, kind) and is_own(layer)


class LayersHidden(QObject):
    """Keeps layers out of a layer box, such as those that geoseg made."""

    def __init__(self, box: QgsMapLayerComboBox, hides: Callable[[QgsMapLayer], bool]) -> None:
        super().__init__(box)
        self._box, self._hides = box, hides
        self._hidden: set[str] = set()
        project = QgsProject.instance()
        # After removals too: the box keeps addresses, which another layer may get.
        for signal in (project.layersAdded, project.layersRemoved, project.readProject):
            signal.connect(self.update)
        self.update()

    def update(self, *_: Any) -> None:
        """Look through the project's layers."""
        layers = QgsProject.instance().mapLayers().values()
        hidden = [layer for layer in layers if self._hides(layer)]
        identifiers = {layer.id() for layer in hidden}
        if identifiers != self._hidden:
            self._hidden = identifiers
            self._box.setExceptedLayerList(hidden)
