"""A raster at another pixel size: averages of finer pixels, bilinear values between coarser ones.

``lattice`` is where pixels of both sizes lie, ``source`` reads one in the other's, a strip at a time.
May import: raster.
"""
