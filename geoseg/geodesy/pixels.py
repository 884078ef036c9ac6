"""Areas and lengths of pixels on the ellipsoid, as small tables that compiled code sums over.

Projected areas are distorted: a pixel of Web Mercator at 60° north covers a quarter of its projected area. Here a pixel
has the area that it covers on the ellipsoid of the CRS:

- north-up rasters in a geographic CRS: the exact area between two parallels and two meridians (Snyder, *Map
  Projections, A Working Manual*, USGS PP 1395, 1987, eq. 3-12 for q);
- all others: the Jacobian of pixel → ellipsoid at nodes at most 16 km apart, interpolated bilinearly;
- local (engineering) CRSs, which have no place on Earth: the plane, in metres by the CRS's own unit;
- without a CRS, or in one of an unknown unit: the units of the transform.

Sums are integers in units of 2⁻²⁰ pixel, so that they do not depend on the order of addition.
"""

from __future__ import annotations

import math
from contextlib import suppress
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from geoseg.geodesy.crs import horizontal, metres_per_unit, on_earth

Array: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]

_NODE_METRES = 16_000.0
_STEP_METRES = 500.0


class StripAreas(NamedTuple):
    """Pixel areas of consecutive rows, in units.

    The area of columns ``a … b - 1`` in row ``i`` is ``scale[i]`` times the difference of ``prefix`` between ``b`` and
    ``a``, interpolated between the tables ``table[i]`` and ``table[i] + 1`` with weight ``mix[i]`` for the second.
    """

    prefix: Floats
    table: Array
    mix: Floats
    scale: Floats


class Edges(NamedTuple):
    """Lengths of pixel sides in metres.

    ``columns`` and ``rows`` are cumulative lengths along the middle row and column of the raster; ``row_scale`` and
    ``column_scale`` are their factors at other rows and columns.
    """

    columns: Floats
    column_scale: Floats
    rows: Floats
    row_scale: Floats


class PixelGeodesy:
    """Areas and lengths of one raster's pixels.

    Parameters
    ----------
    transform
        Pixel → CRS.
    crs
        Anything that ``pyproj.CRS.from_user_input`` takes, or None: then areas and lengths are in the transform's
        units, as for a CRS whose unit is unknown.
    height, width
        Raster size.

    Attributes
    ----------
    unit
        Square metres per unit of area.
    """

    def __init__(self, transform: Affine, crs: Any, height: int, width: int) -> None:
        self._affine = transform
        self._height = height
        self._width = width
        self._crs = on_earth(crs)
        # Metres per unit of the plane that stands in for an ellipsoid.
        self._plane = (metres_per_unit(crs) if crs is not None and self._crs is None else None) or 1.0
        self._rows: dict[int, Floats] = {}
        nominal = abs(transform.determinant) * self._plane**2
        if self._crs is not None:
            _, along, across = self._jacobian(np.array([width / 2]), np.array([height / 2]))
            nominal = float(along[0] * across[0])
            self.pixel_size = math.sqrt(nominal) if nominal > 0 else 1.0
        else:
            self.pixel_size = math.sqrt(nominal)
        self.unit = nominal / 2**20 if nominal > 0 and math.isfinite(nominal) else 1.0

    def __getstate__(self) -> dict[str, Any]:
        # Transformers cannot be pickled; tables are cheap to compute again.
        return {k: v for k, v in vars(self).items() if k != "_to_geodetic"} | {"_rows": {}}

    @property
    def _parallel(self) -> bool:
        """Whether rows are parallels and columns are meridians."""
        return (
            self._crs is not None
            and self._crs.is_geographic
            and not self._crs.is_derived
            and self._affine.b == 0
            and self._affine.d == 0
        )

    def areas(self, first: int, last: int) -> StripAreas:
        """Return the areas of the pixels of rows ``first … last - 1``."""
        count = last - first
        flat = np.zeros(count, np.int64), np.zeros(count)
        one = np.arange(self._width + 1, dtype=np.float64)[None]
        if self._crs is None:
            return StripAreas(one, *flat, np.full(count, abs(self._affine.determinant) * self._plane**2 / self.unit))
        if self._parallel:
            return StripAreas(one, *flat, np.abs(np.diff(self._zones(first, last))) / self.unit)
        step = self._node_step
        middle = (np.arange(first, last) + 0.5) / step
        node = np.floor(middle).astype(np.int64)
        low, high = int(node[0]), int(node[-1]) + 1
        for stale in list(self._rows):
            if stale < low - 8:  # other threads work on strips nearby
                self._rows.pop(stale, None)
        prefix = np.stack([self._node_row(k) for k in range(low, high + 1)])
        return StripAreas(prefix, node - low, middle - node, np.full(count, 1 / self.unit))

    @cached_property
    def edges(self) -> Edges:
        """Lengths of pixel sides in metres."""
        wide, high = self._width, self._height
        if self._crs is None:
            a = self._affine
            return Edges(
                np.arange(wide + 1.0) * math.hypot(a.a, a.d) * self._plane, np.ones(wide + 1),
                np.arange(high + 1.0) * math.hypot(a.b, a.e) * self._plane, np.ones(high + 1),
            )  # fmt: skip
        if self._parallel:
            _, along, _ = self._jacobian(np.full(high + 1, wide / 2), np.arange(high + 1.0))
            _, _, across = self._jacobian(np.full(high, wide / 2), np.arange(0.5, high))
            return Edges(np.arange(wide + 1.0), np.ones(wide + 1), np.r_[0, np.cumsum(across)], along)
        columns = self._interpolated(wide)
        rows = self._interpolated(high)
        _, along, across = self._jacobian(columns.nodes, np.full(columns.nodes.size, high / 2))
        column_sum = np.r_[0, np.cumsum(columns(along, 0.5)[:-1])]
        column_scale = columns(across / columns.at(across, wide / 2), 0)
        _, along, across = self._jacobian(np.full(rows.nodes.size, wide / 2), rows.nodes)
        row_sum = np.r_[0, np.cumsum(rows(across, 0.5)[:-1])]
        return Edges(column_sum, column_scale, row_sum, rows(along / rows.at(along, high / 2), 0))

    def _zones(self, first: int, last: int) -> Floats:
        """Return the area between the equator and lattice lines ``first … last``, one column wide."""
        a, b = self._axes
        flat = 1 - (b / a) ** 2
        latitude = self._radians * (self._affine.f + self._affine.e * np.arange(first, last + 1))
        sine = np.sin(np.clip(latitude, -math.pi / 2, math.pi / 2))
        if flat < 1e-12:
            q = 2 * sine
        else:
            e = math.sqrt(flat)
            q = (1 - flat) * (sine / (1 - flat * sine**2) + np.arctanh(e * sine) / e)
        return a * a / 2 * q * abs(self._affine.a) * self._radians  # type: ignore[no-any-return]

    @property
    def _axes(self) -> tuple[float, float]:
        ellipsoid = self._crs.ellipsoid
        return ellipsoid.semi_major_metre, ellipsoid.semi_minor_metre

    @property
    def _radians(self) -> float:
        return float(self._crs.axis_info[0].unit_conversion_factor)

    @cached_property
    def _to_geodetic(self) -> Any:
        import pyproj

        if self._crs.is_geographic and not self._crs.is_derived:
            return lambda x, y: (np.degrees(x * self._radians), np.degrees(y * self._radians))
        return pyproj.Transformer.from_crs(self._crs, self._crs.geodetic_crs, always_xy=True).transform

    def _on_ellipsoid(self, column: Floats, row: Floats) -> Floats:
        """Return geocentric x, y, z in metres of raster positions, shape (3, n)."""
        a, b = self._axes
        t = self._affine
        longitude, latitude = self._to_geodetic(t.a * column + t.b * row + t.c, t.d * column + t.e * row + t.f)
        lon, lat = np.radians(longitude), np.radians(np.clip(latitude, -90, 90))
        normal = a * a / np.hypot(a * np.cos(lat), b * np.sin(lat))
        flat = np.cos(lat) * normal
        return np.stack([flat * np.cos(lon), flat * np.sin(lon), (b / a) ** 2 * normal * np.sin(lat)])

    def _jacobian(self, column: Floats, row: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the area of a pixel and the lengths of its sides along columns and rows, at raster positions."""
        t = self._affine
        with np.errstate(invalid="ignore"):
            size = self._crs.axis_info[0].unit_conversion_factor * math.sqrt(abs(t.determinant)) or 1.0
            if self._crs.is_geographic:
                size *= self._axes[0]
            h = max(0.5, _STEP_METRES / size)
            by_column = (self._on_ellipsoid(column + h, row) - self._on_ellipsoid(column - h, row)) / (2 * h)
            by_row = (self._on_ellipsoid(column, row + h) - self._on_ellipsoid(column, row - h)) / (2 * h)
            area = np.linalg.norm(np.cross(by_column, by_row, axis=0), axis=0)
            along, across = np.linalg.norm(by_column, axis=0), np.linalg.norm(by_row, axis=0)
        # Outside the domain of the projection there is no position on the ellipsoid: use planar measures.
        unit = self._crs.axis_info[0].unit_conversion_factor
        plane = abs(t.determinant) * unit**2, math.hypot(t.a, t.d) * unit, math.hypot(t.b, t.e) * unit
        fixed = [np.where(np.isfinite(v), v, p) for v, p in zip((area, along, across), plane, strict=True)]
        return fixed[0], fixed[1], fixed[2]

    @cached_property
    def _node_step(self) -> int:
        return int(min(max(_NODE_METRES / self.pixel_size, 4), 256))

    def _node_row(self, k: int) -> Floats:
        """Return the cumulative sum of pixel areas along the lattice line of node row ``k``."""
        cumulative = self._rows.get(k)
        if cumulative is None:
            columns = self._interpolated(self._width)
            area, _, _ = self._jacobian(columns.nodes, np.full(columns.nodes.size, float(k * self._node_step)))
            cumulative = np.r_[0, np.cumsum(columns(area, 0.5)[:-1])]
            self._rows[k] = cumulative
        return cumulative

    def _interpolated(self, size: int) -> _Axis:
        return _Axis(size, self._node_step)


class _Axis:
    """Linear interpolation between the nodes of one axis."""

    def __init__(self, size: int, step: int) -> None:
        self._size = size
        self.nodes = np.arange(0, size + step, step, dtype=np.float64)

    def __call__(self, values: Floats, shift: float) -> Floats:
        """Return values at ``shift, 1 + shift, …, size + shift``."""
        return np.interp(np.arange(self._size + 1.0) + shift, self.nodes, values)

    def at(self, values: Floats, position: float) -> float:
        """Return the value at one position."""
        return float(np.interp(position, self.nodes, values))


def pixel_sides(crs: Any, transform: Affine | None, shape: Any) -> tuple[float, float] | None:
    """Return the lengths of a pixel's sides along rows and along columns in metres, at the raster's centre.

    Lengths are measured on the ellipsoid if the CRS has one: metres of Web Mercator are not metres on the ground.

    Parameters
    ----------
    crs
        Anything whose ``str`` pyproj can parse, or None.
    transform
        Pixel corners (column, row) → CRS.
    shape
        Rows, columns: a pair, also odc-geo's.

    Returns
    -------
    tuple of two floats, or None without a CRS, where the CRS has no position on Earth, or where its unit is unknown.

    Examples
    --------
    >>> from affine import Affine
    >>> along, across = pixel_sides("EPSG:3857", Affine(10, 0, 0, 0, -10, 8399738), (2, 2))  # at 60° north
    >>> round(along, 1), round(across, 1)
    (5.0, 5.0)
    """
    if crs is None or transform is None:
        return None
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    parsed = horizontal(crs)
    row, column = shape[0] / 2, shape[1] / 2
    columns = np.array([column - 0.5, column + 0.5, column, column])
    rows = np.array([row, row, row - 0.5, row + 0.5])
    x = transform.a * columns + transform.b * rows + transform.c
    y = transform.d * columns + transform.e * rows + transform.f
    geod = parsed.get_geod()
    if geod is not None and parsed.geodetic_crs is not None:
        with suppress(ProjError):
            lon, lat = Transformer.from_crs(parsed, parsed.geodetic_crs, always_xy=True).transform(x, y)
            along, across = geod.inv(lon[::2], lat[::2], lon[1::2], lat[1::2])[2].tolist()
            if 0 < along < math.inf and 0 < across < math.inf:
                return along, across
    factor = metres_per_unit(parsed)
    if factor is None:
        return None
    along = math.hypot(transform.a, transform.d) * factor
    across = math.hypot(transform.b, transform.e) * factor
    return (along, across) if along and across else None
