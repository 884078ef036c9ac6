"""Tiles as one GeoTIFF: red, green, blue, and a mask where there is none."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from affine import Affine
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile
from rasterio.windows import Window

from geoseg.errors import InputError
from geoseg.raster.basemap.template import HALF
from geoseg.raster.gdal.environment import environment
from geoseg.system.files import complete
from geoseg.system.folders import user_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from geoseg.raster.basemap.fetch import Fetcher
    from geoseg.tiling import Box

_SIDES = (256, 512)
_PICTURES = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"RIFF": "WEBP"}


def decoded(content: bytes, label: str) -> NDArray[np.uint8]:
    """Return a tile as uint8 (4, side, side): red, green, blue, and 255 where it is opaque.

    Raises
    ------
    InputError
        If it is no picture of 256 or 512 pixels a side.
    """
    driver = next((name for start, name in _PICTURES.items() if content.startswith(start)), None)
    if driver is None:
        start = content[:40].decode("ascii", "replace")
        raise InputError(f"{label} is no picture (PNG, JPEG or WebP): it begins with {start!r}; check the address")
    if driver == "PNG" and b"IEND" not in content[-64:]:  # GDAL fills missing rows with garbage, without an error
        raise InputError(f"{label} is a damaged picture; run the same command again")
    try:
        with environment(), MemoryFile(content) as file, file.open(driver=driver) as data:
            if data.width != data.height or data.width not in _SIDES or any(one != "uint8" for one in data.dtypes):
                raise InputError(
                    f"{label} has {data.width} × {data.height} pixels of {data.dtypes[0]}; tiles have 256 or 512 a side"
                )
            values: NDArray[np.uint8] = data.read()
            try:
                palette = data.colormap(1)
            except ValueError:
                palette = None
    except (RasterioError, rasterio._err.CPLE_BaseError) as error:  # noqa: SLF001
        raise InputError(f"{label} is a damaged picture; run the same command again") from error
    if palette is not None:
        table = np.zeros((256, 4), np.uint8)
        for number, color in palette.items():
            table[number] = color
        return np.moveaxis(table[values[0]], -1, 0)
    opaque = np.full_like(values[:1], 255)
    gray = len(values) <= 2
    colors = np.repeat(values[:1], 3, 0) if gray else values[:3]
    return np.concatenate([colors, values[-1:] if len(values) in (2, 4) else opaque])


def write_mosaic(
    fetcher: Fetcher, zoom: int, tiles: Box, told: Callable[[int, int], None]
) -> tuple[Path, list[tuple[int, int]]]:
    """Get the tiles of a box (of rows and columns of the zoom) and write them; return the file and what is missing.

    The same tiles give the same file, which is not written again: a run that is resumed finds its scene unchanged.

    Raises
    ------
    InputError
        If a tile cannot be fetched or used, or there is none at all.
    """

    def check(content: bytes, name: str) -> tuple[str, NDArray[np.uint8]]:
        label = f"{fetcher.template.label}: tile {name}"
        return hashlib.sha256(content).hexdigest(), decoded(content, label)

    places = [(row, col) for row in range(tiles.row, tiles.bottom) for col in range(tiles.col, tiles.right)]
    digests: dict[tuple[int, int], str] = {}
    side: int | None = None
    for number, (row, col) in enumerate(places):
        found = fetcher.get(zoom, col, row, check)
        if found is not None:
            digest, pixels = found
            side = side or pixels.shape[1]
            if pixels.shape[1] != side:
                raise InputError(
                    f"{fetcher.template.label}: tiles of {side} and of {pixels.shape[1]} pixels; use another"
                )
            digests[row, col] = digest
        told(number + 1, len(places))
    missing = [place for place in places if place not in digests]
    if side is None:
        raise InputError(
            f"{fetcher.template.label}: has none of the {len(places)} tiles of zoom {zoom} there (404); give "
            "another --zoom"
        )
    key = hashlib.sha256(repr((zoom, tiles, sorted(digests.items()))).encode()).hexdigest()[:24]
    path = user_folder("cache") / "tiles" / "mosaics" / f"{key}.tif"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        with complete(path) as part:
            _write(part, fetcher, zoom, tiles, side, set(digests), check)
    return path, missing


def _write(
    path: Path,
    fetcher: Fetcher,
    zoom: int,
    tiles: Box,
    side: int,
    there: set[tuple[int, int]],
    check: Callable[..., Any],
) -> None:
    span = 2 * HALF / 2**zoom
    transform = Affine(span / side, 0, -HALF + tiles.col * span, 0, -span / side, HALF - tiles.row * span)
    profile = {"driver": "GTiff", "crs": "EPSG:3857", "transform": transform, "count": 3, "dtype": "uint8",
               "height": tiles.height * side, "width": tiles.width * side, "tiled": True, "blockxsize": 256,
               "blockysize": 256, "compress": "deflate", "photometric": "rgb", "bigtiff": "if_safer"}  # fmt: skip
    with environment(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **profile) as file:
        file.descriptions = ("red", "green", "blue")
        for row in range(tiles.row, tiles.bottom):
            for col in range(tiles.col, tiles.right):
                window = Window((col - tiles.col) * side, (row - tiles.row) * side, side, side)
                found = fetcher.get(zoom, col, row, check) if (row, col) in there else None
                pixels = np.zeros((4, side, side), np.uint8) if found is None else found[1]
                file.write(pixels[:3], window=window)
                file.write_mask(np.where(pixels[3] == 255, 255, 0).astype(np.uint8), window=window)
