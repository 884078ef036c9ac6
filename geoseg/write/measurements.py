"""Writes the pixels of a raster, a composite above all, as a Cloud Optimized GeoTIFF."""

from __future__ import annotations

import glob
import math
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.progress.forecast import learn
from geoseg.raster.files.members import check_unchanged, files_of
from geoseg.system.files import complete, temporary_beside
from geoseg.system.outputs import Inputs, check_new_file, local_path
from geoseg.system.resources import cpu_count
from geoseg.system.threads import ordered_map
from geoseg.tiling import squares
from geoseg.write.output_errors import output_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from geoseg.raster import Raster
    from geoseg.raster.types import Pixels

    Progress = Callable[[int, int, str], None]

# Side of a tile, and of the boxes that are read and written at a time, in pixels.
_TILE, _BOX = 512, 1024

# Steps in which compressing is reported, seconds between them, and the final size over that of the first, plain file.
_PARTS, _WATCH_SECONDS, _WITH_OVERVIEWS = 100, 0.5, 1.65


def write_raster(
    raster: Raster, path: str | Path, *, overwrite: bool = False, progress: Progress | None = None
) -> Path:
    """Write a raster with its band names, units, scales, offsets and nodata; a mask where it has no nodata value.

    Blocks of 512, DEFLATE with a predictor, overviews by mean. Memory does not depend on the size of the raster; on
    disk it takes twice the file's size meanwhile.

    Parameters
    ----------
    raster
        What to write.
    path
        File to create.
    overwrite
        Replace an existing file instead of raising.
    progress
        Called with the number of parts done, their total, and the stage: ``compose``, then ``compress``.

    Raises
    ------
    OutputError
        If the file exists, is an input, or cannot be written; nothing is left under its name.
    ReadError, ChangedError
        If an input cannot be read, or changes meanwhile.
    """
    target = local_path(path)
    Inputs(files_of(raster)).check(target)
    check_new_file(target, overwrite=overwrite)
    with output_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with complete(target) as part:
            plain = temporary_beside(part, ".tif")
            try:
                _write_tiles(raster, plain, progress or _nobody)
                check_unchanged(raster)
                with _watched(plain, part, progress or _nobody):
                    begun = time.monotonic()
                    _to_cog(plain, part, raster.dtype)
                    learn({"compress": time.monotonic() - begun}, size_of(raster))
            finally:
                plain.unlink(missing_ok=True)
    return target


def size_of(raster: Raster) -> int:
    """Return the bytes of a raster's pixels, which are compressed."""
    return math.prod(raster.shape) * len(raster.bands) * raster.dtype.itemsize


def _nobody(_done: int, _total: int, _stage: str) -> None:
    pass


@contextmanager
def _watched(source: Path, target: Path, progress: Progress) -> Iterator[None]:
    """Report, while GDAL copies a file and is silent, how much of it seems to be there, by the sizes of both."""
    ended = threading.Event()

    def watch() -> None:
        whole = max(source.stat().st_size, 1)
        with suppress(OSError):  # a file is gone again, or nobody reads what is reported: the copy matters
            while not ended.wait(_WATCH_SECONDS):
                # Overviews are made first, in a file beside the target.
                there = sum(one.stat().st_size for one in target.parent.glob(f"{glob.escape(target.name)}*"))
                progress(min(int(_PARTS * there / (whole * _WITH_OVERVIEWS)), _PARTS - 1), _PARTS, "compress")

    progress(0, _PARTS, "compress")
    thread = threading.Thread(target=watch, name="geoseg-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    progress(_PARTS, _PARTS, "compress")


def _profile(raster: Raster) -> dict[str, Any]:
    height, width = raster.shape
    return {
        "driver": "GTiff",
        "height": height,
        "width": width,
        "count": len(raster.bands),
        "dtype": str(raster.dtype),
        "crs": raster.grid.crs,
        "transform": raster.transform,
        "nodata": _nodata(raster),
        "tiled": True,
        "blockxsize": _TILE,
        "blockysize": _TILE,
        "compress": "deflate",
        "zlevel": 1,  # it is read once
        "predictor": _predictor(raster.dtype),
        "bigtiff": "if_safer",
        "interleave": "pixel",
    }


def _nodata(raster: Raster) -> float | None:
    """Return the value that marks missing pixels in every band that has one; a TIFF has one for all. None: a mask."""
    found = {band.nodata for band in raster.bands if band.nodata is not None}
    if len({repr(float(value)) for value in found}) != 1:
        return None
    return found.pop()


def _predictor(dtype: np.dtype[Any]) -> int:
    return 3 if dtype.kind == "f" else 2


def _write_tiles(raster: Raster, path: Path, progress: Progress) -> None:
    import rasterio

    nodata = _nodata(raster)
    boxes = list(squares(*raster.shape, _BOX))
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **_profile(raster)) as file:
        file.descriptions = tuple(band.name for band in raster.bands)
        file.scales = tuple(band.scale for band in raster.bands)
        file.offsets = tuple(band.offset for band in raster.bands)
        file.units = tuple(band.units for band in raster.bands)
        threads = cpu_count()
        read = ordered_map(raster.read, boxes, threads, ahead=threads + 1)
        for done, (box, pixels) in enumerate(zip(boxes, read, strict=True), start=1):
            window = ((box.row, box.bottom), (box.col, box.right))
            if nodata is None:
                file.write_mask(pixels.valid, window=window)
            file.write(_filled(raster, pixels, nodata), window=window)
            progress(done, len(boxes), "compose")


def _filled(raster: Raster, pixels: Pixels, nodata: float | None) -> NDArray[Any]:
    """Return the pixels with nodata where they are missing, 0 without such a value; a count stays as it is."""
    for values, band in zip(pixels.data, raster.bands, strict=True):
        if nodata is None or band.nodata is not None:
            values[~pixels.valid] = 0 if nodata is None else nodata
    return pixels.data


def _to_cog(source: Path, target: Path, dtype: np.dtype[Any]) -> None:
    import rasterio
    import rasterio.shutil

    options = {
        "COMPRESS": "DEFLATE",
        "PREDICTOR": "FLOATING_POINT" if dtype.kind == "f" else "STANDARD",
        "BLOCKSIZE": str(_TILE),
        "OVERVIEW_RESAMPLING": "AVERAGE",
        "BIGTIFF": "IF_SAFER",
        "NUM_THREADS": "ALL_CPUS",
    }
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        rasterio.shutil.copy(source, target, driver="COG", **options)
