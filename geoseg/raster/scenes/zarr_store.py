"""Zarr stores, opened with xarray."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from geoseg.errors import InputError, one_line
from geoseg.raster.gdal.environment import is_remote, is_virtual
from geoseg.raster.scenes.scene import SceneFiles


def open_zarr(path: str, *, remote: bool) -> SceneFiles:
    """Return the store as lazy arrays.

    Raises
    ------
    InputError
        If zarr is not installed, the store is damaged or unsafe, or it is remote and the network is not allowed.
    """
    if is_remote(path) and not remote:
        raise InputError(f"{path}: is on the network, which is not allowed here; pass allow_remote=True or download it")
    try:
        import xarray as xr
        import zarr  # noqa: F401

        from geoseg.raster.scenes.zarr_checks import CheckedStore
    except ImportError as error:
        raise InputError(f'{path}: Zarr stores need more packages: pip install "geoseg[zarr]"') from error
    try:
        with warnings.catch_warnings():
            # xarray advises consolidated metadata where there is none.
            warnings.simplefilter("ignore", RuntimeWarning)
            # Stored values, as from files: nodata, scale and offset stay in the attributes.
            data = xr.open_zarr(CheckedStore(_store(path), path), mask_and_scale=False, decode_times=False, chunks={})
    except InputError:
        raise
    except Exception as error:  # zarr and its storage layers raise many kinds
        reason = one_line(error)[:300]
        raise InputError(f"{path}: cannot be opened as a Zarr store ({reason}); copy or download it again") from error
    # The CRS is in a variable without dimensions, which odc-geo expects as a coordinate.
    spare = [name for name, variable in data.data_vars.items() if not variable.dims]
    return SceneFiles(name=Path(path.rstrip("/")).stem, array=data.set_coords(spare))


def _store(path: str) -> Any:
    from zarr.storage import FsspecStore, LocalStore

    if is_virtual(path):
        return FsspecStore.from_url(path, read_only=True)
    return LocalStore(path, read_only=True)
