"""Corrections: polygons that the user edited or drew, as labels in a GeoPackage of their own.

Edits of a result's polygons are noted when they are saved; :meth:`Corrections.collect` copies the edited polygons into
the labels. The labels are an ordinary layer, so more can be drawn into it.
"""

from __future__ import annotations

import os
from typing import Any, Iterable

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsEditorWidgetSetup,
    QgsFeature,
    QgsFeatureRequest,
    QgsFillSymbol,
    QgsProcessingException,
    QgsProject,
    QgsRendererCategory,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QObject, pyqtSignal

from . import results
from .tr import tr

FIELD = "class_name"
"""Field that names the class, in results and labels alike."""


class Corrections(QObject):
    """Knows which polygons of a result were edited, and the labels made of them."""

    changed = pyqtSignal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._result = ""
        self._edited: set[int] = set()
        self._labels = ""
        self._path = ""
        self._classes: dict[str, str] = {}
        self._scene = ""

    # --- the polygons of a result

    def watch(self, layer: QgsVectorLayer, path: str, classes: dict[str, str], scene: str) -> None:
        """Note edits of a result's polygons from now on.

        Parameters
        ----------
        layer
            The polygons.
        path
            File for the labels.
        classes
            Colour per class name.
        scene
            Name of the scene, for the group in the layer tree.
        """
        self._result, self._path, self._classes, self._scene = layer.id(), path, classes, scene
        self._edited.clear()
        offer_classes(layer, classes)
        layer.committedFeaturesAdded.connect(lambda _, features: self._note(feature.id() for feature in features))
        layer.committedAttributeValuesChanges.connect(lambda _, changes: self._note(changes))
        layer.committedGeometriesChanges.connect(lambda _, changes: self._note(changes))
        self.changed.emit()

    def _note(self, identifiers: Iterable[int]) -> None:
        self._edited.update(identifiers)
        self.changed.emit()

    def result(self) -> QgsVectorLayer | None:
        """Return the polygons that are watched, if they are still there."""
        return _vector(self._result)

    def labels(self) -> QgsVectorLayer | None:
        """Return the labels, if there are any."""
        return _vector(self._labels)

    @property
    def path(self) -> str:
        """File of the labels."""
        return self._path

    def waiting(self) -> int:
        """Return how many edited polygons are not labels yet, unsaved ones included."""
        layer = self.result()
        buffer = layer.editBuffer() if layer is not None else None
        unsaved: set[int] = set()
        if buffer is not None:
            unsaved = {*buffer.changedAttributeValues(), *buffer.changedGeometries(), *buffer.addedFeatures()}
        return len(self._edited | unsaved)

    def count(self) -> int:
        """Return how many labels there are, drawn ones that are not saved yet included."""
        layer = self.labels()
        return int(layer.featureCount()) if layer is not None else 0

    # --- labels

    def collect(self) -> int:
        """Save the user's edits, copy the edited polygons into the labels, and return how many there were.

        Raises
        ------
        QgsProcessingException
            If something cannot be saved.
        """
        layer = self.result()
        if layer is None:
            raise QgsProcessingException(tr("Run a scene first; then correct its polygons."))
        if layer.isModified() and not layer.commitChanges(stopEditing=False):
            raise QgsProcessingException("; ".join(layer.commitErrors()))
        wanted = QgsFeatureRequest().setFilterFids(list(self._edited))
        features = [(QgsFeature(feature), feature[FIELD]) for feature in layer.getFeatures(wanted)]
        features = [(feature, name) for feature, name in features if name in self._classes]
        if features:
            labels = self.open_labels()
            self._add(labels, features)
        self._edited.clear()
        self.changed.emit()
        return len(features)

    def open_labels(self) -> QgsVectorLayer:
        """Return the labels as a layer of the project; made if there are none.

        Raises
        ------
        QgsProcessingException
            If the file cannot be written.
        """
        layer = self.labels()
        if layer is not None:
            return layer
        result = self.result()
        if result is None:
            raise QgsProcessingException(tr("Run a scene first; then correct its polygons."))
        if not os.path.isfile(self._path):
            _create(self._path, result.crs())
        layer = QgsVectorLayer(self._path, tr("Corrections"), "ogr")
        if not layer.isValid():
            raise QgsProcessingException(tr("{path} cannot be opened").format(path=self._path))
        offer_classes(layer, self._classes)
        _style(layer, self._classes)
        QgsProject.instance().addMapLayer(layer, addToLegend=False)
        results.group_of(self._scene, QgsProject.instance()).insertLayer(0, layer)
        layer.featureAdded.connect(lambda *_: self.changed.emit())
        layer.featureDeleted.connect(lambda *_: self.changed.emit())
        self._labels = layer.id()
        return layer

    def save(self) -> str:
        """Save what was drawn into the labels and return their file.

        Raises
        ------
        QgsProcessingException
            If there are no labels, or they cannot be saved.
        """
        layer = self.labels()
        if layer is not None and layer.isModified() and not layer.commitChanges(stopEditing=False):
            raise QgsProcessingException("; ".join(layer.commitErrors()))
        if layer is None or not self.count():
            raise QgsProcessingException(tr("There are no corrections yet: edit polygons of the result, or draw some."))
        return self._path

    def _add(self, labels: QgsVectorLayer, features: list[tuple[QgsFeature, str]]) -> None:
        made = []
        for feature, name in features:
            geometry = feature.geometry()
            geometry.convertToMultiType()
            label = QgsFeature(labels.fields())
            label.setGeometry(geometry)
            label[FIELD] = name
            made.append(label)
        editing = labels.isEditable()
        if editing:
            labels.addFeatures(made)
        elif not labels.dataProvider().addFeatures(made)[0]:
            raise QgsProcessingException(tr("{path} cannot be written").format(path=self._path))
        labels.updateExtents()
        labels.triggerRepaint()


def _vector(identifier: str) -> QgsVectorLayer | None:
    layer = QgsProject.instance().mapLayer(identifier) if identifier else None
    return layer if isinstance(layer, QgsVectorLayer) else None


def _create(path: str, crs: QgsCoordinateReferenceSystem) -> None:
    # Types of fields have other names in Qt 5 and Qt 6; this spelling is understood by every QGIS.
    fields = QgsVectorLayer(f"NoGeometry?field={FIELD}:string", "fields", "memory").fields()
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", "labels"
    kind = QgsWkbTypes.Type.MultiPolygon
    writer = QgsVectorFileWriter.create(path, fields, kind, crs, QgsCoordinateTransformContext(), options)
    error, message = writer.hasError(), writer.errorMessage()
    del writer  # closes the file
    if error != QgsVectorFileWriter.WriterError.NoError:
        raise QgsProcessingException(tr("{path} cannot be written: {reason}").format(path=path, reason=message))


def offer_classes(layer: QgsVectorLayer, classes: dict[str, Any]) -> None:
    """Let the user choose the class from a list instead of typing it."""
    field = layer.fields().indexOf(FIELD)
    if field >= 0:
        setup = QgsEditorWidgetSetup("ValueMap", {"map": [{name: name} for name in classes]})
        layer.setEditorWidgetSetup(field, setup)


def _style(layer: QgsVectorLayer, classes: dict[str, str]) -> None:
    categories = []
    for name, colour in classes.items():
        simple = {"color": colour, "style": "b_diagonal", "outline_color": colour, "outline_width": "0.8"}
        categories.append(QgsRendererCategory(name, QgsFillSymbol.createSimple(simple), name))
    layer.setRenderer(QgsCategorizedSymbolRenderer(FIELD, categories))
