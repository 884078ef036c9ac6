"""Top of the dock: which raster, which model, and whether they fit."""

from __future__ import annotations

import json
import os
from typing import Any

from qgis.core import QgsMapLayerProxyModel, QgsProcessingException, QgsProject, QgsRasterLayer
from qgis.gui import QgsCollapsibleGroupBox, QgsMapLayerComboBox
from qgis.PyQt.QtCore import Qt, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from . import commands, settings
from .algorithms.base import source_of
from .algorithms.inspect import read_facts
from .phases import realistic
from .runner import RunError, geoseg_command
from .session import Session, start
from .tr import tr

_DELAY = 250  # milliseconds after the last change before the fit is checked
_LIMIT = 120.0  # seconds for an answer; files on slow network drives take long
_MENDS = 3  # remedies that are tried one after the other: bands, then scale


class ScenePanel(QWidget):
    """Raster, model and fit check."""

    checked = pyqtSignal(dict)
    """What ``geoseg inspect`` found; empty while it is not known."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.facts: dict[str, Any] = {}
        self._session: Session | None = None
        self._mends = 0
        self._bands = ""
        self._layer_id = ""
        self._raw: list[str] = []  # the raster's own bands, before any were chosen
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.check)
        self._build()

    def _build(self) -> None:
        self.layers = QgsMapLayerComboBox(self)
        self.layers.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self.layers.layerChanged.connect(self._layer_changed)
        self.models = QComboBox(self)
        self.models.currentIndexChanged.connect(lambda _: self.check_soon())
        for box in (self.layers, self.models):
            # Long names must not widen the panel.
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(12)
        folder = QToolButton(self)
        folder.setText("…")
        folder.setToolTip(tr("Add a model folder"))
        folder.clicked.connect(self._add_folder)
        model = QHBoxLayout()
        model.addWidget(self.models, 1)
        model.addWidget(folder)
        self.verdict = QLabel(self)
        self.verdict.setWordWrap(True)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.mend = QPushButton(tr("Mend it"), self)
        self.mend.clicked.connect(self._mend)
        self.mend.hide()
        form = QFormLayout()
        form.addRow(tr("Raster"), self.layers)
        form.addRow(tr("Model"), model)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self.verdict)
        layout.addWidget(self.mend)
        layout.addWidget(self._build_details())

    def _build_details(self) -> QWidget:
        box = QgsCollapsibleGroupBox(tr("Bands and values"), self)
        self.table = QFormLayout()
        self.scale, self.offset, self.nodata = QLineEdit(box), QLineEdit(box), QLineEdit(box)
        self.scale.setPlaceholderText(tr("as the file says; 0.0001 or 1/10000 for reflectance × 10,000"))
        self.offset.setPlaceholderText("0")
        self.nodata.setPlaceholderText(tr("as the file says"))
        values = QFormLayout()
        for text, edit in ((tr("Scale"), self.scale), (tr("Offset"), self.offset), (tr("Nodata"), self.nodata)):
            edit.editingFinished.connect(self.check_soon)
            values.addRow(text, edit)
        self.more = QListWidget(box)
        self.more.setMaximumHeight(90)
        self.more.setToolTip(tr("Further layers that hold bands of the same scene"))
        self.more.itemChanged.connect(lambda _: self.check_soon())
        layout = QVBoxLayout(box)
        layout.addLayout(self.table)
        layout.addLayout(values)
        layout.addWidget(QLabel(tr("Bands of the same scene in other layers:"), box))
        layout.addWidget(self.more)
        box.setCollapsed(True)
        self.details = box
        return box

    # --- what is chosen

    def layer(self) -> QgsRasterLayer | None:
        """Return the chosen raster."""
        layer = self.layers.currentLayer()
        return layer if isinstance(layer, QgsRasterLayer) else None

    def model(self) -> str:
        """Return name or folder of the chosen model."""
        return str(self.models.currentData() or "")

    def scene(self) -> commands.Scene:
        """Return the chosen scene.

        Raises
        ------
        QgsProcessingException
            If a layer is no file.
        """
        layer = self.layer()
        if layer is None:
            raise QgsProcessingException(tr("Add a raster layer to the project."))
        sources = [source_of(layer)]
        others = [QgsProject.instance().mapLayer(identifier) for identifier in self._others()]
        sources += [source_of(other) for other in others if isinstance(other, QgsRasterLayer)]
        texts = {"scale": self.scale, "offset": self.offset, "nodata": self.nodata}
        reading = {name: edit.text().strip() for name, edit in texts.items()}
        return commands.Scene(sources, self._bands, (), reading)

    def set_models(self, cards: list[dict[str, Any]], chosen: str = "") -> None:
        """Offer models; the chosen one, else the one before, else the default stays chosen."""
        before = chosen or self.model()
        self.models.blockSignals(True)
        self.models.clear()
        for card in cards:
            mark = tr(" (default)") if card.get("default") else ""
            self.models.addItem(f"{card['name']}{mark} – {card.get('title', '')}".rstrip(" –"), card["name"])
            if card.get("default"):
                self.models.setCurrentIndex(self.models.count() - 1)
        for folder in self._folders():
            self.models.addItem(os.path.basename(folder), folder)
        index = self.models.findData(before)
        if before and index >= 0:
            self.models.setCurrentIndex(index)
        self.models.blockSignals(False)
        self.check_soon()

    def _folders(self) -> list[str]:
        try:
            folders = json.loads(settings.get("model_folders", "[]"))
        except ValueError:
            return []
        return [folder for folder in folders if os.path.isdir(folder)]

    def _add_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder of a model"))
        if folder:
            settings.put("model_folders", json.dumps(list(dict.fromkeys([*self._folders(), folder]))))
            self.models.addItem(os.path.basename(folder), folder)
            self.models.setCurrentIndex(self.models.count() - 1)

    # --- the fit check

    def _layer_changed(self, _: Any = None) -> None:
        """Forget what belonged to the layer before. Also called when other layers come and go."""
        self._list_others()
        chosen = self.layer()
        if chosen is not None and chosen.id() == self._layer_id:
            return
        self._layer_id = chosen.id() if chosen is not None else ""
        self._bands, self._raw = "", []
        for edit in (self.scale, self.offset, self.nodata):
            edit.clear()
        self.check_soon()

    def _list_others(self) -> None:
        chosen, checked = self.layer(), self._others()
        self.more.blockSignals(True)
        self.more.clear()
        for layer in QgsProject.instance().mapLayers().values():
            if isinstance(layer, QgsRasterLayer) and layer is not chosen and layer.providerType() == "gdal":
                item = QListWidgetItem(layer.name(), self.more)
                item.setData(Qt.ItemDataRole.UserRole, layer.id())
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked if layer.id() in checked else Qt.CheckState.Unchecked)
        self.more.blockSignals(False)

    def _others(self) -> list[str]:
        """Return the ids of the further layers that are ticked."""
        items = [self.more.item(row) for row in range(self.more.count())]
        return [i.data(Qt.ItemDataRole.UserRole) for i in items if i.checkState() == Qt.CheckState.Checked]

    def check_soon(self) -> None:
        """Check the fit when the user has stopped changing things."""
        self._mends = 0
        self._timer.start(_DELAY)

    def check(self) -> None:
        """Ask geoseg whether raster and model fit."""
        self.stop()
        self.facts = {}
        self.mend.hide()
        self.checked.emit({})
        python = settings.interpreter()
        if not python or self.layer() is None:
            self.verdict.setText(tr("Choose a raster and a model.") if python else "")
            return
        try:
            arguments = commands.inspect(self.scene(), self.model())
        except QgsProcessingException as error:
            self._say(str(error), good=False)
            return
        self.verdict.setText(tr("Checking whether they fit…"))
        session = start(geoseg_command(python, arguments), self, self._answer, _LIMIT)
        if isinstance(session, RunError):
            self._say(str(session), good=False)
            return
        self._session = session

    def stop(self) -> None:
        """Drop a check that goes on."""
        if self._session is not None:
            self._session.drop()
            self._session = None

    def _answer(self, session: Session) -> None:
        self._session = None
        try:
            self.facts = realistic(read_facts(session.child, session.said))
        except RunError as error:
            self._say(str(error), good=False)
            return
        error = self.facts.get("error", {})
        remedy = error.get("mend", {})
        if remedy and self._mends:
            self._apply(remedy)
            return
        if error:
            self._say(error["message"], good=False)
            self.mend.setToolTip(", ".join(f"{name} {value}" for name, value in remedy.items()))
            self.mend.setVisible(bool(remedy))
        else:
            self._say(self._fit_text(), good=True)
        self._fill_table(remedy.get("bands", self._bands))
        if error and not remedy and not set(self.facts.get("needs", [])) <= set(self._raw):
            self.details.setCollapsed(False)  # which band is which can only be chosen
        self.checked.emit(self.facts)

    def _fit_text(self) -> str:
        facts = self.facts
        raster, run = facts["raster"], facts["run"]
        pixels = raster["width"] * raster["height"] / 1e6
        parts = [tr("They fit: {count} bands, {size:.1f} Mpx").format(count=len(raster["bands"]), size=pixels)]
        if run["seconds"] is not None:
            parts.append(tr("about {seconds:.0f} s").format(seconds=max(run["seconds"], 1)))
        parts.append(tr("{size:.1f} GB of memory").format(size=run["memory_bytes"] / 1e9))
        return "\n".join([", ".join(parts), *facts["warnings"]])

    def _say(self, text: str, *, good: bool) -> None:
        colour, mark = ("#1b7434", "✔") if good else ("#b3261e", "✖")
        safe = text.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")
        self.verdict.setText(f'<span style="color:{colour}"><b>{mark}</b></span> {safe}')

    def _mend(self) -> None:
        """Do what geoseg proposes, and what it proposes next, until they fit or it knows nothing more."""
        self._mends = _MENDS
        self._apply(self.facts.get("error", {}).get("mend", {}))

    def _apply(self, remedy: dict[str, str]) -> None:
        self._mends -= 1
        self._bands = remedy.get("bands", self._bands)
        for name, edit in (("scale", self.scale), ("offset", self.offset), ("nodata", self.nodata)):
            if name in remedy:
                edit.setText(remedy[name])
        self.check()

    # --- the table of bands

    def _fill_table(self, bands: str) -> None:
        """One row a band of the model, with the raster's bands to choose from."""
        while self.table.rowCount():
            self.table.removeRow(0)
        if not self._bands and "raster" in self.facts:
            self._raw = [band["name"] for band in self.facts["raster"]["bands"]]
        numbers = dict(part.split("=", 1) for part in bands.split(",") if "=" in part)
        given = {name: int(number) for name, number in numbers.items() if number.isdigit()}
        for name in self.facts.get("needs", []):
            box = QComboBox(self.details)
            box.addItem(tr("(none)"), 0)
            for number, label in enumerate(self._raw, 1):
                box.addItem(f"{number} {label}", number)
            named = self._raw.index(name) + 1 if name in self._raw else 0
            box.setCurrentIndex(given.get(name, named))
            box.currentIndexChanged.connect(lambda _: self._table_changed())
            self.table.addRow(name, box)

    def _table_changed(self) -> None:
        chosen = {}
        for row in range(self.table.rowCount()):
            label = self.table.itemAt(row, QFormLayout.ItemRole.LabelRole).widget().text()
            chosen[label] = self.table.itemAt(row, QFormLayout.ItemRole.FieldRole).widget().currentData()
        if all(chosen.values()):
            self._bands = ",".join(f"{name}={number}" for name, number in chosen.items())
            self.check_soon()
