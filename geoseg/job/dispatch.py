"""Hands the blocks of one or many scenes to workers, and retries transient failures.

A worker computes a block with :func:`geoseg.segment.block.segment_block` and writes it to the store itself; only a
summary of a few numbers comes back. :class:`Dispatcher` submits blocks and receives their outcomes; a
:class:`WorkerPool` computes them: :class:`Threads` of this process, or the workers of a dask cluster in ``dask_pool``.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Protocol

from geoseg.errors import GeosegError
from geoseg.job.block_store import BlockStore
from geoseg.job.failures import BlockFailure, backoff, block_failure
from geoseg.progress.timing import Clock, Span, record_spans
from geoseg.progress.trace import Place, here
from geoseg.raster import Raster
from geoseg.raster.sources import clear_remote_cache
from geoseg.segment.block import segment_block
from geoseg.segment.recipe import Recipe


@dataclass(frozen=True)
class BlockSummary:
    """What a worker reports about a finished block.

    Attributes
    ----------
    index, pixels, forwards
        Its number, its pixels, and the windows that went through the model.
    seconds
        Seconds per stage: ``read``, ``wait``, ``forward``, ``store``.
    place, spans
        Where it was computed, and the spans of its stages if the run is traced.
    """

    index: int
    pixels: int
    forwards: int
    seconds: dict[str, float]
    place: Place = ("", 0, "")
    spans: tuple[Span, ...] = ()


Outcome = BlockSummary | BlockFailure


@dataclass(frozen=True)
class Work:
    """What a worker needs to compute any block of one scene: references and paths, no pixels.

    Attributes
    ----------
    recipe, store
        How to compute a block, and where to write it.
    traced
        Whether summaries include spans.
    """

    recipe: Recipe
    store: BlockStore
    traced: bool = False

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Files and addresses that GDAL opens for the scene."""
        return sources_of(self.recipe.raster)


def sources_of(raster: Raster) -> tuple[str, ...]:
    """Return the files and addresses that GDAL opens for a scene."""
    return tuple({str(getattr(source, "path", "")): None for source in raster.leaves})


def compute_and_store(work: Work, index: int, stopped: Callable[[], bool] = lambda: False) -> Outcome:
    """Compute one block and write it to the store; errors of the block are returned, not raised."""
    clock = Clock()
    try:
        with record_spans(enabled=work.traced) as spans:
            result = segment_block(work.recipe, index, stopped=stopped)
            with clock("store"):
                work.store.write(index, result)
    except (GeosegError, MemoryError) as error:
        failure = block_failure(index, error, work.sources)
        if failure.transient:
            clear_remote_cache(work.sources)
        return failure
    seconds = {**result.seconds, **clock.seconds}
    return BlockSummary(index, result.box.area, result.forwards, seconds, here(), tuple(spans) if work.traced else ())


Done = Callable[[list[Outcome] | BaseException], None]
"""Called, from any thread, with the outcomes of a group of blocks, or with the error that lost all of them."""


class WorkerPool(Protocol):
    """Computes groups of blocks."""

    @property
    def slots(self) -> int:
        """Groups of blocks that may be in flight."""
        ...

    def group(self, feed: Feed) -> int:
        """Return how many blocks of a scene to submit as one group."""
        ...

    def submit(self, work: Work, indices: Sequence[int], done: Done) -> None:
        """Start computing a group of blocks; ``done`` is called at its end."""
        ...

    def check(self) -> None:
        """Raise ClusterError if the workers are lost for good."""
        ...

    def close(self) -> None:
        """Cancel the groups in flight."""
        ...


class Threads:
    """A pool of threads in this process: some read and write while others run the model.

    Parameters
    ----------
    workers
        Blocks computed at a time.
    """

    def __init__(self, workers: int) -> None:
        self.slots = 2 * workers
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="geoseg")

    def group(self, feed: Feed) -> int:  # noqa: ARG002 - submitting to a thread costs nothing
        """Return 1."""
        return 1

    def submit(self, work: Work, indices: Sequence[int], done: Done) -> None:
        """Queue a group of blocks."""

        def compute() -> list[Outcome]:
            return [compute_and_store(work, index, self._stop.is_set) for index in indices]

        def finished(future: Future[list[Outcome]]) -> None:
            if not future.cancelled():
                done(future.exception() or future.result())

        self._pool.submit(compute).add_done_callback(finished)

    def check(self) -> None:
        """Do nothing: threads cannot be lost."""

    def close(self) -> None:
        """Stop every thread before its next window, and wait for them."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


class Listener(Protocol):
    """Receives the outcomes of one scene's blocks, in the thread that calls the dispatcher."""

    def block_done(self, summary: BlockSummary) -> None:
        """Handle a block that is in the store."""

    def block_failed(self, failure: BlockFailure) -> None:
        """Handle a block that failed for good."""

    def block_retried(self, failure: BlockFailure, attempt: int) -> None:
        """Handle a block that failed and will be tried again."""

    def blocks_ended(self) -> None:
        """Handle the end: no block of the scene is waiting or in flight any more."""


@dataclass
class Feed:
    """The blocks of one scene that are not finished.

    Attributes
    ----------
    work, listener
        How to compute them, and who receives their outcomes.
    waiting
        Numbers of the blocks that have not been submitted yet.
    left
        Blocks without an outcome: waiting, in flight or to be retried.
    attempts
        Retries so far, per block.
    seconds_per_block
        Moving average of the time that one block takes.
    """

    work: Work
    listener: Listener
    waiting: deque[int]
    left: int
    attempts: dict[int, int] = field(default_factory=dict)
    seconds_per_block: float = 0.0

    def give_up(self) -> None:
        """Submit no further block; outcomes of those in flight still arrive."""
        self.left -= len(self.waiting)
        self.waiting.clear()


class Dispatcher:
    """Submits blocks to a pool, scene after scene without a gap, and retries transient failures.

    All methods, and the listeners', are called from one thread.

    Parameters
    ----------
    pool
        Computes the blocks.
    retries
        How often a block is tried again.
    post
        Puts a call into the queue of the thread that owns the dispatcher; used from the pool's threads.
    """

    def __init__(self, pool: WorkerPool, retries: int, post: Callable[[Callable[[], None]], None]) -> None:
        self.pool, self.retries, self._post = pool, retries, post
        self._feeds: deque[Feed] = deque()
        self._retry_queue: list[tuple[float, int, Feed, int]] = []
        self._order = itertools.count()
        self._in_flight = 0
        self._added, self._block_seconds = (0, 0), 0.0

    def add(self, work: Work, todo: Sequence[int], listener: Listener) -> None:
        """Queue the blocks of a scene behind those of earlier scenes."""
        feed = Feed(work, listener, deque(todo), len(todo))
        self._added = self._added[0] + 1, self._added[1] + len(todo)  # scenes and their blocks
        if not feed.left:
            listener.blocks_ended()
            return
        self._feeds.append(feed)

    @property
    def has_capacity(self) -> bool:
        """Whether the pool has room for more blocks than are waiting."""
        return self._in_flight < self.pool.slots and not any(feed.waiting for feed in self._feeds)

    def fill(self) -> None:
        """Submit blocks until the pool is full, retries that are due first.

        Raises
        ------
        ClusterError
            If the workers are lost for good.
        """
        self.pool.check()
        while self._in_flight < self.pool.slots:
            if self._retry_queue and self._retry_queue[0][0] <= time.monotonic():
                _, _, feed, index = heapq.heappop(self._retry_queue)
                self._submit(feed, [index])
                continue
            while self._feeds and not self._feeds[0].waiting:
                self._feeds.popleft()
            if not self._feeds:
                return
            feed = self._feeds[0]
            count = min(self.pool.group(feed), len(feed.waiting))
            self._submit(feed, [feed.waiting.popleft() for _ in range(count)])

    def work_seconds(self, scenes_left: int) -> float | None:
        """Return the seconds that one thread would need for what is left; None if that is not known yet.

        Parameters
        ----------
        scenes_left
            Scenes that have not been added; each is taken to have as many blocks as those so far.
        """
        waiting = sum(len(feed.waiting) for feed in self._feeds)
        self._block_seconds = max((feed.seconds_per_block for feed in self._feeds), default=0.0) or self._block_seconds
        blocks = waiting + scenes_left * self._added[1] / max(self._added[0], 1) + self._in_flight
        return blocks * self._block_seconds if self._block_seconds or not blocks else None

    @property
    def idle(self) -> bool:
        """Whether no block is waiting or in flight."""
        return not (self._in_flight or self._retry_queue or any(feed.waiting for feed in self._feeds))

    def timeout(self) -> float:
        """Return the seconds until a retry is due, at most 0.5: waiting for an outcome blocks Ctrl-C on Windows."""
        if not self._retry_queue:
            return 0.5
        return min(max(self._retry_queue[0][0] - time.monotonic(), 0.001), 0.5)

    def _submit(self, feed: Feed, indices: list[int]) -> None:
        self._in_flight += 1
        self.pool.submit(feed.work, indices, lambda outcomes: self._post(partial(self._done, feed, indices, outcomes)))

    def _done(self, feed: Feed, indices: list[int], outcomes: list[Outcome] | BaseException) -> None:
        self._in_flight -= 1
        if isinstance(outcomes, BaseException):
            if not isinstance(outcomes, LostError):
                raise outcomes
            if len(indices) > 1:  # one of them may crash its worker: submit each alone to find out which
                for index in indices:
                    self._retry(feed, index, 0.0)
                return
            outcomes = [BlockFailure(indices[0], str(outcomes), transient=True)]
        for outcome in outcomes:
            self._record(feed, outcome)
        if feed.left == 0:
            feed.listener.blocks_ended()

    def _record(self, feed: Feed, outcome: Outcome) -> None:
        if isinstance(outcome, BlockSummary):
            seconds, average = sum(outcome.seconds.values()), feed.seconds_per_block
            feed.seconds_per_block = 0.8 * average + 0.2 * seconds if average else seconds
            feed.listener.block_done(outcome)
        else:
            attempt = feed.attempts.get(outcome.index, 0) + 1
            if outcome.transient and attempt <= self.retries:
                feed.attempts[outcome.index] = attempt
                feed.listener.block_retried(outcome, attempt)
                self._retry(feed, outcome.index, backoff(attempt))
                return
            feed.listener.block_failed(outcome)
            if outcome.fatal:
                self._drop(feed)
        feed.left -= 1

    def _retry(self, feed: Feed, index: int, seconds: float) -> None:
        heapq.heappush(self._retry_queue, (time.monotonic() + seconds, next(self._order), feed, index))

    def _drop(self, feed: Feed) -> None:
        """Drop the waiting blocks and retries of a scene of which no block can succeed."""
        feed.give_up()
        kept = [entry for entry in self._retry_queue if entry[2] is not feed]
        feed.left -= len(self._retry_queue) - len(kept)
        heapq.heapify(kept)
        self._retry_queue = kept


class LostError(Exception):
    """The worker that computed a group of blocks was lost, and the outcomes with it."""
