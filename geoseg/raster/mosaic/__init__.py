"""Scenes side by side on one lattice of pixels as one raster: ``open_raster([…], mosaic=True)``.

``api`` checks that open rasters fit together and says which one does not; ``source`` reads a box from the scenes that
it touches. In: rasters on whole pixels of one another; out: a Raster of their common extent, so that windows, margins,
blocks and polygons reach across scenes. Nothing is resampled. May import: raster, but for raster.open.
"""
