"""Memory and cores that this process may use, and sizes as people write them (``4GB``, ``1.5 GiB``)."""

from __future__ import annotations

import math
import os

from geoseg.errors import OptionError
from geoseg.system.cgroup import cpu_quota, memory_left


def available_memory() -> int:
    """Return the bytes that this process can use without swapping: of the machine, within the limit of its container.

    Returns
    -------
    The smaller of the machine's available memory and what the limits of this process's control groups leave.
    """
    import psutil

    free, left = int(psutil.virtual_memory().available), memory_left()
    return free if left is None else min(free, left)


def cpu_count() -> int:
    """Return the cores that this process may use: those it is bound to, within the CPU quota of its container.

    A quota of 1.5 cores counts as 2.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        cores = os.cpu_count() or 1
    quota = cpu_quota()
    return max(cores if quota is None else min(cores, math.ceil(quota)), 1)


def files_per_thread(least: int, most: int) -> int:
    """Return how many files a thread for each core may keep open at once, within bounds.

    Half of the files that the process may open is divided among the cores; ``least`` where no limit is known.
    """
    try:
        import resource
    except ImportError:  # Windows
        return least
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return most
    return min(max(limit // 2 // cpu_count(), least), most)


def parse_bytes(text: str | float) -> int:
    """Return a number of bytes; sizes are read as dask reads them.

    Parameters
    ----------
    text
        ``"4GB"``, ``"512 MB"``, ``"1.5GiB"``, ``"2e9"``, or a number of bytes.

    Raises
    ------
    OptionError
        If ``text`` is no positive size.

    Examples
    --------
    >>> parse_bytes("1.5 GiB")
    1610612736
    """
    # Imported late: dask loads its configuration, which most commands do not need.
    from dask.utils import parse_bytes as parse

    try:
        # dask reads a unit alone, "GB", as one of it; and so it would read "nan" as a unit.
        size = parse(str(text)) if any(c.isdigit() for c in str(text)) else 0
    except (ValueError, OverflowError):
        size = 0
    if size <= 0:
        raise OptionError(f"memory {text!r} is not a size: write it like 4GB or 512MB")
    return size


def format_bytes(count: float) -> str:
    """Return ``count`` bytes in the largest decimal unit that leaves at least 1: ``3.2 GB``."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"
