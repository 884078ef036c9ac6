"""``composite``: many scenes of one place in, one scene out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError, OptionError
from geoseg.raster.bands.names import scene_name, unique
from geoseg.raster.composite.dates import as_date, date_in, when_taken
from geoseg.raster.composite.methods import JOINERS
from geoseg.raster.composite.scenes import Dates, common_nodata, open_dates
from geoseg.raster.composite.source import CompositeSource
from geoseg.raster.raster import Part, Raster
from geoseg.raster.types import Band

if TYPE_CHECKING:
    from pathlib import Path

METHODS = tuple(JOINERS)
"""Names of the methods."""

_MOST_DATES = 1000

# Furthest distance from missing data that is told apart, in pixels.
_MOST_REACH = 255


def composite(
    scenes: Sequence[str | Path],
    *,
    method: str = "median",
    dates: Sequence[str | date] | None = None,
    target_date: str | date | None = None,
    cloud_distance: int = 50,
    stack: bool = False,
    bands: Any = None,
    bbox: Sequence[float] | None = None,
    bbox_crs: Any = None,
    resolution: float | tuple[float, float] | None = None,
    scale: float | Sequence[float] | None = None,
    offset: float | Sequence[float] | None = None,
    nodata: float | Sequence[float] | None = None,
    mask_clouds: str | None = None,
    name: str = "composite",
) -> Raster:
    """Join scenes of one place, taken at several dates, into one. Nothing is read until its pixels are.

    The composite lies on the pixels of the first scene, extended to all scenes; scenes on other grids or in another
    CRS are resampled to them (bilinear). A date takes part in a pixel where it has data in every band: its nodata,
    masks and alpha decide, and the quality band of its product if it has one (``mask_clouds``). Scenes that state
    other scales or offsets are converted to the units of the first.

    Parameters
    ----------
    scenes
        Two or more scenes, each as :func:`geoseg.open_raster` takes one: file, URL, folder, ``.SAFE``, STAC item.
    method
        ``"median"`` of each band; ``"medoid"``, the date nearest to that median, so that the spectrum is one that was
        observed; ``"mean"``; ``"first"``, the first scene in the order given that has data; ``"best"``, the date
        furthest from missing data and closest to the target date (the sum of both scores, 0…1 each, as in Griffiths
        et al. 2013, doi:10.1109/JSTARS.2012.2228167).
    dates
        When each scene was taken, ``"2024-06-01"``, for ``best``; by default read from the names of files, their tags
        or STAC items.
    target_date
        Date that ``best`` prefers; by default the one in the middle.
    cloud_distance
        Pixels from missing data from which a pixel counts as far from clouds, for ``best``: 1…255.
    stack, bands, resolution, scale, offset, nodata, mask_clouds
        How each scene is read; see :func:`geoseg.open_raster`.
    bbox, bbox_crs
        Restrict the composite to west, south, east, north, in ``bbox_crs`` or the first scene's CRS.
    name
        Name of the composite.

    Returns
    -------
    Raster
        The bands of the first scene, then ``count``: the number of dates with data. It can be read, segmented, turned
        into a lazy ``xarray.DataArray``, or written with :func:`geoseg.write_cog`.

    Raises
    ------
    InputError
        If a scene cannot be opened, lacks a band, is in other units than the first and does not say so, is a class map
        that the method would average, or has no date where one is needed.
    OptionError
        If an option's value is impossible.

    Examples
    --------
    >>> import geoseg
    >>> joined = geoseg.composite(["scene.tif", "scene.tif"], method="mean")
    >>> [band.name for band in joined.bands][-2:]
    ['swir22', 'count']
    >>> geoseg.write_cog(joined, "mean.tif")
    PosixPath('mean.tif')
    """
    sources = [scenes] if isinstance(scenes, str) else list(scenes)
    _check(sources, method, cloud_distance, dates)
    reading = {
        "stack": stack or None,
        "bands": bands,
        "resolution": resolution,
        "scale": scale,
        "offset": offset,
        "nodata": nodata,
        "mask_clouds": mask_clouds,
    }
    found = open_dates(
        sources, bbox, bbox_crs, {key: value for key, value in reading.items() if value is not None}, method
    )
    closeness = _closeness(found, sources, dates, target_date) if method == "best" else ()
    return _raster(found, method, closeness, cloud_distance if method == "best" else 0, name)


def _check(sources: list[Any], method: str, reach: int, dates: Sequence[Any] | None) -> None:
    if method not in METHODS:
        raise OptionError(f"method {method!r} is unknown: use one of {', '.join(METHODS)}")
    if not 2 <= len(sources) <= _MOST_DATES:
        raise OptionError(f"{len(sources)} scene{'s' * (len(sources) != 1)} given: a composite takes 2…{_MOST_DATES}")
    if not 1 <= reach <= _MOST_REACH:
        raise OptionError(f"cloud-distance must be a number of pixels, 1…{_MOST_REACH}, got {reach}")
    if dates is not None and len(dates) != len(sources):
        raise OptionError(f"dates has {len(dates)} entries for {len(sources)} scenes: give one for each")


def _closeness(
    found: Dates, sources: Sequence[Any], dates: Sequence[str | date] | None, target: str | date | None
) -> tuple[float, ...]:
    """Return 1 for the date that is nearest to the target, 0 for the furthest."""
    days = []
    for number, name, raster in zip(found.numbers, found.names, found.rasters, strict=True):
        if dates is not None:
            when: date | None = _date(dates[number], "dates")
        else:
            when = when_taken(sources[number])[0] or date_in(name) or date_in(raster.name)
        if when is None:
            raise InputError(
                f"{name}: no date in its name, tags or STAC item; give the date of each scene with --dates 2024-06-01,…"
            )
        days.append(when.toordinal())
    wanted = float(np.median(days)) if target is None else float(_date(target, "target-date").toordinal())
    away = [abs(day - wanted) for day in days]
    return tuple(1.0 - one / max(*away, 1) for one in away)


def _date(value: str | date, option: str) -> date:
    when = as_date(value)
    if when is None:
        raise OptionError(f"{option} {value!r} is no date: write it as 2024-06-01")
    return when


def _raster(found: Dates, method: str, closeness: tuple[float, ...], reach: int, name: str) -> Raster:
    first = found.rasters[0]
    dtype = np.result_type(*(one.dtype for one in found.rasters))
    if len(found.rasters) > 255:
        dtype = np.promote_types(dtype, np.uint16)
    missing = common_nodata(found.rasters)
    source = CompositeSource(found.rasters, found.units, method, str(dtype), closeness, reach, scene_name(name))
    bands = [replace(band, dtype=str(dtype), nodata=missing) for band in first.bands]
    bands.append(Band("count", str(dtype), description="number of dates with data"))
    names = unique([band.name for band in bands])
    return Raster(
        name=scene_name(name),
        grid=first.grid,
        bands=tuple(replace(band, name=one) for band, one in zip(bands, names, strict=True)),
        notes=found.notes,
        parts=tuple(Part(0, number) for number in range(1, len(bands) + 1)),
        inputs=(source,),
    )
