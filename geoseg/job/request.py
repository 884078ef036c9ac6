"""What a user asks for (:class:`Job`) and gets back (:class:`SceneResult`), and what identifies a scene's results."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg._version import __version__
from geoseg.errors import GeosegError, OptionError, OutputError
from geoseg.job.failures import with_retries
from geoseg.job.objects.options import least_score, needed_probabilities, object_reading
from geoseg.job.outputs import Products
from geoseg.job.shards import Shard
from geoseg.models.boxes.checks import check_finds_classes
from geoseg.models.inputs import open_inputs
from geoseg.models.proposals import read_by
from geoseg.progress.trace import Trace
from geoseg.raster import Raster, open_raster
from geoseg.raster.stacks.places import files_of
from geoseg.segment.cloud_model import masked_by, split_clouds
from geoseg.segment.plan import Options
from geoseg.segment.probabilities import class_positions
from geoseg.system.choices import BATCH_SYSTEMS
from geoseg.system.cluster.worker_watch import Staffing
from geoseg.system.outputs import local_path
from geoseg.system.storage.storage import Storage, storage_of, stored_json

if TYPE_CHECKING:
    from geoseg.models import Model

WORK_FOLDER = ".geoseg"
"""Folder inside the output folder for the finished blocks of unfinished scenes."""


@dataclass(frozen=True)
class Job:
    """Scenes, a model, and where and how to write class maps and polygons; :func:`geoseg.run` does it.

    Attributes
    ----------
    scenes
        One entry per scene: anything that :func:`geoseg.open_raster` takes (a file, folder, URL, STAC item, an open
        raster), a list of the files that make one scene (of scenes side by side, with ``reading={"mosaic": True}``), or
        a ``SceneEntry`` with a name for its outputs. For a model of several inputs a mapping,
        ``{"optical": "S2.tif", "sar": "S1.tif"}``, see :func:`geoseg.models.open_inputs`.
    output
        Folder for the results, made if it does not exist, or a prefix of a bucket: ``"s3://bucket/prefix"``.
    model
        Name or folder of a model, or a loaded model; the bundled default if None.
    reading
        Keyword arguments for :func:`geoseg.open_raster`: ``bands``, ``bbox``, ``scale``, …
    options
        How to segment: windows, device, precision, memory; see :class:`geoseg.job.Options`.
    products
        Which results to write, and polygon format and simplification; see :class:`geoseg.job.Products`.
    scheduler
        ``"threads"`` of this process, ``"local"`` for worker processes, the address of a dask scheduler, ``"slurm"``,
        ``"pbs"``, ``"lsf"`` or ``"kubernetes"``, or a ``dask.distributed.Client``.
    workers
        Least and most workers on a batch system whose number follows the work; None: always ``options.workers``.
    max_wait
        Seconds without any worker of a cluster after which the run ends. If None, ten minutes; on a batch system, where
        jobs may wait for days, no limit.
    shard
        Which part of a batch ``scenes`` are, if it is run in shards, as a ``Shard`` or ``"I/N"``: names the table
        ``summary.I-of-N.csv``.
    overwrite
        Replace results of other scenes, models or options, and compute complete ones again.
    retries
        How often a block that failed for a transient reason is tried again.
    allow_partial
        Write results with nodata where blocks failed for good.
    profile
        File for a timeline of the run, for chrome://tracing or Perfetto; none is written if None.

    Raises
    ------
    OptionError
        If ``scenes`` is a single path instead of a list, ``workers`` no range, ``max_wait`` not positive, or there is
        no such shard.
    OutputError
        If ``output`` or ``profile`` is empty, ``output`` no folder or object storage, or ``profile`` a URL or folder.

    Examples
    --------
    Polygons of at least 500 m², simplified by up to 10 m, from every scene of a folder:

    >>> from pathlib import Path
    >>> from geoseg.job import Job, Options, Products
    >>> job = Job(
    ...     sorted(Path("scenes").glob("*.tif")),
    ...     "results",
    ...     options=Options(memory="4GB"),
    ...     products=Products(min_area=500, simplify=10),
    ... )
    >>> job.model is None, job.products.format
    (True, 'gpkg')
    """

    scenes: Sequence[Any]
    output: Path | str
    model: str | Path | Model | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    products: Products = field(default_factory=Products)
    scheduler: Any = "threads"
    workers: tuple[int, int] | None = None
    max_wait: float | None = None
    shard: Shard | str | None = None
    overwrite: bool = False
    retries: int = 2
    allow_partial: bool = False
    profile: Path | str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.scenes, str | os.PathLike):
            raise OptionError(f"scenes is the single path {str(self.scenes)!r}: give a list, [{str(self.scenes)!r}]")
        if self.workers is not None and not 0 <= self.workers[0] < max(self.workers[1], 1):
            raise OptionError(f"workers is {self.workers}: give the least and the most, such as (10, 50)")
        if self.shard is not None:
            object.__setattr__(self, "shard", Shard.of(self.shard))
        if self.max_wait is not None and not (isinstance(self.max_wait, int | float) and self.max_wait > 0):
            raise OptionError(f"max-wait is {self.max_wait!r}: give a positive number of seconds")
        if self.workers is not None and self.scheduler not in BATCH_SYSTEMS:
            least, most = self.workers
            raise OptionError(
                f"workers {least}..{most}: only {', '.join(BATCH_SYSTEMS)} can follow the work; give one number"
            )
        storage_of(self.output)
        if self.profile is not None:
            local_path(self.profile)
        if self.profile is not None and Path(self.profile).is_dir():
            raise OutputError(f"{self.profile}: profile is a folder; name a file for the timeline")

    @property
    def storage(self) -> Storage:
        """The output folder, or prefix of a bucket."""
        return storage_of(self.output)

    @property
    def staffing(self) -> Staffing:
        """How many workers a cluster shall have."""
        count = self.options.workers or 1
        least, most = self.workers or (count, count)
        return Staffing(least, most, self.max_wait)

    @property
    def single(self) -> bool:
        """Whether there is one scene only."""
        return len(self.scenes) == 1


@dataclass(frozen=True)
class SceneResult:
    """The outcome of one scene of a job.

    Attributes
    ----------
    name
        The scene's name, with which its files begin.
    status
        ``"done"``, ``"kept"`` (complete results were there already), ``"partial"`` (written, but blocks are missing)
        or ``"failed"``.
    outputs
        Path per kind of output: ``classes``, ``confidence``, ``report`` and, if asked for, ``polygons``,
        ``probabilities``, ``preview`` and ``html``; of a run that detects objects ``objects``, ``report``, ``preview``
        and ``html``. Empty if failed. In object storage they are URLs, as ``str``.
    report
        Content of ``NAME_report.json``: pixels and area per class, windows, timing, versions. Empty if failed.
    error
        Why the scene failed, or which blocks are missing; else None.

    Examples
    --------
    >>> import geoseg
    >>> [result] = geoseg.run(geoseg.Job(["scene.tif"], "results", model="spectral"))
    >>> result.name, result.status, result.outputs["classes"].name
    ('scene', 'done', 'scene_classes.tif')
    """

    name: str
    status: str
    outputs: dict[str, Any] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    error: GeosegError | None = None


@dataclass(frozen=True)
class Request:
    """A job's settings, the same for all its scenes, with the model loaded.

    Attributes
    ----------
    model, options, products, reading
        As in :class:`Job`.
    output
        Where the results go.
    scheduler
        Its name, for the report.
    overwrite, allow_partial, retries
        As in :class:`Job`.
    trace
        Collects spans; None if no profile is wanted.
    """

    model: Model
    options: Options
    products: Products
    reading: Mapping[str, Any]
    output: Storage
    scheduler: str = "threads"
    overwrite: bool = False
    allow_partial: bool = False
    retries: int = 2
    trace: Trace | None = None


def request_of(job: Job) -> Request:
    """Return a job's settings; loads the model's card, not its network.

    Raises
    ------
    ModelError
        If there is no such model, or it is damaged.
    OptionError
        If probabilities are asked for of a name that is no class of the model.
    """
    from geoseg.models import DEFAULT_MODEL, load_model

    model = load_model(DEFAULT_MODEL if job.model is None else job.model)
    if model.card.boxes is not None and job.products.objects is None:
        check_finds_classes(model.card)
    products = _with_needs(job.products, model)
    class_positions(model.card, products.probabilities)
    scheduler = job.scheduler if isinstance(job.scheduler, str) else "client"
    return Request(
        model=model,
        options=job.options,
        products=products,
        reading=job.reading,
        output=job.storage,
        scheduler=scheduler,
        overwrite=job.overwrite,
        allow_partial=job.allow_partial,
        retries=job.retries,
    )


def _with_needs(products: Products, model: Model) -> Products:
    """Return the products, objects with their lowest score and the probabilities that scores are made of."""
    if products.objects is None:
        return products
    object_reading(model.card, products.objects)
    objects = replace(products.objects, score=least_score(model.card, products.objects))
    return replace(products, objects=objects, probabilities=needed_probabilities(model.card))


def open_scene(source: Any, request: Request, name: str | None = None) -> Raster:
    """Open a scene and select the model's bands; network errors are retried.

    Raises
    ------
    GeosegError
        If it cannot be opened or lacks bands of the model.
    """
    reading = {**request.reading, **({"name": name} if name else {})}
    files = [str(file) for file in files_of(source)]
    if isinstance(source, Mapping):
        split_clouds(reading, several=True)
        return with_retries(
            lambda: open_inputs(request.model, source, request.reading, name=name), files, request.retries
        )
    raster: Raster = source
    if not isinstance(source, Raster):
        options, clouds = split_clouds(reading)
        raster = with_retries(lambda: open_raster(source, **options), files, request.retries)
        if clouds is not None:
            raster = masked_by(raster, clouds, request.options.device)
    return read_by(request.model.card, raster)


def manifest_of(raster: Raster, request: Request) -> dict[str, Any]:
    """Return what determines the content of a scene's blocks.

    Windows chosen to fit the memory budget do not count: a resumed run keeps the windows of the run it resumes.
    """
    options = request.options
    parts = [
        raster.fingerprint(), request.model.fingerprint,
        repr((options.window, options.margin, options.block, options.compile)),
        options.stitch, options.device, options.precision, options.runtime,
        repr(request.products.pictures), __version__,
    ]  # fmt: skip
    if options.resample != "auto":
        parts.append(f"resample={options.resample}")
    if request.products.probabilities is not None:
        parts.append(repr(class_positions(request.model.card, request.products.probabilities)))
    return {"fingerprint": hashlib.sha256("\n".join(parts).encode()).hexdigest(), "version": __version__}


def fingerprint_of(raster: Raster, request: Request) -> str:
    """Return a hash of everything that determines a scene's results."""
    parts = [manifest_of(raster, request)["fingerprint"], repr(request.products)]
    if request.products.objects is not None:
        parts.append(repr(request.products.objects))
        if request.products.objects.regularize:
            parts.append(f"regularize={request.products.objects.regularize}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_report(folder: Storage | Path, name: str) -> dict[str, Any]:
    """Return the content of a report file; empty if it is absent or unreadable.

    Raises
    ------
    OSError
        If a server does not answer or denies access.
    """
    return stored_json(storage_of(folder), name)
