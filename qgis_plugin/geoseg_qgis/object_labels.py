"""Objects that were looked through, as labels to train on: one polygon each, and what was not looked at."""

from __future__ import annotations

import os
import re
from typing import Any, Iterator

from qgis.core import (
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsProcessingException,
    QgsVectorLayer,
)

from .label_layer import FIELD, is_null
from .results import writable_folder
from .tr import tr

UNCHECKED = "not checked"
"""Class of the polygon around places that nobody looked at; ``train`` is told to ignore it, so it is not translated."""

_PIECE = 500  # objects that are copied in a turn of the event loop


def labels_file(objects: QgsVectorLayer) -> str:
    """Return a file for labels beside the objects, or in the home folder if nothing can be written there."""
    source = objects.source().split("|")[0]
    is_file = os.path.isfile(source)
    folder = writable_folder(os.path.dirname(source) if is_file else "")
    stem = os.path.splitext(os.path.basename(source))[0] if is_file else objects.name()
    stem = re.sub(r"_objects$", "", re.sub(r"[^\w-]+", "_", stem))
    return os.path.join(folder, f"{stem}_object_labels.gpkg")


def unchecked(labels: QgsVectorLayer) -> QgsFeature | None:
    """Return the polygon around what was not looked at; it is the first of its layer, so that objects lie above it."""
    first = next(labels.getFeatures(QgsFeatureRequest().setLimit(1)), None)
    return first if first is not None and first.attribute(FIELD) == UNCHECKED else None


def copying(objects: QgsVectorLayer, labels: QgsVectorLayer, part: QgsGeometry, whole: QgsGeometry) -> Iterator[None]:
    """Make labels of the objects in a part of the scene, piece by piece; returns how many.

    Within the part labels are replaced; elsewhere they stay. What no part has covered yet is marked as not looked at:
    objects there may be missing or wrong, and must not be learned as background.

    Parameters
    ----------
    objects
        Objects, with the field ``class_name``.
    labels
        Layer in a file of its own, without unsaved edits, in the same CRS.
    part, whole
        What was looked through, and the extent of the scene, both in that CRS.

    Raises
    ------
    QgsProcessingException
        If the labels cannot be written.
    """
    provider, engine = labels.dataProvider(), _prepared(part)
    box = QgsFeatureRequest().setFilterRect(part.boundingBox())
    mask, empty = unchecked(labels), not labels.featureCount()
    rest = None
    if mask is not None or empty:
        rest = (whole if mask is None else QgsGeometry(mask.geometry())).difference(part)
        rest = None if rest.isEmpty() or rest.area() <= 0 else _multi(rest)
    mask_id = mask.id() if mask is not None else None
    touching = (one for one in labels.getFeatures(box) if engine.intersects(one.geometry().constGet()))
    done = provider.deleteFeatures([one.id() for one in touching if one.id() != mask_id])
    yield
    if mask_id is not None:
        done &= provider.changeGeometryValues({mask_id: rest}) if rest else provider.deleteFeatures([mask_id])
    elif rest:
        done &= _add(provider, [_label(labels, rest, UNCHECKED)])
    made: list[QgsFeature] = []
    number = 0
    for feature in objects.getFeatures(box):
        geometry, name = QgsGeometry(feature.geometry()), feature.attribute(FIELD)
        if is_null(name) or not name or geometry.isEmpty() or not engine.intersects(geometry.constGet()):
            continue
        made.append(_label(labels, _multi(geometry), str(name)))
        number += 1
        if len(made) == _PIECE:
            done &= _add(provider, made)
            made = []
            yield
    done &= _add(provider, made)
    if not done:
        raise QgsProcessingException(tr("{path} cannot be written").format(path=labels.source().split("|")[0]))
    labels.updateExtents()
    labels.triggerRepaint()
    return number


def _prepared(shape: QgsGeometry) -> Any:
    engine = QgsGeometry.createGeometryEngine(shape.constGet())
    engine.prepareGeometry()
    return engine


def _multi(geometry: QgsGeometry) -> QgsGeometry:
    copy = QgsGeometry(geometry)
    copy.convertToMultiType()
    return copy


def _label(labels: QgsVectorLayer, geometry: QgsGeometry, name: str) -> QgsFeature:
    feature = QgsFeature(labels.fields())
    feature.setGeometry(geometry)
    feature[FIELD] = name
    return feature


def _add(provider: Any, features: list[QgsFeature]) -> bool:
    return not features or bool(provider.addFeatures(features)[0])
