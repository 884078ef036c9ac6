"""A file as a source of pixels: a recipe that any thread or process can read from."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from geoseg.errors import ReadError
from geoseg.raster.environment import environment, is_remote, open_dataset
from geoseg.tiling import Box

if TYPE_CHECKING:
    from affine import Affine
    from numpy.typing import NDArray

    from geoseg.raster.types import Request

# A thread keeps this many files open: all bands of a Sentinel-2 scene twice over, and with eight threads still
# fewer than the 256 files that macOS allows a process by default.
_OPEN_FILES = 28


@dataclass(frozen=True)
class Masks:
    """What a file says about missing pixels beyond nodata values.

    Attributes
    ----------
    alpha
        1-based number of the band whose 0 means missing, or 0. It may be an alpha band or a data mask.
    dataset
        Whether one mask band (inside the file or beside it) covers all bands.
    bands
        Whether each band has a mask band of its own.
    """

    alpha: int = 0
    dataset: bool = False
    bands: bool = False

    def __bool__(self) -> bool:
        return bool(self.alpha or self.dataset or self.bands)


@dataclass(frozen=True)
class Warp:
    """How a source is brought onto a grid that is not its own.

    Attributes
    ----------
    crs, transform, height, width
        The grid to arrive at; ``crs`` as text that PROJ understands.
    source_crs, source_transform
        The source's own, stated because a file may have none (or a fitted one).
    resampling
        ``"bilinear"`` for measurements, ``"nearest"`` for classes and masks.
    scale
        Target pixels per source pixel along columns and rows, at most 1.
    """

    crs: str
    transform: Affine
    height: int
    width: int
    source_crs: str
    source_transform: Affine
    resampling: str
    scale: tuple[float, float]


@dataclass(frozen=True)
class FileSource:
    """A raster file (or URL) placed on a scene's grid.

    Attributes
    ----------
    path
        What GDAL opens.
    label
        What the user called it.
    stamp
        Size and time of the file when it was opened; a cached handle of an older file is not used again.
    height, width
        Size of the scene's grid where warped, else of the file.
    shift
        Row and column in the file of the scene's first pixel. Zero where warped.
    """

    path: str
    label: str
    stamp: str
    height: int
    width: int
    block_shape: tuple[int, int]
    masks: Masks = Masks()
    shift: tuple[int, int] = (0, 0)
    warp: Warp | None = None

    def recipe(self) -> str:
        """Text that changes whenever the pixels read might change; the folder the file lies in does not count."""
        name = self.path if is_remote(self.path) else os.path.basename(self.path)  # noqa: PTH119  also /vsizip/ paths
        return repr((name, self.stamp, self.height, self.width, self.masks, self.shift, self.warp))

    def read(self, request: Request) -> None:
        """Fill ``request.out`` and clear ``request.valid`` where pixels are missing."""
        box = request.box
        wanted = Box(box.row + self.shift[0], box.col + self.shift[1], box.height, box.width)
        inside = wanted.intersection(Box(0, 0, self.height, self.width))
        if inside != wanted:
            rows, cols = _part(inside, wanted, request.valid.shape)
            covered = np.zeros_like(request.valid)
            covered[rows, cols] = True
            np.logical_and(request.valid, covered, out=request.valid)
            request.out[...] = 0
            request = replace(request, out=request.out[:, rows, cols], valid=request.valid[rows, cols])
            if not (inside.area and request.valid.size):
                return
        window = Window(inside.col, inside.row, inside.width, inside.height)
        try:
            with environment(self.path):
                self._read(request, window)
        except (RasterioError, rasterio.errors.RasterioIOError, rasterio._err.CPLE_BaseError, OSError) as error:  # noqa: SLF001
            raise ReadError(f"{self.label}: cannot read {request.box}: {reason(error)}; {self._remedy()}") from error

    def _remedy(self) -> str:
        if is_remote(self.path):
            return "check the connection and the address, or download the file first"
        return "the file is truncated, corrupt or lost: copy or download it again"

    def _read(self, request: Request, window: Window) -> None:
        if self.warp is None:
            data = _handles.get(self, None)
            data.read(list(request.bands), window=window, out=request.out)
            mark_missing(request)
            self._read_masks(data, request, window)
            return
        # GDAL's warper knows one nodata value for a file: bands that differ in it are read apart.
        pairs = sorted(enumerate(request.nodata), key=lambda pair: repr(pair[1]))
        for _, group in groupby(pairs, key=lambda pair: repr(pair[1])):
            positions = [position for position, _ in group]
            self._read_warped(request, positions, window)
        mark_missing(request)

    def _read_warped(self, request: Request, positions: list[int], window: Window) -> None:
        bands = [request.bands[position] for position in positions]
        nodata = request.nodata[positions[0]]
        if nodata is None and np.issubdtype(_handles.get(self, None).dtypes[bands[0] - 1], np.floating):
            nodata = float("nan")
        shape = request.valid.shape
        if nodata is not None:
            data = _handles.get(self, nodata)
            request.out[positions] = data.read(bands, window=window, out_shape=(len(bands), *shape))
            if not self.masks:
                return
        data = _handles.get(self, None)
        alpha = self.masks.alpha or data.count
        if nodata is not None:
            mask = data.read(alpha, window=window, out_shape=shape)
        else:
            # One call for bands and alpha: the warper computes them together.
            pixels = data.read([*bands, alpha], window=window, out_shape=(len(bands) + 1, *shape))
            request.out[positions], mask = pixels[:-1], pixels[-1]
        np.logical_and(request.valid, mask > 0, out=request.valid)

    def _read_masks(self, data: Any, request: Request, window: Window) -> None:
        shape = request.valid.shape
        if self.masks.alpha:
            mask = data.read(self.masks.alpha, window=window, out_shape=shape)
            np.logical_and(request.valid, mask > 0, out=request.valid)
        if self.masks.dataset:
            mask = data.read_masks(1, window=window, out_shape=shape)
            np.logical_and(request.valid, mask > 0, out=request.valid)
        if self.masks.bands:
            for band in request.bands:
                mask = data.read_masks(band, window=window, out_shape=shape)
                np.logical_and(request.valid, mask > 0, out=request.valid)


def reason(error: BaseException) -> str:
    """Return what GDAL said, in one line; rasterio keeps it in the exception's cause."""
    while (cause := error.__cause__ or error.__context__) is not None and "previous exception" in str(error):
        error = cause
    text = " ".join(str(getattr(error, "errmsg", "") or error).split())
    return text.rstrip(".") or type(error).__name__


def mark_missing(request: Request) -> None:
    """Clear ``valid`` where a band holds its nodata value, NaN or infinity."""
    for values, nodata in zip(request.out, request.nodata, strict=True):
        floating = np.issubdtype(values.dtype, np.floating)
        if floating:
            np.logical_and(request.valid, np.isfinite(values), out=request.valid)
        if nodata is not None and not (floating and not np.isfinite(nodata)):
            # In the band's own type: -3.4e38 written in decimal must equal the float32 it stands for.
            value = values.dtype.type(nodata) if floating else nodata
            np.logical_and(request.valid, values != value, out=request.valid)


def _part(inside: Box, outer: Box, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return where ``inside`` lies in an array of ``shape`` that holds ``outer``, possibly decimated."""
    if shape == (outer.height, outer.width):
        return inside.within(outer)
    down, across = shape[0] / outer.height, shape[1] / outer.width
    return (
        slice(round((inside.row - outer.row) * down), round((inside.bottom - outer.row) * down)),
        slice(round((inside.col - outer.col) * across), round((inside.right - outer.col) * across)),
    )


class _Handles(threading.local):
    """Open datasets of one thread: GDAL handles must not be shared between threads, and opening costs."""

    def __init__(self) -> None:
        self.entries: OrderedDict[tuple[FileSource, str], tuple[ExitStack, Any]] = OrderedDict()
        self.generation = _generation[0]

    def get(self, source: FileSource, nodata: float | None) -> Any:
        """Return the open dataset of ``source``, warped onto its grid with ``nodata`` where it has one."""
        if self.generation != _generation[0]:
            self.close()
            self.generation = _generation[0]
        key = (source, repr(nodata))
        if key in self.entries:
            self.entries.move_to_end(key)
            return self.entries[key][1]
        while len(self.entries) >= _OPEN_FILES:
            self.entries.popitem(last=False)[1][0].close()
        entry = _open(source, nodata)
        self.entries[key] = entry
        return entry[1]

    def close(self) -> None:
        """Close every dataset of this thread."""
        while self.entries:
            self.entries.popitem()[1][0].close()


def _open(source: FileSource, nodata: float | None) -> tuple[ExitStack, Any]:
    with ExitStack() as stack:
        data = stack.enter_context(open_dataset(source.path))
        if source.warp is not None:
            data = stack.enter_context(_warped(data, source.warp, source.masks, nodata))
        return stack.pop_all(), data


def _warped(data: Any, warp: Warp, masks: Masks, nodata: float | None) -> WarpedVRT:
    options: dict[str, Any] = {"nodata": nodata, "src_nodata": nodata}
    if nodata is None:
        options = {"src_alpha": masks.alpha, "dst_alpha": masks.alpha} if masks.alpha else {"add_alpha": True}
    across, down = warp.scale
    return WarpedVRT(
        data,
        src_crs=CRS.from_user_input(warp.source_crs),
        src_transform=warp.source_transform,
        crs=CRS.from_user_input(warp.crs),
        transform=warp.transform,
        height=warp.height,
        width=warp.width,
        resampling=Resampling[warp.resampling],
        # No approximation of the transformation, and a fixed kernel: GDAL chooses both by the window it happens to
        # warp, and then a pixel's value would depend on the box it was read with.
        tolerance=0,
        XSCALE=across,
        YSCALE=down,
        **options,
    )


_generation = [0]
_handles = _Handles()


def release_handles() -> None:
    """Close the files that this thread keeps open; other threads close theirs before they read again.

    Needed before a file is deleted or replaced on Windows, where open files are locked.
    """
    _generation[0] += 1
    _handles.close()


def _forget() -> None:
    # After a fork, parent and child share file positions: the child must open its own. Not closed: the parent's
    # GDAL state cannot be trusted in the child.
    _handles.entries = OrderedDict()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def empty_pixels(bands: int, shape: tuple[int, int], dtype: np.dtype[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return arrays for one read: data not yet filled, everything valid."""
    return np.empty((bands, *shape), dtype), np.ones(shape, np.bool_)
