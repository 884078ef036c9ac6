"""Errors of blocks and scenes: which are transient and worth a retry, and how they are reported."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from geoseg.errors import (
    ChangedError,
    ContractError,
    DeviceMemoryError,
    GeosegError,
    InputError,
    OutputError,
    ReadError,
)
from geoseg.raster.gdal.environment import is_remote
from geoseg.raster.sources import clear_remote_cache
from geoseg.tiling import Tiling

Result = TypeVar("Result")

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0
"""Seconds before the first retry, doubled before each further one, and the upper limit."""

# What a network file system reports while its server is away for a moment.
_TRANSIENT_ERRNO = {errno.EIO, errno.EAGAIN, errno.EINTR, errno.ETIMEDOUT, errno.ECONNRESET, errno.EHOSTUNREACH} | {
    getattr(errno, name) for name in ("ESTALE", "ENOLINK", "EREMOTEIO") if hasattr(errno, name)
}

# Blocks that a message names; further ones are counted.
_NAMED = 3


@dataclass(frozen=True)
class BlockFailure:
    """A block that was not computed.

    Attributes
    ----------
    index
        Number of the block.
    cause
        One line.
    transient
        Whether a retry may succeed: the network, memory or a lost worker was the cause.
    fatal
        Whether no other block is of use: the disk is full, a worker does not see the folder, the scene has changed.
    """

    index: int
    cause: str
    transient: bool = False
    fatal: bool = False


def block_failure(index: int, error: GeosegError | MemoryError, sources: Sequence[str]) -> BlockFailure:
    """Classify the error of one block; ``sources`` are the scene's files and addresses."""
    if isinstance(error, MemoryError):
        return BlockFailure(index, "out of memory; give a smaller --memory or fewer --workers", transient=True)
    fatal = isinstance(error, OutputError | ChangedError)
    return BlockFailure(index, str(error), transient=is_transient(error, sources), fatal=fatal)


def is_transient(error: BaseException, sources: Sequence[str]) -> bool:
    """Whether a retry may succeed after this error."""
    if isinstance(error, ChangedError):
        return False
    if isinstance(error, DeviceMemoryError):  # other programs use the device as well
        return True
    if isinstance(error, ReadError) and any(is_remote(source) for source in sources):
        return True
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _TRANSIENT_ERRNO:
            return True
        cause = cause.__cause__
    return False


def backoff(attempt: int) -> float:
    """Seconds to wait before retry ``attempt`` (1, 2, …)."""
    return min(FIRST_BACKOFF * 2.0 ** (attempt - 1), LONGEST_BACKOFF)


def with_retries(call: Callable[[], Result], sources: Sequence[str], retries: int) -> Result:
    """Call a function that reads ``sources``; after a transient error, wait and call it again, ``retries`` times."""
    for attempt in range(1, retries + 1):
        try:
            return call()
        except GeosegError as error:
            # GDAL does not say whether a remote file is absent or the network failed: any error of opening is retried.
            remote = isinstance(error, InputError) and any(is_remote(source) for source in sources)
            if not (remote or is_transient(error, sources)) or isinstance(error, ContractError):
                raise
        clear_remote_cache(sources)
        time.sleep(backoff(attempt))
    return call()


def describe_failures(failures: Sequence[BlockFailure], tiling: Tiling) -> str:
    """Return one line with numbers, windows and causes of the first failed blocks, and how many more there are."""
    first = sorted(failures, key=lambda failure: failure.index)[:_NAMED]
    named = "; ".join(f"block {one.index} ({tiling.block_box(one.index)}): {one.cause}" for one in first)
    more = f"; and {len(failures) - len(first)} more" if len(failures) > len(first) else ""
    return f"{len(failures)} of {tiling.block_count} blocks failed for good: {named}{more}"


def failure_records(failures: Sequence[BlockFailure], tiling: Tiling) -> list[dict[str, object]]:
    """Return ``failed_blocks`` of the report: number, first and last row and column, and cause of each block."""
    records: list[dict[str, object]] = []
    for failure in sorted(failures, key=lambda failure: failure.index):
        box = tiling.block_box(failure.index)
        rows, columns = [box.row, box.bottom - 1], [box.col, box.right - 1]
        records.append({"block": failure.index, "rows": rows, "columns": columns, "cause": failure.cause})
    return records
