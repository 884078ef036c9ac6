"""Corrections: polygons that the user edited or drew, as labels in a GeoPackage of their own.

Edits of a result's polygons are noted when they are saved; :meth:`Corrections.collect` copies the edited polygons into
the labels. The labels are an ordinary layer, so more can be drawn into it.
"""

from __future__ import annotations

import os
from typing import Any, Iterable, Iterator

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureRequest,
    QgsProcessingException,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from . import results
from .label_layer import FIELD, create, offer_classes, style, vector
from .object_labels import unchecked
from .tr import tr

ID_FIELD = "class_id"
"""Field with the class's number in results."""


class Corrections(QObject):
    """Knows which polygons of a result were edited, and the labels made of them."""

    changed = pyqtSignal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._result = ""
        self._edited: set[int] = set()
        self._labels = ""
        self._heard: set[str] = set()  # layers of labels whose edits are heard
        self._path = ""
        self._classes: dict[str, str] = {}
        self._scene = ""
        self._crs = QgsCoordinateReferenceSystem()
        self._ids = ClassIds({})

    def begin(self, path: str, classes: dict[str, str], scene: str, crs: QgsCoordinateReferenceSystem) -> None:
        """Take up labels of a raster that has no result yet.

        Parameters
        ----------
        path
            File for the labels; one that is there is gone on with.
        classes
            Colour per class name.
        scene
            Name of the scene, for the group in the layer tree.
        crs
            CRS of a new file.
        """
        self._result, self._labels = "", ""
        self._path, self._classes, self._scene, self._crs = path, classes, scene, crs
        self._edited.clear()
        self.changed.emit()

    @property
    def classes(self) -> dict[str, str]:
        """Colour per class name."""
        return self._classes

    # --- the polygons of a result

    def watch(
        self, layer: QgsVectorLayer, path: str, classes: dict[str, str], scene: str, ids: dict[str, int] | None = None
    ) -> None:
        """Note edits of a result's polygons from now on, and keep their class numbers in step with their names.

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
        ids
            Number per class name.
        """
        self.begin(path, classes, scene, layer.crs())
        self._result, self._ids = layer.id(), ClassIds(ids or {})
        self._ids.watch(layer)
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
        return vector(self._result)

    def labels(self) -> QgsVectorLayer | None:
        """Return the labels, if there are any."""
        return vector(self._labels)

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

    @property
    def partial(self) -> bool:
        """Whether the labels mark places that nobody looked at."""
        layer = self.labels()
        return layer is not None and unchecked(layer) is not None

    def count(self) -> int:
        """Return how many labels there are, drawn ones that are not saved yet included."""
        layer = self.labels()
        if layer is None:
            return 0
        return int(layer.featureCount()) - self.partial

    # --- in the project

    def state(self) -> dict[str, Any]:
        """Return what the project is to keep: the layers, and which polygons were edited."""
        return {"result": self._result, "labels": self._labels, "edited": sorted(self._edited)}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up the labels and edits of a project, after :meth:`watch`."""
        labels = vector(str(state.get("labels", "")))
        if labels is not None:
            self._adopt(labels)
        self._edited.update(int(identifier) for identifier in state.get("edited", []))
        self.changed.emit()

    # --- labels

    def collect(self) -> Iterator[None]:
        """Save the user's edits and copy the edited polygons into the labels, piece by piece; returns their number.

        Raises
        ------
        QgsProcessingException
            If something cannot be saved.
        """
        layer = self.result()
        if layer is None:
            raise QgsProcessingException(tr("Run a model on a raster first; then correct its polygons."))
        if layer.isModified() and not layer.commitChanges(stopEditing=False):
            raise QgsProcessingException("; ".join(layer.commitErrors()))
        yield
        wanted = QgsFeatureRequest().setFilterFids(list(self._edited))
        features = [(QgsFeature(feature), feature[FIELD]) for feature in layer.getFeatures(wanted)]
        features = [(feature, name) for feature, name in features if name in self._classes]
        if features:
            self._create_labels()
            yield
            labels = self.open_labels()
            yield
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
        if not self._path:
            raise QgsProcessingException(tr("Run a model on a raster, or name new classes first."))
        self._create_labels()
        known = _in_project(self._path)
        if known is not None:
            self._adopt(known)
            return known
        layer = QgsVectorLayer(self._path, tr("Corrections") if self._result else tr("Labels"), "ogr")
        if not layer.isValid():
            raise QgsProcessingException(tr("{path} cannot be opened").format(path=self._path))
        offer_classes(layer, self._classes)
        style(layer, self._classes)
        QgsProject.instance().addMapLayer(layer, addToLegend=False)
        results.group_of(self._scene, QgsProject.instance()).insertLayer(0, layer)
        self._adopt(layer)
        return layer

    def _create_labels(self) -> None:
        if self._path and self.labels() is None and not os.path.isfile(self._path):
            create(self._path, self._crs)

    def _adopt(self, layer: QgsVectorLayer) -> None:
        if layer.id() not in self._heard:
            layer.featureAdded.connect(lambda *_: self.changed.emit())
            layer.featureDeleted.connect(lambda *_: self.changed.emit())
            self._heard.add(layer.id())
        self._labels = layer.id()

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
            raise QgsProcessingException(tr("There are no labels yet: edit polygons of the result, or draw some."))
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


def _in_project(path: str) -> QgsVectorLayer | None:
    """Return the layer of the project that shows a file, if there is one."""
    layers = (layer for layer in QgsProject.instance().mapLayers().values() if isinstance(layer, QgsVectorLayer))
    wanted = os.path.normpath(path)
    return next((layer for layer in layers if os.path.normpath(layer.source().split("|")[0]) == wanted), None)


class ClassIds:
    """Keeps the number of a polygon's class in step with its name, and the name with the number."""

    def __init__(self, ids: dict[str, int]) -> None:
        self._ids = ids
        self._names = {number: name for name, number in ids.items()}

    def watch(self, layer: QgsVectorLayer) -> None:
        """Correct polygons when the user changes their class, and again before they are saved."""
        name, number = layer.fields().indexOf(FIELD), layer.fields().indexOf(ID_FIELD)
        if not self._ids or min(name, number) < 0:
            return

        identifier = layer.id()

        def changed(fid: int, field: int, value: Any) -> None:
            # Later, as this may be an undo or redo, during which nothing may be changed.
            if field == name and value in self._ids:
                QTimer.singleShot(0, lambda: self._set(identifier, fid, number, self._ids[value]))
            elif field == number and value in self._names:
                QTimer.singleShot(0, lambda: self._set(identifier, fid, name, self._names[value]))

        layer.attributeValueChanged.connect(changed)
        layer.beforeCommitChanges.connect(lambda *_: self._sweep(layer, name, number))

    def _set(self, identifier: str, fid: int, field: int, value: Any) -> None:
        layer = vector(identifier)
        if layer is None or not layer.isEditable():
            return
        feature = layer.getFeature(fid)
        if feature.isValid() and feature.attribute(field) != value:
            layer.changeAttributeValue(fid, field, value)

    def _sweep(self, layer: QgsVectorLayer, name: int, number: int) -> None:
        buffer = layer.editBuffer()
        if buffer is None:
            return
        for fid, changes in {**buffer.changedAttributeValues(), **{fid: {} for fid in buffer.addedFeatures()}}.items():
            feature = layer.getFeature(fid)
            # The name is what people see; the number alone decides where it alone was changed.
            if number in changes and name not in changes and feature.attribute(number) in self._names:
                self._set(layer.id(), fid, name, self._names[feature.attribute(number)])
            elif feature.attribute(name) in self._ids:
                self._set(layer.id(), fid, number, self._ids[feature.attribute(name)])
