"""The plugin's widgets under PyQt6, with stand-ins for QGIS: python qt6.py. Any Python that has PyQt6.

QGIS 4 is not needed for what breaks most often: enums without their class, names that moved between modules.
"""

from __future__ import annotations

import importlib
import os
import sys
import types
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.dont_write_bytecode = True

from PyQt6 import QtCore, QtGui, QtWidgets  # noqa: E402 - after the platform is chosen

PLUGIN = Path(__file__).resolve().parents[2] / "qgis_plugin"


class _Anything(type):
    """A class whose attributes and calls give more of the same: QGIS's own classes, of which only names matter here."""

    def __getattr__(cls, name: str):
        if name.startswith("__"):
            raise AttributeError(name)
        return _make(f"{cls.__name__}.{name}")

    def __or__(cls, _other):
        return cls


def _make(name: str):
    return _Anything(name, (_Base,), {})


class _Base(metaclass=_Anything):
    def __init__(self, *_args, **_options) -> None:
        pass

    def __getattr__(self, name: str):
        return _Base()

    def __call__(self, *_args, **_options):
        return _Base()

    def __bool__(self) -> bool:
        return False

    def __iter__(self):
        return iter(())

    def __str__(self) -> str:
        return ""


class _Settings(_Base):
    def value(self, _name, default=None, **_options):
        return default


class _Widget(QtWidgets.QComboBox):
    layerChanged = QtCore.pyqtSignal(object)
    fileChanged = QtCore.pyqtSignal(str)
    StorageMode = _make("StorageMode")

    def __init__(self, *_args) -> None:
        super().__init__()

    def lineEdit(self):
        return QtWidgets.QLineEdit(self)

    def __getattr__(self, name: str):
        return lambda *_args, **_options: ""


def _gui(name: str):
    """Any other class of qgis.gui is a widget; names of modules' own attributes are none."""
    if not name.startswith("Qgs"):
        raise AttributeError(name)
    return type(name, (_Widget,), {})


class _Box(QtWidgets.QGroupBox):
    def setCollapsed(self, _collapsed: bool) -> None:
        pass


class _ColorButton(QtWidgets.QPushButton):
    def setColor(self, color) -> None:
        self.chosen = color

    def color(self):
        return self.chosen


def stand_ins() -> None:
    """Put a package ``qgis`` into place whose PyQt is PyQt6."""
    qgis = types.ModuleType("qgis")
    qgis.__path__ = []
    core, gui = types.ModuleType("qgis.core"), types.ModuleType("qgis.gui")
    core.__getattr__ = lambda name: _Settings if name == "QgsSettings" else _make(name)
    widgets = {
        "QgsDockWidget": QtWidgets.QDockWidget, "QgsMapLayerComboBox": _Widget, "QgsFileWidget": _Widget,
        "QgsCollapsibleGroupBox": _Box, "QgsFilterLineEdit": QtWidgets.QLineEdit, "QgsColorButton": _ColorButton,
        "QgsMapTool": QtCore.QObject, "QgsRubberBand": _Base,
    }  # fmt: skip
    vars(gui).update(widgets)
    gui.__getattr__ = _gui
    pyqt = types.ModuleType("qgis.PyQt")
    pyqt.__path__ = []
    osgeo = types.ModuleType("osgeo")  # comes with QGIS
    osgeo.gdal, osgeo.ogr = _make("gdal"), _make("ogr")
    wrappers = types.ModuleType("processing.gui.wrappers")  # comes with QGIS
    wrappers.__getattr__ = _make
    for name in ("processing", "processing.gui"):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__ = []
    sys.modules["processing.gui.wrappers"] = wrappers
    modules = {"osgeo": osgeo, "qgis": qgis, "qgis.core": core, "qgis.gui": gui, "qgis.PyQt": pyqt}
    for name, module in (("QtCore", QtCore), ("QtGui", QtGui), ("QtWidgets", QtWidgets)):
        modules[f"qgis.PyQt.{name}"] = module
    sys.modules.update(modules)


class _Iface(_Base):
    def __init__(self) -> None:
        self.window = QtWidgets.QMainWindow()

    def mainWindow(self):
        return self.window


def questions(dock) -> None:
    """Widgets that draw and lay themselves out, the question about units, and the dialog for classes."""
    from geoseg_qgis.new_classes import NewClassesDialog

    choice = {"options": {"scale": "1"}, "distance": 1.0, "values": {"nir": [0.1, 0.2, 0.3]}}
    choices = [{"name": name, "given": given, **choice} for name, given in (("reflectance 0…1", False), ("x", True))]
    values = dock.scene.values
    values.ask_unit({"verdict": "uncertain", "choices": choices}, {}, misfit=True)
    assert values.units.count() == 3, "the two units, and digital numbers"
    values.ask_border({"value": 0.0, "share": 0.2, "where": "", "options": {"nodata": "0"}})
    dialog = NewClassesDialog(None, "labels.gpkg")
    assert len(dialog.why_not()) > 5
    dock.resize(300, 900)
    dock.show()
    assert not dock.grab().isNull()
    for widget in [*dock.findChildren(QtWidgets.QPushButton), values.units, values.border, dock.result]:
        widget.show()
    inside = dock.findChild(QtWidgets.QScrollArea).widget()
    assert inside.minimumSizeHint().width() <= 280, "at 300 px something is clipped"


def changes(iface: _Iface, dock) -> None:
    """The window that compares two dates, with a table, and the line that is dragged."""
    from geoseg_qgis.changes import ChangeDialog
    from geoseg_qgis.compare_view import _draw_line

    report = {
        "classes": [{"name": name, "color": "#1b7434"} for name in "ab"], "grid": {"crs": "EPSG:32633"}, "notes": ["n"],
        "matrix": {"area_m2": [[1e6, 3e4], [0, 0]]}, "uncertain": {"shift": {"area_m2": 5.0}},
        "transitions": [{"code": 2, "from": "a", "to": "b", "area_m2": 3e4, "polygons": 7}],
    }  # fmt: skip
    ChangeDialog._read_state = lambda _self: None  # the stand-in for a project holds nothing
    dialog = ChangeDialog(iface, dock.scene)
    dialog.resize(300, 800)
    dialog.result.show_report(report, {})
    assert [dialog.result.table.item(row, 1).text() for row in (0, 1)] == ["3.0 ha", "3.0 ha"]
    assert dialog.result.summary.text().startswith("2.9 % has changed")
    dialog.show()
    assert not dialog.grab().isNull()
    assert dialog.area.widget().minimumSizeHint().width() <= 280, "at 300 px something is clipped"
    picture = QtGui.QImage(50, 50, QtGui.QImage.Format.Format_RGB32)
    picture.fill(QtGui.QColor("black"))
    painter = QtGui.QPainter(picture)
    _draw_line(painter, 25.0, QtCore.QRectF(0, 0, 50, 50))
    painter.end()
    assert picture.pixelColor(25, 5) == QtGui.QColor("white")


def main() -> None:
    application = QtWidgets.QApplication([])
    font = application.font()
    font.setPointSizeF(2 * font.pointSizeF())  # as on a screen where text is at 200 %
    application.setFont(font)
    stand_ins()
    sys.path.insert(0, str(PLUGIN))
    modules = sorted(path.relative_to(PLUGIN).with_suffix("") for path in (PLUGIN / "geoseg_qgis").rglob("*.py"))
    for module in modules:
        importlib.import_module(".".join(module.parts).removesuffix(".__init__"))
    from geoseg_qgis.dock import GeosegDock
    from geoseg_qgis.environment_page import EnvironmentPage
    from geoseg_qgis.plugin import GeoSegPlugin

    iface = _Iface()
    dock = GeosegDock(iface)
    dock.result.fill({"tree": {"area_m2": 3e4, "polygons": 2, "color": "#1b7434"}})
    assert dock.result.table.rowCount() == 1
    questions(dock)
    changes(iface, dock)
    page = EnvironmentPage(iface.window)
    assert page.recipe.toPlainText()
    GeoSegPlugin(iface).initGui()
    application.processEvents()
    print(f"{len(modules)} modules, dock, environment page and menu work under PyQt {QtCore.PYQT_VERSION_STR}")
    os._exit(0)


if __name__ == "__main__":
    main()
