"""Widgets that stay readable in a narrow panel and with large fonts: they wrap or elide, and never ask for width."""

from __future__ import annotations

import re
from typing import Any

from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import QPoint, QRect, QSize, Qt
from qgis.PyQt.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QLayout,
    QLayoutItem,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

_LONGEST = 12  # characters after which a word may be broken
_BREAK = "\u200b"  # where a line may end although there is no space
_FIELD = 9  # characters that a field has room for at least
_NARROWEST = 5  # characters that a button shows at least


def breakable(text: str) -> str:
    """Return a text in which long words, such as paths, may be broken."""

    def broken(match: Any) -> str:
        parts = re.sub(r"([/\\_.,=:-])(?=\w)", rf"\1{_BREAK}", match.group()).split(_BREAK)
        return _BREAK.join(_BREAK.join(re.findall(rf".{{1,{_LONGEST}}}", part)) for part in parts)

    return re.sub(rf"\S{{{_LONGEST + 1},}}", broken, text)


def unbroken(text: str) -> str:
    """Return the text as it was before :func:`breakable`."""
    return text.replace(_BREAK, "")


class WrappedLabel(QLabel):
    """Text of any length in as many lines as it takes."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.PlainText)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.show_text(text)

    def show_text(self, text: str, mark: str = "", colour: str = "") -> None:
        """Show a text, after a coloured mark if one is given; the tooltip has it unbroken."""
        self.setToolTip(text if len(text) > 3 * _LONGEST else "")
        shown = breakable(text)
        if not mark:
            self.setTextFormat(Qt.TextFormat.PlainText)
            self.setText(shown)
            return
        safe = shown.replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br>")
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setText(f'<span style="color:{colour}"><b>{mark}</b></span> {safe}')

    def text(self) -> str:
        """Return the text without the places where it may be broken."""
        return unbroken(super().text())

    def minimumSizeHint(self) -> QSize:
        """Return no width, and one line's height."""
        return QSize(0, self.fontMetrics().height() if self.text() else 0)


class _Elided:
    """What button and check box share: they elide their text, with a tooltip, where there is no room for it."""

    _element: QStyle.ControlElement

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)  # it may be narrower than its text

    def minimumSizeHint(self) -> QSize:
        """Return room for the frame or box, and a few characters."""
        hint = super().sizeHint()
        text = self.fontMetrics().horizontalAdvance(self.text())
        least = self.fontMetrics().averageCharWidth() * _NARROWEST
        return QSize(hint.width() - text + min(least, text), hint.height())

    def paintEvent(self, event: Any) -> None:
        """Draw the text elided."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        room = self.width() - (self.sizeHint().width() - self.fontMetrics().horizontalAdvance(self.text()))
        option.text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, max(room + 2, 0))
        QStylePainter(self).drawControl(self._element, option)

    def resizeEvent(self, event: Any) -> None:
        """Show the whole text as tooltip if it is elided and there is no other."""
        super().resizeEvent(event)
        if self.width() < self.sizeHint().width() and not self.toolTip():
            self.setToolTip(self.text())


class Button(_Elided, QPushButton):
    """A button that elides its text."""

    _element = QStyle.ControlElement.CE_PushButton


class CheckBox(_Elided, QCheckBox):
    """A check box that elides its text."""

    _element = QStyle.ControlElement.CE_CheckBox


class Section(QgsCollapsibleGroupBox):
    """A group that can be collapsed and asks for no more width than what is in it."""

    def minimumSizeHint(self) -> QSize:
        """Return the size of the contents; the title may be cut."""
        hint = super().minimumSizeHint()
        layout = self.layout()
        return QSize(layout.minimumSize().width() if layout is not None else 0, hint.height())


class Flow(QLayout):
    """Widgets in a row, or in several where one is too narrow; those of a row share its width."""

    def __init__(self, *widgets: QWidget) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self.setContentsMargins(0, 0, 0, 0)
        self.setSpacing(6)
        for widget in widgets:
            self.addWidget(widget)

    def addItem(self, item: QLayoutItem) -> None:
        """Add an item; called by Qt."""
        self._items.append(item)

    def count(self) -> int:
        """Return the number of items."""
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        """Return an item, or None."""
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        """Remove an item and return it."""
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        """Fewer columns need more rows."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height of all rows."""
        return self._arrange(QRect(0, 0, width, 0), move=False)

    def setGeometry(self, rect: QRect) -> None:
        """Place the items."""
        super().setGeometry(rect)
        self._arrange(rect, move=True)

    def sizeHint(self) -> QSize:
        """Return the size of all in one row."""
        hints = [item.sizeHint() for item in self._shown()]
        width = sum(hint.width() for hint in hints) + self.spacing() * max(len(hints) - 1, 0)
        return QSize(width, max((hint.height() for hint in hints), default=0))

    def minimumSize(self) -> QSize:
        """Return the size of the widest one alone."""
        hints = [item.minimumSize() for item in self._shown()]
        return QSize(max((h.width() for h in hints), default=0), max((h.height() for h in hints), default=0))

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _arrange(self, rect: QRect, *, move: bool) -> int:
        rows: list[list[QLayoutItem]] = [[]]
        used = 0
        for item in self._shown():
            wanted = min(item.sizeHint().width(), rect.width())
            if rows[-1] and used + self.spacing() + wanted > rect.width():
                rows.append([])
                used = 0
            used += wanted + (self.spacing() if rows[-1] else 0)
            rows[-1].append(item)
        top = rect.y()
        for row in rows:
            if not row:
                continue
            high = max(item.sizeHint().height() for item in row)
            if move:
                self._place(row, QRect(rect.x(), top, rect.width(), high))
            top += high + self.spacing()
        return max(top - self.spacing() - rect.y(), 0)

    def _place(self, row: list[QLayoutItem], rect: QRect) -> None:
        wanted = [min(item.sizeHint().width(), rect.width()) for item in row]
        spare = max(rect.width() - sum(wanted) - self.spacing() * (len(row) - 1), 0)
        left = rect.x()
        for place, item in enumerate(row):
            wide = wanted[place] + spare // len(row)
            item.setGeometry(QRect(QPoint(left, rect.y()), QSize(wide, rect.height())))
            left += wide + self.spacing()


def form() -> QFormLayout:
    """Return a form whose fields move below their labels where both do not fit in a line."""
    layout = QFormLayout()
    as_form(layout)
    return layout


def as_form(layout: QFormLayout) -> None:
    """Let the fields of a form move below their labels where both do not fit in a line."""
    layout.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    layout.setContentsMargins(0, 0, 0, 0)


def narrow(*widgets: QWidget) -> None:
    """Let fields shrink below the width of their longest possible content."""
    for widget in widgets:
        if isinstance(widget, QComboBox):
            widget.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            widget.setMinimumContentsLength(_FIELD)
        widget.setMinimumWidth(_FIELD * widget.fontMetrics().averageCharWidth())
