"""Detect changes: two class maps, or two scenes and a model, in; what became what out."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
from typing import Any

from qgis.core import (
    QgsProcessing,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterDestination,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
    QgsProcessingParameterVectorDestination,
)

from .. import change_report, commands, phases
from ..tr import tr
from ..work import Progress
from .base import READING, source_of
from .windowed import WindowedAlgorithm

_SHOWN = 10
"""So many transitions are told in the log."""

_DEFAULTS = {"stitch": "trim", "precision": "auto", "device": "auto"}
"""Options of scenes that always have a value."""


class DetectChanges(WindowedAlgorithm):
    """``geoseg change``."""

    ID = "change"
    SCENES = ("BEFORE", "AFTER")
    PRODUCTS = (("OUTPUT", "changes"), ("TRANSITIONS", "change"), ("REPORT", "report"))

    def displayName(self) -> str:
        """Return the name in the toolbox."""
        return tr("Detect changes")

    def shortHelpString(self) -> str:
        """Return the text beside the parameters."""
        return tr(
            "Compares two class maps of one place, or two scenes that a model maps first: polygons of what became "
            "what, a raster of the transitions, and a report with their areas.\n\n"
            "Classes are matched by name. What a small shift between the dates explains is not counted as a change. "
            "The maps may lie on different grids: the later one is brought to the pixels of the earlier one.\n\n"
            "If a run with a model is cancelled, it goes on where it was when it is started again with the same scenes "
            "and options."
        )

    def initAlgorithm(self, configuration: dict[str, Any] | None = None) -> None:
        """Declare the parameters."""
        self.addParameter(QgsProcessingParameterRasterLayer("BEFORE", tr("Before: class map, or scene of one raster")))
        self.addParameter(QgsProcessingParameterRasterLayer("AFTER", tr("After")))
        self.add_model(empty=tr("Empty: both are class maps."))
        self.add_bands(several=False, default=False)
        numbers = QgsProcessingParameterNumber.Type
        self.addParameter(
            QgsProcessingParameterNumber(
                "TOLERANCE", tr("Tolerance: shift in pixels that is no change"), numbers.Integer, 1, False, 0, 16
            )
        )
        self.addParameter(
            QgsProcessingParameterNumber(
                "MIN_CONFIDENCE", tr("Confidence that both dates need, in percent"), numbers.Double, 0, False, 0, 100
            )
        )
        self.add_generalization(tr("Minimum area of a change in m²; smaller ones are merged into a neighbour"))
        names = QgsProcessingParameterString("MAP", tr("Classes to rename or merge"), None, False, True)
        names.setHelp(tr("As old=new, by commas: forest=tree,shrub= makes forest tree, and leaves shrub out."))
        self.add_advanced(names)
        self.add_windows("trim")
        polygons = QgsProcessing.SourceType.TypeVectorPolygon
        self.addParameter(QgsProcessingParameterVectorDestination("OUTPUT", tr("Changes"), polygons))
        self.addParameter(QgsProcessingParameterRasterDestination("TRANSITIONS", tr("Transitions"), None, True, True))
        self.add_report()

    def prepareAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> bool:
        """Read layers and options."""
        super().prepareAlgorithm(parameters, context, feedback)
        self._rules: dict[str, Any] = {
            "tolerance": self.parameterAsInt(parameters, "TOLERANCE", context),
            "min_confidence": self.parameterAsDouble(parameters, "MIN_CONFIDENCE", context) or None,
            "min_area": self._options.pop("min_area"),
            "simplify": self._options.pop("simplify"),
            "map": self.text(parameters, "MAP", context),
        }
        # Of class maps these options are a mistake, of which geoseg tells, but for defaults that nobody chose.
        set_here = {name: value for name, value in self._options.items() if value != _DEFAULTS.get(name)}
        reading = {name: self.number(parameters, name.upper(), context) for name in READING}
        self._options = {**set_here, **reading, "bands": self.text(parameters, "BANDS", context)}
        return True

    def _take_scene(self, parameters: dict[str, Any], context: QgsProcessingContext) -> None:
        layers = [self.parameterAsRasterLayer(parameters, name, context) for name in self.SCENES]
        self._before, self._after = (source_of(layer) for layer in layers)
        self._name = " – ".join(dict.fromkeys(layer.name() for layer in layers))

    def progress(self) -> Progress:
        """Return what tells how far a run is."""
        return phases.change_progress(2 if self._model else 0)

    def processAlgorithm(
        self, parameters: dict[str, Any], context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> dict[str, Any]:
        """Run geoseg."""
        wanted = self.destinations(parameters, context)
        work = self.working_folder(wanted["OUTPUT"])
        folder = self._folder_of_maps(work)
        arguments = commands.change(self._before, self._after, folder, self._model, **self._rules, **self._options)
        result = self.run_in_folder(arguments, work, wanted, context, feedback)
        _tell(result["change"], feedback)
        return wanted

    def _folder_of_maps(self, work: str) -> str:
        """Return a folder in the working folder for maps of these scenes by this model; others are taken away.

        Maps that an interrupted run has finished are kept by geoseg, which refuses to replace those of other options.
        """
        files = [(path, _stamp(path)) for path in (self._before, self._after)]
        facts = json.dumps([files, self._model, self._options], sort_keys=True)
        folder = os.path.join(work, hashlib.sha256(facts.encode("utf-8")).hexdigest()[:8])
        for name in os.listdir(work) if os.path.isdir(work) else []:
            path = os.path.join(work, name)
            if path != folder:
                shutil.rmtree(path, ignore_errors=True)
        # Results that could not be moved to their places.
        for path in glob.glob(os.path.join(glob.escape(folder), "*_change*")):
            os.remove(path)
        return folder

    @staticmethod
    def _can_go_on(work: str) -> bool:
        maps = os.path.join(glob.escape(work), "*", "maps")
        return bool(glob.glob(os.path.join(maps, ".geoseg")) or glob.glob(os.path.join(maps, "*_report.json")))


def _stamp(path: str) -> list[float]:
    try:
        facts = os.stat(path)
    except OSError:
        return []
    return [facts.st_size, facts.st_mtime]


def _tell(report: dict[str, Any], feedback: QgsProcessingFeedback) -> None:
    """Tell the transitions with most area, and how much is uncertain."""
    found, units = change_report.rows(report), tr("units²")
    for row in found[:_SHOWN]:
        text = tr("{change}: {area}, {polygons} polygons")
        area = change_report.area_text(row.area, report, units)
        feedback.pushInfo(text.format(change=row.name, area=area, polygons=f"{row.polygons:,}"))
    if len(found) > _SHOWN:
        feedback.pushInfo(tr("{count} smaller transitions are in the report").format(count=len(found) - _SHOWN))
    area = change_report.area_text(change_report.uncertain_area(report), report, units)
    text = tr("{share} % has changed; {area} more differ, but are not certain")
    feedback.pushInfo(text.format(share=f"{change_report.share_changed(report):.1f}", area=area))
