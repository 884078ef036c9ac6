"""Computes blocks on a dask cluster: one that is running, one started here, or one submitted to a batch system.

Tasks carry recipes: paths, a model's name, a few numbers. Workers read the scene and write finished blocks themselves,
so they must see both under the same paths; an error names a worker that does not. dask replaces lost workers, reruns
their tasks and shows everything on its dashboard; geoseg keeps a bounded number of tasks in flight and decides which
failures are retried.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import math
import pickle
import threading
import time
import uuid
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from geoseg._version import __version__
from geoseg.errors import ClusterError, OutputError, one_line
from geoseg.job.block_store import BlockStore, read_manifest, tag_of
from geoseg.job.dispatch import BlockSummary, Done, Feed, LostError, Outcome, Work, compute_and_store
from geoseg.job.failures import BlockFailure, is_transient
from geoseg.job.scene_running import Made, Results, make_results
from geoseg.progress.reporters import Silent
from geoseg.system.cluster.deployment import Deployment, deploy
from geoseg.system.cluster.worker_memory import process_budget, worker_facts
from geoseg.system.cluster.worker_watch import Staffing, WorkerWatch

if TYPE_CHECKING:
    from geoseg.models import Execution
    from geoseg.progress.reporters import Reporter
    from geoseg.segment.plan import Options, Plan
    from geoseg.system.storage.storage import Storage

# Blocks are submitted in groups that take at least this many seconds, so that the overhead of a task is small beside
# its work, and of at most so many blocks.
_GROUP_SECONDS, _MAX_GROUP = 1.0, 1024

# Seconds of the scheduler's own time per task (measured: 4.3 to 5.2 ms, with 4 and 64 workers) and half as much again:
# with so many threads that the scheduler would be saturated, groups grow instead. See bench_scale.py.
_TASK_SECONDS = 0.008

# Seconds after which a scheduler that does not answer is considered lost.
_SCHEDULER_TIMEOUT = 30.0

# Seconds of work that a worker should have if the number of workers adapts: starting one takes some.
_WORKER_SECONDS = 120.0

# Priority of tasks that write results over those that compute blocks: finished scenes take disk.
_FINISH_FIRST = 10

# Seconds to wait for the result of a finished task. A client whose event loop has ended would wait for ever.
_RESULT_TIMEOUT = 20.0


_GONE = "the dask scheduler is gone: start it again and run the same command again, finished blocks are kept"


def _query(call: Callable[[], Any]) -> Any:
    """Call the scheduler; turn the errors of a connection that is closing into one line."""
    try:
        return call()
    # TypeError: a client whose connection is just closing has no comm to write to.
    except (OSError, TypeError, asyncio.CancelledError, concurrent.futures.CancelledError) as error:
        raise ClusterError(_GONE) from error


class Cluster:
    """A connection to a dask cluster whose workers are ready.

    Parameters
    ----------
    scheduler
        ``"local"``, an address, the name of a batch system, or a ``distributed.Client``.
    options
        How to segment.
    staffing
        Processes if geoseg starts them, and how long to wait for one.
    reporter
        Told how many workers there are, and where the dashboard is.

    Raises
    ------
    OptionError
        If there is no such scheduler, or what it needs is not installed.
    ClusterError
        If the scheduler does not answer, or no worker starts.
    """

    def __init__(self, scheduler: Any, options: Options, staffing: Staffing, reporter: Reporter) -> None:
        self._staffing, self._released, self._closing = staffing, False, False
        self._here = threading.Lock()
        self._deployment: Deployment = deploy(scheduler, staffing, reporter)
        self._client, self.watch = self._deployment.client, self._deployment.watch
        try:
            self._meet(options, reporter)
        except BaseException:
            self.close()
            raise

    def _meet(self, options: Options, reporter: Reporter) -> None:
        """Ask the workers that have come what they are."""
        workers = self._facts()
        threads = _query(self._client.nthreads)
        self._processes = len(threads)
        self._min_threads = min(threads.values(), default=1)
        memory = options.memory if options.memory is not None else process_budget(workers)
        self.options = replace(options, memory=memory, workers=max(threads.values(), default=1))
        hosts = len({worker["host"] for worker in workers})
        counts = {"worker": self._processes, "thread": sum(threads.values()), "machine": hosts}
        reporter.info("{} with {} on {}".format(*(f"{n} {what}{'s' * (n != 1)}" for what, n in counts.items())))

    def _facts(self) -> list[dict[str, Any]]:
        """Return :func:`worker_facts` of the workers; waits where those that had come are gone again."""
        while True:
            answers = _query(lambda: self._client.run(worker_facts, on_error="return"))
            facts = [answer for answer in answers.values() if isinstance(answer, dict)]
            if facts:
                return facts
            for address, error in answers.items():
                if not isinstance(error, OSError):  # not: lost while it was asked
                    raise ClusterError(_without_geoseg(f"worker {address}", error)) from error
            self.watch.check()
            time.sleep(0.2)

    def _wait_for(self, future: Any) -> Any:
        """Return the result of a task; tells of lost workers meanwhile, and gives up as the user wishes."""
        from distributed.scheduler import KilledWorker

        while not future.done():
            if self._client.status == "closed":
                raise ClusterError(_GONE)
            self.watch.check()
            time.sleep(0.1)
        try:
            return _query(lambda: future.result(timeout=_RESULT_TIMEOUT))
        except KilledWorker as error:
            raise ClusterError(
                "measuring the model ended every worker that tried: out of memory, or ended from outside; see their "
                "logs, and give jobs more memory or a smaller --memory"
            ) from error
        except ImportError as error:
            raise ClusterError(_without_geoseg("a worker", error)) from error

    def text(self) -> str:
        """Return how many workers there are, and of how many."""
        return self.watch.text

    def tend(self, work_seconds: float | None) -> None:
        """Look after the workers: tell what happened to them, and want as many as the work needs.

        Parameters
        ----------
        work_seconds
            Seconds that one thread would need for what is left; None if nobody knows yet.

        Raises
        ------
        ClusterError
            If there has been no worker for too long, or none can be had.
        """
        if self._released:
            return
        if self._staffing.adaptive and self._deployment.keeper is not None and work_seconds is not None:
            wanted = math.ceil(work_seconds / (_WORKER_SECONDS * self._min_threads))
            self._deployment.keeper.want(min(max(wanted, self._staffing.least), self._staffing.most))
        self.watch.check()

    def slots(self) -> tuple[int, int]:
        """Blocks computed at a time, and processes that compute them."""
        threads = _query(self._client.nthreads)
        return max(sum(threads.values()), 1), max(len(threads), 1)

    def pool(self) -> Workers:
        """Return the workers as a pool."""
        return Workers(self._client, self.watch)

    def execution(self, plan: Plan) -> Execution:
        """Choose how the model is run by a measurement on a worker."""
        future = self._client.submit(_choose_execution, pickle.dumps(plan), pure=False)
        execution: Execution = self._wait_for(future)
        streams = min(execution.streams, self._min_threads)
        if self._deployment.one_machine and execution.device == "cpu":  # its processes share the cores
            streams = min(streams, max(execution.streams // self._processes, 1))
        return replace(execution, streams=streams)

    @property
    def stays(self) -> bool:
        """Whether workers are there until the end, as those of a batch system are not."""
        return self._deployment.keeper is None

    def threads(self) -> int:
        """Return how many threads the workers have that are there now."""
        return sum(self.watch.threads().values())

    def finish(self, results: Results, reporter: Reporter) -> Made:
        """Have a worker make a scene's results; if it is lost, and those that try after it, they are made here.

        Raises
        ------
        GeosegError
            As :func:`geoseg.job.scene_running.make_results`, or if the cluster is closed.
        """
        name = results.work.recipe.raster.name
        reporter.progress(0, 1, f"write {name} on a worker")
        future = self._client.submit(
            _finish, __version__, pickle.dumps(results), pure=False, priority=_FINISH_FIRST,
            key=f"finish-{uuid.uuid4().hex}-{name}",
        )  # fmt: skip
        ended = threading.Event()
        future.add_done_callback(lambda _: ended.set())
        while not ended.wait(1.0):
            if self._closing or self._client.status == "closed":
                with suppress(Exception):  # the scheduler may be gone
                    self._client.cancel([future], force=True)
                raise ClusterError(_GONE)
        made: Made | BaseException = _result(future)
        if isinstance(made, LostError):
            with self._here:  # one at a time: memory is planned for one
                return make_results(results, reporter)
        if isinstance(made, BaseException):
            raise made
        reporter.progress(1, 1, f"write {name} on a worker")
        return made

    def release(self) -> None:
        """Let the jobs of a batch system end; a cluster of another kind stays as it is."""
        if self._deployment.keeper is not None:
            self._released = True
            self._deployment.keeper.want(0)

    def close(self) -> None:
        """Stop the cluster if this run started it; a cluster that was running before stays."""
        self._closing = True
        self._deployment.close()


class Workers:
    """The workers of a cluster, as a :class:`geoseg.job.dispatch.WorkerPool`.

    Parameters
    ----------
    client
        Connection to the scheduler.
    watch
        Counts the workers.
    """

    def __init__(self, client: Any, watch: WorkerWatch) -> None:
        self._client, self._watch = client, watch
        self._futures: set[Any] = set()
        self._lost_since: float | None = None
        self._packed: tuple[Work | None, bytes] = None, b""

    @property
    def slots(self) -> int:
        """Two groups per thread, one that it computes and the next, and two more."""
        return 2 * self._threads + 2

    @property
    def _threads(self) -> int:
        """Threads of the workers that are there now; they come and go."""
        return sum(self._watch.threads().values()) or 1

    def group(self, feed: Feed) -> int:
        """Return enough blocks for :func:`group_seconds`; fewer near the end, so that no thread runs out of work."""
        if not feed.seconds_per_block:
            return 1
        count = min(int(group_seconds(self._threads) / feed.seconds_per_block), _MAX_GROUP)
        return max(min(count, len(feed.waiting) // (4 * self._threads)), 1)

    def submit(self, work: Work, indices: Sequence[int], done: Done) -> None:
        """Submit a group of blocks as one task."""
        future = self._client.submit(
            _compute_group,
            __version__,
            self._pack(work),
            tuple(indices),
            pure=False,
            retries=0,
            key=_key(work, indices),
        )
        self._futures.add(future)
        future.add_done_callback(partial(self._finished, done))

    def _pack(self, work: Work) -> bytes:
        """Pickle a scene's work once for all its groups; that of a mosaic of thousands is mostly repetition."""
        if self._packed[0] is not work:
            self._packed = work, zlib.compress(pickle.dumps(work), 1)
        return self._packed[1]

    def _finished(self, done: Done, future: Any) -> None:
        self._futures.discard(future)
        done(_result(future))

    def check(self) -> None:
        """Raise ClusterError if the scheduler has been unreachable for half a minute, or the client is closed."""
        if self._client.status == "running":
            self._lost_since = None
            return
        now = time.monotonic()
        self._lost_since = self._lost_since or now
        if self._client.status in ("closed", "closing") or now - self._lost_since > _SCHEDULER_TIMEOUT:
            raise ClusterError(_GONE)

    def close(self) -> None:
        """Cancel the groups in flight; workers still finish the one that they compute."""
        if self._futures and self._client.status == "running":
            with suppress(Exception):  # the scheduler may be shutting down
                self._client.cancel(list(self._futures), force=True)
        self._futures.clear()


def _without_geoseg(who: str, error: BaseException) -> str:
    return (
        f"{who} cannot import what it needs ({one_line(error)}): install geoseg {__version__} there, and name its "
        "Python as jobqueue.*.python in ~/.config/dask/jobqueue.yaml"
    )


def group_seconds(threads: int) -> float:
    """Seconds that a group of blocks should take for one scheduler to keep so many threads busy."""
    return max(_GROUP_SECONDS, threads * _TASK_SECONDS)


def _choose_execution(packed: bytes) -> Execution:
    """Choose how the model is run. Runs on a worker."""
    plan: Plan = pickle.loads(packed)  # noqa: S301 - from the client that this worker serves
    return plan.execution()


def _key(work: Work, indices: Sequence[int]) -> str:
    return f"segment-{uuid.uuid4().hex}-{work.recipe.raster.name}-{indices[0]}"


@lru_cache(maxsize=8)
def _unpacked(packed: bytes) -> Work:
    from geoseg.models import keep_memory

    keep_memory()
    work: Work = pickle.loads(zlib.decompress(packed))  # noqa: S301 - from the client that this worker serves
    return work


def _compute_group(version: str, packed: bytes, indices: Sequence[int]) -> list[Outcome]:
    """Compute a group of blocks. Runs on a worker."""
    if version != __version__:
        cause = f"{_where()} runs geoseg {__version__}, and this is {version}: install the same on all machines"
        return [BlockFailure(index, cause, fatal=True) for index in indices]
    work = _unpacked(packed)
    try:
        _check_store(work.store)
    except OutputError as error:
        transient = is_transient(error, ())
        return [BlockFailure(index, str(error), transient=transient, fatal=True) for index in indices]
    return [_compute_block(work, index) for index in indices]


def _finish(version: str, packed: bytes) -> Made:
    """Make a scene's results. Runs on a worker."""
    if version != __version__:
        raise ClusterError(f"{_where()} runs geoseg {__version__}, and this is {version}: install the same there")
    results: Results = pickle.loads(packed)  # noqa: S301 - from the client that this worker serves
    folder = results.work.store.folder
    _check_store(results.work.store)
    try:
        return make_results(results, Silent())
    finally:
        folder.drop_scratch()


def _check_store(store: BlockStore) -> None:
    """Check that this worker sees the blocks, and may write there.

    Raises
    ------
    OutputError
        If not; names the worker.
    """
    try:
        _check_once(store.folder)
        tag = tag_of(read_manifest(store.folder))
    except (OSError, OutputError) as error:
        raise OutputError(f"{_where()}: {error}") from error
    if tag != store.tag:
        raise OutputError(
            f"{_where()} does not see {store.folder}: choose an output folder with -o that all workers share "
            "under the same path"
        )


_checked: set[str] = set()


def _check_once(folder: Storage) -> None:
    """Check, before the first block of a run, that this worker's credentials permit writing."""
    if str(folder) not in _checked:
        folder.check()
        _checked.add(str(folder))


def _compute_block(work: Work, index: int) -> Outcome:
    """Compute one block, unless a worker that was lost had finished it."""
    if work.store.has(index):
        return BlockSummary(index, work.recipe.tiling.block_box(index).area, 0, {})
    outcome = compute_and_store(work, index)
    return replace(outcome, cause=f"{outcome.cause} ({_where()})") if isinstance(outcome, BlockFailure) else outcome


def _where() -> str:
    import socket

    from distributed import get_worker

    return f"worker {get_worker().address} on {socket.gethostname()}"


def _result(future: Any) -> Any:
    """Return the result of a task, or its error; never raises, because dask would only log the exception."""
    from distributed.scheduler import KilledWorker

    try:
        if future.client.status != "running":
            return LostError("the connection to the dask scheduler was lost")
        if future.status == "finished":
            return future.result(timeout=_RESULT_TIMEOUT)
        error: BaseException | None = future.exception(timeout=_RESULT_TIMEOUT)
        if error is None:  # lost between its end and this call
            return LostError("the connection to the dask scheduler was lost")
    except BaseException as raised:  # noqa: BLE001 - cancelled, connection lost, worker gone
        return LostError(f"the connection to the dask scheduler was lost ({type(raised).__name__})")
    if isinstance(error, KilledWorker):
        return LostError("every worker that computed it died: out of memory, or ended from outside; see their logs")
    if isinstance(error, ImportError):
        return ClusterError(_without_geoseg("a worker", error))
    return error
