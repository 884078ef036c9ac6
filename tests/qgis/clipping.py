"""Whether anything of the panel is clipped, for the scripts in a real QGIS window. Imported by them."""

from __future__ import annotations

from qgis.PyQt.QtCore import QPoint
from qgis.PyQt.QtWidgets import QApplication, QDialog, QLabel, QScrollArea, QScrollBar, QToolButton, QWidget
from stage import shot

WIDTH = 300


def clipped(panel: QWidget) -> list[str]:
    """Return what cannot be read or reached: widgets beyond the panel's edge, or narrower than they must be."""
    area = panel.findChild(QScrollArea)
    viewport, inside = area.viewport(), area.widget()
    found = []
    if panel.width() > WIDTH:
        found.append(f"the panel is {panel.width()} px wide, not {WIDTH}")
    if inside.width() > viewport.width():
        found.append(f"contents of {inside.width()} px in a viewport of {viewport.width()} px")
        for widget in inside.findChildren(QWidget):
            least = max(widget.minimumSizeHint().width(), widget.minimumWidth())
            if widget.isVisibleTo(inside) and least > WIDTH - 60:
                found.append(f"  {type(widget).__name__} needs {least} px")
    for widget in inside.findChildren(QWidget):
        if not widget.isVisibleTo(inside) or isinstance(widget, QScrollBar):
            continue
        if any(isinstance(parent, QScrollArea | QDialog) for parent in _parents(widget, inside)):
            continue  # lists and tables scroll by themselves
        name = f"{type(widget).__name__} {widget.objectName()} {getattr(widget, 'text', str)()!r:.50}"
        left = widget.mapTo(inside, QPoint(0, 0)).x()
        if left < 0 or left + widget.width() > viewport.width():
            found.append(f"{name}: {left}…{left + widget.width()} of {viewport.width()} px")
        least = widget.minimumSizeHint().width()
        own = not (type(widget) is QToolButton and not widget.text())  # QGIS's own small ones have an icon, cut or not
        if own and widget.minimumWidth() == 0 and widget.width() < least:
            found.append(f"{name}: {widget.width()} px, needs {least}")
        if type(widget) is QLabel and not widget.wordWrap():
            text = widget.fontMetrics().horizontalAdvance(widget.text())
            if widget.width() < text:
                found.append(f"{name}: {widget.width()} px for a text of {text}")
        if isinstance(widget, QLabel) and widget.wordWrap() and widget.height() < widget.heightForWidth(widget.width()):
            found.append(f"{name}: {widget.height()} px high, needs {widget.heightForWidth(widget.width())}")
    return found


def _parents(widget, root):
    parent = widget.parentWidget()
    while parent is not None and parent is not root:
        if parent.metaObject().inherits(QScrollArea.staticMetaObject) or parent.inherits("QAbstractItemView"):
            yield QScrollArea()
        parent = parent.parentWidget()


def check(panel, name: str) -> None:
    QApplication.processEvents()
    shot(name)
    found = clipped(panel)
    assert not found, f"{name}:\n" + "\n".join(found)
