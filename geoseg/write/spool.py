"""A temporary store of compressed tiles, written in any order."""

from __future__ import annotations

import tempfile
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from zlib_ng import zlib_ng

from geoseg.classes import NODATA
from geoseg.write.tiff import TILE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Key = tuple[int, int, int]
"""Level, row and column of a tile."""

_MOST_PARTIAL = 128
"""Most tiles that are kept uncompressed because only a part of them has been written: 32 MiB."""


def compress(tile: NDArray[np.uint8]) -> bytes:
    """Deflate one tile.

    Class maps consist of runs. zlib's run-length strategy takes a fifth of the time of its default level for files at
    most 5 % larger (4096² map of six classes: 0.11 s and 1.31 MB against 0.55 s and 1.27 MB); the result is ordinary
    DEFLATE. Confidence becomes 8 % larger in a third of the time. zlib-ng gives the same bytes as zlib here, in two
    fifths (classes) to three fifths (confidence) of its time.
    """
    # 9: zlib's largest memory for matches, 256 KiB while a tile is compressed
    deflate = zlib_ng.compressobj(1, zlib_ng.DEFLATED, zlib_ng.MAX_WBITS, 9, zlib_ng.Z_RLE)
    return deflate.compress(tile.tobytes()) + deflate.flush()


class Spool:
    """Compressed tiles in an unnamed temporary file, with an index; tiles that hold only nodata take no space.

    The file has no name (on Windows it is deleted with its handle), so a killed process leaves nothing behind.
    Thread-safe, as long as no two threads use the same tile at a time.
    """

    def __init__(self, folder: Path, grids: Sequence[tuple[int, int]]) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lives as long as the spool
        self._offsets = [np.zeros(grid, np.uint64) for grid in grids]
        self._sizes = [np.zeros(grid, np.uint32) for grid in grids]  # 0: a tile of nodata
        self._partial: dict[Key, NDArray[np.uint8]] = {}
        self._end = 0
        self._lock = threading.Lock()
        self.empty = compress(np.full((TILE, TILE), NODATA, np.uint8))

    def put(self, key: Key, pixels: NDArray[np.uint8]) -> None:
        """Compress and store a tile; a smaller one is padded with nodata."""
        level, row, col = key
        if (pixels == NODATA).all():
            self._sizes[level][row, col] = 0
            return
        self.put_compressed(key, compress(padded(pixels)))

    def put_compressed(self, key: Key, blob: bytes) -> None:
        """Store a full-size tile that is already compressed with :func:`compress`."""
        level, row, col = key
        if blob == self.empty:
            self._sizes[level][row, col] = 0
            return
        with self._lock:
            self._file.seek(self._end)
            self._file.write(blob)
            self._offsets[level][row, col] = self._end
            self._sizes[level][row, col] = len(blob)
            self._end += len(blob)

    def get(self, key: Key) -> NDArray[np.uint8] | None:
        """Return a full-size tile, read-only, or None if it holds only nodata."""
        if key not in self:
            return None
        return np.frombuffer(zlib_ng.decompress(self.blob(key)), np.uint8).reshape(TILE, TILE)

    def patch(self, key: Key, row: int, col: int, pixels: NDArray[np.uint8]) -> None:
        """Overwrite a part of a tile, which stays uncompressed in memory until it has to make room."""
        tile = self._partial.pop(key, None)
        if tile is None:
            stored = self.get(key)
            tile = np.full((TILE, TILE), NODATA, np.uint8) if stored is None else stored.copy()
        tile[row : row + pixels.shape[0], col : col + pixels.shape[1]] = pixels
        self._partial[key] = tile
        while len(self._partial) > _MOST_PARTIAL:
            oldest = next(iter(self._partial))
            self.put(oldest, self._partial.pop(oldest))

    def drop_partial(self, key: Key) -> None:
        """Discard a partly written tile that is about to be stored whole."""
        self._partial.pop(key, None)

    def flush_partial(self) -> None:
        """Compress and store all partly written tiles."""
        while self._partial:
            oldest = next(iter(self._partial))
            self.put(oldest, self._partial.pop(oldest))

    def __contains__(self, key: Key) -> bool:
        level, row, col = key
        return bool(self._sizes[level][row, col])

    def clear(self, level: int, tiles: NDArray[np.bool_]) -> None:
        """Set the marked tiles of a level to nodata."""
        self._sizes[level][tiles] = 0

    def present(self, level: int) -> NDArray[np.bool_]:
        """Return which tiles of a level hold anything but nodata."""
        return self._sizes[level] > 0

    def sizes(self, level: int) -> NDArray[np.uint64]:
        """Return the size in bytes of each compressed tile of a level, in row order."""
        sizes = self._sizes[level].reshape(-1).astype(np.uint64)
        sizes[sizes == 0] = len(self.empty)
        return sizes

    def blob(self, key: Key) -> bytes:
        """Return the bytes of a compressed tile."""
        if key not in self:
            return self.empty
        level, row, col = key
        with self._lock:
            self._file.seek(int(self._offsets[level][row, col]))
            return self._file.read(int(self._sizes[level][row, col]))

    def close(self) -> None:
        """Delete the file."""
        with suppress(OSError):  # flushing may fail on a full disk; the content is no longer needed
            self._file.close()


def padded(pixels: NDArray[np.uint8], side: int = TILE) -> NDArray[np.uint8]:
    """Return a tile padded to its full size with nodata."""
    if pixels.shape == (side, side):
        return pixels
    tile = np.full((side, side), NODATA, np.uint8)
    tile[: pixels.shape[0], : pixels.shape[1]] = pixels
    return tile
