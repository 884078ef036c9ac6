"""Class maps to polygons: exact at every seam, gap-free when simplified, streamed in bounded memory.

Stands on errors, classes and write alone; never imports torch or segment.
"""

from __future__ import annotations

from geoseg.polygonize.api import ClassPolygons, PolygonSummary, polygonize

__all__ = ["ClassPolygons", "PolygonSummary", "polygonize"]
