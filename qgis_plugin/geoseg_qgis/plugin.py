"""The plugin: provider, dock, menu. In the desktop all of it, under qgis_process the provider alone."""

from __future__ import annotations

import os
from typing import Any

from qgis.core import QgsApplication, QgsSettings
from qgis.PyQt.QtCore import QCoreApplication, Qt, QTranslator, QUrl
from qgis.PyQt.QtGui import QDesktopServices, QIcon

from .provider import GeosegProvider
from .tr import tr

try:
    from qgis.PyQt.QtGui import QAction  # Qt 6
except ImportError:
    from qgis.PyQt.QtWidgets import QAction

FOLDER = os.path.dirname(os.path.abspath(__file__))


class GeoSegPlugin:
    """What QGIS starts and ends."""

    def __init__(self, iface: Any) -> None:
        self.iface = iface  # None under qgis_process
        self.provider: GeosegProvider | None = None
        self.dock: Any = None
        self.accuracy: Any = None
        self._new_accuracy: Any = None
        self.changes: Any = None
        self._new_changes: Any = None
        self._actions: list[QAction] = []
        self._translator = _translator()

    def initProcessing(self) -> None:
        """Add the provider. All that qgis_process calls."""
        self.provider = GeosegProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self) -> None:
        """Add provider, dock panel and menu."""
        self.initProcessing()
        # With the start of QGIS: a window opens at once later. Under qgis_process there are none.
        from . import accuracy, changes
        from .dock import GeosegDock

        self._new_accuracy, self._new_changes = accuracy.AccuracyDialog, changes.ChangeDialog
        self.dock = GeosegDock(self.iface)
        self.iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
        self.dock.hide()
        self._add(tr("GeoSeg panel"), self.show_dock, toolbar=True)
        self._add(tr("Accuracy and areas…"), self.show_accuracy)
        self._add(tr("Detect changes…"), self.show_changes)
        self._add(tr("Environment…"), self.dock.open_environment)
        self._add(tr("Copy diagnostics"), self.dock.copy_diagnostics)
        self._add(tr("Help"), show_help)

    def unload(self) -> None:
        """Take everything away; a run that goes on is ended."""
        for action in self._actions:
            self.iface.removePluginMenu("GeoSeg", action)
            self.iface.removeToolBarIcon(action)
        self._actions.clear()
        for window in (self.accuracy, self.changes):
            if window is not None:
                window.shut_down()
                window.deleteLater()
        self.accuracy = self.changes = None
        if self.dock is not None:
            self.dock.shut_down()
            self.iface.removeDockWidget(self.dock)
            self.dock.deleteLater()
            self.dock = None
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
        if self._translator is not None:
            QCoreApplication.removeTranslator(self._translator)

    def show_dock(self) -> None:
        """Show the panel, in front of others in its place."""
        self.dock.setUserVisible(True)

    def show_accuracy(self) -> None:
        """Open the dialog that measures a map's accuracy."""
        if self.accuracy is None:
            self.accuracy = self._new_accuracy(self.iface)
        self.accuracy.list_maps()
        self.accuracy.show()
        self.accuracy.raise_()

    def show_changes(self) -> None:
        """Open the window that compares two dates."""
        if self.changes is None:
            self.changes = self._new_changes(self.iface, self.dock.scene)
        self.changes.show()
        self.changes.raise_()

    def _add(self, text: str, slot: Any, *, toolbar: bool = False) -> None:
        action = QAction(QIcon(os.path.join(FOLDER, "icon.svg")), text, self.iface.mainWindow())
        action.triggered.connect(lambda *_: slot())
        self.iface.addPluginToMenu("GeoSeg", action)
        if toolbar:
            self.iface.addToolBarIcon(action)
        self._actions.append(action)


def show_help() -> None:
    """Open the help pages that come with the plugin."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(os.path.join(FOLDER, "help", "index.html")))


def _translator() -> QTranslator | None:
    """Install the translation for the user's language, if there is one: ``pt_BR`` also for ``pt``."""
    locale = str(QgsSettings().value("locale/userLocale", "en"))
    folder = os.path.join(FOLDER, "i18n")
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    alike = [name for name in names if name.startswith(f"geoseg_qgis_{locale[:2]}") and name.endswith(".qm")]
    for name in dict.fromkeys((f"geoseg_qgis_{locale}.qm", *alike)):
        translator = QTranslator()
        if name in names and translator.load(os.path.join(folder, name)):
            QCoreApplication.installTranslator(translator)
            return translator
    return None
