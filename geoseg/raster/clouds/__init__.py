"""Clouds, their shadows and snow as missing pixels, from the quality bands that products have.

``kinds`` says what the values of known quality bands mean and how such bands are recognized, ``quality`` is a quality
band on the grid of a raster, ``option`` finds the one of a scene, ``report`` measures how much is masked.
May import: raster.
"""
