"""Stamps of files: whether a file is still the one that was opened."""

from __future__ import annotations

import os

from geoseg.errors import ChangedError

# Network file systems truncate times, each in its own way.
_TOLERANCE_NS = 1000


def stamp_of(path: str | os.PathLike[str]) -> str:
    """Return size and modification time of a file, ``SIZE:NANOSECONDS``; empty if there is no such local file."""
    try:
        status = os.stat(path)  # noqa: PTH116  thousands of tiles
    except (OSError, ValueError):
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}"


def check_stamp(path: str | os.PathLike[str], stamp: str, label: str) -> None:
    """Check that a file has the stamp that it had when it was opened; an empty stamp always fits.

    As for a resumed run, a later modification time alone is a change: contents are not compared.

    Raises
    ------
    ChangedError
        If the file was changed, replaced or deleted. ``label`` is its name in the message.
    OSError
        If its state cannot be read, for another reason.
    """
    if not stamp:
        return
    try:
        status = os.stat(path)  # noqa: PTH116  for each block
    except (FileNotFoundError, NotADirectoryError):
        raise ChangedError(
            f"{label}: was deleted or moved while it was read; no result is written: put it back and run again"
        ) from None
    size, time = (int(part) for part in stamp.split(":"))
    if status.st_size != size or abs(status.st_mtime_ns - time) > _TOLERANCE_NS:
        raise ChangedError(
            f"{label}: was changed while it was read; no result is written: run again once the file is complete"
        )
