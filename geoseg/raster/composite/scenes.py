"""Opens the dates of a composite on one grid, with the same bands in the same unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from geoseg.errors import InputError
from geoseg.raster.composite.doubts import check_no_classes, differences
from geoseg.raster.composite.source import Unit
from geoseg.raster.files.georeference import check_extent
from geoseg.raster.grids import bounds_in, overlaps
from geoseg.raster.open import merged_notes, open_on_grid, open_raster
from geoseg.raster.scenes.scene import SceneFiles

if TYPE_CHECKING:
    from geoseg.raster.files.georeference import Grid
    from geoseg.raster.raster import Raster
    from geoseg.raster.types import Band


@dataclass(frozen=True)
class Dates:
    """The dates of a composite.

    Attributes
    ----------
    rasters
        Of the same bands, on one grid.
    units
        How their stored values become those of the first.
    numbers, names
        Which of the scenes they are, counted from 0, and their files or folders, for dates and messages.
    notes
        Remarks, one line each.
    """

    rasters: tuple[Raster, ...]
    units: tuple[Unit, ...]
    numbers: tuple[int, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...]


def open_dates(
    sources: Sequence[Any], bbox: Sequence[float] | None, bbox_crs: Any, reading: dict[str, Any], method: str
) -> Dates:
    """Open scenes on the pixels of the first, over the extent of all, or over ``bbox``.

    Parameters
    ----------
    sources
        Each what :func:`geoseg.open_raster` takes as one scene.
    bbox, bbox_crs
        As :meth:`Raster.crop` takes them; scenes outside are left out.
    reading
        Further options of ``open_raster``.
    method
        How they are joined.

    Raises
    ------
    InputError
        If a scene cannot be opened, lacks a band, or is in another unit that is not stated, or is a class map that
        ``method`` would average; if none lies in ``bbox``.
    """
    opened = [open_raster(source, **reading) for source in sources]
    first = opened[0]
    grid = _union([one.grid for one in opened], [one.name for one in opened])
    if bbox is not None:
        whole = replace(first, grid=grid)
        grid = whole.crop(bbox, bbox_crs).grid
    kept: list[int] = []
    outside: list[int] = []
    for number, one in enumerate(opened):
        (kept if overlaps(one.grid, grid, one.name) else outside).append(number)
    if not kept:
        raise InputError("bbox: none of the scenes touches it; check the coordinates and --bbox-crs")
    check_no_classes([opened[number] for number in kept], method)
    names = [band.name for band in first.bands]
    rasters, units = [], []
    notes = [f"{opened[number].name}: outside of bbox, left out" for number in outside]
    for number in kept:
        one = opened[number] if opened[number].grid == grid else open_on_grid(sources[number], grid, **reading)
        rasters.append(_with_bands(one, names, first))
        units.append(_unit(rasters[-1], first))
        notes += [note.replace("the finest", "the first scene") for note in rasters[-1].notes]
        if more := [band.name for band in one.bands if band.name not in names]:
            notes.append(f"{one.name}: has bands that {first.name} has not, left out: {', '.join(more)}")
        if not units[-1].same:
            below = (
                "; negative values do not fit and are raised to the least"
                if first.dtype.kind == "u" and min(units[-1].shift) < 0
                else ""
            )
            notes.append(
                f"{one.name}: scale and offset differ from those of {first.name}; converted to its units{below}"
            )
    notes += differences([opened[number] for number in kept])
    return Dates(
        tuple(rasters),
        tuple(units),
        tuple(kept),
        tuple(_name(sources[number]) for number in kept),
        tuple(merged_notes(notes, "scenes")),
    )


def _name(source: Any) -> str:
    if isinstance(source, SceneFiles):
        return source.name or "scene"
    return Path(str(source[0] if isinstance(source, list | tuple) else source)).name


def _union(grids: list[Grid], names: list[str]) -> Grid:
    """Return the first grid, extended by whole pixels to the extent of all."""
    first = grids[0]
    for grid, name in zip(grids[1:], names[1:], strict=True):
        if (grid.crs is None) != (first.crs is None):
            raise InputError(
                f"{name}: {'has no CRS' if grid.crs is None else 'has a CRS'}, unlike {names[0]}, so they cannot be "
                "aligned; give both a CRS with: gdal_edit.py -a_srs EPSG:… FILE"
            )
    inverse = ~first.transform
    left, top, right, bottom = 0, 0, first.width, first.height
    for grid, name in zip(grids[1:], names[1:], strict=True):
        west, south, east, north = bounds_in(grid, first.crs, name)
        corners = [inverse * (x, y) for x in (west, east) for y in (south, north)]
        cols, rows = ([point[axis] for point in corners] for axis in (0, 1))
        left, right = min(left, math.floor(min(cols) + 0.01)), max(right, math.ceil(max(cols) - 0.01))
        top, bottom = min(top, math.floor(min(rows) + 0.01)), max(bottom, math.ceil(max(rows) - 0.01))
    moved = first.transform * Affine.translation(left, top)
    grid = replace(first, height=bottom - top, width=right - left, transform=moved)
    check_extent(grid, "composite")
    return grid


def _with_bands(raster: Raster, names: list[str], first: Raster) -> Raster:
    own = {band.name for band in raster.bands}
    if absent := [name for name in names if name not in own]:
        raise InputError(
            f"{raster.name} has no band {', '.join(absent)}, which {first.name} has; it has "
            f"{', '.join(band.name for band in raster.bands)}: choose bands that all scenes have with --bands"
        )
    return raster.select(names)


def _unit(raster: Raster, first: Raster) -> Unit:
    pairs = [
        _conversion(band, like, raster.name, first.name) for band, like in zip(raster.bands, first.bands, strict=True)
    ]
    return Unit(tuple(gain for gain, _ in pairs), tuple(shift for _, shift in pairs))


def _conversion(band: Band, like: Band, name: str, first: str) -> tuple[float, float]:
    """Return gain and shift from stored values of ``band`` to those of ``like``: physical = stored · scale + offset."""
    if band.scaled != like.scaled:
        one, other = (name, first) if band.scaled else (first, name)
        raise InputError(
            f"{one} states scale and offset of band {band.name}, {other} does not, so their units cannot be made "
            "alike; give --scale and --offset for all scenes, or convert one"
        )
    if (band.scale, band.offset) == (like.scale, like.offset):
        return 1.0, 0.0
    return band.scale / like.scale, (band.offset - like.offset) / like.scale


def common_nodata(rasters: Sequence[Raster]) -> float | None:
    """Return the value that marks missing pixels in every band of every raster; None if they have no such value."""
    found = {None if band.nodata is None else float(band.nodata) for one in rasters for band in one.bands}
    if len(found) == 1:
        return found.pop()
    whole = np.result_type(*(one.dtype for one in rasters)).kind in "iu"
    return None if whole else float("nan")
