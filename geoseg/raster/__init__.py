"""Rasters of any kind as bands on one grid: opened lazily, read by box, with the validity of every pixel.

``open`` has open_raster; ``raster`` Raster, ``lazy`` its DataArray, ``quicklook`` and ``repr_html`` its picture;
``scenes/`` finds the files of a path, ``catalog/`` of a place; ``composite/`` joins dates, ``mosaic/`` neighbours;
``arrays`` takes xarray; ``probe`` describes a file; ``grids`` puts files on one grid; ``sources`` reads boxes,
``shared_reads`` decodes each cell once, ``sampling`` chooses where to sample; ``bands/`` says which band is which,
``files/`` what a file says of itself, ``fill`` finds undeclared fill; ``vectors`` reads polygons and points; ``gdal/``
opens files safely. May import: tiling, classes, system, errors.
"""

from __future__ import annotations

from geoseg.raster.open import open_raster
from geoseg.raster.raster import Raster
from geoseg.raster.sources import release_handles
from geoseg.raster.types import Band, Pixels

__all__ = ["Band", "Pixels", "Raster", "open_raster", "release_handles"]
