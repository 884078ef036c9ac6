"""Files, locks, caches, user folders, memory and cores, dask clusters: nothing here knows of rasters or models.

``files`` atomic writes; ``locks`` one run per output folder; ``storage`` output folders and buckets; ``cache`` measured
values; ``folders`` the user's folders; ``resources`` memory and cores, within the limits that ``cgroup`` reads;
``cluster`` dask.
May import: errors.
"""
