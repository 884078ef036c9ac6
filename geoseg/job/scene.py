"""One scene on its way to its outputs: opened, begun or resumed, its blocks computed, finished.

The steps are methods that :mod:`geoseg.job.batch` calls in order; several scenes can be in different steps at once.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import GeosegError, OutputError
from geoseg.job.block_store import open_store, read_manifest
from geoseg.job.dispatch import BlockSummary, Work, sources_of
from geoseg.job.failures import BlockFailure, describe_failures, listed
from geoseg.job.finished_vrt import LiveView
from geoseg.job.outputs import outputs_of, quicklook_of, write_products
from geoseg.job.report import ReportInputs, Throughput, describe, make_report
from geoseg.job.request import WORK_FOLDER, Request, SceneResult, fingerprint_of, manifest_of, read_report, with_retries
from geoseg.progress.timing import Clock, recorded
from geoseg.progress.trace import here
from geoseg.raster import Raster
from geoseg.segment.block import make_recipe
from geoseg.segment.plan import Plan, make_plan
from geoseg.system.files import fsync, fsync_folder, temporary_beside
from geoseg.system.locks import locked
from geoseg.tiling import Tiling

if TYPE_CHECKING:
    from geoseg.models import Execution
    from geoseg.progress.reporters import Reporter


class SceneRun:
    """One scene of a job.

    Parameters
    ----------
    raster
        The scene, its bands in the model's order.
    request
        What all scenes have in common.
    reporter
        Told what happens, in order.
    """

    def __init__(self, raster: Raster, request: Request, reporter: Reporter) -> None:
        self.raster, self.request, self.reporter = raster, request, reporter
        self.name = raster.name
        self.outputs = outputs_of(request.output, raster.name, request.products)
        self.fingerprint = fingerprint_of(raster, request)
        self.folder = request.output / WORK_FOLDER / raster.name
        self.failures: list[BlockFailure] = []
        self.ended = False
        self.plan: Plan | None = None
        self.work: Work | None = None
        self._clock = Clock()
        self._hold = ExitStack()
        self._started = time.perf_counter()

    # --- before the blocks

    def prepare(self) -> None:
        """Plan, unless the result is there already. Reads a few pixels, so several scenes can do it at a time."""
        if not self._is_there():
            model, products = self.request.model, self.request.products
            options = replace(self.request.options, probabilities=products.probabilities)
            sources = sources_of(self.raster)
            self.plan = with_retries(lambda: make_plan(self.raster, model, options), sources, self.request.retries)

    def _is_there(self) -> bool:
        report = read_report(self.outputs["report"])
        complete = all(path.exists() for path in self.outputs.values())
        same = report.get("fingerprint") == self.fingerprint
        return complete and same and not report.get("failed_blocks") and not self.request.overwrite

    def begin(self, choose: Callable[[Plan], Execution], slots: tuple[int, int]) -> list[int] | SceneResult:
        """Open the store of finished blocks.

        Parameters
        ----------
        choose
            Chooses how the model is run.
        slots
            Blocks in flight, and processes that compute.

        Returns
        -------
        The blocks to compute, or the result if it is there already.

        Raises
        ------
        OutputError
            If the folder is another run's, holds results of something else, or has no room.
        """
        if self.plan is None:
            return self._kept()
        for warning in self.plan.warnings:
            self.reporter.warning(f"{self.name}: {warning}")
        self._hold.enter_context(locked(self.folder))
        staged = self._staged()
        self._check_others(staged)
        if staged is not None:
            self.reporter.info(f"{self.name}: was finished, but for giving the files their names")
            return self._publish(staged)
        self._check_disk()
        self._started = time.perf_counter()
        self.work = self._open(choose)
        return self._todo(self.work, slots)

    def _kept(self) -> SceneResult:
        if self.folder.parent.is_dir():
            self._tidy()
        report = read_report(self.outputs["report"])
        self.reporter.info(f"{self.name}: kept, it is complete in {self.request.output}; --overwrite makes it anew")
        self._tell(report, "kept")
        return SceneResult(self.name, "kept", self.outputs, report)

    def _tidy(self) -> None:
        """Remove what a run leaves that was killed after its last rename; nothing of another run's."""
        ours = manifest_of(self.raster, self.request)["fingerprint"]
        with suppress(OutputError), locked(self.folder):
            if read_manifest(self.folder).get("fingerprint", ours) == ours:
                shutil.rmtree(self.folder, ignore_errors=True)

    def _staged(self) -> Path | None:
        """Return the folder of finished files that an interrupted run did not get to name, if there is one."""
        for folder in self.folder.glob(".out.*"):
            report = read_report(folder / self.outputs["report"].name)
            if report.get("fingerprint") == self.fingerprint and not report.get("failed_blocks"):
                return folder
        return None

    def _check_others(self, staged: Path | None) -> None:
        """Refuse to touch results of other inputs or options."""
        existing = [path for path in self.outputs.values() if path.exists()]
        if not existing or self.request.overwrite:
            return
        report = read_report(self.outputs["report"])
        if not report and staged is not None:
            return  # the report goes first and comes last: what is there are files of ours
        if report.get("fingerprint") == self.fingerprint and report.get("failed_blocks"):
            return  # blocks were missing: now they are computed
        raise OutputError(
            f"{existing[0]} exists and is of another scene, model or options: add --overwrite to replace it, "
            "or choose another folder with -o"
        )

    def _check_disk(self) -> None:
        assert self.plan is not None
        need, free = self.plan.disk, shutil.disk_usage(self.request.output).free
        if need > free:
            from geoseg.system.resources import format_bytes

            raise OutputError(
                f"{self.request.output} has {format_bytes(free)} free, and this run may need {format_bytes(need)}: "
                "free some space or choose another folder with -o"
            )

    def _open(self, choose: Callable[[Plan], Execution]) -> Work:
        """Open the store; an unfinished run goes on with the device, layout and windows it began with."""
        from geoseg.models import Execution

        assert self.plan is not None
        manifest = manifest_of(self.raster, self.request)
        found, geobox = read_manifest(self.folder), self.raster.geobox
        quicklook = quicklook_of(self.raster, self.request.products)
        if found.get("fingerprint") == manifest["fingerprint"]:
            resumed = replace(self.plan, tiling=Tiling(**found["tiling"]))
            if self.request.options.memory is None or resumed.memory <= self.request.options.budget:
                self.plan = resumed
                recipe = make_recipe(resumed, execution=Execution(**found["execution"]), quicklook=quicklook)
                store = open_store(self.folder, resumed.tiling, geobox, found)
                self.reporter.info(f"{self.name}: {describe(recipe)}")
                return Work(recipe, store, self.request.trace is not None)
            self.reporter.info(f"{self.name}: unfinished blocks need more memory than --memory and are dropped")
        elif found:
            self.reporter.info(f"{self.name}: unfinished blocks of other inputs or options are dropped")
        recipe = make_recipe(self.plan, execution=choose(self.plan), quicklook=quicklook)
        tiling = self.plan.tiling
        facts = {"execution": asdict(recipe.execution), "tiling": asdict(tiling), "blocks": tiling.block_count}
        store = open_store(self.folder, tiling, geobox, {**manifest, **facts, "sources": list(self.raster.sources)})
        self.reporter.info(f"{self.name}: {describe(recipe)}")
        return Work(recipe, store, self.request.trace is not None)

    def _todo(self, work: Work, slots: tuple[int, int]) -> list[int]:
        tiling, finished = work.recipe.tiling, work.store.finished()
        todo = [index for index in tiling.order() if index not in finished]
        if finished:
            self.reporter.info(f"{self.name}: {len(finished)} of {tiling.block_count} blocks are there already")
        pixels = sum(tiling.block_box(index).area for index in todo)
        streams = min(work.recipe.execution.streams * slots[1], slots[0])
        self._throughput = Throughput(tiling.block_count, len(todo), pixels, streams, slots[0])
        self._live = LiveView(work.store, work.recipe.model.card.classes)
        self._reused = len(finished)
        self.reporter.progress(self._reused, tiling.block_count, f"segment {self.name}")
        if todo and not self._reused and tiling.block_count > 1:
            self.reporter.info(f"{self.name}: what is finished can be opened while it runs: {self._live.path}")
        return todo

    # --- the blocks, as geoseg.job.dispatch.Listener

    def block_done(self, summary: BlockSummary) -> None:
        """Count a finished block."""
        throughput = self._throughput
        throughput.add(summary)
        self._clock.add({f"segment.{name}": value for name, value in summary.seconds.items()})
        if self.request.trace is not None:
            self.request.trace.add(summary.place, summary.spans, scene=self.name, block=summary.index)
        self.reporter.progress(
            self._reused + throughput.done, throughput.blocks, f"segment {self.name}: {throughput.message()}"
        )
        if throughput.done < throughput.todo:
            self._live.update()

    def block_repeated(self, failure: BlockFailure, attempt: int) -> None:
        """Say what is tried again."""
        again = f"tried again ({attempt} of {self.request.retries})"
        self.reporter.info(f"{self.name}: block {failure.index} is {again}: {failure.cause}")

    def block_failed(self, failure: BlockFailure) -> None:
        """Remember a block that is lost."""
        self.failures.append(failure)

    def blocks_ended(self) -> None:
        """Note that nothing is in flight any more."""
        self._clock.add({"segment": self._throughput.rate.seconds})
        self._rates: dict[str, Mapping[str, float]] = {"segment": self._throughput.shares()}
        self.ended = True

    # --- after the blocks

    def finish(self, *, alone: bool = True) -> SceneResult:
        """Write every output and give it its name.

        Parameters
        ----------
        alone
            Whether no other scene's blocks are in flight, so that the whole memory budget is free.

        Raises
        ------
        GeosegError
            If blocks are missing and that is not allowed, or a file cannot be written.
        """
        assert self.work is not None
        assert self.plan is not None
        if self.failures:
            self._judge_failures()
        staged = temporary_beside(self.folder / "out")
        room = self.plan.polygon_bytes
        if not alone:
            room = max(min(room, self.plan.options.budget - self.plan.memory), 200 * 10**6)
        products, trace = self.request.products, self.request.trace
        with recorded(wanted=trace is not None) as spans:
            facts = write_products(
                self.work.recipe, self.work.store, products, staged, self._clock, self.reporter, memory=room
            )
        if trace is not None:
            trace.add(here(), spans, scene=self.name)
        report = self._report(facts)
        report_path = staged / self.outputs["report"].name
        for path in staged.iterdir():
            fsync(path)
        report_path.write_text(json.dumps(report, indent=2, ensure_ascii=False), "utf-8")
        fsync(report_path)
        return self._publish(staged)

    def _judge_failures(self) -> None:
        assert self.work is not None
        text = f"{self.name}: {describe_failures(self.failures, self.work.recipe.tiling)}"
        for failure in self.failures:
            if failure.fatal:
                raise OutputError(f"{self.name}: {failure.cause}")
        if not self.request.allow_partial:
            raise GeosegError(
                f"{text}. Every other block is kept: run the same command again to compute what is missing, "
                "or add --allow-partial to get nodata there"
            )
        self.reporter.warning(f"{text}. They are nodata in the outputs; run the same command again to compute them")

    def _report(self, facts: dict[str, Any]) -> dict[str, Any]:
        assert self.work is not None
        assert self.plan is not None
        throughput, pixels = self._throughput, self.work.recipe.tiling.scene.area
        found = {**facts, "failed_blocks": listed(self.failures, self.work.recipe.tiling)} if self.failures else facts
        summary = {"blocks": throughput.blocks, "blocks_reused": self._reused, "windows": throughput.forwards}
        rates = self._rates
        for stage in ("write", "polygonize"):
            if stage in self._clock.seconds:
                rates[stage] = {"mpx_per_s": round(pixels / max(self._clock.seconds[stage], 1e-6) / 1e6, 3)}
        request, seconds = self.request, time.perf_counter() - self._started
        told = ReportInputs(
            self.work.recipe, request.products, request.reading, request.scheduler, self.fingerprint, summary, rates,
            found, seconds,
        )  # fmt: skip
        return make_report(self.plan, told, self._clock)

    def _publish(self, staged: Path) -> SceneResult:
        """Move finished files to their final names, the report last, since it says that all others are there."""
        output, last = self.request.output, self.outputs["report"].name
        report = read_report(staged / last)
        try:
            (output / last).unlink(missing_ok=True)  # an older report must not vouch for half of these files
            for path in sorted(staged.iterdir(), key=lambda path: (path.name == last, path.name)):
                path.replace(output / path.name)
        except OSError as error:
            raise OutputError(
                f"cannot write {error.filename2 or error.filename}: {error.strerror or error}; close it in other "
                "programs and run the same command again, all that is computed is kept"
            ) from error
        fsync_folder(output)
        if not self.failures:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.close()
        self._tell(report, "partial" if self.failures else "done")
        if not self.failures:
            return SceneResult(self.name, "done", self.outputs, report)
        assert self.work is not None
        missing = GeosegError(f"{self.name}: {describe_failures(self.failures, self.work.recipe.tiling)}")
        return SceneResult(self.name, "partial", self.outputs, report, missing)

    def _tell(self, report: Mapping[str, Any], status: str) -> None:
        outputs = {kind: str(path) for kind, path in self.outputs.items()}
        seconds = report.get("seconds", {}).get("total")
        self.reporter.result(
            scene=self.name, outputs=outputs, classes=report.get("classes", {}), status=status, seconds=seconds
        )

    def close(self) -> None:
        """Let go of the folder."""
        self._hold.close()
        try:
            self.folder.parent.rmdir()
        except OSError:
            return  # unfinished scenes are still in it
