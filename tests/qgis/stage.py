"""What the scripts in a real QGIS window share: the clock that runs a story, pictures, the end. Imported by them.

A script defines ``story()``, a generator that yields conditions, and calls ``begin(story)``. It writes pictures and
result.json into $GEOSEG_TEST_OUT and exits with 0 or 1 by os._exit: no question whether to save, no crash while QGIS
takes itself down, nothing that could hang. window.sh sets the stage and holds an outer time limit.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from qgis.core import QgsApplication, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import Qt, QTimer
from qgis.PyQt.QtWidgets import QWidget
from qgis.utils import active_plugins, iface, plugins

OUT = Path(os.environ["GEOSEG_TEST_OUT"])
INPUTS = Path(os.environ["GEOSEG_TEST_INPUTS"])
LIMIT = float(os.environ.get("GEOSEG_TEST_LIMIT", "150"))
STEP = float(os.environ.get("GEOSEG_TEST_STEP", "90"))  # seconds that a single step may take
STARTED = time.monotonic()
_TELLERS = []  # kept, or Python takes its timer away
state = {"ok": False, "why": "", "steps": [], "numbers": {}}


def finish(ok: bool, why: str = "") -> None:
    state["ok"], state["why"] = ok, why
    if not ok:
        shot("failed")
    (OUT / "result.json").write_text(json.dumps(state, indent=1), "utf-8")
    for name, number in state["numbers"].items():
        print(f"  {name}: {number}", flush=True)
    print("FINISH", ok, why, flush=True)
    sys.stderr.flush()
    try:
        dock().shut_down()  # what geoseg does at this moment ends with us in any case; this is quicker
    finally:
        os._exit(0 if ok else 1)


def step(name: str) -> None:
    state["steps"].append([name, round(time.monotonic() - STARTED, 2)])
    print(f"{time.monotonic() - STARTED:7.2f} s  {name}", flush=True)


def shot(name: str) -> None:
    QgsApplication.processEvents()
    iface.mainWindow().grab().save(str(OUT / f"{name}.png"))


def dock():
    return plugins["geoseg_qgis"].dock


def open_panel(width: int = 400):
    """Check that the plugin is loaded, and show its panel."""
    assert "geoseg_qgis" in plugins, f"the plugin is not loaded: {active_plugins}"
    iface.mainWindow().resize(1500, 950)
    plugins["geoseg_qgis"].show_dock()
    panel = dock()
    iface.mainWindow().resizeDocks([panel], [width], Qt.Orientation.Horizontal)
    return panel


def add_raster(path: Path | str, name: str = "") -> QgsRasterLayer:
    layer = QgsRasterLayer(str(path), name or Path(path).stem)
    assert layer.isValid(), path
    QgsProject.instance().addMapLayer(layer)
    return layer


def choose(panel, layer):
    """Choose a raster in the panel, and wait for what the fit check says about it."""
    panel.scene.layers.setLayer(layer)
    panel.scene.facts = {}
    return lambda: panel.scene.facts


def checked(panel):
    """Wait until the fit check has come to rest: models are listed, the scene fits, nothing is to be checked again."""

    def condition() -> bool:
        scene = panel.scene
        resting = not scene._timer.isActive() and scene._session is None
        return bool(resting and scene.models.count() and scene.facts.get("fits"))

    return condition


def visible_widgets(root: QWidget) -> list[QWidget]:
    return [widget for widget in root.findChildren(QWidget) if widget.isVisibleTo(root)]


def drawn():
    done = []
    canvas = iface.mapCanvas()
    canvas.mapCanvasRefreshed.connect(lambda: done.append(True))
    canvas.refreshAllLayers()
    return lambda: done


def pause(seconds: float):
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


class Teller:
    """Runs the story from a timer; any error or a step that takes too long ends QGIS."""

    def __init__(self, story: Callable[[], Iterator], verdict: Callable[[], None]) -> None:
        self._story, self._verdict = story(), verdict
        self._condition = None
        self._since = time.monotonic()
        self._timer = QTimer()
        self._timer.timeout.connect(self._tick)
        self._timer.start(40)

    def _tick(self) -> None:
        self._timer.stop()
        try:
            if self._condition is None or self._condition():
                self._condition, self._since = next(self._story), time.monotonic()
            elif time.monotonic() - self._since > STEP:
                texts = [panel_text() for panel_text in (dock().run.status.text, dock().scene.verdict.text)]
                finish(False, f"a step took over {STEP:.0f} s after {state['steps'][-1:]}: {texts}")
        except StopIteration:
            self._verdict()
        except BaseException:  # noqa: BLE001 - also a failed assert ends QGIS
            finish(False, traceback.format_exc())
        self._timer.start(40)


def begin(story: Callable[[], Iterator], verdict: Callable[[], None] = lambda: finish(True)) -> None:
    """Run a story; ``verdict`` ends it."""
    QTimer.singleShot(int(LIMIT * 1000), lambda: finish(False, f"timed out after {LIMIT:.0f} s"))
    # --code runs before the window is shown; the story starts when it is.
    QTimer.singleShot(1500, lambda: _TELLERS.append(Teller(story, verdict)))
