"""A table of classes with their colours and numbers, that fits a narrow panel."""

from __future__ import annotations

from typing import Sequence

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from .widgets import narrow

_HIGHEST = 260  # pixels; more rows are scrolled


class ClassTable(QTableWidget):
    """A row for each class: its colour and name, then numbers."""

    def __init__(self, columns: Sequence[str], parent: QWidget) -> None:
        super().__init__(0, len(columns), parent)
        self.setHorizontalHeaderLabels(list(columns))
        self.verticalHeader().hide()
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(6 * self.fontMetrics().averageCharWidth())
        narrow(self)

    def fill(self, rows: Sequence[tuple[str, str, Sequence[str]]]) -> None:
        """Show rows of name, colour, and the texts of the other columns."""
        self.setRowCount(len(rows))
        for row, (name, colour, texts) in enumerate(rows):
            for column, text in enumerate((name, *texts)):
                item = QTableWidgetItem(text)
                if column:
                    item.setTextAlignment(int(Qt.AlignmentFlag.AlignRight) | int(Qt.AlignmentFlag.AlignVCenter))
                else:
                    item.setData(Qt.ItemDataRole.DecorationRole, QColor(colour))
                self.setItem(row, column, item)
        high, header = self.verticalHeader().length(), self.horizontalHeader().sizeHint().height()
        self.setFixedHeight(min(high + header + self.horizontalScrollBar().sizeHint().height() + 4, _HIGHEST))
