"""Which pixels of a date have data around a box, decoded once for all boxes around it.

``best`` asks how far a pixel is from missing data, also of pixels beyond the box that is joined. Read with the box, the
tiles of the file around it would be decoded for every box that they touch: nine tiles for one. What is missing takes a
bit a pixel, so it is kept: a tile is decoded for its pixels, and before that at most once for its neighbours.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from geoseg.raster.shared_reads import cell_shape, cells_in, rectangles, smallest_box

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geoseg.raster.raster import Raster
    from geoseg.raster.types import Pixels
    from geoseg.tiling import Box

# Bytes to keep: 10^9 pixels, that is a row of tiles of 512 pixels of 180 Sentinel-2 tiles.
_LIMIT = 128 << 20

_Key = tuple[int, int, int]
"""Of a cell: the number of the date, its row and its column."""


class KnownValidity:
    """Validity of cells of several rasters, one bit a pixel. Thread-safe; the least recently used are dropped first.

    Threads that need the same cell at the same time may both decode it.

    Parameters
    ----------
    rasters
        The dates.
    limit
        Bytes to keep.
    """

    def __init__(self, rasters: tuple[Raster, ...], limit: int = _LIMIT) -> None:
        self._rasters, self._limit = rasters, limit
        self._known: OrderedDict[_Key, NDArray[np.uint8]] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def around(self, number: int, box: Box, reach: int, pixels: Pixels) -> tuple[NDArray[np.bool_], Box]:
        """Return the validity (h, w) of a box grown by ``reach`` pixels, as far as the scene goes, and that box.

        Parameters
        ----------
        number
            The date.
        box
            A part of the scene.
        reach
            Pixels on each side.
        pixels
            Those of the box, which have been read.
        """
        raster = self._rasters[number]
        grown = box.grown(reach).intersection(raster.box)
        cells = {(number, *place): cell for place, cell in cells_in(grown, cell_shape(raster), raster.box).items()}
        for key, cell in cells.items():
            if box.contains(cell):
                self._keep(key, pixels.valid[cell.within(box)])
        beyond = {key: cell for key, cell in cells.items() if not box.contains(cell.intersection(grown))}
        found = np.empty((grown.height, grown.width), np.bool_)
        for key, valid in self._cells_of(beyond):
            cell = beyond[key]
            part = cell.intersection(grown)
            found[part.within(grown)] = valid[part.within(cell)]
        found[box.within(grown)] = pixels.valid
        return found, grown

    def _cells_of(self, cells: dict[_Key, Box]) -> Iterator[tuple[_Key, NDArray[np.bool_]]]:
        """Yield the validity of cells of one date; neighbours that are not known are read together."""
        unknown = []
        for key, cell in cells.items():
            with self._lock:
                bits = self._known.get(key)
                if bits is not None:
                    self._known.move_to_end(key)
            if bits is None:
                unknown.append(key)
            else:
                yield key, np.unpackbits(bits, count=cell.area).reshape(cell.height, cell.width).view(np.bool_)
        for group in rectangles(unknown):
            whole = smallest_box([cells[key] for key in group])
            read = self._rasters[group[0][0]].read(whole).valid
            for key in group:
                valid = read[cells[key].within(whole)]
                self._keep(key, valid)
                yield key, valid

    def _keep(self, key: _Key, valid: NDArray[np.bool_]) -> None:
        with self._lock:
            if key in self._known:
                return
            self._known[key] = bits = np.packbits(valid)
            self._held += bits.nbytes
            while self._held > self._limit and len(self._known) > 1:
                self._held -= self._known.popitem(last=False)[1].nbytes
