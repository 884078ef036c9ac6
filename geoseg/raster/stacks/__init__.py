"""Several rasters of one place as one: sensors, dates, before and after.

``source`` reads the bands of all slots and tells where each has data; ``api`` puts files on one grid, slot by slot;
``series`` finds the dates of files, and ``places`` which files belong together.
A stack is a Raster like any other: each slot has its bands, ``NAME:valid`` (1 where it has data) and, in a series,
``NAME:day``. May import: raster.
"""
