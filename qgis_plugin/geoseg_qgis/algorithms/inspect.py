"""Inspect raster: what is in it, whether it fits a model, what a run will cost."""

from __future__ import annotations

import json
from typing import Any

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingOutputBoolean,
    QgsProcessingOutputNumber,
    QgsProcessingOutputString,
    QgsProcessingParameterFileDestination,
)

from .. import commands
from ..runner import Child, RunError, geoseg_command
from ..tr import tr
from .base import GeosegAlgorithm


class InspectRaster(GeosegAlgorithm):
    """``geoseg inspect``."""

    ID = "inspect"

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return tr("Inspect raster")

    def shortHelpString(self) -> str:
        """Return the text beside the parameters."""
        return tr(
            "Says what is in a raster, whether it fits a model, how to fix it if it does not, and what a run will "
            "cost. Nothing is computed."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare parameters and outputs."""
        self.add_scene()
        self.add_reading()
        self.addParameter(
            QgsProcessingParameterFileDestination("REPORT", tr("Report"), tr("JSON files (*.json)"), None, True, False)
        )
        self.addOutput(QgsProcessingOutputBoolean("FITS", tr("Whether it fits the model")))
        self.addOutput(QgsProcessingOutputString("MESSAGE", tr("Why it does not fit")))
        self.addOutput(QgsProcessingOutputString("MEND", tr("Options that would fix it, as JSON")))
        self.addOutput(QgsProcessingOutputNumber("SECONDS", tr("Seconds a run takes here; -1 if not known")))

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Read layers and options."""
        super().prepareAlgorithm(parameters, context, feedback)
        layers = self.parameterAsLayerList(parameters, "INPUT", context)
        self._scene, self._model = self.scene(parameters, context, layers), self.model(parameters, context)
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run geoseg and say what it found."""
        try:
            facts = inspect_facts(self._python, self._scene, self._model, feedback.isCanceled)
        except RunError as error:
            raise QgsProcessingException(str(error)) from error
        if report := self.parameterAsFileOutput(parameters, "REPORT", context):
            with open(report, "w", encoding="utf-8") as file:
                json.dump(facts, file, indent=2, ensure_ascii=False)
        for line in describe(facts):
            feedback.pushInfo(line)
        error = facts.get("error", {})
        seconds = facts.get("run", {}).get("seconds")
        return {
            "FITS": facts["fits"],
            "MESSAGE": error.get("message", ""),
            "MEND": json.dumps(error.get("mend", {})),
            "SECONDS": -1 if seconds is None else seconds,
            "REPORT": report,
        }


def inspect_facts(python: str, scene: commands.Scene, model: str, is_cancelled: Any) -> dict[str, Any]:
    """Run ``geoseg inspect`` to its end and return what it found."""
    child = Child(geoseg_command(python, commands.inspect(scene, model)))
    said: list[str] = []
    try:
        while not child.ended:
            said += [e["message"] for e in child.poll(0.1) if e["event"] == "log" and e["stream"] == "out"]
            if is_cancelled():
                child.cancel()
    finally:
        child.close()
    return read_facts(child, said)


def read_facts(child: Child, said: list[str]) -> dict[str, Any]:
    """Return what an ended ``geoseg inspect`` printed. A scene that does not fit is an answer, not an error."""
    for line in said:
        if line.startswith("{"):
            facts: dict[str, Any] = json.loads(line)
            return facts
    child.raise_for_error()
    raise RunError(tr("geoseg said nothing"))


def describe(facts: dict[str, Any]) -> list[str]:
    """Return lines for the log."""
    lines = []
    if raster := facts.get("raster"):
        lines.append(f"{raster['width']} × {raster['height']} px, {raster['dtype']}, {raster['crs'] or tr('no CRS')}")
        lines.append(", ".join(f"{i} {band['name']}" for i, band in enumerate(raster["bands"], 1)))
    lines += [tr("warning: {text}").format(text=text) for text in facts.get("warnings", [])]
    if facts["fits"]:
        lines.append(tr("fits model {model}").format(model=facts["model"]))
    else:
        lines.append(facts["error"]["message"])
    return lines
