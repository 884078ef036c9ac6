"""Compiled loops over plain arrays: label, trace, join, simplify and smooth.

In: arrays of pixel codes. Out: arrays of rings. They know nothing of files, CRSs or dask.
May import: jit, and geodesy for the types of its tables.
"""
