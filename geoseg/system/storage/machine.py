"""Which machine this is, and whether a process of it still runs."""

from __future__ import annotations

import os
import socket
import sys
import uuid
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def machine() -> str:
    """Return what tells this machine, since its start, from all others; containers count as machines of their own."""
    try:
        namespace = os.stat("/proc/self/ns/pid").st_ino  # noqa: PTH116 - of processes: their numbers are its own
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text('ascii').strip()}-{namespace}"
    except OSError:
        import psutil

        return f"{sys.platform}-{socket.gethostname()}-{uuid.getnode():x}-{psutil.boot_time():.0f}"


def process_start() -> float:
    """Return when this process started, in seconds since 1970."""
    import psutil

    return float(psutil.Process().create_time())


def is_running(pid: int, start: float) -> bool:
    """Return whether the process of this machine that had this number at ``start`` still runs."""
    import psutil

    try:
        process = psutil.Process(pid)
        return bool(process.status() != psutil.STATUS_ZOMBIE and abs(process.create_time() - start) < 2)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:  # it belongs to somebody else
        return True
