"""What only the user can know about a raster's values: their unit, and whether a border is no data."""

from __future__ import annotations

import base64
from typing import Any

from qgis.PyQt.QtCore import QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QIcon, QPixmap
from qgis.PyQt.QtWidgets import QAbstractItemView, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from .tr import tr
from .widgets import CheckBox, WrappedLabel, narrow

_PICTURE = 64  # side of a picture
_MOST = 5  # units that are offered
# A unit that is this much less likely than the first is not worth a look.
_UNLIKELY = 8.0


class ValuesQuestion(QWidget):
    """Asks for the unit where it is not certain, with a picture of what each would mean, and about undeclared fill."""

    unit_chosen = pyqtSignal(dict)
    """Scale and offset as texts."""
    raw_chosen = pyqtSignal()
    """The values have no unit: they are the sensor's own numbers."""
    fill_chosen = pyqtSignal(str)
    """The nodata value as text; empty if the border is data after all."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._stated: dict[str, str] = {}
        self.question = WrappedLabel("", self)
        self.units = QListWidget(self)
        self.units.setIconSize(QSize(_PICTURE, _PICTURE))
        self.units.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.units.setWordWrap(True)
        self.units.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.units.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.units.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        narrow(self.units)
        self.units.itemClicked.connect(self._choose)
        self.units.itemActivated.connect(self._choose)
        self.border = CheckBox("", self)
        self.border.toggled.connect(self._border_toggled)
        self._value = ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.question, self.units, self.border):
            layout.addWidget(widget)
        self.clear()

    def clear(self) -> None:
        """Ask nothing; another raster is chosen."""
        self._stated, self._value = {}, ""
        for widget in (self.question, self.units, self.border):
            widget.hide()
        self._set_border(False)

    # --- unit

    def ask_unit(self, units: dict[str, Any], reading: dict[str, str], *, misfit: bool) -> None:
        """Show the units in which the raster may be stored, if there is a question.

        Parameters
        ----------
        units
            ``units`` of ``geoseg inspect --json``.
        reading
            Scale and offset that are stated in the panel.
        misfit
            Whether the raster does not fit the model as it is read now.
        """
        verdict, choices = units.get("verdict", "unknown"), units.get("choices", [])
        if self._stated and all(reading.get(name, "") == self._stated.get(name, "") for name in ("scale", "offset")):
            return  # the answer to the question that is shown; it stays, to be changed
        self._stated = {}
        asked = len(choices) > 1 and (verdict in {"other", "uncertain"} or misfit)
        self.question.setVisible(asked)
        self.units.setVisible(asked)
        if not asked:
            return
        self.question.show_text(
            tr("The values are stored in another unit than assumed. Which picture looks natural?")
            if verdict == "other"
            else tr("It cannot be told in which unit the values are stored. Which picture looks natural?")
        )
        self._list(choices)

    def _list(self, choices: list[dict[str, Any]]) -> None:
        self.units.clear()
        least = min((choice["distance"] for choice in choices if choice["distance"] is not None), default=0.0)
        likely = [c for c in choices if c["given"] or (c["distance"] or 0.0) - least <= _UNLIKELY]
        for choice in likely[:_MOST]:
            item = QListWidgetItem(f"{_name(choice)}\n{_meaning(choice)}", self.units)
            item.setToolTip(item.text())
            item.setData(Qt.ItemDataRole.UserRole, choice["options"])
            if choice.get("picture"):
                item.setIcon(_icon(choice["picture"]))
        raw = QListWidgetItem(tr("Digital numbers of the sensor") + "\n" + tr("gain and offset are needed"), self.units)
        raw.setToolTip(raw.text())
        raw.setSizeHint(QSize(0, 2 * self.fontMetrics().lineSpacing() + 8))
        line = self.fontMetrics().lineSpacing()
        rows = self.units.count()
        self.units.setFixedHeight(min(rows, 4) * (max(_PICTURE, 3 * line) + 6) + 6)

    def _choose(self, item: QListWidgetItem) -> None:
        known = item.data(Qt.ItemDataRole.UserRole)
        if known is None:
            self.raw_chosen.emit()
            return
        options = dict(known)
        self._stated = {"scale": options.get("scale", ""), "offset": options.get("offset", "")}
        self.question.show_text(tr("Unit of the values; choose another one to change it:"))
        self.unit_chosen.emit(self._stated)

    # --- border

    def ask_border(self, fill: dict[str, Any] | None) -> None:
        """Offer to take undeclared fill as no data; once taken it can be given back."""
        if fill is not None:
            self._value = fill["options"]["nodata"]
            black = fill["value"] == 0
            text = tr("Black border (value {value}) = no data") if black else tr("Border of value {value} = no data")
            if fill["value"] is None:  # another one in each band
                text = tr("Border of one colour = no data")
            if fill["where"] == "a sample of the scene":
                text += tr("; {share:.0f} % of the raster")
            self.border.setText(text.format(value=self._value, share=max(100 * fill["share"], 1)))
            self.border.setToolTip(self.border.text())
            self._set_border(False)
        self.border.setVisible(bool(self._value))

    def _set_border(self, checked: bool) -> None:
        self.border.blockSignals(True)
        self.border.setChecked(checked)
        self.border.blockSignals(False)

    def _border_toggled(self, checked: bool) -> None:
        self.fill_chosen.emit(self._value if checked else "")


def _name(choice: dict[str, Any]) -> str:
    names = {
        "as stated": tr("As in the file"),
        "reflectance 0…1": tr("Reflectance 0…1"),
        "reflectance 0…100": tr("Reflectance in percent"),
        "reflectance 0…255": tr("Reflectance as 0…255"),
        "reflectance × 10,000": tr("Reflectance × 10,000"),
        "reflectance × 65,535": tr("Reflectance × 65,535"),
        "Sentinel-2 from 2022 on": tr("Sentinel-2 since 2022"),
    }
    name = names.get(choice["name"], choice["name"])
    return name + tr(" (as assumed now)") if choice["given"] else name


def _meaning(choice: dict[str, Any]) -> str:
    """Return what the unit would mean for the band that varies most."""
    band, (low, middle, high) = max(choice["values"].items(), key=lambda item: abs(item[1][2] - item[1][0]))
    text = tr("{band}: {low:.2g} to {high:.2g}, half of it below {middle:.2g}")
    return text.format(band=band, low=low, middle=middle, high=high)


def _icon(url: str) -> QIcon:
    pixmap = QPixmap()
    pixmap.loadFromData(base64.b64decode(url.partition(",")[2]))
    return QIcon(pixmap)
