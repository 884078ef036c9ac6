"""Measures on the ground: ``crs`` units, names, checked transformations; ``pixels`` and ``polygons`` areas, lengths.

In: transforms and CRSs of rasterio, odc-geo or pyproj. Out: numbers in metres. May import: errors.
"""

from geoseg.geodesy.pixels import Edges, PixelGeodesy, StripAreas, pixel_sides

__all__ = ["Edges", "PixelGeodesy", "StripAreas", "pixel_sides"]
