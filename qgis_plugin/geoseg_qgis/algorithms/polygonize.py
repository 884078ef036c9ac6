"""Polygonize class map: any raster of whole numbers in, polygons out."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterBand,
    QgsProcessingParameterBoolean,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from .. import commands
from ..results import Grouping, attach
from ..tr import tr
from .base import GeosegAlgorithm, source_of


class PolygonizeClassMap(GeosegAlgorithm):
    """``geoseg polygonize``."""

    ID = "polygonize"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return tr("Polygonize class map")

    def shortHelpString(self) -> str:
        """Return the text beside the parameters."""
        return tr(
            "Turns a class map of any size, or any raster of whole numbers, into polygons with class, true area and "
            "perimeter. Regions are never cut, and borders that are simplified neither gap nor overlap."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare the parameters."""
        self.addParameter(QgsProcessingParameterRasterLayer("INPUT", tr("Class map")))
        self.add_advanced(QgsProcessingParameterBand("BAND", tr("Band"), None, "INPUT", True))
        self.addParameter(
            QgsProcessingParameterRasterLayer("CONFIDENCE", tr("Confidence raster on the same grid"), None, True)
        )
        self.add_generalization()
        self.add_regularize()
        self.addParameter(QgsProcessingParameterBoolean("SMOOTH", tr("Round the stair steps of pixels"), False))
        for name, text in (
            ("CLASSES", tr("Only these classes, numbers or names, by commas")),
            ("EXCLUDE", tr("All classes but these")),
            ("KEEP", tr("Classes that the minimum area does not apply to")),
        ):
            self.add_advanced(QgsProcessingParameterString(name, text, None, False, True))
        self.add_advanced(
            QgsProcessingParameterBoolean("DIAGONAL", tr("Pixels that touch at corners belong together"), False)
        )
        self.add_number("NODATA", tr("Pixels without class; instead of the file's own"))
        polygons = QgsProcessing.SourceType.TypeVectorPolygon
        self.addParameter(QgsProcessingParameterVectorDestination("OUTPUT", tr("Polygons"), polygons))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Read layers and options."""
        super().prepareAlgorithm(parameters, context, feedback)
        layer = self.parameterAsRasterLayer(parameters, "INPUT", context)
        self._source, self._name = source_of(layer), layer.name()
        confidence = self.parameterAsRasterLayer(parameters, "CONFIDENCE", context)
        texts = {name: self.text(parameters, name.upper(), context) for name in ("classes", "exclude", "keep")}
        numbers = {name: self.number(parameters, name.upper(), context) for name in ("min_area", "simplify", "nodata")}
        self._options = {
            **texts,
            **numbers,
            "confidence": source_of(confidence) if confidence else "",
            "regularize": self.regularize(parameters, context),
            "smooth": self.parameterAsBool(parameters, "SMOOTH", context),
            "connectivity": "8" if self.parameterAsBool(parameters, "DIAGONAL", context) else "4",
            "band": self.parameterAsInt(parameters, "BAND", context) or None,
        }
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run geoseg."""
        output = self.parameterAsOutputLayer(parameters, "OUTPUT", context)
        # Processing asked the user before it let an existing file be chosen.
        arguments = commands.polygonize(self._source, output, overwrite=True, **self._options)
        self.run_geoseg(arguments, feedback)
        attach(output, "polygons", context, Grouping(self._name))
        return {"OUTPUT": output}
