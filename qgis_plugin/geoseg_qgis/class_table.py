"""A table of classes with their colours and numbers, that fits a narrow panel."""

from __future__ import annotations

from typing import Sequence

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from .widgets import narrow

_HIGHEST = 260  # pixels; more rows are scrolled


def set_up(table: QTableWidget, columns: Sequence[str], letters: int = 6) -> None:
    """Make a table that is read only: the first column takes the room that is left, of so many letters at least."""
    table.setColumnCount(len(columns))
    table.setHorizontalHeaderLabels(list(columns))
    table.verticalHeader().hide()
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    header.setMinimumSectionSize(letters * table.fontMetrics().averageCharWidth())
    narrow(table)


def fit_height(table: QTableWidget, highest: int = _HIGHEST) -> None:
    """Make a table as high as its rows, but no higher than so many pixels."""
    high, header = table.verticalHeader().length(), table.horizontalHeader().sizeHint().height()
    table.setFixedHeight(min(high + header + table.horizontalScrollBar().sizeHint().height() + 4, highest))


class ClassTable(QTableWidget):
    """A row for each class: its colour and name, then numbers."""

    def __init__(self, columns: Sequence[str], parent: QWidget) -> None:
        super().__init__(parent)
        set_up(self, columns)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)

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
        fit_height(self)
