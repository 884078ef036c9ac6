"""The machine: files that are complete or absent, locks, caches, folders, memory and cores, dask clients.

Each module stands alone; none knows of rasters or models. May import: errors.
"""
