"""Writes the pixels of a raster, a composite above all, as a Cloud Optimized GeoTIFF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.raster.files.members import check_unchanged, files_of
from geoseg.system.files import complete, temporary_beside
from geoseg.system.outputs import Inputs, check_new_file, local_path
from geoseg.system.resources import cpu_count
from geoseg.system.threads import ordered_map
from geoseg.tiling import squares
from geoseg.write.output_errors import output_errors

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from geoseg.raster import Raster
    from geoseg.raster.types import Pixels

# Side of a tile, and of the boxes that are read and written at a time, in pixels.
_TILE, _BOX = 512, 1024


def write_raster(
    raster: Raster, path: str | Path, *, overwrite: bool = False, progress: Callable[[int, int], None] | None = None
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
        Called with the number of boxes done, and their total.

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
                _write_tiles(raster, plain, progress or (lambda _done, _total: None))
                check_unchanged(raster)
                _to_cog(plain, part, raster.dtype)
            finally:
                plain.unlink(missing_ok=True)
    return target


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


def _write_tiles(raster: Raster, path: Path, progress: Callable[[int, int], None]) -> None:
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
            progress(done, len(boxes))


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
