"""Who computes the blocks: threads of this process, or the workers of a dask cluster.

Either way a block is computed by :func:`geoseg.segment.segment_block` and put into the store by whoever computed it;
only a summary of a few numbers comes back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from geoseg.blocks import BlockStore
from geoseg.errors import GeosegError, OptionError
from geoseg.segment import Recipe, segment_block


@dataclass(frozen=True)
class BlockSummary:
    """What is reported of a finished block: its number, pixels, forward passes and seconds per stage."""

    index: int
    pixels: int
    forwards: int
    seconds: dict[str, float]


def compute_and_store(
    recipe: Recipe, store: BlockStore, index: int, stopped: Callable[[], bool] = lambda: False
) -> BlockSummary:
    """Compute one block and put it into the store."""
    result = segment_block(recipe, index, stopped=stopped)
    store.write(index, result)
    return BlockSummary(index, result.box.area, result.forwards, result.seconds)


def in_threads(recipe: Recipe, store: BlockStore, todo: Sequence[int], workers: int) -> Iterator[BlockSummary]:
    """Compute blocks in threads of this process: some read and write while others hold the device.

    Leaving the iterator early (an error, Ctrl-C) stops every thread at its next window.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(workers, thread_name_prefix="geoseg") as pool:
        try:
            yield from _as_finished(
                lambda index: pool.submit(compute_and_store, recipe, store, index, stop.is_set), todo, 2 * workers
            )
        finally:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _as_finished(
    submit: Callable[[int], Future[BlockSummary]], todo: Sequence[int], in_flight: int
) -> Iterator[BlockSummary]:
    """Keep ``in_flight`` blocks submitted, so that a scene of a million blocks never holds a million futures."""
    waiting = iter(todo)
    running: set[Future[BlockSummary]] = set()
    while True:
        for index in waiting:
            running.add(submit(index))
            if len(running) >= in_flight:
                break
        if not running:
            return
        # A time limit lets Ctrl-C through on Windows, where waiting without one cannot be interrupted.
        done, running = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in done:
            yield future.result()


def on_cluster(recipe: Recipe, store: BlockStore, todo: Sequence[int], client: Any) -> Iterator[BlockSummary]:
    """Compute blocks on the workers of a dask cluster, which must see the store's folder and the scene's files."""
    from distributed import as_completed

    threads = sum(client.nthreads().values()) or 1
    waiting = iter(todo)
    shared = client.scatter((recipe, store), broadcast=True, hash=False)
    finished = as_completed()
    count = 0

    def submit() -> bool:
        index = next(waiting, None)
        if index is None:
            return False
        finished.add(client.submit(_on_worker, shared, index, pure=False, retries=2))
        return True

    while count < 2 * threads + 2 and submit():
        count += 1
    try:
        while count:
            future = next(finished)
            yield future.result()
            count -= 1
            count += submit()
    finally:
        client.cancel(list(finished.futures))


def _on_worker(shared: tuple[Recipe, BlockStore], index: int) -> BlockSummary:
    return compute_and_store(*shared, index)


def connect(scheduler: str, workers: int | None) -> Any:
    """Return a dask client for ``--scheduler``: ``local`` (worker processes of our own) or an address.

    Raises
    ------
    OptionError
        If the address is malformed.
    GeosegError
        If nobody answers there.
    """
    from distributed import Client, LocalCluster

    if scheduler == "local":
        cluster = LocalCluster(n_workers=workers or 1, threads_per_worker=2, processes=True, dashboard_address=None)
        return Client(cluster)
    if ":" not in scheduler:
        raise OptionError(f"scheduler {scheduler!r} is unknown: use threads, local or an address like tcp://host:8786")
    try:
        return Client(scheduler, timeout=10)
    except (OSError, TimeoutError) as error:
        raise GeosegError(
            f"no dask scheduler answers at {scheduler}: start one with `dask scheduler`, or use --scheduler threads"
        ) from error
