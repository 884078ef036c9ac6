"""The panel at 300 px, with long names and large fonts: nothing is clipped. See stage.py."""

from __future__ import annotations

import os
import shutil

from clipping import WIDTH, check
from drawing import NAMES, Places, draw, new_classes, save
from qgis.core import QgsProject
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QApplication, QScrollArea, QWidget
from qgis.utils import iface
from stage import INPUTS, OUT, add_raster, begin, choose, open_panel, pause, state, step

LONG = "S2B_MSIL2A_20230815T100029_N0509_R122_T33UUP_20230815T133412_reflectance_stack_of_six_bands"


def story():
    step("QGIS is up")
    factor = float(os.environ.get("QT_SCALE_FACTOR", "1"))
    panel = open_panel(WIDTH)
    long = OUT / f"{LONG}.tif"
    shutil.copyfile(INPUTS / "small scene.tif", long)
    scene = add_raster(long, LONG)
    iface.mapCanvas().setExtent(scene.extent())
    panel.setMinimumWidth(0)
    iface.mainWindow().resizeDocks([panel], [WIDTH], Qt.Orientation.Horizontal)
    yield lambda: panel.scene.facts.get("fits")
    assert panel.width() <= WIDTH, f"the panel cannot be made {WIDTH} px wide: it is {panel.width()} px"
    check(panel, "narrow_fits")
    panel.run.folder.setFilePath(str(OUT / ("a folder with " + 4 * "a very long name ")))
    panel.run.run_button.click()
    yield lambda: panel.run._progress.stage
    check(panel, "narrow_running")
    assert panel.run.cancel_button.isEnabled()
    assert not panel.run.cancel_button.visibleRegion().isEmpty(), "Cancel cannot be reached"
    yield lambda: not panel.run.running and panel.result.isVisible()
    step("run with long names")
    panel.result.uncertain_button.click()
    yield panel.result.note.text
    for section in (panel.scene.details, panel.correct.advanced):
        section.setCollapsed(False)
    yield pause(0.3)
    check(panel, "narrow_result")
    yield from sketched(panel, scene)
    _misfits = add_raster(INPUTS / "other units.tif", "other units " + LONG)
    yield choose(panel, _misfits)
    yield panel.scene.values.units.isVisible
    yield pause(0.2)
    check(panel, "narrow_units")
    black = add_raster(INPUTS / "black border.tif", "black border " + LONG)
    yield choose(panel, black)
    yield panel.scene.values.border.isVisible
    yield pause(0.2)
    check(panel, "narrow_border")
    rgb = add_raster(INPUTS / "photo.tif", "photo " + LONG)
    yield choose(panel, rgb)
    yield panel.scene.classes_button.isVisible
    check(panel, "narrow_photo")
    panel.scene.layers.setLayer(scene)
    yield lambda: panel.scene.facts.get("fits")
    font = QApplication.font()
    for percent in (150, 200) if factor == 1 else ():
        large = QApplication.font()
        large.setPointSizeF(font.pointSizeF() * percent / 100)
        QApplication.setFont(large)
        panel.setFont(large)
        for widget in panel.findChildren(QWidget):
            widget.setFont(large)
        yield pause(0.4)
        iface.mainWindow().resizeDocks([panel], [WIDTH], Qt.Orientation.Horizontal)
        yield pause(0.2)
        check(panel, f"narrow_{percent}")
        step(f"fonts of {percent} %")
    state["numbers"]["pixels that the contents need"] = panel.findChild(QScrollArea).widget().minimumSizeHint().width()
    QgsProject.instance().clear()


def sketched(panel, scene):
    """The sketch with a long name, a class that cannot be judged, and a problem."""
    names = ("water", "herbaceous vegetation with long names", "built")
    sketch, places = panel.sketch, Places(scene)
    layer = yield from new_classes(sketch, OUT / "labels.gpkg", names)
    yield pause(0.3)
    check(panel, "narrow_classes")
    sketch.sketch_button.click()
    yield lambda: sketch._problem
    check(panel, "narrow_nothing_drawn")
    for name, kind in zip(names * 3, NAMES[:3] * 3, strict=True):
        if name != "built" or not any(one["class_name"] == name for one in layer.getFeatures()):
            draw(layer, places.next(kind), name)
    save(layer)
    yield lambda: sketch.loop.running
    check(panel, "narrow_sketching")
    yield lambda: sketch.seconds
    yield lambda: not sketch.loop.running and not sketch.loop._timer.isActive()
    panel.area.ensureWidgetVisible(sketch.section)
    yield pause(0.3)
    check(panel, "narrow_sketched")
    sketch.next_button.click()
    yield lambda: sketch.next.current or sketch._problem
    yield pause(0.3)
    check(panel, "narrow_next")
    layer.commitChanges()
    panel.scene.models.setCurrentIndex(panel.scene.models.findData("landcover"))
    step("sketch with long names")


begin(story)
