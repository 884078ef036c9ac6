"""Blocks on the workers of a dask cluster: running already, started here, or submitted to a batch system.

Tasks carry recipes: paths, a model's name, a few numbers. Workers read the scene and write finished blocks themselves,
so they must see both under the same paths; a worker that does not is named. dask finds workers again, repeats what a
lost one was doing and shows it all on its dashboard; geoseg keeps a bounded number of tasks in flight and decides what
is worth repeating.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import pickle
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from geoseg._version import __version__
from geoseg.errors import ClusterError
from geoseg.job.block_store import read_manifest, tag_of
from geoseg.job.dispatch import BlockSummary, Done, Feed, LostError, Outcome, Work, compute_and_store
from geoseg.job.failures import BlockFailure
from geoseg.system.dask_client import Deployment, deploy
from geoseg.system.resources import available_memory

if TYPE_CHECKING:
    from geoseg.models import Execution
    from geoseg.progress.reporters import Reporter
    from geoseg.segment.plan import Options, Plan

# Blocks go out in groups that take at least this long, so that a message costs next to nothing beside the work it
# brings, and at most so many at once.
_GROUP_SECONDS, _GROUP_MOST = 1.0, 1024

# What a scheduler does for one task, in seconds (measured: 4.3 to 5.2 ms of its process, with 4 and 64 workers), and
# half as much again: with so many threads that it would have no time left, groups grow instead. See bench_scale.py.
_TASK_SECONDS = 0.008

# Share of a worker's memory limit that is used: dask stops giving it work at 0.8.
_LIMIT_SHARE = 0.7

# Share of the free memory of a machine that its workers use together, where they have no limit.
_FREE_SHARE, _MOST = 0.5, 16 * 10**9

# Seconds after which a scheduler that does not answer any more is given up.
_PATIENCE = 30.0

# Seconds that a finished task's result may take to come. A client whose event loop has ended would wait for ever.
_ANSWER = 20.0


_GONE = "the dask scheduler is gone: start it again and run the same command again, finished blocks are kept"


def _ask(call: Callable[[], Any]) -> Any:
    """Ask the scheduler something; if it is dying at this very moment, say so in one line."""
    try:
        return call()
    # TypeError: a client whose connection is just closing has no comm to write to.
    except (OSError, TypeError, asyncio.CancelledError, concurrent.futures.CancelledError) as error:
        raise ClusterError(_GONE) from error


class Cluster:
    """A dask cluster that is ready to compute.

    Parameters
    ----------
    scheduler
        ``"local"``, an address, the name of a batch system, or a ``distributed.Client``.
    options
        How to segment; ``workers`` is the number of processes where geoseg starts them.
    reporter
        Told where the dashboard is.

    Raises
    ------
    OptionError
        If there is no such scheduler, or what it needs is not installed.
    ClusterError
        If nobody answers, or no worker comes.
    """

    def __init__(self, scheduler: Any, options: Options, reporter: Reporter) -> None:
        self._deployment: Deployment = deploy(scheduler, options.workers, reporter.info)
        self._client = self._deployment.client
        facts = list(_ask(lambda: self._client.run(_facts)).values())
        threads = _ask(self._client.nthreads)
        self._processes = len(threads)
        self._least_threads = min(threads.values(), default=1)
        memory = options.memory if options.memory is not None else budget(facts)
        self.options = replace(options, memory=memory, workers=max(threads.values(), default=1))
        hosts = len({fact["host"] for fact in facts})
        counts = {"worker": self._processes, "thread": sum(threads.values()), "machine": hosts}
        reporter.info("{} with {} on {}".format(*(f"{n} {what}{'s' * (n != 1)}" for what, n in counts.items())))

    def slots(self) -> tuple[int, int]:
        """Blocks in flight at a time, and processes."""
        threads = _ask(self._client.nthreads)
        return max(sum(threads.values()), 1), max(len(threads), 1)

    def pool(self) -> Workers:
        """Return the workers as a pool."""
        return Workers(self._client)

    def execution(self, plan: Plan) -> Execution:
        """Choose how the model runs where it will run: on a worker."""
        found: Execution = _ask(self._client.submit(_choose, pickle.dumps(plan), pure=False).result)
        streams = min(found.streams, self._least_threads)
        if self._deployment.one_machine and found.device == "cpu":  # its processes share the cores
            streams = min(streams, max(found.streams // self._processes, 1))
        return replace(found, streams=streams)

    def close(self) -> None:
        """End what was started for this run; a cluster that was there before stays."""
        self._deployment.close()


class Workers:
    """The workers of a cluster, as a :class:`geoseg.job.dispatch.WorkerPool`."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._futures: set[Any] = set()
        self._threads, self._asked = 1, -1e9
        self._lost_since: float | None = None
        self._packed: tuple[Work | None, bytes] = None, b""

    @property
    def slots(self) -> int:
        """Two groups for every thread: one that it computes, and the next."""
        now = time.monotonic()
        if now - self._asked > 2.0 and self._client.status == "running":  # workers come and go
            self._asked = now
            with suppress(ClusterError):  # check() says so when it is gone for good
                self._threads = sum(_ask(self._client.nthreads).values()) or 1
        return 2 * self._threads + 2

    def group(self, feed: Feed) -> int:
        """So many blocks that they take a while, but fewer towards the end, where all shall have work."""
        if not feed.seconds_per_block:
            return 1
        most = min(int(group_seconds(self._threads) / feed.seconds_per_block), _GROUP_MOST)
        return max(min(most, len(feed.waiting) // (4 * self._threads)), 1)

    def submit(self, work: Work, indices: Sequence[int], done: Done) -> None:
        """Send some blocks to the cluster."""
        future = self._client.submit(
            _on_worker, __version__, self._pack(work), tuple(indices), pure=False, retries=0, key=_key(work, indices)
        )
        self._futures.add(future)
        future.add_done_callback(partial(self._back, done))

    def _pack(self, work: Work) -> bytes:
        """Pickle a scene's work once, not for every group."""
        if self._packed[0] is not work:
            self._packed = work, pickle.dumps(work)
        return self._packed[1]

    def _back(self, done: Done, future: Any) -> None:
        self._futures.discard(future)
        done(_result(future))

    def check(self) -> None:
        """Raise ClusterError once the scheduler has been away for half a minute, or for good."""
        if self._client.status == "running":
            self._lost_since = None
            return
        now = time.monotonic()
        self._lost_since = self._lost_since or now
        if self._client.status in ("closed", "closing") or now - self._lost_since > _PATIENCE:
            raise ClusterError(_GONE)

    def close(self) -> None:
        """Give up what is in flight: workers end the group they compute, and nobody asks for it."""
        if self._futures and self._client.status == "running":
            with suppress(Exception):  # a scheduler that is dying needs no orders
                self._client.cancel(list(self._futures), force=True)
        self._futures.clear()


def group_seconds(threads: int) -> float:
    """How long a group of blocks should take, so that one scheduler keeps so many threads busy."""
    return max(_GROUP_SECONDS, threads * _TASK_SECONDS)


def budget(facts: Sequence[dict[str, Any]]) -> int:
    """Bytes that one process may use: of its dask limit, or its part of what is free on its machine."""
    hosts = [fact["host"] for fact in facts]
    shares = [
        fact["limit"] * _LIMIT_SHARE if fact["limit"] else fact["free"] * _FREE_SHARE / hosts.count(fact["host"])
        for fact in facts
    ]
    return int(max(min([*shares, _MOST]), 10**9))


def _facts(dask_worker: Any) -> dict[str, Any]:
    """Where a worker runs, and what memory it has. Runs on the worker."""
    import socket

    from geoseg.models import keep_memory

    keep_memory()
    limit = dask_worker.memory_manager.memory_limit
    return {"host": socket.gethostname(), "limit": limit, "free": available_memory()}


def _choose(packed: bytes) -> Execution:
    """Choose an execution. Runs on a worker."""
    plan: Plan = pickle.loads(packed)  # noqa: S301 - from the client that this worker serves
    return plan.execution()


def _key(work: Work, indices: Sequence[int]) -> str:
    import uuid

    return f"segment-{uuid.uuid4().hex}-{work.recipe.raster.name}-{indices[0]}"


@lru_cache(maxsize=8)
def _unpacked(packed: bytes) -> Work:
    work: Work = pickle.loads(packed)  # noqa: S301 - from the client that this worker serves
    return work


def _on_worker(version: str, packed: bytes, indices: Sequence[int]) -> list[Outcome]:
    """Compute some blocks. Runs on a worker."""
    if version != __version__:
        cause = f"{_where()} runs geoseg {__version__}, and this is {version}: install the same on all machines"
        return [BlockFailure(index, cause, fatal=True) for index in indices]
    work = _unpacked(packed)
    store = work.store
    if tag_of(read_manifest(store.folder)) != store.tag:
        cause = (
            f"{_where()} does not see {store.folder}: choose an output folder with -o that all workers share "
            "under the same path"
        )
        return [BlockFailure(index, cause, fatal=True) for index in indices]
    return [_one(work, index) for index in indices]


def _one(work: Work, index: int) -> Outcome:
    """Compute one block, unless a worker that was lost finished it before."""
    if work.store.has(index):
        return BlockSummary(index, work.recipe.tiling.block_box(index).area, 0, {})
    found = compute_and_store(work, index)
    return replace(found, cause=f"{found.cause} ({_where()})") if isinstance(found, BlockFailure) else found


def _where() -> str:
    import socket

    from distributed import get_worker

    return f"worker {get_worker().address} on {socket.gethostname()}"


def _result(future: Any) -> list[Outcome] | BaseException:
    """Return what a task brought, or an error that says what became of it; raises nothing, dask would only log it."""
    from distributed.scheduler import KilledWorker

    try:
        if future.client.status != "running":
            return LostError("the connection to the dask scheduler was lost")
        if future.status == "finished":
            found: list[Outcome] = future.result(timeout=_ANSWER)
            return found
        error: BaseException | None = future.exception(timeout=_ANSWER)
        if error is None:  # lost between its end and this question
            return LostError("the connection to the dask scheduler was lost")
    except BaseException as raised:  # noqa: BLE001 - cancelled, connection lost, worker gone
        return LostError(f"the connection to the dask scheduler was lost ({type(raised).__name__})")
    if isinstance(error, KilledWorker):
        return LostError("every worker that computed it died: out of memory, or ended from outside; see their logs")
    if isinstance(error, ImportError):
        return ClusterError(f"workers cannot import what they need ({error}): install geoseg {__version__} there")
    return error
