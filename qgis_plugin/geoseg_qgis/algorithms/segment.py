"""Segment raster: a scene in; class map, confidence and polygons out."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterVectorDestination,
)

from .. import commands
from ..tr import tr
from .windowed import FORMATS, WindowedAlgorithm, extension


class SegmentRaster(WindowedAlgorithm):
    """``geoseg segment``."""

    ID = "segment"
    PRODUCTS = (("POLYGONS", "polygons"), ("OUTPUT", "classes"), ("CONFIDENCE", "confidence"), ("REPORT", "report"))

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return tr("Segment raster")

    def shortHelpString(self) -> str:
        """Return the text beside the parameters."""
        return tr(
            "Segments a satellite, aerial or drone raster with a model into a class map, confidence and land-cover "
            "polygons, all with names and colours.\n\n"
            "Several rasters are the bands of one scene. A run that was cancelled goes on where it was when it is "
            "started again with the same files and options."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare the parameters."""
        self.add_scene()
        self.add_generalization()
        self.add_windows("trim")
        self.addParameter(QgsProcessingParameterRasterDestination("OUTPUT", tr("Class map")))
        polygons = QgsProcessing.SourceType.TypeVectorPolygon
        self.addParameter(
            QgsProcessingParameterVectorDestination("POLYGONS", tr("Polygons"), polygons, None, True, True)
        )
        self.addParameter(QgsProcessingParameterRasterDestination("CONFIDENCE", tr("Confidence"), None, True, False))
        self.add_report()

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run geoseg."""
        wanted = self.destinations(parameters, context)
        if polygons := wanted.get("POLYGONS"):
            self._options["format"] = FORMATS[extension(polygons)]
        else:
            self._options["no_polygons"] = True
        work = self.working_folder(wanted["OUTPUT"])
        arguments = commands.segment(self._scene, work, self._model, no_preview=True, overwrite=True, **self._options)
        result = self.run_in_folder(arguments, work, wanted, context, feedback)
        for label, facts in result["classes"].items():
            if "area_m2" in facts:
                hectares = facts["area_m2"] / 1e4
                feedback.pushInfo(f"{label}: {hectares:,.1f} ha, {facts['polygons']:,} polygons")
        return wanted
