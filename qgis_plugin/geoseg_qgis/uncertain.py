"""The polygons that a person should look at first. No qgis import."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

MOST = 200
"""So many polygons are stepped through."""

# Uncertain area: square metres that are probably wrong. Low confidence alone would list specks.
_QUERY = """
SELECT fid FROM polygons WHERE confidence IS NOT NULL
ORDER BY (100 - confidence) * area_m2 DESC LIMIT ?
"""


def most_uncertain(path: str, most: int = MOST) -> list[int]:
    """Return feature ids by (1 - confidence) × area, largest first; none if the file has no such layer."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return [row[0] for row in database.execute(_QUERY, (most,))]
    except sqlite3.Error:
        return []


class Search:
    """The same in a thread of its own: a million polygons take a second, for which QGIS must not wait."""

    def __init__(self, path: str) -> None:
        self.found: list[int] | None = None
        self._thread = threading.Thread(target=self._run, args=(path,), daemon=True, name="geoseg-uncertain")
        self._thread.start()

    def _run(self, path: str) -> None:
        self.found = most_uncertain(path)
