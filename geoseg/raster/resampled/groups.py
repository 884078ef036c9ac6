"""Bands of several pixel sizes that are arrays: one raster on the grid of the finest."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from geoseg.errors import InputError
from geoseg.raster import arrays
from geoseg.raster.clouds.kinds import KINDS, MASKED
from geoseg.raster.clouds.option import note_of
from geoseg.raster.clouds.quality import Quality
from geoseg.raster.raster import Part, Raster
from geoseg.raster.resampled.source import resampled

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr

    from geoseg.raster.files.georeference import Grid


def on_finest(groups: Sequence[xr.Dataset], name: str) -> Raster:
    """Return one raster of Datasets, the finest first; coarser bands are bilinear between their pixels.

    Raises
    ------
    InputError
        If one is no raster, or has not the extent of the first.
    """
    first, *others = [arrays.from_array(group) for group in groups]
    rasters = [first, *(_finer(other, first.grid, name) for other in others)]
    starts = [sum(len(one.inputs) for one in rasters[:number]) for number in range(len(rasters))]
    parts = [
        Part(part.source + start, part.band) for one, start in zip(rasters, starts, strict=True) for part in one.parts
    ]
    return replace(
        first,
        bands=tuple(band for one in rasters for band in one.bands),
        notes=tuple(dict.fromkeys(note for one in rasters for note in one.notes)),
        parts=tuple(parts),
        inputs=tuple(source for one in rasters for source in one.inputs),
    )


def _finer(raster: Raster, grid: Grid, name: str) -> Raster:
    ratio = abs(grid.transform.e / raster.transform.e), abs(grid.transform.a / raster.transform.a)
    finer = resampled(raster, ratio)
    same = all(abs(a - b) < 1e-6 * abs(grid.transform.a) for a, b in zip(finer.transform, grid.transform, strict=True))
    if not same or (finer.grid.height, finer.grid.width) != (grid.height, grid.width):
        raise InputError(
            f"{name}: its bands of {abs(raster.transform.a):g} and {grid.transform.a:g} m cover other areas"
        )
    return finer


def scl_of(mask: xr.DataArray, raster: Raster, *, chosen: bool) -> tuple[Quality, str] | None:
    """Return the scene classification of an array as a quality band, and what is said; None if it does not fit.

    Parameters
    ----------
    mask
        Classes (y, x), in pixels that are a whole number of the raster's.
    raster
        The raster, as :func:`on_finest` returns it.
    chosen
        Whether the user has asked for it.
    """
    import dask.array as da

    values: Any = mask.data if hasattr(mask.data, "dask") else da.asarray(mask.data)
    down, across = raster.shape[0] // max(values.shape[0], 1), raster.shape[1] // max(values.shape[-1], 1)
    if values.ndim != 2 or (values.shape[0] * down, values.shape[1] * across) != raster.shape:
        return None
    finer = da.repeat(da.repeat(values, down, axis=0), across, axis=1)[None]
    kind = KINDS["scl"]
    source = arrays.ArraySource(finer, f"{raster.name} SCL", str(finer.name))
    quality = Quality(kind.title, source, kind.rules, frozenset(MASKED), str(values.dtype), chosen)
    quality = replace(quality, masked=frozenset(MASKED) & quality.told)
    return quality, note_of(quality, raster.name)
