"""Runs: warm previews, the task manager, folders that cannot be used. qgis --code panel_runs.py; see stage.py."""

from __future__ import annotations

import time

from geoseg_qgis import session, settings
from qgis.core import QgsApplication, QgsProject, QgsRectangle
from qgis.PyQt.QtCore import QTimer
from qgis.PyQt.QtWidgets import QApplication, QMessageBox
from qgis.utils import iface
from stage import INPUTS, OUT, add_raster, begin, checked, drawn, open_panel, shot, slowness, state, step

PREVIEW_LIMIT = 3.0  # seconds of a second preview of 1000² px


def story():
    scene = add_raster(INPUTS / "big scene.tif")
    panel = open_panel()
    yield checked(panel)
    yield from previews(panel, scene)
    yield from unusable_folder(panel)
    yield from tasks(panel, scene)
    yield from worker_dies(panel)


def previews(panel, scene):
    """The second preview, of another place, costs the forward pass alone."""
    assert panel.scene.models.currentData() == "landcover", panel.scene.models.currentData()
    pixel, box = scene.rasterUnitsPerPixelX(), scene.extent()
    for number, name in enumerate(("first", "second", "third")):
        west, south = box.xMinimum() + 300 * pixel * number, box.yMinimum() + 200 * pixel
        iface.mapCanvas().setExtent(QgsRectangle(west, south, west + 1000 * pixel, south + 1000 * pixel))
        yield drawn()
        yield checked(panel)
        panel.run.preview_seconds = 0.0
        panel.run.preview_button.click()
        yield lambda: panel.run.preview_seconds
        state["numbers"][f"seconds from click to preview, {name}"] = round(panel.run.preview_seconds, 2)
        step(f"{name} preview")
    quickest = min(value for name, value in state["numbers"].items() if not name.endswith("first"))
    assert quickest <= PREVIEW_LIMIT, state["numbers"]
    worker = session.pool.worker
    assert worker is not None
    assert worker.ready


def unusable_folder(panel):
    """A folder that cannot be made is a message; it is not remembered for the next start."""
    occupied = OUT / "a file"
    occupied.write_text("no folder")
    said = []
    panel.run.said.connect(lambda text, bad: said.append((text, bad)))
    before = settings.get("folder")
    panel.run.folder.setFilePath(str(occupied / "results"))
    panel.run.run_button.click()
    yield lambda: said
    text, bad = said[0]
    assert bad
    assert "a file" in text, text
    assert "Choose another" in text, text
    assert settings.get("folder") == before
    assert not panel.run.running
    shot("unusable_folder")
    step("an unusable results folder is a message")


def tasks(panel, scene):
    """A run is a task; while it goes on QGIS neither opens another project nor quits without a word."""
    panel.run.folder.setFilePath(str(OUT / "results"))
    # The previews have measured the model.
    yield lambda: panel.scene.facts.get("run", {}).get("model_seconds") is not None
    promised = panel.scene.facts["run"]["seconds"]
    manager, clicked = QgsApplication.taskManager(), time.monotonic()
    panel.run.run_button.click()
    titles = [task.description() for task in manager.activeTasks()]
    assert titles == ["GeoSeg: big scene"], titles
    assert panel.run.status.text().startswith("Starting geoseg"), panel.run.status.text()
    (task,) = manager.activeTasks()
    seen = []
    task.progressChanged.connect(seen.append)
    boxes = []
    for closing in (iface.newProject, iface.mainWindow().close):
        boxes.clear()
        QTimer.singleShot(300, lambda: _close_box(boxes))
        closing()
        assert boxes, f"{closing} says nothing"
        assert "GeoSeg: big scene" in boxes[0], boxes
        assert panel.run.running
        assert iface.mainWindow().isVisible()
    assert QgsProject.instance().mapLayer(scene.id()) is not None
    step("QGIS warns before the project is closed and before it quits")
    yield lambda: not panel.run.running
    took = time.monotonic() - clicked
    state["numbers"]["seconds promised, run took"] = [round(promised, 1), round(took, 1)]
    assert promised / 3 < took < 2 * promised * slowness(), (promised, took)
    assert any(0 < percent < 100 for percent in seen), seen
    yield lambda: not manager.activeTasks()
    step("the task ends with the run")
    # Cancelled in the task manager.
    panel.run.run_button.click()
    (task,) = manager.activeTasks()
    task.cancel()
    yield lambda: not panel.run.running
    assert "Cancelled" in panel.run.status.text(), panel.run.status.text()
    yield lambda: not manager.activeTasks()
    step("cancelled in the task manager")


def _close_box(boxes) -> None:
    box = QApplication.activeModalWidget()
    if isinstance(box, QMessageBox):
        boxes.append(box.text())
        box.reject()


def worker_dies(panel):
    """The process is killed under a fit check: the answer comes all the same."""
    yield checked(panel)
    panel.scene.check()
    worker = session.pool.worker
    worker.child.close()
    worker.child.cancelled = False
    yield lambda: panel.scene.facts.get("fits")
    panel.scene.check()
    yield lambda: panel.scene.facts.get("fits")
    assert session.pool.worker is not worker
    step("a worker that died is replaced")


begin(story)
