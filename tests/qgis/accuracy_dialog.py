"""Accuracy inside QGIS: points, form, report. qgis --code accuracy_dialog.py; see stage.py."""

from __future__ import annotations

import json
import os
import subprocess

from qgis.core import QgsProject
from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import QApplication
from qgis.utils import iface, plugins
from stage import INPUTS, OUT, add_raster, begin, drawn, shot, step


def story():
    folder = OUT / "map"
    call = [os.environ["GEOSEG_PYTHON"], "-I", "-m", "geoseg", "segment", str(INPUTS / "small scene.tif")]
    subprocess.run(
        [*call, "-m", "spectral", "-o", str(folder), "--no-polygons", "--no-preview", "--overwrite"], check=True
    )
    add_raster(INPUTS / "small scene.tif")
    classes = add_raster(folder / "small_scene_classes.tif", "classes")
    plugin = plugins["geoseg_qgis"]
    plugin.show_accuracy()
    dialog = plugin.accuracy
    assert dialog.class_map().id() == classes.id()
    assert not dialog.form.isEnabled()
    dialog.count.setValue(24)
    path = dialog.file.filePath()
    assert path.endswith("small_scene_points.gpkg")
    dialog.draw_button.click()
    yield dialog.form.isEnabled
    points = dialog.points()
    total = points.featureCount()
    assert total >= 12, total
    step(f"{total} points drawn")
    node = QgsProject.instance().layerTreeRoot().findLayer(classes.id())
    assert not node.itemVisibilityChecked(), "the map must not sway the interpreter"
    names = [entry.label for entry in classes.renderer().classes()]
    before = iface.mapCanvas().extent()
    for number in range(total):
        (feature,) = points.selectedFeatures()
        assert iface.mapCanvas().extent().contains(feature.geometry().asPoint())
        truth = names.index(feature["map_class"])
        _press(dialog, str((truth if number else truth + 1) % len(names) + 1))
    assert iface.mapCanvas().extent() != before
    yield drawn()
    shot("interpreting")
    done = [feature["reference_class"] for feature in points.getFeatures()]
    wrong = [f["id"] for f in points.getFeatures() if f["reference_class"] != f["map_class"]]
    assert all(done)
    assert len(wrong) == 1, wrong
    assert f"{total} done" in dialog.place.text(), dialog.place.text()
    step("interpreted by keys")
    dialog.report_button.click()
    yield dialog.browser.isVisible
    text = dialog.browser.toPlainText()
    assert "±" in text
    assert "ha" in text
    report = json.loads((folder / "small_scene_points_accuracy.json").read_text("utf-8"))
    assert report["points"] == total
    assert (folder / "small_scene_points_accuracy.html").is_file()
    QApplication.processEvents()
    dialog.grab().save(str(OUT / "accuracy.png"))
    step("report with intervals, saved")
    dialog.close()
    assert node.itemVisibilityChecked()
    assert QgsProject.instance().mapLayer(points.id()) is not None
    plugin.show_accuracy()
    assert dialog.draw_button.text() == "Continue with these points"


def _press(dialog, key: str) -> None:
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        number = int(Qt.Key.Key_1) + int(key) - 1
        event = QKeyEvent(kind, number, Qt.KeyboardModifier.NoModifier, key)
        QApplication.sendEvent(dialog, event)


begin(story)
