"""Detect objects: a scene in; one polygon for each object out."""

from __future__ import annotations

from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from .. import commands
from ..tr import tr
from .windowed import FORMATS, WindowedAlgorithm, extension


class DetectObjects(WindowedAlgorithm):
    """``geoseg detect``."""

    ID = "detect"
    PRODUCTS = (("OUTPUT", "objects"), ("REPORT", "report"))

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return tr("Detect objects")

    def shortHelpString(self) -> str:
        """Return the text beside the parameters."""
        return tr(
            "Finds objects, such as buildings or trees, each one whole across the windows that the model sees, with "
            "class, score and area.\n\n"
            "Models trained for objects keep those apart that touch; with any other model each connected region of a "
            "class is one object. Sort the table by score to look at the least certain ones first."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare the parameters."""
        self.add_scene()
        double = QgsProcessingParameterNumber.Type.Double
        self.addParameter(
            QgsProcessingParameterNumber("SCORE", tr("Lowest score of objects, 0 to 1"), double, 0.5, False, 0, 1)
        )
        self.addParameter(
            QgsProcessingParameterString("CLASSES", tr("Only these classes, names by commas"), None, False, True)
        )
        self.add_generalization(tr("Minimum area of an object in m²; smaller ones are left out"))
        self.add_regularize()
        self.add_windows("linear")
        polygons = QgsProcessing.SourceType.TypeVectorPolygon
        self.addParameter(QgsProcessingParameterVectorDestination("OUTPUT", tr("Objects"), polygons))
        self.add_report()

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Read layers and options."""
        super().prepareAlgorithm(parameters, context, feedback)
        self._options["score"] = self.parameterAsDouble(parameters, "SCORE", context)
        self._options["classes"] = self.text(parameters, "CLASSES", context)
        self._options["regularize"] = self.regularize(parameters, context)
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run geoseg."""
        wanted = self.destinations(parameters, context)
        self._options["format"] = FORMATS[extension(wanted["OUTPUT"])]
        work = self.working_folder(wanted["OUTPUT"])
        arguments = commands.detect(self._scene, work, self._model, no_preview=True, overwrite=True, **self._options)
        result = self.run_in_folder(arguments, work, wanted, context, feedback)
        for label, facts in result["classes"].items():
            hectares = facts["area_m2"] / 1e4
            feedback.pushInfo(
                tr("{label}: {number} objects, {hectares} ha").format(
                    label=label, number=f"{facts['objects']:,}", hectares=f"{hectares:,.1f}"
                )
            )
        return wanted
