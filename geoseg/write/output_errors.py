"""Errors of the operating system while writing, as one line that says what to do."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from typing import TYPE_CHECKING

from geoseg.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Raise OutputError for an OSError inside the block.

    Raises
    ------
    OutputError
        Naming ``path`` and the reason: a full disk, missing permissions.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise OutputError(
                f"disk full while writing {path}: free some space there or choose another output folder"
            ) from error
        raise OutputError(f"{path} cannot be written: {error.strerror or error}") from error
