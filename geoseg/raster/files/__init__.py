"""What one open file says about itself: ``georeference`` its grid, ``masks`` which of its pixels are missing.

In: an open dataset. Out: values, notes for the user. May import: raster.bands, raster.sampling, raster.sources.
"""
