"""The classes of a sketch: what is drawn of each, and how well held-out drawings of it are told apart."""

from __future__ import annotations

from typing import Any

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem, QWidget

from .class_table import set_up
from .label_layer import Drawn
from .tr import tr

_ROWS = 8  # rows that are seen without scrolling
_GREY = "#888888"


class SketchTable(QTableWidget):
    """A row for each class; the selected one is drawn."""

    chosen = pyqtSignal(str)
    """Name of the class that the user selected."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        set_up(self, (tr("Class"), tr("Drawn"), tr("Right")), letters=5)
        tips = (
            tr("Select the class that you draw next"),
            tr("Number and area of the drawings of the class"),
            tr("Share of the pixels of held-out drawings that the model gets right"),
        )
        for column, tip in enumerate(tips):
            self.horizontalHeaderItem(column).setToolTip(tip)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._result: dict[str, Any] = {}
        self._told = ""
        self.itemSelectionChanged.connect(self._tell)

    def show_result(self, result: dict[str, Any]) -> None:
        """Take what a sketch said; shown with the classes."""
        self._result = result

    def show_classes(self, colours: dict[str, str], drawn: Drawn) -> None:
        """Show the classes of the labels, and others that are drawn."""
        names = list(dict.fromkeys([*colours, *drawn.classes]))
        selected = self.selected()
        known = self._result.get("classes", {})
        self.blockSignals(True)
        self.setRowCount(len(names))
        for row, name in enumerate(names):
            colour = colours.get(name) or known.get(name, {}).get("color", _GREY)
            cells = (name, drawn_text(drawn, name), self._right(name))
            for column, text in enumerate(cells):
                self._set(row, column, text, colour)
        wanted = names.index(selected) if selected in names else 0 if names else -1
        if wanted >= 0 and self.currentRow() != wanted:
            self.setCurrentCell(wanted, 0)
        self.blockSignals(False)
        high = self.horizontalHeader().sizeHint().height() + self.horizontalScrollBar().sizeHint().height() + 4
        row = self.rowHeight(0) if names else 0
        self.setFixedHeight(high + row * min(len(names), _ROWS))
        self._tell()

    def selected(self) -> str:
        """Return the class that is selected, or ``""``."""
        item = self.item(self.currentRow(), 0) if self.currentRow() >= 0 else None
        return item.text() if item is not None else ""

    def _set(self, row: int, column: int, text: str, colour: str) -> None:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            if column:
                item.setTextAlignment(int(Qt.AlignmentFlag.AlignRight) | int(Qt.AlignmentFlag.AlignVCenter))
            self.setItem(row, column, item)
        if item.text() != text:
            item.setText(text)
        if not column:
            item.setData(Qt.ItemDataRole.DecorationRole, QColor(colour))
            item.setToolTip(text)

    def _right(self, name: str) -> str:
        if name not in self._result.get("classes", {}):
            return ""
        share = self._result.get("metrics", {}).get("accuracy", {}).get(name)
        return tr("not judged") if share is None else f"{100 * share:.0f} %"

    def _tell(self) -> None:
        name = self.selected()
        if name and name != self._told:
            self._told = name
            self.chosen.emit(name)

    def forget(self) -> None:
        """Tell the class anew: another layer is drawn in."""
        self._result, self._told = {}, ""


def drawn_text(drawn: Drawn, name: str) -> str:
    """Return number and area of the drawings of a class, the area in a unit that suits it."""
    number, area = f"{drawn.numbers.get(name, 0):,}", drawn.areas.get(name, 0.0)
    if area <= 0:  # nothing, or lines and points
        return number
    if area < 1000:
        return f"{number} · {area:,.0f} m²"
    return f"{number} · {area / 1e4:,.1f} ha" if area < 1e7 else f"{number} · {area / 1e6:,.1f} km²"


def is_result(found: Any) -> bool:
    """Whether something that a project kept is what a sketch said."""
    try:
        score_text(found)
        sum(found["places"].values())
        shares = found["metrics"].get("accuracy", {}).values()
        return all("color" in facts for facts in found["classes"].values()) and all(
            share is None or 0 <= share <= 1 for share in shares
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return False


def score_text(result: dict[str, Any]) -> str:
    """Return what a sketch is worth in words: its score on held-out drawings, and what that means."""
    if not result:
        return ""
    metrics = result.get("metrics") or {}
    if not metrics:
        return tr("Not judged: each class was drawn in one place only. Draw each in two places or more.")
    share, spread = 100 * metrics["balanced_accuracy"], metrics.get("spread")
    if spread is None:
        text = tr("{share:.0f} % of the held-out pixels are right ({places} places).")
    else:
        text = tr("{share:.0f} % ± {spread:.0f} of the held-out pixels are right ({places} places).")
    lines = [text.format(share=share, spread=100 * (spread or 0.0), places=metrics["places"])]
    if metrics.get("not_judged"):
        lines.append(tr("Not judged, drawn in one place only: {names}.").format(names=", ".join(metrics["not_judged"])))
    lines.append(
        tr(
            "Measured on drawings that were left out of learning. Expect less of the whole map: it has borders and "
            "mixed pixels."
        )
    )
    return "\n".join(lines)
