"""Classes of the user's own: a dialog that names them, for a label layer over any raster."""

from __future__ import annotations

import os

from qgis.gui import QgsColorButton, QgsFileWidget
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from .tr import tr
from .widgets import WrappedLabel, form

# Distinct, also for most colour-blind people (Okabe and Ito 2008).
_COLOURS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999")


class NewClassesDialog(QDialog):
    """Names and colours of classes, and the file that takes the labels."""

    def __init__(self, parent: QWidget, path: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("New classes"))
        self.resize(420, 420)
        self.table = QTableWidget(0, 2, self)
        self.table.setHorizontalHeaderLabels([tr("Class"), tr("Colour")])
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        add, remove = QToolButton(self), QToolButton(self)
        for button, text, tip, slot in (
            (add, "+", tr("Add a class"), lambda *_: self.add_class()),
            (remove, "−", tr("Remove the selected class"), lambda *_: self.table.removeRow(self.table.currentRow())),
        ):
            button.setText(text)
            button.setToolTip(tip)
            button.clicked.connect(slot)
        self.file = QgsFileWidget(self)
        self.file.setStorageMode(QgsFileWidget.StorageMode.SaveFile)
        self.file.setFilter(tr("GeoPackage (*.gpkg)"))
        self.file.setFilePath(path)
        fields = form()
        fields.addRow(tr("Labels"), self.file)
        self.problem = WrappedLabel("", self)
        buttons = QDialogButtonBox(self)
        buttons.setStandardButtons(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(
            WrappedLabel(
                tr("Name what is to be told apart. Then draw some examples of each class; a model is trained on them."),
                self,
            )
        )
        layout.addWidget(self.table)
        row = QHBoxLayout()
        row.addWidget(add)
        row.addWidget(remove)
        row.addStretch()
        layout.addLayout(row)
        layout.addLayout(fields)
        layout.addWidget(self.problem)
        layout.addWidget(buttons)
        for _ in range(2):
            self.add_class()

    def add_class(self, name: str = "") -> None:
        """Add a row."""
        row = self.table.rowCount()
        self.table.insertRow(row)
        edit, colour = QLineEdit(name, self.table), QgsColorButton(self.table)
        edit.setPlaceholderText(tr("name"))
        colour.setColor(QColor(_COLOURS[row % len(_COLOURS)]))
        self.table.setCellWidget(row, 0, edit)
        self.table.setCellWidget(row, 1, colour)

    def classes(self) -> dict[str, str]:
        """Return the colour of each class by name; rows without a name are left out."""
        found = {}
        for row in range(self.table.rowCount()):
            name = self.table.cellWidget(row, 0).text().strip()
            if name:
                found[name] = self.table.cellWidget(row, 1).color().name()
        return found

    def path(self) -> str:
        """Return the file for the labels, with its suffix."""
        path = self.file.filePath().strip()
        return path if path.lower().endswith(".gpkg") else path + ".gpkg"

    def why_not(self) -> str:
        """Return why the classes cannot be used; empty if they can."""
        names = [self.table.cellWidget(row, 0).text().strip() for row in range(self.table.rowCount())]
        names = [name for name in names if name]
        if len(names) < 2:
            return tr("Name at least two classes.")
        if len(set(names)) < len(names):
            return tr("Two classes have the same name.")
        if any(mark in name for name in names for mark in ",=:"):
            return tr("Names of classes must not contain commas, colons or equals signs.")
        if not os.path.isdir(os.path.dirname(os.path.abspath(self.path()))):
            return tr("There is no folder {folder}").format(folder=os.path.dirname(os.path.abspath(self.path())))
        return ""

    def _accept(self) -> None:
        reason = self.why_not()
        self.problem.show_text(reason)
        if not reason:
            self.accept()
