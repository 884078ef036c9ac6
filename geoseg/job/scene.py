"""One scene of a job, and its two last states: complete results that are kept, or new files that get their names.

The states of a scene, each a type whose method returns the next::

    Scene ─► KeptScene ──────────────────────────────────► SceneResult "kept"
         └─► PlannedScene ─► RunningScene ─► FinishedScene ─► SceneResult "done" or "partial"
                         └──────────────────────┘ if the last run was killed while it renamed finished files

:func:`geoseg.job.scene_planned.prepare` and :class:`~geoseg.job.scene_planned.PlannedScene` come before the blocks,
:class:`~geoseg.job.scene_running.RunningScene` computes them; :mod:`geoseg.job.batch` moves scenes from state to state.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import ChangedError, GeosegError, OutputError
from geoseg.job.block_store import read_manifest
from geoseg.job.outputs import outputs_of
from geoseg.job.request import WORK_FOLDER, Request, SceneResult, fingerprint_of, manifest_of, read_report
from geoseg.raster import Raster
from geoseg.raster.files.members import check_unchanged
from geoseg.system.files import fsync_folder
from geoseg.system.locks import locked

if TYPE_CHECKING:
    from geoseg.progress.reporters import Reporter


@dataclass(frozen=True)
class Scene:
    """A scene that is open, the job's settings, and where its files are.

    Attributes
    ----------
    raster
        The scene, its bands in the order of the model card.
    request
        The job's settings.
    reporter
        Receives the scene's events.
    """

    raster: Raster
    request: Request
    reporter: Reporter

    @property
    def name(self) -> str:
        """The scene's name, with which its files begin."""
        return self.raster.name

    @cached_property
    def outputs(self) -> dict[str, Path]:
        """Path per kind of output."""
        return outputs_of(self.request.output, self.name, self.request.products)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that determines the results."""
        return fingerprint_of(self.raster, self.request)

    @property
    def folder(self) -> Path:
        """Folder of finished blocks; its lock lies beside it."""
        return self.request.output / WORK_FOLDER / self.name

    def report(self) -> dict[str, Any]:
        """Return the content of the report file; empty if there is none."""
        return read_report(self.outputs["report"])

    def is_complete(self) -> bool:
        """Whether every output exists and is of this scene, model and options, without missing blocks."""
        report = self.report()
        same = report.get("fingerprint") == self.fingerprint
        # A page that nobody asked for is no reason to compute a scene again.
        wanted = [path for kind, path in self.outputs.items() if kind != "html" or self.request.products.html]
        return same and not report.get("failed_blocks") and all(path.exists() for path in wanted)

    def lock(self) -> ExitStack:
        """Lock the scene's folder against other runs; closing the stack unlocks it and removes empty folders.

        Raises
        ------
        OutputError
            If another run holds it, or the folder cannot be made.
        """
        with ExitStack() as stack:
            stack.callback(self._remove_work_folder_if_empty)
            stack.enter_context(locked(self.folder))
            return stack.pop_all()

    def remove_leftovers(self) -> None:
        """Remove the blocks of a run that was killed after its last rename, but not those of other runs."""
        if self.folder.parent.is_dir():
            own = manifest_of(self.raster, self.request)["fingerprint"]
            with suppress(OutputError), locked(self.folder):
                if read_manifest(self.folder).get("fingerprint", own) == own:
                    shutil.rmtree(self.folder, ignore_errors=True)
        self._remove_work_folder_if_empty()

    def _remove_work_folder_if_empty(self) -> None:
        with suppress(OSError):  # other scenes' blocks are in it
            self.folder.parent.rmdir()

    def report_result(self, report: Mapping[str, Any], status: str) -> None:
        """Emit the ``result`` event."""
        outputs = {kind: str(path) for kind, path in self.outputs.items() if kind != "html" or path.exists()}
        seconds = report.get("seconds", {}).get("total")
        self.reporter.result(
            scene=self.name, outputs=outputs, classes=report.get("classes", {}), status=status, seconds=seconds
        )


@dataclass(frozen=True)
class KeptScene:
    """A scene whose complete results are in the output folder already."""

    scene: Scene

    def keep(self) -> SceneResult:
        """Remove what a killed run may have left, and return the existing results."""
        scene = self.scene
        scene.remove_leftovers()
        report = scene.report()
        output = scene.request.output
        scene.reporter.info(f"{scene.name}: kept, it is complete in {output}; --overwrite computes it again")
        scene.report_result(report, "kept")
        outputs = {kind: path for kind, path in scene.outputs.items() if path.exists()}
        return SceneResult(scene.name, "kept", outputs, report)


@dataclass(frozen=True)
class FinishedScene:
    """A scene whose files are all written and on the disk, but in a temporary folder.

    Attributes
    ----------
    scene
        The scene.
    staged
        Folder of the files.
    lock
        Holds the scene's folder; see :meth:`Scene.lock`.
    missing
        Names the blocks that are nodata because they failed; None if there are none.
    """

    scene: Scene
    staged: Path
    lock: ExitStack
    missing: GeosegError | None = None

    def publish(self) -> SceneResult:
        """Give the files their final names, unlock the folder and report the result.

        Raises
        ------
        OutputError
            If a file cannot be replaced.
        ChangedError
            If a file of the scene has changed since it was opened; nothing is renamed.
        """
        scene = self.scene
        with self.lock:
            self._check_inputs()
            report = self._rename()
            if self.missing is None:  # else the next run computes the missing blocks alone
                shutil.rmtree(scene.folder, ignore_errors=True)
        status = "done" if self.missing is None else "partial"
        scene.report_result(report, status)
        return SceneResult(scene.name, status, scene.outputs, report, self.missing)

    def _check_inputs(self) -> None:
        try:
            check_unchanged(self.scene.raster)
        except ChangedError:
            shutil.rmtree(self.staged, ignore_errors=True)
            raise

    def _rename(self) -> dict[str, Any]:
        """Rename every file, the report last, because it vouches for all others; return its content."""
        output, last = self.scene.request.output, self.scene.outputs["report"].name
        report = read_report(self.staged / last)
        try:
            (output / last).unlink(missing_ok=True)  # an older report must not vouch for some of these files
            if "html" not in self.scene.outputs:  # nor an older page tell of another map
                (output / last).with_suffix(".html").unlink(missing_ok=True)
            for path in sorted(self.staged.iterdir(), key=lambda path: (path.name == last, path.name)):
                path.replace(output / path.name)
        except OSError as error:
            raise OutputError(
                f"cannot write {error.filename2 or error.filename}: {error.strerror or error}; close it in other "
                "programs and run the same command again, finished work is kept"
            ) from error
        fsync_folder(output)
        return report
