"""Which band is which, how stored numbers become values, and further layers with bands of the same scene."""

from __future__ import annotations

from typing import Any

from qgis.core import QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from .algorithms.base import is_file
from .band_table import BandTable
from .project_state import is_own
from .tr import tr
from .widgets import Section, WrappedLabel, form, narrow


class BandsPanel(Section):
    """Bands and values of the chosen raster."""

    changed = pyqtSignal()
    """The user changed something."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(tr("Bands and values"), parent)
        self.bands = ""  # "blue=1,green=2,…", or empty: by the raster's own names
        self._raw: list[str] = []  # the raster's own bands, before any were chosen
        self.table = BandTable(self)
        self.table.changed.connect(self._table_changed)
        self.scale, self.offset, self.nodata = QLineEdit(self), QLineEdit(self), QLineEdit(self)
        self.scale.setToolTip(tr("value = stored × scale + offset; 1/10000 for reflectance × 10,000"))
        values = form()
        for text, edit in ((tr("Scale"), self.scale), (tr("Offset"), self.offset), (tr("No data"), self.nodata)):
            edit.setPlaceholderText(tr("as in the file"))
            edit.editingFinished.connect(self.changed)
            narrow(edit)
            values.addRow(text, edit)
        self.more = QListWidget(self)
        self.more.setMaximumHeight(90)
        self.more.setToolTip(tr("Further layers that hold bands of the same scene"))
        self.more.itemChanged.connect(lambda _: self.changed.emit())
        narrow(self.more)
        layout = QVBoxLayout(self)
        layout.addLayout(self.table)
        layout.addLayout(values)
        layout.addWidget(WrappedLabel(tr("Bands of the same scene in other layers:"), self))
        layout.addWidget(self.more)
        self.setCollapsed(True)

    def clear(self) -> None:
        """Forget what was chosen for another raster."""
        self.bands, self._raw = "", []
        self.setCollapsed(True)
        for edit in (self.scale, self.offset, self.nodata):
            edit.clear()

    # --- values

    def reading(self) -> dict[str, str]:
        """Return what is stated, by option; empty where the file says it."""
        texts = {"scale": self.scale, "offset": self.offset, "nodata": self.nodata}
        return {name: edit.text().strip() for name, edit in texts.items()}

    def state(self, reading: dict[str, str]) -> None:
        """Take over scale, offset, nodata and bands, as far as they are given."""
        self.bands = reading.get("bands", self.bands)
        for name, edit in (("scale", self.scale), ("offset", self.offset), ("nodata", self.nodata)):
            if name in reading:
                edit.setText(reading[name])

    # --- further layers

    def list_layers(self, chosen: QgsRasterLayer | None) -> None:
        """List the layers that may hold further bands."""
        checked = [layer.id() for layer in self.others()]
        self.more.blockSignals(True)
        self.more.clear()
        for layer in QgsProject.instance().mapLayers().values():
            if isinstance(layer, QgsRasterLayer) and layer is not chosen and is_file(layer) and not is_own(layer):
                item = QListWidgetItem(layer.name(), self.more)
                item.setData(Qt.ItemDataRole.UserRole, layer.id())
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked if layer.id() in checked else Qt.CheckState.Unchecked)
        self.more.blockSignals(False)

    def others(self) -> list[QgsRasterLayer]:
        """Return the further layers that are ticked."""
        items = [self.more.item(row) for row in range(self.more.count())]
        ticked = [i.data(Qt.ItemDataRole.UserRole) for i in items if i.checkState() == Qt.CheckState.Checked]
        layers = [QgsProject.instance().mapLayer(identifier) for identifier in ticked]
        return [layer for layer in layers if isinstance(layer, QgsRasterLayer)]

    def tick(self, identifiers: list[str]) -> None:
        """Tick further layers."""
        self.more.blockSignals(True)
        for row in range(self.more.count()):
            item = self.more.item(row)
            ticked = item.data(Qt.ItemDataRole.UserRole) in identifiers
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        self.more.blockSignals(False)

    # --- the table of bands

    def show_bands(self, facts: dict[str, Any], proposed: str) -> None:
        """Show one row a band of the model, with the raster's bands to choose from.

        Parameters
        ----------
        facts
            What ``geoseg inspect`` found.
        proposed
            Bands that would mend a misfit; the chosen ones if empty.
        """
        if not self.bands and "raster" in facts:
            self._raw = [band["name"] for band in facts["raster"]["bands"]]
        self.table.show_bands(facts.get("needs", []), self._raw, proposed or self.bands)

    def _table_changed(self, text: str) -> None:
        if all(self.table.chosen().values()):
            self.bands = text
            self.changed.emit()
