"""The CF conventions, by which NetCDF files and Zarr stores say where their pixels lie and what they mean.

In: a Dataset as xarray opens it, with stored values. Out: the same as other arrays have it: rows from north to south,
coordinates in units of a CRS, one nodata value a variable. May import what :mod:`geoseg.raster.arrays` imports.
Conventions: https://cfconventions.org/Data/cf-conventions/cf-conventions-1.11/cf-conventions.html
"""
