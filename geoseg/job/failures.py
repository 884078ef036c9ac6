"""What went wrong with a block, and whether it is worth trying again."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass

from geoseg.errors import DeviceMemoryError, GeosegError, OutputError, ReadError
from geoseg.raster.gdal.environment import is_remote
from geoseg.tiling import Box, Tiling

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0
"""Seconds before the first repetition, doubled for each further one, and the longest."""

# What a network file system says when its server is away for a moment.
_TRANSIENT_ERRNO = {errno.EIO, errno.EAGAIN, errno.EINTR, errno.ETIMEDOUT, errno.ECONNRESET, errno.EHOSTUNREACH} | {
    getattr(errno, name) for name in ("ESTALE", "ENOLINK", "EREMOTEIO") if hasattr(errno, name)
}


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
        Whether the reason may be gone the next time: network, memory, a lost worker.
    fatal
        Whether every other block would fail alike: the disk is full, a worker does not see the folder.
    """

    index: int
    cause: str
    transient: bool = False
    fatal: bool = False


def failure(index: int, error: GeosegError | MemoryError, sources: Sequence[str]) -> BlockFailure:
    """Judge an error that one block met; ``sources`` are the scene's files and addresses."""
    if isinstance(error, MemoryError):
        return BlockFailure(index, "out of memory; give a smaller --memory or fewer --workers", transient=True)
    return BlockFailure(index, str(error), transient=is_transient(error, sources), fatal=isinstance(error, OutputError))


def is_transient(error: BaseException, sources: Sequence[str]) -> bool:
    """Whether an error may be gone the next time."""
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
    """Seconds to wait before repetition ``attempt`` (1, 2, …)."""
    return min(FIRST_BACKOFF * 2.0 ** (attempt - 1), LONGEST_BACKOFF)


_NAMED = 3


def describe_failures(failures: Sequence[BlockFailure], tiling: Tiling) -> str:
    """Return one line that names blocks, windows and causes; of many, the first."""
    first = sorted(failures, key=lambda failure: failure.index)[:_NAMED]
    named = "; ".join(f"block {one.index} ({tiling.block_box(one.index)}): {one.cause}" for one in first)
    more = f"; and {len(failures) - len(first)} more" if len(failures) > len(first) else ""
    return f"{len(failures)} of {tiling.block_count} blocks failed for good: {named}{more}"


def listed(failures: Sequence[BlockFailure], tiling: Tiling) -> list[dict[str, object]]:
    """Return the failures as a report has them: number, rows, columns and cause of each block."""

    def entry(box: Box, one: BlockFailure) -> dict[str, object]:
        rows, cols = [box.row, box.bottom - 1], [box.col, box.right - 1]
        return {"block": one.index, "rows": rows, "columns": cols, "cause": one.cause}

    return [entry(tiling.block_box(one.index), one) for one in sorted(failures, key=lambda one: one.index)]
