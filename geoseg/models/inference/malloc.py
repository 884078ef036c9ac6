"""glibc's allocator, told to reuse freed memory instead of returning every large activation to the kernel.

:func:`stay_below` and :func:`stay_near` bound what is kept.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time

import psutil

# Constants of <malloc.h>, which ctypes does not have.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -3, -4, -8


def keep_memory() -> bool:
    """Let this process keep freed memory for its next allocations; call once, before the first forward pass.

    Forward passes allocate and free the same hundreds of megabytes over and over; by default glibc maps and unmaps
    each, and the kernel zeroes every page again. Resident memory then stays at its peak. This changes the whole
    process, so only programs call it (the command line, a job's worker), never library code.

    Returns
    -------
    Whether the settings were applied; False without glibc (macOS, Windows, musl), where they are unneeded or
    unavailable.

    Examples
    --------
    >>> from geoseg.models import keep_memory
    >>> kept = keep_memory()  # True where the C library has these settings (glibc)
    """
    global _keeps  # noqa: PLW0603 - describes the process
    libc = _glibc()
    if libc is None:
        return False
    _keeps = True
    settings = (
        (_M_MMAP_THRESHOLD, 1 << 30),
        (_M_TRIM_THRESHOLD, 2**31 - 1),
        (_M_MMAP_MAX, 0),
        (_M_TOP_PAD, 64 << 20),
        # One arena for all threads: arenas of other threads cannot hold blocks above 64 MB, which then page-fault
        # every time (938,000 faults in 4 windows of 1152 px through Unet(resnet18) on two streams; 0 with one arena).
        (_M_ARENA_MAX, 1),
    )
    # A list, not a generator: every setting is applied even if an earlier one fails.
    applied = [libc.mallopt(name, value) == 1 for name, value in settings]
    return all(applied)


# Freed memory is returned to the kernel above this share of the budget.
_TRIM_ABOVE = 0.94

# Resident memory must grow by this factor before the next trim, since there may be nothing left to return.
_TRIM_AGAIN = 1.05

# Seconds between trims of a process that is within its budget. What is returned has to be zeroed again when it is next
# needed, about half a second for a gigabyte: this keeps the cost near two percent at worst.
_PAUSE = 20.0

_LOCK = threading.Lock()
_keeps = False
_held_after_trim = 0
_last_trim = -_PAUSE


def stay_below(budget: int) -> bool:
    """Return freed memory to the kernel if this process holds nearly ``budget`` bytes; cheap otherwise.

    Activations of many sizes fragment the heap, and over hours the holes add up.
    (Unet(mobilenetv4-small), ``--memory 1.5GB``: 1.37 GB after 36 million pixels, 1.67 GB after 1300 million, of which
    the heap was 1.15 GB and what was in use 0.61 GB.)

    Returns
    -------
    Whether memory was trimmed; False below the budget, without glibc, or if the last trim gained nothing since.
    """
    global _held_after_trim  # noqa: PLW0603 - describes the process
    held = _resident()
    if held <= _TRIM_ABOVE * budget:
        _held_after_trim = 0
        return False
    libc = _glibc()
    with _LOCK:
        if libc is None or held <= _TRIM_AGAIN * _held_after_trim:
            return False
        libc.malloc_trim(ctypes.c_size_t(0))
        _held_after_trim = _resident()
    return True


def stay_near(expected: int) -> bool:
    """Return freed memory to the kernel if a process that keeps it holds more than expected; now and then only.

    Holes between activations of many sizes add up over minutes also where the budget, half of what is free, is far
    away: 2.2 GB after 36 million pixels, 2.7 GB after 576 million (Unet(mobilenetv4-small), two streams).

    Parameters
    ----------
    expected
        Estimated peak of this process in bytes.

    Returns
    -------
    Whether memory was trimmed; False also without :func:`keep_memory`, where large blocks are returned at once.
    """
    global _last_trim  # noqa: PLW0603 - describes the process
    if not _keeps or time.monotonic() < _last_trim + _PAUSE or _resident() <= expected:
        return False
    with _LOCK:
        libc = _glibc()
        if libc is None or time.monotonic() < _last_trim + _PAUSE:
            return False
        _last_trim = time.monotonic()
        libc.malloc_trim(ctypes.c_size_t(0))
    return True


def trim() -> None:
    """Return all freed memory to the kernel, as before a process is idle; without glibc nothing happens."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(ctypes.c_size_t(0))


def _resident() -> int:
    """Return the resident memory of this process in bytes."""
    return int(psutil.Process().memory_info().rss)


def _glibc() -> ctypes.CDLL | None:
    """Return the C library if it is glibc, else None."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
