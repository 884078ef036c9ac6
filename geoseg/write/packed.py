"""Finished blocks as bytes: compressed tiles of all their rasters, their first overviews and pixel counts.

Pixels are compressed once, by the worker that computed them; the files of the whole scene are assembled from these
tiles (:meth:`geoseg.write.CogSink.put`). Each block is a TIFF of two bands, and one for each class whose probabilities
are wanted, with overviews that any GIS opens. The TIFF is followed by the pixel counts per class and a checksum, which
TIFF readers ignore.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geoseg.write.overviews import count_values, halve_by_mean, halve_by_mode
from geoseg.write.spool import compress, padded
from geoseg.write.tiff import (
    SAMPLES_PER_PIXEL,
    TILE,
    TILE_BYTE_COUNTS,
    TILE_OFFSETS,
    Description,
    Level,
    first_directory,
    framed,
    header,
    level_sizes,
    read_directory,
    tile_grid,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.write.tiff import Tag

_COUNTS = np.dtype("<u8"), 256
_TRAILER = 256 * 8 + 4


@dataclass(frozen=True)
class PackedBlock:
    """Content of a finished block.

    Attributes
    ----------
    classes, confidence
        Compressed tiles in row order for each level, full size first.
    probabilities
        The same for each class whose probabilities are wanted.
    pixels
        int64 (256,): pixels per value of the class map.
    """

    classes: list[list[bytes]]
    confidence: list[list[bytes]]
    probabilities: list[list[list[bytes]]]
    pixels: NDArray[np.int64]


def pack(
    classes: NDArray[np.uint8],
    confidence: NDArray[np.uint8],
    probabilities: Sequence[NDArray[np.uint8]] | NDArray[np.uint8] = (),
    *,
    side: int,
    geo_tags: dict[int, Tag] | None = None,
) -> bytes:
    """Return a block as bytes.

    Parameters
    ----------
    classes, confidence
        uint8 (height, width).
    probabilities
        uint8 (classes wanted, height, width).
    side
        Side of the scene's blocks in pixels. Overviews are made as long as it is a whole number of the scene's tiles.
    geo_tags
        GeoTIFF tags of the block.
    """
    # Blocks that are not aligned to the tiles of the scene are decoded again anyway: they need no padding to 512.
    tile = TILE if side % TILE == 0 else min(TILE, -(-max(classes.shape) // 16) * 16)
    sizes = level_sizes(*classes.shape)
    count = 1
    while count < len(sizes) and (side >> count) % TILE == 0:
        count += 1
    bands = [_pyramid(classes, halve_by_mode, count, tile)]
    bands += [_pyramid(percents, halve_by_mean, count, tile) for percents in (confidence, *probabilities)]
    levels = [[blob for tiles in level for blob in tiles] for level in zip(*bands, strict=True)]
    description = Description(geo_tags=geo_tags or {}, bands=len(bands), tile=tile)
    head = header(
        [
            Level(*size, np.array([len(blob) for blob in blobs], np.uint64))
            for size, blobs in zip(sizes, levels, strict=False)
        ],
        description,
    )
    body = b"".join(framed(blob) for blobs in reversed(levels) for blob in blobs)
    pixels = count_values(classes).astype(_COUNTS[0]).tobytes()
    content = b"".join([head, body, pixels])
    return content + zlib.crc32(content).to_bytes(4, "little")


def unpack(data: bytes) -> PackedBlock:
    """Return the content of bytes from :func:`pack`.

    Raises
    ------
    ValueError
        If the bytes are damaged.
    """
    if len(data) < _TRAILER or zlib.crc32(memoryview(data)[:-4]) != int.from_bytes(data[-4:], "little"):
        raise ValueError("the checksum does not match")
    bands: list[list[list[bytes]]] = []
    position = first_directory(data)
    while position:
        tags, position = read_directory(data, position)
        spans = zip(tags[TILE_OFFSETS][1].tolist(), tags[TILE_BYTE_COUNTS][1].tolist(), strict=True)
        blobs = [data[start : start + size] for start, size in spans]
        count = int(tags[SAMPLES_PER_PIXEL][1][0])
        each = len(blobs) // count
        bands = bands or [[] for _ in range(count)]
        for number, levels in enumerate(bands):
            levels.append(blobs[number * each : (number + 1) * each])
    pixels = np.frombuffer(data, *_COUNTS, offset=len(data) - _TRAILER).astype(np.int64)
    return PackedBlock(bands[0], bands[1], bands[2:], pixels)


def _pyramid(
    pixels: NDArray[np.uint8], halve: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], count: int, tile: int
) -> list[list[bytes]]:
    levels = []
    for level in range(count):
        if level:
            pixels = halve(pixels)
        levels.append([compress(padded(part, tile)) for part in _tiles(pixels, tile)])
    return levels


def _tiles(pixels: NDArray[np.uint8], tile: int) -> Iterator[NDArray[np.uint8]]:
    height, width = pixels.shape
    rows, cols = tile_grid(height, width, tile)
    for row in range(rows):
        for col in range(cols):
            yield pixels[row * tile : (row + 1) * tile, col * tile : (col + 1) * tile]
