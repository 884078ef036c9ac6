"""Arrays to COG: the public door of the package."""

from __future__ import annotations

import itertools
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from geoseg.classes import NODATA, MapClass, default_color
from geoseg.errors import OptionError, OutputError
from geoseg.system.resources import cpu_count
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
        ``class_names``, ``class_colors`` (``#rrggbb``) and ``class_values`` (0, 1, 2, … if missing), lists in
        one order, as :func:`geoseg.segment` gives them; ``kind``; ``nodata`` (another value than 255 becomes 255).
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

    Examples
    --------
    >>> import geoseg
    >>> result = geoseg.segment("scene.tif", model="spectral")
    >>> geoseg.write_cog(result.classes, "map.tif")
    PosixPath('map.tif')
    """
    if data.ndim == 3 and data.shape[0] == 1:  # a band dimension of one, as rioxarray makes
        data = data[0]
    if data.ndim != 2 or data.dtype.kind not in "iub" or 0 in data.shape:
        raise OptionError(
            f"write_cog: expected whole numbers of shape (y, x), got {data.dtype} {data.shape}; "
            'a map with NaN becomes one by .fillna(255).astype("uint8")'
        )
    if kind is None:
        kind = data.attrs.get("kind", "confidence" if data.name == "confidence" else "classes")
    if kind not in ("classes", "confidence"):
        raise OptionError(f"write_cog: kind is {kind!r}; use 'classes' or 'confidence'")
    geobox = _geobox(data)
    if classes is None:
        classes = classes_of(data) if kind == "classes" else ()
    nodata = data.odc.nodata
    with CogSink(path, geobox, kind=cast("Kind", kind), classes=classes, overwrite=overwrite) as sink:
        for box, values in _pieces(data.data):
            sink.write(box, _as_uint8(values, nodata, box))
    return sink.path


def classes_of(data: xr.DataArray) -> tuple[MapClass, ...]:
    """Return the classes that the attributes ``class_values``, ``class_names`` and ``class_colors`` of an array name.

    Values are 0, 1, 2, … if they are not given, colours geoseg's own.

    Raises
    ------
    OptionError
        If there are not as many values or colours as names.
    """
    names = _listed(data, "class_names")
    values = [int(value) for value in _listed(data, "class_values") or range(len(names))]
    colors = _listed(data, "class_colors") or [default_color(value) for value in values]
    for name, found in (("class_values", values), ("class_colors", colors)):
        if len(found) != len(names):
            raise OptionError(f"class map has {len(names)} class_names but {len(found)} {name}: give one for each")
    return tuple(MapClass(*entry) for entry in zip(values, names, colors, strict=True))


def _listed(data: xr.DataArray, name: str) -> list[Any]:
    """Return an attribute as a list; a file that it went through may have made an array or a single value of it."""
    found: list[Any] = np.atleast_1d(data.attrs.get(name, ())).tolist()
    return found


def _geobox(data: xr.DataArray) -> GeoBox:
    import odc.geo.xr  # noqa: F401 - adds .odc to arrays
    from affine import Affine
    from odc.geo.geobox import GeoBox

    geobox = data.odc.geobox
    if isinstance(geobox, GeoBox):
        return geobox
    if geobox is not None:
        raise OptionError("write_cog: the array lies on control points, not on a grid: warp it to a GeoBox first")
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
    distributed: Any = sys.modules.get("distributed")  # who has a cluster has imported it
    if distributed is not None:
        with suppress(ValueError):  # no cluster is active
            return 2 * max(sum(int(count) for count in distributed.get_client().nthreads().values()), 1)
    return 2 * cpu_count()


def _as_uint8(values: NDArray[Any], nodata: float | None, box: Box) -> NDArray[np.uint8]:
    if nodata is None or nodata == NODATA:
        missing, found, top = None, values, NODATA
    else:
        missing = values == nodata
        found, top = values[~missing], NODATA - 1
    if found.size and (found.dtype != np.uint8 or missing is not None):
        low, high = int(found.min()), int(found.max())
        if low < 0 or high > top:
            raise OutputError(f"{box} holds values {low}…{high}: a class map holds 0…254, and 255 for nodata")
    result = values.astype(np.uint8, copy=missing is not None)
    if missing is not None:
        result[missing] = NODATA
    return result
