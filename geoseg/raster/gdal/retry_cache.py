"""Drop GDAL's cached 404s before a retry: GDAL remembers a failed request, even if the network was down."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import rasterio

from geoseg.raster.gdal.environment import gdal_path, is_remote
from geoseg.raster.sources import release_handles

_not_cached: set[str] = set()
_LOCK = threading.Lock()


def clear_remote_cache(sources: Iterable[str]) -> None:
    """Exclude remote files from GDAL's cache beyond their closing, and close them."""
    remote = {gdal_path(source) for source in sources if is_remote(source)}
    if not remote:
        return
    with _LOCK:
        _not_cached.update(path.partition("?")[0] for path in remote)
        with rasterio.Env():
            # GDAL matches the entries as prefixes.
            rasterio.env.set_gdal_config("CPL_VSIL_CURL_NON_CACHED", ":".join(sorted(_not_cached)))
    release_handles()
