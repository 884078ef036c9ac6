"""Small rasters, GDAL as the oracle, and polygonizing in strips of any height."""

from __future__ import annotations

import numpy as np
import rasterio.features
import shapely
import xarray as xr
from shapely.geometry import shape

from geoseg.polygonize import api

PATTERNS = {
    "checkerboard": lambda h, w: np.indices((h, w)).sum(0) % 2,
    "checkerboard of 2": lambda h, w: (np.indices((h, w)) // 2).sum(0) % 2,
    "columns": lambda h, w: np.broadcast_to(np.arange(w) % 2, (h, w)),
    "rows": lambda h, w: np.broadcast_to(np.arange(h)[:, None] % 2, (h, w)),
    "diagonals": lambda h, w: (np.indices((h, w)).sum(0) // 1) % 3,
    "one class": lambda h, w: np.ones((h, w)),
    "all different": lambda h, w: np.arange(h * w).reshape(h, w),
    "nested rings": lambda h, w: (
        np.minimum.reduce([*np.indices((h, w)), h - 1 - np.indices((h, w))[0], w - 1 - np.indices((h, w))[1]]) % 2
    ),
    "holes": lambda h, w: (np.indices((h, w)) % 2).all(0),
    "holes at corners": lambda h, w: (np.indices((h, w)) % 3 < 2).all(0) & (np.indices((h, w)).sum(0) % 2 == 0),
    "spiral": lambda h, w: spiral(max(h, w))[:h, :w],
    "comb": lambda h, w: (np.indices((h, w))[1] % 2 == 0) | (np.indices((h, w))[0] == 0),
}


def spiral(n: int) -> np.ndarray:
    """A spiral of ones, one pixel wide, on zeros."""
    out = np.zeros((n, n), np.uint8)
    row, col, drow, dcol = 0, 0, 0, 1
    for _ in range(n * n):
        out[row, col] = 1
        ahead, beyond = (row + drow, col + dcol), (row + 2 * drow, col + 2 * dcol)
        blocked = not (0 <= ahead[0] < n and 0 <= ahead[1] < n) or (
            0 <= beyond[0] < n and 0 <= beyond[1] < n and out[beyond]
        )
        if blocked:
            drow, dcol = dcol, -drow
            ahead = (row + drow, col + dcol)
            beyond = (row + 2 * drow, col + 2 * dcol)
            if not (0 <= ahead[0] < n and 0 <= ahead[1] < n) or out[ahead]:
                break
            if 0 <= beyond[0] < n and 0 <= beyond[1] < n and out[beyond]:
                break
        row, col = ahead
    return out


def array(values: np.ndarray, **attributes) -> xr.DataArray:
    """A class map without CRS, with pixels of one unit."""
    return xr.DataArray(np.asarray(values), dims=("y", "x"), attrs=attributes)


def polygonized(rows: int, values, **options):
    """Polygonize in strips of ``rows`` rows."""
    from geoseg.polygonize import stream

    before = stream.strip_rows
    stream.strip_rows = lambda *_: rows
    try:
        return api.polygonize(values if isinstance(values, xr.DataArray) else array(values), **options)
    finally:
        stream.strip_rows = before


def canonical(values, geometries) -> list[tuple[int, bytes]]:
    """Classes and normalised geometries, sorted: equal for equal sets of polygons."""
    wkb = shapely.to_wkb(shapely.normalize(np.asarray(geometries, dtype=object)))
    return sorted(zip((int(v) for v in values), wkb, strict=True))


def one_pass(values: np.ndarray, connectivity: int = 4, mask=None):
    """GDAL's polygons of the whole raster, made valid: with 8-connectivity its rings may touch themselves."""
    found = rasterio.features.shapes(np.asarray(values), mask=mask, connectivity=connectivity)
    classes, geometries = [], []
    for geometry, value in found:
        polygon = shape(geometry)
        if connectivity == 8:
            repaired = polygon if polygon.is_valid else shapely.make_valid(polygon)
            parts = [part for part in shapely.get_parts(repaired) if part.geom_type == "Polygon"]
            polygon = shapely.MultiPolygon(parts)
        classes.append(int(value))
        geometries.append(polygon)
    return classes, geometries
