"""Ask the network again: GDAL remembers that a file was not there, also when it was the network that was not."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import rasterio

from geoseg.raster.gdal.environment import gdal_path, is_remote
from geoseg.raster.sources import release_handles

_distrusted: set[str] = set()
_LOCK = threading.Lock()


def clear_remote_cache(sources: Iterable[str]) -> None:
    """Make GDAL forget what it knows of remote files, from now on whenever it closes them, and close them."""
    remote = {gdal_path(source) for source in sources if is_remote(source)}
    if not remote:
        return
    with _LOCK:
        _distrusted.update(path.partition("?")[0] for path in remote)
        with rasterio.Env():
            # GDAL takes the entries as beginnings of names.
            rasterio.env.set_gdal_config("CPL_VSIL_CURL_NON_CACHED", ":".join(sorted(_distrusted)))
    release_handles()
