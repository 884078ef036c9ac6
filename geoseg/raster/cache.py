"""Each pixel is decoded once: overlapping reads of one raster share their cells.

Blocks of a scene read a margin that their neighbours read too, and a file is decoded in whole tiles. Read
naively, a block of 2048 with a margin decodes more than twice the tiles it covers. Here the scene is cut into cells
along the file's own tiles; whoever needs a cell first reads it, the others wait for it or find it in memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING

import numpy as np

from geoseg.raster.types import Pixels
from geoseg.tiling import Box, round_up

if TYPE_CHECKING:
    from geoseg.raster.raster import Raster

_CELL_SIDE = 512


class SharedReads:
    """Reads boxes of a raster through a bounded cache of cells. Thread-safe.

    Parameters
    ----------
    raster
        The scene.
    limit
        Bytes of finished cells to keep; least recently used ones go first. A limit below one row of cells costs
        decoding again, never a wrong pixel.
    """

    def __init__(self, raster: Raster, limit: int) -> None:
        self._raster, self._limit = raster, limit
        self.cell = _cell_shape(raster)
        self._cells: OrderedDict[tuple[int, int], Future[Pixels]] = OrderedDict()
        self._lock = threading.Lock()
        self._held = 0

    def read(self, box: Box) -> Pixels:
        """Return the pixels of ``box``, as ``raster.read(box)`` does."""
        raster, (high, wide) = self._raster, self.cell
        data = np.empty((len(raster.bands), box.height, box.width), raster.dtype)
        valid = np.empty((box.height, box.width), np.bool_)
        for row in range(box.row // high, -(-box.bottom // high)):
            for col in range(box.col // wide, -(-box.right // wide)):
                cell = self._box(row, col)
                part = cell.intersection(box)
                pixels = self._cell(row, col)
                here, there = part.within(box), part.within(cell)
                data[:, here[0], here[1]] = pixels.data[:, there[0], there[1]]
                valid[here] = pixels.valid[there]
        return Pixels(data, valid)

    def _box(self, row: int, col: int) -> Box:
        (height, width), (high, wide) = self._raster.shape, self.cell
        return Box(row * high, col * wide, high, wide).intersection(Box(0, 0, height, width))

    def _cell(self, row: int, col: int) -> Pixels:
        with self._lock:
            future = self._cells.get((row, col))
            mine = future is None
            if future is None:
                future = self._cells[row, col] = Future()
            else:
                self._cells.move_to_end((row, col))
        if mine:
            self._fill(row, col, future)
        return future.result()

    def _fill(self, row: int, col: int, future: Future[Pixels]) -> None:
        try:
            pixels = self._raster.read(self._box(row, col))
        except BaseException as error:
            # A cell that failed is forgotten: a later block may find the network back.
            with self._lock:
                self._cells.pop((row, col), None)
            future.set_exception(error)
            raise
        future.set_result(pixels)
        with self._lock:
            self._held += pixels.data.nbytes + pixels.valid.nbytes
            while self._held > self._limit and len(self._cells) > 1:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        for key, future in self._cells.items():
            if future.done():
                del self._cells[key]
                pixels = future.result()
                self._held -= pixels.data.nbytes + pixels.valid.nbytes
                return
        self._held = 0


def _cell_shape(raster: Raster) -> tuple[int, int]:
    """About 512 × 512 pixels, in whole tiles of the file; whole lines where it is stored in lines."""
    (height, width), (tile_height, tile_width) = raster.shape, raster.block_shape
    if tile_width >= width:  # strips: part of a line cannot be decoded without the rest
        high = max(tile_height, round_up(max(_CELL_SIDE * _CELL_SIDE // max(width, 1), 1), tile_height))
        return min(high, max(height, 1)), width
    return round_up(_CELL_SIDE, min(tile_height, 4096)), round_up(_CELL_SIDE, min(tile_width, 4096))
