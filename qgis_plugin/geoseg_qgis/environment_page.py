"""The page that installs geoseg or finds it. Nothing is downloaded or changed before a button is pressed."""

from __future__ import annotations

import sys

from qgis.core import QgsApplication
from qgis.gui import QgsCollapsibleGroupBox, QgsFileWidget, QgsFilterLineEdit
from qgis.PyQt.QtCore import Qt, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QFrame,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from . import environment, installation, settings
from .diagnostics import diagnostics
from .environment import Probe
from .install_progress import Gauge
from .runner import RunError
from .session import Session
from .tr import tr

_RED = "color: #b3261e"


class EnvironmentPage(QDialog):
    """Installs geoseg, or checks an interpreter that has it."""

    changed = pyqtSignal()
    """Another interpreter is used from now on, or the same one was checked anew."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Set up GeoSeg"))
        self.resize(620, 560)
        self._work: installation.Installation | None = None
        self._probing: Session | None = None
        self._search: environment.BaseSearch | None = None
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._poll)
        self._build()
        self.show_state()
        self.show_recipe()

    def _build(self) -> None:
        self.state = QLabel(self)
        self.state.setWordWrap(True)
        self.state.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text = tr("geoseg runs in a Python of its own, outside QGIS: nothing is installed into QGIS itself.")
        intro = QLabel(text, self)
        intro.setWordWrap(True)
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
        inside = QWidget(self)
        layout = QVBoxLayout(inside)
        for widget in (intro, self.state, self._build_install(), self._build_advanced(), self._build_log()):
            layout.addWidget(widget)
        layout.addStretch()
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(inside)
        outer = QVBoxLayout(self)
        outer.addWidget(area)
        outer.addLayout(buttons)

    def _build_install(self) -> QWidget:
        box = QGroupBox(tr("Install"), self)
        self.device = QComboBox(box)
        self.device.addItem(tr("CPU"), "cpu")
        self.device.addItem(tr("NVIDIA GPU (CUDA)"), "cuda")
        self.device.currentIndexChanged.connect(lambda _: self.show_recipe())
        self.size = QLabel(box)
        self.size.setWordWrap(True)
        self.make_button, self.cancel_button = QPushButton(tr("Install"), box), QPushButton(tr("Cancel"), box)
        self.make_button.clicked.connect(lambda *_: self.make())
        self.cancel_button.clicked.connect(self.cancel)
        self.other_button = QPushButton(box)
        self.other_button.clicked.connect(self._make_other)
        self.other_button.hide()
        self.bar = QProgressBar(box)
        self.bar.setRange(0, 1000)
        self.bar.hide()
        self.progress = QLabel(box)
        self.progress.setWordWrap(True)
        self.progress.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        line = QHBoxLayout()
        line.addWidget(QLabel(tr("Compute on"), box))
        line.addWidget(self.device, 1)
        line.addWidget(self.make_button)
        line.addWidget(self.cancel_button)
        layout = QVBoxLayout(box)
        layout.addLayout(line)
        for widget in (self.size, self.bar, self.progress, self.other_button):
            layout.addWidget(widget)
        return box

    def _build_advanced(self) -> QWidget:
        box = QgsCollapsibleGroupBox(tr("Advanced"), self)
        self.package, self.proxy = QgsFilterLineEdit(box), QgsFilterLineEdit(box)
        self.package.setText(str(settings.get("source")))
        self.package.setPlaceholderText(installation.own_source() or installation.PACKAGE)
        self.package.setToolTip(tr("A wheel, a folder with geoseg's source, or a name in the package index"))
        self.checkout_button = QToolButton(box)
        self.checkout_button.setText("…")
        self.checkout_button.setToolTip(tr("Choose a folder with geoseg's source"))
        self.checkout_button.clicked.connect(self._choose_checkout)
        source = QHBoxLayout()
        source.addWidget(self.package, 1)
        source.addWidget(self.checkout_button)
        self.proxy.setText(settings.proxy())
        self.proxy.setPlaceholderText(tr("the system's; else http://host:port"))
        self.wheels = QgsFileWidget(box)
        self.wheels.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self.wheels.lineEdit().setPlaceholderText(tr("without network: a folder filled by `pip download`"))
        self.recipe = QPlainTextEdit(box)
        self.recipe.setReadOnly(True)
        self.recipe.setMaximumHeight(110)
        self.recipe.setToolTip(tr("The commands that Install runs"))
        self.remove_button = QPushButton(tr("Remove the installation"), box)
        self.remove_button.clicked.connect(self.remove)
        self.package.editingFinished.connect(self.show_recipe)
        self.proxy.editingFinished.connect(self.show_recipe)
        self.wheels.fileChanged.connect(lambda _: self.show_recipe())
        form = QFormLayout(box)
        form.addRow(tr("Source"), source)
        form.addRow(tr("Proxy"), self.proxy)
        form.addRow(tr("Wheel folder"), self.wheels)
        form.addRow(tr("Commands"), self.recipe)
        form.addRow(tr("Own Python"), self._build_own(box))
        form.addRow("", self.remove_button)
        box.setCollapsed(True)
        return box

    def _build_own(self, box: QWidget) -> QHBoxLayout:
        self.own = QgsFileWidget(box)
        self.own.setStorageMode(QgsFileWidget.StorageMode.GetFile)
        self.own.setFilePath(str(settings.get("python")))
        self.own.lineEdit().setPlaceholderText(tr("a python program that has geoseg; empty: the installation above"))
        self.use_button = QPushButton(tr("Use it"), box)
        self.use_button.clicked.connect(self.use_own)
        layout = QHBoxLayout()
        layout.addWidget(self.own, 1)
        layout.addWidget(self.use_button)
        return layout

    def _build_log(self) -> QWidget:
        box = QgsCollapsibleGroupBox(tr("Log"), self)
        self.log = QPlainTextEdit(box)
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(5000)
        self.log.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.log.setMinimumHeight(160)
        layout = QVBoxLayout(box)
        layout.addWidget(self.log)
        box.setCollapsed(True)
        return box

    # --- state

    def show_state(self, found: Probe | None = None) -> None:
        """Show which interpreter is used and what is known of it."""
        python = settings.interpreter()
        found = found or settings.last_probe(python)
        if not python:
            text = tr("geoseg is not installed yet.")
        elif found is None:
            text = tr("{python}: not checked yet").format(python=python)
        else:
            text = f"{'✔' if found.works else '✖'} {python}: {found.describe()}"
        self.state.setText(text)
        self.state.setStyleSheet(_RED if found is not None and not found.works else "")
        busy = self._work is not None or self._probing is not None
        self.make_button.setEnabled(not busy)
        self.use_button.setEnabled(not busy)
        self.check_button.setEnabled(not busy and bool(python))
        self.cancel_button.setEnabled(busy)
        self.bar.setVisible(self._work is not None)
        self.remove_button.setEnabled(not busy and environment.managed_folder().exists())

    def wish(self, device: str = "", certificates: str = "") -> installation.Wish:
        """Return what is chosen on the page."""
        return installation.Wish(
            device=device or str(self.device.currentData()),
            package=self.package.text().strip(),
            wheels=self.wheels.filePath(),
            proxy=self.proxy.text().strip(),
            certificates=certificates,
            helper=settings.python_of_qgis(),
        )

    def show_recipe(self, device: str = "", certificates: str = "") -> installation.Recipe | None:
        """Show folder, size and commands before anything is done."""
        own = _own_folders()
        if not self._base_is_known(own):
            self.recipe.setPlainText(tr("Looking for a Python that geoseg can be installed with…"))
            QTimer.singleShot(50, self.show_recipe)
            return None
        try:
            recipe = installation.make_recipe(self.wish(device, certificates), within=own)
        except (RunError, OSError) as error:
            self.recipe.setPlainText(str(error))
            self._show_problem(str(error))
            self.size.setText("")
            return None
        self.recipe.setPlainText(recipe.describe())
        text = tr("Needs about {size} on disk ({free:.0f} GB free), in {folder}")
        self.size.setText(text.format(size=recipe.size, free=recipe.free() / 1e9, folder=recipe.folder))
        self._show_problem("")
        return recipe

    def _base_is_known(self, own: list[str]) -> bool:
        """Whether the Python that makes the environment is known, or not needed; else it is looked for."""
        if self._search is None and not environment.find_uv():
            self._search = environment.BaseSearch(own)
        known = self._search is None or self._search.ended
        self.make_button.setEnabled(known and self._work is None and self._probing is None)
        return known

    def _choose_checkout(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, tr("Folder with geoseg's source"))
        if folder:
            self.package.setText(folder)
            self.show_recipe()

    # --- installing

    def make(self, device: str = "") -> None:
        """Create the managed environment."""
        recipe = self.show_recipe(device, settings.certificates())
        if recipe is None or self._work is not None:
            return
        if recipe.free() < recipe.bytes:
            text = tr("The disk of {folder} has {free:.1f} GB free, {size} are needed.")
            self._show_problem(text.format(folder=recipe.folder, free=recipe.free() / 1e9, size=recipe.size))
            return
        settings.put("source", self.package.text().strip())
        self.log.clear()
        self.other_button.hide()
        self._work = installation.Installation(recipe)
        self._timer.start(200)
        self.show_state()

    def _make_other(self) -> None:
        self.make("index")

    def _poll(self) -> None:
        if self._work is None:
            return
        for event in self._work.poll():
            self.say(event["message"])
        if not self._work.ended:
            self.bar.setValue(int(self._work.gauge.percent * 10))
            self.progress.setText(self._progress_text(self._work.gauge))
            return
        work, self._work = self._work, None
        self._timer.stop()
        if work.error:
            self._failed(work)
        elif work.probe is not None:
            settings.put("python", "")
            self.own.setFilePath("")
            settings.remember_probe(work.probe)
            self.progress.setText(tr("Done: {what}").format(what=work.probe.describe()))
            self.say(self.progress.text())
            self.changed.emit()
        self.show_state()

    def _failed(self, work: installation.Installation) -> None:
        kept = tr("What was downloaded is kept: Install continues from there.") if work.gauge.done > 1e6 else ""
        self._show_problem(f"{work.error}\n{kept}".strip())
        self.say(work.error)
        if work.other:
            size = installation.BYTES[work.other] / 1e9
            text = tr("Install PyTorch from the ordinary package index instead (about {size:.0f} GB)")
            self.other_button.setText(text.format(size=size))
            self.other_button.show()

    def _show_problem(self, text: str) -> None:
        self.progress.setText(text)
        self.progress.setStyleSheet(_RED if text else "")

    @staticmethod
    def _progress_text(gauge: Gauge) -> str:
        if gauge.phase == "download":
            text = tr("Downloading and unpacking: {done:.1f} of about {total:.1f} GB")
            text = text.format(done=gauge.done / 1e9, total=gauge.total / 1e9)
            left = gauge.seconds_left
            if left is None:
                return text
            return f"{text}, " + tr("{minutes:.0f} min left").format(minutes=max(left / 60, 1))
        names = {
            "prepare": tr("Preparing"),
            "install": tr("Installing"),
            "check": tr("Checking: importing geoseg and its dependencies"),
        }
        return names[gauge.phase]

    def cancel(self) -> None:
        """Stop what is running."""
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


def _own_folders() -> list[str]:
    """Return folders of Pythons that belong to QGIS alone: those inside it on Windows and macOS."""
    return [] if sys.platform.startswith("linux") else [sys.prefix, QgsApplication.prefixPath()]
