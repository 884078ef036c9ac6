"""Rasters of any kind as bands on one grid: opened lazily, read by box, with the validity of every pixel.

``open`` is the door; ``raster`` the Raster; ``scenes/`` what a path stands for; ``arrays`` xarray objects; ``probe``
reads bands, grid and validity of a file; ``sources`` reads boxes; ``shared_reads`` decodes each cell once; ``grids``
brings sources onto one grid; ``names``, ``band_option``, ``bbox`` band names and options; ``gdal/`` GDAL kept in check.
May import: tiling, classes, system, errors.
"""

from __future__ import annotations

from geoseg.raster.open import open_raster
from geoseg.raster.raster import Raster
from geoseg.raster.sources import release_handles
from geoseg.raster.types import Band, Pixels

__all__ = ["Band", "Pixels", "Raster", "open_raster", "release_handles"]
