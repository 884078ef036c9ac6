"""Compiled loops of polygonizing: runs, regions, rings, joins and simplification on plain arrays.

In: arrays of codes and corners. Out: arrays of rings. They know nothing of files, CRSs or dask.
May import: jit, and geodesy for the types of its tables.
"""
