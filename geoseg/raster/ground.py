"""How large pixels are on the ground, where a map projection says otherwise."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np
from affine import Affine


def pixel_sides(crs: Any, transform: Affine | None, shape: Any) -> tuple[float, float] | None:
    """Length of a pixel along rows and along columns in metres, at the raster's centre.

    Measured on the ellipsoid wherever the CRS knows its own: the metres of Web Mercator are not those of the ground.

    Parameters
    ----------
    crs
        Anything whose ``str`` pyproj reads, or None.
    transform
        Pixel corners (column, row) → CRS.
    shape
        Rows, columns: a pair, also odc-geo's.

    Returns
    -------
    tuple of two floats, or None without CRS or where the CRS does not reach the ground.
    """
    if crs is None or transform is None:
        return None
    from pyproj import CRS, Transformer
    from pyproj.exceptions import ProjError

    found = CRS.from_user_input(str(crs))
    row, column = shape[0] / 2, shape[1] / 2
    columns = np.array([column - 0.5, column + 0.5, column, column])
    rows = np.array([row, row, row - 0.5, row + 0.5])
    x = transform.a * columns + transform.b * rows + transform.c
    y = transform.d * columns + transform.e * rows + transform.f
    geod = found.get_geod()
    if geod is not None and found.geodetic_crs is not None:
        with suppress(ProjError):
            lon, lat = Transformer.from_crs(found, found.geodetic_crs, always_xy=True).transform(x, y)
            along, across = geod.inv(lon[::2], lat[::2], lon[1::2], lat[1::2])[2].tolist()
            if 0 < along < math.inf and 0 < across < math.inf:
                return along, across
    if found.is_geographic:
        return None
    factor = found.axis_info[0].unit_conversion_factor if found.axis_info else 1.0
    along = math.hypot(transform.a, transform.d) * factor
    across = math.hypot(transform.b, transform.e) * factor
    return (along, across) if along and across else None
