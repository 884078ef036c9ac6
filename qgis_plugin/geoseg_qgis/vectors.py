"""Vector layers as files that geoseg can read: a layer in memory or with unsaved edits is written to one first."""

from __future__ import annotations

import os

from qgis.core import (
    QgsCoordinateTransformContext,
    QgsProcessingException,
    QgsProcessingUtils,
    QgsProviderRegistry,
    QgsVectorFileWriter,
    QgsVectorLayer,
)

from .tr import tr


def file_of(layer: QgsVectorLayer) -> str:
    """Return a file with the layer's features as the user sees them.

    Raises
    ------
    QgsProcessingException
        If it cannot be written.
    """
    parts = QgsProviderRegistry.instance().decodeUri(layer.providerType(), layer.source())
    path = str(parts.get("path") or "")
    alone = layer.providerType() == "ogr" and os.path.isfile(path) and _layers_in(path) == 1
    if alone and not layer.isModified() and not layer.subsetString():
        return path
    copy = QgsProcessingUtils.generateTempFilename("labels.gpkg")
    write(layer, copy)
    return copy


def write(layer: QgsVectorLayer, path: str, name: str = "labels") -> None:
    """Write a layer's features, edits included, as GeoPackage.

    Raises
    ------
    QgsProcessingException
        If it cannot be written.
    """
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", name
    result = QgsVectorFileWriter.writeAsVectorFormatV3(layer, path, QgsCoordinateTransformContext(), options)
    if result[0] != QgsVectorFileWriter.WriterError.NoError:
        raise QgsProcessingException(tr("{path} cannot be written: {reason}").format(path=path, reason=result[1]))


def _layers_in(path: str) -> int:
    probe = QgsVectorLayer(path, "probe", "ogr")
    return len(probe.dataProvider().subLayers()) if probe.isValid() else 0
