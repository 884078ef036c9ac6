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

# A run that only looks (--status) holds a lock for a millisecond: wait longer than that before giving up.
_PATIENCE = 0.3


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder against other runs; the lock vanishes with its process, however that ends.

    Raises
    ------
    OutputError
        If another run holds it, or the folder cannot be made.
    """
    path, owner = _lock_path(folder), _owner_path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _acquire(path)
        owner.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": time.time()}), "utf-8")
    except Timeout:
        raise OutputError(
            f"another run{_who(owner)} is writing to {folder}: wait for it or choose another folder with -o"
        ) from None
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror or error}; choose another folder with -o"
        ) from error
    try:
        yield
    finally:
        owner.unlink(missing_ok=True)
        if sys.platform == "win32":  # an open file cannot be deleted there, and one that another run opened stays
            lock.release()
            with suppress(OSError):
                path.unlink()
        else:  # deleted while it is held: see _acquire
            path.unlink(missing_ok=True)
            lock.release()


def is_locked(folder: Path) -> bool:
    """Whether a run is writing to the folder at this moment."""
    path = _lock_path(folder)
    if not path.exists():
        return False
    try:
        lock = FileLock(path)
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False  # not ours to write: nothing runs here that we could see
    lock.release()
    return False


def _acquire(path: Path) -> BaseFileLock:
    """Lock the file at ``path``: not one that its last holder is just deleting, or two runs would both hold it."""
    while True:
        path.touch()
        try:
            before = path.stat().st_ino
        except FileNotFoundError:  # deleted in this very moment
            continue
        # Not bound to a thread: a batch begins and ends its scenes in different ones.
        lock = FileLock(path, thread_local=False)
        lock.acquire(timeout=_PATIENCE)
        with suppress(FileNotFoundError):
            if path.stat().st_ino == before:
                return lock
        lock.release()


def _lock_path(folder: Path) -> Path:
    return folder.with_name(folder.name + ".lock")


def _owner_path(folder: Path) -> Path:
    # Beside the lock, not in it: Windows lets nobody read a locked file.
    return folder.with_name(folder.name + ".owner")


def _who(owner: Path) -> str:
    try:
        found: dict[str, Any] = json.loads(owner.read_text("utf-8"))
        return f" (process {found['pid']} on {found['host']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""
