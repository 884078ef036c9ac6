"""Keep what GDAL remembers of remote files out of the next try: of a request that failed, too, or was cut short."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import rasterio

from geoseg.raster.gdal.environment import gdal_path, is_remote

if TYPE_CHECKING:
    from collections.abc import Iterable

_not_cached: set[str] = set()
_LOCK = threading.Lock()


def exclude_from_cache(sources: Iterable[str]) -> None:
    """Make GDAL forget remote files as soon as they are closed; others are left alone."""
    remote = {gdal_path(source).partition("?")[0] for source in sources if is_remote(source)}
    if not remote:
        return
    with _LOCK:
        _not_cached.update(remote)
        with rasterio.Env():
            # GDAL matches the entries as prefixes.
            rasterio.env.set_gdal_config("CPL_VSIL_CURL_NON_CACHED", ":".join(sorted(_not_cached)))
