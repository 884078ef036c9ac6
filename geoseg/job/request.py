"""What all scenes of a job have in common, what identifies their results, and what became of one."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from geoseg._version import __version__
from geoseg.errors import ContractError, GeosegError, InputError
from geoseg.job.failures import backoff, is_transient
from geoseg.job.outputs import Products
from geoseg.models import check_bands
from geoseg.progress.trace import Trace
from geoseg.raster import Raster, open_raster
from geoseg.raster.gdal.environment import is_remote
from geoseg.raster.gdal.retry_cache import clear_remote_cache
from geoseg.segment.plan import Options
from geoseg.segment.probabilities import class_positions

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
class Request:
    """What all scenes of a job have in common.

    Attributes
    ----------
    model, options, products, reading
        As in :class:`geoseg.job.request.Job`.
    output
        Folder for the results.
    scheduler
        Its name, for the report.
    overwrite, allow_partial, retries
        As in :class:`geoseg.job.request.Job`.
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


def open_scene(source: Any, request: Request, name: str | None = None) -> Raster:
    """Open a scene with the model's bands; a network that fails is asked again.

    Raises
    ------
    GeosegError
        If it cannot be opened or has not the bands.
    """
    reading = {**request.reading, **({"name": name} if name else {})}
    files = [str(file) for file in (source if isinstance(source, list | tuple) else [source])]
    raster: Raster = source
    if not isinstance(source, Raster):
        raster = with_retries(lambda: open_raster(source, **reading), files, request.retries)
    check_bands(request.model.card, raster)
    return raster.select([band.name for band in request.model.card.bands])


def with_retries(call: Callable[[], Result], sources: Sequence[str], retries: int) -> Result:
    """Call something that reads files; after a network error wait and call it again, up to ``retries`` times."""
    for attempt in range(1, retries + 1):
        try:
            return call()
        except GeosegError as error:
            # What cannot be opened may be the network's fault, too.
            remote = isinstance(error, InputError) and any(is_remote(source) for source in sources)
            if not (remote or is_transient(error, sources)) or isinstance(error, ContractError):
                raise
        clear_remote_cache(sources)
        time.sleep(backoff(attempt))
    return call()


def manifest_of(raster: Raster, request: Request) -> dict[str, Any]:
    """Return what a scene's blocks are of.

    Windows that the memory budget chose are no part of it: an unfinished run goes on with the windows it began with.
    """
    options = request.options
    parts = [
        raster.fingerprint(), request.model.fingerprint,
        repr((options.window, options.margin, options.block, options.compile)),
        options.stitch, options.device, options.precision,
        repr(request.products.preview), __version__,
    ]  # fmt: skip
    if request.products.probabilities is not None:
        parts.append(repr(class_positions(request.model.card, request.products.probabilities)))
    return {"fingerprint": hashlib.sha256("\n".join(parts).encode()).hexdigest(), "version": __version__}


def fingerprint_of(raster: Raster, request: Request) -> str:
    """Everything that a scene's results depend on, as a hash."""
    parts = [manifest_of(raster, request)["fingerprint"], repr(request.products)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_report(path: Path) -> dict[str, Any]:
    """Return a report file's content; empty if there is none that can be read."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Job:
    """What to do.

    Attributes
    ----------
    scenes
        Files, folders, URLs, lists of files that make one scene, or a ``SceneEntry`` with a name.
    output
        Folder for the results.
    model
        Name or folder of a model; the bundled default if None.
    reading
        Options of :func:`geoseg.open_raster`: bands, bbox, scale, …
    options
        How to segment.
    products
        Which results to write and how.
    scheduler
        ``"threads"``, ``"local"``, the address of a dask scheduler, ``"slurm"``, ``"pbs"``, ``"lsf"``,
        ``"kubernetes"``, or a ``dask.distributed.Client``.
    overwrite
        Replace results that are there.
    retries
        How often a block is tried again that failed for a transient reason.
    allow_partial
        Write results with nodata where blocks failed for good.
    profile
        File for a trace of the run (Chrome's trace format); none if None.
    """

    scenes: Sequence[Any]
    output: Path
    model: str | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    products: Products = field(default_factory=Products)
    scheduler: Any = "threads"
    overwrite: bool = False
    retries: int = 2
    allow_partial: bool = False
    profile: Path | None = None

    @property
    def single(self) -> bool:
        """Whether there is one scene only."""
        return len(self.scenes) == 1


def request_of(job: Job) -> Request:
    """Return what all scenes of a job have in common; loads the model's card, not its network.

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    OptionError
        If probabilities are wanted of something that is no class of the model.
    """
    from geoseg.models import DEFAULT_MODEL, load_model

    model = load_model(job.model or DEFAULT_MODEL)
    class_positions(model.card, job.products.probabilities)
    name = job.scheduler if isinstance(job.scheduler, str) else "client"
    return Request(
        model, job.options, job.products, job.reading, job.output, name, job.overwrite, job.allow_partial, job.retries
    )
