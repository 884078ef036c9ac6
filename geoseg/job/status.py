"""The state of every scene in an output folder, and removal of unfinished work (``--status``, ``--clean``)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from geoseg.errors import GeosegError, OutputError
from geoseg.errors.printable import printable
from geoseg.job.block_store import finished_blocks, read_manifest, tag_of
from geoseg.job.finished_vrt import NAME as LIVE
from geoseg.job.finished_vrt import live_path
from geoseg.job.outputs import output_names
from geoseg.job.request import WORK_FOLDER, Request, fingerprint_of, manifest_of, open_scene, read_report
from geoseg.job.scene_list import SceneEntry
from geoseg.system.storage.storage import Storage, storage_of
from geoseg.system.text import printable_json


@dataclass(frozen=True)
class SceneStatus:
    """The state of one scene.

    Attributes
    ----------
    name
        The scene's name.
    state
        ``"done"``, ``"partial"`` (written, with blocks missing), ``"running"``, ``"interrupted"``, ``"not begun"``,
        ``"other"`` (the files are of another scene, model or options), or ``"unreadable"``.
    done, blocks
        Number of finished blocks and of all blocks; both 0 if unknown.
    message
        Details, or what to do next; may be empty.
    """

    name: str
    state: str
    done: int = 0
    blocks: int = 0
    message: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as a dict."""
        return asdict(self)

    def as_text(self) -> str:
        """Return one line."""
        share = f": {self.done} of {self.blocks} blocks ({100 * self.done / self.blocks:.0f} %)" if self.blocks else ""
        return printable(f"{self.name}: {self.state}{share}" + (f"; {self.message}" if self.message else ""))


def status(output: Path | str, scenes: Sequence[Any] = (), request: Request | None = None) -> list[SceneStatus]:
    """Return the state of scenes. Loads no network, reads no pixels, changes no file.

    Parameters
    ----------
    output
        The output folder.
    scenes
        Entries of :attr:`geoseg.job.Job.scenes`; if empty, all scenes with results or unfinished blocks in the folder.
    request
        Model and options that the files are compared with; required with ``scenes``.

    Raises
    ------
    ValueError
        If ``scenes`` are given without ``request``.
    """
    try:
        return _statuses(storage_of(output), scenes, request)
    except OSError as error:
        raise OutputError(f"{output}: cannot be read: {error.strerror or error}") from error


def _statuses(output: Storage, scenes: Sequence[Any], request: Request | None) -> list[SceneStatus]:
    if not scenes:
        return [_scene_status(output, f"{name}_report.json", name) for name in _names(output)]
    if request is None:
        raise ValueError("scenes are given without the request to compare their files with")
    states = []
    for scene in scenes:
        entry = SceneEntry.of(scene)
        try:
            raster = open_scene(entry.source, request, entry.name)
        except GeosegError as error:
            states.append(SceneStatus(entry.label, "unreadable", message=str(error)))
            continue
        expected = manifest_of(raster, request)["fingerprint"], fingerprint_of(raster, request)
        report = output_names(raster.name, request.products)["report"]
        states.append(_scene_status(output, report, raster.name, expected))
    return states


def _scene_status(output: Storage, report_name: str, name: str, expected: tuple[str, str] | None = None) -> SceneStatus:
    """Return one scene's state; ``expected`` are the fingerprints that its blocks and its results should have."""
    folder = output / WORK_FOLDER / name
    manifest, report = read_manifest(folder), read_report(output, report_name)
    running = folder.is_locked()
    if manifest:
        done, blocks = len(finished_blocks(folder, tag_of(manifest))), int(manifest.get("blocks", 0))
        view = f"open {live_path(folder)} to view them" if folder.exists(LIVE) else ""
        if expected is not None and manifest.get("fingerprint") != expected[0]:
            other = "these blocks are of another scene, model or options and would not be used"
            return SceneStatus(name, "running" if running else "other", done, blocks, other)
        if running:
            return SceneStatus(name, "running", done, blocks, view)
        if report.get("failed_blocks"):
            return SceneStatus(name, "partial", done, blocks, "run the same command again to compute what is missing")
        return SceneStatus(name, "interrupted", done, blocks, view or "run the same command again to continue")
    if running:
        return SceneStatus(name, "running")
    if not report:
        return SceneStatus(name, "not begun")
    blocks = int(report.get("tiling", {}).get("blocks", 0))
    if expected is not None and report.get("fingerprint") != expected[1]:
        return SceneStatus(name, "other", message="the results are of another scene, model or options")
    return SceneStatus(name, "done", blocks, blocks)


def _names(output: Storage) -> list[str]:
    """Return the names of scenes with results or unfinished blocks in a folder."""
    done = {name.removesuffix("_report.json") for name in output.names() if name.endswith("_report.json")}
    return sorted(done | set((output / WORK_FOLDER).folders()))


def clean(output: Path | str, names: Sequence[str] | None = None) -> tuple[list[str], list[str]]:
    """Remove unfinished blocks and temporary files, but no results.

    Parameters
    ----------
    output
        The output folder.
    names
        Scenes to clean; all if None.

    Returns
    -------
    Names of the scenes whose working files were removed, and of those left alone because a run is writing to them.

    Raises
    ------
    OutputError
        If files cannot be removed.
    """
    base = storage_of(output) / WORK_FOLDER
    removed, busy = [], []
    try:
        for name in base.folders():
            if names is not None and name not in names:
                continue
            folder = base / name
            if folder.is_locked():
                busy.append(name)
                continue
            with folder.lock():
                folder.clear()
            removed.append(name)
        if not busy and names is None:
            base.clear()
    except OSError as error:
        raise OutputError(f"{error.filename or base} cannot be removed: {error.strerror or error}") from error
    base.drop_if_empty()
    return removed, busy


def as_json(states: Sequence[SceneStatus]) -> str:
    """Return the ``status`` event of the JSON protocol."""
    return printable_json({"event": "status", "scenes": [state.as_dict() for state in states]}, stream=sys.stdout)
