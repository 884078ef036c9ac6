"""Which band is which: a row for each band of a model, with the raster's bands to choose from."""

from __future__ import annotations

from typing import Sequence

from qgis.core import QgsRasterLayer
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QFormLayout, QWidget

from .commands import band_numbers, band_text
from .tr import tr
from .widgets import as_form, narrow


def band_names(layer: QgsRasterLayer) -> list[str]:
    """Return what a raster calls its bands; empty texts for those without a name."""
    # QGIS says "Band 1: blue", with "Band" in its own language.
    return [layer.bandName(number).partition(": ")[2].strip() for number in range(1, layer.bandCount() + 1)]


class BandTable(QFormLayout):
    """Rows of a form, one for each band of a model.

    Parameters
    ----------
    parent
        Owner of the fields.
    """

    changed = pyqtSignal(str)
    """The user chose a band: ``"blue=1,green=2,…"`` of the bands that are chosen."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__()
        as_form(self)
        self._parent = parent
        self._shown: tuple[tuple[str, ...], tuple[str, ...]] = (), ()

    def show_bands(self, needs: Sequence[str], have: Sequence[str], text: str = "") -> None:
        """Show a row for each band of the model, and choose the raster's band in each.

        Parameters
        ----------
        needs
            Names of the model's bands.
        have
            Names of the raster's bands, in their order; empty where a band has none.
        text
            Bands that are chosen already, as ``"blue=1,green=2"``; others are those of the same name.
        """
        if (tuple(needs), tuple(have)) != self._shown:  # a form that is laid out anew holds QGIS up
            self._fill(needs, have)
        given = band_numbers(text)
        for row, name in enumerate(needs):
            box = self._box(row)
            named = have.index(name) + 1 if name in have else 0
            box.blockSignals(True)
            box.setCurrentIndex(max(box.findData(given.get(name, named)), 0))
            box.blockSignals(False)

    def _fill(self, needs: Sequence[str], have: Sequence[str]) -> None:
        self._shown = tuple(needs), tuple(have)
        while self.rowCount():
            self.removeRow(0)
        for name in needs:
            box = QComboBox(self._parent)
            narrow(box)
            box.addItem(tr("(none)"), 0)
            for number, label in enumerate(have, 1):
                box.addItem(f"{number} {label}".rstrip(), number)
            box.currentIndexChanged.connect(lambda _: self.changed.emit(self.text()))
            self.addRow(name, box)

    def _box(self, row: int) -> QComboBox:
        return self.itemAt(row, QFormLayout.ItemRole.FieldRole).widget()

    def chosen(self) -> dict[str, int]:
        """Return the number of each band of the model; 0 where none is chosen."""
        found = {}
        for row in range(self.rowCount()):
            label = self.itemAt(row, QFormLayout.ItemRole.LabelRole).widget().text()
            found[label] = int(self._box(row).currentData())
        return found

    def text(self) -> str:
        """Return the bands that are chosen, as ``"blue=1,green=2,…"``."""
        return band_text(self.chosen())
