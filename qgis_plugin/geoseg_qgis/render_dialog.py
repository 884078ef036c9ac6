"""Asks for extent and pixel size of a rendering, and says what it costs before anything is fetched."""

from __future__ import annotations

import os
import re
from typing import Any

from qgis.core import QgsProject, QgsRasterLayer, QgsUnitTypes
from qgis.gui import QgsFileWidget
from qgis.PyQt.QtWidgets import QDialog, QDialogButtonBox, QDoubleSpinBox, QProgressBar, QVBoxLayout, QWidget

from .panel_area import ALL, AreaError, AreaFields
from .rendered import (
    MANY_TILES,
    Renderer,
    Rendering,
    check_target,
    host_of,
    is_service,
    natural_pixel,
    terms_of,
    tile_count,
)
from .tr import tr
from .widgets import WrappedLabel, form

_MOST_PIXELS = 2_000_000_000


class RenderDialog(QDialog):
    """Renders a part of a layer to a file and adds it to the project."""

    def __init__(self, iface: Any, parent: QWidget, layer: QgsRasterLayer) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Render to a file"))
        self.resize(440, 360)
        self._layer = layer
        self.made: QgsRasterLayer | None = None
        self.area = AreaFields(iface, self)
        self.area.area.setCurrentIndex(1)  # the map view: a whole service is the whole world
        if is_service(layer):
            self.area.area.removeItem(self.area.area.findData(ALL))
        self.pixel = QDoubleSpinBox(self)
        self.pixel.setDecimals(8 if layer.crs().isGeographic() else 3)
        self.pixel.setRange(10 ** -self.pixel.decimals(), 1e6)
        self.pixel.setSuffix(" " + QgsUnitTypes.toAbbreviatedString(layer.crs().mapUnits()))
        box = self.area.visible(layer)
        self.pixel.setValue(natural_pixel(layer, box.width() / max(iface.mapCanvas().width(), 1)))
        self.file = QgsFileWidget(self)
        self.file.setStorageMode(QgsFileWidget.StorageMode.SaveFile)
        self.file.setFilter(tr("GeoTIFF (*.tif)"))
        stem = re.sub(r"[^\w-]+", "_", layer.name())
        folder = QgsProject.instance().absolutePath() or os.path.expanduser("~")
        self.file.setFilePath(os.path.join(folder, f"{stem}_rendered.tif"))
        self.costs = WrappedLabel("", self)
        self.problem = WrappedLabel("", self)
        self.bar = QProgressBar(self)
        self.bar.hide()
        self.buttons = QDialogButtonBox(self)
        self.buttons.setStandardButtons(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.begin)
        self.buttons.rejected.connect(self.reject)
        fields = form()
        fields.addRow(tr("Area"), self.area.area)
        fields.addRow("", self.area.draw_button)
        fields.addRow(tr("Pixel size"), self.pixel)
        fields.addRow(tr("File"), self.file)
        self.area.pixel.hide()
        layout = QVBoxLayout(self)
        layout.addLayout(fields)
        for widget in (self.costs, self.problem, self.bar):
            layout.addWidget(widget)
        layout.addStretch()
        layout.addWidget(self.buttons)
        self._renderer = Renderer(self)
        self._renderer.progressed.connect(lambda percent: self.bar.setValue(int(percent)))
        self._renderer.done.connect(self._take)
        self._renderer.failed.connect(self._failed)
        self.pixel.valueChanged.connect(lambda _: self.show_costs())
        self.area.area.currentIndexChanged.connect(lambda _: self.show_costs())
        iface.mapCanvas().extentsChanged.connect(self.show_costs)
        self.show_costs()

    def rendering(self) -> Rendering:
        """Return what is chosen.

        Raises
        ------
        AreaError
            If nothing is, or it is too much.
        """
        box = self.area.box(self._layer) or self._layer.extent()
        found = Rendering(box, self.pixel.value())
        if found.width * found.height > _MOST_PIXELS:
            text = tr("{width:,} × {height:,} pixels are too many: choose a smaller area or larger pixels.")
            raise AreaError(text.format(width=found.width, height=found.height))
        return found

    def show_costs(self) -> None:
        """Say how large the file will be, what is fetched, and under which terms."""
        try:
            found = self.rendering()
        except AreaError as error:
            self.costs.show_text(str(error))
            return
        bands = 4 if is_service(self._layer) else self._layer.bandCount()
        lines = [
            tr("{width:,} × {height:,} pixels, at most {size:,.1f} MB").format(
                width=found.width, height=found.height, size=found.size(bands) / 1e6
            )
        ]
        if is_service(self._layer):
            count, host = tile_count(self._layer, found), host_of(self._layer)
            lines.append(
                tr("About {count:,} tiles are fetched from {host}.").format(
                    count=count, host=host or tr("this computer")
                )
            )
            if count > MANY_TILES:
                lines.append(
                    tr("That is a lot: many providers forbid bulk downloads. Choose a smaller area or larger pixels.")
                )
            terms = terms_of(self._layer)
            lines.append(
                tr("Terms of the provider: {terms}").format(terms=terms)
                if terms
                else tr(
                    "The layer states no terms of use: make sure that the provider allows copies and their analysis."
                )
            )
        self.costs.show_text("\n".join(lines))

    def begin(self) -> None:
        """Write the file."""
        try:
            found = self.rendering()
        except AreaError as error:
            self.problem.show_text(str(error))
            return
        reason = check_target(self.file.filePath())
        self.problem.show_text(reason)
        if reason:
            return
        self.bar.setValue(0)
        self.bar.show()
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(False)
        self._renderer.start(self._layer, found, self.file.filePath())

    def reject(self) -> None:
        """Cancel what runs; close if nothing does."""
        if self._renderer.running:
            self._renderer.cancel()
            return
        self.area.stop_drawing()
        super().reject()

    def stop(self) -> None:
        """Cancel what runs and close."""
        self._renderer.cancel()
        self.area.stop_drawing()
        self.hide()

    def _take(self, path: str) -> None:
        layer = QgsRasterLayer(path, os.path.splitext(os.path.basename(path))[0])
        if not layer.isValid():
            self._failed(tr("{path} cannot be opened").format(path=path))
            return
        QgsProject.instance().addMapLayer(layer)
        self.made = layer
        self.area.stop_drawing()
        self.accept()

    def _failed(self, reason: str) -> None:
        self.bar.hide()
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(True)
        self.problem.show_text(reason or tr("Cancelled."))
