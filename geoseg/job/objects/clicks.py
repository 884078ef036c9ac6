"""click(): points in a scene and a click model -> the outline of what they point at."""

from __future__ import annotations

import math
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError, OptionError, OutputError, one_line
from geoseg.geodesy.crs import crs_text, transformer
from geoseg.geodesy.polygons import PolygonAreas
from geoseg.models.clicks import ClickModel, Mask, load_click_model
from geoseg.models.clicks.pair import INSIDE, OUTSIDE
from geoseg.raster import Raster, open_raster
from geoseg.system.files import complete
from geoseg.tiling import Box

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

# Pictures whose embeddings are kept: an encoder takes seconds, a decoder milliseconds.
_KEPT = 8

_LOCK = threading.Lock()
_embeddings: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
_ranges: OrderedDict[str, tuple[Any, Any]] = OrderedDict()


@dataclass(frozen=True)
class _Window:
    """What the model sees: a box of the scene, of which each ``step``-th pixel in both directions is one of its own."""

    box: Box
    step: int

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return max(self.box.height // self.step, 1), max(self.box.width // self.step, 1)


def click(
    raster: Raster | str | os.PathLike[str],
    model: str | os.PathLike[str] | ClickModel,
    at: Sequence[tuple[float, float]],
    *,
    outside: Sequence[tuple[float, float]] = (),
    crs: Any = None,
    pixel: float | None = None,
) -> gpd.GeoDataFrame:
    """Outline what points in a scene point at, with a click model of the SAM family.

    The model sees a window of its own size around the points. The picture of a window is embedded once and kept, so
    that further clicks near by take a fraction of a second.

    Parameters
    ----------
    raster
        The scene, or what :func:`geoseg.open_raster` takes. Red, green and blue are shown to the model, or its only
        band; values of other types than bytes are stretched between the 1st and 98th percentile of a sample.
    model
        Name or folder of a click model, see :func:`geoseg.models.clicks.load_click_model`.
    at
        x, y of points on the object.
    outside
        x, y of points that do not belong to it.
    crs
        CRS of the points. Default: the scene's.
    pixel
        Size of the pixels that the model sees, in units of the scene's CRS: larger ones show it larger objects.
        Default: the scene's own; else a whole multiple of them near this one.

    Returns
    -------
    GeoDataFrame in the CRS of the scene, one row: ``geometry`` (Polygon or MultiPolygon along pixel edges), ``score``,
    the model's own estimate of its quality, 0…1, ``area_m2``, and ``cut``, whether it reaches the edge of what the
    model saw inside the scene, so that the object may go on. Empty if the mask does not hold any of the points.

    Raises
    ------
    InputError
        If a point lies outside the scene or where it has no data, or points are too far apart for one window.
    ModelError
        If the model is damaged or of another kind.
    OptionError
        If no point is given, or ``pixel`` is impossible.

    Examples
    --------
    >>> import geoseg
    >>> geoseg.click("scene.tif", "sam", [(500_000, 5_000_000)])
    Traceback (most recent call last):
    geoseg.errors.ModelError: no click model is called 'sam' (none is installed); add one: geoseg model add \
ENCODER.onnx --decoder DECODER.onnx
    """
    found = load_click_model(model)
    scene = raster if isinstance(raster, Raster) else open_raster(os.fspath(raster))
    if not len(at):
        raise OptionError("no point is given: name one on the object, x and y (--at X,Y)")
    points = _in_pixels([*at, *outside], scene, crs)
    labels = np.array([INSIDE] * len(at) + [OUTSIDE] * len(outside))
    colors = _colors(scene)
    pair = found.pair()
    window = _window(points, scene, _step(pixel, scene), pair.ports.side)
    picture, valid = _picture(colors, window)
    height, width = window.shape
    inside = (points - (window.box.col, window.box.row)) * (width / window.box.width, height / window.box.height)
    _check_data(valid, inside[: len(at)], scene)
    key = found.fingerprint, colors.fingerprint(), window
    with _LOCK:
        embedding = _embeddings.pop(key, None)
    if embedding is None:
        embedding = pair.embed(picture)
    with _LOCK:
        _embeddings[key] = embedding
        while len(_embeddings) > _KEPT:
            _embeddings.popitem(last=False)
    mask = pair.decode(embedding, window.shape, inside, labels)
    return _outlined(Mask(mask.inside & valid, mask.score), inside[: len(at)], window, scene)


def _in_pixels(points: Sequence[tuple[float, float]], scene: Raster, crs: Any) -> NDArray[np.float64]:
    """Return columns and rows, (n, 2), of points on the scene."""
    x, y = (np.array([float(point[axis]) for point in points]) for axis in (0, 1))
    if crs is not None and scene.grid.crs is not None:
        x, y = transformer(crs, scene.grid.crs, "the points").transform(x, y)
    columns, rows = ~scene.transform * (np.asarray(x), np.asarray(y))
    height, width = scene.shape
    for number, (column, row) in enumerate(zip(columns, rows, strict=True)):
        if not (0 <= column < width and 0 <= row < height):
            given = ", ".join(f"{value:.10g}" for value in points[number])
            raise InputError(f"{scene.name}: the point {given} lies outside the scene; is it in another CRS (--crs)?")
    return np.stack([columns, rows], axis=1)


def _step(pixel: float | None, scene: Raster) -> int:
    if pixel is None:
        return 1
    if not (math.isfinite(pixel) and pixel > 0):
        raise OptionError(f"pixel must be a positive number, got {pixel:g}")
    return max(round(pixel / abs(scene.transform.a)), 1)


def _colors(scene: Raster) -> Raster:
    names = [band.name for band in scene.bands]
    if set(names) >= {"red", "green", "blue"}:
        return scene.select(["red", "green", "blue"])
    if len(names) == 1:
        return scene.select([1, 1, 1])
    raise InputError(
        f"{scene.name}: has no red, green and blue ({', '.join(names[:8])}); say which bands to show: --bands "
        "red=1,green=2,blue=3"
    )


def _window(points: NDArray[np.float64], scene: Raster, step: int, side: int) -> _Window:
    """Return the window of a lattice of half its side in whose middle points lie: near clicks see the same picture."""
    span = min(side * step, max(scene.shape))
    starts = []
    for axis, size in ((1, scene.shape[0]), (0, scene.shape[1])):
        low, high = points[:, axis].min(), points[:, axis].max()
        if high - low > span:
            raise InputError(
                f"{scene.name}: the points are {high - low:.0f} px apart, and the model sees {span}: click on one "
                "object, or let it see larger pixels (--pixel)"
            )
        half = max(span // 2, 1)
        start = math.floor(((low + high) / 2 - span / 4) / half) * half
        if not (start <= low and high <= start + span):
            start = math.floor((low + high - span) / 2)
        starts.append(min(max(start, 0), max(size - span, 0)))
    height, width = (min(span, size - start) for start, size in zip(starts, scene.shape, strict=True))
    return _Window(Box(starts[0], starts[1], height, width), step)


def _picture(colors: Raster, window: _Window) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return a window as colours (h, w, 3), missing pixels black, and which pixels are valid."""
    pixels = colors.read(window.box) if window.step == 1 else colors._read(window.box, window.shape)  # noqa: SLF001
    values = pixels.data
    if values.dtype != np.uint8:
        low, high = _range(colors)
        values = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1) * 255
    return np.where(pixels.valid, np.rint(values), 0).astype(np.uint8).transpose(1, 2, 0), pixels.valid


def _range(colors: Raster) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the values of each band that are shown as 0 and 255, of a sample that is read once for a scene."""
    key = colors.fingerprint()
    with _LOCK:
        if key in _ranges:
            return _ranges[key]
    sample = colors.sample()
    values = sample.data[:, sample.valid].astype(np.float64)
    if not values.size:
        raise InputError(f"{colors.name}: has no data in a sample of the scene")
    low, high = np.percentile(values, (1, 98), axis=1)
    found = low[:, None, None], np.maximum(high, low + 1e-9)[:, None, None]
    with _LOCK:
        _ranges[key] = found
        while len(_ranges) > _KEPT:
            _ranges.popitem(last=False)
    return found


def _check_data(valid: NDArray[np.bool_], points: NDArray[np.float64], scene: Raster) -> None:
    rows, cols = (np.clip(points[:, axis].astype(int), 0, valid.shape[1 - axis] - 1) for axis in (1, 0))
    if not valid[rows, cols].all():
        raise InputError(f"{scene.name}: has no data where a point lies; click on the picture")


def _outlined(mask: Mask, points: NDArray[np.float64], window: _Window, scene: Raster) -> gpd.GeoDataFrame:
    """Return the parts of a mask that points lie in as one feature."""
    import geopandas as gpd
    import shapely
    from affine import Affine
    from rasterio.features import shapes

    columns = {"score": np.zeros(0), "area_m2": np.zeros(0), "cut": np.zeros(0, np.bool_)}
    crs = None if scene.grid.crs is None else crs_text(scene.grid.crs)
    height, width = mask.inside.shape
    grid = scene.transform * Affine.translation(window.box.col, window.box.row)
    grid = grid * Affine.scale(window.box.width / width, window.box.height / height)
    clicked = shapely.points(np.floor(points) + 0.5)  # in the middle of their pixels
    found, cut = [], False
    for one, _ in shapes(mask.inside.astype(np.uint8), mask=mask.inside):
        piece = shapely.geometry.shape(one)
        if shapely.contains(piece, clicked).any():
            found.append(shapely.transform(piece, lambda x, y: grid * (x, y), interleaved=False))
            cut = cut or _is_cut(piece, window, scene)
    if not found:
        return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=crs), crs=crs)
    geometry = found[0] if len(found) == 1 else shapely.MultiPolygon(found)
    area = PolygonAreas(crs)(np.array([geometry], object))
    return gpd.GeoDataFrame(
        {"score": [round(mask.score, 4)], "area_m2": area, "cut": [cut]}, geometry=[geometry], crs=crs
    )


def _is_cut(piece: Any, window: _Window, scene: Raster) -> bool:
    """Return whether a part of an object, in pixels of the window, reaches an edge that is not the scene's."""
    (left, top, right, bottom), box, (height, width) = piece.bounds, window.box, window.shape
    edges = (
        (top == 0, box.row > 0), (bottom == height, box.bottom < scene.shape[0]), (left == 0, box.col > 0),
        (right == width, box.right < scene.shape[1]),
    )  # fmt: skip
    return any(reached and inner for reached, inner in edges)


_DRIVERS = {".gpkg": "GPKG", ".fgb": "FlatGeobuf", ".geojson": "GeoJSON"}


def write_outline(frame: gpd.GeoDataFrame, output: Path, *, overwrite: bool) -> Path:
    """Write what :func:`click` has returned.

    Raises
    ------
    OutputError
        If the file exists, cannot be written, or has an unknown suffix.
    """
    import pyogrio

    driver = _DRIVERS.get(output.suffix.lower())
    if driver is None:
        raise OutputError(f"{output}: outlines are written as {', '.join(_DRIVERS)}; choose one of these suffixes")
    if output.exists() and not overwrite:
        raise OutputError(f"{output} exists: choose another name or add --overwrite")
    more: dict[str, Any] = {"layer": "outlines", "dataset_options": {"VERSION": "1.2"}} if driver == "GPKG" else {}
    try:
        with complete(output) as part:
            pyogrio.write_dataframe(frame.to_crs(4326) if driver == "GeoJSON" else frame, part, driver=driver, **more)
    except (OSError, pyogrio.errors.DataSourceError, ValueError) as error:
        raise OutputError(f"{output}: cannot be written: {one_line(error)}") from error
    return output
