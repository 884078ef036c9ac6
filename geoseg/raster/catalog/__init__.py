"""From a place and a period to a scene: a STAC catalogue is searched, the fewest items that cover the place are read.

``api`` has find_scene; ``place`` reads where; ``catalogs`` knows addresses; ``client`` searches over HTTP; ``items``
holds what is found; ``cover`` chooses; ``clip`` makes what is outside of the place nodata.
May import: raster.
"""

from __future__ import annotations

from geoseg.raster.catalog.api import FoundScene, Search, find_scene

__all__ = ["FoundScene", "Search", "find_scene"]
