"""A scene before its blocks: results that may be kept, the plan, locks, checks, and the blocks of an earlier run."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from geoseg.errors import OutputError
from geoseg.job.block_store import open_store, read_manifest
from geoseg.job.dispatch import Work, sources_of
from geoseg.job.failures import with_retries
from geoseg.job.objects.options import object_warnings
from geoseg.job.outputs import quicklook_of, written_files
from geoseg.job.report import describe
from geoseg.job.request import manifest_of, read_report
from geoseg.job.scene import FinishedScene, KeptScene, Scene
from geoseg.job.scene_running import RunningScene
from geoseg.models.runtimes.choices import is_installed, title
from geoseg.raster.files.members import files_of
from geoseg.segment.block import make_recipe
from geoseg.segment.plan import Plan, make_plan
from geoseg.segment.precision import precision_warning
from geoseg.system.outputs import Inputs
from geoseg.system.resources import format_bytes
from geoseg.tiling import Tiling

if TYPE_CHECKING:
    from geoseg.job.backend import Backend
    from geoseg.models import Execution


def prepare(scene: Scene) -> KeptScene | PlannedScene:
    """Keep complete results, or plan the scene. Reads a few pixels, so that several scenes may be prepared at a time.

    Raises
    ------
    GeosegError
        If the scene does not fit the model, cannot be read, or would be overwritten.
    """
    request = scene.request
    output = request.output
    Inputs(files_of(scene.raster)).check(*map(output.location, written_files(scene.names.values())))
    if not request.overwrite and scene.is_complete():
        return KeptScene(scene)
    sources = sources_of(scene.raster)
    options = replace(request.options, probabilities=request.products.probabilities)
    plan = with_retries(lambda: make_plan(scene.raster, request.model, options), sources, request.retries)
    if request.products.objects is not None:
        plan = replace(plan, warnings=(*plan.warnings, *object_warnings(request.model.card, scene.raster)))
    return PlannedScene(scene, plan)


@dataclass(frozen=True)
class PlannedScene:
    """A scene whose windows and blocks are chosen; nothing in the output folder has been touched.

    Attributes
    ----------
    scene
        The scene.
    plan
        Its plan.
    """

    scene: Scene
    plan: Plan

    def start(self, backend: Backend) -> RunningScene | FinishedScene:
        """Lock the scene's folder and open its store of blocks; take over what an interrupted run has finished.

        Parameters
        ----------
        backend
            Chooses how the model is run, and says how many blocks are computed at a time.

        Raises
        ------
        OutputError
            If another run holds the folder, it holds other results, or the disk has no room.
        """
        scene = self.scene
        for warning in self.plan.warnings_of(scene.name):
            scene.reporter.warning(warning)
        with scene.lock() as lock:  # unlocked here if anything fails, else by the next state
            staged = self._staged()
            self._check_outputs(staged)
            if staged is not None:
                scene.reporter.info(f"{scene.name}: was finished, except for renaming its files")
                return FinishedScene(scene, staged, lock.pop_all())
            self._check_disk()
            return self._start(backend, lock)

    def _staged(self) -> Path | None:
        """Return the folder of finished files that an interrupted run did not get to rename, if there is one."""
        if self.scene.folder.remote:
            return None  # they are on the machine that was killed, if at all
        for folder in Path(self.scene.folder.location("")).glob(".out.*"):
            report = read_report(folder, self.scene.names["report"])
            if report.get("fingerprint") == self.scene.fingerprint and not report.get("failed_blocks"):
                return folder
        return None

    def _check_outputs(self, staged: Path | None) -> None:
        """Refuse to replace results of other inputs or options."""
        existing = self.scene.existing()
        if not existing or self.scene.request.overwrite:
            return
        report = self.scene.report()
        if not report and (staged is not None or self.scene.was_publishing()):
            return  # the report is removed first and renamed last: the other files are from this run
        if report.get("fingerprint") == self.scene.fingerprint and report.get("failed_blocks"):
            return  # a partial result of the same run, to be completed now
        raise OutputError(
            f"{self.scene.request.output.location(existing[0])} exists and is of another scene, model or options: add "
            "--overwrite to replace it, "
            "or choose another folder with -o"
        )

    def _check_disk(self) -> None:
        folder = self.scene.folder.scratch
        advice = "choose another folder with -o"
        if self.scene.folder.remote:
            advice = "name another folder for temporary files with TMPDIR"
        need, free = self.plan.disk, shutil.disk_usage(folder).free
        if need > free:
            raise OutputError(
                f"{folder} has {format_bytes(free)} free, and this run may need {format_bytes(need)}: "
                f"free some space or {advice}"
            )

    def _start(self, backend: Backend, lock: ExitStack) -> RunningScene:
        started = time.perf_counter()
        plan, work = self._resume() or self._begin(backend)
        self.scene.reporter.info(f"{self.scene.name}: {describe(work.recipe)}")
        plan = self._with_precision_checked(plan, backend, work.recipe.execution)
        slots = backend.slots(plan)
        return RunningScene(
            self.scene, plan, work, slots=slots, lock=lock.pop_all(), started=started,
            workers_text=backend.workers_text,
        )  # fmt: skip

    def _resume(self) -> tuple[Plan, Work] | None:
        """Open the store of an interrupted run, with the device, layout and windows that it used; None if unusable."""
        from geoseg.models import Execution

        scene, request = self.scene, self.scene.request
        with scene.reported():
            manifest = read_manifest(scene.folder)
        if not manifest:
            return None
        if manifest.get("fingerprint") != manifest_of(scene.raster, request)["fingerprint"]:
            scene.reporter.info(f"{scene.name}: unfinished blocks of other inputs or options are deleted")
            return None
        execution = Execution(**manifest["execution"])
        if not is_installed(execution.runtime):
            scene.reporter.info(
                f"{scene.name}: unfinished blocks were computed by {title(execution.runtime)}, which is not installed "
                "any more, and are deleted"
            )
            return None
        plan = replace(self.plan, tiling=Tiling(**manifest["tiling"]))
        if plan.inner is not None:
            plan = replace(plan, inner=replace(plan.inner, tiling=Tiling(**manifest["inner_tiling"])))
        if request.options.memory is not None and plan.memory > request.options.budget:
            scene.reporter.info(f"{scene.name}: unfinished blocks need more memory than --memory and are deleted")
            return None
        quicklook = quicklook_of(scene.raster, request.products)
        boxes = request.model.card.boxes is not None
        recipe = make_recipe(plan, execution=execution, quicklook=quicklook, boxes=boxes)
        store = open_store(scene.folder, plan.tiling, scene.raster.geobox, manifest)
        return plan, Work(recipe, store, request.trace is not None)

    def _begin(self, backend: Backend) -> tuple[Plan, Work]:
        """Choose how the model is run, and make a new store; blocks of anything else are deleted."""
        scene, request, tiling = self.scene, self.scene.request, self.plan.tiling
        quicklook = quicklook_of(scene.raster, request.products)
        boxes = request.model.card.boxes is not None  # what is run with them is not measured
        if not boxes and self.plan.measured_rate() is None:
            scene.reporter.info(f"{scene.name}: measuring the fastest settings for this model, once on this machine")
        recipe = make_recipe(self.plan, execution=backend.choose(self.plan), quicklook=quicklook, boxes=boxes)
        manifest = {
            **manifest_of(scene.raster, request),
            "execution": asdict(recipe.execution),
            "tiling": asdict(tiling),
            **({} if self.plan.inner is None else {"inner_tiling": asdict(self.plan.inner.tiling)}),
            "blocks": tiling.block_count,
            "sources": list(scene.raster.sources),
        }
        store = open_store(scene.folder, tiling, scene.raster.geobox, manifest)
        return self.plan, Work(recipe, store, request.trace is not None)

    def _with_precision_checked(self, plan: Plan, backend: Backend, execution: Execution) -> Plan:
        """Warn if half precision changes the map; on a cluster, this machine may not have the workers' device."""
        text = None if backend.cluster is not None else precision_warning(plan, execution)
        if text is None:
            return plan
        plan = replace(plan, warnings=(*plan.warnings, text))
        self.scene.reporter.warning(plan.warnings_of(self.scene.name)[-1])
        return plan
