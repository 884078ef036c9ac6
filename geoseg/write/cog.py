"""Arrays to COG: the public door of the package."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from geoseg.classes import NODATA, MapClass, default_color
from geoseg.errors import OptionError, OutputError
from geoseg.tiling import Box
from geoseg.write.sink import CogSink, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox


def write_cog(
    data: xr.DataArray,
    path: str | Path,
    *,
    classes: Sequence[MapClass] | None = None,
    kind: Kind | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a class map or confidence as a Cloud Optimized GeoTIFF that shows names and colours in QGIS and GDAL.

    Blocks of 512, DEFLATE, overviews (mode for classes, mean for confidence), nodata 255, colour table, category
    names and attribute table; a ``.qml`` beside it. A dask array is computed a few chunks at a time with whatever
    scheduler is active, so a scene of any size needs little memory.

    Parameters
    ----------
    data
        ``(y, x)`` or ``(1, y, x)``, integers: 0…254 and 255 for nodata (confidence: 0…100 and 255). Its grid is
        ``data.odc.geobox``; a map without one is written without georeference. Attributes that are read:
        ``class_names`` and ``class_colors`` (``#rrggbb``), lists in the order of the numbers from 0; ``kind``.
    path
        File to make.
    classes
        Names and colours; default: from the attributes.
    kind
        ``"classes"`` or ``"confidence"``; default: the attribute ``kind``, else confidence if the array is named so.
    overwrite
        Replace an existing file instead of raising.

    Returns
    -------
    The path written.

    Raises
    ------
    OutputError
        If the file exists, cannot be written, or values do not fit into uint8.
    OptionError
        If shape, type or classes are impossible.
    """
    if data.ndim == 3 and data.shape[0] == 1:  # a band dimension of one, as rioxarray makes
        data = data[0]
    if data.ndim != 2 or data.dtype.kind not in "iub" or 0 in data.shape:
        raise OptionError(f"write_cog: expected whole numbers of shape (y, x), got {data.dtype} {data.shape}")
    if kind is None:
        kind = data.attrs.get("kind", "confidence" if data.name == "confidence" else "classes")
    if kind not in ("classes", "confidence"):
        raise OptionError(f"write_cog: kind is {kind!r}; use 'classes' or 'confidence'")
    if classes is None:
        classes = classes_of(data) if kind == "classes" else ()
    with CogSink(path, _geobox(data), kind=cast("Kind", kind), classes=classes, overwrite=overwrite) as sink:
        for box, values in _pieces(data.data):
            sink.write(box, _as_uint8(values, box))
    return sink.path


def classes_of(data: xr.DataArray) -> tuple[MapClass, ...]:
    """Return the classes that the attributes ``class_names`` and ``class_colors`` of an array name.

    Raises
    ------
    OptionError
        If there are not as many colours as names.
    """
    names = list(data.attrs.get("class_names", ()))
    colors = list(data.attrs.get("class_colors", ())) or [default_color(number) for number in range(len(names))]
    if len(names) != len(colors):
        raise OptionError(f"class map has {len(names)} class_names but {len(colors)} class_colors: give one for each")
    return tuple(MapClass(number, name, color) for number, (name, color) in enumerate(zip(names, colors, strict=True)))


def _geobox(data: xr.DataArray) -> GeoBox:
    import odc.geo.xr  # noqa: F401 - adds .odc to arrays
    from affine import Affine
    from odc.geo.geobox import GeoBox

    geobox = data.odc.geobox
    if isinstance(geobox, GeoBox):
        return geobox
    height, width = data.shape
    return GeoBox((height, width), Affine.identity(), None)


def _pieces(values: Any) -> Iterator[tuple[Box, NDArray[Any]]]:
    """Yield the array in pieces; a dask array's chunks are computed in groups, so that few are in memory."""
    if isinstance(values, np.ndarray):
        yield Box(0, 0, *values.shape), values
        return
    from dask.base import compute

    compute_all: Callable[..., tuple[Any, ...]] = compute
    rows, cols = (_starts(sizes) for sizes in values.chunks)
    places = itertools.product(range(len(rows)), range(len(cols)))
    for group in _groups(places, _group_size()):
        chunks = compute_all(*(values.blocks[place] for place in group))
        for (row, col), chunk in zip(group, chunks, strict=True):
            yield Box(rows[row], cols[col], *chunk.shape), np.asarray(chunk)


def _starts(sizes: tuple[int, ...]) -> list[int]:
    return [0, *itertools.accumulate(sizes)][:-1]


def _groups(items: Iterable[tuple[int, int]], size: int) -> Iterator[list[tuple[int, int]]]:
    iterator = iter(items)
    while group := list(itertools.islice(iterator, size)):
        yield group


def _group_size() -> int:
    """How many chunks keep the scheduler busy: twice its threads."""
    try:
        from distributed import get_client

        client: Any = get_client()
        return 2 * max(sum(int(count) for count in client.nthreads().values()), 1)
    except (ImportError, ValueError):  # no cluster is active
        return 2 * (os.cpu_count() or 1)


def _as_uint8(values: NDArray[Any], box: Box) -> NDArray[np.uint8]:
    if values.dtype == np.uint8:
        return values
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > NODATA:
        raise OutputError(f"{box} holds values {low}…{high}: a class map holds 0…254, and 255 for nodata")
    return values.astype(np.uint8)
