"""Files that are complete or not there, also after a power cut."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def temporary_beside(path: Path, suffix: str = "") -> Path:
    """Return a name for writing ``path`` that no process on any machine uses; process ids repeat on a cluster.

    It is in the same folder, so that renaming cannot fail. ``suffix`` is for libraries that look at it.
    """
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.partial{suffix}")


@contextmanager
def complete(path: Path) -> Iterator[Path]:
    """Yield a name beside ``path``, of the same suffix, that becomes ``path`` if all goes well and vanishes if not."""
    part = temporary_beside(path, path.suffix.lower())
    try:
        yield part
        part.replace(path)
    finally:
        # GDAL and SQLite put temporary files of their own beside it, under names that begin alike.
        with suppress(OSError):
            for left in part.parent.iterdir():
                if left.name.startswith(part.stem):
                    left.unlink(missing_ok=True)


def fsync(path: Path) -> None:
    """Wait until a file's bytes are on the disk itself, so that a power cut cannot take them back."""
    # Windows flushes only files that are open for writing.
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fsync_folder(folder: Path) -> None:
    """Wait until new names in a folder are on the disk itself; does nothing where folders cannot be opened."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def put(temporary: Path, path: Path) -> None:
    """Give a complete, settled file its final name.

    On Windows a file that somebody is reading cannot be replaced; what stands there then is as good, because block
    files of one name hold the same bytes.
    """
    try:
        temporary.replace(path)
    except PermissionError:
        if not path.exists():
            raise
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a small text file: complete, or as it was before, also after a power cut."""
    temporary = temporary_beside(path)
    temporary.write_text(text, "utf-8")
    fsync(temporary)
    temporary.replace(path)
