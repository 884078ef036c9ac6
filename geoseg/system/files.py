"""Atomic writes: a file is complete or absent, also after a power failure."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
import sys
import time
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from geoseg.errors import InputError


def temporary_beside(path: Path, suffix: str = "") -> Path:
    """Return a unique temporary name for writing ``path``; process ids would not be unique on a cluster.

    It is in the same folder, so that it can be renamed to ``path``. Some libraries choose a format by ``suffix``.
    """
    name = re.sub(r"[^\w.()+-]+", "_", path.name)[:60]  # in full it might be too long, or mean something to GDAL
    return path.with_name(f".{name}.{uuid.uuid4().hex[:12]}.partial{suffix}")


def name_key(name: str, platform: str = sys.platform) -> str:
    """Return what the names of one file have in common on a system.

    On Windows and macOS the case of letters does not count, nor on macOS how an accent is composed: ``Lac.tif`` and
    ``LAC.tif`` are one file there.
    """
    return unicodedata.normalize("NFC", name).casefold() if platform in ("win32", "darwin") else name


def read_regular(path: str | os.PathLike[str], most: int) -> bytes:
    """Return the content of a regular file of at most ``most`` bytes.

    Raises
    ------
    OSError
        If it cannot be read, is larger, or is a pipe, device or folder, which might never end.
    """
    try:
        # A pipe without a writer would block.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except ValueError as error:  # NUL, and characters that no file name can have
        raise OSError(errno.EINVAL, str(error)) from None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a regular file (a pipe or device)")
        data = file.read(status.st_size + 1) if status.st_size <= most else b""
        if status.st_size > most or len(data) > most:
            raise OSError(errno.EFBIG, f"larger than {most / 1e6:,.0f} MB")
        return data


_PATIENCE = 20, 0.1
"""How often a rename is tried on Windows, and the seconds in between."""


def rename(source: Path, target: Path) -> None:
    """Move a file or folder to another name in the same file system, in place of a file that has it.

    On Windows nothing can be moved or replaced while somebody has it open, and virus scanners open new files at times.
    There, it is tried again for two seconds.

    Raises
    ------
    OSError
        If it cannot be moved.
    """
    tries, pause = _PATIENCE if sys.platform == "win32" else (1, 0.0)
    for left in reversed(range(tries)):
        try:
            source.replace(target)
        except PermissionError:
            if not left:
                raise
            time.sleep(pause)
        else:
            return


@contextmanager
def complete(path: Path) -> Iterator[Path]:
    """Yield a temporary name with the suffix of ``path``; the file is renamed to ``path`` on success, else deleted."""
    part = temporary_beside(path, path.suffix.lower())
    try:
        yield part
        rename(part, path)
    finally:
        # GDAL and SQLite add temporary files of their own, whose names begin with this one.
        with suppress(OSError):
            for left in part.parent.iterdir():
                if left.name.startswith(part.stem):
                    left.unlink(missing_ok=True)


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Give a name to make a folder under; at the end it is renamed over what was at ``target``.

    After an error or an interruption nothing has changed.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    part, old = temporary_beside(target), temporary_beside(target)
    try:
        yield part
        if target.exists():
            rename(target, old)
        rename(part, target)
    finally:
        if old.exists() and not target.exists():
            rename(old, target)
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def fsync(path: Path) -> None:
    """Flush a file to the disk, so that it survives a power failure."""
    # Windows can flush only files that are open for writing.
    handle = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fsync_folder(folder: Path) -> None:
    """Flush the entries of a folder to the disk; does nothing where folders cannot be opened (Windows)."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def put(temporary: Path, path: Path) -> None:
    """Rename a complete, flushed block file to its final name.

    On Windows a file that is being read cannot be replaced. The existing file is then kept: block files of one name
    hold the same bytes.
    """
    try:
        temporary.replace(path)
    except PermissionError:
        if path.exists():
            temporary.unlink(missing_ok=True)
        else:
            rename(temporary, path)


def write_text(path: Path, text: str) -> None:
    """Write a small text file atomically: after a power failure it has the new or the old content."""
    temporary = temporary_beside(path)
    temporary.write_text(text, "utf-8", newline="\n")
    fsync(temporary)
    rename(temporary, path)


def exists(path: str | os.PathLike[str]) -> bool:
    """Return whether there is a file or folder; False for text that is no path: too long, with NUL."""
    return _mode(path) is not None


def is_file(path: str | os.PathLike[str]) -> bool:
    """Return whether it is a regular file; False for text that is no path."""
    mode = _mode(path)
    return mode is not None and stat.S_ISREG(mode)


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Return whether it is a folder; False for text that is no path."""
    mode = _mode(path)
    return mode is not None and stat.S_ISDIR(mode)


_ABSENT = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EBADF, errno.ENAMETOOLONG, errno.EINVAL}


def _mode(path: str | os.PathLike[str]) -> int | None:
    """Return the mode of a file, None if there is none; like Path.exists(), but that fails for long names."""
    try:
        return os.stat(path).st_mode  # noqa: PTH116
    except ValueError:
        return None
    except OSError as error:
        if error.errno in _ABSENT:
            return None
        raise


_KINDS = (
    (stat.S_ISFIFO, "named pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, "device"),
    (stat.S_ISBLK, "device"),
)


def check_regular_file(path: str | os.PathLike[str], *, limit: int | None = None) -> None:
    """Refuse pipes and devices, which block or never end; what does not exist, and folders, pass.

    Parameters
    ----------
    path
        Local path.
    limit
        Largest size in bytes.

    Raises
    ------
    InputError
        Naming what it is, or its size.
    """
    try:
        status = os.stat(path)  # noqa: PTH116  cheaper than Path
    except (OSError, ValueError):
        return
    for is_kind, name in _KINDS:
        if is_kind(status.st_mode):
            raise InputError(f"{os.fspath(path)}: is a {name}, not a file; save its content as a file and name that")
    if limit is not None and stat.S_ISREG(status.st_mode) and status.st_size > limit:
        raise InputError(
            f"{os.fspath(path)}: has {status.st_size >> 20} MB, more than the {limit >> 20} MB that are read of such a "
            "file; is it the right file?"
        )
