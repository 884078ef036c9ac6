"""GDAL configuration: allowed formats, and options for local and remote files."""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from typing import Any, Self

import rasterio
from rasterio.errors import NotGeoreferencedWarning

from geoseg.raster.gdal.library import ThreadOption, gdal, remove_drivers

# Raster.notes reports a missing georeference once; rasterio would warn in every thread that opens the file.
warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)

DRIVERS = (
    "GTiff", "VRT", "JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID", "PNG", "JPEG", "WEBP", "GIF", "BMP", "HFA", "ENVI",
    "EHdr", "ERS", "AAIGrid", "PCIDSK", "NITF", "SAGA", "SRTMHGT", "DTED", "RST",
)  # fmt: skip
"""Formats that hold pixels. Excluded are those that describe requests to a server (WMS, WMTS, WCS, STACTA, tile
indexes, MRF with a remote source …): opening a file must not reach the network."""

_SETTINGS = {
    # By default a truncated JPEG gives grey pixels and a warning; an error is better than wrong pixels.
    "GDAL_ERROR_ON_LIBJPEG_WARNING": "YES",
}

# These hold whatever the user's environment says.
_SECURITY = {
    "GDAL_VRT_ENABLE_PYTHON": "NO",
    # From GDAL 3.11 on; geoseg checks raw bands itself as well.
    "GDAL_VRT_RAWRASTERBAND_ALLOWED_SOURCE": "SIBLING_OR_CHILD_OF_VRT_PATH",
}
_NO_NETWORK = ("CPL_VSIL_CURL_ALLOWED_FILENAME", "none")

_REMOTE_SETTINGS = {
    # Listing a bucket to find sidecar files takes longer than everything else.
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
    "GDAL_HTTP_MAX_RETRY": "4",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    "GDAL_HTTP_TIMEOUT": "120",
    "GDAL_HTTP_CONNECTTIMEOUT": "20",
    "GDAL_HTTP_MULTIPLEX": "YES",
    "GDAL_HTTP_MERGE_CONSECUTIVE_RANGES": "YES",
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    "VSI_CACHE": "TRUE",
    "VSI_CACHE_SIZE": "5000000",
}

_CACHE_BYTES = 128 * 2**20
_cache_is_limited = False


class _Environment(rasterio.Env):  # type: ignore[misc]
    """A rasterio environment that also turns GDAL's network file systems off in this thread."""

    def __init__(self, *, network: bool, **options: Any) -> None:
        self._offline: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
        if not network:
            if gdal("rasterio") is not None:
                self._offline = ThreadOption(*_NO_NETWORK)
            else:
                options[_NO_NETWORK[0]] = _NO_NETWORK[1]
        super().__init__(**options)

    def __enter__(self) -> Self:
        super().__enter__()
        self._offline.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._offline.__exit__(None, None, None)
        super().__exit__(*exception)


def environment(path: str = "", *, remote: bool = False) -> rasterio.Env:
    """Return a rasterio environment for opening and reading ``path``.

    Options that the user has set, as environment variables or in an enclosing ``rasterio.Env``, take precedence, except
    those that decide on security: a file runs no code, and one on a local disk reaches no server.

    Parameters
    ----------
    path
        The raster; the network is available if it is remote itself.
    remote
        Whether a local file may refer to the network.
    """
    remove_drivers("rasterio")
    _limit_cache()
    settings = _SETTINGS | _REMOTE_SETTINGS | _s3_server() if is_remote(path) else _SETTINGS
    outer = rasterio.env.getenv() if rasterio.env.hasenv() else {}
    options = {key: value for key, value in settings.items() if key not in os.environ and key not in outer}
    return _Environment(network=remote or is_remote(path), **(options | _SECURITY))


def _s3_server() -> dict[str, str]:
    """Return GDAL's options for the S3 server that AWS's own variable names, as the library that writes takes it."""
    address = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if not address or "AWS_S3_ENDPOINT" in os.environ:
        return {}
    scheme, _, host = address.rpartition("://")
    secure = "NO" if scheme.lower() == "http" else "YES"
    return {"AWS_S3_ENDPOINT": host.rstrip("/"), "AWS_HTTPS": secure, "AWS_VIRTUAL_HOSTING": "FALSE"}


def _limit_cache() -> None:
    """Limit GDAL's block cache, which is shared by the process and by default takes 5 % of the machine's memory.

    geoseg reads each block about once: a large cache gains nothing and counts against its memory budget.
    """
    global _cache_is_limited  # noqa: PLW0603  GDAL's cache is global to the process, and so is this
    if _cache_is_limited:
        return
    _cache_is_limited = True
    if "GDAL_CACHEMAX" in os.environ or (rasterio.env.hasenv() and "GDAL_CACHEMAX" in rasterio.env.getenv()):
        return
    with rasterio.Env():
        rasterio.env.set_gdal_config("GDAL_CACHEMAX", _CACHE_BYTES)


_NETWORK = (
    "/vsicurl", "/vsis3", "/vsigs", "/vsiaz", "/vsiadls", "/vsioss", "/vsiswift", "/vsiwebhdfs", "/vsihdfs",
)  # fmt: skip
_SCHEMES = ("http://", "https://", "ftp://", "s3://", "gs://", "az://", "adls://", "oss://", "swift://")


def is_remote(path: str) -> bool:
    """Return whether GDAL would use the network to open ``path``, also through an archive."""
    lowered = path.lower()
    return any(name in lowered for name in _NETWORK) or any(scheme in lowered for scheme in _SCHEMES)


def is_virtual(path: str) -> bool:
    """Return whether ``path`` is a URL or in one of GDAL's virtual file systems, not a plain local path."""
    return path.startswith("/vsi") or path.lower().startswith(_SCHEMES)


def gdal_path(path: str) -> str:
    """Return the name under which GDAL opens a path or URL."""
    for scheme, prefix in (
        ("s3://", "/vsis3/"), ("gs://", "/vsigs/"), ("az://", "/vsiaz/"), ("adls://", "/vsiadls/"),
        ("oss://", "/vsioss/"), ("swift://", "/vsiswift/"),
    ):  # fmt: skip
        if path.lower().startswith(scheme):
            return prefix + path[len(scheme) :]
    if path.lower().startswith(("http://", "https://", "ftp://")):
        return "/vsicurl/" + path
    return path


logging.getLogger("rasterio").addHandler(logging.NullHandler())
