"""Top of the dock: which raster, which model, and whether they fit."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

from qgis.core import QgsMapLayerProxyModel, QgsProcessingException, QgsProject, QgsRasterLayer
from qgis.gui import QgsMapLayerComboBox
from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from . import commands, settings
from .algorithms.base import is_file, source_of
from .algorithms.inspect import read_facts
from .labels import labels
from .panel_bands import BandsPanel
from .panel_units import ValuesQuestion
from .phases import realistic
from .project_state import LayersHidden, own
from .runner import RunError, geoseg_command
from .session import Session, start
from .tr import tr
from .widgets import Button, Flow, WrappedLabel, form, narrow
from .words import fitting_models, missing_bands, without_options

_DELAY = 250  # milliseconds after the last change before the fit is checked
_LIMIT = 120.0  # seconds for an answer; files on slow network drives take long
_MENDS = 3  # remedies that are tried one after the other: bands, then scale


class ScenePanel(QWidget):
    """Raster, model and fit check."""

    checked = pyqtSignal(dict)
    """What ``geoseg inspect`` found; empty while it is not known."""
    changed = pyqtSignal(str)
    """Id of the raster layer that is chosen now; empty if there is none."""
    classes_wanted = pyqtSignal()
    """The user wants classes of his own for this raster."""
    rendering_wanted = pyqtSignal()
    """The user wants what a map service shows as a raster file."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.facts: dict[str, Any] = {}
        self._session: Session | None = None
        self._mends = 0
        self._layer_id = ""
        self._wanted = ""  # model of the project, until it is in the list
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.check)
        self._build()

    def _build(self) -> None:
        self.layers = QgsMapLayerComboBox(self)
        self.layers.setFilters(QgsMapLayerProxyModel.Filter.RasterLayer)
        self.layers.layerChanged.connect(self._layer_changed)
        self._hidden = LayersHidden(self.layers, own(QgsRasterLayer))
        self.models = QComboBox(self)
        self.models.currentIndexChanged.connect(lambda _: self.check_soon())
        narrow(self.layers, self.models)  # long names must not widen the panel
        folder = QToolButton(self)
        folder.setText("…")
        folder.setToolTip(tr("Add a model folder"))
        folder.clicked.connect(self._add_folder)
        model = QHBoxLayout()
        model.addWidget(self.models, 1)
        model.addWidget(folder)
        self.verdict = WrappedLabel("", self)
        self.values = ValuesQuestion(self)
        self.values.unit_chosen.connect(self._state)
        self.values.raw_chosen.connect(self._ask_for_gain)
        self.values.fill_chosen.connect(lambda value: self._state({"nodata": value}))
        self.details = BandsPanel(self)
        self.details.changed.connect(self.check_soon)
        choices = form()
        choices.addRow(tr("Raster"), self.layers)
        choices.addRow(tr("Model"), model)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(choices)
        layout.addWidget(self.verdict)
        layout.addLayout(self._build_ways())
        layout.addWidget(self.values)
        layout.addWidget(self.details)

    def _build_ways(self) -> Flow:
        """Make the buttons that lead on from a raster that does not fit."""
        self.mend = Button(tr("Fix"), self)
        self.mend.clicked.connect(self._mend)
        self.use_button = Button("", self)
        self.use_button.clicked.connect(self._use_fitting)
        self.classes_button = Button(tr("New classes…"), self)
        self.classes_button.setToolTip(tr("Name classes, draw examples of them on this raster, and train a model"))
        self.classes_button.clicked.connect(self.classes_wanted)
        self.render_button = Button(tr("Render to a file…"), self)
        self.render_button.clicked.connect(self.rendering_wanted)
        ways = (self.mend, self.use_button, self.classes_button, self.render_button)
        for button in ways:
            button.hide()
        return Flow(*ways)

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
        sources += [source_of(other) for other in self.details.others()]
        return commands.Scene(commands.together(sources), self.details.bands, (), self.details.reading())

    def set_models(self, cards: list[dict[str, Any]], chosen: str = "") -> None:
        """Offer models; the chosen one, else the one before, else the default stays chosen."""
        before = chosen or self._wanted or self.model()
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
            self._wanted = ""
        self.models.blockSignals(False)
        self.check_soon()

    def state(self) -> dict[str, Any]:
        """Return what is chosen, for the project."""
        return {
            "raster": self._layer_id,
            "model": self._wanted or self.model(),
            "bands": self.details.bands,
            "reading": self.details.reading(),
            "others": [layer.id() for layer in self.details.others()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Choose what :meth:`state` returned, as far as it is there."""
        layer = QgsProject.instance().mapLayer(str(state.get("raster", "")))
        if layer is None:
            return
        self.layers.setLayer(layer)
        self._layer_changed()
        self.details.tick(state.get("others", []))
        self.details.state({"bands": str(state.get("bands", "")), **state.get("reading", {})})
        self._wanted = str(state.get("model", ""))
        index = self.models.findData(self._wanted)
        if index >= 0:
            self.models.setCurrentIndex(index)
            self._wanted = ""
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
        chosen = self.layer()
        self.details.list_layers(chosen)
        if chosen is not None and chosen.id() == self._layer_id:
            return
        self._layer_id = chosen.id() if chosen is not None else ""
        self.details.clear()
        self.values.clear()
        self.changed.emit(self._layer_id)
        self.check_soon()

    def check_soon(self) -> None:
        """Check the fit when the user has stopped changing things."""
        self._mends = 0
        self._timer.start(_DELAY)

    def check(self) -> None:
        """Ask geoseg whether raster and model fit."""
        self.stop()
        self.facts = {}
        for button in (self.mend, self.use_button, self.classes_button, self.render_button):
            button.hide()
        self.checked.emit({})
        python = settings.interpreter()
        if not python or self.layer() is None:
            self.verdict.show_text(tr("Choose a raster and a model.") if python else "")
            return
        try:
            arguments = commands.inspect(self.scene(), self.model(), pictures=True)
        except QgsProcessingException as error:
            self._say(str(error), good=False)
            self.render_button.setVisible(not is_file(self.layer()))
            return
        self.verdict.show_text(tr("Checking whether they fit…"))
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

    def estimate_again(self) -> None:
        """Ask how long a run takes if that was not known yet: a preview has measured the model's speed."""
        facts, python = self.facts, settings.interpreter()
        known = facts.get("run", {}).get("model_seconds") is not None
        if known or not facts.get("fits") or self._session is not None or not python:
            return

        def answer(session: Session) -> None:
            self._session = None
            with suppress(RunError):
                run = realistic(read_facts(session.child, session.said)).get("run")
                if run and self.facts is facts:
                    self.facts = {**facts, "run": run}
                    self._say(self._fit_text(), good=True)

        with suppress(QgsProcessingException):
            session = start(geoseg_command(python, commands.inspect(self.scene(), self.model())), self, answer, _LIMIT)
            self._session = None if isinstance(session, RunError) else session

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
        missing = self._missing()
        if error:
            self._say(self._why_not(missing), good=False)
            self.verdict.setToolTip(without_options(error["message"], labels()))
            self.mend.setToolTip(", ".join(f"{labels().get(name, name)} {value}" for name, value in remedy.items()))
            self.mend.setVisible(bool(remedy))
            self._show_ways(missing)
        else:
            self._say(self._fit_text(), good=True)
        self.values.ask_unit(self.facts.get("units") or {}, self.details.reading(), misfit=self._unit_is_wrong())
        self.values.ask_border(self.facts.get("fill"))
        self.details.show_bands(self.facts, remedy.get("bands", ""))
        if missing and not remedy:
            self.details.setCollapsed(False)  # which band is which can only be chosen
        self.checked.emit(self.facts)

    def _missing(self) -> list[str]:
        raster = self.facts.get("raster")
        have = [band["name"] for band in raster["bands"]] if raster else []
        return missing_bands(self.facts.get("needs", []), have) if raster else []

    def _why_not(self, missing: list[str]) -> str:
        if missing:
            return self._band_text(missing)
        if self._unit_is_wrong():
            return tr("In the unit assumed now, the values do not look like those that the model was trained on.")
        return str(self.facts["error"]["message"])

    def _unit_is_wrong(self) -> bool:
        """Whether it is the unit of the values, as far as can be told, that keeps raster and model from fitting."""
        units = self.facts.get("units") or {}
        contract = self.facts.get("error", {}).get("type") == "ContractError"
        return contract and units.get("verdict") != "certain" and len(units.get("choices", [])) > 1

    def _band_text(self, missing: list[str]) -> str:
        needs, have = self.facts["needs"], [band["name"] for band in self.facts["raster"]["bands"]]
        if len(have) >= len(needs):
            text = tr("The model needs the bands {needs}. The raster does not name {missing}: choose them below.")
            return text.format(needs=", ".join(needs), missing=", ".join(missing))
        text = tr("The model needs {count} bands ({needs}), the raster has {have} ({names}).")
        parts = [text.format(count=len(needs), needs=", ".join(needs), have=len(have), names=", ".join(have))]
        if not self._fitting(have):
            parts.append(
                tr(
                    "No installed model works with these bands alone. Add bands from other layers below, add a model "
                    "folder (…), or name classes of your own, draw examples and train a model on them."
                )
            )
        return "\n".join(parts)

    def _show_ways(self, missing: list[str]) -> None:
        """Offer a model that fits, or to make one."""
        have = [band["name"] for band in self.facts["raster"]["bands"]] if missing else []
        fitting = self._fitting(have)
        self.use_button.setVisible(bool(fitting))
        if fitting:
            self.use_button.setText(tr("Use model {name}").format(name=fitting[0]))
            self.use_button.setProperty("model", fitting[0])
        self.classes_button.setVisible(bool(missing))

    def _fitting(self, have: list[str]) -> list[str]:
        """Return the listed models whose bands the raster has, those made for pixels of its size first."""
        names = [card["name"] for card in fitting_models(settings.known_models(), have)]
        proposed = self.facts.get("proposed") or []
        return sorted(names, key=lambda name: proposed.index(name) if name in proposed else len(proposed))

    def _use_fitting(self) -> None:
        self.models.setCurrentIndex(self.models.findData(self.use_button.property("model")))

    def _fit_text(self) -> str:
        facts = self.facts
        raster, run = facts["raster"], facts["run"]
        pixels = raster["width"] * raster["height"] / 1e6
        parts = [tr("They fit: {count} bands, {size:.1f} Mpx").format(count=len(raster["bands"]), size=pixels)]
        if run["seconds"] is not None:
            parts.append(tr("about {seconds:.0f} s").format(seconds=max(run["seconds"], 1)))
        else:
            parts.append(tr("the first run, or a preview, measures how long it takes"))
        parts.append(tr("{size:.1f} GB of memory").format(size=run["memory_bytes"] / 1e9))
        fill = (facts.get("fill") or {}).get("options", {}).get("nodata")
        asked = f"--nodata {fill}," if fill else "\0"  # a question of its own, below
        lines = [", ".join(parts), *(text for text in facts["warnings"] if asked not in text)]
        if (facts.get("units") or {}).get("verdict") == "unknown":
            lines.append(
                tr("The unit of the values is not checked: the model does not say how its own are distributed.")
            )
        return "\n".join(lines)

    def _say(self, text: str, *, good: bool) -> None:
        colour, mark = ("#1b7434", "✔") if good else ("#b3261e", "✖")
        self.verdict.show_text(without_options(text, labels()), mark, colour)

    def _state(self, reading: dict[str, str]) -> None:
        """Write scale, offset or nodata into their fields and check again."""
        self.details.state(reading)
        self.check()

    def _ask_for_gain(self) -> None:
        """Say what digital numbers need before a model can read them; nothing can be run until then."""
        self.facts = {**self.facts, "fits": False}
        self._say(
            tr(
                "The model was trained on reflectance, which digital numbers become by a gain and an offset: write "
                "those of the scene's metadata into Scale and Offset below, or convert the scene to reflectance "
                "first. Without them only a model of your own can be used, trained on this raster (New classes…)."
            ),
            good=False,
        )
        self.mend.hide()
        self.classes_button.show()
        self.details.setCollapsed(False)
        self.details.scale.setFocus()
        self.checked.emit(self.facts)

    def _mend(self) -> None:
        """Do what geoseg proposes, and what it proposes next, until they fit or it knows nothing more."""
        self._mends = _MENDS
        self._apply(self.facts.get("error", {}).get("mend", {}))

    def _apply(self, remedy: dict[str, str]) -> None:
        self._mends -= 1
        self._state(remedy)
