"""Who computes the blocks of a job, and how: threads of this process or a cluster, and the execution of the model."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from geoseg.job.dispatch import Threads, WorkerPool
from geoseg.progress.reporters import Reporter
from geoseg.raster import Raster
from geoseg.segment.plan import Options, Plan

if TYPE_CHECKING:
    from geoseg.models import Execution


class Backend:
    """Who computes: threads, made when the first plan says how many, or a cluster, connected at once.

    Parameters
    ----------
    scheduler, options, output
        As in :class:`geoseg.job.request.Job`; a cluster's workers may ask for other options and whole paths.
    reporter
        Told what is known of a cluster.
    alone
        Whether there is one scene only: if it has fewer blocks than the processor has cores, all cores work on those.
    """

    def __init__(
        self, scheduler: Any, options: Options, output: Path, reporter: Reporter, *, alone: bool = False
    ) -> None:
        self._scheduler, self._reporter = scheduler, reporter
        self.options, self.output, self._alone = options, output, alone
        self.name = scheduler if isinstance(scheduler, str) else "client"
        self.cluster: Any = None
        self._pool: WorkerPool | None = None
        self._chosen: list[tuple[Any, int, Execution]] = []

    def __enter__(self) -> Self:
        if self.name != "threads":
            from geoseg.job.dask_pool import Cluster

            self.output = self.output.absolute()
            self.cluster = Cluster(self._scheduler, self.options, self._reporter)
            self.options = self.cluster.options
        return self

    def __exit__(self, *_: object) -> None:
        if self.cluster is not None:
            self.cluster.close()

    def source(self, source: Any) -> Any:
        """Return a scene's source as all workers can open it: with whole paths."""
        if self.cluster is None or isinstance(source, Raster):
            return source
        if isinstance(source, list | tuple):
            return [self.source(one) for one in source]
        return os.path.abspath(source) if os.path.exists(source) else source  # noqa: PTH100, PTH110 - also text

    def slots(self, plan: Plan) -> tuple[int, int]:
        """Blocks in flight, and processes."""
        return (plan.workers, 1) if self.cluster is None else self.cluster.slots()

    def pool(self, plan: Plan) -> WorkerPool:
        """Return the pool; the first plan says how many threads it has."""
        if self._pool is None:
            self._pool = Threads(plan.workers) if self.cluster is None else self.cluster.pool()
        return self._pool

    def choose(self, plan: Plan) -> Execution:
        """Choose how the model runs; scenes whose windows are no larger than measured ones share the choice.

        Measuring while other scenes compute would mislead, and a batch of files of many sizes would measure each.
        """
        rows, cols = plan.tiling.largest_read()
        for dtype, area, execution in self._chosen:
            if dtype == plan.raster.dtype and rows * cols <= area:
                return execution
        execution = plan.execution() if self.cluster is None else self.cluster.execution(plan)
        if self._alone and self.cluster is None and execution.device == "cpu":
            execution = execution.with_streams(plan.tiling.block_count)
        self._chosen.append((plan.raster.dtype, rows * cols, execution))
        return execution

    def remember(self, report: Mapping[str, Any]) -> None:
        """Take the choice over from a scene that was done before, so that a batch that is resumed goes on alike."""
        import numpy as np

        from geoseg.models import Execution

        rows, cols = report["tiling"]["window"]
        self._chosen.append((np.dtype(report["scene"]["dtype"]), rows * cols, Execution(**report["execution"])))

    def close(self) -> None:
        """End threads, give up tasks."""
        if self._pool is not None:
            self._pool.close()
