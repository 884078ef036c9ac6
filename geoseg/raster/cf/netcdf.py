"""NetCDF files, opened with xarray as Zarr stores are: variables, groups and dates are the same in both.

GDAL reads NetCDF as well. Through xarray, both kinds of store are read by the same rules, and a file can be looked
through before its pixels are: HDF5, of which NetCDF 4 is a kind, may refer to other files of this machine.
Formats: https://docs.unidata.ucar.edu/nug/current/file_format_specifications.html
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import InputError, one_line
from geoseg.raster.cf.axes import kind_of
from geoseg.raster.cf.dataset import conventional
from geoseg.raster.cf.selection import parse_selection, some_of
from geoseg.raster.probe import CONTAINERS
from geoseg.raster.scenes.scene import SceneFiles

if TYPE_CHECKING:
    import xarray as xr

# Of a file that turned out to be truncated: its error has been told.
warnings.filterwarnings("ignore", message="Cannot close a netcdf_file opened with mmap", category=RuntimeWarning)

_CLASSIC = (b"CDF\x01", b"CDF\x02")
_CLASSIC_5 = b"CDF\x05"
_HDF5 = b"\x89HDF\r\n\x1a\n"

# As of Zarr stores.
_MOST_OBJECTS = 20_000
_MAX_CHUNK = 2**30
_MAX_SIDE = 2**27
_MAX_LINE = 2**24

# Rows and columns that are read at a time, in whole chunks of the file; and bytes of bands stored pixel by pixel.
_SIDE = 512
_TOGETHER = 2**26


def is_netcdf(path: Path) -> bool:
    """Return whether a file is NetCDF, or another kind of HDF5, by its suffix and its first bytes."""
    if path.suffix.lower() not in CONTAINERS:
        return False
    try:
        start = _start(path)
    except OSError:
        return False
    return start.startswith((*_CLASSIC, _CLASSIC_5)) or start == _HDF5


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(8)


def open_netcdf(path: Path, choice: str = "") -> SceneFiles:
    """Return the variables of a file as lazy arrays.

    Parameters
    ----------
    path
        The file.
    choice
        What follows its name after ``#``: see :mod:`geoseg.raster.cf.selection`.

    Raises
    ------
    InputError
        If packages are missing, the file is damaged or refers to others, or has no raster by the CF conventions.
    """
    start = _start(path)
    if start.startswith(_CLASSIC_5):
        raise InputError(
            f"{path}: of the format CDF-5, which is not read; convert it with: nccopy -k nc4 {path} out.nc"
        )
    classic = start.startswith(_CLASSIC)
    try:
        import h5netcdf  # noqa: F401
        import h5py  # noqa: F401
        import scipy.io  # noqa: F401
    except ImportError as error:
        raise InputError(f'{path}: NetCDF needs more packages: pip install "geoseg[netcdf]"') from error
    selection = parse_selection(choice)
    try:
        groups = [] if classic else _checked_groups(path)
        group = selection.group(groups)
        data = _opened(path, group, classic=classic)
    except InputError:
        raise
    except Exception as error:  # h5py, scipy and xarray raise many kinds
        reason = one_line(error)[:200]
        raise InputError(
            f"{path}: cannot be opened as NetCDF ({reason}); it is truncated or corrupt: copy or download it again"
        ) from error
    if group is None and groups and all(variable.ndim < 2 for variable in data.data_vars.values()):
        raise InputError(f"{path}: has no variables itself, only groups: name one, as {path}#GROUP ({some_of(groups)})")
    label = str(path)
    array, notes = conventional(
        data, label, selection=replace(selection, words=selection.variables(groups)), netcdf=True
    )
    for variable in array.data_vars.values():
        variable.encoding["source"] = label
    return SceneFiles(name=selection.named(path.stem), array=array, notes=notes)


def _opened(path: Path, group: str | None, *, classic: bool) -> xr.Dataset:
    import xarray as xr

    def opened(which: str | None) -> xr.Dataset:
        how: dict[str, Any] = {"engine": "scipy"} if classic else {"engine": "h5netcdf", "phony_dims": "access"}
        data: xr.Dataset = xr.open_dataset(
            path, group=which, mask_and_scale=False, decode_times=False, chunks=None, cache=False, **how
        )
        return data

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on chunks, and on attributes of others' making
        data = opened(group)
        parts = (group or "").split("/")[:-1] if group else []
        for depth in reversed(range(len(parts) + 1)) if group else ():
            data = _with_scope(data, opened("/".join(parts[:depth]) or None))
        status = path.stat()
        token = f"{path.absolute()}|{status.st_mtime_ns}|{status.st_size}|{group or ''}"
        return _chunked(data, token)


def _with_scope(data: xr.Dataset, outer: xr.Dataset) -> xr.Dataset:
    """Return a group with what it uses of the group that it is in: coordinates and grid mappings (NUG, Groups)."""
    found = {
        name: outer[name].variable
        for name in outer.variables
        if name not in data.variables
        and all(data.sizes.get(dim) == size for dim, size in outer[name].sizes.items())
        and (outer[name].dims == (name,) or "grid_mapping_name" in outer[name].attrs or "crs_wkt" in outer[name].attrs)
    }
    return data.assign_coords(found)


def _chunked(data: xr.Dataset, token: str) -> xr.Dataset:
    """Return the variables as dask arrays, whose chunks are whole chunks of the file."""
    made = {}
    for name, variable in data.data_vars.items():
        if variable.ndim < 2 or variable.dtype.kind not in "iufb":
            continue
        stored = variable.encoding.get("chunksizes") or variable.encoding.get("preferred_chunks")
        if isinstance(stored, dict):
            stored = tuple(stored[dim] for dim in variable.dims)
        sizes = _sizes(data, variable, stored)
        made[name] = variable.chunk(sizes, name_prefix="netcdf-", token=f"{token}|{name}").variable
    return data.assign(made)


def _sizes(data: xr.Dataset, variable: xr.DataArray, stored: tuple[int, ...] | None) -> dict[str, int]:
    native = dict(zip(map(str, variable.dims), stored or (1,) * variable.ndim, strict=True))
    sizes = {}
    for dim, own in native.items():
        kind = kind_of(data, dim)
        if kind in ("row", "column"):
            sizes[dim] = max(own, _SIDE // max(own, 1) * own)
        elif kind == "time":
            sizes[dim] = 1
        else:
            sizes[dim] = own if stored else max(_TOGETHER // (_SIDE * _SIDE * variable.dtype.itemsize), 1)
    return {dim: min(size, variable.sizes[dim]) or 1 for dim, size in sizes.items()}


def _checked_groups(path: Path) -> list[str]:
    """Return the groups of a file whose content is all in it, and of sizes that can be read.

    Raises
    ------
    InputError
        If it refers to another file, or has a chunk or a side that is too large.
    """
    import h5py

    groups: list[str] = []
    with h5py.File(path, "r") as file:
        todo: list[tuple[str, Any]] = [("", file)]
        seen, count = {h5py.h5o.get_info(file.id).addr}, 0
        while todo:
            prefix, group = todo.pop()
            for name in group:
                count += 1
                if count > _MOST_OBJECTS:
                    raise InputError(f"{path}: has more than {_MOST_OBJECTS:,} variables and groups, too many to read")
                link = group.get(name, getlink=True)
                if isinstance(link, h5py.ExternalLink):
                    raise InputError(f"{path}: {prefix}{name} refers to another file, which is not followed")
                if isinstance(link, h5py.SoftLink):
                    continue
                item = group[name]
                if isinstance(item, h5py.Dataset):
                    _check_variable(item, f"{path}: {prefix}{name}")
                elif isinstance(item, h5py.Group) and (address := h5py.h5o.get_info(item.id).addr) not in seen:
                    seen.add(address)
                    groups.append(f"{prefix}{name}")
                    todo.append((f"{prefix}{name}/", item))
    return sorted(groups)


def _check_variable(item: Any, label: str) -> None:
    import h5py

    if item.external or item.is_virtual:
        raise InputError(f"{label} has its values in another file, which is not followed; name that, or copy them in")
    shape: tuple[int, ...] = item.shape or ()
    if max(shape, default=0) > _MAX_SIDE or (len(shape) == 1 and shape[0] > _MAX_LINE):
        raise InputError(f"{label} of shape {shape} is larger than what is read")
    size = item.dtype.itemsize
    for side in item.chunks or ():
        size *= int(side)
    if size > _MAX_CHUNK:
        raise InputError(
            f"{label} has chunks of {size >> 20} MB, more than {_MAX_CHUNK >> 20}; rechunk it with nccopy -c"
        )
    plan = item.id.get_create_plist()
    for number in range(plan.get_nfilters() if len(shape) > 1 else 0):
        code, _, _, name = plan.get_filter(number)
        if not h5py.h5z.filter_avail(code):
            said = name.decode(errors="replace") if isinstance(name, bytes) else str(name)
            raise InputError(
                f"{label} is compressed by {said[:40] or 'a filter'} ({code}), which is not installed here; rewrite it "
                "with: h5repack -f GZIP=4 FILE out.nc"
            )
