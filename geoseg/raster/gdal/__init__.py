"""GDAL: configuration, untrusted files, warped VRTs, and its cache of failed requests.

``environment`` sets options and allowed formats; ``untrusted`` rejects files that run code or reach the network;
``warped_vrt`` writes the XML of a source warped to another grid; ``retry_cache`` drops cached failures before a retry.
May import: errors, rasterio.
"""
