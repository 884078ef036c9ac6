"""Changes inside QGIS: table, places, flicker, swipe, project. qgis --code changes_window.py; see stage.py."""

from __future__ import annotations

import json
import os
import subprocess

from clipping import WIDTH, clipped
from qgis.core import QgsApplication, QgsProject, QgsRectangle
from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QMouseEvent
from qgis.utils import iface, plugins
from stage import INPUTS, OUT, add_raster, begin, checked, choose, drawn, open_panel, pause, shot, step

SCENES = ("small scene", "later scene")


def items() -> int:
    return len(iface.mapCanvas().scene().items())


def colours(x: float) -> list[int]:
    """The colours of the canvas, at a share of its width, around the middle of its height."""
    picture = iface.mapCanvas().grab().toImage()
    heights = range(int(0.35 * picture.height()), int(0.65 * picture.height()), 5)
    return [picture.pixel(int(x * picture.width()), y) for y in heights]


def changed_part(scene) -> QgsRectangle:
    """Where make_inputs.py has put another part of the scene."""
    box, pixel = scene.extent(), scene.rasterUnitsPerPixelX()
    left, top = box.xMinimum() + 110 * pixel, box.yMaximum() - 110 * pixel
    return QgsRectangle(left, top - 100 * pixel, left + 100 * pixel, top)


def mouse(kind, x: int, buttons=Qt.MouseButton.LeftButton) -> None:
    viewport = iface.mapCanvas().viewport()
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    event = QMouseEvent(
        kind, QPointF(QPoint(x, viewport.height() // 3)), button, buttons, Qt.KeyboardModifier.NoModifier
    )
    QgsApplication.sendEvent(viewport, event)


def story():
    panel = open_panel()
    folder = OUT / "maps"
    command = [
        os.environ["GEOSEG_PYTHON"],
        "-I",
        "-m",
        "geoseg",
        "segment",
        *(str(INPUTS / f"{s}.tif") for s in SCENES),
    ]
    options = ["-m", "spectral", "-o", str(folder), "--no-polygons", "--no-preview", "--overwrite"]
    subprocess.run([*command, *options], check=True)
    step("two class maps")
    plugin = plugins["geoseg_qgis"]
    plugin.show_changes()
    window = plugin.changes
    window.resize(WIDTH, 800)
    assert "two class maps" in window.note.text(), window.note.text()
    assert not window.run_button.isEnabled()
    scenes = [add_raster(INPUTS / f"{name}.tif", name) for name in SCENES]
    maps = [add_raster(folder / f"{name.replace(' ', '_')}_classes.tif", "Classes") for name in SCENES]
    for layer in maps:
        QgsProject.instance().layerTreeRoot().findLayer(layer.id()).setItemVisibilityChecked(False)
    iface.mapCanvas().setExtent(scenes[0].extent())
    inputs, result = window.inputs, window.result
    # By name "later" comes first: the user exchanges them.
    assert inputs.before.currentText() == "later_scene_classes.tif"
    inputs.swap_button.click()
    assert [layer.id() for layer in inputs.layers()] == [layer.id() for layer in maps]
    inputs.min_area.setValue(2000)
    inputs.folder.setFilePath(str(OUT / "changes"))
    check(window, "changes_inputs")
    window.run_button.click()
    assert window.cancel_button.isEnabled()
    yield lambda: (result.report and result.layer() is not None) or "✖" in window.note.text()
    assert result.report, window.note.text()
    yield from results_shown(window)
    yield from looked_at(window, scenes)
    yield from kept_in_the_project(window)
    yield from scenes_and_a_model(panel, window, scenes)
    window.close()
    QgsProject.instance().clear()
    assert not result.table.rowCount()


def results_shown(window):
    result, report = window.result, window.result.report
    rows = report["transitions"]
    assert result.table.rowCount() == len(rows) + 1
    assert result.table.item(1, 0).text() == f"{rows[0]['from']} → {rows[0]['to']}"
    assert f"{sum(row['polygons'] for row in rows):,} polygons" in result.table.item(0, 0).toolTip()
    (group,) = [g for g in QgsProject.instance().layerTreeRoot().findGroups() if "later_scene" in g.name()]
    yield lambda: len(group.findLayers()) == 3
    assert [type(node.layer().renderer()).__name__ for node in group.findLayers()][:2] == [
        "QgsCategorizedSymbolRenderer", "QgsPalettedRasterRenderer",
    ]  # fmt: skip
    before, extent = items(), iface.mapCanvas().extent()
    result.next_button.click()
    yield result.place.text
    areas = sorted((f["area_m2"] for f in result.layer().getFeatures()), reverse=True)
    assert result.place.text().startswith(f"1 of {len(areas)}: "), result.place.text()
    assert f"{areas[0] / 1e4:,.1f} ha" in result.place.text(), result.place.text()
    assert iface.mapCanvas().extent() != extent
    assert items() == before + 1, "the outline of the place"
    result.table.selectRow(1)
    result.next_button.click()
    yield result.place.text
    assert f"{rows[0]['from']} → {rows[0]['to']}" in result.place.text()
    assert result.place.text().startswith(f"1 of {rows[0]['polygons']}: "), result.place.text()
    step("table, group and the largest places")
    yield drawn()
    window.area.ensureWidgetVisible(result.swipe_button)
    yield pause(0.3)
    check(window, "changes_place")


def looked_at(window, scenes):
    result, view, canvas = window.result, window.result.view, iface.mapCanvas()
    assert result.pictures() == [layer.id() for layer in scenes], "the scenes that the maps were made of"
    before = items()
    canvas.setExtent(changed_part(scenes[0]))
    result.swipe_button.click()
    yield lambda: view.item is not None and not view.rendering
    assert items() == before + 1
    yield pause(0.3)
    shot("changes_swipe")
    middle, left = view.item.share, canvas.viewport().width() // 4
    extent = canvas.extent()
    there = colours(0.47)
    for kind, x in (
        (QEvent.Type.MouseButtonPress, canvas.viewport().width() // 2),
        (QEvent.Type.MouseMove, left),
        (QEvent.Type.MouseButtonRelease, left),
    ):
        mouse(kind, x)
    assert middle == 0.5
    assert abs(view.item.share - 0.25) < 0.01
    yield pause(0.3)
    assert canvas.extent() == extent, "the line is dragged, not the map"
    assert colours(0.47) != there, "there is the later date now"
    shot("changes_swipe_left")
    step("swipe: the line is dragged")
    result.flicker_button.click()
    assert not result.swipe_button.isChecked()
    assert items() == before + 1
    yield lambda: not view.rendering
    shown = view.item.shown
    yield lambda: view.item.shown != shown
    yield pause(0.1)
    first = colours(0.5)
    shot("changes_flicker")
    yield lambda: view.item.shown == shown
    yield pause(0.1)
    assert colours(0.5) != first
    shot("changes_flicker_other")
    canvas.setExtent(QgsRectangle(scenes[0].extent()))
    yield lambda: view.rendering
    yield lambda: not view.rendering
    assert view.item.rect().contains(scenes[0].extent())
    step("flicker: the dates in turns, and they follow the map")
    window.close()
    assert view.item is None
    assert items() == before - 1, "a closed window leaves nothing on the map"
    assert not result.flicker_button.isChecked()
    plugins["geoseg_qgis"].show_changes()
    extra = add_raster(INPUTS / "later scene.tif", "to be removed")
    result.after.setCurrentIndex(result.after.findData(extra.id()))
    result.swipe_button.click()
    assert view.item is not None
    QgsProject.instance().removeMapLayer(extra.id())
    assert view.item is None
    assert not result.swipe_button.isChecked()
    step("what is closed or removed leaves nothing behind")


def kept_in_the_project(window):
    result, path = window.result, str(OUT / "project.qgz")
    rows, chosen = result.table.rowCount(), window.inputs.state()
    project = QgsProject.instance()
    assert project.write(path)
    project.clear()
    assert not result.report
    assert project.read(path)
    yield pause(0.2)
    assert result.table.rowCount() == rows
    assert window.inputs.state() == chosen
    assert result.layer() is not None
    step("kept in the project")


def scenes_and_a_model(panel, window, scenes):
    inputs, result = window.inputs, window.result
    scenes = [layer for layer in QgsProject.instance().mapLayers().values() if layer.name() in SCENES]
    yield choose(panel, scenes[0])
    yield checked(panel)
    panel.scene.models.setCurrentIndex(panel.scene.models.findData("spectral"))
    yield checked(panel)
    by_name = {layer.name(): layer.id() for layer in scenes}
    inputs.choose("scenes", *(by_name[name] for name in SCENES))
    assert "spectral" in inputs.model.text(), inputs.model.text()
    inputs.folder.setFilePath(str(OUT / "from scenes"))
    before = json.dumps(result.report["matrix"])
    window.section.setCollapsed(False)
    yield pause(0.2)
    check(window, "changes_scenes")
    window.run_button.click()
    yield lambda: window._session is None
    yield pause(0.3)
    assert "✖" not in window.note.text(), window.note.text()
    assert json.dumps(result.report["matrix"]) == before, "the same maps, by the same model"
    assert result.pictures() == [by_name[name] for name in SCENES]
    yield lambda: inputs.kind.currentData() == "scenes" and len(_maps()) == 4
    step("two scenes and the panel's model")


def _maps() -> list:
    return [layer for layer in QgsProject.instance().mapLayers().values() if layer.source().endswith("_classes.tif")]


def check(window, name: str) -> None:
    QgsApplication.processEvents()
    window.grab().save(str(OUT / f"{name}.png"))
    found = clipped(window)
    assert not found, f"{name}:\n" + "\n".join(found)


begin(story)
