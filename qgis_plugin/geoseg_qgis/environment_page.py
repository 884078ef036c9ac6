"""The page that finds or makes geoseg's Python. Nothing is downloaded or changed before a button is pressed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from qgis.core import QgsApplication
from qgis.gui import QgsFileWidget, QgsFilterLineEdit
from qgis.PyQt.QtCore import Qt, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from . import environment, installation, settings
from .environment import Probe
from .runner import RunError
from .session import Session
from .tr import tr


class EnvironmentPage(QDialog):
    """Finds, checks, makes and removes the environment."""

    changed = pyqtSignal()
    """Another interpreter is used from now on, or the same one was checked anew."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("GeoSeg environment"))
        self.resize(760, 680)
        self._work: installation.Installation | None = None
        self._probing: Session | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._poll)
        self._build()
        self.show_state()
        self.show_recipe()

    def _build(self) -> None:
        self.state = QLabel(self)
        self.state.setWordWrap(True)
        self.state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text = tr(
            "geoseg runs in a Python of its own, so that nothing is installed into QGIS. Make one here, or use one "
            "that has geoseg already."
        )
        intro = QLabel(text, self)
        intro.setWordWrap(True)
        self.log = QPlainTextEdit(self)
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(5000)
        self.log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.check_button = QPushButton(tr("Check"), self)
        self.check_button.clicked.connect(self.check)
        self.copy_button = QPushButton(tr("Copy diagnostics"), self)
        self.copy_button.clicked.connect(self.copy_diagnostics)
        close = QPushButton(tr("Close"), self)
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        for button in (self.check_button, self.copy_button):
            buttons.addWidget(button)
        buttons.addStretch()
        buttons.addWidget(close)
        layout = QVBoxLayout(self)
        for widget in (intro, self.state, self._build_managed(), self._build_own()):
            layout.addWidget(widget)
        layout.addWidget(self.log, 1)
        layout.addLayout(buttons)

    def _build_managed(self) -> QWidget:
        box = QGroupBox(tr("Managed environment"), self)
        self.device = QComboBox(box)
        self.device.addItem(tr("CPU"), "cpu")
        self.device.addItem(tr("NVIDIA GPU (CUDA), where the driver allows it"), "cuda")
        self.device.addItem(tr("PyTorch from the ordinary package index (on Linux with CUDA)"), "index")
        self.package, self.proxy = QgsFilterLineEdit(box), QgsFilterLineEdit(box)
        self.package.setText(str(settings.get("package", installation.PACKAGE)))
        self.package.setToolTip(tr("Name, wheel, or folder with geoseg's source; [train] adds what training needs"))
        self.proxy.setText(settings.proxy())
        self.proxy.setPlaceholderText(tr("as the system says; else http://host:port"))
        self.wheels = QgsFileWidget(box)
        self.wheels.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.wheels.lineEdit().setPlaceholderText(tr("without network: a folder of wheels from `pip download`"))
        form = QFormLayout()
        rows = (
            (tr("Device"), self.device),
            (tr("Package"), self.package),
            (tr("Proxy"), self.proxy),
            (tr("Wheels"), self.wheels),
        )
        for text, widget in rows:
            form.addRow(text, widget)
        self.recipe = QPlainTextEdit(box)
        self.recipe.setReadOnly(True)
        self.recipe.setMaximumHeight(110)
        self.recipe.setToolTip(tr("What will be done"))
        self.make_button, self.remove_button = QPushButton(tr("Make it"), box), QPushButton(tr("Remove it"), box)
        self.cancel_button = QPushButton(tr("Cancel"), box)
        self.make_button.clicked.connect(self.make)
        self.remove_button.clicked.connect(self.remove)
        self.cancel_button.clicked.connect(self.cancel)
        self.device.currentIndexChanged.connect(lambda _: self.show_recipe())
        self.package.editingFinished.connect(self.show_recipe)
        self.proxy.editingFinished.connect(self.show_recipe)
        self.wheels.fileChanged.connect(lambda _: self.show_recipe())
        line = QHBoxLayout()
        for button in (self.make_button, self.cancel_button, self.remove_button):
            line.addWidget(button)
        layout = QVBoxLayout(box)
        layout.addLayout(form)
        layout.addWidget(self.recipe)
        layout.addLayout(line)
        return box

    def _build_own(self) -> QWidget:
        box = QGroupBox(tr("Use my own interpreter"), self)
        self.own = QgsFileWidget(box)
        self.own.setStorageMode(QgsFileWidget.StorageMode.GetFile)
        self.own.setFilePath(str(settings.get("python")))
        self.own.lineEdit().setPlaceholderText(tr("a python program that has geoseg; empty: the managed environment"))
        self.use_button = QPushButton(tr("Use it"), box)
        self.use_button.clicked.connect(self.use_own)
        layout = QHBoxLayout(box)
        layout.addWidget(self.own, 1)
        layout.addWidget(self.use_button)
        return box

    # --- state

    def show_state(self, found: Probe | None = None) -> None:
        """Say which interpreter is used and what is known of it."""
        python = settings.interpreter()
        found = found or settings.last_probe(python)
        if not python:
            text = tr("There is none yet.")
        elif found is None:
            text = tr("{python}: not checked yet").format(python=python)
        else:
            text = f"{'✔' if found.works else '✖'} {python}: {found.describe()}"
        self.state.setText(text)
        busy = self._work is not None or self._probing is not None
        self.make_button.setEnabled(not busy)
        self.use_button.setEnabled(not busy)
        self.check_button.setEnabled(not busy and bool(python))
        self.cancel_button.setEnabled(busy)
        self.remove_button.setEnabled(not busy and environment.managed_folder().exists())

    def wish(self) -> installation.Wish:
        """Return what is chosen on the page."""
        return installation.Wish(
            device=str(self.device.currentData()),
            package=self.package.text().strip(),
            wheels=self.wheels.filePath(),
            proxy=self.proxy.text().strip(),
        )

    def show_recipe(self) -> installation.Recipe | None:
        """Show folder, size and commands before anything is done."""
        # On Windows and macOS the Python inside QGIS belongs to QGIS alone.
        own = [] if sys.platform.startswith("linux") else [sys.prefix, QgsApplication.prefixPath()]
        try:
            recipe = installation.make_recipe(self.wish(), within=own)
        except (RunError, OSError) as error:
            self.recipe.setPlainText(str(error))
            return None
        self.recipe.setPlainText(recipe.describe())
        return recipe

    # --- making

    def make(self) -> None:
        """Make the managed environment."""
        recipe = self.show_recipe()
        if recipe is None or self._work is not None:
            return
        settings.put("package", self.package.text().strip())
        self.log.clear()
        self._work = installation.Installation(recipe)
        self._timer.start(100)
        self.show_state()

    def _poll(self) -> None:
        if self._work is None:
            return
        for event in self._work.poll():
            self.say(event["message"])
        if not self._work.ended:
            return
        work, self._work = self._work, None
        self._timer.stop()
        if work.error:
            self.say(work.error)
        elif work.probe is not None:
            settings.put("python", "")
            self.own.setFilePath("")
            settings.remember_probe(work.probe)
            self.say(tr("Done: {what}").format(what=work.probe.describe()))
            self.changed.emit()
        self.show_state()

    def cancel(self) -> None:
        """Stop what goes on."""
        if self._work is not None:
            self._work.cancel()
        if self._probing is not None:
            self._probing.cancel()

    def remove(self) -> None:
        """Delete the managed environment."""
        installation.remove()
        self.say(tr("Removed."))
        self.show_state()
        self.changed.emit()

    # --- checking

    def use_own(self) -> None:
        """Use the interpreter that the user chose; an empty field means the managed environment."""
        settings.put("python", self.own.filePath().strip())
        self.check()

    def check(self) -> None:
        """Import geoseg in the interpreter that is used and say what came of it."""
        python = settings.interpreter()
        if not python or self._probing is not None:
            self.show_state()
            self.changed.emit()
            return
        try:
            session = Session(environment.probe_command(python), self, environment.PROBE_LIMIT)
        except RunError as error:
            self._found(Probe(python, error=str(error)))
            return
        session.ended.connect(lambda ended: self._found(environment.read_probe(ended.child)))
        self._probing = session
        self.say(tr("Checking {python}: importing geoseg and what it needs").format(python=python))
        self.show_state()

    def _found(self, found: Probe) -> None:
        self._probing = None
        settings.remember_probe(found)
        self.say(found.describe())
        self.show_state(found)
        self.changed.emit()

    # --- telling

    def say(self, line: str) -> None:
        """Add a line to the log."""
        self.log.appendPlainText(line)

    def copy_diagnostics(self) -> None:
        """Put the text for a bug report on the clipboard."""
        QgsApplication.clipboard().setText(diagnostics(self.log.toPlainText().splitlines()))
        self.say(tr("Diagnostics are on the clipboard."))

    def shut_down(self) -> None:
        """End what runs."""
        if self._work is not None:
            self._work.close()
            self._work = None
        if self._probing is not None:
            self._probing.drop()
            self._probing = None


def diagnostics(log: list[str]) -> str:
    """Return the text for a bug report."""
    from qgis.core import Qgis
    from qgis.PyQt.QtCore import QT_VERSION_STR

    python = settings.interpreter()
    host: dict[str, Any] = {
        "plugin": _version(),
        "QGIS": Qgis.QGIS_VERSION,
        "Qt": QT_VERSION_STR,
        "Python of QGIS": sys.version.split()[0],
    }
    return environment.diagnostics(python, settings.last_probe(python), host, log)


def _version() -> str:
    text = Path(__file__).with_name("metadata.txt").read_text("utf-8")
    return next(line.partition("=")[2] for line in text.splitlines() if line.startswith("version="))
