"""Geometries that rest in a temporary file, so that memory does not grow with their size."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Spool:
    """Appends geometries to a temporary file, and reads them back by number.

    The file is deleted with the object. Only the position of each geometry, 8 bytes, stays in memory.
    """

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="geoseg-objects-")  # noqa: SIM115  closed with the object
        self._stops = [np.zeros(1, np.int64)]
        self._index: NDArray[np.int64] | None = None

    def append(self, wkb: list[bytes]) -> None:
        """Append geometries as well-known binary."""
        self._file.seek(0, 2)
        start = self._file.tell()
        self._file.write(b"".join(wkb))
        self._stops.append(start + np.cumsum(np.fromiter(map(len, wkb), np.int64, len(wkb))))
        self._index = None

    def read(self, numbers: NDArray[np.int64]) -> NDArray[Any]:
        """Return geometries, (n,) objects of shapely, in the order of their numbers."""
        import shapely

        if self._index is None:
            self._index = np.concatenate(self._stops)
        starts, stops = self._index[numbers], self._index[numbers + 1]
        found: list[bytes] = [b""] * len(numbers)
        for k in np.argsort(starts, kind="stable").tolist():
            self._file.seek(int(starts[k]))
            found[k] = self._file.read(int(stops[k] - starts[k]))
        return np.asarray(shapely.from_wkb(np.array(found, object)), object) if found else np.zeros(0, object)
