"""Map a function over items in threads, results in order: a few items ahead of the consumer, or all at a time."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from geoseg.system.resources import cpu_count

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def ordered_map(
    function: Callable[[_Item], _Result],
    items: Iterable[_Item],
    workers: int | None = None,
    *,
    ahead: int | None = None,
    name: str = "geoseg",
) -> Iterator[_Result]:
    """Compute in threads of its own and yield the results in the order of the items.

    Parameters
    ----------
    function
        Called once per item, by several threads at a time.
    items
        Drawn one by one in the caller's thread, as results are consumed.
    workers
        Number of threads; by default one per core, at most 4.
    ahead
        Largest number of items drawn whose results have not been yielded; by default twice the threads.
    name
        Prefix of the threads' names.

    Yields
    ------
    The result of each item. The first exception, of ``function`` or ``items``, is raised in the place of a result.
    When the iteration ends, also early, no further item begins and the threads have ended.

    Examples
    --------
    >>> from geoseg.system.threads import ordered_map
    >>> list(ordered_map(abs, [-3, 2, -1], workers=2))
    [3, 2, 1]
    """
    workers = workers or min(cpu_count(), 4)
    with ThreadPoolExecutor(workers, thread_name_prefix=name) as pool:
        yield from map_ahead(pool, function, items, ahead or 2 * workers)


def map_ahead(
    pool: Executor, function: Callable[[_Item], _Result], items: Iterable[_Item], ahead: int
) -> Iterator[_Result]:
    """Like ``ordered_map``, in a pool of the caller, which may serve others as well and stays open."""
    pending: deque[Future[_Result]] = deque()
    try:
        for item in items:
            pending.append(pool.submit(function, item))
            if len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


_REQUESTS = 16
"""Threads that wait for servers: more requests at a time are answered no sooner, or refused."""

_waiting: list[ThreadPoolExecutor] = []
_lock = threading.Lock()


def concurrent_map(function: Callable[[_Item], _Result], items: Sequence[_Item]) -> list[_Result]:
    """Call a function that waits for a server for all items at a time, and return the results in order.

    The threads are shared by the process and live as long, with whatever they keep open. ``function`` must not call
    this again.

    Parameters
    ----------
    function
        Called once per item.
    items
        Of a single item, the caller's thread takes care.

    Raises
    ------
    Exception
        The exception of the first item, in order, that failed; raised when no call is running any more.

    Examples
    --------
    >>> from geoseg.system.threads import concurrent_map
    >>> concurrent_map(abs, [-3, 2, -1])
    [3, 2, 1]
    """
    if len(items) < 2:
        return [function(item) for item in items]
    with _lock:
        if not _waiting:
            _waiting.append(ThreadPoolExecutor(_REQUESTS, thread_name_prefix="geoseg-remote"))
    futures = [_waiting[0].submit(function, item) for item in items]
    wait(futures)
    return [future.result() for future in futures]


if hasattr(os, "register_at_fork"):
    # A child has none of the threads.
    os.register_at_fork(after_in_child=_waiting.clear)
