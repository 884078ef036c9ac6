"""Addresses of files on servers: as GDAL opens them, and as they are shown."""

from __future__ import annotations

from urllib.parse import parse_qs, quote

from geoseg.errors.secrets import without_secrets

_SIGNING = "/vsicurl?pc_url_signing=yes&"


def signed_when_read(href: str, collection: str) -> str:
    """Return the name under which GDAL reads a file of the Planetary Computer.

    GDAL fetches the collection's token itself, and a new one when it expires, so that no path holds a token:
    https://gdal.org/en/stable/user/virtual_file_systems.html#vsicurl.

    Examples
    --------
    >>> from geoseg.raster.gdal.addresses import shown_address, signed_when_read
    >>> path = signed_when_read("https://naipeuwest.blob.core.windows.net/naip/m_3.tif", "naip")
    >>> path
    '/vsicurl?pc_url_signing=yes&pc_collection=naip&url=https%3A%2F%2Fnaipeuwest.blob.core.windows.net%2Fnaip%2Fm_3.tif'
    >>> shown_address(path)
    'https://naipeuwest.blob.core.windows.net/naip/m_3.tif'
    """
    return f"{_SIGNING}pc_collection={quote(collection, safe='')}&url={quote(href, safe='')}"


def shown_address(path: str) -> str:
    """Return a remote path as messages and reports have it: without signatures, tokens and passwords."""
    if path.startswith(_SIGNING):
        path = parse_qs(path.partition("?")[2]).get("url", [path])[0]
    return without_secrets(path)
