"""Areas of polygons on the ellipsoid."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from geoseg.geodesy.crs import metres_per_unit, on_earth

Floats: TypeAlias = NDArray[np.float64]


class PolygonAreas:
    """Areas of the polygons of one layer, in square metres.

    Vertices are brought to the cylindrical equal-area projection of the CRS's own ellipsoid (Snyder, *Map Projections,
    A Working Manual*, USGS PP 1395, 1987, eqs. 10-13 to 10-17) and joined by straight lines there. In a local CRS the
    plane is measured; without a CRS, or in one of an unknown unit, in square units of the coordinates.

    Parameters
    ----------
    crs
        Anything that ``pyproj.CRS.from_user_input`` takes, or None.

    Attributes
    ----------
    in_metres
        Whether areas are square metres, not square units.
    """

    def __init__(self, crs: Any) -> None:
        self._crs = on_earth(crs)
        factor = metres_per_unit(crs) if crs is not None and self._crs is None else None
        self.in_metres = self._crs is not None or factor is not None
        self._square = (factor or 1.0) ** 2

    def __call__(self, shapes: NDArray[Any]) -> Floats:
        """Return the areas, (n,) float64, of polygons, (n,) objects of shapely.

        Examples
        --------
        >>> import shapely
        >>> PolygonAreas("EPSG:4326")([shapely.box(0, 0, 1, 1)]).round(-6)
        array([1.2309e+10])
        """
        import shapely

        shapes = np.asarray(shapes, object)
        if self._crs is None or not len(shapes):
            return np.asarray(shapely.area(shapes) * self._square, np.float64)
        equal_area = self._equal_area(shapes[0])
        return np.asarray(shapely.area(shapely.transform(shapes, lambda xy: self._moved(equal_area, xy))), np.float64)

    def _equal_area(self, example: Any) -> Any:
        """Return the transformer to the projection, centred on the polygons: a seam must not cut through one."""
        import pyproj

        crs: Any = self._crs
        ellipsoid = crs.ellipsoid
        shape = f"+a={ellipsoid.semi_major_metre!r} +b={ellipsoid.semi_minor_metre!r}"
        turn = "+over"  # longitudes as they are
        if not crs.is_geographic:
            to_degrees = pyproj.Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
            west, south, east, north = example.bounds
            centre = to_degrees.transform((west + east) / 2, (south + north) / 2)[0]
            turn = f"+lon_0={centre if np.isfinite(centre) else 0.0!r}"
        return pyproj.Transformer.from_crs(crs, f"+proj=cea {shape} {turn} +type=crs", always_xy=True)

    @staticmethod
    def _moved(equal_area: Any, xy: Floats) -> Floats:
        x, y = equal_area.transform(xy[:, 0], xy[:, 1])
        return np.column_stack([x, y])
