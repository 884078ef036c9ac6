"""From bounding boxes to pixels of a scene."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError

from geoseg.errors import InputError
from geoseg.geodesy.crs import crs_name, is_local, transform_bounds
from geoseg.raster.gdal.environment import environment
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from affine import Affine

    from geoseg.raster.files.georeference import Grid

# A bound on a pixel edge, except for rounding, must not include another row of pixels.
_EDGE = 1e-6


def pixels_in(bbox: Sequence[float], crs: Any, grid: Grid, name: str) -> Box:
    """Return the pixels of ``grid`` that a bounding box touches.

    Parameters
    ----------
    bbox
        West, south, east, north; in a geographic CRS west > east crosses the antimeridian.
    crs
        CRS of ``bbox``, or None for the scene's own.
    grid
        The scene's grid.
    name
        The scene's name for messages.

    Raises
    ------
    InputError
        If ``bbox`` is not a bounding box, its CRS is unknown, or it does not touch the scene.
    """
    bounds = _numbers(bbox)
    scene = grid.crs
    given = _crs(crs, scene, name)
    geographic = (given or scene) is not None and bool((given or scene).is_geographic)  # type: ignore[union-attr]
    west, south, east, north = bounds
    if south > north or (west > east and not geographic):
        raise InputError(f"bbox {_text(bounds)} is empty: write xmin,ymin,xmax,ymax (west, south, east, north)")
    pieces = [bounds] if west <= east else [(west, south, 180.0, north), (-180.0, south, east, north)]
    result: Box | None = None
    for piece in pieces:
        for part in _wrapped(_projected(piece, given, scene, name), scene):
            box = _snapped(part, grid.transform).intersection(Box(0, 0, grid.height, grid.width))
            if box.area:
                result = box if result is None else _union(result, box)
    if result is None:
        where = f" in {crs}" if crs is not None else ""
        raise InputError(
            f"bbox {_text(bounds)}{where} does not touch the scene {name}, which covers "
            f"{_text(grid.bounds())} in {_crs_name(grid.crs)}"
        )
    return result


def _numbers(bbox: Sequence[float]) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(value) for value in bbox)
    except (TypeError, ValueError):
        raise InputError(f"bbox must be four numbers xmin, ymin, xmax, ymax, got {bbox!r}") from None
    if not all(math.isfinite(value) for value in (west, south, east, north)):
        raise InputError(f"bbox must be four finite numbers, got {bbox!r}")
    return west, south, east, north


def _crs(crs: Any, scene: CRS | None, name: str) -> CRS | None:
    if crs is None:
        return None
    if scene is None:
        raise InputError(
            f"{name}: has no CRS, so a bbox in {crs} cannot be placed on it; give the bbox in its own coordinates"
        )
    try:
        with environment():
            return CRS.from_user_input(crs if isinstance(crs, int | CRS) else str(crs))
    except (RasterioError, CRSError) as error:
        raise InputError(f"CRS {crs!r} of the bbox is not known; write it as EPSG:4326") from error


def _projected(
    bounds: tuple[float, float, float, float], given: CRS | None, scene: CRS | None, name: str
) -> tuple[float, float, float, float]:
    if given is None or scene is None or given == scene:
        return bounds
    if is_local(scene):
        raise InputError(
            f"{name}: has a local CRS ({crs_name(scene)}), so a bbox in {crs_name(given)} cannot be placed on it; "
            "give the bbox in its own coordinates"
        )
    with environment():
        west, south, east, north = transform_bounds(bounds, given, scene, f"bbox {_text(bounds)}")
    if not all(math.isfinite(value) for value in (west, south, east, north)):
        raise InputError(f"bbox {_text(bounds)} lies outside the CRS of {name}")
    return west, south, east + 360 if scene.is_geographic and west > east else east, north


def _wrapped(bounds: tuple[float, float, float, float], scene: CRS | None) -> list[tuple[float, float, float, float]]:
    """Return the bounds shifted by 0, 360 and -360 degrees: scenes may lie at 170…190 or -190…-170 degrees."""
    if scene is None or not scene.is_geographic:
        return [bounds]
    west, south, east, north = bounds
    return [(west + turn, south, east + turn, north) for turn in (0.0, 360.0, -360.0)]


def _snapped(bounds: tuple[float, float, float, float], transform: Affine) -> Box:
    west, south, east, north = bounds
    corners = [~transform * point for point in ((west, south), (west, north), (east, south), (east, north))]
    cols, rows = zip(*corners, strict=True)
    left, top = math.floor(min(cols) + _EDGE), math.floor(min(rows) + _EDGE)
    right, bottom = math.ceil(max(cols) - _EDGE), math.ceil(max(rows) - _EDGE)
    # A box without area touches the pixel that contains it.
    return Box(top, left, max(bottom - top, 1), max(right - left, 1))


def _union(a: Box, b: Box) -> Box:
    row, col = min(a.row, b.row), min(a.col, b.col)
    return Box(row, col, max(a.bottom, b.bottom) - row, max(a.right, b.right) - col)


def _text(bounds: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:.8g}" for value in bounds) + ")"


def _crs_name(crs: Any) -> str:
    return "pixels" if crs is None else crs_name(crs)
