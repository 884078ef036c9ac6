"""Train model: rasters and labels in, a model out."""

from __future__ import annotations

import os
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterFolderDestination,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
)

from .. import commands
from ..tr import tr
from ..vectors import file_of
from .base import GeosegAlgorithm, source_of

_READING = ("scale", "offset")


class TrainModel(GeosegAlgorithm):
    """``geoseg train``."""

    ID = "train"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return tr("Train model")

    def shortHelpString(self) -> str:
        """Return the text beside the parameters."""
        return tr(
            "Trains a model on scenes and labels: polygons, lines or points (a field names the class), or a raster for "
            "each scene. With a model to start from it is fine-tuned, which needs far fewer labels. What no label "
            "covers is ignored."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare the parameters."""
        self.add_labelled_scenes(optional=True)
        raster = QgsProcessing.SourceType.TypeRaster
        self.addParameter(
            QgsProcessingParameterMultipleLayers(
                "LABEL_RASTERS", tr("… or label rasters, one for each scene"), raster, None, True
            )
        )
        self.add_model(
            "FROM", tr("Model to start from"), empty=tr("Empty: a new network is trained from random weights.")
        )
        self.addParameter(
            QgsProcessingParameterNumber(
                "EPOCHS", tr("Epochs"), QgsProcessingParameterNumber.Type.Integer, 10, False, 1
            )
        )
        self.add_bands("FROM", several=False, default=False)
        self.add_reading(_READING)
        self.add_number("BUFFER", tr("Metres around lines and points that they label, too"), least=0)
        self.add_number("WINDOW", tr("Side of training windows in pixels"), whole=True, least=8)
        self.add_number("BATCH", tr("Windows of a step; what fits into memory if empty"), whole=True, least=1)
        self.add_number("LR", tr("Learning rate"), least=0)
        self.add_advanced(QgsProcessingParameterString("ARCH", tr("Architecture, as unet"), None, False, True))
        self.add_advanced(QgsProcessingParameterString("ENCODER", tr("Encoder, as resnet18"), None, False, True))
        self.add_advanced(QgsProcessingParameterString("DEVICE", tr("Device: auto, cpu, cuda"), "auto", False, True))
        self.addParameter(QgsProcessingParameterFolderDestination("OUTPUT", tr("Model folder")))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Read layers and options."""
        super().prepareAlgorithm(parameters, context, feedback)
        self._images = [source_of(layer) for layer in self.parameterAsLayerList(parameters, "INPUT", context)]
        drawn = self.parameterAsVectorLayer(parameters, "LABELS", context)
        rasters = self.parameterAsLayerList(parameters, "LABEL_RASTERS", context)
        if (drawn is None) == (not rasters):
            raise QgsProcessingException(tr("Give a layer of labels or label rasters, one of the two."))
        self._field = ""
        if drawn is not None:
            self._labels = [file_of(drawn)]
            self._field = self.text(parameters, "FIELD", context)
        else:
            self._labels = [source_of(layer) for layer in rasters]
        self._from = self.model(parameters, context, "FROM")
        texts = {name: self.text(parameters, name.upper(), context) for name in ("arch", "encoder", "device")}
        reading = {name: self.number(parameters, name.upper(), context) for name in _READING}
        self._scene = commands.Scene(self._images, self.text(parameters, "BANDS", context), (), reading)
        numbers = {name: self.number(parameters, name.upper(), context) for name in ("window", "batch", "lr", "buffer")}
        numbers["buffer"] = numbers["buffer"] or None  # 0 m around a point are the point
        epochs = self.parameterAsInt(parameters, "EPOCHS", context)
        self._options = {**texts, **numbers, "class_field": self._field, "epochs": epochs}
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run geoseg."""
        output = self.parameterAsFileOutput(parameters, "OUTPUT", context)
        if os.path.isdir(output) and not os.listdir(output):
            os.rmdir(output)  # Processing makes temporary folders beforehand; geoseg wants to make it itself
        arguments = commands.train(self._scene, self._labels, output, self._from, **self._options)
        self.run_geoseg(arguments, feedback)
        return {"OUTPUT": output}
