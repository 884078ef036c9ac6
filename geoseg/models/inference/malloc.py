"""Memory that stays: glibc hands every large activation back to the kernel and page-faults it in again.

What stays is bounded: :func:`stay_below`.
"""

from __future__ import annotations

import ctypes
import sys
import threading

import psutil

# Numbers of <malloc.h>; ctypes does not know them.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_MMAP_MAX, _M_ARENA_MAX = -1, -2, -3, -4, -8


def keep_memory() -> bool:
    """Let this process keep freed memory for its next allocations; call once, before the first forward pass.

    A forward pass allocates and frees the same hundreds of megabytes again and again; by default glibc maps and unmaps
    each, and the kernel zeroes every page anew. Only programs call this (the command line, a job's worker):
    it is a property of the process, not a library's to change. Resident memory stays at the peak of what was in use.

    Returns
    -------
    Whether anything changed: false without glibc (macOS, Windows, musl), where it is not needed or not possible.
    """
    libc = _glibc()
    if libc is None:
        return False
    settings = (
        (_M_MMAP_THRESHOLD, 1 << 30),
        (_M_TRIM_THRESHOLD, 2**31 - 1),
        (_M_MMAP_MAX, 0),
        (_M_TOP_PAD, 64 << 20),
        # One arena for all threads: those of other threads cannot hold activations above 64 MB, and page-fault them in
        # again each time (938,000 faults in 4 windows of 1152 px through Unet(resnet18) on two streams; 0 with one).
        (_M_ARENA_MAX, 1),
    )
    # Each is set, whatever became of the one before.
    done = [libc.mallopt(name, value) == 1 for name, value in settings]
    return all(done)


# Of a budget: above it, freed memory is given back.
_NEARLY = 0.94

# What is held after that must grow by so much before it is done again: it may be that nothing more can be given back.
_GROWN = 1.05

_LOCK = threading.Lock()
_held_after = 0


def stay_below(budget: int) -> bool:
    """Give freed memory back to the kernel if this process holds nearly ``budget`` bytes; cheap if it does not.

    Activations of many sizes leave holes between them that fit none of the next, and over hours they add up.
    (Unet(mobilenetv4-small), ``--memory 1.5GB``: 1.37 GB after 36 million pixels, 1.67 GB after 1300 million, of which
    the heap was 1.15 GB and what was in use 0.61 GB.)

    Returns
    -------
    Whether it was tried: false below the budget, without glibc, and when the last time has not gained anything.
    """
    global _held_after  # noqa: PLW0603 - of the process, as what it is about
    held = _resident()
    if held <= _NEARLY * budget:
        _held_after = 0
        return False
    libc = _glibc()
    with _LOCK:
        if libc is None or held <= _GROWN * _held_after:
            return False
        libc.malloc_trim(ctypes.c_size_t(0))
        _held_after = _resident()
    return True


def _resident() -> int:
    """Bytes of this process in memory."""
    return int(psutil.Process().memory_info().rss)


def _glibc() -> ctypes.CDLL | None:
    """Return the C library, if it is glibc."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
