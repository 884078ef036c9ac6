"""What all algorithms share: the parameters of scenes and models, and running geoseg under a feedback."""

from __future__ import annotations

import os
import time
from typing import Any, Iterable

from qgis.core import (
    QgsProcessing,
    QgsProcessingAlgorithm,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterField,
    QgsProcessingParameterFile,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorLayer,
    QgsProviderRegistry,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QUrl
from qgis.PyQt.QtGui import QIcon

from .. import phases, settings
from ..commands import Scene, band_mistake, file_of, together
from ..environment import check_interpreter
from ..runner import Event, RunError, geoseg_command, run, shown
from ..tr import tr
from ..work import Progress

FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""Where the plugin is."""

REGULAR = ("", "square", "circle")
READING = ("scale", "offset", "nodata", "resolution")
_NUMBER = QgsProcessingParameterNumber.Type


class GeosegAlgorithm(QgsProcessingAlgorithm):
    """An algorithm that is a command of geoseg.

    Layers and settings are read in ``prepareAlgorithm``, on the main thread; geoseg is run in ``processAlgorithm``, on
    Processing's worker thread.
    """

    ID = ""
    SEVERAL_STAGES = False
    SCENES: tuple[str, ...] = ("INPUT",)
    """Parameters with the rasters that a model reads."""

    def __init__(self) -> None:
        super().__init__()
        self._python = ""
        self._folder = ""

    def createInstance(self) -> QgsProcessingAlgorithm:
        """Return a new object; each run has its own."""
        return type(self)()

    def name(self) -> str:
        """Return the identifier, which never changes."""
        return self.ID

    def icon(self) -> QIcon:
        """Return the plugin's icon."""
        return QIcon(os.path.join(FOLDER, "icon.svg"))

    def helpUrl(self) -> str:
        """Return the help page that comes with the plugin."""
        return QUrl.fromLocalFile(os.path.join(FOLDER, "help", "index.html")).toString() + "#" + self.ID

    def checkParameterValues(self, parameters: dict[str, Any], context: QgsProcessingContext) -> tuple[bool, str]:
        """Also check that there is a Python to run geoseg in."""
        good, message = super().checkParameterValues(parameters, context)
        if good and (reason := no_python(settings.interpreter())):
            return False, reason
        if good and (reason := self._wrong_bands(parameters, context)):
            return False, reason
        return good, message

    def _wrong_bands(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Return why the text for the bands cannot be right; empty if it may be, or the algorithm reads no scene."""
        if self.parameterDefinition("BANDS") is None:
            return ""
        layers = [layer for name in self.SCENES for layer in self.parameterAsLayerList(parameters, name, context)]
        counts = [layer.bandCount() for layer in layers if isinstance(layer, QgsRasterLayer)]
        # Several rasters are the bands of one scene, but in training each is a scene with the same bands.
        most = (min if self.ID in {"train", "sketch", "change"} else sum)(counts) if counts else 0
        wrong = band_mistake(self.text(parameters, "BANDS", context), most)
        return tr("Bands: {reason}").format(reason=wrong) if wrong else ""

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Remember the interpreter."""
        self._python = settings.interpreter()
        if reason := no_python(self._python):
            raise QgsProcessingException(reason)
        return True

    # --- parameters

    def add_advanced(self, parameter: QgsProcessingParameterDefinition) -> None:
        """Add a parameter under "Advanced"."""
        parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
        self.addParameter(parameter)

    def add_model(self, name: str = "MODEL", text: str = "", *, optional: bool = True, empty: str = "") -> None:
        """Add a model: one of the list, or a folder; ``empty`` says what happens without one."""
        parameter = QgsProcessingParameterString(name, text or tr("Model"), defaultValue=None, optional=optional)
        names = [card["name"] for card in settings.known_models()]
        parameter.setMetadata({"widget_wrapper": {"value_hints": ["", *names]}})
        empty = empty or tr("Empty: geoseg's default model.")
        parameter.setHelp(tr("Name of an installed model; the panel refreshes the list.") + " " + empty)
        self.addParameter(parameter)
        folder = QgsProcessingParameterFile(
            f"{name}_FOLDER",
            tr("… or a model folder"),
            behavior=QgsProcessingParameterFile.Behavior.Folder,
            optional=True,
        )
        self.add_advanced(folder)

    def add_scene(self) -> None:
        """Add what :meth:`scene` and :meth:`model` read: rasters, model, bands, extent."""
        raster = QgsProcessing.SourceType.TypeRaster
        self.addParameter(
            QgsProcessingParameterMultipleLayers("INPUT", tr("Scene: one raster, or several with its bands"), raster)
        )
        self.add_model()
        self.add_bands()
        self.addParameter(
            QgsProcessingParameterExtent("EXTENT", tr("Extent; all of the scene if empty"), optional=True)
        )

    def add_bands(self, model: str = "MODEL", *, several: bool = True, default: bool = True) -> None:
        """Add which band is which: a text, with a table in Processing's dialogs.

        Parameters
        ----------
        model
            Parameter of the model whose bands are listed.
        several
            Whether several rasters are the bands of one scene; else each is a scene with the same bands.
        default
            Whether no model means geoseg's default one.
        """
        parameter = QgsProcessingParameterString("BANDS", tr("Bands"), optional=True)
        widget = {
            "class": "geoseg_qgis.algorithms.band_widget.BandsWidget", "model": model, "several": several,
            "scene": self.SCENES[0], "default": default,
        }  # fmt: skip
        parameter.setMetadata({"widget_wrapper": widget})
        parameter.setHelp(
            tr(
                "Which band is which, as blue=1,green=2,… Empty: by the bands' descriptions. "
                "'Inspect raster' says what fits and what to write."
            )
        )
        self.addParameter(parameter)

    def add_reading(self, names: Iterable[str] = READING) -> None:
        """Add how stored numbers become values: all of it, or what is named."""
        texts = {
            "scale": tr("Scale: value = stored × scale + offset"),
            "offset": tr("Offset"),
            "nodata": tr("Nodata value, instead of the file's"),
            "resolution": tr("Pixel size in CRS units; the finest band's if empty"),
        }
        for name in names:
            self.add_number(name.upper(), texts[name])

    def add_labelled_scenes(self, *, optional: bool = False) -> None:
        """Add rasters, a layer of labels on them, and its field with the class."""
        raster = QgsProcessing.SourceType.TypeRaster
        self.addParameter(QgsProcessingParameterMultipleLayers("INPUT", tr("Scenes: one raster each"), raster))
        drawn = [QgsProcessing.SourceType.TypeVectorAnyGeometry]
        self.addParameter(
            QgsProcessingParameterVectorLayer("LABELS", tr("Labels: polygons, lines or points"), drawn, None, optional)
        )
        anything = QgsProcessingParameterField.DataType.Any
        self.addParameter(
            QgsProcessingParameterField(
                "FIELD", tr("Field with the class"), "class_name", "LABELS", anything, False, True
            )
        )

    def add_generalization(self, least: str = "") -> None:
        """Add the smallest area that is kept, which ``least`` describes, and how far borders may move."""
        least = least or tr("Minimum area of a polygon in m²; smaller ones are merged into a neighbour")
        for name, text in (
            ("MIN_AREA", least),
            ("SIMPLIFY", tr("Simplify: how far borders may be moved, in metres")),
        ):
            self.addParameter(QgsProcessingParameterNumber(name, text, _NUMBER.Double, None, True, 0))

    def add_regularize(self) -> None:
        """Add what :meth:`regularize` reads."""
        names = [tr("As they are"), tr("Square, for buildings"), tr("Circles, for what is round")]
        self.addParameter(QgsProcessingParameterEnum("REGULARIZE", tr("Shape of outlines"), names, False, 0))

    def regularize(self, parameters: dict[str, Any], context: QgsProcessingContext) -> str:
        """Return the shape of outlines by geoseg's name; empty to leave them."""
        return REGULAR[self.parameterAsEnum(parameters, "REGULARIZE", context)]

    def add_number(self, name: str, text: str, *, whole: bool = False, least: float | None = None) -> None:
        """Add an optional number under "Advanced"."""
        kind = _NUMBER.Integer if whole else _NUMBER.Double
        parameter = QgsProcessingParameterNumber(name, text, kind, None, True)
        if least is not None:
            parameter.setMinimum(least)
        self.add_advanced(parameter)

    def number(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> float | int | None:
        """Return an optional number, or None if it was left empty."""
        if parameters.get(name) in {None, ""}:
            return None
        if self.parameterDefinition(name).dataType() == _NUMBER.Integer:
            return self.parameterAsInt(parameters, name, context)
        return self.parameterAsDouble(parameters, name, context)

    def text(self, parameters: dict[str, Any], name: str, context: QgsProcessingContext) -> str:
        """Return a text without the spaces around it."""
        return (self.parameterAsString(parameters, name, context) or "").strip()

    def model(self, parameters: dict[str, Any], context: QgsProcessingContext, name: str = "MODEL") -> str:
        """Return name or folder of the chosen model."""
        folder = self.text(parameters, f"{name}_FOLDER", context)
        return folder or self.text(parameters, name, context)

    def scene(
        self, parameters: dict[str, Any], context: QgsProcessingContext, layers: Iterable[QgsRasterLayer]
    ) -> Scene:
        """Return the scene that the parameters INPUT, BANDS, EXTENT and those of reading describe."""
        layers = list(layers)
        if not layers:
            raise QgsProcessingException(tr("No raster is chosen, or it cannot be opened."))
        bbox: tuple[float, ...] = ()
        if parameters.get("EXTENT"):
            box = self.parameterAsExtent(parameters, "EXTENT", context, layers[0].crs())
            if not box.isEmpty():
                bbox = (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum())
        reading = {name: self.number(parameters, name.upper(), context) for name in READING}
        return Scene(
            together([source_of(layer) for layer in layers]), self.text(parameters, "BANDS", context), bbox, reading
        )

    # --- running

    def progress(self) -> Progress:
        """Return what tells how far a run is."""
        return phases.progress(several=self.SEVERAL_STAGES)

    def run_geoseg(self, arguments: list[str], feedback: QgsProcessingFeedback) -> list[Event]:
        """Run geoseg, telling the feedback how it goes, and return its result events.

        Raises
        ------
        QgsProcessingException
            With geoseg's own line, also on cancel: a plain return would count as success.
        """
        command = geoseg_command(self._python, arguments)
        feedback.pushCommandInfo(shown(command))
        progress, told = self.progress(), ["", 0.0]

        def on_event(event: Event) -> None:
            kind, message = event["event"], str(event.get("message", ""))
            if progress.take(event) and kind == "progress":
                feedback.setProgress(progress.percent)
                # The phase when it changes, the time left once a second.
                if told[0] != progress.phase or time.monotonic() - told[1] > 1:
                    told[:] = [progress.phase, time.monotonic()]
                    feedback.setProgressText(progress.text())
            elif kind == "info":
                feedback.pushInfo(message)
            elif kind == "warning":
                feedback.pushWarning(message)
            elif kind == "log" and not message.startswith("error: "):
                feedback.pushConsoleInfo(message)

        try:
            return run(command, on_event, feedback.isCanceled)
        except RunError as error:
            raise QgsProcessingException(str(error)) from error


def no_python(python: str) -> str:
    """Return why geoseg cannot be run; empty if it can, as far as can be seen without starting it."""
    if not python:
        return tr("GeoSeg has no Python yet: open Plugins ▸ GeoSeg ▸ Environment… and make or choose one.")
    reason = check_interpreter(python)
    return (
        tr("GeoSeg's Python does not work: {reason}. See Plugins ▸ GeoSeg ▸ Environment…").format(reason=reason)
        if reason
        else ""
    )


def is_file(layer: QgsRasterLayer | None) -> bool:
    """Whether geoseg can open what a raster layer shows: a raster file."""
    return layer is not None and layer.providerType() == "gdal" and not _is_out_of_reach(layer.source())


def _is_out_of_reach(source: str) -> bool:
    """Whether a source of GDAL's is in QGIS's own memory, or in a GeoPackage."""
    return source.startswith(("GPKG:", "/vsimem/")) or source.lower().endswith(".gpkg")


def source_of(layer: QgsRasterLayer) -> str:
    """Return what geoseg opens for a raster layer.

    Raises
    ------
    QgsProcessingException
        If the layer is no file: a map service has pictures, not measurements.
    """
    if not is_file(layer):
        raise QgsProcessingException(
            tr(
                "'{name}' is no raster file: render the part that you need to a file first, in the GeoSeg panel."
            ).format(name=layer.name())
        )
    parts = QgsProviderRegistry.instance().decodeUri("gdal", layer.source())
    return file_of(str(parts.get("path") or layer.source()))
