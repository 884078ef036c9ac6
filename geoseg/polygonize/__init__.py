"""Class maps to polygons: exact across strips, without gaps when simplified, streamed in bounded memory.

In: a raster or DataArray of class ids. Out: a GeoDataFrame, or a GeoPackage, GeoParquet or FlatGeobuf file.
``api`` is the entry point; ``source`` reads rows; ``codes``, ``strips`` and ``kernels/`` trace; ``stream`` joins strips
in order, traced in threads or ``on_dask``; ``minimum_mapping_unit`` and ``reshape`` generalize; ``encode`` and
``files/`` write.
May import: write, jit, geodesy, system. Never imports torch or segment.
"""

from __future__ import annotations

from geoseg.polygonize.api import ClassPolygons, PolygonSummary, polygonize

__all__ = ["ClassPolygons", "PolygonSummary", "polygonize"]
