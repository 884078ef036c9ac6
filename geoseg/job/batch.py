"""Takes the scenes of a job through their states: opened, planned, running, finished. See :mod:`geoseg.job.scene`.

Scenes and blocks share the workers: while one scene is written and polygonized, the next one's blocks are computed,
and those after it are opened, so that small files keep a device as busy as large ones. Memory does not grow with the
number of scenes: a few are open at a time, and the blocks in flight are bounded. Everything is written to a working
folder beside the outputs and renamed when all of it is complete.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from geoseg._version import __version__
from geoseg.errors import GeosegError, InputError, known_cause, one_line
from geoseg.job.backend import Backend
from geoseg.job.dispatch import Dispatcher
from geoseg.job.objects.options import score_note
from geoseg.job.outputs import written_files
from geoseg.job.report import SUMMARY, write_summary
from geoseg.job.request import Job, Request, SceneResult, open_scene, request_of
from geoseg.job.scene import FinishedScene, KeptScene, Scene
from geoseg.job.scene_list import SceneEntry
from geoseg.job.scene_planned import PlannedScene, prepare
from geoseg.job.scene_running import Made, Results, RunningScene, make_results
from geoseg.job.shards import Shard
from geoseg.progress.ordered import OrderedReporters
from geoseg.progress.reporters import Reporter, Silent
from geoseg.progress.trace import Trace
from geoseg.system.files import name_key
from geoseg.system.interrupts import careful_interrupts
from geoseg.system.outputs import Inputs

# Scenes opened ahead of the one whose blocks are handed out, and scenes that may wait to be written.
_AHEAD = 4

# Scenes that workers of a cluster may be writing: a thread waits for each.
_MOST_WAITING = 256

# Seconds between two looks at the workers of a cluster.
_TEND_SECONDS = 2.0


@careful_interrupts()
def run(
    job: Job, reporter: Reporter | None = None, *, seconds_after: Callable[[int], float] | None = None
) -> list[SceneResult]:
    """Segment every scene of a job into class maps, confidence, polygons, previews and reports in a folder.

    What ``geoseg segment`` does, and resumable in the same way: after an interruption of any kind, running the same
    job again continues with the blocks that are not finished yet and gives the same bytes as an unbroken run. A scene
    that fails does not stop the others; scenes whose results are complete are kept.

    Parameters
    ----------
    job
        Scenes, output folder, model and options.
    reporter
        Receives progress, warnings and results (:class:`geoseg.progress.Reporter`); if None, errors and warnings are
        printed on stderr.
    seconds_after
        Given the pixels of a scene, returns the seconds that the caller needs once all scenes are done; they count in
        the time left that is reported.

    Returns
    -------
    One :class:`SceneResult` per scene, in the order of ``job.scenes``: its status, paths and report, or its error. For
    several scenes, ``summary.csv`` in the output folder holds the same as a table.

    Raises
    ------
    OptionError, ModelError, ClusterError
        If no scene can be computed: an impossible option, a model that cannot be loaded, a scheduler that does not
        answer.
    OutputError
        If the trace or ``summary.csv`` cannot be written, or would replace a scene.

    Examples
    --------
    A scene of six Sentinel-2 bands, water on the left and forest on the right:

    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np, rasterio
    >>> import geoseg
    >>> from geoseg.job import Options
    >>> bands = {"blue": (500, 200), "green": (450, 400), "red": (250, 250),
    ...          "nir": (120, 2800), "swir16": (60, 1200), "swir22": (40, 500)}
    >>> folder = Path(tempfile.mkdtemp())
    >>> with rasterio.open(folder / "lake.tif", "w", driver="GTiff", width=64, height=64, count=6, dtype="uint16",
    ...                    crs="EPSG:32633", transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5.4e6)) as file:
    ...     for number, (name, (water, forest)) in enumerate(bands.items(), 1):
    ...         file.write(np.full((64, 64), water, "uint16") + (forest - water) * (np.arange(64) >= 32), number)
    ...         file.set_band_description(number, name)
    >>> job = geoseg.Job([folder / "lake.tif"], folder / "results", "spectral", options=Options(device="cpu"))
    >>> (result,) = geoseg.run(job)
    >>> result.status
    'done'
    >>> {name: found["pixels"] for name, found in result.report["classes"].items() if found["pixels"]}
    {'tree': 2048, 'water': 2048}
    >>> sorted(result.outputs)
    ['classes', 'confidence', 'html', 'polygons', 'preview', 'report']
    >>> result.outputs["classes"].name, result.outputs["html"].name
    ('lake_classes.tif', 'lake_report.html')
    """
    reporter = reporter or Silent()
    started = time.perf_counter()
    request = request_of(job)
    inputs = Inputs([SceneEntry.of(scene).source for scene in job.scenes])
    summary = SUMMARY if job.shard is None else Shard.of(job.shard).summary
    inputs.check(job.storage.location(summary), *([] if job.profile is None else [job.profile]))
    trace = None if job.profile is None else Trace(Path(job.profile))
    reporter.start(version=__version__, scenes=len(job.scenes), model=request.model.card.name, output=str(job.storage))
    if job.products.objects is not None and (note := score_note(request.model.card, job.products.objects)):
        reporter.info(note)
    job.storage.check()
    staffing = job.staffing
    with Backend(job.scheduler, job.options, job.storage, reporter, single=job.single, staffing=staffing) as backend:
        request = replace(request, options=backend.options, output=backend.output, trace=trace)
        batch = _Batch(job, request, backend, reporter, inputs, seconds_after)
        try:
            results = batch.run()
        finally:
            batch.close()
            if trace is not None:
                trace.write()
    if len(results) > 1 or job.shard is not None:
        rows = write_summary(job.storage, job.scenes, results, summary)
        reporter.summary(scenes=rows, seconds=round(time.perf_counter() - started, 3))
    return results


def run_one(job: Job, reporter: Reporter | None = None) -> SceneResult:
    """Run a job of one scene as :func:`run` does, and raise what it failed of."""
    (result,) = run(job, reporter)
    if result.error is not None:
        raise result.error
    return result


class _Batch:
    """The scenes of a job in all their states. All but opening and writing happens in the caller's thread."""

    def __init__(
        self, job: Job, request: Request, backend: Backend, reporter: Reporter, inputs: Inputs,
        seconds_after: Callable[[int], float] | None = None,
    ) -> None:  # fmt: skip
        self.job, self.request, self.backend, self._inputs = job, request, backend, inputs
        self.single, self._seconds_after = job.single, seconds_after
        self.reporters = OrderedReporters(reporter)
        self.results: dict[int, SceneResult] = {}
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        # A single scene is opened and written in this thread, where Ctrl-C reaches it at once.
        self._opener: Executor = _Inline() if self.single else ThreadPoolExecutor(_AHEAD, "geoseg-open")
        self._writer: Executor = _Inline() if self.single else ThreadPoolExecutor(1, "geoseg-finish")
        self._waiter = ThreadPoolExecutor(_MOST_WAITING, "geoseg-wait")  # for workers that write
        self._prepared: dict[int, Future[KeptScene | PlannedScene]] = {}
        self._running: dict[int, RunningScene] = {}
        self._writing: set[int] = set()
        self._on_workers: set[int] = set()
        self._entry_by_name: dict[str, Any] = {}
        self._next_open = self._next_start = 0
        self._dispatcher: Dispatcher | None = None
        self._tended = 0.0

    def run(self) -> list[SceneResult]:
        """Take every scene to its result."""
        while len(self.results) < len(self.job.scenes):
            self._open_ahead()
            while self._may_start():
                self._start(self._next_start)
                self._open_ahead()
            if self._dispatcher is not None:
                self._dispatcher.fill()
                self._tend(self._dispatcher)
            self._write_ended()
            if len(self.results) == len(self.job.scenes):
                break
            try:
                call = self._calls.get(timeout=self._dispatcher.timeout() if self._dispatcher else 0.5)
            except queue.Empty:
                continue
            call()
        return [self.results[number] for number in range(len(self.job.scenes))]

    def close(self) -> None:
        """Give up scenes without a result; only their blocks in flight are lost."""
        if len(self.results) < len(self.job.scenes):
            self.reporters.stop()
        self.backend.close()
        self._opener.shutdown(cancel_futures=True)
        self._writer.shutdown(cancel_futures=True)
        self._waiter.shutdown(cancel_futures=True)
        for scene in self._running.values():
            scene.close()

    # --- opened and planned, in threads

    def _open_ahead(self) -> None:
        limit = self._next_start + (1 if self.single else _AHEAD)
        while self._next_open < min(limit, len(self.job.scenes)):
            number = self._next_open
            self._next_open += 1
            self._prepared[number] = self._opener.submit(self._open, number)
            self._prepared[number].add_done_callback(lambda _: self._calls.put(_wake))

    def _open(self, number: int) -> KeptScene | PlannedScene:
        entry = SceneEntry.of(self.job.scenes[number])
        raster = open_scene(self.backend.source(entry.source), self.request, entry.name)
        return prepare(Scene(raster, self.request, self.reporters.of(number)))

    # --- running, in order

    def _may_start(self) -> bool:
        """Whether the next scene is prepared, and the workers have room for its blocks."""
        number = self._next_start
        if number not in self._prepared or not self._prepared[number].done():
            return False
        if len(self._writing) >= self._most_writing():
            return False  # writing is slower than computing: more blocks would only fill the disk
        return self._dispatcher is None or self._dispatcher.has_capacity

    def _most_writing(self) -> int:
        """Scenes that may wait to be written: more where workers write them."""
        if self.backend.cluster is None or self.single:
            return _AHEAD
        threads: int = self.backend.cluster.threads()
        return min(max(threads, _AHEAD), _MOST_WAITING)

    def _start(self, number: int) -> None:
        self._next_start += 1
        entry = self.job.scenes[number]
        with self._guarded(number, SceneEntry.of(entry).label):
            prepared = self._prepared.pop(number).result()
            self._reserve_name(prepared.scene, entry)
            with self._guarded(number, prepared.scene.name):
                self._inputs.check(*map(self.request.output.location, written_files(prepared.scene.names.values())))
                scene = prepared.start(self.backend) if isinstance(prepared, PlannedScene) else prepared
                if isinstance(scene, RunningScene):
                    self._compute(number, scene)
                    return
                result = scene.keep() if isinstance(scene, KeptScene) else scene.publish()
                with suppress(KeyError, TypeError, ValueError, GeosegError):  # a report of another version
                    self.backend.reuse_execution(result.report)
                self._end(number, result)

    def _compute(self, number: int, scene: RunningScene) -> None:
        self._running[number] = scene  # closed from now on, whatever happens
        scene.report_start(len(self.job.scenes) - number - 1, self._seconds_after)
        pool = self.backend.pool(scene.plan)
        if self._dispatcher is None:
            self._dispatcher = Dispatcher(pool, self.job.retries, self._calls.put)
        self._dispatcher.add(scene.work, scene.todo, scene)

    def _reserve_name(self, scene: Scene, entry: Any) -> None:
        name, file = name_key(scene.name), next(iter(scene.names.values()))
        if name in self._entry_by_name:
            labels = (SceneEntry.of(one).label for one in (entry, self._entry_by_name[name]))
            raise InputError(
                f"{' and '.join(labels)} would both write {file}: run them into different folders, or name them in a "
                "CSV given with --scenes"
            )
        self._entry_by_name[name] = entry

    def _tend(self, dispatcher: Dispatcher) -> None:
        """Look after the workers of a cluster, and show how many there are also while no block is finished."""
        if self.backend.cluster is None:
            return
        scenes_left = len(self.job.scenes) - self._next_start
        ended = not scenes_left and dispatcher.idle
        if ended and not self._on_workers:
            self.backend.release()
        elif time.monotonic() - self._tended > _TEND_SECONDS:
            self._tended = time.monotonic()
            # None: workers that still write results are needed, however little is left.
            self.backend.tend(None if ended else dispatcher.work_seconds(scenes_left))
            for scene in self._running.values():
                scene.report_workers()

    # --- finished, in a thread

    def _write_ended(self) -> None:
        for number, scene in list(self._running.items()):
            if scene.ended and number not in self._writing:
                self._writing.add(number)
                if self._workers_write():
                    self._on_workers.add(number)
                    self._waiter.submit(self._write, number, scene, self.backend.cluster.finish)
                else:
                    self._writer.submit(self._write, number, scene)

    def _workers_write(self) -> bool:
        """Whether workers of a cluster make results: jobs of a batch system are not kept for the last scenes' files."""
        cluster = self.backend.cluster
        if cluster is None or self._dispatcher is None:
            return False
        busy = self._next_start < len(self.job.scenes) or not self._dispatcher.idle
        return busy or (cluster.stays and not self.single)

    def _write(
        self, number: int, scene: RunningScene, finish: Callable[[Results, Reporter], Made] = make_results
    ) -> None:
        outcome: SceneResult | BaseException
        try:
            finished: FinishedScene = scene.write(finish, alone=self.single)
            outcome = finished.publish()
        except BaseException as error:
            if self.single and not isinstance(error, GeosegError):
                raise
            outcome = error
        self._calls.put(partial(self._finish, number, scene.name, outcome))

    def _finish(self, number: int, name: str, outcome: SceneResult | BaseException) -> None:
        self._writing.discard(number)
        self._on_workers.discard(number)
        with self._guarded(number, name):
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome.error is not None:
                self.reporters.of(number).error("PartialError", str(outcome.error))
            self._end(number, outcome)

    # --- the end of a scene, good or bad

    def _guarded(self, number: int, name: str) -> _Guard:
        return _Guard(self, number, name)

    def fail(self, number: int, name: str, error: GeosegError) -> None:
        """Report a scene that failed; the others continue."""
        self.reporters.of(number).error(type(error).__name__, str(error))
        self._end(number, SceneResult(name, "failed", error=error))

    def _end(self, number: int, result: SceneResult) -> None:
        scene = self._running.pop(number, None)
        if scene is not None:
            scene.close()
        self.results[number] = result
        self.reporters.end(number)


class _Guard:
    """Turns an error of one scene into its result."""

    def __init__(self, batch: _Batch, number: int, name: str) -> None:
        self._batch, self._number, self._name = batch, number, name

    def __enter__(self) -> None:
        return

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if isinstance(error, GeosegError):
            self._batch.fail(self._number, self._name, error)
            return True
        if self._batch.single or not isinstance(error, Exception):
            return False
        message = known_cause(error)
        if message is None:
            message = f"unexpected {type(error).__name__}: {one_line(error)}; run it alone with --debug"
        self._batch.fail(self._number, self._name, GeosegError(f"{self._name}: {message}"))
        return True


class _Inline(Executor):
    """Runs submitted calls at once, in the caller's thread."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **kwargs))
        except GeosegError as error:
            future.set_exception(error)
        return future


def _wake() -> None:
    """Do nothing: an entry in the queue that wakes the loop."""
