"""Results in the project: styled by the .qml beside them, polygons above rasters, in one group."""

from __future__ import annotations

import os
from typing import Any, Iterator

from qgis.core import (
    QgsLayerTreeGroup,
    QgsMapLayer,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingLayerPostProcessorInterface,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QTimer

from .project_state import KIND
from .tr import tr

_MARK = "geoseg/results"  # property of groups

# From top to bottom, and whether it is shown at first.
ORDER = {
    "changes": True, "objects": True, "polygons": True, "change": False, "classes": True, "confidence": False,
}  # fmt: skip

VECTORS = ("changes", "objects", "polygons")


def names() -> dict[str, str]:
    """Return what results are called in the layer tree."""
    return {
        "changes": tr("Changes"), "objects": tr("Objects"), "polygons": tr("Polygons"), "change": tr("Transitions"),
        "classes": tr("Classes"), "confidence": tr("Confidence"),
    }  # fmt: skip


def writable_folder(folder: str) -> str:
    """Return a folder if files can be written there, else the home folder."""
    return folder if os.access(folder, os.W_OK) else os.path.expanduser("~")


def open_layer(path: str, kind: str, name: str = "") -> QgsMapLayer:
    """Open a result with its style. The layer may be invalid: ask it."""
    name = name or names()[kind]
    layer = QgsVectorLayer(path, name, "ogr") if kind in VECTORS else QgsRasterLayer(path, name)
    layer.setCustomProperty(KIND, kind)
    return layer


def style(layer: QgsMapLayer) -> None:
    """Give a layer the style that lies beside its file, or, as in a GeoPackage, inside it."""
    path = os.path.splitext(layer.source().split("|")[0])[0] + ".qml"
    if os.path.isfile(path):
        layer.loadNamedStyle(path)
    else:
        layer.loadDefaultStyle()
    layer.triggerRepaint()


def group_of(name: str, project: QgsProject) -> QgsLayerTreeGroup:
    """Return the group for the results of a scene, at the top of the tree."""
    root = project.layerTreeRoot()
    title = tr("GeoSeg {scene}").format(scene=name)
    group = root.findGroup(title) or root.insertGroup(0, title)
    if not group.customProperty(_MARK):
        group.setCustomProperty(_MARK, "shown")
    return group


def hide_groups(project: QgsProject) -> None:
    """Hide all results for a while; :func:`show_groups` shows those again that were visible."""
    for group in _groups(project):
        if group.itemVisibilityChecked():
            group.setItemVisibilityChecked(False)
            group.setCustomProperty(_MARK, "hidden")


def show_groups(project: QgsProject) -> None:
    """Show what :func:`hide_groups` hid."""
    for group in _groups(project):
        if group.customProperty(_MARK) == "hidden":
            group.setItemVisibilityChecked(True)
            group.setCustomProperty(_MARK, "shown")


def _groups(project: QgsProject) -> list[QgsLayerTreeGroup]:
    return [group for group in project.layerTreeRoot().findGroups() if group.customProperty(_MARK)]


def adding(outputs: dict[str, str], name: str) -> Iterator[None]:
    """Add the results of a run to the project, replacing those from before, piece by piece; returns layers by kind."""
    project = QgsProject.instance()
    _clear(outputs, name)
    layers: dict[str, QgsMapLayer] = {}
    for kind in (kind for kind in ORDER if kind in outputs):
        yield
        layer = open_layer(outputs[kind], kind)
        if not layer.isValid():
            continue
        yield
        style(layer)
        yield
        project.addMapLayer(layer, addToLegend=False)
        yield
        node = group_of(name, project).addLayer(layer)
        node.setItemVisibilityChecked(ORDER[kind])
        node.setExpanded(kind in VECTORS)
        layers[kind] = layer
    return layers


def _clear(outputs: dict[str, str], name: str) -> None:
    project = QgsProject.instance()
    fresh = {os.path.normpath(path) for path in outputs.values()}
    for node in group_of(name, project).findLayers():
        layer = node.layer()
        if layer is not None and os.path.normpath(layer.source().split("|")[0]) in fresh:
            project.removeMapLayer(layer.id())


class Grouping:
    """The results of one Processing run, which belong into one group."""

    def __init__(self, name: str) -> None:
        self.name = name

    def place(self, layer: QgsMapLayer, kind: str, project: QgsProject) -> None:
        """Move a layer that Processing has added to its place in the group."""
        node = project.layerTreeRoot().findLayer(layer.id())
        if node is None:
            return
        group = group_of(self.name, project)
        order = list(ORDER)
        copy = node.clone()
        before = [child for child in group.findLayers() if _kind_of(child) in order[: order.index(kind)]]
        group.insertChildNode(len(before), copy)
        copy.setCustomProperty("geoseg/kind", kind)
        copy.setItemVisibilityChecked(ORDER[kind])
        node.parent().removeChildNode(node)


def _kind_of(node: Any) -> str:
    return str(node.customProperty("geoseg/kind", ""))


class _Finish(QgsProcessingLayerPostProcessorInterface):
    """Styles and groups a layer after Processing has added it."""

    # Processing holds no reference: without one here Python frees the object and it silently never runs.
    alive: list[_Finish] = []  # noqa: RUF012 - shared by all on purpose

    def __init__(self, kind: str, grouping: Grouping) -> None:
        super().__init__()
        self._kind, self._grouping = kind, grouping
        self.alive.append(self)

    def postProcessLayer(
        self, layer: QgsMapLayer, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> None:
        """Style the layer at once; group it when Processing is done with the layer tree."""
        style(layer)
        layer.setCustomProperty(KIND, self._kind)
        project, identifier = context.project(), layer.id()

        def place() -> None:
            there = project.mapLayer(identifier) if project is not None else None
            if there is not None:
                self._grouping.place(there, self._kind, project)

        QTimer.singleShot(0, place)


def attach(path: str, kind: str, context: QgsProcessingContext, grouping: Grouping) -> None:
    """Let Processing style and group a result, if it will load it."""
    if kind in ORDER and context.willLoadLayerOnCompletion(path):
        context.layerToLoadOnCompletionDetails(path).setPostProcessor(_Finish(kind, grouping))
