"""Blocks of one or many scenes to whoever computes them, and again where it is worth it.

A block is computed by :func:`geoseg.segment.block.segment_block` and put into the store by whoever computed it; only a
summary of a few numbers comes back. :class:`Dispatcher` hands blocks out and hears what became of them; a
:class:`WorkerPool` computes them: threads of this process here, the workers of a dask cluster in ``dask_pool``.
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
from geoseg.job.failures import BlockFailure, backoff, failure
from geoseg.progress.timing import Clock, Span, recorded
from geoseg.progress.trace import Place, here
from geoseg.raster import Raster
from geoseg.raster.gdal.retry_cache import clear_remote_cache
from geoseg.segment.block import Recipe, segment_block


@dataclass(frozen=True)
class BlockSummary:
    """What is reported of a finished block.

    Attributes
    ----------
    index, pixels, forwards
        Its number, its pixels, and windows that went through the model.
    seconds
        Time per stage: ``read``, ``wait``, ``forward``, ``store``.
    place, spans
        Where it was computed, and when each stage began and how long it took, if a trace is wanted.
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
    """One scene's blocks as a worker needs them: recipes and paths, no pixels.

    Attributes
    ----------
    recipe, store
        What to compute, and where to put it.
    traced
        Whether summaries carry spans.
    """

    recipe: Recipe
    store: BlockStore
    traced: bool = False

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """What GDAL opens: files and addresses."""
        return sources_of(self.recipe.raster)


def sources_of(raster: Raster) -> tuple[str, ...]:
    """Return the files and addresses that GDAL opens for a scene."""
    return tuple({str(getattr(raster.inputs[part.source], "path", "")): None for part in raster.parts})


def compute_and_store(work: Work, index: int, stopped: Callable[[], bool] = lambda: False) -> Outcome:
    """Compute one block and put it into the store; an error of the block is an answer, not raised."""
    clock = Clock()
    try:
        with recorded(wanted=work.traced) as spans:
            result = segment_block(work.recipe, index, stopped=stopped)
            with clock("store"):
                work.store.write(index, result)
    except (GeosegError, MemoryError) as error:
        found = failure(index, error, work.sources)
        if found.transient:
            clear_remote_cache(work.sources)
        return found
    seconds = {**result.seconds, **clock.seconds}
    return BlockSummary(index, result.box.area, result.forwards, seconds, here(), tuple(spans) if work.traced else ())


Done = Callable[[list[Outcome] | BaseException], None]
"""Told what became of a group of blocks: an outcome for each, or why there is none at all. From any thread."""


class WorkerPool(Protocol):
    """Computes groups of blocks."""

    @property
    def slots(self) -> int:
        """Groups to have in flight."""
        ...

    def group(self, feed: Feed) -> int:
        """How many blocks of a scene to hand over as one group."""
        ...

    def submit(self, work: Work, indices: Sequence[int], done: Done) -> None:
        """Begin computing some blocks; ``done`` is called when they are."""
        ...

    def check(self) -> None:
        """Raise ClusterError if nothing can come back any more."""
        ...

    def close(self) -> None:
        """Give up what is in flight."""
        ...


class Threads:
    """Threads of this process: some read and write while others hold the device.

    Parameters
    ----------
    workers
        Blocks in flight.
    """

    def __init__(self, workers: int) -> None:
        self.slots = 2 * workers
        self._stop = threading.Event()
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="geoseg")

    def group(self, feed: Feed) -> int:  # noqa: ARG002 - threads cost nothing to talk to
        """Return 1."""
        return 1

    def submit(self, work: Work, indices: Sequence[int], done: Done) -> None:
        """Queue some blocks."""

        def compute() -> list[Outcome]:
            return [compute_and_store(work, index, self._stop.is_set) for index in indices]

        def finished(future: Future[list[Outcome]]) -> None:
            if not future.cancelled():
                done(future.exception() or future.result())

        self._pool.submit(compute).add_done_callback(finished)

    def check(self) -> None:
        """Threads are always there."""

    def close(self) -> None:
        """Stop every thread at its next window."""
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


class Listener(Protocol):
    """Hears what becomes of a scene's blocks, in the thread that calls the dispatcher."""

    def block_done(self, summary: BlockSummary) -> None:
        """One more is in the store."""

    def block_failed(self, failure: BlockFailure) -> None:
        """One failed for good."""

    def block_repeated(self, failure: BlockFailure, attempt: int) -> None:
        """One failed and will be tried again."""

    def blocks_ended(self) -> None:
        """Nothing of the scene is waiting or in flight any more."""


@dataclass
class Feed:
    """The blocks of one scene that are still to be computed."""

    work: Work
    listener: Listener
    waiting: deque[int]
    left: int
    attempts: dict[int, int] = field(default_factory=dict)
    seconds_per_block: float = 0.0

    def give_up(self) -> None:
        """Hand out no further block; those in flight may come back."""
        self.left -= len(self.waiting)
        self.waiting.clear()


class Dispatcher:
    """Hands blocks to a pool, scene after scene without a gap, and repeats what failed for a transient reason.

    All methods are called from one thread, and listeners are told in that thread.

    Parameters
    ----------
    pool
        Who computes.
    retries
        How often a block is tried again.
    post
        Puts a call into the caller's queue; the pool's threads use it.
    """

    def __init__(self, pool: WorkerPool, retries: int, post: Callable[[Callable[[], None]], None]) -> None:
        self.pool, self.retries, self._post = pool, retries, post
        self._feeds: deque[Feed] = deque()
        self._repeats: list[tuple[float, int, Feed, int]] = []
        self._order = itertools.count()
        self._in_flight = 0

    def add(self, work: Work, todo: Sequence[int], listener: Listener) -> None:
        """Queue the blocks of a scene behind those of the scenes before it."""
        feed = Feed(work, listener, deque(todo), len(todo))
        if not feed.left:
            listener.blocks_ended()
            return
        self._feeds.append(feed)

    @property
    def has_capacity(self) -> bool:
        """Whether the pool has room for blocks that are not there."""
        return self._in_flight < self.pool.slots and not any(feed.waiting for feed in self._feeds)

    def fill(self) -> None:
        """Hand out blocks until the pool has enough; repetitions that are due come first."""
        self.pool.check()
        while self._in_flight < self.pool.slots:
            if self._repeats and self._repeats[0][0] <= time.monotonic():
                _, _, feed, index = heapq.heappop(self._repeats)
                self._submit(feed, [index])
                continue
            while self._feeds and not self._feeds[0].waiting:
                self._feeds.popleft()
            if not self._feeds:
                return
            feed = self._feeds[0]
            count = min(self.pool.group(feed), len(feed.waiting))
            self._submit(feed, [feed.waiting.popleft() for _ in range(count)])

    def patience(self) -> float:
        """Seconds until a repetition is due, at most half a second: Ctrl-C must come through on Windows."""
        if not self._repeats:
            return 0.5
        return min(max(self._repeats[0][0] - time.monotonic(), 0.001), 0.5)

    def _submit(self, feed: Feed, indices: list[int]) -> None:
        self._in_flight += 1
        self.pool.submit(feed.work, indices, lambda found: self._post(partial(self._back, feed, indices, found)))

    def _back(self, feed: Feed, indices: list[int], found: list[Outcome] | BaseException) -> None:
        self._in_flight -= 1
        if isinstance(found, BaseException):
            if not isinstance(found, LostError):
                raise found
            if len(indices) > 1:  # one of them may kill whoever computes it: find out which
                for index in indices:
                    self._repeat(feed, index, 0.0)
                return
            found = [BlockFailure(indices[0], str(found), transient=True)]
        for outcome in found:
            self._record(feed, outcome)
        if feed.left == 0:
            feed.listener.blocks_ended()

    def _record(self, feed: Feed, outcome: Outcome) -> None:
        if isinstance(outcome, BlockSummary):
            spent = sum(outcome.seconds.values())
            feed.seconds_per_block = spent if not feed.seconds_per_block else 0.8 * feed.seconds_per_block + 0.2 * spent
            feed.listener.block_done(outcome)
        else:
            attempt = feed.attempts.get(outcome.index, 0) + 1
            if outcome.transient and attempt <= self.retries:
                feed.attempts[outcome.index] = attempt
                feed.listener.block_repeated(outcome, attempt)
                self._repeat(feed, outcome.index, backoff(attempt))
                return
            feed.listener.block_failed(outcome)
            if outcome.fatal:
                self._drop(feed)
        feed.left -= 1

    def _repeat(self, feed: Feed, index: int, seconds: float) -> None:
        heapq.heappush(self._repeats, (time.monotonic() + seconds, next(self._order), feed, index))

    def _drop(self, feed: Feed) -> None:
        """Nothing of this scene can succeed: forget what waits and what would be repeated."""
        feed.give_up()
        kept = [entry for entry in self._repeats if entry[2] is not feed]
        feed.left -= len(self._repeats) - len(kept)
        heapq.heapify(kept)
        self._repeats = kept


class LostError(Exception):
    """Whoever computed a group of blocks is gone, and with it the answer."""
