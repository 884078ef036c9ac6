"""Write pixels in any order to a file that ends up as a complete COG, or not at all."""

from __future__ import annotations

import itertools
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from geoseg.classes import MAX_CLASSES
from geoseg.errors import OptionError, OutputError
from geoseg.system.files import rename, temporary_beside
from geoseg.system.outputs import check_new_file, local_path
from geoseg.tiling import Box
from geoseg.write.output_errors import output_errors
from geoseg.write.overviews import any_of_four, halve_by_mean, halve_by_mode
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
"""Overview levels computed right away from areas written whole, while their pixels are in the processor's cache."""

_AREA = TILE << _EAGER
"""Side of such an area: 2048 pixels."""

_STALE = (".aux.xml", ".ovr", ".msk")
"""Sidecar files that GDAL reads with a raster; those of a replaced file would misdescribe the new one."""


class CogSink:
    """Writes a uint8 raster, in pieces and any order, as a Cloud Optimized GeoTIFF with its style beside it.

    Use it as a context manager. On a clean exit the complete file appears under ``path``, with ``.qml`` and (for
    named classes) ``.aux.xml``; after an error or an interruption nothing appears, and an existing file stays as it
    was. The bytes depend only on the pixels, not on the order or the boxes in which they were written.

    Compressed tiles are collected in an unnamed temporary file in the folder of ``path``; memory stays below about
    100 MiB whatever the size of the scene. Pieces that cover whole aligned areas of 2048 pixels are fastest.

    Parameters
    ----------
    path
        The ``.tif`` file to create.
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
        Number of threads that compress in the background; with 0 :meth:`write` does the work itself.

    Raises
    ------
    OutputError
        If the path is a URL, the file exists, the folder cannot be written, or the disk is full.
    OptionError
        If a class number is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> import geoseg
    >>> from geoseg.tiling import Box
    >>> from geoseg.write import CogSink
    >>> with CogSink("sink.tif", geoseg.open_raster("scene.tif").geobox, kind="confidence") as sink:
    ...     sink.write(Box(0, 0, 256, 256), np.full((256, 256), 90, np.uint8))
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
        self.path = local_path(path)
        self.geobox = geobox
        self.kind = kind
        self.classes = checked_classes(classes)
        self.bands = tuple(bands)
        self.overwrite = overwrite
        self._halve = halve_by_mode if kind == "classes" else halve_by_mean
        self._sizes = level_sizes(*geobox.shape)
        self._scene = Box(0, 0, *self._sizes[0])
        # Tiles of overviews that are final; those of areas written in parts are computed at the end. First the levels
        # of the first band, then those of the next, and so on; see _index.
        self._grids = [tile_grid(*size) for size in self._sizes] * max(len(self.bands), 1)
        self._overview_done = [np.zeros(grid, bool) for grid in self._grids]
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._pending: dict[tuple[int, int, int], Future[None]] = {}
        self._lock = threading.Lock()
        self._spool: Spool | None = None
        self._temporary: list[tuple[Path, Path]] = []
        self._complete = False
        self._failure: BaseException | None = None
        self._cancelled = False

    def __enter__(self) -> Self:
        check_new_file(self.path, overwrite=self.overwrite)
        with output_errors(self.path):
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
            self._clean_up()

    def write(self, box: Box, values: NDArray[np.uint8], band: int = 0) -> None:
        """Write one piece; pixels never written are nodata (255).

        Parameters
        ----------
        box
            Its position, inside the scene.
        values
            uint8, height and width of the box; copied, so the caller may reuse the array.
        band
            Which band, from 0.

        Raises
        ------
        OutputError
            If the disk is full; may be raised by a later call, or on exit.
        ValueError
            If ``values`` does not fit ``box`` or ``box`` the scene.
        """
        if values.dtype != np.uint8 or values.shape != (box.height, box.width) or not self._scene.contains(box):
            raise ValueError(
                f"{self.path.name}: {values.dtype} {values.shape} does not fit {box} "
                f"of a scene of {self._scene.height} x {self._scene.width} uint8 pixels"
            )
        with self._lock, output_errors(self.path), self._noting_failure():
            for area in _areas(box):
                part = area.intersection(box)
                pixels = values[part.within(box)]
                self._wait_for(area, band)
                if part == area.intersection(self._scene):
                    self._store_in_pool(area, pixels, band)
                else:
                    self._patch(area, part, pixels, band)

    def put(self, box: Box, levels: Sequence[Sequence[bytes]], band: int = 0) -> None:
        """Write one piece from compressed tiles; see :func:`geoseg.write.packed.pack`.

        Parameters
        ----------
        box
            Its position, aligned to the tiles of the scene at each level.
        levels
            Tiles of the piece in row order: full size first, then overviews.
        band
            Which band, from 0.

        Raises
        ------
        OutputError
            If the disk is full.
        """
        with self._lock, output_errors(self.path), self._noting_failure():
            area = Box(box.row // _AREA * _AREA, box.col // _AREA * _AREA, _AREA, _AREA)
            self._wait_for(area, band)
            self._mark(area, band, made=False, least=len(levels))
            for level, tiles in enumerate(levels[: len(self._sizes)]):
                top, left, columns = (box.row >> level) // TILE, (box.col >> level) // TILE, -(-box.width >> level)
                columns = -(-columns // TILE)
                for number, blob in enumerate(tiles):
                    key = self._index(level, band), top + number // columns, left + number % columns
                    self._store.drop_partial(key)
                    self._store.put_compressed(key, blob)
                    self._overview_done[key[0]][key[1:]] = True

    def complete(self) -> None:
        """Write all files under temporary names, so that leaving the context only renames them.

        Several sinks may do this concurrently.

        Raises
        ------
        OutputError
            If the disk is full.
        """
        if self._complete:
            return
        if self._failure is not None:  # the caller caught the error and went on: pixels are missing
            raise OutputError(
                f"{self.path} is incomplete: an earlier write failed ({self._failure})"
            ) from self._failure
        with self._lock, output_errors(self.path), self._noting_failure():
            for future in self._pending.values():
                future.result()
            self._store.flush_partial()
            bands = range(max(len(self.bands), 1))
            for level in range(1, len(self._sizes)):
                for band in bands:
                    self._make_overview(self._index(level, band))
            description, aux = describe(self.geobox, self.classes, self.kind, self.bands)
            beside = {self.path.with_suffix(".qml"): style_text(self.classes, self.kind)}
            if aux:
                beside[Path(f"{self.path}.aux.xml")] = aux
            for target, content in beside.items():
                self._temporary_for(target).write_text(content, encoding="utf-8", newline="\n")
            levels = [
                Level(*size, np.concatenate([self._store.sizes(self._index(number, band)) for band in bands]))
                for number, size in enumerate(self._sizes)
            ]
            with self._temporary_for(self.path).open("wb") as file:
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

    def _wait_for(self, area: Box, band: int) -> None:
        """Wait for pending work on an area, and for the oldest of too many pending areas."""
        earlier = self._pending.pop((band, area.row, area.col), None)
        if earlier:
            earlier.result()
        while len(self._pending) > 2 * self._threads:
            oldest = next(iter(self._pending))
            self._pending.pop(oldest).result()

    def _store_in_pool(self, area: Box, pixels: NDArray[np.uint8], band: int) -> None:
        """Compress an area that is written whole, and its first overviews, in the background."""
        self._mark(area, band, made=False)
        for key, _ in self._tiles(self._index(0, band), area.row, area.col, pixels):
            self._store.drop_partial(key)
        self._mark(area, band, made=True)
        if self._pool is None:
            self._store_whole_area(area, pixels, band)
        else:
            self._pending[band, area.row, area.col] = self._pool.submit(
                self._store_whole_area, area, pixels.copy(), band
            )

    def _store_whole_area(self, area: Box, pixels: NDArray[np.uint8], band: int) -> None:
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
            self._overview_done[self._index(level, band)][row : row + side // TILE, col : col + side // TILE] = made

    @staticmethod
    def _tiles(
        index: int, top: int, left: int, pixels: NDArray[np.uint8]
    ) -> Iterator[tuple[tuple[int, int, int], NDArray[np.uint8]]]:
        for row in range(0, pixels.shape[0], TILE):
            for col in range(0, pixels.shape[1], TILE):
                key = index, (top + row) // TILE, (left + col) // TILE
                yield key, pixels[row : row + TILE, col : col + TILE]

    def _make_overview(self, index: int) -> None:
        """Compute the tiles of an overview that are not final yet."""
        self._store.clear(index, ~self._overview_done[index])
        # Tiles of nodata are skipped, so an empty scene of any size costs no more than its index.
        missing = np.argwhere(any_of_four(self._store.present(index - 1)) & ~self._overview_done[index]).tolist()
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
        rows, cols = self._overview_done[index - 1].shape
        for down in range(min(2, rows - 2 * row)):
            for right in range(min(2, cols - 2 * col)):
                child = self._store.get((index - 1, 2 * row + down, 2 * col + right))
                if child is not None:
                    tile[down * half : (down + 1) * half, right * half : (right + 1) * half] = self._halve(child)
        self._store.put((index, row, col), tile)

    def _temporary_for(self, target: Path) -> Path:
        """Return the temporary name under which a file is written."""
        part = temporary_beside(target)
        self._temporary.append((part, target))
        return part

    def _publish(self) -> None:
        check_new_file(self.path, overwrite=self.overwrite)  # another process may have created it meanwhile
        with output_errors(self.path):
            targets = {target for _, target in self._temporary}
            for name in (Path(f"{self.path}{ending}") for ending in _STALE):
                if name not in targets:
                    name.unlink(missing_ok=True)
            while self._temporary:  # the raster last: where it exists, so does its style
                part, target = self._temporary[0]
                rename(part, target)
                self._temporary.pop(0)

    def _clean_up(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._pending.clear()
        for part, _ in self._temporary:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        self._temporary.clear()
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def cancel(self) -> None:
        """Make a :meth:`complete` that runs in another thread stop soon."""
        self._cancelled = True

    def _check_cancelled(self) -> None:
        if self._cancelled:
            raise OutputError(f"{self.path}: writing was cancelled")

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._failure = error
            raise


def finish_together(*sinks: CogSink) -> None:
    """Complete several sinks concurrently, one thread each, so that no file appears unless all are complete.

    Call it as the last statement inside the ``with`` blocks.

    Raises
    ------
    OutputError
        If one of them cannot be written.

    Examples
    --------
    >>> import numpy as np
    >>> import geoseg
    >>> from geoseg.tiling import Box
    >>> from geoseg.write import CogSink, finish_together
    >>> grid, pixels = geoseg.open_raster("scene.tif").geobox, np.full((256, 256), 90, np.uint8)
    >>> with CogSink("one.tif", grid, kind="confidence") as one, CogSink("two.tif", grid, kind="confidence") as two:
    ...     one.write(Box(0, 0, 256, 256), pixels)
    ...     two.write(Box(0, 0, 256, 256), pixels)
    ...     finish_together(one, two)
    """
    with ThreadPoolExecutor(max(len(sinks), 1)) as pool:
        futures = [pool.submit(sink.complete) for sink in sinks]
        try:
            for future in futures:
                future.result()
        except BaseException:  # Ctrl-C too: leaving the pool waits for threads that may have gigabytes to copy
            for sink in sinks:
                sink.cancel()
            raise


def checked_classes(classes: Sequence[MapClass]) -> tuple[MapClass, ...]:
    """Return the classes in order of their numbers, which must be unique and within 0…254."""
    ordered = tuple(sorted(classes, key=lambda item: item.id))
    for item in ordered:
        if not 0 <= item.id < MAX_CLASSES:
            raise OptionError(f"class {item.name!r} has number {item.id}: class maps hold 0…{MAX_CLASSES - 1}")
    for first, second in itertools.pairwise(ordered):
        if first.id == second.id:
            raise OptionError(f"classes {first.name!r} and {second.name!r} both have number {first.id}")
    return ordered


def _areas(box: Box) -> Iterator[Box]:
    for row in range(box.row // _AREA * _AREA, box.bottom, _AREA):
        for col in range(box.col // _AREA * _AREA, box.right, _AREA):
            yield Box(row, col, _AREA, _AREA)
