"""Write polygons: stream record batches into GeoPackage, GeoParquet or FlatGeobuf files.

``write`` is the entry point: it chooses the format by suffix and renames the file once it is complete.
May import: polygonize.encode, write (styles), system.
"""
