"""The one place where rasters are opened: checked before GDAL sees them, and after."""

from __future__ import annotations

import contextlib
import functools
import os

from rasterio.io import DatasetReader

from geoseg.raster.gdal.environment import DRIVERS, is_remote
from geoseg.raster.gdal.messages import losses_of_opening
from geoseg.raster.gdal.untrusted import check_dataset, check_source


def open_dataset(
    path: str, *, remote: bool = False, label: str | None = None, warped: str | None = None
) -> DatasetReader:
    """Open a raster with one of the allowed drivers, inside an ``environment``.

    Parameters
    ----------
    path
        Path as GDAL opens it; a remote one is opened, because the user named it.
    remote
        Whether it may refer to the network.
    label
        Its name in messages; ``path`` if None.
    warped
        XML of :func:`~geoseg.raster.gdal.warped_vrt.warped_vrt` over ``path``, which is opened instead.

    Raises
    ------
    InputError
        If it runs code, reaches the network without permission, or refers to what is not a raster.
    rasterio.errors.RasterioError
        If it cannot be opened, or not everything that describes its pixels can be read.
    """
    label = path if label is None else label
    remote = remote or is_remote(path)
    stamp = _stamp(path)
    vrt = _checked(path, label, remote, stamp) if stamp else check_source(path, label, remote=remote)
    with contextlib.ExitStack() as opened:
        with losses_of_opening():
            # rasterio.open() accepts a single driver, the class behind it a list.
            data = DatasetReader(warped or path, driver=list(DRIVERS), sharing=False)
            opened.callback(data.close)
            if warped is None:
                check_dataset(data, label, remote=remote, vrt=vrt)
        opened.pop_all()
    return data


@functools.lru_cache(maxsize=4096)
def _checked(path: str, label: str, remote: bool, stamp: tuple[int, ...]) -> bool:  # noqa: ARG001, FBT001
    """Check a source, once: each thread opens a dataset of its own."""
    return check_source(path, label, remote=remote)


def _stamp(path: str) -> tuple[int, ...]:
    try:
        status = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns
