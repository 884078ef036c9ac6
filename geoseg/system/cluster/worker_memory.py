"""How much memory each process of a cluster may use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from geoseg.system.resources import available_memory

# Share of a worker's memory limit that is used: dask pauses a worker at 0.8.
_LIMIT_SHARE = 0.7

# Share of a machine's free memory that its workers use together if they have no limit, and the most for one process.
_FREE_SHARE, _MAX_BYTES = 0.5, 16 * 10**9


def process_budget(workers: Sequence[dict[str, Any]]) -> int:
    """Return the bytes that each process may use: a share of its dask limit, or of the free memory of its machine.

    Parameters
    ----------
    workers
        ``host``, dask memory ``limit`` (0 or None for none) and ``free`` memory of the machine of each process, bytes.
    """
    hosts = [worker["host"] for worker in workers]
    shares = [
        worker["limit"] * _LIMIT_SHARE
        if worker["limit"]
        else worker["free"] * _FREE_SHARE / hosts.count(worker["host"])
        for worker in workers
    ]
    return int(max(min([*shares, _MAX_BYTES]), 10**9))


def worker_facts(dask_worker: Any) -> dict[str, Any]:
    """Return host, memory limit and free memory of a worker. Runs on the worker."""
    import socket

    limit = dask_worker.memory_manager.memory_limit
    return {"host": socket.gethostname(), "limit": limit, "free": available_memory()}
