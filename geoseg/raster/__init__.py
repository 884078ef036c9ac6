"""Rasters of any kind as bands on one grid: opened lazily, read by box, with the validity of every pixel.

Modules, each used by those after it::

    types        Band, Pixels: what a raster is made of
    environment  GDAL settings and the formats that may be opened
    safety       files that could reach the network or run code
    names        common names of bands
    warps        GDAL XML of a source warped onto another grid
    sources      FileSource: a recipe that reads boxes of a file
    probe        one file -> its bands, grid and validity
    grids        bringing sources onto one grid
    scenes, safe, stac, zarrs   folders, .SAFE, STAC items, Zarr stores -> files with names
    ground       size of pixels in metres
    extents      bounding boxes -> pixels
    raster       Raster
    arrays       xarray objects
    choice       the option bands
    opening      open_raster
"""

from __future__ import annotations

from geoseg.raster.open import open_raster
from geoseg.raster.raster import Raster
from geoseg.raster.sources import release_handles
from geoseg.raster.types import Band, Pixels

__all__ = ["Band", "Pixels", "Raster", "open_raster", "release_handles"]
