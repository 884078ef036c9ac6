"""Polygons to disk: record batches stream into GeoPackage, GeoParquet or FlatGeobuf.

``write`` is the door: it chooses the format by suffix and renames the file when it is complete.
May import: polygonize.encode, write (styles), system.
"""
