"""GDAL: every raster is opened here, checked; configuration, warped VRTs, and its cache of failed requests.

``datasets`` opens; ``untrusted`` rejects files that run code or reach the network, by ``xml`` and ``archives``;
``environment`` sets options and allowed formats; ``library`` removes drivers through ctypes; ``warped_vrt`` writes the
XML of a source warped to another grid; ``messages`` makes errors of losses that GDAL only mentions; ``retry_cache``
keeps failed requests out of the next try.
May import: errors, system.files, rasterio.
"""
