"""Where the blocks of a job are computed, and with which execution of the model: in threads here or on a cluster."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from geoseg.job.dispatch import Threads, WorkerPool
from geoseg.progress.reporters import Reporter
from geoseg.raster import Raster
from geoseg.segment.plan import Options, Plan
from geoseg.system.cluster.worker_watch import Staffing
from geoseg.system.storage.storage import Storage

if TYPE_CHECKING:
    from geoseg.models import Execution


class Backend:
    """Threads of this process, started once the first plan tells how many, or a cluster, connected on entering.

    Parameters
    ----------
    scheduler, options, output
        As in :class:`geoseg.job.Job`. On a cluster, ``options`` and ``output`` become those for its workers: their
        memory budget, and the absolute path of the folder.
    reporter
        Told how many workers a cluster has, and where its dashboard is.
    staffing
        How many workers a cluster shall have; ``options.workers`` if None.
    single
        Whether the job has one scene only: if it has fewer blocks than there are cores, each block gets several cores.
    """

    def __init__(
        self, scheduler: Any, options: Options, output: Storage, reporter: Reporter, *, single: bool = False,
        staffing: Staffing | None = None,
    ) -> None:  # fmt: skip
        self._scheduler, self._reporter = scheduler, reporter
        count = options.workers or 1
        self._staffing = staffing or Staffing(count, count)
        self.options, self.output, self._single = options, output, single
        self.name = scheduler if isinstance(scheduler, str) else "client"
        self.cluster: Any = None
        self._pool: WorkerPool | None = None
        self._executions: list[tuple[Any, int, Execution]] = []

    def __enter__(self) -> Self:
        if self.name != "threads":
            from geoseg.job.dask_pool import Cluster

            self.output = self.output.absolute()
            self.cluster = Cluster(self._scheduler, self.options, self._staffing, self._reporter)
            self.options = self.cluster.options
        return self

    def __exit__(self, *_: object) -> None:
        if self.cluster is not None:
            self.cluster.close()

    def source(self, source: Any) -> Any:
        """Return a scene's source with absolute paths where workers in other folders will open it."""
        if self.cluster is None or isinstance(source, Raster):
            return source
        if isinstance(source, list | tuple):
            return [self.source(one) for one in source]
        if isinstance(source, Mapping):
            return {name: self.source(one) for name, one in source.items()}
        return os.path.abspath(source) if os.path.exists(source) else source  # noqa: PTH100, PTH110 - also URLs

    def slots(self, plan: Plan) -> tuple[int, int]:
        """Blocks computed at a time, and processes that compute them."""
        return (plan.workers, 1) if self.cluster is None else self.cluster.slots()

    def pool(self, plan: Plan) -> WorkerPool:
        """Return the job's pool; the first scene's plan sets its number of threads."""
        if self._pool is None:
            self._pool = Threads(plan.workers) if self.cluster is None else self.cluster.pool()
        return self._pool

    def choose(self, plan: Plan) -> Execution:
        """Choose how the model is run; scenes whose windows are no larger than measured ones share a measurement.

        Measuring while other scenes are computed would mislead, and a batch of many image sizes would measure each.
        """
        rows, cols = plan.passes.tiling.largest_read()
        for dtype, area, execution in self._executions:
            if dtype == plan.raster.dtype and rows * cols <= area:
                return execution
        execution = plan.execution() if self.cluster is None else self.cluster.execution(plan)
        if self._single and self.cluster is None and execution.device == "cpu":
            execution = execution.with_streams(plan.tiling.block_count)
        self._executions.append((plan.raster.dtype, rows * cols, execution))
        return execution

    def reuse_execution(self, report: Mapping[str, Any]) -> None:
        """Take over the execution of a scene that an earlier run finished, so that a resumed batch stays consistent.

        Raises
        ------
        KeyError, TypeError, ValueError, GeosegError
            If the report is of a version of geoseg that described executions otherwise.
        """
        import numpy as np

        from geoseg.models import Execution

        rows, cols = report["tiling"]["window"]
        self._executions.append((np.dtype(report["scene"]["dtype"]), rows * cols, Execution(**report["execution"])))

    def workers_text(self) -> str:
        """Return how many workers a cluster has, for the progress line; empty for threads of this process."""
        return "" if self.cluster is None else self.cluster.text()

    def tend(self, work_seconds: float | None) -> None:
        """Look after a cluster's workers; see :meth:`geoseg.job.dask_pool.Cluster.tend`."""
        if self.cluster is not None:
            self.cluster.tend(work_seconds)

    def release(self) -> None:
        """Let the jobs of a batch system end: every block of every scene is finished."""
        if self.cluster is not None:
            self.cluster.release()

    def close(self) -> None:
        """End the threads, or cancel the cluster's tasks and jobs; finished blocks stay."""
        if self._pool is not None:
            self._pool.close()
        if self.cluster is not None:
            self.cluster.close()
