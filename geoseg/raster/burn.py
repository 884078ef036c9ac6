"""Polygons, lines and points on pixels: which shape of a table labels each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.geodesy.pixels import pixel_sides

if TYPE_CHECKING:
    from affine import Affine
    from numpy.typing import NDArray

    from geoseg.raster.files.georeference import Grid

# shapely's numbers of geometry types: those that can label pixels.
_POINTS, _LINES, _POLYGONS = (0, 4), (1, 2, 5), (3, 6)
BURNABLE = frozenset((*_POINTS, *_LINES, *_POLYGONS))


def thin(geometries: NDArray[Any]) -> NDArray[np.bool_]:
    """Return (n,) bool: which geometries are points or lines, which have no area."""
    import shapely

    return np.isin(shapely.get_type_id(geometries), (*_POINTS, *_LINES))


def burn(geometries: NDArray[Any], transform: Affine, shape: tuple[int, int]) -> NDArray[np.int32]:
    """Return for each pixel the position of the last geometry that labels it, int32 (h, w); −1 for none.

    A polygon labels the pixels whose centre it contains, a line those that it crosses, a point the one that it lies in.

    Parameters
    ----------
    geometries
        (n,) shapely geometries in the coordinates of ``transform``, not empty.
    transform
        Pixel corners (column, row) → coordinates.
    shape
        Height and width.
    """
    import shapely
    from rasterio.features import rasterize

    lines = np.isin(shapely.get_type_id(geometries), _LINES)
    found = np.zeros(shape, np.int32)
    for chosen, touched in ((~lines, False), (lines, True)):
        numbers = np.flatnonzero(chosen)
        if numbers.size:
            pairs = [(geometries[i], int(i) + 1) for i in numbers]
            burned = rasterize(pairs, shape, fill=0, transform=transform, all_touched=touched, dtype="int32")
            np.maximum(found, burned, out=found)
    return found - 1


def buffered(geometries: NDArray[Any], distance: float, grid: Grid) -> NDArray[Any]:
    """Return geometries in which points and lines are the areas within a distance of them; polygons stay as they are.

    Parameters
    ----------
    geometries
        (n,) shapely geometries in the CRS of the grid.
    distance
        In metres on the ground, by the length of pixels at the grid's centre; in pixels without CRS.
    grid
        Grid of the image.
    """
    import shapely

    chosen = thin(geometries)
    if not chosen.any():
        return geometries
    along, across = pixel_sides(grid.crs, grid.transform, (grid.height, grid.width)) or (1.0, 1.0)
    there: Any = ~grid.transform
    back: Any = grid.transform

    def to_ground(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        col, row = there * (xy[:, 0], xy[:, 1])
        return np.stack([col * along, row * across], 1)

    def from_ground(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(back * (xy[:, 0] / along, xy[:, 1] / across), 1)

    result = geometries.copy()
    result[chosen] = shapely.transform(
        shapely.buffer(shapely.transform(geometries[chosen], to_ground), distance), from_ground
    )
    return result
