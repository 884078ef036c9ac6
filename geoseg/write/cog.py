"""``geoseg.write_cog``: xarray to COG."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast, overload

import numpy as np

from geoseg.classes import NODATA, MapClass, default_color
from geoseg.errors import OptionError, OutputError
from geoseg.raster.raster import Raster
from geoseg.system.outputs import Inputs, local_path
from geoseg.tiling import Box
from geoseg.write.measurements import write_raster
from geoseg.write.pieces import pieces
from geoseg.write.sink import CogSink, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox


@overload
def write_cog(
    data: xr.DataArray | Raster,
    path: str | Path,
    *,
    classes: Sequence[MapClass] | None = None,
    kind: Kind | None = None,
    overwrite: bool = False,
) -> Path: ...


@overload
def write_cog(
    data: xr.Dataset, path: str | Path, *, classes: Sequence[MapClass] | None = None, overwrite: bool = False
) -> dict[str, Path]: ...


def write_cog(
    data: xr.DataArray | xr.Dataset | Raster,
    path: str | Path,
    *,
    classes: Sequence[MapClass] | None = None,
    kind: Kind | None = None,
    overwrite: bool = False,
) -> Path | dict[str, Path]:
    """Write class map, confidence or probabilities, or all of them, as Cloud Optimized GeoTIFFs; or a raster.

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
        Or the Dataset that :func:`geoseg.segment` returns: all of its variables are computed and written in one pass.
    path
        File to create. ``map.tif`` of a Dataset becomes ``map_classes.tif``, ``map_confidence.tif`` and so on.
    classes
        Names and colours; default: from the attributes.
    kind
        ``"classes"`` or ``"confidence"``; default: the attribute ``kind``, else confidence if the array is named so.
        Ignored for probabilities and Datasets.
    overwrite
        Replace an existing file instead of raising.

    Returns
    -------
    The path written, or the path per variable of a Dataset.

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
    >>> sorted(geoseg.write_cog(result, "all.tif"))
    ['classes', 'confidence']
    """
    if isinstance(data, Raster):
        if classes is not None or kind is not None:
            raise OptionError("write_cog: classes and kind are for maps; a raster is written as it is")
        return write_raster(data, path, overwrite=overwrite)
    target = local_path(path)
    if not hasattr(data, "data_vars"):
        return _write([_layer(cast("xr.DataArray", data), target, classes, kind)], overwrite=overwrite)[0]
    named = {str(name): target.with_name(f"{target.stem}_{name}{target.suffix}") for name in data.data_vars}
    if not named:
        raise OptionError("write_cog: the Dataset has no variable")
    layers = [_layer(data[name], file, classes if name == "classes" else None, None) for name, file in named.items()]
    return dict(zip(named, _write(layers, overwrite=overwrite), strict=True))


@dataclass(frozen=True)
class _Layer:
    """An array that becomes one file."""

    path: Path
    values: Any
    geobox: GeoBox
    kind: Kind
    classes: Sequence[MapClass]
    bands: tuple[str, ...]
    nodata: float | None


def _layer(data: xr.DataArray, path: Path, classes: Sequence[MapClass] | None, kind: Kind | None) -> _Layer:
    """Check an array."""
    # Where the array came from, as geoseg and rioxarray note it: a lazy one is read while the file is written.
    Inputs(data.encoding.get("source"), data.attrs.get("sources")).check(path, path.with_suffix(".qml"))
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
    if classes is None:
        classes = classes_of(data) if kind == "classes" else ()
    return _Layer(path, data.data, _geobox(data), cast("Kind", kind), classes, bands, data.odc.nodata)


def _write(layers: Sequence[_Layer], *, overwrite: bool) -> list[Path]:
    """Write layers in one pass over their chunks."""
    with ExitStack() as stack:
        sinks = [
            stack.enter_context(
                CogSink(one.path, one.geobox, kind=one.kind, classes=one.classes, bands=one.bands, overwrite=overwrite)
            )
            for one in layers
        ]
        with closing(pieces([one.values for one in layers])) as found:
            for number, box, values in found:
                layer = layers[number]
                for band, plane in enumerate(values if layer.bands else [values]):
                    sinks[number].write(box, _as_uint8(plane, layer.nodata, box), band)
    return [sink.path for sink in sinks]


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
