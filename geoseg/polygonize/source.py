"""Read class maps row by row, from files or DataArrays."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from affine import Affine

from geoseg.classes import MapClass
from geoseg.errors import InputError, OptionError, ReadError, one_line
from geoseg.polygonize.kernels.types import Array
from geoseg.tiling import Box


class RowSource(Protocol):
    """One band of class ids. ``read`` may be called by several threads at once."""

    name: str
    height: int
    width: int
    dtype: np.dtype[Any]
    transform: Affine
    crs: Any
    nodata: float | None
    block_rows: int
    classes: tuple[MapClass, ...]

    def read(self, first: int, last: int) -> tuple[Array, Array | None]:
        """Return rows ``first … last - 1`` and a mask of valid pixels; None where ``nodata`` alone decides."""

    def without_pixels(self) -> RowSource:
        """Return a copy to send to another process: everything but pixels in memory."""

    def check_unchanged(self) -> None:
        """Check that the files are still those that were opened; raises ChangedError."""

    def files(self) -> tuple[str, ...]:
        """Return the local files that are read."""

    def close(self) -> None:
        """Close open files."""


class FileSource:
    """A band of a raster file. Masks, alpha, NaN and infinity are read as everywhere in geoseg."""

    def __init__(self, path: str | Path, band: int | None = None, *, purpose: str = "polygonize") -> None:
        from geoseg.raster.gdal.datasets import open_dataset
        from geoseg.raster.gdal.environment import environment, is_remote
        from geoseg.raster.grids import place
        from geoseg.raster.probe import probe, usable_nodata
        from geoseg.write.class_names import classes_of

        self.path = str(path)
        if _is_local(self.path):
            self.path = str(Path(self.path).absolute())  # other processes may have another working directory
        self.name = Path(self.path).name
        if self.is_missing():
            raise InputError(f"{self.path}: no such file; check the path")
        info = probe(self.path, remote=is_remote(self.path), data_bands=frozenset(() if band is None else (band,)))
        with environment(info.path), open_dataset(info.path, label=self.path) as dataset:
            if band is None and len(info.indexes) == 1:
                self._band = info.indexes[0]  # the other band is the mask
            else:
                self._band = _choose_band(self.name, dataset.count, band, dataset.descriptions, purpose)
            self.classes = classes_of(dataset, self._band)
            self.block_rows = int(dataset.block_shapes[self._band - 1][0])
            nodata = dataset.nodatavals[self._band - 1]
        self.height, self.width = info.own.height, info.own.width
        self.dtype = np.dtype(info.dtypes[self._band - 1])
        self.transform = info.own.transform
        self.crs = info.own.crs
        self.nodata = usable_nodata(nodata, str(self.dtype))
        self._pixels = place(info, info.own)
        self._masked = bool(info.masks) or self.dtype.kind == "f"

    def is_missing(self) -> bool:
        """Whether the path is local and does not exist for this process."""
        return _is_local(self.path) and not Path(self.path).exists()

    def without_pixels(self) -> FileSource:
        """Return the source itself: it holds no pixels."""
        return self

    def read(self, first: int, last: int) -> tuple[Array, Array | None]:
        """See ``RowSource``."""
        from geoseg.raster.types import ReadRequest

        box = Box(first, 0, last - first, self.width)
        out = np.empty((1, box.height, box.width), self.dtype)
        valid = np.ones((box.height, box.width), np.bool_)
        try:
            # Without the nodata value, which an option may override.
            self._pixels.read(ReadRequest((self._band,), (None,), box, out, valid))
        except ReadError as error:
            raise ReadError(
                f"{self.path}: rows {first}–{last - 1} cannot be read ({one_line(error.__cause__ or error)}); "
                "is the file complete?"
            ) from error
        return out[0], valid if self._masked else None

    def check_unchanged(self) -> None:
        """See ``RowSource``."""
        self._pixels.check_unchanged()

    def files(self) -> tuple[str, ...]:
        """See ``RowSource``."""
        return self.path, *(path for path, _ in self._pixels.members)

    def close(self) -> None:
        """Close the handles of all threads."""
        from geoseg.raster import release_handles

        release_handles()


class ArraySource:
    """An xarray.DataArray, in memory or dask, with dimensions (row, column)."""

    def __init__(self, data: Any, band: int | None = None, *, purpose: str = "polygonize") -> None:
        from geoseg.write.class_names import classes_of_attributes

        self.name = str(data.name or "array")
        extra = [dim for dim in data.dims[:-2] if data.sizes[dim] != 1]
        if data.ndim < 2:
            raise InputError(
                f"{self.name}: a class map has rows and columns, this array has shape {data.shape}; reshape it first"
            )
        if len(extra) == 1 and data.ndim == 3:
            chosen = _choose_band(self.name, data.sizes[extra[0]], band, (), purpose)
            data = data.isel({extra[0]: chosen - 1})
        elif extra:
            raise InputError(f"{self.name}: choose one layer of dimensions {', '.join(map(str, extra))} first")
        data = data.squeeze([dim for dim in data.dims[:-2] if data.sizes[dim] == 1], drop=False)
        self._data = data
        self.height, self.width = data.shape
        self.dtype = np.dtype(data.dtype)
        self.transform, self.crs = _georeference(data)
        attributes = {**data.encoding, **data.attrs}
        nodata = attributes.get("nodata", attributes.get("_FillValue", attributes.get("missing_value")))
        self.nodata = None if nodata is None else float(nodata)
        chunks = getattr(data, "chunks", None)
        self.block_rows = int(max(chunks[0])) if chunks else 1
        self.classes = classes_of_attributes(data.attrs)

    @property
    def lazy(self) -> bool:
        """Whether the array is backed by dask."""
        return hasattr(self._data.data, "dask")

    def rows(self, first: int, last: int) -> Any:
        """Return rows, not computed yet if the array is lazy."""
        return self._data[first:last].data

    def without_pixels(self) -> ArraySource:
        """Return a copy without the array, with grid, classes and dtype alone."""
        copied = copy.copy(self)
        vars(copied)["_data"] = None
        return copied

    def read(self, first: int, last: int) -> tuple[Array, Array | None]:
        """See ``RowSource``."""
        part = self.rows(first, last)
        return np.asarray(part.compute(scheduler="synchronous") if hasattr(part, "compute") else part), None

    def check_unchanged(self) -> None:
        """Do nothing: the array reads its own files."""

    def files(self) -> tuple[str, ...]:
        """Return nothing: the array reads its own files."""
        return ()

    def close(self) -> None:
        """Do nothing: no file is open."""


def open_source(classes: Any, band: int | None = None, *, purpose: str = "polygonize") -> RowSource:
    """Open a path, URL or DataArray.

    Raises
    ------
    InputError
        If it cannot be opened or has several bands and ``band`` is None.
    """
    if isinstance(classes, str | Path):
        return FileSource(classes, band, purpose=purpose)
    if hasattr(classes, "dims") and hasattr(classes, "isel") and hasattr(classes, "encoding"):
        return ArraySource(classes, band, purpose=purpose)
    raise InputError(f"polygonize takes a path or an xarray.DataArray, not {type(classes).__name__}")


def _is_local(path: str) -> bool:
    return "://" not in path and not path.startswith("/vsi")


def _choose_band(name: str, count: int, band: int | None, names: Sequence[str | None], purpose: str) -> int:
    if band is None:
        if count == 1:
            return 1
        known = [f"{k}={text}" for k, text in enumerate(names, 1) if text]
        hint = f" ({', '.join(known[:6])})" if known else ""
        raise InputError(f"{name} has {count} bands{hint}: choose the one to {purpose}, e.g. band=1 (--band 1)")
    if not 1 <= band <= count:
        raise OptionError(f"band {band} of {name} does not exist: it has bands 1…{count}")
    return band


def _georeference(data: Any) -> tuple[Affine, Any]:
    """Return transform and CRS of a DataArray, by odc-geo, which also reads rioxarray's spatial_ref."""
    import odc.geo.xr  # noqa: F401  (registers the accessor)

    box = data.odc.geobox
    if box is None:
        return Affine.identity(), None
    return Affine(*box.transform[:6]), None if box.crs is None else box.crs.proj


class RowCache:
    """Reads rows of a source in slabs aligned with the file's blocks and caches the last few. Thread-safe."""

    def __init__(self, source: RowSource, rows: int, keep: int) -> None:
        self._source = source
        self._rows = rows
        self._keep = keep
        self._slabs: OrderedDict[int, Future[tuple[Array, Array | None]]] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, first: int, last: int) -> tuple[Array, Array | None]:
        """Return rows ``first … last - 1``, see ``RowSource.read``."""
        parts = []
        for k in range(first // self._rows, (last - 1) // self._rows + 1):
            begin = k * self._rows
            data, valid = self._slab(k)
            cut = slice(max(first - begin, 0), last - begin)
            parts.append((data[cut], None if valid is None else valid[cut]))
        if len(parts) == 1:
            return parts[0]
        valid = None if parts[0][1] is None else np.concatenate([part[1] for part in parts])
        return np.concatenate([part[0] for part in parts]), valid

    def _slab(self, k: int) -> tuple[Array, Array | None]:
        with self._lock:
            future = self._slabs.get(k)
            is_first = future is None
            if future is None:
                future = self._slabs[k] = Future()
                while len(self._slabs) > self._keep:
                    self._slabs.popitem(last=False)
        if is_first:
            begin = k * self._rows
            try:
                future.set_result(self._source.read(begin, min(begin + self._rows, self._source.height)))
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()
