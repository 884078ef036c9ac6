"""Objects outlined by clicks on the map, as a user does. qgis --code click_objects.py; see stage.py.

The click model is the tiny pair of tests/models/sam_graphs.py, which make_inputs.py adds.
"""

from __future__ import annotations

from drawing import new_classes, save
from qgis.core import QgsCoordinateReferenceSystem, QgsPointXY, QgsProject
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtTest import QTest
from qgis.utils import iface
from stage import INPUTS, OUT, Clicks, add_raster, begin, drawn, finish, open_panel, pause, shot, step

# Rows and columns of what stands in the scene that make_inputs.py makes, and its pixel size.
clicks = Clicks()
HOUSE, OTHER, POND = (8, 24, 12, 32), (8, 24, 40, 52), (64, 88, 72, 120)


def story():
    scene = add_raster(INPUTS / "town.tif")
    panel = open_panel(380)
    yield lambda: panel.scene.layer() is not None and panel.scene.models.count() > 0
    yield drawn()
    step("QGIS is up")
    sketch = panel.sketch
    sketch.section.setCollapsed(False)
    yield pause(0.2)
    layer = yield from new_classes(sketch, OUT / "houses.gpkg", ("house", "water"))
    yield pause(0.5)
    panel.area.ensureWidgetVisible(sketch.click_button)
    clicks.click(sketch.click_button)
    yield lambda: sketch.clicks.active
    assert sketch.click_button.isChecked()
    assert "Click on an object" in sketch.note.text(), sketch.note.text()
    step("the tool is there")
    yield from click(sketch, scene, middle(HOUSE))
    yield lambda: layer.featureCount() == 1
    assert "score 0.90" in sketch.note.text(), sketch.note.text()
    assert area(layer, 0) == pixels(HOUSE), area(layer, 0)
    assert next(layer.getFeatures())["class_name"] == "house"
    step("a house is outlined")
    shot("house")
    yield from click(sketch, scene, middle(POND))
    yield lambda: layer.featureCount() == 2
    yield from click(sketch, scene, middle(OTHER), Qt.KeyboardModifier.ShiftModifier)
    assert layer.featureCount() == 2, "an added point changes the drawing"
    layer.undoStack().undo()
    layer.undoStack().undo()
    assert layer.featureCount() == 1
    step("undone")
    # Another CRS of the map.
    QgsProject.instance().setCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    yield pause(0.5)
    iface.mapCanvas().zoomToFullExtent()
    yield drawn()
    yield from click(sketch, scene, middle(OTHER))
    yield lambda: layer.featureCount() == 2
    sizes = sorted(round(feature.geometry().area(), 3) for feature in layer.getFeatures())
    assert sizes == sorted([pixels(HOUSE), pixels(OTHER)]), sizes
    step("in another CRS")
    shot("two")
    sketch.auto.setChecked(False)
    save(layer)
    yield pause(0.5)
    panel.area.ensureWidgetVisible(sketch.click_button)
    clicks.click(sketch.click_button)
    assert not sketch.clicks.active
    assert not sketch.click_button.isChecked()
    step("saved, and the tool put away")
    finish(True)


def middle(box) -> tuple[float, float]:
    top, bottom, left, right = box
    return (top + bottom) / 2, (left + right) / 2


def pixels(box) -> float:
    """Area of a box, in pixels of 10 m."""
    top, bottom, left, right = box
    return (bottom - top) * (right - left) * 100.0


def area(layer, number: int) -> float:
    return round(list(layer.getFeatures())[number].geometry().area(), 3)


def click(sketch, scene, place, keys=Qt.KeyboardModifier.NoModifier):
    """Click with the mouse on a pixel of the scene, and wait for the answer."""
    canvas, box, size = iface.mapCanvas(), scene.extent(), scene.rasterUnitsPerPixelX()
    point = QgsPointXY(box.xMinimum() + place[1] * size, box.yMaximum() - place[0] * size)
    there = canvas.mapSettings().layerToMapCoordinates(scene, point)
    spot = canvas.getCoordinateTransform().transform(there)
    QTest.mouseClick(canvas.viewport(), Qt.MouseButton.LeftButton, keys, QPoint(round(spot.x()), round(spot.y())))
    yield lambda: not sketch.clicks.running


begin(story)
