"""Write class maps and confidence as Cloud Optimized GeoTIFFs with class names, colours and styles.

``cog`` takes arrays, ``measurements`` the pixels of a raster, ``sink`` blocks in any order; ``packed`` compresses a
block where it is computed; ``overviews``, ``tiff`` and ``spool`` handle pixels, file structure and temporary tiles;
``styles``, ``sidecar``, ``geopackage_styles`` write class names and colours, ``class_names`` finds them in any raster.
Against odc-geo's dask writer and GDAL's COG driver (``bench_cog.py``, class map of 16,384², 2 cores): 2.4 s, 229 MB and
a file of 31.8 MB; odc-geo 7.9 s (nearest) or 13.2 s (mode), 304 MB, 37.0 MB; GDAL 9.4 or 12.2 s, 435 MB, 32.9 MB.
May import: raster, classes, tiling, system, errors.
"""

from __future__ import annotations

from geoseg.write.cog import write_cog
from geoseg.write.sidecar import read_classes
from geoseg.write.sink import CogSink, finish_together
from geoseg.write.styles import polygon_qml, polygon_sld, write_qml

__all__ = [
    "CogSink",
    "finish_together",
    "polygon_qml",
    "polygon_sld",
    "read_classes",
    "write_cog",
    "write_qml",
]
