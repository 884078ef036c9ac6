"""Reads a box from the scenes of a mosaic: a source of bands like a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio

from geoseg.raster.gdal.environment import is_remote
from geoseg.raster.sources import FileSource, leaf_sources, read_all, slices_in
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from geoseg.raster.raster import Raster
    from geoseg.raster.types import BandSource, ReadRequest

# Scenes on servers that are read at the same time; their pixels of a box are in memory together.
_TOGETHER = 8

# What is known of a pixel: nothing, some of its bands, or all that are read.
_SOME, _ALL = 1, 2


@dataclass(frozen=True, eq=False)
class Tile:
    """A scene of a mosaic.

    Attributes
    ----------
    raster
        The scene, with the bands of the mosaic.
    row, col
        Row and column of its first pixel in the mosaic.
    """

    raster: Raster
    row: int
    col: int

    @property
    def box(self) -> Box:
        """Its pixels in the mosaic."""
        return Box(self.row, self.col, *self.raster.shape)

    def own(self, box: Box) -> Box:
        """Return a box of the mosaic in the scene's own rows and columns."""
        return Box(box.row - self.row, box.col - self.col, box.height, box.width)


@dataclass(frozen=True, eq=False)
class MosaicSource:
    """The bands of scenes that lie side by side.

    A pixel is taken, with all its bands, from the first scene in which every band that is read is valid; if there is
    none, bands are valid that the first scene with any of them has.

    Attributes
    ----------
    tiles
        Scenes in the order in which they count.
    label
        Name for messages.
    """

    tiles: tuple[Tile, ...]
    label: str

    @property
    def block_shape(self) -> tuple[int, int]:
        """Height and width of the blocks of the first scene."""
        return self.tiles[0].raster.block_shape

    @cached_property
    def sources(self) -> tuple[BandSource, ...]:
        """The files that are read."""
        return leaf_sources(source for tile in self.tiles for source in tile.raster.leaves)

    def rasters_in(self, box: Box) -> Iterator[tuple[Raster, Box]]:
        """Yield the scenes that are in a box, with the part of each."""
        for tile in self._touched(box):
            yield tile.raster, tile.own(tile.box.intersection(box))

    @cached_property
    def areas(self) -> NDArray[np.int64]:
        """First row and column of each scene, and those after its last, (n, 4): elsewhere no pixel is valid."""
        boxes = [tile.box for tile in self.tiles]
        return np.array([(box.row, box.col, box.bottom, box.right) for box in boxes], np.int64)

    @cached_property
    def _at_once(self) -> bool:
        """Whether reading is mostly waiting for servers."""
        return all(isinstance(source, FileSource) and is_remote(source.path) for source in self.sources)

    def recipe(self) -> str:
        """Return text that changes whenever the pixels might change."""
        known = [(tile.row, tile.col, tile.raster.fingerprint()) for tile in self.tiles]
        return hashlib.sha256(repr(known).encode()).hexdigest()

    def overview(self, factor: float) -> int | None:
        """Return None: what a read at a reduced size decodes depends on all scenes."""
        del factor
        return None

    def read(self, request: ReadRequest) -> None:
        """Fill ``request.out`` and clear ``request.valid`` where no scene has data.

        Raises
        ------
        ReadError, ChangedError
            As the files raise them.
        """
        request.out[...] = 0
        known = np.zeros(request.shape, np.uint8)
        seen = np.zeros_like(request.valid)
        touched = self._touched(request.box)
        # Options and credentials of a rasterio.Env around the call belong to this thread alone.
        together = _TOGETHER if self._at_once and not rasterio.env.hasenv() else 1
        for start in range(0, len(touched), together):
            pieces = list(self._pieces(touched[start : start + together], request, known))
            read_all([read for piece in pieces for read in piece.reads])
            for piece in pieces:
                piece.finish()
                piece.give(request.out, seen, known)
        np.logical_and(request.valid, seen, out=request.valid)

    def unmasked(self, names: frozenset[str]) -> MosaicSource:
        """Return the same with some of clouds, shadows and snow not masked."""
        return replace(self, tiles=tuple(replace(tile, raster=tile.raster.unmasked(names)) for tile in self.tiles))

    def _touched(self, box: Box) -> list[Tile]:
        top, left, bottom, right = self.areas.T
        found = (top < box.bottom) & (bottom > box.row) & (left < box.right) & (right > box.col)
        return [self.tiles[number] for number in np.flatnonzero(found)]

    @staticmethod
    def _pieces(tiles: Sequence[Tile], request: ReadRequest, known: NDArray[np.uint8]) -> Iterator[_Piece]:
        """Yield what is to be read of each scene; nothing of those whose pixels are known from others before it."""
        for tile in tiles:
            inside = tile.box.intersection(request.box)
            place = slices_in(inside, request.box, request.shape)
            height, width = known[place].shape
            if not height * width or (known[place] == _ALL).all():
                continue
            raster = _with_nodata(tile.raster.select(list(request.bands)), request.nodata)
            valid = np.ones((*request.valid.shape[:-2], height, width), np.bool_)
            yield _Piece(place, valid, *raster.reads(tile.own(inside), valid))


@dataclass(frozen=True, eq=False)
class _Piece:
    """A part of a box that lies in one scene.

    Attributes
    ----------
    place
        Its rows and columns in the box.
    valid, data
        Its pixels, once ``reads`` are done and ``finish`` is called.
    """

    place: tuple[slice, slice]
    valid: NDArray[np.bool_]
    data: NDArray[Any]
    reads: list[tuple[BandSource, ReadRequest]]
    finish: Callable[[], None]

    def give(self, out: NDArray[Any], seen: NDArray[np.bool_], known: NDArray[np.uint8]) -> None:
        """Put the pixels where nothing better is known into ``out``, with their validity in ``seen``."""
        rows, cols = self.place
        before = known[rows, cols]
        whole = self.valid if self.valid.ndim == 2 else self.valid.all(0)
        take = whole & (before < _ALL)
        before[take] = _ALL
        if self.valid.ndim == 3:
            partly = self.valid.any(0) & (before == 0)
            before[partly] = _SOME
            take |= partly
        where = True if take.all() else take  # a plain copy
        np.copyto(out[:, rows, cols], self.data, where=where)
        np.copyto(seen[..., rows, cols], self.valid, where=where)


def _with_nodata(raster: Raster, wanted: tuple[float | None, ...]) -> Raster:
    """Return a scene with the values that mark missing pixels in the mosaic, where it has some; they may be chosen."""
    own = tuple(band.nodata for band in raster.bands)
    if all(value is None or value == mine for value, mine in zip(wanted, own, strict=True)):
        return raster
    bands = zip(raster.bands, wanted, strict=True)
    return replace(raster, bands=tuple(band if one is None else replace(band, nodata=one) for band, one in bands))
