"""Ending with the program that started us, however that one ends."""

from __future__ import annotations

import os
import sys
import threading


def die_with_parent() -> None:
    """End this process and its children when stdin closes: the parent's end of that pipe closes with the parent."""
    threading.Thread(target=_watch, name="die-with-parent", daemon=True).start()


def _watch() -> None:
    try:
        # The descriptor, not sys.stdin: this thread would hold the lock of its buffer while Python shuts down, which
        # Python answers by aborting.
        while os.read(sys.stdin.fileno(), 64):
            pass
    except (OSError, ValueError):
        pass
    import psutil

    for child in psutil.Process().children(recursive=True):
        child.kill()
    # Not sys.exit: that would only end this thread. Finished blocks are on disk, so nothing is lost.
    os._exit(130)
