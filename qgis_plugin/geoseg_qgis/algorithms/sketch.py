"""Sketch a model from labels: a raster and a few drawings in, a model out, in seconds."""

from __future__ import annotations

import os
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterFile,
    QgsProcessingParameterFolderDestination,
)

from .. import commands
from ..sketch_table import score_text
from ..tr import tr
from ..vectors import file_of
from .base import GeosegAlgorithm, source_of

_READING = ("scale", "offset", "nodata")


class SketchModel(GeosegAlgorithm):
    """``geoseg sketch``."""

    ID = "sketch"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return tr("Sketch a model from labels")

    def shortHelpString(self) -> str:
        """Return the text beside the parameters."""
        return tr(
            "Makes a model from a few polygons, lines or points of each class, in seconds and without a GPU, for any "
            "bands. Draw each class in three places or more: the log says how well drawings that were held out are "
            "told apart. An earlier sketch of the same raster saves what was computed for it."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare the parameters."""
        self.add_labelled_scenes()
        self.add_model(
            "MODEL", tr("Model whose answers help"), empty=tr("Empty: a bundled model that fits, if there is one.")
        )
        folder = QgsProcessingParameterFile.Behavior.Folder
        self.add_advanced(
            QgsProcessingParameterFile(
                "FROM", tr("Earlier sketch of the raster: its model folder"), behavior=folder, optional=True
            )
        )
        self.add_bands(several=False)
        self.add_reading(_READING)
        self.addParameter(QgsProcessingParameterFolderDestination("OUTPUT", tr("Model folder")))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Read layers and options."""
        super().prepareAlgorithm(parameters, context, feedback)
        images = [source_of(layer) for layer in self.parameterAsLayerList(parameters, "INPUT", context)]
        if not images:
            raise QgsProcessingException(tr("No raster is chosen, or it cannot be opened."))
        self._labels = file_of(self.parameterAsVectorLayer(parameters, "LABELS", context))
        reading = {name: self.number(parameters, name.upper(), context) for name in _READING}
        self._scene = commands.Scene(images, self.text(parameters, "BANDS", context), (), reading)
        self._options = {
            "class_field": self.text(parameters, "FIELD", context),
            "model": self.model(parameters, context),
            "from": self.text(parameters, "FROM", context),
        }
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run geoseg."""
        output = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        if os.path.isdir(output) and not os.listdir(output):
            os.rmdir(output)  # Processing makes temporary folders beforehand; geoseg wants to make it itself
        found = self.run_geoseg(commands.sketch(self._scene, self._labels, output, **self._options), feedback)
        for line in score_text(found[-1]).splitlines():
            feedback.pushInfo(line)
        return {"OUTPUT": output}
