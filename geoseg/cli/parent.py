"""``--die-with-parent``: no command outlives the program that started it."""

from __future__ import annotations

import os
import sys
import threading


def die_with_parent() -> None:
    """End this process and its children when stdin closes, as a pipe does when the parent ends, however it ends."""
    threading.Thread(target=_watch, name="die-with-parent", daemon=True).start()


def _watch() -> None:
    try:
        # Not sys.stdin.read(): that holds the buffer's lock, and Python aborts if a daemon thread holds it at shutdown.
        while os.read(sys.stdin.fileno(), 64):
            pass
    except (OSError, ValueError):
        pass
    end_now()


def end_now() -> None:
    """End this process and its children at once, from any thread."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        child.kill()
    # sys.exit would only end this thread. Finished blocks are on disk.
    os._exit(130)
