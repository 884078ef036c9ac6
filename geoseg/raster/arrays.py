"""xarray objects as sources of pixels."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from geoseg.errors import InputError, ReadError, one_line
from geoseg.raster.bands import names
from geoseg.raster.bands.sensors import code_of, name_bands
from geoseg.raster.files.georeference import Grid, check_extent
from geoseg.raster.probe import NAMING_TAG, usable_nodata
from geoseg.raster.raster import Part, Raster
from geoseg.raster.sources import mark_missing
from geoseg.raster.types import Band
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from geoseg.raster.types import ReadRequest

_ROWS = ("y", "lat", "latitude", "northing", "row", "rows")
_COLUMNS = ("x", "lon", "longitude", "easting", "col", "cols", "column")
_BANDS = ("band", "bands", "channel", "wavelength", "variable")
_NODATA = ("_FillValue", "nodata", "missing_value", "nodatavals")


# Bytes that are kept of each chunk which is computed to plan a run.
_KEPT_BYTES = 2**25


def chunk_starts(sizes: Sequence[int]) -> list[int]:
    """Return where the chunks along a dimension begin."""
    return [0, *accumulate(sizes)][:-1]


def is_array(source: object) -> bool:
    """Return whether ``source`` is an xarray object, without importing xarray."""
    return type(source).__module__.split(".")[0] == "xarray"


@dataclass(frozen=True, eq=False)
class ArraySource:
    """An array (band, row, column), in memory or lazy in dask.

    Attributes
    ----------
    array
        numpy or dask array (bands, height, width).
    label
        Name for messages.
    token
        Text that changes with the content of the array.
    origin
        First band, row and column of the array, where it is a part of a larger one.
    kept
        Boxes of a lazy array that were computed to plan a run, with their pixels; they are not computed again.
    """

    array: Any
    label: str
    token: str
    origin: tuple[int, int, int] = (0, 0, 0)
    kept: dict[Box, NDArray[Any]] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what was computed to plan a run: workers need none of it."""
        return {**self.__dict__, "kept": {}}

    @property
    def lazy(self) -> bool:
        """Whether reading computes the pixels."""
        return not isinstance(self.array, np.ndarray)

    def keep(self, chunk: Box) -> Box:
        """Compute all bands of a chunk once, keep its middle for later reads, and return what is kept."""
        side = math.isqrt(_KEPT_BYTES // (len(self.array) * self.array.dtype.itemsize))
        height, width = min(chunk.height, side), min(chunk.width, side)
        row, col = chunk.row + (chunk.height - height) // 2, chunk.col + (chunk.width - width) // 2
        box = Box(row, col, height, width)
        if box not in self.kept:
            self.kept[box] = self._computed(self.array[:, box.row : box.bottom, box.col : box.right], box)
        return box

    @property
    def block_shape(self) -> tuple[int, int]:
        """Height and width of dask's chunks, or the whole array."""
        chunks = getattr(self.array, "chunksize", self.array.shape)
        return int(chunks[1]), int(chunks[2])

    def recipe(self) -> str:
        """Return text that changes whenever the pixels might change."""
        return self.token

    def overview(self, factor: float) -> int | None:  # noqa: ARG002  the protocol's
        """Return 1 for an array in memory, None for a dask graph."""
        return 1 if isinstance(self.array, np.ndarray) else None

    def read(self, request: ReadRequest) -> None:
        """Fill ``request.out`` and clear ``request.valid`` where pixels are missing."""
        box = request.box
        height, width = request.shape
        bands = [band - 1 - self.origin[0] for band in request.bands]
        if (height, width) == (box.height, box.width):
            rows: Any = slice(box.row - self.origin[1], box.bottom - self.origin[1])
            cols: Any = slice(box.col - self.origin[2], box.right - self.origin[2])
            for kept, pixels in list(self.kept.items()):
                if kept.contains(box):
                    request.out[...] = pixels[bands][:, *box.within(kept)]
                    mark_missing(request)
                    return
        else:
            rows = box.row - self.origin[1] + (np.arange(height) + 0.5) * box.height // height
            cols = box.col - self.origin[2] + (np.arange(width) + 0.5) * box.width // width
            rows, cols = rows.astype(np.intp), cols.astype(np.intp)
        if isinstance(self.array, np.ndarray):
            for position, band in enumerate(bands):
                request.out[position] = self.array[band][rows][:, cols]
        else:
            request.out[...] = self._computed(self.array[bands][:, rows][:, :, cols], box)
        mark_missing(request)

    def _computed(self, part: Any, box: Box) -> NDArray[Any]:
        try:
            # The caller reads several boxes at a time; more threads would only compete.
            return np.asarray(part.compute(scheduler="synchronous"))
        except Exception as error:
            reason = one_line(error)
            raise ReadError(f"{self.label}: computing {box} failed: {reason}") from error


def from_array(source: xr.DataArray | xr.Dataset) -> Raster:
    """Return the raster of a DataArray (band, y, x) or (y, x), or of a Dataset with one variable per band.

    Raises
    ------
    InputError
        If dimensions, coordinates or type do not fit a raster; the message says what to do.
    """
    import xarray as xr

    if isinstance(source, xr.Dataset):
        return _from_dataset(source)
    if not isinstance(source, xr.DataArray):
        raise InputError(f"a {type(source).__name__} is no raster; give a DataArray or Dataset")
    return _named(_from_dataarray(source), _label(source), [source])


def _label(source: xr.DataArray) -> str:
    return str(source.name) if source.name is not None else "array"


def _from_dataarray(source: xr.DataArray) -> Raster:
    """Return the raster, in which band codes are still names."""
    label = _label(source)
    ordered, row, column, band_dim = _ordered(source, label)
    if band_dim is None:
        ordered, band_dim = ordered.expand_dims("band"), "band"
    geobox, notes = _geobox(ordered, row, column, label)
    grid = _grid(geobox)
    check_extent(grid, label)
    array, dtype = _checked(ordered, label)
    labels = names.unique(_band_names(ordered, band_dim, label))
    physical = _physical(ordered, band_dim)
    attributes = [_attributes(source, index, dtype, physical) for index in range(len(labels))]
    described = tuple(Band(name=name, dtype=dtype, **known) for name, known in zip(labels, attributes, strict=True))
    return Raster(
        name=names.scene_name(label),
        grid=grid,
        bands=described,
        notes=notes,
        parts=tuple(Part(0, number) for number in range(1, len(labels) + 1)),
        inputs=(ArraySource(array, str(source.encoding.get("source") or label), _token(array)),),
    )


def _from_dataset(source: xr.Dataset) -> Raster:
    rasters = []
    for name, variable in source.data_vars.items():
        if {role_of(dim) for dim in variable.dims} >= {"row", "column"}:
            rasters.append((str(name), _from_dataarray(variable)))
    if not rasters:
        raise InputError(
            f"the Dataset has no variable with rows and columns; "
            f"it has {', '.join(map(str, source.data_vars)) or 'none'}"
        )
    first = rasters[0][1]
    said = [names.from_text(name) for name, _ in rasters]
    found: list[str] = []
    for (name, raster), common in zip(rasters, said, strict=True):
        if raster.grid != first.grid:
            raise InputError(
                f"variable {name!r} of the Dataset lies on another grid than {rasters[0][0]!r}; bring them to one grid"
            )
        if len(raster.bands) == 1:
            # What several are called says too little: they keep their own names.
            found.append(common if common and said.count(common) == 1 else name)
        else:
            found.extend(band.name for band in raster.bands)
    bands = [band for _, raster in rasters for band in raster.bands]
    described = [replace(band, name=name) for name, band in zip(names.unique(found), bands, strict=True)]
    label = str(source.attrs.get("title") or source.attrs.get("name") or "dataset")
    raster = Raster(
        name=names.scene_name(label),
        grid=first.grid,
        bands=tuple(described),
        notes=first.notes,
        parts=tuple(Part(i, part.band) for i, (_, raster) in enumerate(rasters) for part in raster.parts),
        inputs=tuple(raster.inputs[0] for _, raster in rasters),
    )
    return _named(raster, label, [source, source[rasters[0][0]]])


def _named(raster: Raster, label: str, sources: Sequence[xr.DataArray | xr.Dataset]) -> Raster:
    """Return the raster with common names instead of band codes, if the sensor is known."""
    codes = [band.name for band in raster.bands]
    reading = name_bands(codes, [[label, *(text for source in sources for text in _evidence(source))]])
    bands = [
        replace(band, name=name, description=code if code_of(code) else band.description)
        for band, name, code in zip(raster.bands, names.unique(list(reading.names)), codes, strict=True)
    ]
    notes = (*raster.notes, f"{label}: {reading.note}") if reading.note else raster.notes
    return replace(raster, bands=tuple(bands), notes=notes)


def _evidence(source: xr.DataArray | xr.Dataset) -> list[str]:
    """Return names and attributes that may name the sensor."""
    stated = [text for key, text in source.attrs.items() if isinstance(text, str) and NAMING_TAG.search(str(key))]
    scalars = [str(c.values) for c in source.coords.values() if not c.ndim and c.dtype.kind in "OUST"]
    return [text[:500] for text in [*stated, *scalars]]


def role_of(dim: object) -> str:
    """Return what a dimension is by its name: ``"row"``, ``"column"``, ``"band"`` or ``"other"``."""
    name = str(dim).lower()
    return "row" if name in _ROWS else "column" if name in _COLUMNS else "band" if name in _BANDS else "other"


def _ordered(source: xr.DataArray, label: str) -> tuple[xr.DataArray, str, str, str | None]:
    """Return the array as ([band,] row, column), without other dimensions of length 1, and the dimensions' names."""
    spare = [dim for dim in source.dims if role_of(dim) == "other" and source.sizes[dim] == 1]
    source = source.squeeze(spare, drop=True)
    roles = {role_of(dim): dim for dim in source.dims}
    others = [dim for dim in source.dims if role_of(dim) == "other"]
    if "row" not in roles or "column" not in roles:
        raise InputError(f"{label}: dimensions are {source.dims}; a raster has (band, y, x) or (y, x): rename them")
    if len(others) == 1 and "band" not in roles and str(others[0]).lower() not in ("time", "t", "date"):
        roles["band"] = others.pop()
    if others or len(source.dims) != len(roles):
        extra = others[0] if others else source.dims[0]
        raise InputError(
            f"{label}: has dimension {str(extra)!r} of length {source.sizes[extra]}; choose one (.isel) or reduce it "
            "(.median) to get (band, y, x)"
        )
    row, column, band = str(roles["row"]), str(roles["column"]), roles.get("band")
    order = [row, column] if band is None else [band, row, column]
    return source.transpose(*order), row, column, None if band is None else str(band)


def _geobox(array: xr.DataArray, row: str, column: str, label: str) -> tuple[GeoBox, tuple[str, ...]]:
    import odc.geo.xr  # noqa: F401  registers .odc
    from odc.geo.geobox import GeoBox

    height, width = array.sizes[row], array.sizes[column]
    if not array.size:
        raise InputError(f"{label}: has no pixels or no bands (its shape is {array.shape})")
    if row not in array.coords or column not in array.coords:
        note = f"{label}: no coordinates; results are in pixel coordinates and areas in pixels"
        return GeoBox((height, width), Affine.identity(), None), (note,)
    steps = {dim: _step(array, dim, label) for dim in (row, column)}
    geobox = None
    try:
        geobox = array.odc.geobox
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise InputError(f"{label}: its coordinates are no regular grid ({error}); resample it to one") from error
    if geobox is None:
        geobox = _from_coordinates(array, row, column, steps)
    geobox = _exact(geobox, array)
    affine = geobox.affine
    if abs(affine.b) * height > 1e-6 * abs(affine.a) or affine.a <= 0:
        raise InputError(
            f"{label}: its grid is rotated or its columns run westward; make it upright first (.odc.reproject)"
        )
    if geobox.crs is None:
        note = (
            f"{label}: no coordinate reference system; areas are in the units of its coordinates "
            "(set one with .odc.assign_crs)"
        )
        return geobox, (note,)
    return geobox, ()


def _exact(geobox: GeoBox, array: xr.DataArray) -> GeoBox:
    """Return the grid by the transform that odc-geo, rioxarray and GDAL write beside the CRS, which has all digits.

    If it is not that of the coordinates, these count: the array may be a part of the one that it was written for.
    """
    from odc.geo.geobox import GeoBox

    found, shape = geobox.affine, geobox.shape
    for coordinate in array.coords.values():
        with suppress(ValueError, TypeError):
            values = [float(part) for part in str(coordinate.attrs.get("GeoTransform", "")).split()]
            stated = Affine.from_gdal(*values)
            moved = [
                abs(a - b)
                for corner in ((0, 0), (shape[1], shape[0]))
                for a, b in zip(found * corner, stated * corner, strict=True)
            ]
            if max(moved) <= 1e-6 * min(abs(found.a), abs(found.e)):
                return GeoBox(shape, stated, geobox.crs)
    return geobox


def _grid(geobox: GeoBox) -> Grid:
    height, width = geobox.shape
    crs = None if geobox.crs is None else CRS.from_user_input(str(geobox.crs))
    return Grid(int(height), int(width), geobox.affine, crs)


def _step(array: xr.DataArray, dim: str, label: str) -> float:
    """Return the spacing of coordinates, which must be regular; 0 for a single coordinate."""
    values = np.asarray(array[dim].values)
    if values.ndim != 1 or not np.issubdtype(values.dtype, np.number):
        raise InputError(f"{label}: coordinate {dim!r} is not a row of numbers; resample it to a regular grid")
    return spacing(values.astype(float), f"{label}: coordinate {dim!r} is")


def spacing(values: NDArray[np.float64], what: str) -> float:
    """Return the step between numbers (n,) that must be evenly spaced; 0 for a single one.

    Raises
    ------
    InputError
        If they are not; it begins with ``what``.
    """
    if len(values) == 1:
        return 0.0
    step = float((values[-1] - values[0]) / (len(values) - 1))
    # Degrees in float32 may be off by a fraction of a pixel; a quarter is more than rounding.
    away = np.abs(values - (values[0] + step * np.arange(len(values))))
    if not step or not np.isfinite(step) or away.max() > 0.25 * abs(step):
        raise InputError(f"{what} not evenly spaced; resample it to a regular grid")
    return step


def _from_coordinates(array: xr.DataArray, row: str, column: str, steps: dict[str, float]) -> GeoBox:
    from odc.geo.geobox import GeoBox

    # The spacing of a single row or column is unknown: assume square pixels.
    dx = steps[column] or abs(steps[row]) or 1.0
    dy = steps[row] or -abs(dx)
    x, y = float(array[column].values[0]), float(array[row].values[0])
    shape = array.sizes[row], array.sizes[column]
    return GeoBox(shape, Affine(dx, 0, x - dx / 2, 0, dy, y - dy / 2), None)


def _checked(array: xr.DataArray, label: str) -> tuple[Any, str]:
    data = array.data
    kind = np.dtype(data.dtype)
    if np.issubdtype(kind, np.complexfloating):
        raise InputError(f"{label}: holds complex numbers ({kind}); take amplitude or intensity first: abs(array)")
    if kind == np.bool_:
        return data.astype(np.uint8), "uint8"
    if not np.issubdtype(kind, np.number):
        raise InputError(f"{label}: holds {kind}, not numbers; convert it with .astype")
    if not hasattr(data, "compute") and not isinstance(data, np.ndarray):
        return np.asarray(data), str(kind)
    return data, str(kind)


def _band_names(array: xr.DataArray, band_dim: str, label: str) -> list[str]:
    count = array.sizes[band_dim]
    long_name = array.attrs.get("long_name")
    labels: list[Any] = [None] * count
    if band_dim in array.coords and array[band_dim].dtype.kind in "OUST":
        labels = [str(value) for value in array[band_dim].values]
    elif isinstance(long_name, list | tuple) and len(long_name) == count:
        labels = [str(value) for value in long_name]  # where rioxarray keeps band descriptions
    elif count == 1 and (names.from_text(label) or code_of(label)):
        labels = [label]
    return [names.from_text(text) or text or f"band{number}" for number, text in enumerate(labels, start=1)]


def _physical(array: xr.DataArray, band_dim: str) -> list[bool]:
    """Return which bands hold physical values, by the coordinate that ``Raster.to_xarray`` gives its arrays."""
    known = array.coords.get("scaled")
    if known is None or known.dtype != np.bool_ or known.dims not in {(), (band_dim,)}:
        return [False] * array.sizes[band_dim]
    return [bool(value) for value in np.broadcast_to(known.values, array.sizes[band_dim])]


def _attributes(source: xr.DataArray, index: int, dtype: str, physical: list[bool]) -> dict[str, Any]:
    count = len(physical)

    def value(*keys: str) -> float | None:
        for key in keys:
            found = source.attrs.get(key)
            if found is None:
                continue
            values = _numbers(found, key, "" if source.name is None else str(source.name))
            if values.size in (1, count):
                return float(values[index if values.size == count else 0])
        return None

    scale, offset = value("scale_factor", "scales", "scale"), value("add_offset", "offsets", "offset")
    # rioxarray sets 1 and 0 for files that state neither.
    stated = (1.0 if scale is None else scale, 0.0 if offset is None else offset)
    return {
        "nodata": usable_nodata(value(*_NODATA), dtype),
        "scale": stated[0],
        "offset": stated[1],
        "scaled": stated != (1.0, 0.0) or physical[index],
        "units": str(source.attrs.get("units", "")),
    }


def _numbers(value: Any, key: str, label: str) -> NDArray[np.float64]:
    """Return the numbers (n,) of an attribute, which in a file can be anything."""
    nodata = key in _NODATA
    with suppress(TypeError, ValueError, OverflowError):
        values = np.asarray(value, dtype=float).ravel()
        if nodata or (np.isfinite(values).all() and ("scale" not in key or values.all())):
            return values
    raise InputError(
        f"{label or 'array'}: its attribute {key} is {str(value)[:60]!r}, not a usable number; correct or remove it"
    )


def _token(array: Any) -> str:
    from dask.base import tokenize

    return str(tokenize(array))
