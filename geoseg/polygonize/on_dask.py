"""Trace strips on the workers of a dask cluster; joining and writing stay in this process.

A task carries the path of the raster, the options and the index of a strip. It returns the strip's finished and open
polygons, which are consumed in order, a bounded number at a time: the file is identical to the byte. Rows of a dask
array are computed on the cluster and pass from worker to worker.
"""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from geoseg.errors import ClusterError, GeosegError, InputError, OptionError, ReadError
from geoseg.polygonize.kernels import lattice
from geoseg.polygonize.kernels.types import Array
from geoseg.polygonize.request import Rows
from geoseg.polygonize.source import ArraySource, FileSource, RowCache, RowSource

if TYPE_CHECKING:
    from geoseg.polygonize.request import PolygonizeJob


@contextmanager
def client_of(scheduler: Any, workers: int | None) -> Iterator[Any]:
    """Yield the dask client for ``scheduler``; None stands for threads of this process.

    Raises
    ------
    OptionError, ClusterError
        If the scheduler is unknown or does not answer.
    """
    if scheduler is None or scheduler == "threads":
        yield None
        return
    from geoseg.system.cluster.deployment import deploy
    from geoseg.system.cluster.worker_watch import Staffing

    count = workers or 1
    deployment = deploy(scheduler, Staffing(count, count))
    try:
        yield deployment.client
    finally:
        deployment.close()


def threads_of(client: Any) -> int:
    """Return how many strips a cluster traces at a time."""
    return max(sum(map(int, client.nthreads().values())), 1)


def check_sources(*sources: RowSource | None) -> None:
    """Raise OptionError for an array in the memory of this process, which workers cannot read."""
    for source in sources:
        if isinstance(source, ArraySource) and not source.lazy:
            raise OptionError(
                f"{source.name} is an array in this process's memory, which the workers of a cluster cannot read: "
                "give a file's path or a dask array, or leave scheduler out"
            )


class _Pass(NamedTuple):
    """What all strips of a pass share, sent to each worker once."""

    token: str
    job: PolygonizeJob
    work: Callable[[PolygonizeJob, Any], Any]


@dataclass
class _Edges:
    """Takes the place of ``Reshape`` on a worker: records the edges of one strip, which are returned with it."""

    lattice: Array | None = None

    def mark(self, codes: Array, first_row: int) -> None:  # noqa: ARG002 - lines are counted from the strip's first
        self.lattice = np.zeros((codes.shape[0] - 1, (codes.shape[1] + 2) // 4), np.uint8)
        lattice.mark(codes, 0, self.lattice)


def in_order(client: Any, job: PolygonizeJob, work: Callable[[PolygonizeJob, Any], Any]) -> Iterator[Any]:
    """Yield ``work`` of every strip in order, two tasks per thread of the cluster in flight."""
    from distributed import CancelledError, KilledWorker

    token = uuid.uuid4().hex
    shared = client.scatter(_Pass(token, _recipe(job), work), broadcast=True, hash=False)
    pending: deque[Any] = deque()
    strips = iter(range(job.strips))

    def submit() -> None:
        for index in strips:
            key = f"polygonize-{token}-{index}"
            pixels, confidence = _pixels(client, job.source, job, index), _pixels(client, job.confidence, job, index)
            tables = (
                None if job.classes is None else job.classes.part(index),
                None if job.large is None else job.large.part(index),
            )
            pending.append(
                client.submit(_on_worker, shared, index, pixels, confidence, tables, key=key, pure=False, retries=2)
            )
            return

    try:
        for _ in range(2 * threads_of(client) + 1):
            submit()
        index = 0
        while pending:
            failure, result, edges = pending[0].result()
            if failure is not None:
                raise failure
            pending.popleft()
            submit()
            if edges is not None and job.reshape is not None:
                job.reshape.lattice[index * job.rows : index * job.rows + edges.shape[0]] = edges
            index += 1
            yield result
    except (KilledWorker, CancelledError, OSError, TimeoutError) as error:
        raise ClusterError(
            f"a strip of {job.source.name} could not be traced: workers or scheduler are lost "
            f"({type(error).__name__}); start the cluster again, give its workers more memory, or lower --memory"
        ) from error
    finally:
        if pending and client.status == "running":
            client.cancel(list(pending), force=True)


def _recipe(job: PolygonizeJob) -> PolygonizeJob:
    """Return the job as workers need it."""
    confidence = None if job.confidence is None else job.confidence.without_pixels()
    reshape: Any = None if job.reshape is None else _Edges()
    return replace(
        job,
        source=job.source.without_pixels(),
        confidence=confidence,
        reshape=reshape,
        classes=None,
        large=None,
        names={},
    )


def _pixels(client: Any, source: RowSource | None, job: PolygonizeJob, index: int) -> Any:
    """Return the future of a strip's rows of a dask array; None where workers read a file."""
    if not isinstance(source, ArraySource):
        return None
    first, last = index * job.rows, min((index + 1) * job.rows, job.source.height)
    return client.compute(source.rows(max(first - 1, 0), last))


@dataclass(frozen=True)
class _RowsOfTask:
    """Rows of a dask array that came with the task, the first of them row ``first``."""

    first: int
    data: Array

    def read(self, first: int, last: int) -> tuple[Array, Array | None]:
        return self.data[first - self.first : last - self.first], None


_caches: OrderedDict[str, tuple[RowCache, RowCache | None]] = OrderedDict()
_lock = threading.Lock()


def _on_worker(shared: _Pass, index: int, pixels: Any, confidence: Any, tables: Any) -> tuple[Any, Any, Any]:
    """Trace one strip on a worker; return an error of geoseg, or the result and the strip's edges."""
    edges = None if shared.job.reshape is None else _Edges()
    job: PolygonizeJob = replace(shared.job, classes=tables[0], large=tables[1], reshape=edges)  # type: ignore[arg-type]
    try:
        result = shared.work(job, (*_rows(shared, index, pixels, confidence), index))
    except GeosegError as error:
        return _explained(job, error), None, None
    return None, result, None if edges is None else edges.lattice


def _rows(shared: _Pass, index: int, pixels: Any, confidence: Any) -> tuple[Rows, Rows | None]:
    from geoseg.polygonize.request import row_caches

    with _lock:
        if shared.token not in _caches:
            _caches[shared.token] = row_caches(shared.job)
            while len(_caches) > 2:
                _caches.popitem(last=False)
        rows, confidence_rows = _caches[shared.token]
    first = max(index * shared.job.rows - 1, 0)
    return (
        rows if pixels is None else _RowsOfTask(first, np.asarray(pixels)),
        confidence_rows if confidence is None else _RowsOfTask(first, np.asarray(confidence)),
    )


def _explained(job: PolygonizeJob, error: GeosegError) -> GeosegError:
    """Replace a read error by one that names the file which this worker cannot see."""
    for source in (job.source, job.confidence):
        if isinstance(error, ReadError) and isinstance(source, FileSource) and source.is_missing():
            return InputError(
                f"{source.path}: a worker of the cluster finds no such file; all workers must see it by this path"
            )
    return error
