"""``Raster.to_xarray``: the reader as a lazy DataArray, one dask task per chunk.

Tasks hold a reference to the raster's recipe and the number of their chunk; any dask worker that reaches the files can
run them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from geoseg.errors import OptionError, one_line
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from geoseg.raster.types import Band

DIMS = ("band", "y", "x")

Chunks = int | str | tuple[Any, ...] | Mapping[Hashable, Any]


class BandReader(Protocol):
    """What is needed of a raster."""

    @property
    def name(self) -> str:
        """Name of the scene."""

    @property
    def bands(self) -> tuple[Band, ...]:
        """Its bands."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored values."""

    @property
    def geobox(self) -> GeoBox:
        """Its grid."""

    @property
    def block_shape(self) -> tuple[int, int]:
        """Height and width of the blocks of the file."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Files that are read."""

    def select(self, bands: Sequence[str | int]) -> BandReader:
        """Return some of the bands, numbered from 1."""

    def read_by_band(self, box: Box) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return values and validity (bands, h, w)."""

    def fingerprint(self) -> str:
        """Return text that changes with the pixels."""


@dataclass(frozen=True, eq=False)
class _Recipe:
    """What all tasks of one array have in common.

    Attributes
    ----------
    raster
        The raster to read.
    starts
        First band, row and column of each chunk along each dimension, and the end.
    dtype
        Type of the result.
    masked, scaled
        See :func:`to_dataarray`.
    """

    raster: BandReader
    starts: tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
    dtype: np.dtype[Any]
    masked: bool
    scaled: bool


def to_dataarray(
    raster: BandReader, chunks: Chunks, *, masked: bool, scaled: bool, bands_per_file: int = 1
) -> xr.DataArray:
    """Return a raster as a lazy array (band, y, x); see :meth:`geoseg.Raster.to_xarray`.

    Parameters
    ----------
    raster
        The raster.
    chunks, masked, scaled
        See there.
    bands_per_file
        Bands that are read at the cost of one, because their pixels are stored in one file: the default chunk.
    """
    import dask.array as da
    from dask.base import tokenize
    from dask.delayed import delayed
    from odc.geo.xr import wrap_xr

    sizes = _chunk_sizes(raster, chunks, bands_per_file)
    dtype = _result_type(raster.dtype, masked=masked, scaled=scaled)
    starts = tuple(tuple(accumulate(along, initial=0)) for along in sizes)
    recipe = _Recipe(raster, (starts[0], starts[1], starts[2]), dtype, masked, scaled)
    token = tokenize(raster.fingerprint(), sizes, masked, scaled)
    # One node of the graph holds the recipe, and every task refers to it: an array in memory is sent once. Not
    # traversed, or dask would look for graphs inside and compute them as a whole.
    shared = delayed(recipe, name=f"recipe-{token}", traverse=False)
    data = da.map_blocks(
        _read_chunk, recipe=shared, chunks=sizes, dtype=dtype, meta=np.empty((0, 0, 0), dtype), name=f"raster-{token}"
    )
    array = wrap_xr(
        data, raster.geobox, dims=DIMS, axis=1, crs_coord_name=None if raster.geobox.crs is None else "spatial_ref",
        **_attributes(raster, dtype, masked=masked, scaled=scaled),
    )  # fmt: skip
    array.name = raster.name
    return array.assign_coords(
        band=[band.name for band in raster.bands],
        description=("band", [band.description or band.name for band in raster.bands]),
        scaled=("band", [_physical(band, scaled=scaled) for band in raster.bands]),
    )


def _read_chunk(*, recipe: _Recipe, block_id: tuple[int, int, int]) -> NDArray[Any]:
    """Read one chunk. Runs on a worker."""
    (first, last), (top, bottom), (left, right) = (
        starts[number : number + 2] for starts, number in zip(recipe.starts, block_id, strict=True)
    )
    raster = recipe.raster.select(range(first + 1, last + 1))
    stored, valid = raster.read_by_band(Box(top, left, bottom - top, right - left))
    if stored.dtype == recipe.dtype and not (recipe.masked or recipe.scaled):
        return stored
    values = np.empty(stored.shape, recipe.dtype)
    for number, band in enumerate(raster.bands):
        values[number] = _physical_values(stored[number], band) if recipe.scaled and band.scaled else stored[number]
    if recipe.masked:
        values[~valid] = np.nan
    return values


def _physical_values(stored: Any, band: Band) -> Any:
    """Apply scale and offset in double precision: float32 results are rounded once."""
    return np.asarray(stored, np.float64) * band.scale + band.offset


def _physical(band: Band, *, scaled: bool) -> bool:
    """Whether the array holds physical values of a band rather than digital numbers."""
    return band.scaled and (scaled or (band.scale, band.offset) == (1.0, 0.0))


def _result_type(stored: np.dtype[Any], *, masked: bool, scaled: bool) -> np.dtype[Any]:
    """Return the stored type, or the smallest float from float32 on that holds all its integers exactly."""
    return np.result_type(stored, np.float32) if masked or scaled else stored


def _attributes(raster: BandReader, dtype: np.dtype[Any], *, masked: bool, scaled: bool) -> dict[str, Any]:
    """Return units and sources; without ``masked`` or ``scaled`` also what is needed to do it later."""
    bands = raster.bands
    attributes: dict[str, Any] = {"sources": list(raster.sources)}
    units = {band.units for band in bands}
    if len(units) == 1 and units != {""}:
        attributes["units"] = units.pop()
    if not scaled and any(band.scaled for band in bands):
        attributes |= _shared_or_each("scale_factor", "scales", [band.scale for band in bands])
        attributes |= _shared_or_each("add_offset", "offsets", [band.offset for band in bands])
    if not masked and any(band.nodata is not None for band in bands):
        missing = [
            np.nan
            if band.nodata is None
            else float(dtype.type(_physical_values(band.nodata, band) if scaled and band.scaled else band.nodata))
            for band in bands
        ]
        attributes |= _shared_or_each("_FillValue", "nodatavals", missing)
        if "_FillValue" in attributes:
            attributes["nodata"] = attributes["_FillValue"] = dtype.type(attributes["_FillValue"])
    return attributes


def _shared_or_each(shared: str, each: str, values: list[float]) -> dict[str, Any]:
    """Return one value under its CF name if all bands share it, else a tuple under the name that rioxarray uses."""
    if len(set(values)) == 1:
        return {shared: values[0]}
    return {each: tuple(values)}


def _chunk_sizes(raster: BandReader, chunks: Chunks, bands_per_file: int) -> tuple[tuple[int, ...], ...]:
    from dask.array.core import normalize_chunks

    shape = (len(raster.bands), *raster.geobox.shape)
    blocks = (bands_per_file, *raster.block_shape)
    wanted: dict[Hashable, Any] = {"band": bands_per_file, "y": "auto", "x": "auto"}
    if isinstance(chunks, Mapping):
        unknown = [name for name in chunks if name not in DIMS]
        if unknown:
            raise OptionError(f"chunks names dimension {unknown[0]!r}; the dimensions are band, y and x")
        wanted |= chunks
    elif isinstance(chunks, tuple):
        if len(chunks) != len(DIMS):
            raise OptionError(f"chunks {chunks} has {len(chunks)} entries; give one each for band, y and x")
        wanted = dict(zip(DIMS, chunks, strict=True))
    elif isinstance(chunks, int | np.integer):
        wanted = dict.fromkeys(DIMS, int(chunks))
    elif chunks != "auto":
        raise OptionError(
            f"chunks {chunks!r} is not understood: use 'auto', a number, a tuple or a dict such as y=1024"
        )
    stored = tuple(_cut(size, min(block, size)) for size, block in zip(shape, blocks, strict=True))
    try:
        sizes = normalize_chunks(
            tuple(wanted[name] for name in DIMS),
            shape,
            dtype=np.result_type(raster.dtype, np.float32),
            previous_chunks=stored,
        )
    except (ValueError, TypeError, NotImplementedError) as error:
        raise OptionError(
            f"chunks {chunks!r} does not fit an array of {shape} (band, y, x): {one_line(error)}"
        ) from error
    return tuple(tuple(int(size) for size in along) for along in sizes)


def _cut(size: int, step: int) -> tuple[int, ...]:
    return (step,) * (size // step) + ((size % step,) if size % step else ())
