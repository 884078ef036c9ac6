"""Segment raster: a scene in; class map, confidence and polygons out."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
    QgsProcessingUtils,
)

from .. import commands
from ..results import Grouping, attach
from ..tr import tr
from .base import GeosegAlgorithm

STITCH = ("trim", "linear", "gaussian")
PRECISION = ("auto", "fp32", "bf16", "fp16")
FORMATS = {".gpkg": "gpkg", ".fgb": "fgb", ".parquet": "parquet"}
# Parameter, what geoseg calls the result, what lies beside it and moves with it.
_PRODUCTS = (("POLYGONS", "polygons"), ("OUTPUT", "classes"), ("CONFIDENCE", "confidence"), ("REPORT", "report"))


class SegmentRaster(GeosegAlgorithm):
    """``geoseg segment``."""

    ID = "segment"
    SEVERAL_STAGES = True

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
        for name, text in (
            ("MIN_AREA", tr("Minimum area of a polygon in m²; smaller ones are merged into a neighbour")),
            ("SIMPLIFY", tr("Simplify: how far borders may be moved, in metres")),
        ):
            double = QgsProcessingParameterNumber.Type.Double
            self.addParameter(QgsProcessingParameterNumber(name, text, double, None, True, 0))
        self.add_number("WINDOW", tr("Window: side of what the model sees, in pixels"), whole=True, least=1)
        self.add_number(
            "MARGIN", tr("Margin: context around a window that is not kept, in pixels"), whole=True, least=0
        )
        self.add_advanced(QgsProcessingParameterEnum("STITCH", tr("Stitching"), STITCH, False, "trim", True, True))
        self.add_advanced(
            QgsProcessingParameterEnum("PRECISION", tr("Precision"), PRECISION, False, "auto", True, True)
        )
        self.add_advanced(
            QgsProcessingParameterString("DEVICE", tr("Device: auto, cpu, cuda, cuda:1"), "auto", False, True)
        )
        self.add_advanced(QgsProcessingParameterString("MEMORY", tr("Memory budget, as 4GB"), None, False, True))
        self.add_reading()
        self.addParameter(QgsProcessingParameterRasterDestination("OUTPUT", tr("Class map")))
        polygons = QgsProcessing.SourceType.TypeVectorPolygon
        self.addParameter(
            QgsProcessingParameterVectorDestination("POLYGONS", tr("Polygons"), polygons, None, True, True)
        )
        self.addParameter(QgsProcessingParameterRasterDestination("CONFIDENCE", tr("Confidence"), None, True, False))
        self.addParameter(
            QgsProcessingParameterFileDestination("REPORT", tr("Report"), tr("JSON files (*.json)"), None, True, False)
        )

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Read layers and options."""
        super().prepareAlgorithm(parameters, context, feedback)
        layers = self.parameterAsLayerList(parameters, "INPUT", context)
        self._scene = self.scene(parameters, context, layers)
        self._name = layers[0].name()
        self._model = self.model(parameters, context)
        whole = {name: self.number(parameters, name.upper(), context) for name in ("window", "margin")}
        metres = {name: self.number(parameters, name.upper(), context) for name in ("min_area", "simplify")}
        texts = {name: self.text(parameters, name.upper(), context) for name in ("device", "memory")}
        chosen = {
            name: self.parameterAsEnumString(parameters, name.upper(), context) for name in ("stitch", "precision")
        }
        self._options = {**whole, **metres, **texts, **chosen}
        return True

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run geoseg in a working folder and move what it made to its destinations."""
        wanted = self._destinations(parameters, context)
        polygons = wanted.get("POLYGONS")
        if polygons:
            self._options["format"] = FORMATS[_extension(polygons)]
        else:
            self._options["no_polygons"] = True
        work = self._working_folder(wanted["OUTPUT"])
        arguments = commands.segment(self._scene, work, self._model, no_preview=True, overwrite=True, **self._options)
        try:
            results = self.run_geoseg(arguments, feedback)
        except QgsProcessingException:
            self._keep_blocks(work, feedback)
            raise
        made = results[-1]["outputs"]
        grouping = Grouping(self._name)
        for name, kind in _PRODUCTS:
            if name in wanted:
                _move(made[kind], wanted[name])
                attach(wanted[name], kind, context, grouping)
        shutil.rmtree(work, ignore_errors=True)
        for label, facts in results[-1]["classes"].items():
            if "area_m2" in facts:
                hectares = facts["area_m2"] / 1e4
                feedback.pushInfo(f"{label}: {hectares:,.1f} ha, {facts['polygons']:,} polygons")
        return wanted

    def _destinations(self, parameters: dict[str, Any], context: QgsProcessingContext) -> dict[str, str]:
        found = {}
        for name, _ in _PRODUCTS:
            if name == "REPORT":
                path = self.parameterAsFileOutput(parameters, name, context)
            else:
                path = self.parameterAsOutputLayer(parameters, name, context)
            if path:
                found[name] = path
        for name in ("OUTPUT", "CONFIDENCE"):
            if name in found and _extension(found[name]) not in {".tif", ".tiff"}:
                raise QgsProcessingException(
                    tr("{path}: class maps and confidence are GeoTIFF; give a name that ends in .tif").format(
                        path=found[name]
                    )
                )
        if "POLYGONS" in found and _extension(found["POLYGONS"]) not in FORMATS:
            raise QgsProcessingException(
                tr("{path}: polygons can be written as {formats}").format(
                    path=found["POLYGONS"], formats=", ".join(FORMATS)
                )
            )
        return found

    @staticmethod
    def _working_folder(output: str) -> str:
        """Return a folder beside the class map, the same for the same class map, so that a broken run can go on."""
        folder = os.path.dirname(os.path.abspath(output))
        if os.path.normpath(QgsProcessingUtils.tempFolder()) in os.path.normpath(folder):
            return os.path.join(folder, "work")
        mark = hashlib.sha256(os.path.abspath(output).encode("utf-8")).hexdigest()[:8]
        return os.path.join(folder, f".{os.path.splitext(os.path.basename(output))[0]}-{mark}")

    @staticmethod
    def _keep_blocks(work: str, feedback: QgsProcessingFeedback) -> None:
        """Keep finished blocks of a run that was cancelled or failed; leave nothing else behind."""
        if os.path.isdir(os.path.join(work, ".geoseg")):
            feedback.pushInfo(tr("Finished parts are kept in {folder}: run it again to go on.").format(folder=work))
        else:
            shutil.rmtree(work, ignore_errors=True)


def _extension(path: str) -> str:
    return os.path.splitext(path)[1].lower()


def _move(made: str, wanted: str) -> None:
    """Move a file and what belongs to it: the style (.qml) and GDAL's side file (.aux.xml)."""
    os.makedirs(os.path.dirname(os.path.abspath(wanted)), exist_ok=True)
    source, target = os.path.splitext(made)[0], os.path.splitext(wanted)[0]
    for old, new in ((source + ".qml", target + ".qml"), (made + ".aux.xml", wanted + ".aux.xml"), (made, wanted)):
        if os.path.exists(old):
            shutil.move(old, new)
