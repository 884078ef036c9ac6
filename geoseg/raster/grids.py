"""Put files on one grid: shifted by whole pixels where their pixels coincide, else warped."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from affine import Affine

from geoseg.errors import InputError
from geoseg.geodesy.crs import crs_name, crs_text, metres_per_unit, same_crs, transform_bounds
from geoseg.raster.files.georeference import Grid
from geoseg.raster.gdal.environment import environment
from geoseg.raster.gdal.warped_vrt import Warp
from geoseg.raster.probe import FileInfo
from geoseg.raster.sources import FileSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rasterio.crs import CRS

# Grids whose pixels drift apart by less than this over the whole scene count as one: coordinates with few decimals
# differ by as much.
_PIXEL_TOLERANCE = 0.01

# Warping between grids without CRS needs some projected CRS; any will do.
_PLANE = "EPSG:3857"


def common_grid(infos: Sequence[FileInfo], resolution: tuple[float, float] | None) -> Grid:
    """Return the grid of the finest file, or that grid at another resolution.

    Parameters
    ----------
    infos
        The files of one scene; of equally fine ones the first counts.
    resolution
        Pixel width and height in the units of the grid's CRS.
    """
    finest = min(infos, key=lambda info: round(_pixel_area(info.grid), 9))
    return finest.grid if resolution is None else at_resolution(finest.grid, resolution)


def at_resolution(grid: Grid, resolution: tuple[float, float]) -> Grid:
    """Return ``grid`` with pixels of another size, from the same corner, covering the same extent."""
    t = grid.transform
    across, down = resolution
    width = max(math.ceil(grid.width * t.a / across - 1e-6), 1)
    height = max(math.ceil(grid.height * abs(t.e) / down - 1e-6), 1)
    return replace(grid, height=height, width=width, transform=Affine(across, 0, t.c, 0, math.copysign(down, t.e), t.f))


def place(info: FileInfo, target: Grid) -> FileSource:
    """Return the source that reads ``info`` on the pixels of ``target``.

    Measurements are resampled bilinearly, files of classes or masks by the nearest pixel.

    Raises
    ------
    InputError
        If only one of them has a CRS, or they do not overlap.
    """
    _check_relation(info, target)
    source = FileSource(
        path=info.path,
        label=info.label,
        stamp=info.stamp,
        members=info.members,
        height=info.own.height,
        width=info.own.width,
        block_shape=info.block_shape,
        dtypes=info.dtypes,
        masks=info.masks,
        remote=info.remote,
    )
    shift = _whole_pixels(info.own, target)
    if shift is not None:
        return replace(source, shift=shift)
    scale = _scale(info.own, target)
    warp = Warp(
        crs=_text(target.crs),
        transform=target.transform,
        height=target.height,
        width=target.width,
        source_crs=_text(target.crs if same_crs(info.own.crs, target.crs) else info.own.crs),
        source_transform=info.own.transform,
        resampling="nearest" if info.categorical else "bilinear",
        scale=scale,
    )
    return replace(source, height=target.height, width=target.width, warp=warp)


def check_common_ground(infos: Sequence[FileInfo], target: Grid) -> None:
    """Reject a stack whose files have no area in common: no pixel would be valid.

    Raises
    ------
    InputError
        Naming the first file outside the area that those before it have in common.
    """
    west, south, east, north = target.bounds()
    for info in infos:
        left, bottom, right, top = bounds_in(info.grid, target.crs, info.label)
        west, south, east, north = max(west, left), max(south, bottom), min(east, right), min(north, top)
        if west >= east or south >= north:
            raise InputError(
                f"{info.label}: has no area in common with the files before it, so no pixel would have all bands; "
                "stack only files of the same place"
            )


def _check_relation(info: FileInfo, target: Grid) -> None:
    if (info.grid.crs is None) != (target.crs is None):
        raise InputError(
            f"{info.label}: {'has no CRS' if info.grid.crs is None else 'has a CRS'} while another file of the scene "
            f"{'has one' if target.crs else 'has none'}, so they cannot be aligned; give both a CRS with: "
            "gdal_edit.py -a_srs EPSG:… FILE"
        )
    west, south, east, north = bounds_in(info.grid, target.crs, info.label)
    left, bottom, right, top = target.bounds()
    # An overlap of a thousandth of a pixel does not count.
    sliver = 1e-3 * abs(target.transform.a), 1e-3 * abs(target.transform.e)
    if min(east, right) - max(west, left) < sliver[0] or min(north, top) - max(south, bottom) < sliver[1]:
        raise InputError(
            f"{info.label}: covers {_extent((west, south, east, north))} and does not overlap the rest of the scene at "
            f"{_extent((left, bottom, right, top))}; stack only files of the same place"
        )


def _extent(bounds: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:.8g}" for value in bounds) + ")"


def overlaps(grid: Grid, target: Grid, label: str) -> bool:
    """Return whether a grid's extent, brought to the CRS of another, has area in common with that one's."""
    west, south, east, north = bounds_in(grid, target.crs, label)
    left, bottom, right, top = target.bounds()
    return min(east, right) > max(west, left) and min(north, top) > max(south, bottom)


def bounds_in(grid: Grid, crs: CRS | None, label: str) -> tuple[float, float, float, float]:
    """Return the bounds of a grid in another CRS."""
    if crs is None or grid.crs is None or same_crs(grid.crs, crs):
        return grid.bounds()
    with environment():
        west, south, east, north = transform_bounds(grid.bounds(), grid.crs, crs, label)
    if crs.is_geographic and west > east:
        east += 360
    if not all(math.isfinite(value) for value in (west, south, east, north)):
        raise InputError(f"{label}: its extent lies outside {crs_name(crs)}; stack files of the same place")
    return west, south, east, north


def _whole_pixels(own: Grid, target: Grid) -> tuple[int, int] | None:
    """Return row and column in ``own`` of the first pixel of ``target`` if the pixels of both coincide."""
    if not same_crs(own.crs, target.crs):
        return None
    step = ~own.transform * target.transform
    reach = max(target.width, target.height)
    drift = max(abs(step.a - 1), abs(step.e - 1), abs(step.b), abs(step.d)) * reach
    col, row = round(step.c), round(step.f)
    if max(drift, abs(step.c - col), abs(step.f - row)) > _PIXEL_TOLERANCE:
        return None
    return row, col


def _scale(own: Grid, target: Grid) -> tuple[float, float]:
    """Return target pixels per source pixel, at most 1: when it downsamples, GDAL widens the kernel by the inverse."""
    west, south, east, north = bounds_in(own, target.crs, "")
    across = (east - west) / abs(target.transform.a) / _span(own)[0]
    down = (north - south) / abs(target.transform.e) / _span(own)[1]
    # Near 1, no widening: reprojection and rotation alone must not blur.
    return (across if across < 0.95 else 1.0), (down if down < 0.95 else 1.0)


def _span(own: Grid) -> tuple[float, float]:
    """Return width and height in pixels of the upright box around the stored pixels."""
    west, south, east, north = own.bounds()
    size = math.sqrt(abs(own.transform.determinant))
    if own.transform.b == own.transform.d == 0:
        return own.width, own.height
    return (east - west) / size, (north - south) / size


def _text(crs: CRS | None) -> str:
    return _PLANE if crs is None else crs_text(crs)


def _pixel_area(grid: Grid) -> float:
    """Return the approximate area of a pixel in square metres, to tell which of two grids is finer."""
    area = abs(grid.transform.determinant)
    if grid.crs is None:
        return area
    if grid.crs.is_geographic:
        _, south, _, north = grid.bounds()
        return area * 111_320**2 * max(math.cos(math.radians((south + north) / 2)), 1e-3)
    return area * (metres_per_unit(grid.crs) or 1.0) ** 2
