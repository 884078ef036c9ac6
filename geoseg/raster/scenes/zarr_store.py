"""Zarr stores, opened with xarray."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from geoseg.errors import InputError, one_line
from geoseg.raster.cf.dataset import conventional
from geoseg.raster.cf.selection import parse_selection
from geoseg.raster.gdal.environment import is_remote, is_virtual
from geoseg.raster.scenes.eopf import REFLECTANCE, open_eopf
from geoseg.raster.scenes.scene import SceneFiles

_MOST_GROUPS, _DEEPEST = 500, 5


def open_zarr(path: str, *, remote: bool, choice: str = "") -> SceneFiles:
    """Return the store as lazy arrays.

    Parameters
    ----------
    path
        Folder or URL.
    remote
        Whether the network may be used.
    choice
        What follows its name after ``#``: see :mod:`geoseg.raster.cf.selection`.

    Raises
    ------
    InputError
        If zarr is not installed, the store is damaged or unsafe, or it is remote and the network is not allowed.
    """
    if is_remote(path) and not remote:
        raise InputError(f"{path}: is on the network, which is not allowed here; pass allow_remote=True or download it")
    try:
        import xarray as xr
        import zarr

        from geoseg.raster.scenes.zarr_checks import CheckedStore
    except ImportError as error:
        raise InputError(f'{path}: Zarr stores need more packages: pip install "geoseg[zarr]"') from error
    try:
        with warnings.catch_warnings():
            # xarray advises consolidated metadata where there is none.
            warnings.simplefilter("ignore", RuntimeWarning)
            store = CheckedStore(_store(path), path)

            def opened(group: str | None) -> xr.Dataset:
                # Stored values, as from files: nodata, scale and offset stay in the attributes.
                data: xr.Dataset = xr.open_zarr(store, group=group, mask_and_scale=False, decode_times=False, chunks={})
                return data

            root = zarr.open(store, mode="r")
            if isinstance(root, zarr.Group) and REFLECTANCE in root:
                bands, classes = open_eopf(root.__contains__, root.attrs, opened, path)
                name = Path(path.rstrip("/")).stem
                return SceneFiles(name=name, array=bands[0], coarser=tuple(bands[1:]), classification=classes)
            data = opened(None)
            # Only now: on a server each group is a request.
            groups = _groups(root) if not data.data_vars and isinstance(root, zarr.Group) else []
    except InputError:
        raise
    except Exception as error:  # zarr and its storage layers raise many kinds
        reason = one_line(error)[:300]
        raise InputError(f"{path}: cannot be opened as a Zarr store ({reason}); copy or download it again") from error
    if groups:
        listing = ", ".join(groups[:4]) + (", …" if len(groups) > 4 else "")
        raise InputError(f"{path}: has no arrays itself, only groups: name one of them, as {path}/GROUP ({listing})")
    selection = parse_selection(choice)
    array, notes = conventional(data, path, selection=selection)
    return SceneFiles(name=selection.named(Path(path.rstrip("/")).stem), array=array, notes=notes)


def _groups(root: Any) -> list[str]:
    """Return the groups in a store."""
    found: list[str] = []
    todo = [("", root, 0)]
    while todo and len(found) < _MOST_GROUPS:
        prefix, group, depth = todo.pop()
        for name, inner in sorted(group.groups()):
            found.append(f"{prefix}{name}")
            if depth < _DEEPEST:
                todo.append((f"{prefix}{name}/", inner, depth + 1))
    return sorted(found)


def _store(path: str) -> Any:
    from zarr.storage import FsspecStore, LocalStore

    if is_virtual(path):
        return FsspecStore.from_url(path, read_only=True)
    return LocalStore(path, read_only=True)
