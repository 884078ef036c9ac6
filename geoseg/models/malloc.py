"""Memory that stays: glibc hands every large activation back to the kernel and page-faults it in again."""

from __future__ import annotations

import ctypes
import sys

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
    if not sys.platform.startswith("linux"):
        return False
    try:
        libc = ctypes.CDLL("libc.so.6")
        mallopt = libc.mallopt
    except (OSError, AttributeError):
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
    done = [mallopt(name, value) == 1 for name, value in settings]
    return all(done)
