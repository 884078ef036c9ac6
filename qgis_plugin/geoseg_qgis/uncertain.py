"""The polygons that a person should look at first. No qgis import."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any, Callable

MOST = 200
"""So many polygons are stepped through."""

# The least certain area first. Without the size, specks come first; with all of it, the largest polygon does, however
# certain it is. So areas count up to 1 % of the map, and polygons that are surer than the map as a whole come last. In
# any map pixels along borders are uncertain, as they hold two classes: what lies within a pixel of the border does not
# count, or strips along the borders of larger polygons would come first. A strip of nothing else keeps a tenth.
_QUERY = """
WITH map AS (
    SELECT SUM(area_m2) AS area, SUM(confidence * area_m2) / SUM(area_m2) AS confidence
    FROM polygons WHERE confidence IS NOT NULL
)
SELECT fid FROM polygons, map
WHERE polygons.confidence IS NOT NULL
ORDER BY
    polygons.confidence > map.confidence,
    (100 - polygons.confidence) * MIN(MAX(area_m2 - ? * perimeter_m, area_m2 / 10), map.area / 100) DESC,
    fid
LIMIT ?
"""


def most_uncertain(path: str, pixel: float = 0.0, most: int = MOST) -> list[int]:
    """Return feature ids, those to look at first: (1 - confidence) × area away from the border, with the area capped.

    None if the file has no such layer.

    Parameters
    ----------
    path
        GeoPackage that ``geoseg segment`` wrote.
    pixel
        Side of a pixel of the map, in metres; 0 if it is not known.
    most
        How many are returned.
    """
    return feature_ids(path, _QUERY, (pixel, most))


def feature_ids(path: str, query: str, values: tuple[Any, ...]) -> list[int]:
    """Return what a query of a GeoPackage gives in its first column; nothing if it cannot be asked."""
    try:
        address = Path(path).resolve().as_uri() + "?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as database:
            return [row[0] for row in database.execute(query, values)]
    except (sqlite3.Error, OSError):
        return []


class Search:
    """A search in a thread of its own: a million polygons take a second, for which QGIS must not wait.

    Parameters
    ----------
    path
        File.
    detail
        Second argument of ``find``; of :func:`most_uncertain` the side of a pixel.
    find
        Returns feature ids of a file.
    """

    def __init__(self, path: str, detail: Any = 0.0, find: Callable[[str, Any], list[int]] = most_uncertain) -> None:
        self.found: list[int] | None = None
        self._thread = threading.Thread(target=self._run, args=(path, detail, find), daemon=True, name="geoseg-search")
        self._thread.start()

    def _run(self, path: str, detail: Any, find: Callable[[str, Any], list[int]]) -> None:
        self.found = find(path, detail)
