"""The rules of GDAL's validate_cloud_optimized_geotiff, with rasterio and struct in place of GDAL's bindings.

Checked in full: structural metadata, order of directories and of data, and leader and trailer of every tile.
"""

from __future__ import annotations

import struct
from pathlib import Path

import rasterio

FLAGS = (
    b"LAYOUT=IFDS_BEFORE_DATA", b"BLOCK_ORDER=ROW_MAJOR", b"BLOCK_LEADER=SIZE_AS_UINT4",
    b"BLOCK_TRAILER=LAST_4_BYTES_REPEATED", b"KNOWN_INCOMPATIBLE_EDITION=NO",
)  # fmt: skip


def violations(path: Path) -> list[str]:
    """What GDAL's script would report as an error or warning; empty for a valid file."""
    with rasterio.open(path) as source:
        shape, factors, bands = source.shape, source.overviews(1), source.count
    overviews = [_level(path, number) for number in range(len(factors))]
    main = _level(path, None)
    found = []
    if max(shape) > 512 and not overviews:
        found.append("larger than 512 pixels, but without overviews")
    if Path(f"{path}.ovr").exists():
        found.append("external overviews")
    levels = [main, *overviews]
    data = path.read_bytes()
    found += _structure(data, main["ifd"], FLAGS if bands == 1 else (*FLAGS, b"INTERLEAVE=BAND"))
    for number, (before, after) in enumerate(zip(levels, overviews, strict=False)):
        if after["shape"] != tuple(-(-side // 2) for side in before["shape"]):
            found.append(f"overview {number} of {after['shape']} is not half of {before['shape']}")
        if after["ifd"] < before["ifd"]:
            found.append(f"directory of overview {number} comes too early")
        if after["tiles"][0][0] > before["tiles"][0][0]:
            found.append(f"data of overview {number} comes after the larger level's")
    if levels[-1]["tiles"][0][0] < levels[-1]["ifd"]:
        found.append("data before directories")
    for number, level in enumerate(levels):
        found += [f"level {number}: {text}" for text in _tiles(data, level)]
    if max(levels[-1]["shape"]) > 512:
        found.append("the smallest overview is larger than a tile")
    return found


def _level(path: Path, overview: int | None) -> dict:
    options = {} if overview is None else {"overview_level": overview}
    with rasterio.open(path, **options) as source:
        shape, block = source.shape, source.block_shapes[0]
    with rasterio.open(path) as source:

        def tag(name, band=1):
            return int(source.get_tag_item(name, "TIFF", band, overview) or 0)

        tiles = [
            (tag(f"BLOCK_OFFSET_{x}_{y}", band), tag(f"BLOCK_SIZE_{x}_{y}", band))
            for band in range(1, source.count + 1)
            for y in range(-(-shape[0] // block[0]))
            for x in range(-(-shape[1] // block[1]))
        ]
        ifd = tag("IFD_OFFSET")
    return {"shape": shape, "block": block, "ifd": ifd, "tiles": tiles}


def _structure(data: bytes, ifd: int, flags: tuple[bytes, ...]) -> list[str]:
    position = 16 if data[:4] == b"II\x2b\0" else 8
    prefix = b"GDAL_STRUCTURAL_METADATA_SIZE="
    if not data[position:].startswith(prefix):
        return ["no structural metadata"]
    size = int(data[position + len(prefix) :][:6])
    start = position + len(prefix) + len(b"000000 bytes\n")
    found = [f"{flag.decode()} is missing" for flag in flags if flag not in data[start : start + size].splitlines()]
    expected = start + size + (start + size) % 2
    return found if ifd == expected else [*found, f"first directory at {ifd}, not {expected}"]


def _tiles(data: bytes, level: dict) -> list[str]:
    found = [] if level["block"] == (512, 512) else [f"tiles of {level['block']}"]
    last = 0
    for offset, size in level["tiles"]:
        if offset <= last:
            found.append(f"tile at {offset} after one at {last}")
        if struct.unpack_from("<I", data, offset - 4)[0] != size:
            found.append(f"leader of the tile at {offset}")
        if data[offset + size - 4 :][:4] != data[offset + size :][:4]:
            found.append(f"trailer of the tile at {offset}")
        last = offset + size
    return found
