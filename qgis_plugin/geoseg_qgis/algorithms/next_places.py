"""Next places to label: results in, polygons out where a label would help a model most."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterVectorDestination,
    QgsProcessingParameterVectorLayer,
)

from .. import commands
from ..tr import tr
from ..vectors import file_of
from .base import GeosegAlgorithm, source_of

_NUMBER = QgsProcessingParameterNumber.Type


class NextPlacesToLabel(GeosegAlgorithm):
    """``geoseg next``."""

    ID = "next"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return tr("Next places to label")

    def shortHelpString(self) -> str:
        """Return the text beside the parameters."""
        return tr(
            "Proposes polygons where a label would help a model most: uncertain, large enough to judge, unlike what is "
            "labelled already, and spread over the map. Each has the class that the model believes: correct it, delete "
            "what you cannot judge, and use the layer as labels."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare the parameters."""
        self.addParameter(
            QgsProcessingParameterRasterLayer("INPUT", tr("Class map; confidence and report lie beside it"))
        )
        drawn = [QgsProcessing.SourceType.TypeVectorAnyGeometry]
        self.addParameter(
            QgsProcessingParameterVectorLayer("LABELS", tr("What is labelled already"), drawn, None, True)
        )
        raster = QgsProcessing.SourceType.TypeRaster
        self.addParameter(
            QgsProcessingParameterMultipleLayers(
                "SCENES", tr("Scenes of the results: places are compared by their bands"), raster, None, True
            )
        )
        self.addParameter(
            QgsProcessingParameterNumber("COUNT", tr("Number of places"), _NUMBER.Integer, 20, False, 1, 10_000)
        )
        side = QgsProcessingParameterNumber(
            "SIDE", tr("Side of the largest polygon in pixels"), _NUMBER.Integer, 24, False, 3, 512
        )
        self.add_advanced(side)
        polygons = QgsProcessing.SourceType.TypeVectorPolygon
        self.addParameter(QgsProcessingParameterVectorDestination("OUTPUT", tr("Places to label"), polygons))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Read layers and options."""
        super().prepareAlgorithm(parameters, context, feedback)
        self._map = source_of(self.parameterAsRasterLayer(parameters, "INPUT", context))
        labels = self.parameterAsVectorLayer(parameters, "LABELS", context)
        scenes = self.parameterAsLayerList(parameters, "SCENES", context)
        self._options = {
            "labels": file_of(labels) if labels is not None else "",
            "scenes": [source_of(layer) for layer in scenes],
            "count": self.parameterAsInt(parameters, "COUNT", context),
            "side": self.parameterAsInt(parameters, "SIDE", context),
        }
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run geoseg."""
        output = self.parameterAsOutputLayer(parameters, "OUTPUT", context)
        # Processing asked the user before it let an existing file be chosen.
        arguments = commands.next_labels([self._map], output, overwrite=True, **self._options)
        self.run_geoseg(arguments, feedback)
        return {"OUTPUT": output}
