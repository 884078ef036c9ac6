"""Layers of labels: made, styled by class, and counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterator

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransformContext,
    QgsDefaultValue,
    QgsDistanceArea,
    QgsEditFormConfig,
    QgsEditorWidgetSetup,
    QgsFillSymbol,
    QgsProcessingException,
    QgsProject,
    QgsRendererCategory,
    QgsVectorFileWriter,
    QgsVectorLayer,
    QgsWkbTypes,
)

from .tr import tr

FIELD = "class_name"
"""Field that names the class, in results and labels alike."""

_PIECE = 200  # drawings that are counted in a turn of the event loop


def vector(identifier: str) -> QgsVectorLayer | None:
    """Return a vector layer of the project, if it is there."""
    layer = QgsProject.instance().mapLayer(identifier) if identifier else None
    return layer if isinstance(layer, QgsVectorLayer) else None


def create(path: str, crs: QgsCoordinateReferenceSystem) -> None:
    """Make a GeoPackage for labels.

    Raises
    ------
    QgsProcessingException
        If it cannot be written.
    """
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
    place = layer.fields().indexOf(FIELD)
    if place >= 0:
        setup = QgsEditorWidgetSetup("ValueMap", {"map": [{name: name} for name in classes]})
        layer.setEditorWidgetSetup(place, setup)


def style(layer: QgsVectorLayer, classes: dict[str, str]) -> None:
    """Show each class in its colour, hatched, so that the raster below is seen."""
    categories = []
    for name, colour in classes.items():
        simple = {"color": colour, "style": "b_diagonal", "outline_color": colour, "outline_width": "0.8"}
        categories.append(QgsRendererCategory(name, QgsFillSymbol.createSimple(simple), name))
    layer.setRenderer(QgsCategorizedSymbolRenderer(FIELD, categories))


def colours(layer: QgsVectorLayer) -> dict[str, str]:
    """Return the colour of each class that the layer's style names, in its order; empty if it is not styled so."""
    renderer = layer.renderer()
    if not isinstance(renderer, QgsCategorizedSymbolRenderer) or renderer.classAttribute() != FIELD:
        return {}
    found = {}
    for category in renderer.categories():
        if isinstance(category.value(), str) and category.value() and category.symbol() is not None:
            found[category.value()] = category.symbol().color().name()
    return found


def draw_as(layer: QgsVectorLayer, name: str) -> None:
    """Give what is drawn from now on a class, without asking for it each time."""
    place = layer.fields().indexOf(FIELD)
    if place < 0:
        return
    quoted = name.replace("'", "''")
    if layer.defaultValueDefinition(place).expression() != f"'{quoted}'":  # else the project would be changed
        layer.setDefaultValueDefinition(place, QgsDefaultValue(f"'{quoted}'"))
    form, off = layer.editFormConfig(), QgsEditFormConfig.FeatureFormSuppress.SuppressOn
    if form.suppress() != off:
        form.setSuppress(off)
        layer.setEditFormConfig(form)


@dataclass
class Drawn:
    """What a layer of labels holds.

    Attributes
    ----------
    numbers, areas
        Drawings, and square metres, by class.
    nameless
        Drawings without a class.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    areas: dict[str, float] = field(default_factory=dict)
    nameless: int = 0

    @property
    def classes(self) -> list[str]:
        """Classes that something is drawn of."""
        return list(self.numbers)


def measuring(layer: QgsVectorLayer) -> QgsDistanceArea:
    """Return what measures the areas of a layer's features, on the project's ellipsoid or that of GPS."""
    measure, project = QgsDistanceArea(), QgsProject.instance()
    measure.setSourceCrs(layer.crs(), project.transformContext())
    measure.setEllipsoid(project.ellipsoid() if project.ellipsoid() not in {"", "NONE"} else "EPSG:7030")
    return measure


def is_null(value: Any) -> bool:
    """Whether an attribute has no value: Qt's own nothing, or Python's."""
    return value is None or str(value) == "NULL"


def counting(layer: QgsVectorLayer) -> Iterator[None]:
    """Count what is drawn, unsaved edits included, piece by piece; returns :class:`Drawn`."""
    found, measure, place = Drawn(), measuring(layer), layer.fields().indexOf(FIELD)
    identifier = layer.id()
    for number, feature in enumerate(layer.getFeatures(), 1):
        if number % _PIECE == 0:
            yield
            if vector(identifier) is None:
                return found  # the layer is gone
        name = feature.attribute(place) if place >= 0 else None
        if is_null(name) or not str(name):
            found.nameless += 1
            continue
        name = str(name)
        found.numbers[name] = found.numbers.get(name, 0) + 1
        area = measure.measureArea(feature.geometry()) if feature.hasGeometry() else 0.0
        found.areas[name] = found.areas.get(name, 0.0) + area
    return found
