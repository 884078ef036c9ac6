"""Class maps to polygons: exact at every seam, gap-free when simplified, streamed in bounded memory.

``api`` is the door; ``source`` reads rows; ``codes``, ``strips`` and ``kernels/`` trace; ``stream`` joins strips
in order, in threads or ``on_dask``; ``minimum_mapping_unit``, ``reshape`` change
borders; ``encode`` and ``files/`` write.
May import: write, jit, class_names, geodesy, system. Never imports torch or segment.
"""

from __future__ import annotations

from geoseg.polygonize.api import ClassPolygons, PolygonSummary, polygonize

__all__ = ["ClassPolygons", "PolygonSummary", "polygonize"]
