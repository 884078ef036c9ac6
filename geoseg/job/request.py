"""What all scenes of a job have in common, what identifies their results, and what became of one."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from geoseg import __version__
from geoseg.errors import ContractError, GeosegError, InputError
from geoseg.job.failures import is_passing, pause
from geoseg.models import check_bands
from geoseg.segment.plan import Options
from geoseg.job.outputs import Products
from geoseg.raster import Raster, open_raster
from geoseg.raster.gdal.environment import is_remote
from geoseg.raster.gdal.retry_cache import forget
from geoseg.progress.trace import Trace

if TYPE_CHECKING:
    from geoseg.models import Model

Result = TypeVar("Result")

WORK_FOLDER = ".geoseg"
"""Folder inside the output folder for what is not finished."""


@dataclass(frozen=True)
class SceneResult:
    """What became of one scene.

    Attributes
    ----------
    name
        The scene's name.
    status
        ``"done"``, ``"kept"`` (was there already), ``"partial"`` (blocks are missing) or ``"failed"``.
    outputs
        Path per kind of output.
    report
        Content of the report file; empty if failed.
    error
        Why it failed, or what is missing.
    """

    name: str
    status: str
    outputs: dict[str, Path] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    error: GeosegError | None = None


@dataclass(frozen=True)
class Setting:
    """What all scenes of a job have in common.

    Attributes
    ----------
    model, options, products, reading
        As in :class:`geoseg.job.batch.Job`.
    output
        Folder for the results.
    scheduler
        Its name, for the report.
    overwrite, allow_partial, retries
        As in :class:`geoseg.job.batch.Job`.
    trace
        Collects spans, if wanted.
    """

    model: Model
    options: Options
    products: Products
    reading: Mapping[str, Any]
    output: Path
    scheduler: str = "threads"
    overwrite: bool = False
    allow_partial: bool = False
    retries: int = 2
    trace: Trace | None = None


def open_scene(source: Any, setting: Setting, name: str | None = None) -> Raster:
    """Open a scene with the model's bands; a network that fails is asked again.

    Raises
    ------
    GeosegError
        If it cannot be opened or has not the bands.
    """
    reading = {**setting.reading, **({"name": name} if name else {})}
    files = [str(file) for file in (source if isinstance(source, list | tuple) else [source])]
    raster: Raster = source
    if not isinstance(source, Raster):
        raster = patiently(lambda: open_raster(source, **reading), files, setting.retries)
    check_bands(setting.model.card, raster)
    return raster.select([band.name for band in setting.model.card.bands])


def patiently(call: Callable[[], Result], sources: Sequence[str], retries: int) -> Result:
    """Call something that reads files; after a network error wait and call it again, up to ``retries`` times."""
    for attempt in range(1, retries + 1):
        try:
            return call()
        except GeosegError as error:
            # What cannot be opened may be the network's fault, too.
            remote = isinstance(error, InputError) and any(is_remote(source) for source in sources)
            if not (remote or is_passing(error, sources)) or isinstance(error, ContractError):
                raise
        forget(sources)
        time.sleep(pause(attempt))
    return call()


def manifest_of(raster: Raster, setting: Setting) -> dict[str, Any]:
    """Return what a scene's blocks are of.

    Windows that the memory budget chose are no part of it: an unfinished run goes on with the windows it began with.
    """
    options = setting.options
    parts = [
        raster.fingerprint(), setting.model.fingerprint,
        repr((options.window, options.margin, options.block, options.compile)),
        options.stitch, options.device, options.precision,
        repr(setting.products.preview), __version__,
    ]  # fmt: skip
    return {"fingerprint": hashlib.sha256("\n".join(parts).encode()).hexdigest(), "version": __version__}


def fingerprint_of(raster: Raster, setting: Setting) -> str:
    """Everything that a scene's results depend on, as a hash."""
    parts = [manifest_of(raster, setting)["fingerprint"], repr(setting.products)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_report(path: Path) -> dict[str, Any]:
    """Return a report file's content; empty if there is none that can be read."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
