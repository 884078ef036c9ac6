"""The grid of a file: upright, with a CRS or without, from a transform or ground control points."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from affine import Affine
from rasterio.transform import from_gcps

from geoseg.errors import InputError
from geoseg.geodesy.crs import crs_name, is_local, metres_per_unit, unit_name

if TYPE_CHECKING:
    from rasterio.crs import CRS

# Bounds on pixel sides and coordinates, in units of the CRS: beyond them areas overflow or vanish.
_SMALLEST, _LARGEST = 1e-12, 1e15

SOUTH_UP = "rows run from south to north, and so they do in the results"
"""What is told of a file that is read on its own pixels."""


@dataclass(frozen=True)
class Grid:
    """Size and georeference: ``crs`` may be None, ``transform`` maps pixel corners to coordinates."""

    height: int
    width: int
    transform: Affine
    crs: CRS | None

    def bounds(self) -> tuple[float, float, float, float]:
        """Return west, south, east, north of the corners in the grid's CRS."""
        corners = [self.transform * (c, r) for c in (0, self.width) for r in (0, self.height)]
        xs, ys = zip(*corners, strict=True)
        return min(xs), min(ys), max(xs), max(ys)


def place(data: Any, label: str) -> tuple[Grid, Grid, list[str]]:
    """Return the upright grid, the grid of the stored pixels, and notes about the difference."""
    transform, crs = data.transform, data.crs
    notes: list[str] = []
    if transform == Affine.identity() and data.gcps[0]:
        transform, crs = _from_control_points(data, label)
        notes.append(
            f"{label}: placed by {len(data.gcps[0])} ground control points, fitted by an affine transformation"
        )
    elif transform == Affine.identity() and crs is None and data.rpcs is not None:
        raise InputError(
            f"{label}: georeferenced by RPCs only, which need a height model; make it upright first, with: "
            f"gdalwarp -rpc -to RPC_DEM=dem.tif {quoted(label)} upright.tif"
        )
    elif crs is None and transform == Affine.identity():
        notes.append(f"{label}: no georeference; results are in pixel coordinates and areas in pixels")
    elif crs is None:
        notes.append(
            f"{label}: no coordinate reference system; areas are in the units of its coordinates "
            "(give it one with: gdal_edit.py -a_srs EPSG:… FILE)"
        )
    own = Grid(data.height, data.width, transform, crs)
    check_extent(own, label)
    if crs is not None:
        notes += _crs_notes(crs, label)
    grid = upright(own)
    if grid != own:
        notes.append(
            f"{label}: rotated or mirrored pixels, resampled (bilinear; nearest for classes) to an upright grid of "
            f"{grid.width} x {grid.height} pixels"
        )
    elif transform.e > 0 and (crs is not None or transform != Affine.identity()):
        notes.append(f"{label}: {SOUTH_UP}")
    return grid, own, notes


def check_extent(grid: Grid, label: str) -> None:
    """Reject a transform whose pixels or coordinates have no size that can be measured.

    Raises
    ------
    InputError
        Naming the transform.
    """
    t = grid.transform
    sides = math.hypot(t.a, t.d), math.hypot(t.b, t.e)
    finite = all(math.isfinite(value) for value in t[:6])
    plausible = all(_SMALLEST < side < _LARGEST for side in sides) and t.determinant
    if not finite or not plausible or max(map(abs, grid.bounds())) > _LARGEST:
        raise InputError(
            f"{label}: its transform {tuple(t[:6])} has no usable extent; repair it with gdal_edit.py -a_ullr"
        )


def _crs_notes(crs: CRS, label: str) -> list[str]:
    if crs.is_geographic or ((known := metres_per_unit(crs)) and not is_local(crs)):
        return []
    kind = f"{label}: its CRS ({crs_name(crs)})"
    if known:
        return [f"{kind} is local; results are in it, and areas are planar, from coordinates in {unit_name(crs)}"]
    return [f"{kind} has no known unit of length; areas and lengths are in units of its coordinates"]


def _from_control_points(data: Any, label: str) -> tuple[Affine, CRS | None]:
    """Return the affine transformation through the ground control points, if they fit one."""
    points, crs = data.gcps
    remedy = f"gdalwarp -tps {quoted(label)} upright.tif"
    if len(points) < 3:
        raise InputError(
            f"{label}: has only {len(points)} ground control points; add points, or place it with: gdal_edit.py -a_ullr"
        )
    fitted = from_gcps(points)
    back = ~fitted if fitted.determinant else None
    worst = math.inf
    if back is not None:
        worst = max(math.dist(back * (p.x, p.y), (p.col, p.row)) for p in points)
    if worst > 1.0:
        raise InputError(
            f"{label}: its ground control points do not lie on a plane grid (up to {worst:.1f} pixels off); "
            f"make it upright first, with: {remedy}"
        )
    return fitted, crs


def upright(grid: Grid) -> Grid:
    """Return the smallest upright grid of the same pixel area that covers ``grid``, or ``grid`` if it is upright."""
    t = grid.transform
    drift = max(abs(t.b) * grid.height, abs(t.d) * grid.width)
    # A millionth of a pixel is rounding, not rotation. The columns of a mirrored grid run west.
    if t.a > 0 and drift <= 1e-6 * min(abs(t.a), abs(t.e)):
        return grid
    size = math.sqrt(abs(t.determinant))
    west, south, east, north = grid.bounds()
    width = max(math.ceil((east - west) / size - 1e-6), 1)
    height = max(math.ceil((north - south) / size - 1e-6), 1)
    if t.b == t.d == 0:  # mirrored: pixels keep their sides
        return replace(grid, transform=Affine(abs(t.a), 0, west, 0, t.e, north if t.e < 0 else south))
    return Grid(height, width, Affine(size, 0, west, 0, -size, north), grid.crs)


def quoted(text: str) -> str:
    """Return a file name as a shell takes it."""
    return f'"{text}"' if any(c in text for c in " ,()&;'") else text
