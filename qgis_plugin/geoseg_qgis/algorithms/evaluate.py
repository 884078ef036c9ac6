"""Evaluate map: a class map or polygons against a reference."""

from __future__ import annotations

import os
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterField,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterRasterLayer,
    QgsVectorLayer,
)

from .. import commands
from ..accuracy_report import evaluation_html
from ..tr import tr
from ..vectors import file_of
from .base import GeosegAlgorithm, source_of


class EvaluateMap(GeosegAlgorithm):
    """``geoseg evaluate``."""

    ID = "evaluate"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return tr("Evaluate map")

    def shortHelpString(self) -> str:
        """Return the text beside the parameters."""
        return tr(
            "Holds a class map against a reference: a class raster, or polygons with a field that names the class. "
            "The accuracy table opens in the results viewer: overall accuracy, IoU, F1, user's and producer's "
            "accuracy of each class, and the confusion matrix."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare the parameters."""
        self.addParameter(QgsProcessingParameterRasterLayer("INPUT", tr("Class map")))
        kinds = [QgsProcessing.SourceType.TypeRaster, QgsProcessing.SourceType.TypeVectorPolygon]
        self.addParameter(
            QgsProcessingParameterMapLayer("REFERENCE", tr("Reference: raster or polygons"), None, False, kinds)
        )
        anything = QgsProcessingParameterField.DataType.Any
        self.addParameter(
            QgsProcessingParameterField(
                "FIELD", tr("Field with the class, of reference polygons"), None, "REFERENCE", anything, False, True
            )
        )
        self.addParameter(QgsProcessingParameterFileDestination("OUTPUT", tr("Report"), tr("JSON files (*.json)")))
        html = tr("HTML files (*.html)")
        self.addParameter(QgsProcessingParameterFileDestination("HTML", tr("Accuracy table"), html, None, True, True))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Read layers and options."""
        super().prepareAlgorithm(parameters, context, feedback)
        self._predicted = source_of(self.parameterAsRasterLayer(parameters, "INPUT", context))
        reference = self.parameterAsLayer(parameters, "REFERENCE", context)
        self._field = ""
        if isinstance(reference, QgsVectorLayer):
            self._reference = file_of(reference)
            self._field = self.text(parameters, "FIELD", context)
        else:
            self._reference = source_of(reference)
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run geoseg."""
        output = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        options = {"class_field": self._field}
        if os.path.exists(output):
            options["overwrite"] = True
        results = self.run_geoseg(commands.evaluate(self._predicted, self._reference, output, **options), feedback)
        report = results[-1]["evaluation"]
        for name, facts in report["classes"].items():
            scores = ", ".join(f"{label} {_percent(facts[key])}" for label, key in _SCORES)
            feedback.pushInfo(f"{name}: {scores}")
        feedback.pushInfo(tr("Overall accuracy: {share}").format(share=_percent(report["overall_accuracy"])))
        page = self.parameterAsFileOutput(parameters, "HTML", context)
        if page:
            with open(page, "w", encoding="utf-8") as file:
                file.write(evaluation_html(report))
        return {"OUTPUT": output, "HTML": page}


_SCORES = (("IoU", "iou"), ("F1", "f1"))


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
