"""The rule of Windows that programs of other systems break most: what is open is not deleted, moved or replaced."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


@contextmanager
def open_files_stay() -> Iterator[list[str]]:
    """Let Python refuse to delete, move or replace files that this process holds open or mapped, and folders with such.

    Needs Linux's ``/proc``. What libraries do in C is not refused; that they hold a file open counts.

    Yields
    ------
    What was refused, also where the program under test has swallowed the error.
    """
    refused: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name in ("unlink", "remove", "rename", "replace"):
            patch.setattr(os, name, _refusing(getattr(os, name), refused))
        yield refused


def _refusing(call: Callable[..., None], refused: list[str]) -> Callable[..., None]:
    def wrapped(*paths: Any, dir_fd: int | None = None, src_dir_fd: int | None = None, **others: Any) -> None:
        beside = dir_fd if src_dir_fd is None else src_dir_fd
        for path in paths:
            full = _full(path, beside)
            if (held := _held(full)) is not None:
                refused.append(f"{call.__name__} {full} while {held} is open")
                raise PermissionError(errno.EACCES, "used by another process, as on Windows", str(full))
        if dir_fd is not None:
            others["dir_fd"] = dir_fd
        call(*paths, **others)

    return wrapped


def _full(path: Any, beside: int | None) -> str:
    folder = os.getcwd() if beside is None else os.readlink(f"/proc/self/fd/{beside}")  # noqa: PTH109, PTH115
    # The link itself is moved or deleted, not what it leads to.
    parent, name = os.path.split(os.path.join(folder, os.fsdecode(path)))  # noqa: PTH118
    return os.path.join(os.path.realpath(parent), name)  # noqa: PTH118


def _held(full: str) -> str | None:
    """Return the open or mapped file that is ``full`` or lies in it."""
    for path in sorted({*_open(), *_mapped()}):
        if path == full or path.startswith(f"{full}/"):
            return path
    return None


def _open() -> Iterator[str]:
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208
        try:
            path = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
        except OSError:
            continue
        if path.startswith("/") and not Path(path).is_dir():  # rmtree itself holds the folders open
            yield path


def _mapped() -> Iterator[str]:
    for line in Path("/proc/self/maps").read_text("utf-8", "surrogateescape").splitlines():
        parts = line.split(maxsplit=5)
        if len(parts) == 6 and parts[5].startswith("/"):
            yield parts[5]
