"""Catalogues known by a short name; any other by ``URL#collection``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geoseg.errors import InputError
from geoseg.errors.secrets import without_secrets

_EARTH_SEARCH = "https://earth-search.aws.element84.com/v1"
_PLANETARY_COMPUTER = "https://planetarycomputer.microsoft.com/api/stac/v1"
_CDSE = "https://stac.dataspace.copernicus.eu/v1"

# The collection of Earth Search with ESA's own pixels; see scenes/stac_sentinel2 for the other.
_NAMES = {
    "sentinel-2": (_EARTH_SEARCH, "sentinel-2-c1-l2a"),
    "landsat": (_PLANETARY_COMPUTER, "landsat-c2-l2"),
    "naip": (_PLANETARY_COMPUTER, "naip"),
}
_SERVICES = {"earth-search": _EARTH_SEARCH, "planetary-computer": _PLANETARY_COMPUTER, "cdse": _CDSE}

PUBLIC_HOSTS = tuple(url.split("/")[2] for url in _SERVICES.values())
"""Hosts of the catalogues known by name, which are searched without a login."""

# Files of the Planetary Computer lie on Azure and are read with a token that everyone gets.
_SIGNED_HOSTS = ".blob.core.windows.net"


@dataclass(frozen=True)
class Catalog:
    """One collection of a STAC API, or of a GeoParquet file of STAC items.

    Attributes
    ----------
    url
        Address of the API's landing page; path or address of the file.
    collection
        Id of the collection; empty for a file whose collection is not named.
    """

    url: str
    collection: str

    @property
    def is_table(self) -> bool:
        """Whether it is a file."""
        return _is_table(self.url)

    @property
    def is_local(self) -> bool:
        """Whether it is a file of this machine, whose items may refer to files beside it."""
        return "://" not in self.url

    def signs(self, href: str) -> bool:
        """Return whether a file is read with a token of the Planetary Computer."""
        host = href.partition("://")[2].partition("/")[0].lower()
        return self.url == _PLANETARY_COMPUTER and host.endswith(_SIGNED_HOSTS) and "?" not in href


def _is_table(url: str) -> bool:
    return url.partition("?")[0].lower().endswith((".parquet", ".geoparquet"))


def catalog_of(text: str) -> Catalog:
    """Return the catalogue that a user names.

    Raises
    ------
    InputError
        If it is neither a known name, nor ``URL#collection``, nor a GeoParquet file, here or at an address.

    Examples
    --------
    >>> from geoseg.raster.catalog.catalogs import catalog_of
    >>> catalog_of("sentinel-2").collection
    'sentinel-2-c1-l2a'
    >>> catalog_of("planetary-computer#io-lulc").url
    'https://planetarycomputer.microsoft.com/api/stac/v1'
    >>> catalog_of("items.parquet#sentinel-2-l2a").is_table
    True
    """
    if text in _NAMES:
        return Catalog(*_NAMES[text])
    if _is_table(text) and "#" in text and "://" not in text and Path(text).exists():
        return Catalog(text, "")
    url, _, collection = text.partition("#")
    if _is_table(url) and ("://" not in url or url.lower().startswith(("https://", "http://"))):
        return Catalog(url, collection)
    url = _SERVICES.get(url, url).rstrip("/")
    if collection and url.lower().startswith(("https://", "http://")):
        return Catalog(url, collection)
    known = ", ".join((*_NAMES, *(f"{name}#COLLECTION" for name in _SERVICES), "URL#COLLECTION", "FILE.parquet"))
    raise InputError(f"catalog {without_secrets(text)!r} is unknown: give one of {known}")
