"""Scenes × model → an output folder. What the command line, QGIS and batch scripts call.

Scenes and blocks share the workers: while one scene is written and polygonized, the next one's blocks are computed,
and the one after that is opened, so that small files keep a device as busy as large ones. Memory does not grow with
the number of scenes: so many are open at a time, and blocks in flight are bounded. Everything is made in a working
folder beside the outputs and moved to its final name when all of it is complete.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

from geoseg._version import __version__
from geoseg.errors import GeosegError, InputError, one_line
from geoseg.job.backend import Backend
from geoseg.job.dispatch import Dispatcher
from geoseg.job.request import Job, Request, SceneResult, open_scene, request_of
from geoseg.job.scene import SceneRun
from geoseg.job.scene_list import SceneEntry
from geoseg.job.summary import write_summary
from geoseg.progress.ordered import OrderedReporters
from geoseg.progress.reporters import Reporter, Silent
from geoseg.progress.trace import Trace

# Scenes that are opened ahead of the one whose blocks are handed out, and scenes that wait to be written at most.
_AHEAD = 4


def run(job: Job, reporter: Reporter | None = None) -> list[SceneResult]:
    """Do the job; a scene that fails is reported and the others go on.

    Returns
    -------
    One result per scene, in order.

    Raises
    ------
    OptionError, ModelError, ClusterError
        If nothing can be done at all: a bad option, a model that cannot be loaded, a scheduler that does not answer.
    """
    reporter = reporter or Silent()
    started = time.perf_counter()
    request = request_of(job)
    trace = None if job.profile is None else Trace(job.profile)
    reporter.start(version=__version__, scenes=len(job.scenes), model=request.model.card.name, output=str(job.output))
    with Backend(job.scheduler, job.options, job.output, reporter, alone=job.single) as workers:
        request = replace(request, options=workers.options, output=workers.output, trace=trace)
        batch = _Batch(job, request, workers, reporter)
        try:
            results = batch.run()
        finally:
            batch.close()
            if trace is not None:
                trace.write()
    if len(results) > 1:
        summary = write_summary(job.output, job.scenes, results)
        tell = getattr(reporter, "summary", None)
        if tell is not None:
            tell(scenes=summary, seconds=round(time.perf_counter() - started, 3))
    return results


class _Batch:
    """The scenes of a job in all their stages. All but opening and finishing happens in the caller's thread."""

    def __init__(self, job: Job, request: Request, workers: Backend, reporter: Reporter) -> None:
        self.job, self.request, self.workers = job, request, workers
        self.single = job.single
        self.reporters = OrderedReporters(reporter)
        self.results: dict[int, SceneResult] = {}
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        # One scene alone is opened and finished here: Ctrl-C reaches it at once.
        self._opener: Executor = _Inline() if self.single else ThreadPoolExecutor(_AHEAD, "geoseg-open")
        self._finisher: Executor = _Inline() if self.single else ThreadPoolExecutor(1, "geoseg-finish")
        self._opened: dict[int, Future[SceneRun]] = {}
        self._running: dict[int, SceneRun] = {}
        self._finishing: set[int] = set()
        self._names: dict[str, Any] = {}
        self._next_open = self._next_begin = 0
        self._dispatcher: Dispatcher | None = None

    def run(self) -> list[SceneResult]:
        """Do all scenes."""
        while len(self.results) < len(self.job.scenes):
            self._open_ahead()
            while self._may_begin():
                self._begin(self._next_begin)
                self._open_ahead()
            if self._dispatcher is not None:
                self._dispatcher.fill()
            self._finish_ended()
            if len(self.results) == len(self.job.scenes):
                break
            try:
                call = self._calls.get(timeout=self._dispatcher.patience() if self._dispatcher else 0.5)
            except queue.Empty:
                continue
            call()
        return [self.results[number] for number in range(len(self.job.scenes))]

    def close(self) -> None:
        """Give up what is not finished; on the way out nothing is lost but blocks in flight."""
        unfinished = len(self.results) < len(self.job.scenes)
        if unfinished:
            self.reporters.stop()
        self.workers.close()
        self._opener.shutdown(cancel_futures=True)
        self._finisher.shutdown(cancel_futures=True)
        for scene in self._running.values():
            scene.close()

    # --- open, in threads

    def _open_ahead(self) -> None:
        limit = self._next_begin + (1 if self.single else _AHEAD)
        while self._next_open < min(limit, len(self.job.scenes)):
            number = self._next_open
            self._next_open += 1
            self._opened[number] = self._opener.submit(self._open, number)
            self._opened[number].add_done_callback(lambda _: self._calls.put(_nothing))

    def _open(self, number: int) -> SceneRun:
        entry = SceneEntry.of(self.job.scenes[number])
        raster = open_scene(self.workers.source(entry.source), self.request, entry.name)
        scene = SceneRun(raster, self.request, self.reporters.of(number))
        scene.prepare()
        return scene

    # --- begin, in order

    def _may_begin(self) -> bool:
        """Whether the next scene is opened, and the workers have room for its blocks."""
        number = self._next_begin
        if number not in self._opened or not self._opened[number].done():
            return False
        if len(self._finishing) >= _AHEAD:
            return False  # writing does not keep up: more blocks would only fill the disk
        return self._dispatcher is None or self._dispatcher.has_capacity

    def _begin(self, number: int) -> None:
        self._next_begin += 1
        entry = self.job.scenes[number]
        with self._guarded(number, SceneEntry.of(entry).label):
            scene = self._opened.pop(number).result()
            self._claim(scene.name, entry)
            with self._guarded(number, scene.name):
                self._running[number] = scene
                found = scene.begin(self.workers.choose, self.workers.slots(scene.plan) if scene.plan else (1, 1))
                if isinstance(found, SceneResult):
                    self._recall(found)
                    self._end(number, found)
                    return
                assert scene.plan is not None
                assert scene.work is not None
                pool = self.workers.pool(scene.plan)
                if self._dispatcher is None:
                    self._dispatcher = Dispatcher(pool, self.job.retries, self._calls.put)
                self._dispatcher.add(scene.work, found, scene)

    def _recall(self, result: SceneResult) -> None:
        try:
            self.workers.remember(result.report)
        except (KeyError, TypeError, ValueError, GeosegError):
            return  # a report of another version

    def _claim(self, name: str, entry: Any) -> None:
        if name in self._names:
            raise InputError(
                f"{SceneEntry.of(entry).label} and {SceneEntry.of(self._names[name]).label} would both write "
                f"{name}_classes.tif: run them into different folders, or name them in a CSV given with --scenes"
            )
        self._names[name] = entry

    # --- finish

    def _finish_ended(self) -> None:
        for number, scene in list(self._running.items()):
            if scene.ended and number not in self._finishing:
                self._finishing.add(number)
                self._finisher.submit(self._finish, number, scene)

    def _finish(self, number: int, scene: SceneRun) -> None:
        outcome: SceneResult | BaseException
        try:
            outcome = scene.finish(alone=self.single)
        except BaseException as error:
            if self.single and not isinstance(error, GeosegError):
                raise
            outcome = error
        self._calls.put(partial(self._finished, number, scene.name, outcome))

    def _finished(self, number: int, name: str, outcome: SceneResult | BaseException) -> None:
        self._finishing.discard(number)
        with self._guarded(number, name):
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome.error is not None:
                self.reporters.of(number).error("PartialError", str(outcome.error))
            self._end(number, outcome)

    def _guarded(self, number: int, name: str) -> _Guard:
        return _Guard(self, number, name)

    def fail(self, number: int, name: str, error: GeosegError) -> None:
        """Report a scene that failed; the others go on."""
        self.reporters.of(number).error(type(error).__name__, str(error))
        self._end(number, SceneResult(name, "failed", error=error))

    def _end(self, number: int, result: SceneResult) -> None:
        scene = self._running.pop(number, None)
        if scene is not None:
            scene.close()
        self.results[number] = result
        self.reporters.end(number)


class _Guard:
    """Turns what goes wrong with one scene into its result."""

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
        text = one_line(error)
        unexpected = GeosegError(f"{self._name}: unexpected {type(error).__name__}: {text}; run it alone with --debug")
        self._batch.fail(self._number, self._name, unexpected)
        return True


class _Inline(Executor):
    """Runs things at once, in the caller's thread."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **kwargs))
        except GeosegError as error:
            future.set_exception(error)
        return future


def _nothing() -> None:
    """Wake the loop."""
