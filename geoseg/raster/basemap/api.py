"""``find_basemap``: a place, a zoom and a tiled map in; one scene out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from affine import Affine

from geoseg.errors import InputError, OptionError
from geoseg.geodesy import pixel_sides
from geoseg.raster.bands.names import scene_name
from geoseg.raster.basemap.fetch import Fetcher
from geoseg.raster.basemap.mosaic import write_mosaic
from geoseg.raster.basemap.template import HALF, MOST_ZOOM, Template, template_of
from geoseg.raster.catalog.clip import clipped
from geoseg.raster.catalog.place import DEGREES, Place, read_place
from geoseg.raster.open import open_raster
from geoseg.raster.raster import Raster
from geoseg.system.text import rounded
from geoseg.tiling import Box

_MERCATOR_LATITUDE = math.degrees(math.atan(math.sinh(math.pi)))
_MOST_PER_SECOND = 50.0


@dataclass(frozen=True)
class Tiles:
    """Which tiles are wanted.

    Attributes
    ----------
    basemap
        Address with ``{z}``, ``{x}``, ``{y}``, or a file with GDAL's description of a tile server.
    aoi
        The place: a vector file with polygons, ``west,south,east,north`` in degrees, or WKT.
    zoom
        0…24.
    max_tiles
        Most tiles that may be needed; more are refused before anything is fetched.
    per_second
        Most requests in a second.
    attribution
        Whose map it is and by which terms, as its provider wants it named; for the report.

    Raises
    ------
    OptionError
        If a value is impossible.
    """

    basemap: str
    aoi: str
    zoom: int
    max_tiles: int = 1000
    per_second: float = 5.0
    attribution: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.zoom <= MOST_ZOOM:
            raise OptionError(f"zoom is {self.zoom}: it is 0…{MOST_ZOOM}")
        if self.max_tiles < 1:
            raise OptionError(f"max-tiles is {self.max_tiles}: give 1 or more")
        if not 0 < self.per_second <= _MOST_PER_SECOND:
            raise OptionError(f"tiles-per-second is {self.per_second:g}: give a number up to {_MOST_PER_SECOND:g}")


@dataclass(frozen=True)
class Basemap:
    """What is needed of a map, before anything is fetched.

    Attributes
    ----------
    wanted
        What was asked for.
    template, place
        The same, read.
    tiles
        Rows and columns of the tiles of the zoom.
    """

    wanted: Tiles
    template: Template
    place: Place
    tiles: Box

    @property
    def terms(self) -> str:
        """Who must be asked."""
        said = self.wanted.attribution
        return f"{said}" if said else "check that its provider's terms allow this use, and name it with --attribution"

    def pixel_size(self, side: int = 256) -> float:
        """Return the side of a pixel on the ground in metres at the middle of the place; ``side`` is that of tiles."""
        west, south, east, north = self.place.bounds
        x, y = HALF * (west + east) / 360, HALF * (1 - 2 * _down((south + north) / 2))
        pixel = 2 * HALF / 2**self.wanted.zoom / side
        sides = pixel_sides("EPSG:3857", Affine(pixel, 0, x, 0, -pixel, y), (1, 1))
        assert sides is not None
        return sum(sides) / 2

    def fetch(self, told: Callable[[int, int], None] = lambda _done, _total: None, **reading: Any) -> Raster:
        """Get the tiles, and return the place as a raster in Web Mercator; its notes say what is missing.

        Tiles are kept in the user's cache folder for 30 days. ``reading`` are options of
        :func:`geoseg.open_raster`.

        Raises
        ------
        InputError
            If a tile cannot be fetched or is no picture. Those that came are kept.
        """
        fetcher = Fetcher(self.template, self.wanted.per_second)
        path, missing = write_mosaic(fetcher, self.wanted.zoom, self.tiles, told)
        name = scene_name(f"{self.template.host}_z{self.wanted.zoom}")
        raster = open_raster(path, name=name, bbox=self.place.bounds, bbox_crs=DEGREES, **reading)
        if not self.place.is_box:
            raster = clipped(raster, self.place.in_crs(raster.grid.crs, name))
        sides = pixel_sides(raster.crs, raster.transform, raster.shape)
        assert sides is not None
        count = self.tiles.area
        size = f"pixels of {rounded(sum(sides) / 2)} m on the ground"
        notes = [f"{name}: {count} tiles of {self.template.label}, zoom {self.wanted.zoom}, {size}: {self.terms}"]
        if missing:
            row, col = missing[0]
            notes.append(
                f"{name}: {len(missing)} of {count} tiles are missing on the server and nodata "
                f"({self.wanted.zoom}/{col}/{row}{', …' * (len(missing) > 1)})"
            )
        return replace(raster, notes=(*raster.notes, *notes))


def _down(latitude: float) -> float:
    """Return how far from the north of Web Mercator a latitude is, 0…1."""
    return 0.5 - math.asinh(math.tan(math.radians(latitude))) / (2 * math.pi)


def find_basemap(wanted: Tiles) -> Basemap:
    """Find out which tiles a place needs; nothing is fetched.

    Raises
    ------
    InputError
        If there is no such place, it cannot lie in Web Mercator, it needs more tiles than allowed, or the address is
        none of tiles.

    Examples
    --------
    >>> from geoseg.raster.basemap import Tiles, find_basemap
    >>> found = find_basemap(Tiles("https://tiles.example/{z}/{x}/{y}.png", "13.37,52.51,13.38,52.52", 18))
    >>> found.tiles.area, round(found.pixel_size(), 2)
    (104, 0.36)
    """
    template, place = template_of(wanted.basemap), read_place(wanted.aoi)
    west, south, east, north = place.bounds
    if place.crosses:
        raise InputError(f"{place.label}: crosses the antimeridian, where the tiles end; give its two parts one by one")
    if max(abs(south), abs(north)) >= _MERCATOR_LATITUDE:
        raise InputError(f"{place.label}: reaches beyond ±{_MERCATOR_LATITUDE:.2f}°, where Web Mercator ends")
    count: int = 2**wanted.zoom

    def cell(value: float) -> int:
        return min(max(math.floor(value * count), 0), count - 1)

    left, right = cell((west + 180) / 360), cell(math.nextafter((east + 180) / 360, 0))
    top, bottom = cell(_down(north)), cell(math.nextafter(_down(south), 0))
    tiles = Box(top, left, bottom - top + 1, right - left + 1)
    if tiles.area > wanted.max_tiles:
        raise InputError(
            f"{place.label}: needs {tiles.area:,} tiles of zoom {wanted.zoom}, {wanted.max_tiles:,} are allowed: give "
            "a smaller place or zoom, or, if the provider agrees, a larger --max-tiles"
        )
    return Basemap(wanted, template, place, tiles)
