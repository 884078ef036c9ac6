"""A place of a tiled map on the web as a scene: only where it is asked for, slowly, once, and counted.

``api`` has find_basemap; ``template`` makes addresses of tiles, ``fetch`` gets and keeps them, ``mosaic`` writes them
as one georeferenced file, which is then read like any other.
May import: raster, raster.catalog.place.
"""

from __future__ import annotations

from geoseg.raster.basemap.api import Basemap, Tiles, find_basemap

__all__ = ["Basemap", "Tiles", "find_basemap"]
