"""A scene whose blocks are being computed: counts and reports them, and writes the outputs once all are done."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from geoseg.errors import GeosegError, OutputError
from geoseg.job.dispatch import BlockSummary, Work
from geoseg.job.failures import BlockFailure, describe_failures, failure_records
from geoseg.job.finished_vrt import LiveView
from geoseg.job.objects.products import write_object_products
from geoseg.job.outputs import Products, write_products
from geoseg.job.page.pictures import Pictures
from geoseg.job.page.scene_page import write_scene_page
from geoseg.job.report import ReportInputs, Throughput, make_report
from geoseg.job.scene import FinishedScene, Scene
from geoseg.progress.forecast import AFTER_BLOCKS, Forecast, WithTimeLeft, expected_seconds, learn, remember, slowness
from geoseg.progress.reporters import Reporter, time_left
from geoseg.progress.timing import Clock, Span, record_spans
from geoseg.progress.trace import Place, here
from geoseg.raster.clouds.report import clouds_text, masked_clouds
from geoseg.raster.files.members import check_unchanged
from geoseg.segment.plan import Plan
from geoseg.system.files import fsync, temporary_beside
from geoseg.system.storage.storage import Storage

# Bytes that polygonizing gets at least, however much the next scene's blocks take.
_MIN_POLYGON_BYTES = 200 * 10**6


@dataclass(frozen=True)
class Results:
    """What is needed to make a scene's results of its finished blocks, in this process or on a worker.

    Attributes
    ----------
    work, products
        Recipe and store of the blocks, and what to make of them.
    memory
        Bytes that polygonizing may use.
    upload, token
        Where the files go at once, while the lock with that token is held; None: they stay in the folder returned.
    """

    work: Work
    products: Products
    memory: int
    upload: Storage | None = None
    token: str = ""


@dataclass(frozen=True)
class Made:
    """Results that were made.

    Attributes
    ----------
    folder
        Where they are, if not uploaded.
    facts
        What the report says of them.
    seconds, place, spans
        Seconds per stage, and where and when they were made.
    pictures
        For the page; None if none is wanted.
    """

    folder: str
    facts: dict[str, Any]
    seconds: dict[str, float]
    place: Place
    spans: tuple[Span, ...]
    pictures: Pictures | None = None


def make_results(results: Results, reporter: Reporter) -> Made:
    """Make every output of a scene but its report and page.

    Raises
    ------
    GeosegError
        If a block is damaged, a file cannot be written, or the scene's files have changed before an upload.
    """
    work, clock = results.work, Clock()
    folder = work.store.folder
    staged = temporary_beside(folder.scratch / "out")
    write = write_products if results.products.objects is None else write_object_products
    with record_spans(enabled=work.traced) as spans:
        with ExitStack() as stack:
            with clock("fetch") if folder.remote else nullcontext():
                store = stack.enter_context(work.store.at_hand())
            written = write(work.recipe, store, results.products, staged, clock, reporter, memory=results.memory)
        for path in staged.iterdir():
            fsync(path)
        if results.upload is not None:
            with clock("upload"):
                _upload(results, staged, results.upload)
    return Made(str(staged), written.facts, clock.seconds, here(), tuple(spans), written.pictures)


def _upload(results: Results, staged: Path, output: Storage) -> None:
    check_unchanged(results.work.recipe.raster)
    try:
        for path in sorted(staged.iterdir()):
            results.work.store.folder.verify_lock(results.token)  # this worker may have outlived the run
            output.take(path)
    except OSError as error:
        raise OutputError(
            f"{output} cannot be written: {error.strerror or error}; finished blocks are kept: run the same command "
            "again"
        ) from error


class RunningScene:
    """A scene whose store is open; the :class:`geoseg.job.dispatch.Listener` of its blocks.

    Parameters
    ----------
    scene, plan, work
        The scene, its plan, and the recipe and store of its blocks.
    slots
        Blocks computed at a time, and processes that compute them.
    lock
        Holds the scene's folder; see :meth:`geoseg.job.scene.Scene.lock`.
    started
        ``time.perf_counter()`` at the start, for the total time in the report.
    workers_text
        Tells how many workers there are; empty text for threads of this process.
    """

    def __init__(
        self, scene: Scene, plan: Plan, work: Work, *, slots: tuple[int, int], lock: ExitStack, started: float,
        workers_text: Callable[[], str] = str,
    ) -> None:  # fmt: skip
        self.scene, self.plan, self.work, self.name = scene, plan, work, scene.name
        self.ended = False
        tiling, finished = work.recipe.tiling, work.store.finished()
        self.todo = [index for index in tiling.order() if index not in finished]
        self._reused = len(finished)
        pixels = sum(tiling.block_box(index).area for index in self.todo)
        streams = min(work.recipe.execution.streams * slots[1], slots[0])
        self._throughput = Throughput(tiling.block_count, len(self.todo), pixels, streams, slots[0])
        self._bare_seconds = 0.0  # by the measured rate of the model alone; 0 if that is not known
        self._forecast = self._expect()
        self._rates: dict[str, Mapping[str, float]] = {}
        self._failures: list[BlockFailure] = []
        self._live = LiveView(work.store, work.recipe.model.card.classes)
        self._clock = Clock()
        self._lock, self._started = lock, started
        self._workers_text, self._workers_told = workers_text, ""

    def _expect(self) -> Forecast:
        """Return how long the blocks, and what follows them, are expected to take."""
        throughput, products = self._throughput, self.scene.request.products
        seconds = self.plan.seconds() if self.scene.request.scheduler == "threads" else None
        if seconds is not None:
            seconds *= throughput.pixels / self.work.recipe.tiling.scene.area
            self._bare_seconds = seconds
            seconds *= slowness("segment", self.plan.model.card.name)
        chosen = {"write": products.objects is None, "polygonize": products.polygons or products.objects is not None,
                  "preview": products.pictures, "html": products.page, "publish": True}  # fmt: skip
        after = [stage for stage in AFTER_BLOCKS if chosen[stage]]
        return Forecast({"segment": seconds, **expected_seconds(after, self.work.recipe.tiling.scene.area)})

    def report_start(self, scenes_after: int = 0, seconds_after: Callable[[int], float] | None = None) -> None:
        """Report how many blocks there are, and how many of them are finished.

        The time left is for all scenes, and for what follows them.
        """
        self._forecast.runs_after = scenes_after
        if seconds_after is not None:
            self._forecast.seconds_after = seconds_after(self.work.recipe.tiling.scene.area)
        blocks, reporter = self._throughput.blocks, self.scene.reporter
        if self._reused:
            reporter.info(f"{self.name}: {self._reused} of {blocks} blocks are there already")
        self._report_progress()
        if self.todo and not self._reused and blocks > 1 and self.work.recipe.model.card.boxes is None:
            reporter.info(f"{self.name}: finished blocks can be viewed during the run: open {self._live.path}")

    def close(self) -> None:
        """Unlock the scene's folder; finished blocks stay."""
        self._lock.close()

    # --- during the blocks, as geoseg.job.dispatch.Listener

    def block_done(self, summary: BlockSummary) -> None:
        """Count a finished block."""
        throughput, trace = self._throughput, self.scene.request.trace
        throughput.add(summary)
        self._clock.add({f"segment.{stage}": seconds for stage, seconds in summary.seconds.items()})
        if trace is not None:
            trace.add(summary.place, summary.spans, scene=self.name, block=summary.index)
        self._report_progress()
        if throughput.done < throughput.todo:
            self._live.update()

    def _report_progress(self) -> None:
        throughput, self._workers_told = self._throughput, self._workers_text()
        seconds = self._forecast.left("segment", throughput.pixels_done, throughput.pixels)
        left = "" if seconds is None else time_left(seconds)
        parts = [left, throughput.message() if throughput.done else "", self._workers_told]
        details = ", ".join(filter(None, parts))
        message = f"segment {self.name}: {details}" if details else f"segment {self.name}"
        self.scene.reporter.progress(self._reused + throughput.done, throughput.blocks, message)

    def report_workers(self) -> None:
        """Report the progress again if workers have come or gone, although no block is finished."""
        if not self.ended and self._workers_text() != self._workers_told:
            self._report_progress()

    def block_retried(self, failure: BlockFailure, attempt: int) -> None:
        """Report a block that is computed again after a transient error."""
        again = f"tried again ({attempt} of {self.scene.request.retries})"
        self.scene.reporter.info(f"{self.name}: block {failure.index} is {again}: {failure.cause}")

    def block_failed(self, failure: BlockFailure) -> None:
        """Note a block that failed for good."""
        self._failures.append(failure)

    def blocks_ended(self) -> None:
        """Stop the clock: no block is waiting or in flight any more."""
        self._clock.add({"segment": self._throughput.seconds})
        self._rates["segment"] = self._throughput.shares()
        if self._bare_seconds > 1 and not self._failures:
            remember(self._throughput.seconds / self._bare_seconds, "segment", self.plan.model.card.name)
        self.ended = True

    # --- after the blocks

    def write(self, finish: Callable[[Results, Reporter], Made] | None = None, *, alone: bool) -> FinishedScene:
        """Write every output into a temporary folder.

        Parameters
        ----------
        finish
            What makes them: :func:`make_results`, the default, or what has a worker call it.
        alone
            Whether no other scene's blocks are in flight, so that the whole memory budget is free.

        Raises
        ------
        GeosegError
            If blocks are missing and that is not allowed, the scene's files have changed, or a file cannot be written.
        """
        check_unchanged(self.scene.raster)
        missing = self._check_failures()
        made = self._make(finish or make_results, alone=alone)
        staged = Path(made.folder)
        staged.mkdir(parents=True, exist_ok=True)
        self._clock.add(made.seconds)
        if self.scene.request.trace is not None:
            self.scene.request.trace.add(made.place, made.spans, scene=self.name)
        report = self._report(made.facts)
        if made.pictures is not None:
            page = staged / self.scene.names["html"]
            write_scene_page(page, report, self.plan.model.card, self.scene.raster, made.pictures)
            fsync(page)
        report_path = staged / self.scene.names["report"]
        report_path.write_text(json.dumps(report, indent=2, ensure_ascii=False), "utf-8")
        fsync(report_path)
        return FinishedScene(self.scene, staged, self._lock, missing)

    def _make(self, finish: Callable[[Results, Reporter], Made], *, alone: bool) -> Made:
        request, memory = self.scene.request, self.plan.polygon_bytes
        if not alone:
            memory = max(min(memory, self.plan.options.budget - self.plan.memory), _MIN_POLYGON_BYTES)
        results = Results(self.work, request.products, memory)
        if finish is make_results:
            made = finish(results, WithTimeLeft(self.scene.reporter, self._forecast))
            if request.products.objects is None:
                learn(made.seconds, self.work.recipe.tiling.scene.area)
            return made
        if not self.scene.folder.remote:
            return finish(results, self.scene.reporter)
        with self.scene.reported():
            self.scene.begin_publishing()
        made = finish(replace(results, upload=request.output, token=self.scene.folder.lock_token), self.scene.reporter)
        return replace(made, folder=str(temporary_beside(self.scene.folder.scratch / "out")))

    def _check_failures(self) -> GeosegError | None:
        """Return an error that names the missing blocks, if outputs may be written without them; None if all exist."""
        if not self._failures:
            return None
        for failure in self._failures:
            if failure.fatal:
                raise OutputError(f"{self.name}: {failure.cause}")
        text = f"{self.name}: {describe_failures(self._failures, self.work.recipe.tiling)}"
        if not self.scene.request.allow_partial:
            raise GeosegError(
                f"{text}. Every other block is kept: run the same command again to compute what is missing, "
                "or add --allow-partial to get nodata there"
            )
        self.scene.reporter.warning(
            f"{text}. They are nodata in the outputs; run the same command again to compute them"
        )
        return GeosegError(text)

    def _report(self, products: dict[str, Any]) -> dict[str, Any]:
        """Return the content of the report file."""
        tiling, request, throughput = self.work.recipe.tiling, self.scene.request, self._throughput
        facts = dict(products)
        if self._failures:
            facts["failed_blocks"] = failure_records(self._failures, tiling)
        if clouds := masked_clouds(self.scene.raster):
            facts["clouds"] = clouds
            self.scene.reporter.info(f"{self.name}: {clouds_text(clouds)}")
        rates = dict(self._rates)
        for stage in ("write", "polygonize"):
            if stage in self._clock.seconds:
                seconds = max(self._clock.seconds[stage], 1e-6)
                rates[stage] = {"mpx_per_s": round(tiling.scene.area / seconds / 1e6, 3)}
        inputs = ReportInputs(
            recipe=self.work.recipe,
            products=request.products,
            reading=request.reading,
            scheduler=request.scheduler,
            fingerprint=self.scene.fingerprint,
            blocks={"blocks": throughput.blocks, "blocks_reused": self._reused, "windows": throughput.forwards},
            rates=rates,
            facts=facts,
            seconds=time.perf_counter() - self._started,
        )
        return make_report(self.plan, inputs, self._clock)
