"""GDAL kept in check: its configuration, untrusted files, warped VRTs and what it caches of failed requests.

``environment`` settings and allowed formats; ``untrusted`` rejects files that run code or reach the network;
``warped_vrt`` XML of a source warped onto another grid; ``retry_cache`` clears cached failures before a retry.
May import: errors, rasterio.
"""
