"""GDAL: every raster is opened here, checked; configuration, warped VRTs, and its cache of failed requests.

``datasets`` opens; ``untrusted`` rejects files that run code or reach the network, by ``xml`` and ``archives``;
``environment`` sets options and allowed formats; ``library`` removes drivers through ctypes; ``warped_vrt`` writes the
XML of a source warped to another grid; ``retry_cache`` drops cached failures before a retry.
May import: errors, system.files, rasterio.
"""
