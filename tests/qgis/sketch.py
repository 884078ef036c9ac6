"""The sketch loop as a user goes: classes, drawings, saved edits, a new map. qgis --code sketch.py; see stage.py.

$GEOSEG_TEST_ROUNDS drawings are timed from saving to the repainted map, 6 if it is not set.
"""

from __future__ import annotations

import os
import statistics
import time

import numpy as np
from drawing import NAMES, Places, draw, new_classes, save
from osgeo import gdal
from qgis.core import QgsGeometry, QgsProject, QgsRectangle
from qgis.utils import iface
from stage import (
    INPUTS,
    OUT,
    add_raster,
    begin,
    checked,
    choose,
    drawn,
    finish_by_blocks,
    open_panel,
    pause,
    shot,
    slowed,
    state,
    step,
    watchdog,
)

ROUNDS = int(os.environ.get("GEOSEG_TEST_ROUNDS", "6"))
LIMIT = 5.0  # seconds from saving to the repainted map, in the middle


def story():
    scene = add_raster(INPUTS / "big scene.tif")
    panel = open_panel(380)
    yield checked(panel)
    show_part(scene, 500)
    yield drawn()
    step("QGIS is up")
    sketch = panel.sketch
    sketch.section.setCollapsed(False)
    assert not sketch.sketch_button.isVisible()
    assert "Name classes" in sketch.note.text(), sketch.note.text()
    yield pause(0.2)
    shot("empty")
    places = Places(scene)
    watchdog.watch("new classes")
    layer = yield from new_classes(sketch, OUT / "labels.gpkg")
    yield from too_little(panel, layer, places)
    yield from rounds(panel, layer, places)
    yield from newest_wins(panel, layer, places)
    yield from undo(panel, layer)
    yield from next_places(panel, layer)
    yield from whole(panel)
    yield from reopened(panel)
    watchdog.stop()
    yield from bad_input(panel)


# --- drawing


def show_part(scene, first: int) -> None:
    """Show about 1000² pixels of a scene."""
    canvas, pixel, box = iface.mapCanvas(), scene.rasterUnitsPerPixelX(), scene.extent()
    share = (canvas.width() / canvas.height()) ** 0.5
    west, north = box.xMinimum() + first * pixel, box.yMaximum() - first * pixel
    canvas.setExtent(QgsRectangle(west, north - 1000 * pixel / share, west + 1000 * pixel * share, north))
    canvas.refresh()


def said(sketch, text: str):
    return lambda: text in sketch.note.text()


# --- the story


def too_little(panel, layer, places):
    """Nothing, one class, one place of a class: messages in the panel."""
    sketch = panel.sketch
    sketch.sketch_button.click()
    yield said(sketch, "Nothing is drawn yet")
    shot("nothing_drawn")
    field = layer.fields().indexOf("class_name")
    assert layer.defaultValue(field) == NAMES[0], "the first class is drawn"
    for _ in range(3):
        draw(layer, places.next(NAMES[0]), "")
    yield lambda: sketch.labels.drawn.numbers == {NAMES[0]: 3}
    sketch.auto.setChecked(False)
    save(layer)
    yield pause(0.5)
    assert not sketch.loop.running, "it was switched off"
    sketch.auto.setChecked(True)
    sketch.sketch_button.click()
    yield said(sketch, f"Only “{NAMES[0]}” is drawn")
    step("nothing drawn, one class: messages")
    sketch.table.setCurrentCell(1, 0)
    assert layer.defaultValue(field) == NAMES[1], "the class that is selected is drawn"
    draw(layer, places.next(NAMES[1]), "")
    watchdog.watch("first sketch")
    began = time.monotonic()
    save(layer)
    yield lambda: sketch.loop.running
    assert sketch.cancel_button.isEnabled()
    shot("learning")
    yield lambda: sketch.seconds
    state["numbers"]["seconds from saving to the map, first"] = round(time.monotonic() - began, 2)
    names = [sketch.table.item(row, 0).text() for row in range(sketch.table.rowCount())]
    assert tuple(names) == NAMES, names
    assert sketch.table.item(1, 2).text() == "not judged", "a class of one place"
    assert "Not judged" in sketch.score.text(), sketch.score.text()
    tree = QgsProject.instance().layerTreeRoot().children()
    assert [node.layerId() for node in tree[:2]] == [layer.id(), panel.run.overlay.layer_id], "drawings above the map"
    assert iface.activeLayer() == layer
    assert layer.isEditable()
    yield drawn()
    shot("first")
    step("a class in one place: mapped, not judged")
    yield lambda: panel.scene.model() == sketch._name
    yield checked(panel)
    assert panel.run.run_button.isEnabled()
    step("the model is in the list and chosen")


def rounds(panel, layer, places):
    """From saving to the repainted map."""
    sketch = panel.sketch
    for name in NAMES * 3:
        draw(layer, places.next(name), name)
    sketch.seconds = 0.0
    save(layer)
    yield lambda: sketch.seconds
    watchdog.watch("rounds")
    taken, shown, parts = [], [], []
    slowed()
    for number in range(ROUNDS):
        painted = []
        iface.mapCanvas().mapCanvasRefreshed.connect(lambda painted=painted: painted.append(sketch.seconds))
        yield pause(1.8)  # a user looks where to draw next; other ways to learn are compared meanwhile
        name = NAMES[number % len(NAMES)]
        draw(layer, places.next(name), name)
        yield pause(0.2)
        sketch.seconds = 0.0
        began = time.monotonic()
        save(layer)
        yield lambda: sketch.seconds
        taken.append(time.monotonic() - began)
        yield lambda painted=painted: painted and painted[-1]
        shown.append(time.monotonic() - began)
        parts.append({key: round(value, 2) for key, value in sketch.loop.times.items()})
        print(f"  round {number + 1}: {taken[-1]:.2f} s, on the screen {shown[-1]:.2f} s, {parts[-1]}", flush=True)
    slowed()
    slow = max(state["slowness"])
    numbers = state["numbers"]
    numbers["seconds from saving to the new map, median and worst"] = [
        round(statistics.median(taken), 2), round(max(taken), 2),
    ]  # fmt: skip
    numbers["seconds from saving to the screen, median and worst"] = [
        round(statistics.median(shown), 2), round(max(shown), 2),
    ]  # fmt: skip
    numbers["of them learning, computing the map, showing it (medians)"] = [
        round(statistics.median(part.get(key, 0.0) for part in parts), 2) for key in ("learn", "paint", "show")
    ]
    numbers["pixels of the map, million"] = round(_pixels(panel) / 1e6, 2)
    numbers["slower than a quiet machine by"] = round(slow, 1)
    assert statistics.median(shown) <= LIMIT * slow, (shown, slow)
    assert _pixels(panel) > 0.9e6
    assert " % " in sketch.score.text(), sketch.score.text()
    assert "not judged" not in [sketch.table.item(row, 2).text() for row in range(sketch.table.rowCount())]
    yield drawn()
    shot("rounds")
    step(f"{ROUNDS} rounds of drawing, saving, repainting")


def _pixels(panel) -> int:
    layer = QgsProject.instance().mapLayer(panel.run.overlay.layer_id)
    return layer.width() * layer.height()


def newest_wins(panel, layer, places):
    """Three saves in a second: the last is learned, none is learned after it."""
    sketch = panel.sketch
    learned = []
    sketch.loop.learned.connect(lambda result: learned.append(sum(result["places"].values())))
    before = sum(sketch.loop.known.result["places"].values())
    watchdog.watch("three saves in a row")
    for name in NAMES[:3]:
        draw(layer, places.next(name), name)
        save(layer)
        yield pause(0.3)
    yield lambda: learned and learned[-1] == before + 3 and sketch.loop.stage == ""
    assert len(learned) <= 3, learned
    step(f"three saves in a row: places learned {learned}")
    yield lambda: not sketch.loop.running and not sketch.loop._timer.isActive()
    sketch.loop.learned.disconnect()
    sketch.loop.learned.connect(sketch._learned)


def undo(panel, layer):
    """Delete a polygon and save: it is as if it had not been drawn."""
    sketch = panel.sketch
    watchdog.watch("undo")
    before = dict(sketch.labels.drawn.numbers)
    last = max(feature.id() for feature in layer.getFeatures())
    name = layer.getFeature(last)["class_name"]
    assert layer.deleteFeature(last)
    yield said(sketch, "unsaved edits")
    shot("unsaved")
    sketch.seconds = 0.0
    sketch.sketch_button.click()  # saves
    yield lambda: sketch.seconds
    assert not layer.isModified()
    assert sketch.labels.drawn.numbers[name] == before[name] - 1
    assert sum(sketch.loop.known.result["places"].values()) == sum(before.values()) - 1
    step("undone by deleting the drawing; Sketch saves the edits")


def next_places(panel, layer):
    sketch, canvas = panel.sketch, iface.mapCanvas()
    yield lambda: not sketch.loop.running and not sketch.loop._timer.isActive()
    before = canvas.extent()
    watchdog.watch("next place")
    began = time.monotonic()
    sketch.next_button.click()
    yield said(sketch, "Place 1 of")
    state["numbers"]["seconds from click to the first place"] = round(time.monotonic() - began, 2)
    assert canvas.extent().width() < before.width()
    assert len(sketch.next.places) > 3
    first = canvas.extent()
    yield drawn()
    shot("next_place")
    sketch.next_button.click()
    yield said(sketch, "Place 2 of")
    assert canvas.extent() != first
    count = len(sketch.next.places)
    for _ in range(count - 1):
        sketch.next_button.click()
        yield pause(0)  # each click is a turn of its own
    assert "Place 1 of" in sketch.note.text(), "after the last one comes the first"
    assert iface.activeLayer() == layer
    # Drawn in the narrow view: its map is of that view, and the list goes on.
    box = canvas.extent()
    box.scale(0.1)
    draw(layer, box, NAMES[0])
    sketch.seconds = 0.0
    save(layer)
    yield lambda: sketch.seconds
    sketch.next_button.click()
    yield said(sketch, "Place 2 of")
    canvas.setExtent(before)
    canvas.refresh()
    sketch.seconds = 0.0
    sketch.sketch_button.click()
    yield lambda: sketch.seconds
    sketch.next_button.click()
    yield said(sketch, "Place 1 of")
    touched = [place for place in sketch.next.places if place.shape.intersects(QgsGeometry.fromRect(box))]
    assert not touched, "what is labelled is not proposed"
    step("next place: found, stepped through, found anew on the new map")


def whole(panel):
    """Run maps the whole raster with the sketched model; places are then looked for there."""
    sketch = panel.sketch
    yield lambda: not sketch.loop.running and not sketch.loop._timer.isActive()
    assert panel.scene.model() == sketch._name
    yield checked(panel)
    panel.run.folder.setFilePath(str(OUT / "results"))
    watchdog.watch("run")
    panel.run.run_button.click()
    yield lambda: not panel.run.running and panel.result.isVisible()
    names = {panel.result.table.item(row, 0).text() for row in range(panel.result.table.rowCount())}
    assert names <= set(NAMES), names
    assert not panel.run.overlay.layer_id
    sketch.next_button.click()
    yield said(sketch, "Place 1 of")
    step("run of the whole raster with the sketched model")


def reopened(panel):
    """Layer, model, table and score are kept in the project."""
    sketch, project = panel.sketch, QgsProject.instance()
    sketch.labels.layer().commitChanges()
    yield pause(0.3)
    yield lambda: not sketch.loop.running and not sketch.loop._timer.isActive()
    name, score, rows = sketch._name, sketch.score.text(), _rows(sketch)
    path = str(OUT / "sketch.qgz")
    with watchdog.asleep():
        assert project.write(path)
        project.clear()
    yield lambda: panel.scene.layer() is None
    assert sketch.labels.layer() is None
    assert not sketch.score.isVisible()
    with watchdog.asleep():
        assert project.read(path)
    watchdog.watch("project")
    yield checked(panel)
    yield lambda: sketch.labels.drawn.numbers
    yield pause(0.3)
    assert sketch.labels.layer() is not None
    assert not sketch.section.isCollapsed()
    assert (sketch._name, sketch.score.text(), _rows(sketch)) == (name, score, rows)
    assert panel.scene.model() == name
    layer = sketch.labels.layer()
    show_part(panel.scene.layer(), 500)
    yield drawn()
    sketch.seconds = 0.0
    sketch.sketch_button.click()
    yield lambda: sketch.seconds
    assert sketch._name == name, "the same model goes on"
    yield lambda: iface.mapCanvas().layers()[:1] == [layer]  # the canvas follows the layer tree one turn later
    shot("reopened")
    step("restored with the project, and gone on with")


def _rows(sketch) -> list[str]:
    table = sketch.table
    return [table.item(row, column).text() for row in range(table.rowCount()) for column in range(3)]


def bad_input(panel):
    sketch, project = panel.sketch, QgsProject.instance()
    yield lambda: not sketch.loop.running and not sketch.loop._timer.isActive()
    scene = panel.scene.layer()
    places = Places(scene)
    # The layer is removed in the middle of a sketch.
    sketch.sketch_button.click()
    yield lambda: sketch.loop.running
    project.removeMapLayer(sketch.labels.layer_id)
    assert not sketch.loop.running
    assert "were removed" in sketch.note.text(), sketch.note.text()
    assert sketch.labels.layers.currentLayer() is None
    shot("removed")
    # Drawn beside the raster.
    layer = yield from new_classes(sketch, OUT / "outside.gpkg", ("a", "b"))
    beside = QgsRectangle(scene.extent())
    beside = QgsRectangle(
        beside.xMaximum() + 1000, beside.yMinimum(), beside.xMaximum() + 1200, beside.yMinimum() + 200
    )
    for name in ("a", "b"):
        draw(layer, beside, name)
    save(layer)
    yield said(sketch, "no drawing lies on")
    assert "Traceback" not in sketch.note.text()
    shot("outside")
    step("removed labels, drawings beside the raster: messages")
    # One band; constant bands.
    for file, made in (("one band", one_band), ("constant band", constant_band)):
        raster = add_raster(made(INPUTS / "scene.tif", OUT / f"{file}.tif"))
        yield choose(panel, raster)
        show_part(raster, 0)
        layer = yield from new_classes(sketch, OUT / f"{file}.gpkg", NAMES[:2])
        for name in NAMES[:2] * 2:
            draw(layer, inside(places.next(name), raster), name)
        sketch.seconds = 0.0
        save(layer)
        yield lambda: sketch.seconds or sketch._problem
        assert not sketch._problem, sketch._problem
        step(f"{file}: {sketch.score.text().splitlines()[0]}")
    assert project.mapLayer(panel.run.overlay.layer_id) is not None


def inside(box, raster):
    """A place at the same share of a smaller raster."""
    whole = raster.extent()
    pixel, side = raster.rasterUnitsPerPixelX(), 0.7 * min(whole.width(), whole.height())
    west = whole.xMinimum() + box.xMinimum() % side
    south = whole.yMinimum() + box.yMinimum() % side
    return QgsRectangle(west, south, west + 12 * pixel, south + 12 * pixel)


def one_band(source, target):
    gdal.Translate(str(target), str(source), bandList=[4])
    return target


def constant_band(source, target):
    gdal.Translate(str(target), str(source), bandList=[1, 2, 4])
    file = gdal.Open(str(target), gdal.GA_Update)
    file.GetRasterBand(2).WriteArray(np.full((file.RasterYSize, file.RasterXSize), 500))
    return target


def verdict() -> None:
    state["numbers"]["longest time without event loop, ms"] = watchdog.longest()
    slow = max(state.pop("slowness"))
    finish_by_blocks(slow)


begin(story, verdict)
