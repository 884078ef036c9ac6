"""Files as sources of pixels: recipes that any thread or process can read from."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.errors import RasterioError
from rasterio.windows import Window

from geoseg.errors import ReadError, one_line
from geoseg.errors.secrets import without_secrets
from geoseg.raster.gdal.datasets import open_dataset
from geoseg.raster.gdal.environment import environment, is_remote
from geoseg.raster.gdal.messages import losses_of_reading
from geoseg.raster.gdal.retry_cache import exclude_from_cache
from geoseg.raster.gdal.warped_vrt import Warp, WarpedBands, warped_vrt
from geoseg.system.resources import files_per_thread
from geoseg.system.stamps import check_stamp
from geoseg.system.threads import concurrent_map
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from geoseg.raster.types import BandSource, ReadRequest

# Files that a thread keeps open whatever their size: twice the bands of a Sentinel-2 scene; for eight threads still
# fewer than the 256 files that macOS allows a process by default. A hundred dates are read in turn, many times: more
# are kept if the process may open them, while the decoded blocks that GDAL keeps with them take few bytes.
_OPEN_FILES, _MOST_FILES = 28, 128
_OPEN_BYTES = 128 << 20

# Members whose stamps are checked at each read; at the end of a run all are. A check takes 2 µs on a local disk.
_CHECKED_MEMBERS = 16


@dataclass(frozen=True)
class Masks:
    """How a file marks missing pixels, beside nodata values.

    Attributes
    ----------
    alpha, alpha_max
        1-based number of the band that is 0 where pixels are missing (alpha or data mask), 0 if none; and its largest
        value.
    dataset
        Whether one mask band, in the file or beside it, applies to all bands.
    bands
        Whether each band has a mask band of its own.
    opaque_only
        Whether partly transparent pixels are missing, too: colours multiplied by alpha are too dark there.
    """

    alpha: int = 0
    alpha_max: int = 255
    dataset: bool = False
    bands: bool = False
    # Not in the representation, which is part of fingerprints of runs; the file determines it.
    opaque_only: bool = field(default=False, repr=False)

    def __bool__(self) -> bool:
        return bool(self.alpha or self.dataset or self.bands)


@dataclass(frozen=True)
class FileSource:
    """A raster file (or URL) placed on a scene's grid.

    Attributes
    ----------
    path
        Path as GDAL opens it.
    label
        Path as the user gave it, without the signature of a signed address.
    stamp
        Size and modification time of the file when it was opened, and a hash of its members' stamps, if it has any:
        handles of a replaced file are not reused.
    members
        Other files that its pixels come from, and their stamps.
    height, width
        Size of the scene's grid if warped, else of the file.
    dtypes
        Type of each band of the file.
    shift
        Row and column in the file of the scene's first pixel; zero if warped.
    remote
        Whether the file may refer to the network.
    """

    path: str
    label: str
    stamp: str
    height: int
    width: int
    block_shape: tuple[int, int]
    dtypes: tuple[str, ...]
    masks: Masks = Masks()
    shift: tuple[int, int] = (0, 0)
    warp: Warp | None = None
    remote: bool = False
    # Thousands of tiles; their hash in the stamp is compared in their place.
    members: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)

    def recipe(self) -> str:
        """Return text that changes whenever the pixels might change; the file may be moved to another folder."""
        name = without_secrets(self.path) if is_remote(self.path) else os.path.basename(self.path)  # noqa: PTH119  also /vsizip/ paths
        return repr((name, self.stamp, self.height, self.width, self.masks, self.shift, self.warp))

    def overview(self, factor: float) -> int | None:
        """Return the reduction of the overview that a read at 1/``factor`` of the size decodes; None if remote."""
        if is_remote(self.path):
            return None
        with environment(self.path, remote=self.remote):
            return max((known for known in _handles.get(self, None).overviews(1) if known <= factor), default=1)

    def read(self, request: ReadRequest) -> None:
        """Fill ``request.out`` and clear ``request.valid`` where pixels are missing.

        Raises
        ------
        ReadError
            If the file is truncated, corrupt or lost.
        ChangedError
            If it is no longer the file that was opened.
        """
        box = request.box
        wanted = Box(box.row + self.shift[0], box.col + self.shift[1], box.height, box.width)
        inside = wanted.intersection(Box(0, 0, self.height, self.width))
        if inside != wanted:
            rows, cols = slices_in(inside, wanted, request.shape)
            covered = np.zeros(request.shape, np.bool_)
            covered[rows, cols] = True
            request.keep(covered)
            request.out[...] = 0
            request = replace(request, out=request.out[:, rows, cols], valid=request.valid[..., rows, cols])
            if not (inside.area and request.valid.size):
                return
        window = Window(inside.col, inside.row, inside.width, inside.height)
        try:
            with environment(self.path, remote=self.remote), losses_of_reading(warped=self.warp is not None):
                self._read(request, window)
            self._check_stamps(_CHECKED_MEMBERS)  # afterwards, so that what was written meanwhile is noticed
        except (RasterioError, rasterio.errors.RasterioIOError, rasterio._err.CPLE_BaseError, OSError) as error:  # noqa: SLF001
            self._forget()
            raise ReadError(f"{self.label}: cannot read {request.box}: {one_line(error)}; {self._remedy()}") from error

    def check_unchanged(self) -> None:
        """Check that the file and all its members are still those that were opened.

        Raises
        ------
        ChangedError
            If one was changed, replaced or deleted.
        ReadError
            If its state cannot be read.
        """
        try:
            self._check_stamps(None)
        except OSError as error:
            raise ReadError(f"{self.label}: {error.strerror or error}; {self._remedy()}") from error

    def _check_stamps(self, most: int | None) -> None:
        check_stamp(self.path, self.stamp.partition("+")[0], self.label)
        for path, stamp in self.members[:most]:
            check_stamp(path, stamp, f"{self.label} ({path})")

    def _forget(self) -> None:
        """Open the file anew for the next read: GDAL takes what it could not read for missing from then on."""
        exclude_from_cache([self.path])
        _handles.close_source(self)

    def _remedy(self) -> str:
        if is_remote(self.path):
            return "check the connection and the address, or download the file first"
        return "the file is truncated, corrupt or lost: copy or download it again"

    def _read(self, request: ReadRequest, window: Window) -> None:
        if self.warp is not None:
            self._read_warped(request, window)
            return
        data = _handles.get(self, None)
        data.read(list(request.bands), window=window, out=request.out)
        mark_missing(request)
        self._read_masks(data, request, window)

    def _read_warped(self, request: ReadRequest, window: Window) -> None:
        fills = [self._fill(band, nodata) for band, nodata in zip(request.bands, request.nodata, strict=True)]
        shape = request.shape
        for filled in (True, False):
            positions = [position for position, fill in enumerate(fills) if (fill is not None) == filled]
            if not positions:
                continue
            bands = self._warped_bands(tuple(request.bands[p] for p in positions))
            if filled:
                bands = replace(bands, nodata=tuple(fill for fill in fills if fill is not None), alpha=0)
            data = _handles.get(self, bands)
            # One call for bands and alpha, which the warper computes together.
            pixels = data.read(window=window, out_shape=(data.count, *shape))
            request.out[positions] = pixels[: len(positions)]
            if not filled:
                mask = pixels[-1]
            elif self.masks:
                mask = _handles.get(self, self._warped_bands(request.bands[:1])).read(2, window=window, out_shape=shape)
            else:
                continue
            # GDAL scales the warped alpha to the largest value of its type.
            opaque = 0.99 * np.iinfo(mask.dtype).max if self.masks.opaque_only else np.finfo(np.float32).tiny
            for position in positions:
                request.keep(mask >= opaque, position)
        mark_missing(request)

    def _fill(self, band: int, nodata: float | None) -> float | None:
        if nodata is None and np.issubdtype(np.dtype(self.dtypes[band - 1]), np.floating):
            return float("nan")
        return nodata

    def _warped_bands(self, bands: tuple[int, ...]) -> WarpedBands:
        dtype = np.result_type(*(np.dtype(self.dtypes[band - 1]) for band in bands))
        return WarpedBands(bands, None, str(dtype), self.masks.alpha, self.masks.alpha_max)

    def _read_masks(self, data: Any, request: ReadRequest, window: Window) -> None:
        if self.masks.alpha:
            alpha = data.read(self.masks.alpha, window=window, out_shape=request.shape)
            request.keep(alpha >= self.masks.alpha_max if self.masks.opaque_only else alpha > 0)
        if self.masks.dataset:
            request.keep(data.read_masks(1, window=window, out_shape=request.shape) > 0)
        if self.masks.bands:
            for position, band in enumerate(request.bands):
                request.keep(data.read_masks(band, window=window, out_shape=request.shape) > 0, position)


def leaf_sources(inputs: Iterable[BandSource]) -> tuple[BandSource, ...]:
    """Return what is read in the end, each once: of a composite the files of its dates."""
    each = [source for one in inputs for source in getattr(one, "sources", (one,))]
    return tuple({id(source): source for source in each}.values())


def read_all(reads: Sequence[tuple[BandSource, ReadRequest]]) -> None:
    """Fill requests from their sources: from servers all at a time, since most of the time is spent waiting.

    Requests whose ``valid`` is shared are combined as if they were read one after another.

    Raises
    ------
    ReadError, ChangedError
        As :meth:`FileSource.read`; of several, the first in order.
    """
    distant = [pair for pair in reads if is_remote(pair[0].label)]
    # Options and credentials of a rasterio.Env around the call belong to this thread alone.
    if len(distant) < 2 or rasterio.env.hasenv():
        for source, request in reads:
            source.read(request)
        return

    def read(pair: tuple[BandSource, ReadRequest]) -> ReadRequest:
        source, request = pair
        own = replace(request, valid=np.ones_like(request.valid))
        source.read(own)
        return own

    for source, request in reads:
        if not is_remote(source.label):
            source.read(request)
    for (_, request), own in zip(distant, concurrent_map(read, distant), strict=True):
        np.logical_and(request.valid, own.valid, out=request.valid)


def read_reduced(source: BandSource, request: ReadRequest) -> None:
    """Fill a request of a reduced size by the nearest pixels, line by line, from a source that reads whole pixels only.

    Raises
    ------
    ReadError, ChangedError
        As :meth:`BandSource.read`.
    """
    (height, width), box = request.shape, request.box
    rows = ((np.arange(height) + 0.5) * box.height / height).astype(int)
    cols = ((np.arange(width) + 0.5) * box.width / width).astype(int)
    for at, row in enumerate(rows):
        line = Box(box.row + int(row), box.col, 1, box.width)
        out = np.zeros((len(request.bands), 1, box.width), request.out.dtype)
        valid = np.ones((len(request.bands), 1, box.width), np.bool_)
        source.read(replace(request, box=line, out=out, valid=valid))
        request.out[:, at] = out[:, 0, cols]
        seen = valid[:, 0, cols]
        request.valid[..., at, :] &= seen.all(0) if request.valid.ndim == 2 else seen


def mark_missing(request: ReadRequest) -> None:
    """Clear ``valid`` where a band holds its nodata value, NaN or infinity."""
    for position, (values, nodata) in enumerate(zip(request.out, request.nodata, strict=True)):
        floating = np.issubdtype(values.dtype, np.floating)
        if floating:
            request.keep(np.isfinite(values), position)
        if nodata is not None and not (floating and not np.isfinite(nodata)):
            # Compare in the array's type: -3.4e38 in decimal must equal its float32, and integers compared with a float
            # would all be converted.
            request.keep(values != values.dtype.type(nodata), position)


def slices_in(inside: Box, outer: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return the slices of ``inside`` in an array of ``shape`` that holds ``outer``, possibly decimated."""
    if shape == (outer.height, outer.width):
        return inside.within(outer)
    down, across = shape[0] / outer.height, shape[1] / outer.width
    return (
        slice(round((inside.row - outer.row) * down), round((inside.bottom - outer.row) * down)),
        slice(round((inside.col - outer.col) * across), round((inside.right - outer.col) * across)),
    )


class _Handles(threading.local):
    """Open datasets of one thread: GDAL handles must not be shared between threads, and opening is slow."""

    def __init__(self) -> None:
        # With the bytes of a block.
        self.entries: OrderedDict[tuple[FileSource, WarpedBands | None], tuple[Any, int]] = OrderedDict()
        self.most = files_per_thread(_OPEN_FILES, _MOST_FILES)
        self.generation = _generation[0]

    def get(self, source: FileSource, warped: WarpedBands | None) -> Any:
        """Return the open dataset of ``source``: the file itself, or some of its bands warped to the scene's grid."""
        if self.generation != _generation[0]:
            self.close()
            self.generation = _generation[0]
        key = (source, warped)
        if key in self.entries:
            self.entries.move_to_end(key)
            return self.entries[key][0]
        self._make_room()
        if warped is None or source.warp is None:
            data = open_dataset(source.path, remote=source.remote)
        else:
            xml = warped_vrt(source.path, source.warp, warped)
            data = open_dataset(source.path, remote=source.remote, warped=xml)
        self.entries[key] = data, _block_bytes(data)
        return data

    def _make_room(self) -> None:
        """Close the files that were not used for longest, until another may be opened."""
        while len(self.entries) >= self.most or (
            len(self.entries) >= _OPEN_FILES and sum(size for _, size in self.entries.values()) > _OPEN_BYTES
        ):
            self.entries.popitem(last=False)[1][0].close()

    def close_source(self, source: FileSource) -> None:
        """Close the datasets of one source in this thread."""
        for key in [key for key in self.entries if key[0] == source]:
            self.entries.pop(key)[0].close()

    def close(self) -> None:
        """Close every dataset of this thread."""
        while self.entries:
            self.entries.popitem()[1][0].close()


def _block_bytes(data: Any) -> int:
    """Return the bytes of a block of an open dataset, of all bands if they are interleaved."""
    # As text: rasterio's ``interleaving`` fails on what it does not know, as TILE.
    together = data.tags(ns="IMAGE_STRUCTURE").get("INTERLEAVE") == "PIXEL"
    rows, cols = data.block_shapes[0]
    return int(rows * cols * (data.count if together else 1) * np.dtype(data.dtypes[0]).itemsize)


_generation = [0]
_handles = _Handles()


def release_handles() -> None:
    """Close the files that this thread keeps open; other threads close theirs before their next read.

    Needed on Windows before a file is deleted or replaced, because open files are locked there.

    Examples
    --------
    >>> from geoseg.raster import release_handles
    >>> release_handles()  # files may now be replaced, on Windows too
    """
    _generation[0] += 1
    _handles.close()


def clear_remote_cache(sources: Sequence[str]) -> None:
    """Make every thread open its files anew before its next read, and GDAL forget the remote ones of ``sources``."""
    if any(is_remote(source) for source in sources):
        exclude_from_cache(sources)
        release_handles()


def _forget_handles() -> None:
    # After a fork, parent and child share file positions, so the child must open its own files. It must not close the
    # parent's: GDAL's state is not valid in the child.
    _handles.entries = OrderedDict()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_handles)
