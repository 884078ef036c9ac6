"""From open scenes to one raster of their common extent, if their pixels coincide."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine

from geoseg.errors import InputError
from geoseg.geodesy.crs import crs_name, same_crs
from geoseg.raster.bands import names
from geoseg.raster.files.georeference import Grid, check_extent
from geoseg.raster.mosaic.source import MosaicSource, Tile
from geoseg.raster.raster import Part, Raster

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geoseg.raster.types import Band

# Pixels whose corners are so near to those of the first scene count as the same: coordinates with few decimals differ
# by as much.
_TOLERANCE = 0.01

# GDAL counts rows and columns in 32 bits.
_MOST_PIXELS = 2**31 - 1

# From this share of its extent on, a mosaic is not said to be mostly empty.
_SPARSE = 0.05

_JOIN = (
    "a mosaic resamples nothing: join the scenes first, with geoseg composite SCENE… --method first -o JOINED.tif, "
    "which brings them to the pixels of the first, or leave this one out"
)


def joined(scenes: Sequence[Raster]) -> Raster:
    """Return one raster of scenes whose pixels coincide. No pixel is read.

    Where scenes overlap, a pixel is that of the first in the order given that has data there in every band.

    Parameters
    ----------
    scenes
        Open rasters in one CRS, with pixels of one size, apart by whole pixels (to a hundredth). Bands are matched by
        name; those that the first one lacks are left out.

    Returns
    -------
    Raster
        On the extent of all of them; where none has data no pixel is valid.

    Raises
    ------
    InputError
        If there are none, or one does not fit; names it and says what to do.
    """
    if not scenes:
        raise InputError("no scene is given for the mosaic: name at least one")
    first = scenes[0]
    for one in scenes:
        _check_fit(one, first, several=len(scenes) > 1)
    places = [_place(one, first) for one in scenes]
    grid, corner = _extent(scenes, places)
    wanted = [band.name for band in first.bands]
    chosen = [_with_bands(one, wanted, first) for one in scenes]
    tiles = tuple(
        Tile(_compact(one, chosen[0]), row - corner[0], col - corner[1])
        for one, (row, col) in zip(chosen, places, strict=True)
    )
    shared = names.shared_name([one.name for one in scenes])
    label = names.scene_name(f"{shared}_mosaic" if shared else "mosaic")
    source = MosaicSource(tiles, label)
    raster = Raster(
        name=label,
        grid=grid,
        bands=tuple(_common_band(bands) for bands in zip(*(one.bands for one in chosen), strict=True)),
        notes=(),
        parts=tuple(Part(0, number) for number in range(1, len(wanted) + 1)),
        inputs=(source,),
    )
    return replace(raster, notes=_notes(scenes, source, raster))


def _check_fit(one: Raster, first: Raster, *, several: bool) -> None:
    """Check what does not depend on where a scene lies."""
    label, other = one.sources[0], first.sources[0]
    if one.computed:
        raise InputError(
            f"{one.name}: is computed by dask when it is read; write it to a file first (gdal_translate; "
            "in Python write_cog)"
        )
    if several and one.grid.crs is None and one.transform == Affine.identity():
        raise InputError(
            f"{label}: has no georeference, so its place in the mosaic is unknown; give it one with: "
            f"gdal_edit.py -a_srs EPSG:… -a_ullr WEST NORTH EAST SOUTH {label}"
        )
    if (one.grid.crs is None) != (first.grid.crs is None):
        without, has = (label, other) if one.grid.crs is None else (other, label)
        raise InputError(
            f"{without}: has no CRS and {has} has one, so they cannot be aligned; set it with: "
            f"gdal_edit.py -a_srs EPSG:… {without}"
        )
    if not same_crs(one.grid.crs, first.grid.crs):
        raise InputError(f"{label}: is in {crs_name(one.grid.crs)} and {other} in {crs_name(first.grid.crs)}; {_JOIN}")


def _place(one: Raster, first: Raster) -> tuple[int, int]:
    """Return row and column of a scene's first pixel on the pixels of another."""
    own, grid = one.grid, first.grid
    step = ~grid.transform * own.transform
    corners = [step * (col, row) for col in (0, own.width) for row in (0, own.height)]
    col, row = round(corners[0][0]), round(corners[0][1])
    ideal = [(col + across, row + down) for across in (0, own.width) for down in (0, own.height)]
    off = max(max(abs(a - c), abs(b - d)) for (a, b), (c, d) in zip(corners, ideal, strict=True))
    if off <= _TOLERANCE:
        return row, col
    label, other = one.sources[0], first.sources[0]
    if step.e < 0:
        raise InputError(f"{label}: its rows run {_direction(own)} and those of {other} {_direction(grid)}; {_JOIN}")
    if max(abs(step.a - 1) * own.width, abs(step.e - 1) * own.height) > _TOLERANCE:
        raise InputError(f"{label}: has pixels of {_pixel(own)} and {other} of {_pixel(grid)}; {_JOIN}")
    across, down = corners[0][0] - col, corners[0][1] - row
    raise InputError(
        f"{label}: lies {abs(across):.2g} of a pixel across and {abs(down):.2g} down off the pixels of {other}; {_JOIN}"
    )


def _direction(grid: Grid) -> str:
    return "from south to north" if grid.transform.e > 0 else "from north to south"


def _pixel(grid: Grid) -> str:
    return f"{abs(grid.transform.a):.10g} x {abs(grid.transform.e):.10g}"


def _extent(scenes: Sequence[Raster], places: Sequence[tuple[int, int]]) -> tuple[Grid, tuple[int, int]]:
    """Return the grid of all scenes, and the row and column of its first pixel on those of the first scene."""
    tops, lefts = zip(*places, strict=True)
    bottoms = [row + one.shape[0] for one, row in zip(scenes, tops, strict=True)]
    rights = [col + one.shape[1] for one, col in zip(scenes, lefts, strict=True)]
    top, left, bottom, right = min(tops), min(lefts), max(bottoms), max(rights)
    # The corner's coordinates as scenes state them: computed from another scene's they would be rounded differently.
    uppermost, leftmost = scenes[tops.index(top)], scenes[lefts.index(left)]
    t = scenes[0].transform
    transform = Affine(t.a, t.b, leftmost.transform.c, t.d, t.e, uppermost.transform.f)
    if max(bottom - top, right - left) > _MOST_PIXELS:
        wide = right - left > bottom - top
        near, far = (leftmost, rights.index(right)) if wide else (uppermost, bottoms.index(bottom))
        raise InputError(
            f"the mosaic would be {right - left} x {bottom - top} pixels: {near.sources[0]} and "
            f"{scenes[far].sources[0]} are too far apart; run distant scenes as mosaics of their own"
        )
    grid = Grid(bottom - top, right - left, transform, scenes[0].grid.crs)
    check_extent(grid, "mosaic")
    return grid, (top, left)


def _with_bands(one: Raster, wanted: list[str], first: Raster) -> Raster:
    """Return a scene with the bands of the first, whose stored values mean the same."""
    own = [band.name for band in one.bands]
    if absent := [name for name in wanted if name not in own]:
        raise InputError(
            f"{one.sources[0]}: has no band {', '.join(absent)}, which {first.sources[0]} has; it has "
            f"{', '.join(own)}: choose bands that all scenes have with --bands"
        )
    chosen = one if own == wanted else one.select(wanted)
    for band, like in zip(chosen.bands, first.bands, strict=True):
        if band.dtype != like.dtype:
            raise InputError(
                f"{one.sources[0]}: band {band.name} is {band.dtype} and that of {first.sources[0]} {like.dtype}, so "
                "their values may mean different things; convert the scenes to one type and unit, or leave this one out"
            )
        if (band.scaled, band.scale, band.offset) != (like.scaled, like.scale, like.offset):
            raise InputError(
                f"{one.sources[0]}: band {band.name} has {_unit(band)} and that of {first.sources[0]} {_unit(like)}; "
                "give --scale and --offset for all scenes if one of them is wrong, else convert one"
            )
    return chosen


def _unit(band: Band) -> str:
    return f"scale {band.scale:g} and offset {band.offset:g}" if band.scaled else "no stated scale"


def _compact(one: Raster, first: Raster) -> Raster:
    """Return a scene that shares what is equal with the first: recipes of thousands travel to workers."""
    bands = first.bands if one.bands == first.bands else one.bands
    parts = first.parts if one.parts == first.parts else one.parts
    return replace(one, grid=replace(one.grid, crs=first.grid.crs), bands=bands, parts=parts, notes=())


def _common_band(bands: tuple[Band, ...]) -> Band:
    """Return a band of the mosaic: with the value that marks missing pixels if all scenes have the same."""
    missing = {None if band.nodata is None else repr(float(band.nodata)) for band in bands}
    if len(missing) == 1:
        return bands[0]
    whole = np.dtype(bands[0].dtype).kind in "iu"
    return replace(bands[0], nodata=None if whole else math.nan)


def _notes(scenes: Sequence[Raster], source: MosaicSource, raster: Raster) -> tuple[str, ...]:
    notes = [note for one in scenes for note in one.notes]
    wanted = {band.name for band in raster.bands}
    notes += [
        f"{one.name}: has bands that {scenes[0].name} has not, left out: {', '.join(more)}"
        for one in scenes
        if (more := [band.name for band in one.bands if band.name not in wanted])
    ]
    if (pair := _overlap(source)) is not None:
        both = " and ".join(scenes[number].name for number in sorted(pair))
        notes.append(
            f"{raster.name}: scenes overlap ({both} …): where they do, the first in the order given that has data "
            "counts"
        )
    covered, extent = sum(one.box.area for one in scenes), raster.box.area
    if covered < _SPARSE * extent:
        notes.append(
            f"{raster.name}: scenes cover at most {100 * covered / extent:.2g} % of its {raster.shape[1]} x "
            f"{raster.shape[0]} pixels; those far from one another are cheaper as mosaics of their own"
        )
    return tuple(notes)


def _overlap(source: MosaicSource) -> tuple[int, int] | None:
    """Return the numbers of two scenes that overlap; None if none do."""
    order = np.lexsort((source.areas[:, 1], source.areas[:, 0]))
    areas = source.areas[order]
    ends = np.searchsorted(areas[:, 0], areas[:, 2])  # those after it that begin above its end
    for number, (end, (_, left, _, right)) in enumerate(zip(ends, areas, strict=True)):
        below = areas[number + 1 : end]
        found = np.flatnonzero((below[:, 1] < right) & (below[:, 3] > left))
        if len(found):
            return int(order[number]), int(order[number + 1 + found[0]])
    return None
