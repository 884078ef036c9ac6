"""The widget of the parameter BANDS in Processing's dialogs. Its value is the text that scripts and models give.

Named by its path in the parameter's metadata, and so imported by dialogs alone, never under qgis_process.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any, Iterable

from processing.gui.wrappers import DIALOG_BATCH, DIALOG_MODELER, WidgetWrapper, dialogTypes
from qgis.core import QgsProcessingContext, QgsProcessingUtils, QgsProject, QgsRasterLayer
from qgis.gui import QgsGui
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from .. import settings
from ..band_table import BandTable, band_names
from ..tr import tr
from ..widgets import WrappedLabel


@dataclass(frozen=True)
class Bands:
    """The model's bands, and what the raster calls its own, in their order."""

    needs: list[str]
    have: list[str]


class BandsWidget:
    """Makes the widget for a dialog; Processing calls it like a wrapper's class.

    In the modeler QGIS's own widget is used, which also takes inputs of the model and expressions.
    """

    def __new__(cls, parameter: Any, dialog: Any, row: int = 0, col: int = 0, **options: Any) -> Any:
        """Return the wrapper."""
        if dialogTypes.get(type(dialog).__name__) != DIALOG_MODELER:
            return BandsWrapper(parameter, dialog, row, col, **options)
        registry = QgsGui.processingGuiRegistry()
        widget = registry.createModelerParameterWidget(dialog.model, dialog.childId, parameter, dialog.context)
        widget.setDialog(dialog)
        return widget


class BandsWrapper(WidgetWrapper):
    """A text, and the same as a table: a row for each band of the model, with the raster's bands to choose from.

    In batch mode the table is in a dialog of its own.
    """

    def createWidget(self, **options: Any) -> QWidget:
        """Make the fields; called by Processing."""
        self._model_name, self._several = options.get("model", "MODEL"), bool(options.get("several", True))
        self._scene_name, self._default = options.get("scene", "INPUT"), bool(options.get("default", True))
        self._wrappers: dict[str, Any] = {}
        widget = QWidget()
        self.edit = QLineEdit(widget)
        self.edit.setPlaceholderText(tr("by the names of the raster's bands"))
        self.edit.setToolTip(tr("As in blue=1,green=2: the model's band, and the number of the raster's"))
        self.edit.textChanged.connect(lambda _: self.widgetValueHasChanged.emit(self))
        if self.dialogType == DIALOG_BATCH:
            button = QToolButton(widget)
            button.setText("…")
            button.setToolTip(tr("Choose the bands"))
            button.clicked.connect(self._ask)
            line = QHBoxLayout(widget)
            line.setContentsMargins(0, 0, 0, 0)
            line.addWidget(self.edit)
            line.addWidget(button)
            return widget
        self.note = WrappedLabel("", widget)
        self.table = BandTable(widget)
        self.table.changed.connect(self.edit.setText)
        self.edit.editingFinished.connect(self.show_table)
        layout = QVBoxLayout(widget)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.edit)
        layout.addWidget(self.note)
        layout.addLayout(self.table)
        return widget

    def postInitialize(self, wrappers: Iterable[Any]) -> None:
        """Follow the rasters and the model of the same dialog; called by Processing."""
        self._wrappers = {wrapper.parameterDefinition().name(): wrapper for wrapper in wrappers}
        if self.dialogType == DIALOG_BATCH:
            return
        for name in (self._scene_name, self._model_name, f"{self._model_name}_FOLDER"):
            if name in self._wrappers:
                self._wrappers[name].widgetValueHasChanged.connect(lambda *_: self.show_table())
        self.show_table()

    def setValue(self, value: Any) -> None:
        """Take over a text, from a default, the history or a batch file."""
        self.edit.setText("" if value is None else str(value))
        if self.dialogType != DIALOG_BATCH:
            self.show_table()

    def value(self) -> str:
        """Return the text."""
        return str(self.edit.text().strip())

    def show_table(self) -> None:
        """List the bands of the raster and the model that are chosen now."""
        bands = self._bands()
        self.table.show_bands(bands.needs, bands.have, self.value())
        self.note.show_text(_note(bands))
        self.note.setVisible(bool(self.note.text()))

    def _bands(self) -> Bands:
        model = self._chosen(f"{self._model_name}_FOLDER") or self._chosen(self._model_name)
        layers = self._layers()
        if not self._several:  # each raster is a scene with the same bands
            layers = layers[:1]
        have = [name for layer in layers for name in band_names(layer)]
        return Bands(model_bands(str(model), default=self._default), have)

    def _chosen(self, name: str) -> str:
        wrapper = self._wrappers.get(name)
        return str(wrapper.parameterValue() or "").strip() if wrapper is not None else ""

    def _layers(self) -> list[QgsRasterLayer]:
        wrapper = self._wrappers.get(self._scene_name)
        value = wrapper.parameterValue() if wrapper is not None else None
        context = QgsProcessingContext()
        context.setProject(QgsProject.instance())
        found = []
        for item in value if isinstance(value, (list, tuple)) else [value]:
            layer = item
            if isinstance(item, str):
                known = QgsProcessingUtils.mapLayerFromString(item, context, False)
                layer = known or (QgsRasterLayer(item, "") if os.path.isfile(item) else None)
            if isinstance(layer, QgsRasterLayer) and layer.isValid():
                found.append(layer)
        return found

    def _ask(self) -> None:
        dialog = BandsDialog(self._bands(), self.value(), self.widget)
        if dialog.exec():
            self.edit.setText(dialog.table.text())


class BandsDialog(QDialog):
    """The table of bands in a dialog of its own."""

    def __init__(self, bands: Bands, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Choose the bands"))
        self.table = BandTable(self)
        self.table.show_bands(bands.needs, bands.have, text)
        buttons = QDialogButtonBox(self)
        buttons.setStandardButtons(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(WrappedLabel(_note(bands), self))
        layout.addLayout(self.table)
        layout.addStretch()
        layout.addWidget(buttons)


def _note(bands: Bands) -> str:
    if not bands.needs:
        return tr(
            "Choose a model to see its bands here. Without one, write names for the raster's, as in blue=1,green=2."
        )
    return "" if bands.have else tr("Choose a raster to see its bands here.")


def model_bands(model: str, *, default: bool) -> list[str]:
    """Return the bands of a model that is installed, or of a model folder.

    Parameters
    ----------
    model
        Name or folder; empty if none is chosen.
    default
        Whether no choice means the default model.
    """
    cards = settings.known_models()
    for card in cards:
        if card["name"] == model or (not model and default and card.get("default")):
            return [str(name) for name in card.get("bands") or []]
    try:
        with open(os.path.join(model, "model.json"), encoding="utf-8") as file:
            inputs = json.load(file)["properties"]["mlm:input"]
        return [str(band["name"] if isinstance(band, dict) else band) for band in inputs[0]["bands"]]
    except (OSError, ValueError, LookupError, TypeError):
        return []
