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
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from geoseg.errors import ChangedError, GeosegError, OutputError
from geoseg.job.block_store import read_manifest
from geoseg.job.outputs import output_names
from geoseg.job.request import WORK_FOLDER, Request, SceneResult, fingerprint_of, manifest_of, read_report
from geoseg.raster import Raster
from geoseg.raster.files.members import check_unchanged
from geoseg.system.files import fsync_folder
from geoseg.system.storage.storage import Storage

if TYPE_CHECKING:
    from geoseg.progress.reporters import Reporter

_PUBLISHING = "publishing"
"""File beside the blocks that says of which results some may have their final names already."""


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
    def names(self) -> dict[str, str]:
        """File name per kind of output."""
        return output_names(self.name, self.request.products)

    @property
    def outputs(self) -> dict[str, Any]:
        """Path or URL per kind of output."""
        return {kind: self.request.output.location(name) for kind, name in self.names.items()}

    @cached_property
    def fingerprint(self) -> str:
        """Hash of everything that determines the results."""
        return fingerprint_of(self.raster, self.request)

    @cached_property
    def folder(self) -> Storage:
        """Where the finished blocks are; its lock lies beside it."""
        return self._work / self.name

    def report(self) -> dict[str, Any]:
        """Return the content of the report file; empty if there is none."""
        with self.reported():
            return read_report(self.request.output, self.names["report"])

    def is_complete(self) -> bool:
        """Whether every output exists and is of this scene, model and options, without missing blocks."""
        report = self.report()
        if report.get("fingerprint") != self.fingerprint or report.get("failed_blocks"):
            return False
        # A page that nobody asked for is no reason to compute a scene again.
        wanted = {name for kind, name in self.names.items() if kind != "html" or self.request.products.html}
        return wanted <= set(self.existing())

    def existing(self) -> list[str]:
        """Return the names of the outputs that exist."""
        with self.reported():
            return [name for name in self.names.values() if self.request.output.exists(name)]

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Turn errors of a server into OutputError."""
        try:
            yield
        except OSError as error:
            raise OutputError(
                f"{self.name}: {self.request.output} cannot be used: {error.strerror or error}"
            ) from error

    def lock(self) -> ExitStack:
        """Lock the scene's folder against other runs; closing the stack unlocks it and removes empty folders.

        Raises
        ------
        OutputError
            If another run holds it, or the folder cannot be made.
        """
        with ExitStack() as stack:
            stack.callback(self._remove_work_folder_if_empty)
            stack.enter_context(self.folder.lock())
            return stack.pop_all()

    def remove_leftovers(self) -> None:
        """Remove the blocks of a run that was killed after its last rename, but not those of other runs."""
        with suppress(OSError, OutputError):
            if self.name in self._work.folders():
                own = manifest_of(self.raster, self.request)["fingerprint"]
                with self.folder.lock():
                    if read_manifest(self.folder).get("fingerprint", own) == own:
                        self.folder.clear()
        self._remove_work_folder_if_empty()

    @property
    def _work(self) -> Storage:
        return self.request.output / WORK_FOLDER

    def _remove_work_folder_if_empty(self) -> None:
        self._work.drop_if_empty()  # other scenes' blocks may be in it

    def begin_publishing(self) -> None:
        """Remove an older report, which must not vouch for the files that are about to get their names.

        In a bucket it is noted whose files these are: unlike files that wait beside the blocks, they are lost with
        this machine.
        """
        self.folder.verify_lock()
        if self.request.output.remote:
            self.folder.write(_PUBLISHING, self.fingerprint.encode())
        self.request.output.remove(self.names["report"])
        if "html" not in self.names:  # nor must an older page tell of another map
            self.request.output.remove(str(PurePath(self.names["report"]).with_suffix(".html")))

    def was_publishing(self) -> bool:
        """Return whether a run of the same scene, model and options was killed while results got their names."""
        try:
            with self.reported():
                return self.folder.read(_PUBLISHING).decode() == self.fingerprint
        except OutputError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return False
            raise

    def result(
        self, report: dict[str, Any], status: str, there: Collection[str], missing: GeosegError | None = None
    ) -> SceneResult:
        """Emit the ``result`` event and return the result, with the outputs whose files are ``there``."""
        outputs = {kind: path for kind, path in self.outputs.items() if self.names[kind] in there}
        self.reporter.result(
            scene=self.name,
            outputs={kind: str(path) for kind, path in outputs.items()},
            classes=report.get("classes", {}),
            status=status,
            seconds=report.get("seconds", {}).get("total"),
        )
        return SceneResult(self.name, status, outputs, report, missing)


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
        return scene.result(report, "kept", scene.existing())


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
            report = self._name_files()
            if self.missing is None:  # else the next run computes the missing blocks alone
                with suppress(OSError):  # the next run removes them
                    scene.folder.clear()
        return scene.result(report, "done" if self.missing is None else "partial", scene.names.values(), self.missing)

    def _check_inputs(self) -> None:
        try:
            check_unchanged(self.scene.raster)
        except ChangedError:
            shutil.rmtree(self.staged, ignore_errors=True)
            raise

    def _name_files(self) -> dict[str, Any]:
        """Rename or upload every file, the report last, because it vouches for all others; return its content."""
        scene, last = self.scene, self.scene.names["report"]
        output = scene.request.output
        report = read_report(self.staged, last)
        try:
            scene.begin_publishing()
            for path in sorted(self.staged.iterdir(), key=lambda path: (path.name == last, path.name)):
                scene.folder.verify_lock()
                output.take(path)
        except OSError as error:
            raise OutputError(self._cause(error)) from error
        if not output.remote:
            fsync_folder(Path(output.location("")))
        return report

    def _cause(self, error: OSError) -> str:
        name, reason = error.filename2 or error.filename, error.strerror or error
        if self.scene.request.output.remote:
            return (
                f"{self.scene.request.output} cannot be written: {reason}; finished blocks are kept: run the same "
                "command again"
            )
        return (
            f"{name} cannot be written: {reason}; close it in other programs and run the same command again, "
            "finished work is kept"
        )
