"""What is compared, and by which rules: two class maps, or two scenes that the panel's model maps first."""

from __future__ import annotations

import os
from typing import Any

from qgis.core import Qgis, QgsProcessingException, QgsProject, QgsRasterLayer
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QDoubleSpinBox, QSpinBox, QVBoxLayout, QWidget

from . import commands
from .algorithms.base import is_file, source_of
from .panel_scene import ScenePanel
from .project_state import KIND, PREVIEW, is_own
from .results import writable_folder
from .tr import tr
from .widgets import Button, CheckBox, WrappedLabel, form, narrow

MAPS, SCENES = "maps", "scenes"

_WHOLE = {Qgis.DataType.Byte, Qgis.DataType.UInt16, Qgis.DataType.Int16, Qgis.DataType.UInt32, Qgis.DataType.Int32}
_MOST_TOLERANCE = 16


class InputsPanel(QWidget):
    """Layers, rules and results folder."""

    changed = pyqtSignal()
    """Other layers are chosen."""

    def __init__(self, scene: ScenePanel, parent: QWidget) -> None:
        super().__init__(parent)
        self._scene = scene
        self._build()
        project = QgsProject.instance()
        for signal in (project.layersAdded, project.layersRemoved):
            signal.connect(self.list_layers)
        scene.checked.connect(self._describe_model)
        self.list_layers()

    def _build(self) -> None:
        self.kind = QComboBox(self)
        self.kind.addItem(tr("Class maps"), MAPS)
        self.kind.addItem(tr("Scenes"), SCENES)
        self.kind.currentIndexChanged.connect(self.list_layers)
        self.before, self.after = QComboBox(self), QComboBox(self)
        for box in (self.before, self.after):
            box.currentIndexChanged.connect(lambda _: self._chosen())
        self.swap_button = Button(tr("Swap"), self)
        self.swap_button.setToolTip(tr("Exchange before and after"))
        self.swap_button.clicked.connect(self.swap)
        self.model = WrappedLabel("", self)
        self.tolerance = QSpinBox(self)
        self.tolerance.setRange(0, _MOST_TOLERANCE)
        self.tolerance.setValue(1)
        self.tolerance.setSuffix(" px")
        self.tolerance.setToolTip(tr("What a shift by so many pixels explains is no change"))
        self.min_area = QDoubleSpinBox(self)
        self.min_area.setRange(0, 1e9)
        self.min_area.setDecimals(1)
        self.min_area.setSuffix(" m²")
        self.min_area.setSpecialValueText(tr("off"))
        self.min_area.setToolTip(tr("Smaller changes are merged into what is around them"))
        self.folder = QgsFileWidget(self)
        self.folder.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.folder.lineEdit().setPlaceholderText(tr("geoseg_changes, beside the first"))
        self.overwrite = CheckBox(tr("Replace existing results"), self)
        self.overwrite.setChecked(True)
        narrow(self.kind, self.before, self.after, self.tolerance, self.min_area)
        fields = form()
        fields.addRow(tr("Compare"), self.kind)
        fields.addRow(tr("Before"), self.before)
        fields.addRow(tr("After"), self.after)
        fields.addRow("", self.swap_button)
        fields.addRow(self.model)
        fields.addRow(tr("Tolerance"), self.tolerance)
        fields.addRow(tr("Minimum area"), self.min_area)
        fields.addRow(tr("Results"), self.folder)
        fields.addRow(self.overwrite)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(fields)

    # --- layers

    def list_layers(self, *_: Any) -> None:
        """Offer the layers of the project that fit; those that were chosen stay so, as far as they are there."""
        layers = _scenes() if self.with_model() else _class_maps()
        places = {layer.id(): place for place, layer in enumerate(layers)}
        boxes = (self.before, self.after)
        chosen = [places.get(str(box.currentData()), min(place, len(layers) - 1)) for place, box in enumerate(boxes)]
        if chosen[0] == chosen[1] and len(layers) > 1:  # there was one alone
            chosen = [0, 1]
        for box, place in zip(boxes, chosen):
            box.blockSignals(True)
            box.clear()
            for layer in layers:
                box.addItem(title(layer), layer.id())
                box.setItemData(box.count() - 1, layer.source(), Qt.ItemDataRole.ToolTipRole)
            box.setCurrentIndex(place)
            box.blockSignals(False)
        self._describe_model()
        self._chosen()

    def with_model(self) -> bool:
        """Whether scenes are compared."""
        return self.kind.currentData() == SCENES

    def layers(self) -> tuple[QgsRasterLayer, QgsRasterLayer] | None:
        """Return the chosen layers; None if there are not two."""
        project = QgsProject.instance()
        found = [project.mapLayer(str(box.currentData() or "")) for box in (self.before, self.after)]
        good = all(isinstance(layer, QgsRasterLayer) for layer in found) and found[0] is not found[1]
        return (found[0], found[1]) if good else None

    def titles(self) -> list[str]:
        """Return what the chosen layers are called, in short."""
        return [title(layer).replace("_classes.tif", "") for layer in self.layers() or ()]

    def choose(self, kind: str, before: str, after: str) -> None:
        """Choose layers by their ids."""
        self.kind.setCurrentIndex(self.kind.findData(kind))
        for box, identifier in ((self.before, before), (self.after, after)):
            if (place := box.findData(identifier)) >= 0:
                box.setCurrentIndex(place)

    def swap(self) -> None:
        """Exchange the dates."""
        self.choose(str(self.kind.currentData()), str(self.after.currentData()), str(self.before.currentData()))

    def _chosen(self) -> None:
        self.changed.emit()

    def _describe_model(self, *_: Any) -> None:
        self.model.setVisible(self.with_model())
        model = self._scene.model()
        if not model:
            self.model.show_text(tr("Choose a model in the GeoSeg panel."))
            return
        text = tr("Model of the panel: {name}").format(name=os.path.basename(model))
        if bands := self._reading().get("bands"):
            text += "; " + tr("bands {bands}").format(bands=bands)
        self.model.show_text(text)

    def _reading(self) -> dict[str, Any]:
        """Return bands and values as the panel has them, if its raster is one of the two."""
        layer, chosen = self._scene.layer(), self.layers()
        if layer is None or chosen is None or layer.id() not in {one.id() for one in chosen}:
            return {}
        return {"bands": self._scene.details.bands, **self._scene.details.reading()}

    # --- what geoseg is asked for

    def problem(self) -> str:
        """Return what is missing; empty if it can be run."""
        if self.layers() is None:
            if self.before.count() < 2:
                return (
                    tr("Add two raster files of one place to the project.")
                    if self.with_model()
                    else tr("Add two class maps of one place to the project, or run a model on two scenes first.")
                )
            return tr("Choose two different layers.")
        return tr("Choose a model in the GeoSeg panel.") if self.with_model() and not self._scene.model() else ""

    def target(self) -> str:
        """Return the folder for results: the chosen one, one beside BEFORE, or one in the home folder."""
        if self.folder.filePath():
            return str(self.folder.filePath())
        layers = self.layers()
        place = os.path.dirname(source_of(layers[0])) if layers is not None else ""
        return os.path.join(writable_folder(place), "geoseg_changes")

    def arguments(self) -> list[str]:
        """Return the arguments of geoseg, but for ``--overwrite``.

        Raises
        ------
        QgsProcessingException
            If a layer is no file, or is missing.
        """
        layers = self.layers()
        if layers is None:
            raise QgsProcessingException(self.problem())
        before, after = (source_of(layer) for layer in layers)
        rules = {"tolerance": self.tolerance.value(), "min_area": self.min_area.value() or None}
        if not self.with_model():
            return commands.change(before, after, self.target(), **rules)
        return commands.change(before, after, self.target(), self._scene.model(), **rules, **self._reading())

    def state(self) -> dict[str, Any]:
        """Return what is chosen, for the project."""
        return {
            "kind": self.kind.currentData(), "before": self.before.currentData(), "after": self.after.currentData(),
            "tolerance": self.tolerance.value(), "min_area": self.min_area.value(), "folder": self.folder.filePath(),
        }  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Choose what :meth:`state` returned, as far as it is there."""
        self.choose(str(state["kind"]), str(state["before"]), str(state["after"]))
        self.tolerance.setValue(int(state["tolerance"]))
        self.min_area.setValue(float(state["min_area"]))
        self.folder.setFilePath(str(state["folder"]))

    def shut_down(self) -> None:
        """Have no more to do with the project."""
        project = QgsProject.instance()
        for signal in (project.layersAdded, project.layersRemoved):
            signal.disconnect(self.list_layers)
        self._scene.checked.disconnect(self._describe_model)


def rasters() -> list[QgsRasterLayer]:
    """Return the raster files of the project by name, but for previews: dates in names come in their order."""
    layers = QgsProject.instance().mapLayers().values()
    found = [layer for layer in layers if isinstance(layer, QgsRasterLayer) and is_file(layer)]
    return sorted((layer for layer in found if not layer.customProperty(PREVIEW)), key=title)


def title(layer: QgsRasterLayer) -> str:
    """Return what a layer is called in lists: geoseg's class maps all have the same name, but not their files."""
    return os.path.basename(layer.source()) if is_class_map(layer) else layer.name()


def is_class_map(layer: QgsRasterLayer) -> bool:
    """Whether geoseg made a class map."""
    return layer.customProperty(KIND) == "classes" or (is_own(layer) and layer.source().endswith("_classes.tif"))


def _class_maps() -> list[QgsRasterLayer]:
    """Return those of geoseg, then others that may be class maps: one band of whole numbers."""
    found = rasters()
    own = [layer for layer in found if is_class_map(layer)]
    others = [
        layer
        for layer in found
        if not is_own(layer) and layer.bandCount() == 1 and layer.dataProvider().dataType(1) in _WHOLE
    ]
    return own + others


def _scenes() -> list[QgsRasterLayer]:
    return [layer for layer in rasters() if not is_own(layer)]
