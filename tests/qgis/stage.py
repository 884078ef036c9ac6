"""What the scripts in a real QGIS window share: the clock that runs a story, pictures, the end. Imported by them.

A script defines ``story()``, a generator that yields conditions, and calls ``begin(story)``. It writes pictures and
result.json into $GEOSEG_TEST_OUT and exits with 0 or 1 by os._exit: no question whether to save, no crash while QGIS
takes itself down, nothing that could hang. window.sh sets the stage and holds an outer time limit.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from qgis.core import QgsApplication, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QEvent, QObject, Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QWidget
from qgis.utils import active_plugins, iface, plugins

OUT = Path(os.environ["GEOSEG_TEST_OUT"])
INPUTS = Path(os.environ["GEOSEG_TEST_INPUTS"])
LIMIT = float(os.environ.get("GEOSEG_TEST_LIMIT", "150"))
STEP = float(os.environ.get("GEOSEG_TEST_STEP", "90"))  # seconds that a single step may take
STARTED = time.monotonic()
_TELLERS = []  # kept, or Python takes its timer away
state = {"ok": False, "why": "", "steps": [], "numbers": {}}


def finish(ok: bool, why: str = "", code: int = 1) -> None:
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
        os._exit(0 if ok else code)


def step(name: str) -> None:
    state["steps"].append([name, round(time.monotonic() - STARTED, 2)])
    print(f"{time.monotonic() - STARTED:7.2f} s  {name}", flush=True)


def shot(name: str) -> None:
    with watchdog.asleep():
        QgsApplication.processEvents()
        iface.mainWindow().grab().save(str(OUT / f"{name}.png"))


class Watchdog:
    """How long the event loop is away, step by step.

    A timer of 10 ms looks at what happened between its own ticks: how long this thread computed, and how long it slept
    before the tick that was due. Time in which it could have run, but the machine gave its processors to others, is not
    of its making. If a tick is late, another thread writes down what Python does, and whether this thread sleeps.
    """

    def __init__(self) -> None:
        self.blocks: dict[str, list[tuple[float, str]]] = {}
        self.step = ""
        self._main = threading.main_thread()
        self._stack = ""
        self._since = self._computed = self._slept = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def watch(self, step: str) -> None:
        """Begin with a step, or go on with the next one."""
        if not self._timer.isActive():
            self._begin()
            self._timer.start(10)
            threading.Thread(target=self._look, daemon=True).start()
        else:
            self._tick()
        self.step = step

    def stop(self) -> None:
        self._tick()
        self._timer.stop()

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """What happens inside is the test's doing."""
        if self._timer.isActive():
            self._tick()
        yield
        self._begin()

    def longest(self) -> dict[str, float]:
        """The longest block of each step, in milliseconds."""
        return {step: max(block for block, _ in blocks) for step, blocks in self.blocks.items()}

    def report(self, limit: float) -> list[str]:
        """Blocks above a limit, the longest first, with what Python did."""
        found = [(block, step, stack) for step, blocks in self.blocks.items() for block, stack in blocks]
        return [
            f"{block:.0f} ms in {step}: {stack or 'no Python'}"
            for block, step, stack in sorted(found)[::-1]
            if block > limit
        ]

    def _begin(self) -> None:
        self._since, self._computed, self._slept, self._stack = time.perf_counter(), time.thread_time(), 0.0, ""

    def _tick(self) -> None:
        block = 1000 * (time.thread_time() - self._computed + self._slept)
        self.blocks.setdefault(self.step, []).append((round(block, 1), self._stack))
        self._begin()

    def _look(self) -> None:
        before = time.perf_counter()
        while self._timer.isActive():
            time.sleep(0.005)
            now = time.perf_counter()
            late = now - self._since
            if late > 0.015 and sleeping(self._main.native_id):
                self._slept += min(now - before, late)
            before = now
            if late > 0.035:
                frame = sys._current_frames().get(self._main.ident)  # None while QGIS is at work without Python
                own = [f for f in traceback.extract_stack(frame) if "stage.py" not in f.filename] if frame else []
                if own:
                    self._stack = " > ".join(f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in own[-5:])


def sleeping(thread: int) -> bool:
    """Whether a thread of this process waits for something: another process, a disk, a lock."""
    state = Path(f"/proc/self/task/{thread}/stat").read_text().rpartition(")")[2].split()[0]
    return state in {"S", "D"}


_RATES: list[float] = []


def slowness() -> float:
    """How many times slower than on a quiet machine this one is now.

    The time of a second's work, by its CPU time; and by the fastest second so far, since what a host takes from a
    virtual machine counts as CPU time.
    """
    wall, cpu, work = time.perf_counter(), time.process_time(), 0
    while time.process_time() - cpu < 0.2:
        sum(range(1000))
        work += 1
    spent = time.process_time() - cpu
    _RATES.append(work / spent)
    return max((time.perf_counter() - wall) / spent * max(_RATES) / _RATES[-1], 1.0)


def slowed() -> float:
    """How many times slower than a quiet machine this one is now; kept for the verdict."""
    with watchdog.asleep():
        state.setdefault("slowness", []).append(slowness())
    return state["slowness"][-1]


QUICK, LONG = 50.0, 200.0
AGAIN = bool(os.environ.get("GEOSEG_TEST_AGAIN"))
BLOCKED = 3
"""Exit code if nothing but blocks of the event loop failed; window.sh knows it, too."""

"""Milliseconds that the event loop may be away: what is aimed at, and what fails.

Between them lies what a host takes from a virtual machine, which counts as this thread's own time: on a busy one, calls
that take 20 ms took 90 to 170, each time others.
"""


def finish_by_blocks(slow: float) -> None:
    """Print what blocked the event loop, and end: well if nothing did for long on a machine so many times slower.

    What blocked it in a first run is left in a file. In a second run only the same place counts: what a host takes from
    a virtual machine hits other places each time, what the plugin does hits the same.
    """
    print("\n".join(f"  blocked {line}" for line in watchdog.report(QUICK)), flush=True)
    blocked, places = watchdog.report(LONG * slow), OUT / "blocked.json"
    if AGAIN:
        before = json.loads(places.read_text("utf-8"))
        blocked = [line for line in blocked if _place(line) in before]
    else:
        places.write_text(json.dumps([_place(line) for line in blocked]), "utf-8")
    finish(not blocked, "; ".join(blocked), BLOCKED)


def _place(line: str) -> str:
    return line.partition(" ms in ")[2]


class Clicks(QObject):
    """Clicks with the mouse as a user does, and counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def click(self, widget: QWidget) -> None:
        """Click on a widget that can be seen where it is."""
        assert widget.isVisible(), widget
        assert widget.isEnabled(), widget
        assert widget.visibleRegion().contains(widget.rect().center()), f"{widget.text()!r} must be scrolled to"
        before = self.count
        widget.installEventFilter(self)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton)
        widget.removeEventFilter(self)
        assert self.count == before + 1

    def eventFilter(self, _receiver: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        self.count += event.type() in {QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick}
        return False


watchdog = Watchdog()


def dock():
    return plugins["geoseg_qgis"].dock


def open_panel(width: int = 400):
    """Check that the plugin is loaded, and show its panel."""
    assert "geoseg_qgis" in plugins, f"the plugin is not loaded: {active_plugins}"
    plugins["geoseg_qgis"].show_dock()
    panel = dock()
    with watchdog.asleep():  # the test's doing, as a hand that drags the border
        iface.mainWindow().resizeDocks([panel], [width], Qt.Orientation.Horizontal)
        QgsApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
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
    with watchdog.asleep():
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
    QTimer.singleShot(0, lambda: iface.mainWindow().resize(1500, 950))
    # --code runs before the window is shown; the story starts when it is.
    QTimer.singleShot(1500, lambda: _TELLERS.append(Teller(story, verdict)))
