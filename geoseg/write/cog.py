"""``geoseg.write_cog``: xarray to COG."""

from __future__ import annotations

import itertools
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from geoseg.classes import NODATA, MapClass, default_color
from geoseg.errors import OptionError, OutputError
from geoseg.raster.raster import Raster
from geoseg.system.outputs import Inputs, local_path
from geoseg.system.resources import cpu_count
from geoseg.tiling import Box
from geoseg.write.measurements import write_raster
from geoseg.write.sink import CogSink, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox


def write_cog(
    data: xr.DataArray | Raster,
    path: str | Path,
    *,
    classes: Sequence[MapClass] | None = None,
    kind: Kind | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a class map, confidence or probabilities as a Cloud Optimized GeoTIFF with names and colours; or a raster.

    Blocks of 512, DEFLATE, overviews (mode for classes, mean for percents), nodata 255, colour table, category
    names and attribute table; a ``.qml`` beside it. A dask array is computed a few chunks at a time with whatever
    scheduler is active, so a scene of any size needs little memory.

    Parameters
    ----------
    data
        ``(y, x)`` or ``(1, y, x)``, integers: 0…254 and 255 for nodata (confidence: 0…100 and 255). Or probabilities
        ``(class, y, x)``, 0…100 and 255, whose coordinate ``class`` names the bands. Or a :class:`geoseg.Raster`, such
        as :func:`geoseg.composite` returns: its pixels are written with the names, units and nodata of its bands,
        overviews by mean; ``classes`` and ``kind`` do not apply. The grid of an array is
        ``data.odc.geobox``; a map without one is written without georeference. Attributes used:
        ``class_names``, ``class_colors`` (``#rrggbb``) and ``class_values`` (0, 1, 2, … if missing), lists in
        one order, as :func:`geoseg.segment` gives them; ``kind``; ``nodata`` (a value other than 255 becomes 255).
    path
        File to create.
    classes
        Names and colours; default: from the attributes.
    kind
        ``"classes"`` or ``"confidence"``; default: the attribute ``kind``, else confidence if the array is named so.
        Ignored for probabilities.
    overwrite
        Replace an existing file instead of raising.

    Returns
    -------
    The path written.

    Raises
    ------
    OutputError
        If the file exists, is the array's source, cannot be written, or values do not fit into uint8.
    OptionError
        If shape, type or classes do not fit.

    Examples
    --------
    >>> import geoseg
    >>> result = geoseg.segment("scene.tif", model="spectral")
    >>> geoseg.write_cog(result.classes, "map.tif")
    PosixPath('map.tif')
    """
    if isinstance(data, Raster):
        if classes is not None or kind is not None:
            raise OptionError("write_cog: classes and kind are for maps; a raster is written as it is")
        return write_raster(data, path, overwrite=overwrite)
    target = local_path(path)
    # Where the array came from, as geoseg and rioxarray note it: a lazy one is read while the file is written.
    Inputs(data.encoding.get("source"), data.attrs.get("sources")).check(target, target.with_suffix(".qml"))
    bands = _band_names(data)
    if not bands and data.ndim == 3 and data.shape[0] == 1:  # a band dimension of one, as rioxarray makes
        data = data[0]
    if data.ndim != (3 if bands else 2) or data.dtype.kind not in "iub" or 0 in data.shape:
        raise OptionError(
            f"write_cog: expected whole numbers of shape (y, x), got {data.dtype} {data.shape}; "
            'a map with NaN becomes one by .fillna(255).astype("uint8")'
        )
    if bands:
        kind = "probabilities"
    elif kind is None:
        kind = data.attrs.get("kind", "confidence" if data.name == "confidence" else "classes")
    if kind not in ("classes", "confidence") and not bands:
        raise OptionError(f"write_cog: kind is {kind!r}; use 'classes' or 'confidence'")
    geobox = _geobox(data)
    if classes is None:
        classes = classes_of(data) if kind == "classes" else ()
    nodata = data.odc.nodata
    with CogSink(path, geobox, kind=cast("Kind", kind), classes=classes, bands=bands, overwrite=overwrite) as sink:
        for box, values in _pieces(data.data):
            for band, plane in enumerate(values if bands else [values]):
                sink.write(box, _as_uint8(plane, nodata, box), band)
    return sink.path


def _band_names(data: xr.DataArray) -> tuple[str, ...]:
    """Return the names along the dimension ``class``; empty for an array of one band."""
    if data.ndim != 3 or data.dims[0] != "class":
        return ()
    return tuple(str(name) for name in data["class"].values)


def classes_of(data: xr.DataArray) -> tuple[MapClass, ...]:
    """Return the classes that the attributes ``class_values``, ``class_names`` and ``class_colors`` of an array name.

    Default values are 0, 1, 2, …; default colours are geoseg's own.

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
    """Return an attribute as a list; after a round trip through a file it may be an array or a single value."""
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
    height, width = data.shape[-2:]
    return GeoBox((height, width), Affine.identity(), None)


def _pieces(values: Any) -> Iterator[tuple[Box, NDArray[Any]]]:
    """Yield an array (…, y, x) in pieces (…, h, w); the chunks of a dask array are computed a few at a time."""
    if isinstance(values, np.ndarray):
        yield Box(0, 0, *values.shape[-2:]), values
        return
    from dask.base import compute

    compute_all: Callable[..., tuple[Any, ...]] = compute
    if values.ndim == 3:
        values = values.rechunk({0: -1})
    rows, cols = (_starts(sizes) for sizes in values.chunks[-2:])
    places = itertools.product(range(len(rows)), range(len(cols)))
    for group in _groups(places, _group_size()):
        chunks = compute_all(*(values.blocks[..., *place] for place in group))
        for (row, col), chunk in zip(group, chunks, strict=True):
            yield Box(rows[row], cols[col], *chunk.shape[-2:]), np.asarray(chunk)


def _starts(sizes: tuple[int, ...]) -> list[int]:
    return [0, *itertools.accumulate(sizes)][:-1]


def _groups(items: Iterable[tuple[int, int]], size: int) -> Iterator[list[tuple[int, int]]]:
    iterator = iter(items)
    while group := list(itertools.islice(iterator, size)):
        yield group


def _group_size() -> int:
    """Return how many chunks to compute at a time: twice the scheduler's threads."""
    distributed: Any = sys.modules.get("distributed")  # imported wherever a cluster is in use
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
