"""One run at a time per output folder."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, Timeout

from geoseg.errors import OutputError

# is_locked() (--status) holds the lock for a millisecond: wait longer than that before giving up.
_TIMEOUT = 0.3


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock a folder against other runs; the operating system releases the lock when the process ends.

    Raises
    ------
    OutputError
        If another run holds the lock, or the folder cannot be created.
    """
    path, owner = _lock_path(folder), _owner_path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _acquire(path)
        owner.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}), "utf-8")
    except Timeout:
        raise OutputError(
            f"another run{_owner_text(owner)} is writing to {folder}: wait for it or choose another folder with -o"
        ) from None
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error.strerror or error}; choose another folder with -o"
        ) from error
    try:
        yield
    finally:
        owner.unlink(missing_ok=True)
        if sys.platform == "win32":  # open files cannot be deleted there: the file stays if another run has it open
            lock.release()
            with suppress(OSError):
                path.unlink()
        else:  # deleted while it is held: see _acquire
            path.unlink(missing_ok=True)
            lock.release()


def is_locked(folder: Path) -> bool:
    """Return whether a run is writing to the folder."""
    path = _lock_path(folder)
    if not path.exists():
        return False
    try:
        lock = FileLock(path)
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False  # the lock file is not writable, so it tells nothing
    lock.release()
    return False


def _acquire(path: Path) -> BaseFileLock:
    """Lock the file at ``path``; try again if its last holder deletes it meanwhile, or two runs would hold a lock."""
    while True:
        path.touch()
        try:
            before = path.stat().st_ino
        except FileNotFoundError:  # deleted between the two calls
            continue
        # Not thread-local: a batch starts and ends its scenes in different threads.
        lock = FileLock(path, thread_local=False)
        lock.acquire(timeout=_TIMEOUT)
        with suppress(FileNotFoundError):
            if path.stat().st_ino == before:
                return lock
        lock.release()


def _lock_path(folder: Path) -> Path:
    return folder.with_name(folder.name + ".lock")


def _owner_path(folder: Path) -> Path:
    # In a file of its own: on Windows a locked file cannot be read.
    return folder.with_name(folder.name + ".owner")


def _owner_text(owner: Path) -> str:
    try:
        process: dict[str, Any] = json.loads(owner.read_text("utf-8"))
        return f" (process {process['pid']} on {process['host']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
