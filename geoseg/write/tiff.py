"""The bytes of a Cloud Optimized GeoTIFF around its compressed tiles.

Layout as GDAL's COG driver writes it (https://gdal.org/en/stable/drivers/raster/cog.html, "File format details"):
header, structural metadata ("ghost area"), directories from the full size to the smallest overview each followed by
its values, then the tiles from the smallest overview to the full size in row order, each between its size and a
repetition of its last four bytes.

geoseg writes this itself because workers deliver compressed tiles in any order: see
:mod:`geoseg.write` for the comparison with GDAL's COG driver and odc-geo.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TILE = 512
"""Side of a tile in pixels."""

CLASSIC_END = 2**32
"""Reach of the four-byte offsets of classic TIFF; longer files are BigTIFF."""

_GHOST = (
    b"LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)
STRUCTURAL_METADATA = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(_GHOST) + _GHOST
"""Tells readers that tiles have leaders and a known order, so that one request fetches a tile."""

_BANDS_GHOST = _GHOST[:-1] + b"INTERLEAVE=BAND\n "
BANDS_STRUCTURAL_METADATA = b"GDAL_STRUCTURAL_METADATA_SIZE=%06d bytes\n" % len(_BANDS_GHOST) + _BANDS_GHOST
"""The same for all tiles of one band before those of the next, as GDAL writes it since 3.11."""

ASCII, SHORT, LONG, DOUBLE, LONG8 = 2, 3, 4, 12, 16
"""TIFF field types; LONG8 exists in BigTIFF only."""

_NUMPY_TYPES: dict[int, np.dtype[Any]] = {
    ASCII: np.dtype("u1"),
    SHORT: np.dtype("<u2"),
    LONG: np.dtype("<u4"),
    DOUBLE: np.dtype("<f8"),
    LONG8: np.dtype("<u8"),
}

NEW_SUBFILE_TYPE, IMAGE_WIDTH, IMAGE_LENGTH, BITS_PER_SAMPLE, COMPRESSION = 254, 256, 257, 258, 259
PHOTOMETRIC, SAMPLES_PER_PIXEL, PLANAR_CONFIGURATION, COLOR_MAP = 262, 277, 284, 320
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_BYTE_COUNTS, EXTRA_SAMPLES, SAMPLE_FORMAT = 322, 323, 324, 325, 338, 339
GDAL_METADATA, GDAL_NODATA = 42112, 42113
GEO_TAGS = (33550, 33922, 34264, 34735, 34736, 34737)
"""ModelPixelScale, ModelTiepoint, ModelTransformation, GeoKeyDirectory, GeoDoubleParams, GeoAsciiParams."""

_DEFLATE = 8
_BLACK_IS_ZERO, _PALETTE = 1, 3

Tag = tuple[int, "NDArray[Any]"]
"""Field type and values."""


@dataclass(frozen=True)
class Level:
    """One resolution of the file.

    Attributes
    ----------
    height, width
        Size in pixels.
    sizes
        Bytes of each compressed tile in row order, band by band, uint64.
    """

    height: int
    width: int
    sizes: NDArray[np.uint64]


@dataclass(frozen=True)
class Description:
    """Metadata of the file.

    Attributes
    ----------
    geo_tags
        GeoTIFF tags by number, as written by GDAL.
    color_map
        uint16 ``(3, 256)`` or None for grey.
    metadata
        Text of the ``GDAL_METADATA`` tag, empty for none.
    nodata
        Value of invalid pixels.
    bands
        Number of bands, stored one after the other (planar).
    tile
        Side of the tiles in pixels, a multiple of 16.
    """

    geo_tags: dict[int, Tag] = field(default_factory=dict)
    color_map: NDArray[np.uint16] | None = None
    metadata: str = ""
    nodata: int = 255
    bands: int = 1
    tile: int = TILE

    @property
    def structure(self) -> bytes:
        """The structural metadata: in which order the tiles are stored."""
        return STRUCTURAL_METADATA if self.bands == 1 else BANDS_STRUCTURAL_METADATA


def tile_grid(height: int, width: int, tile: int = TILE) -> tuple[int, int]:
    """Return the rows and columns of tiles that cover a raster."""
    return -(-height // tile), -(-width // tile)


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Return heights and widths of the full size and of overviews, each half the last, down to a single tile."""
    sizes = [(height, width)]
    while max(sizes[-1]) > TILE:
        sizes.append((-(-sizes[-1][0] // 2), -(-sizes[-1][1] // 2)))
    return sizes


def framed(blob: bytes) -> bytes:
    """Return a compressed tile as stored in the file: after its size, before a copy of its last four bytes."""
    return len(blob).to_bytes(4, "little") + blob + blob[-4:]


def header(levels: Sequence[Level], description: Description) -> bytes:
    """Return everything that precedes the first tile.

    Parameters
    ----------
    levels
        Full size first, then each overview.
    description
        Metadata of the file.

    Returns
    -------
    Header, structural metadata and directories; BigTIFF only if the file exceeds 4 GiB, which is known exactly.
    """
    for big in (False, True):
        start = len(
            _directories(levels, description, [np.zeros(level.sizes.shape, np.uint64) for level in levels], big)
        )
        offsets, end = _offsets(levels, start)
        if big or end < CLASSIC_END:
            return _directories(levels, description, offsets, big)
    raise AssertionError


def _offsets(levels: Sequence[Level], start: int) -> tuple[list[NDArray[np.uint64]], int]:
    """Return the position of each tile if the first leader is at ``start``, and the size of the file."""
    offsets: list[NDArray[np.uint64]] = []
    for level in reversed(levels):
        ends = start + np.cumsum(level.sizes + np.uint64(8), dtype=np.uint64)
        offsets.insert(0, ends - level.sizes - np.uint64(4))
        start = int(ends[-1])
    return offsets, start


def _directories(
    levels: Sequence[Level],
    description: Description,
    offsets: list[NDArray[np.uint64]],
    big: bool,  # noqa: FBT001
) -> bytes:
    first = (16 if big else 8) + len(description.structure)
    first += first % 2
    start = struct.pack("<2sHHHQ", b"II", 43, 8, 0, first) if big else struct.pack("<2sHI", b"II", 42, first)
    data = bytearray((start + description.structure).ljust(first, b"\0"))
    for number, (level, positions) in enumerate(zip(levels, offsets, strict=True)):
        tags = _tags(level, positions, description, big=big, overview=number > 0)
        data += _directory(tags, len(data), big=big, last=number == len(levels) - 1)
    return bytes(data)


def _tags(
    level: Level, positions: NDArray[np.uint64], description: Description, *, big: bool, overview: bool
) -> dict[int, Tag]:
    palette = description.color_map is not None
    tags: dict[int, Tag] = {
        number: (SHORT if value < 2**16 else LONG, np.array([value]))
        for number, value in (
            (IMAGE_WIDTH, level.width), (IMAGE_LENGTH, level.height), (COMPRESSION, _DEFLATE),
            (PHOTOMETRIC, _PALETTE if palette else _BLACK_IS_ZERO), (SAMPLES_PER_PIXEL, description.bands),
            (PLANAR_CONFIGURATION, 1 if description.bands == 1 else 2),
            (TILE_WIDTH, description.tile), (TILE_LENGTH, description.tile),
        )
    }  # fmt: skip
    tags[BITS_PER_SAMPLE] = (SHORT, np.full(description.bands, 8))
    tags[SAMPLE_FORMAT] = (SHORT, np.full(description.bands, 1))
    if description.bands > 1:
        tags[EXTRA_SAMPLES] = (SHORT, np.zeros(description.bands - 1))
    tags[TILE_OFFSETS] = (LONG8 if big else LONG, positions)
    tags[TILE_BYTE_COUNTS] = (LONG, level.sizes)
    tags[GDAL_NODATA] = text(str(description.nodata))
    if description.color_map is not None:
        tags[COLOR_MAP] = (SHORT, description.color_map.reshape(-1))
    if overview:
        return tags | {NEW_SUBFILE_TYPE: (LONG, np.array([1]))}
    if description.metadata:
        tags[GDAL_METADATA] = text(description.metadata)
    return tags | description.geo_tags


def text(value: str) -> Tag:
    """Return an ASCII field; GDAL reads and writes UTF-8 in it."""
    return ASCII, np.frombuffer(value.encode() + b"\0", np.uint8)


def _directory(tags: dict[int, Tag], position: int, *, big: bool, last: bool) -> bytes:
    """Return one directory, followed by the values that do not fit into its entries."""
    count, entry, pointer = ("<Q", "<HHQ", "<Q") if big else ("<H", "<HHI", "<I")
    inline = struct.calcsize(pointer)
    values_at = position + struct.calcsize(count) + len(tags) * (struct.calcsize(entry) + inline) + inline
    entries, values = bytearray(struct.pack(count, len(tags))), bytearray()
    for number, (kind, array) in sorted(tags.items()):
        raw = array.astype(_NUMPY_TYPES[kind]).tobytes()
        entries += struct.pack(entry, number, kind, array.size)
        if len(raw) <= inline:
            entries += raw.ljust(inline, b"\0")
        else:
            entries += struct.pack(pointer, values_at + len(values))
            values += raw + b"\0" * (len(raw) % 2)
    end = values_at + len(values)
    entries += struct.pack(pointer, 0 if last else end)
    return bytes(entries + values)


def read_directory(data: bytes, position: int) -> tuple[dict[int, Tag], int]:
    """Return the tags of one directory of a little-endian classic TIFF, and the position of the next, 0 if none."""
    (count,) = struct.unpack_from("<H", data, position)
    tags: dict[int, Tag] = {}
    for index in range(count):
        at = position + 2 + 12 * index
        number, kind, size = struct.unpack_from("<HHI", data, at)
        if kind not in _NUMPY_TYPES:
            continue
        dtype = _NUMPY_TYPES[kind]
        if size * dtype.itemsize > 4:
            (start,) = struct.unpack_from("<I", data, at + 8)
        else:
            start = at + 8
        tags[number] = (kind, np.frombuffer(data, dtype, size, start))
    (following,) = struct.unpack_from("<I", data, position + 2 + 12 * count)
    return tags, following


def first_directory(data: bytes) -> int:
    """Return the position of the first directory of a little-endian classic TIFF."""
    (position,) = struct.unpack_from("<I", data, 4)
    return int(position)


def read_geo_tags(data: bytes) -> dict[int, Tag]:
    """Return the GeoTIFF tags of a small little-endian TIFF held in memory."""
    tags, _ = read_directory(data, first_directory(data))
    return {number: tag for number, tag in tags.items() if number in GEO_TAGS}
