"""A file that takes pixels in any order and becomes a complete COG, or nothing."""

from __future__ import annotations

import errno
import itertools
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from geoseg.classes import MAX_CLASSES
from geoseg.errors import OptionError, OutputError
from geoseg.system.files import temporary_beside
from geoseg.tiling import Box
from geoseg.write.overviews import halve_by_mean, halve_by_mode
from geoseg.write.sidecar import describe
from geoseg.write.spool import Spool
from geoseg.write.styles import style_text
from geoseg.write.tiff import TILE, Level, framed, header, level_sizes, tile_grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from geoseg.classes import MapClass

Kind = Literal["classes", "confidence", "probabilities"]

_EAGER = 2
"""Overview levels made while their pixels are still in the processor's cache, from areas written whole."""

_AREA = TILE << _EAGER
"""Side of such an area: 2048 pixels."""

_STALE = (".aux.xml", ".ovr", ".msk")
"""Files beside a raster that GDAL reads with it; those of a replaced file say nothing true of the new one."""

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))


class CogSink:
    """Writes a uint8 raster, in pieces and any order, as a Cloud Optimized GeoTIFF with its style beside it.

    Use it as a context manager. On a clean exit the complete file appears under ``path``, with ``.qml`` and (for
    named classes) ``.aux.xml``; after an error or an interruption nothing does, and a file that was there before
    stays. The bytes depend on the pixels only, not on the order or the boxes in which they came.

    Compressed tiles wait in an unnamed temporary file in the folder of ``path``; memory stays below about 100 MiB
    whatever the size of the scene. Pieces that cover whole aligned areas of 2048 pixels are cheapest.

    Parameters
    ----------
    path
        The file to make, ``.tif``.
    geobox
        Its grid. Without CRS, and with an identity transform, the file has no georeference.
    kind
        ``"classes"`` (overviews by mode, colour table), ``"confidence"`` or ``"probabilities"`` (overviews by mean,
        grey).
    classes
        Names and colours of the values.
    bands
        Names of the bands, for probabilities; other kinds have one band.
    overwrite
        Replace an existing file instead of raising.
    threads
        How many threads compress beside the caller's; 0 does the work inside :meth:`write`.

    Raises
    ------
    OutputError
        If the file exists, the folder cannot be written, or the disk is full.
    OptionError
        If the number of a class is impossible.
    """

    def __init__(
        self,
        path: str | Path,
        geobox: GeoBox,
        *,
        kind: Kind = "classes",
        classes: Sequence[MapClass] = (),
        bands: Sequence[str] = (),
        overwrite: bool = False,
        threads: int = 1,
    ) -> None:
        self.path = Path(path)
        self.geobox = geobox
        self.kind = kind
        self.classes = checked_classes(classes)
        self.bands = tuple(bands)
        self.overwrite = overwrite
        self._halve = halve_by_mode if kind == "classes" else halve_by_mean
        self._sizes = level_sizes(*geobox.shape)
        self._scene = Box(0, 0, *self._sizes[0])
        # Overviews already made; those of areas that were written in parts are made at the end.
        # The levels of the first band, then those of the next, and so on; see _index.
        self._grids = [tile_grid(*size) for size in self._sizes] * max(len(self.bands), 1)
        self._made = [np.zeros(grid, bool) for grid in self._grids]
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._busy: dict[tuple[int, int, int], Future[None]] = {}
        self._lock = threading.Lock()
        self._spool: Spool | None = None
        self._parts: list[tuple[Path, Path]] = []
        self._complete = False
        self._broken: BaseException | None = None
        self._cancelled = False

    def __enter__(self) -> Self:
        self._refuse_existing()
        with self._telling():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._spool = Spool(self.path.parent, self._grids)
        if self._threads:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="geoseg-write")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.complete()
                self._publish()
        finally:
            self._abandon()

    def write(self, box: Box, values: NDArray[np.uint8], band: int = 0) -> None:
        """Write one piece; pixels never written are nodata (255).

        Parameters
        ----------
        box
            Where it lies, inside the scene.
        values
            uint8 of the box's height and width; copied, the caller may reuse it.
        band
            Which band, from 0.

        Raises
        ------
        OutputError
            If the disk is full; possibly at a later call, or on exit.
        ValueError
            If ``values`` does not fit ``box`` or ``box`` the scene.
        """
        if values.dtype != np.uint8 or values.shape != (box.height, box.width) or not self._scene.contains(box):
            raise ValueError(
                f"{self.path.name}: {values.dtype} {values.shape} does not fit {box} "
                f"of a scene of {self._scene.height} x {self._scene.width} uint8 pixels"
            )
        with self._lock, self._telling(), self._remembering():
            for area in _areas(box):
                part = area.intersection(box)
                pixels = values[part.within(box)]
                self._settle(area, band)
                if part == area.intersection(self._scene):
                    self._start(area, pixels, band)
                else:
                    self._patch(area, part, pixels, band)

    def put(self, box: Box, levels: Sequence[Sequence[bytes]], band: int = 0) -> None:
        """Write one piece of tiles that are compressed already; see :func:`geoseg.write.packed.pack`.

        Parameters
        ----------
        box
            Where it lies; on whole tiles of the scene, at each of the levels.
        levels
            Full size first, then overviews: the tiles of the piece in row order.
        band
            Which band, from 0.

        Raises
        ------
        OutputError
            If the disk is full.
        """
        with self._lock, self._telling(), self._remembering():
            area = Box(box.row // _AREA * _AREA, box.col // _AREA * _AREA, _AREA, _AREA)
            self._settle(area, band)
            self._mark(area, band, made=False, least=len(levels))
            for level, tiles in enumerate(levels[: len(self._sizes)]):
                top, left, columns = (box.row >> level) // TILE, (box.col >> level) // TILE, -(-box.width >> level)
                columns = -(-columns // TILE)
                for number, blob in enumerate(tiles):
                    key = self._index(level, band), top + number // columns, left + number % columns
                    self._store.drop_held(key)
                    self._store.put_compressed(key, blob)
                    self._made[key[0]][key[1:]] = True

    def complete(self) -> None:
        """Write everything under temporary names; exit then only renames. Several sinks may do this at the same time.

        Raises
        ------
        OutputError
            If the disk is full.
        """
        if self._complete:
            return
        if self._broken is not None:  # the caller went on after an error: the file would lack what failed
            raise OutputError(f"{self.path} is incomplete: an earlier write failed ({self._broken})") from self._broken
        with self._lock, self._telling(), self._remembering():
            for future in self._busy.values():
                future.result()
            self._store.fsync()
            bands = range(max(len(self.bands), 1))
            for level in range(1, len(self._sizes)):
                for band in bands:
                    self._make_overview(self._index(level, band))
            description, aux = describe(self.geobox, self.classes, self.kind, self.bands)
            beside = {self.path.with_suffix(".qml"): style_text(self.classes, self.kind)}
            if aux:
                beside[Path(f"{self.path}.aux.xml")] = aux
            for target, content in beside.items():
                self._part_of(target).write_text(content, encoding="utf-8", newline="\n")
            levels = [
                Level(*size, np.concatenate([self._store.sizes(self._index(number, band)) for band in bands]))
                for number, size in enumerate(self._sizes)
            ]
            with self._part_of(self.path).open("wb") as file:
                file.write(header(levels, description))
                for number, band in itertools.product(reversed(range(len(levels))), bands):
                    rows, cols = self._grids[number]
                    for row in range(rows):
                        self._check_cancelled()
                        for col in range(cols):
                            file.write(framed(self._store.blob((self._index(number, band), row, col))))
        self._complete = True

    def _index(self, level: int, band: int) -> int:
        """Return where the spool keeps a level of a band."""
        return band * len(self._sizes) + level

    @property
    def _store(self) -> Spool:
        if self._spool is None:
            raise ValueError("CogSink is used as a context manager: with CogSink(…) as sink")
        return self._spool

    def _settle(self, area: Box, band: int) -> None:
        """Wait for earlier work on an area, and keep the number of waiting areas small."""
        earlier = self._busy.pop((band, area.row, area.col), None)
        if earlier:
            earlier.result()
        while len(self._busy) > 2 * self._threads:
            oldest = next(iter(self._busy))
            self._busy.pop(oldest).result()

    def _start(self, area: Box, pixels: NDArray[np.uint8], band: int) -> None:
        """Store an area that is written whole, with its overviews, on the pool."""
        self._mark(area, band, made=False)
        for key, _ in self._tiles(self._index(0, band), area.row, area.col, pixels):
            self._store.drop_held(key)
        self._mark(area, band, made=True)
        if self._pool is None:
            self._store_area(area, pixels, band)
        else:
            self._busy[band, area.row, area.col] = self._pool.submit(self._store_area, area, pixels.copy(), band)

    def _store_area(self, area: Box, pixels: NDArray[np.uint8], band: int) -> None:
        for level in range(min(_EAGER + 1, len(self._sizes))):
            if level:
                pixels = self._halve(pixels)
            for key, tile in self._tiles(self._index(level, band), area.row >> level, area.col >> level, pixels):
                self._store.put(key, tile)

    def _patch(self, area: Box, part: Box, pixels: NDArray[np.uint8], band: int) -> None:
        self._mark(area, band, made=False)
        for row in range(part.row // TILE, -(-part.bottom // TILE)):
            for col in range(part.col // TILE, -(-part.right // TILE)):
                tile = Box(row * TILE, col * TILE, TILE, TILE)
                common = tile.intersection(part)
                rows, cols = common.within(tile)
                key = self._index(0, band), row, col
                self._store.patch(key, rows.start, cols.start, pixels[common.within(part)])

    def _mark(self, area: Box, band: int, *, made: bool, least: int = 1) -> None:
        for level in range(least, min(_EAGER + 1, len(self._sizes))):
            side = _AREA >> level
            row, col = (area.row >> level) // TILE, (area.col >> level) // TILE
            self._made[self._index(level, band)][row : row + side // TILE, col : col + side // TILE] = made

    @staticmethod
    def _tiles(
        index: int, top: int, left: int, pixels: NDArray[np.uint8]
    ) -> Iterator[tuple[tuple[int, int, int], NDArray[np.uint8]]]:
        for row in range(0, pixels.shape[0], TILE):
            for col in range(0, pixels.shape[1], TILE):
                key = index, (top + row) // TILE, (left + col) // TILE
                yield key, pixels[row : row + TILE, col : col + TILE]

    def _make_overview(self, index: int) -> None:
        """Make those tiles of an overview that no area written whole has brought."""
        self._store.clear_remote_cache(index, ~self._made[index])
        # Nodata has nothing to halve: an empty scene of any size costs a look at the index.
        missing = np.argwhere(_any_of_four(self._store.present(index - 1)) & ~self._made[index]).tolist()
        if self._pool is None:
            for row, col in missing:
                self._halve_tile(index, row, col)
        else:
            for _ in self._pool.map(lambda place: self._halve_tile(index, *place), missing):
                pass

    def _halve_tile(self, index: int, row: int, col: int) -> None:
        self._check_cancelled()
        half = TILE // 2
        tile = np.full((TILE, TILE), 255, np.uint8)
        rows, cols = self._made[index - 1].shape
        for down in range(min(2, rows - 2 * row)):
            for right in range(min(2, cols - 2 * col)):
                child = self._store.get((index - 1, 2 * row + down, 2 * col + right))
                if child is not None:
                    tile[down * half : (down + 1) * half, right * half : (right + 1) * half] = self._halve(child)
        self._store.put((index, row, col), tile)

    def _part_of(self, target: Path) -> Path:
        """Name under which a file is written until it is complete."""
        part = temporary_beside(target)
        self._parts.append((part, target))
        return part

    def _publish(self) -> None:
        self._refuse_existing()  # somebody else may have made it meanwhile
        with self._telling():
            targets = {target for _, target in self._parts}
            for name in (Path(f"{self.path}{ending}") for ending in _STALE):
                if name not in targets:
                    name.unlink(missing_ok=True)
            while self._parts:  # the raster comes last: who sees it sees its style too
                part, target = self._parts[0]
                part.replace(target)
                self._parts.pop(0)

    def _refuse_existing(self) -> None:
        if self.path.is_dir():
            raise OutputError(f"{self.path} is a folder: give the name of a file")
        if self.path.exists() and not self.overwrite:
            raise OutputError(f"{self.path} exists: choose another name or pass --overwrite (overwrite=True)")

    def _abandon(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._busy.clear()
        for part, _ in self._parts:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        self._parts.clear()
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def cancel(self) -> None:
        """Make a :meth:`complete` that runs in another thread give up soon."""
        self._cancelled = True

    def _check_cancelled(self) -> None:
        if self._cancelled:
            raise OutputError(f"{self.path} was given up")

    @contextmanager
    def _remembering(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._broken = error
            raise

    def _telling(self) -> _Telling:
        return _Telling(self.path)


class _Telling:
    """Turns the operating system's complaints into one line that says what to do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, OSError):
            return
        if error.errno in _FULL:
            raise OutputError(
                f"disk full while writing {self.path}: free some space there or choose another output folder"
            ) from error
        raise OutputError(f"{self.path} cannot be written: {error.strerror or error}") from error


def checked_classes(classes: Sequence[MapClass]) -> tuple[MapClass, ...]:
    """Return the classes in order of their numbers, each number once and within 0…254."""
    ordered = tuple(sorted(classes, key=lambda item: item.id))
    for item in ordered:
        if not 0 <= item.id < MAX_CLASSES:
            raise OptionError(f"class {item.name!r} has number {item.id}: class maps hold 0…{MAX_CLASSES - 1}")
    for first, second in itertools.pairwise(ordered):
        if first.id == second.id:
            raise OptionError(f"classes {first.name!r} and {second.name!r} both have number {first.id}")
    return ordered


def _any_of_four(tiles: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether one of the four tiles under each tile of the next overview is set."""
    rows, cols = tiles.shape
    padded = np.pad(tiles, ((0, rows % 2), (0, cols % 2)))
    return padded[::2, ::2] | padded[1::2, ::2] | padded[::2, 1::2] | padded[1::2, 1::2]


def _areas(box: Box) -> Iterator[Box]:
    for row in range(box.row // _AREA * _AREA, box.bottom, _AREA):
        for col in range(box.col // _AREA * _AREA, box.right, _AREA):
            yield Box(row, col, _AREA, _AREA)
