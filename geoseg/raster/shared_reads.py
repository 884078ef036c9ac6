"""Decode each pixel once: overlapping reads of a raster share cells.

Blocks of a scene read margins that overlap their neighbours, and files are decoded in whole tiles. Read independently,
a block of 2048 with a margin decodes more than twice the tiles it covers. Here the scene is cut into cells along the
tiles of the file. The first reader of a cell decodes it; others wait for it or find it in memory; the last drops it.
From a server, neighbouring cells are read together: GDAL merges the tiles of a row into one request.
"""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from geoseg.raster.types import Pixels
from geoseg.tiling import Box, round_up

if TYPE_CHECKING:
    from geoseg.raster.raster import Raster

_CELL_SIDE = 512

_Key = tuple[int, int, int]
"""Of a cell: the group of reads that share it, its row and its column."""


@dataclass
class _Cell:
    """A cell: its pixels, once they are read, and how many reads are still expected."""

    left: int
    pixels: Future[Pixels] = field(default_factory=Future)


class SharedReads:
    """Reads a raster through a bounded cache of cells. Thread-safe.

    Parameters
    ----------
    raster
        The scene.
    limit
        Bytes of cells to keep; the least recently used are dropped first, and decoded again if needed.
    """

    def __init__(self, raster: Raster, limit: int) -> None:
        self._raster, self._limit = raster, limit
        self.cell = cell_shape(raster)
        self._cells: OrderedDict[_Key, _Cell] = OrderedDict()
        # Expected reads of evicted cells: read again, they must not wait for readers that have been served.
        self._left: dict[_Key, int] = {}
        self._lock = threading.Lock()
        self._held = 0

    def read(self, box: Box, uses: Callable[[Box], int], *, group: int = 0) -> Pixels:
        """Return the pixels of ``box``, as ``raster.read(box)`` does.

        Parameters
        ----------
        box
            A part of the scene.
        uses
            Returns how many reads of this group, including this one, need a cell; after the last it is dropped.
        group
            Cells are shared by the reads of a group. Reads that ``uses`` does not count need another one: they would
            take the place of others, which would have to decode the cell again, and nobody would drop it.
        """
        raster = self._raster
        cells = {(group, *place): cell for place, cell in cells_in(box, self.cell, raster.box).items()}
        if raster.remote:
            self._fill(self._claim(list(cells), uses))
        data = np.empty((len(raster.bands), box.height, box.width), raster.dtype)
        valid = np.empty((box.height, box.width), np.bool_)
        for key, cell in cells.items():
            part = cell.intersection(box)
            pixels = self._pixels(key, uses)
            here, there = part.within(box), part.within(cell)
            data[:, here[0], here[1]] = pixels.data[:, there[0], there[1]]
            valid[here] = pixels.valid[there]
        return Pixels(data, valid)

    def _box(self, key: _Key) -> Box:
        return _cell_box(key[1:], self.cell, self._raster.box)

    def _claim(self, keys: list[_Key], uses: Callable[[Box], int]) -> dict[_Key, _Cell]:
        """Return new cells for those of ``keys`` that nobody has read or is reading; the caller has to fill them."""
        with self._lock:
            return {key: self._new(key, uses) for key in keys if key not in self._cells}

    def _new(self, key: _Key, uses: Callable[[Box], int]) -> _Cell:
        cell = self._cells[key] = _Cell(self._left.pop(key, 0) or uses(self._box(key)))
        return cell

    def _pixels(self, key: _Key, uses: Callable[[Box], int]) -> Pixels:
        with self._lock:
            cell = self._cells.get(key)
            mine = cell is None
            if cell is None:
                cell = self._new(key, uses)
            else:
                self._cells.move_to_end(key)
            cell.left -= 1
        if mine:
            self._fill({key: cell})
        pixels = cell.pixels.result()
        with self._lock:
            if cell.left <= 0 and self._cells.get(key) is cell:
                self._drop(key)
        return pixels

    def _fill(self, cells: dict[_Key, _Cell]) -> None:
        """Read new cells, neighbours together."""
        try:
            for group in rectangles(list(cells)):
                boxes = {key: self._box(key) for key in group}
                whole = smallest_box(list(boxes.values()))
                pixels = self._raster.read(whole)
                for key, box in boxes.items():
                    self._keep(cells[key], pixels if len(group) == 1 else _part(pixels, box.within(whole)))
        except BaseException as error:
            # A later block may read the cells again: the network may be back.
            failed = [key for key, cell in cells.items() if not cell.pixels.done()]
            with self._lock:
                for key in failed:
                    self._cells.pop(key, None)
            for key in failed:
                cells[key].pixels.set_exception(error)
            raise

    def _keep(self, cell: _Cell, pixels: Pixels) -> None:
        """Give a cell its pixels, and make room."""
        with self._lock:
            cell.pixels.set_result(pixels)
            self._held += _size(pixels)
            while self._held > self._limit and (oldest := self._oldest()) is not None:
                self._left[oldest] = self._cells[oldest].left
                self._drop(oldest)

    def _oldest(self) -> _Key | None:
        """Return the least recently used cell that has been read; None if there is only one cell."""
        done = (key for key, cell in self._cells.items() if cell.pixels.done())
        return next(done, None) if len(self._cells) > 1 else None

    def _drop(self, key: _Key) -> None:
        self._held -= _size(self._cells.pop(key).pixels.result())


def rectangles(keys: list[_Key]) -> list[list[_Key]]:
    """Cut cells of a group, by row and column in reading order, into rectangles: runs of a row, equal runs below."""
    runs: list[list[_Key]] = []
    for group, row, col in keys:
        if runs and runs[-1][-1] == (group, row, col - 1):
            runs[-1].append((group, row, col))
        else:
            runs.append([(group, row, col)])
    found: dict[tuple[int, int, int], list[_Key]] = {}
    for run in runs:
        (_, row, first), (_, _, last) = run[0], run[-1]
        above = found.pop((row - 1, first, last), [])
        found[row, first, last] = above + run
    return list(found.values())


def smallest_box(boxes: list[Box]) -> Box:
    """Return the smallest box that holds all boxes."""
    row, col = min(box.row for box in boxes), min(box.col for box in boxes)
    return Box(row, col, max(box.bottom for box in boxes) - row, max(box.right for box in boxes) - col)


def _part(pixels: Pixels, part: tuple[slice, slice]) -> Pixels:
    """Return a copy of some pixels: a view would keep all of them in memory."""
    return Pixels(pixels.data[:, *part].copy(), pixels.valid[part].copy())


def _size(pixels: Pixels) -> int:
    return pixels.data.nbytes + pixels.valid.nbytes


def cells_in(box: Box, cell: tuple[int, int], scene: Box) -> dict[tuple[int, int], Box]:
    """Return the cells of a height and width that a box touches, cut at the scene's edge, by row and column."""
    high, wide = cell
    places = itertools.product(
        range(box.row // high, -(-box.bottom // high)), range(box.col // wide, -(-box.right // wide))
    )
    return {place: _cell_box(place, cell, scene) for place in places}


def _cell_box(place: tuple[int, int], cell: tuple[int, int], scene: Box) -> Box:
    (row, col), (high, wide) = place, cell
    return Box(row * high, col * wide, high, wide).intersection(scene)


def cell_shape(raster: Raster) -> tuple[int, int]:
    """Return height and width of cells: about 512 pixels, in whole tiles; whole rows of files stored in strips."""
    (height, width), (tile_height, tile_width) = raster.shape, raster.block_shape
    if tile_width >= width:  # strips are decoded as whole rows
        high = max(tile_height, round_up(max(_CELL_SIDE * _CELL_SIDE // max(width, 1), 1), tile_height))
        return min(high, max(height, 1)), width
    return round_up(_CELL_SIDE, min(tile_height, 4096)), round_up(_CELL_SIDE, min(tile_width, 4096))
