"""What algorithms that run a model over a whole scene share: its windows, a working folder, results that move."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import Any, Mapping

from qgis.core import (
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFileDestination,
    QgsProcessingParameterString,
    QgsProcessingUtils,
)

from ..results import Grouping, attach
from ..runner import Event
from ..tr import tr
from .base import GeosegAlgorithm

STITCH = ("trim", "linear", "gaussian")
PRECISION = ("auto", "fp32", "bf16", "fp16")
FORMATS = {".gpkg": "gpkg", ".fgb": "fgb", ".parquet": "parquet"}
_ENDINGS = {"polygons": tuple(FORMATS), "objects": tuple(FORMATS), "changes": (".gpkg",)}
"""How the names of files with polygons may end, by kind."""


class WindowedAlgorithm(GeosegAlgorithm):
    """A command that runs a model over a scene, block by block, and can go on after it was interrupted."""

    SEVERAL_STAGES = True
    PRODUCTS: tuple[tuple[str, str], ...] = ()
    """Parameter of each result, and what geoseg calls it."""

    def add_windows(self, stitch: str) -> None:
        """Add how the scene is cut into windows, and on what they are computed; ``stitch`` is the default."""
        self.add_number("WINDOW", tr("Window: side of what the model sees, in pixels"), whole=True, least=1)
        self.add_number(
            "MARGIN", tr("Margin: context around a window that is not kept, in pixels"), whole=True, least=0
        )
        self.add_advanced(QgsProcessingParameterEnum("STITCH", tr("Stitching"), STITCH, False, stitch, True, True))
        self.add_advanced(
            QgsProcessingParameterEnum("PRECISION", tr("Precision"), PRECISION, False, "auto", True, True)
        )
        self.add_advanced(
            QgsProcessingParameterString("DEVICE", tr("Device: auto, cpu, cuda, cuda:1"), "auto", False, True)
        )
        self.add_advanced(QgsProcessingParameterString("MEMORY", tr("Memory budget, as 4GB"), None, False, True))
        self.add_reading()

    def add_report(self) -> None:
        """Add the report as a result."""
        self.addParameter(
            QgsProcessingParameterFileDestination("REPORT", tr("Report"), tr("JSON files (*.json)"), None, True, False)
        )

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Read layers and options."""
        super().prepareAlgorithm(parameters, context, feedback)
        self._take_scene(parameters, context)
        self._model = self.model(parameters, context)
        whole = {name: self.number(parameters, name.upper(), context) for name in ("window", "margin")}
        metres = {name: self.number(parameters, name.upper(), context) for name in ("min_area", "simplify")}
        texts = {name: self.text(parameters, name.upper(), context) for name in ("device", "memory")}
        chosen = {
            name: self.parameterAsEnumString(parameters, name.upper(), context) for name in ("stitch", "precision")
        }
        self._options: dict[str, Any] = {**whole, **metres, **texts, **chosen}
        return True

    def _take_scene(self, parameters: dict[str, Any], context: QgsProcessingContext) -> None:
        layers = self.parameterAsLayerList(parameters, "INPUT", context)
        self._scene = self.scene(parameters, context, layers)
        self._name = layers[0].name()

    def run_in_folder(
        self, arguments: list[str], folder: str, wanted: Mapping[str, str], context: QgsProcessingContext,
        feedback: QgsProcessingFeedback,
    ) -> Event:  # fmt: skip
        """Run geoseg in a working folder, move what it made to its destinations, and return its result."""
        try:
            result = self.run_geoseg(arguments, feedback)[-1]
        except QgsProcessingException:
            self._keep_blocks(folder, feedback)
            raise
        grouping = Grouping(self._name)
        for name, kind in self.PRODUCTS:
            if name in wanted:
                _move(result["outputs"][kind], wanted[name])
                attach(wanted[name], kind, context, grouping)
        shutil.rmtree(folder, ignore_errors=True)
        return result

    def destinations(self, parameters: dict[str, Any], context: QgsProcessingContext) -> dict[str, str]:
        """Return the file of each result that is wanted.

        Raises
        ------
        QgsProcessingException
            If geoseg cannot write such a file.
        """
        found = {}
        for name, kind in self.PRODUCTS:
            take = self.parameterAsFileOutput if name == "REPORT" else self.parameterAsOutputLayer
            path = take(parameters, name, context)
            if not path:
                continue
            found[name] = path
            endings = _ENDINGS.get(kind)
            if endings and extension(path) not in endings:
                raise QgsProcessingException(
                    tr("{path}: polygons can be written as {formats}").format(path=path, formats=", ".join(endings))
                )
            if kind in {"classes", "confidence", "change"} and extension(path) not in {".tif", ".tiff"}:
                raise QgsProcessingException(
                    tr("{path}: class maps and confidence are GeoTIFF; give a name that ends in .tif").format(path=path)
                )
        return found

    @staticmethod
    def working_folder(output: str) -> str:
        """Return a folder beside a result, the same for the same result, so that a broken run can go on."""
        folder = os.path.dirname(os.path.abspath(output))
        if os.path.normpath(QgsProcessingUtils.tempFolder()) in os.path.normpath(folder):
            return os.path.join(folder, "work")
        mark = hashlib.sha256(os.path.abspath(output).encode("utf-8")).hexdigest()[:8]
        return os.path.join(folder, f".{os.path.splitext(os.path.basename(output))[0]}-{mark}")

    def _keep_blocks(self, work: str, feedback: QgsProcessingFeedback) -> None:
        """Keep finished blocks of a run that was cancelled or failed; leave nothing else behind."""
        if self._can_go_on(work):
            feedback.pushInfo(tr("Finished parts are kept in {folder}: run it again to go on.").format(folder=work))
        else:
            shutil.rmtree(work, ignore_errors=True)

    @staticmethod
    def _can_go_on(work: str) -> bool:
        """Whether a working folder holds what a next run would take over."""
        return os.path.isdir(os.path.join(work, ".geoseg"))


def extension(path: str) -> str:
    """Return the end of a file's name, with its dot."""
    return os.path.splitext(path)[1].lower()


def _move(made: str, wanted: str) -> None:
    """Move a file and what belongs to it: the style (.qml) and GDAL's side file (.aux.xml)."""
    os.makedirs(os.path.dirname(os.path.abspath(wanted)), exist_ok=True)
    source, target = os.path.splitext(made)[0], os.path.splitext(wanted)[0]
    for old, new in ((source + ".qml", target + ".qml"), (made + ".aux.xml", wanted + ".aux.xml"), (made, wanted)):
        if os.path.exists(old):
            shutil.move(old, new)
