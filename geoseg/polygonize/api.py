"""``polygonize``: a class map in, polygons out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass
from geoseg.errors import OptionError
from geoseg.polygonize.codes import Coder
from geoseg.polygonize.source import RowSource, open_source
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    import geopandas

    from geoseg.polygonize.request import PolygonizeJob
    from geoseg.polygonize.stream import Totals

_MEMORY = "1.5GB"


@dataclass(frozen=True)
class ClassPolygons:
    """Polygons of one class: their number and their true area in m²."""

    name: str
    polygons: int
    area_m2: float


@dataclass(frozen=True)
class PolygonSummary:
    """What was written.

    Attributes
    ----------
    path
        The file.
    classes
        Per class number that occurs: name, number of polygons, area in m².
    notes
        One line each about what a user should know, such as a missing CRS.
    """

    path: Path
    classes: Mapping[int, ClassPolygons]
    notes: tuple[str, ...] = ()

    @property
    def polygons(self) -> int:
        """Polygons of all classes."""
        return sum(item.polygons for item in self.classes.values())

    @property
    def area_m2(self) -> float:
        """Area of all classes."""
        return sum(item.area_m2 for item in self.classes.values())


@dataclass(frozen=True)
class _Options:
    """The keyword arguments of ``polygonize`` that shape polygons, checked."""

    names: Sequence[MapClass] | None
    min_area: float | None
    simplify: float | None
    smooth: bool
    connectivity: int
    only: tuple[int | str, ...] | None
    exclude: tuple[int | str, ...]
    keep: tuple[int | str, ...]
    nodata: float | None
    rounded: bool = False
    workers: int = field(default_factory=lambda: min(cpu_count(), 16))
    memory: int = 0

    def __post_init__(self) -> None:
        for name, value in (("min-area", self.min_area), ("simplify", self.simplify)):
            if value is not None and not (0 <= value < math.inf):
                raise OptionError(f"{name} is {value}: it must be 0 or larger")
        if self.connectivity not in (4, 8):
            raise OptionError(f"connectivity is {self.connectivity!r}: use 4 (shared edges) or 8 (corners too)")
        if self.workers < 1:
            raise OptionError(f"workers is {self.workers}: it must be 1 or larger")


def polygonize(
    classes: Any,
    path: str | Path | None = None,
    *,
    confidence: Any = None,
    names: Sequence[MapClass] | None = None,
    min_area: float | None = None,
    simplify: float | None = None,
    smooth: bool = False,
    connectivity: int = 4,
    only: Iterable[int | str] | None = None,
    exclude: Iterable[int | str] = (),
    keep: Iterable[int | str] = (),
    nodata: float | None = None,
    band: int | None = None,
    rounded: bool = False,
    workers: int | None = None,
    scheduler: Any = None,
    memory: str | int | None = None,
    overwrite: bool = False,
    provenance: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> geopandas.GeoDataFrame | PolygonSummary:
    """Turn a class map into polygons, exactly as one pass over the whole raster would, in bounded memory.

    Each 4-connected region of equal pixels becomes one polygon. The result depends on neither strips nor workers;
    polygons come in the order in which a scan of the raster meets their last pixels.

    Parameters
    ----------
    classes
        Path or URL of a raster, or an ``xarray.DataArray`` (rows, columns), in memory or dask. Whole numbers that
        int32 holds; floats only if every one is whole, or with ``rounded``.
    path
        File to write: ``.gpkg`` (GeoPackage 1.2, layer ``polygons``, with a style), ``.parquet`` (GeoParquet 1.1 with
        bounding boxes) or ``.fgb`` (FlatGeobuf). None returns a GeoDataFrame.
    confidence
        Raster on the same grid, path or DataArray; adds ``confidence`` (mean) and ``confidence_min``.
    names
        Classes with names and colours; by default what the raster itself says.
    min_area
        Minimum mapping unit in m²: smaller regions are merged into the neighbour with the longest shared boundary.
    simplify
        Tolerance in metres by which boundaries may move; shared boundaries move once, so no gaps and no overlaps.
    smooth
        Round stair steps, under the same guarantee.
    connectivity
        4, or 8: pixels that touch at corners belong together too; the result is MultiPolygons.
    only, exclude
        Classes (numbers or names) to polygonize, or to leave out.
    keep
        Classes that ``min_area`` never dissolves.
    nodata
        Value of pixels without class; instead of the raster's own.
    band
        Band of the raster, from 1; needed where there are several.
    rounded
        Round floats to the nearest whole number, halves to the even one.
    workers
        Threads that read and trace, or processes with ``scheduler="local"``.
    scheduler
        Who traces: None or ``"threads"`` of this process, ``"local"`` processes, the address of a dask scheduler, or a
        ``distributed.Client``. Workers must see the files under the same names; of an array they see only dask's. The
        result is the same to the last byte.
    memory
        Budget of this process, such as ``"2GB"``.
    overwrite
        Replace the file.
    provenance
        Layer metadata: scene, model, version.
    progress
        Called with (done, total).

    Returns
    -------
    geopandas.GeoDataFrame or PolygonSummary
        Columns ``class_id``, ``class_name``, ``area_m2``, ``perimeter_m`` (both measured on the ellipsoid; in the
        transform's units where there is no CRS), ``confidence``, ``confidence_min``.

    Raises
    ------
    InputError
        If a raster cannot be used.
    OptionError
        If an option is impossible.
    ClusterError
        If the scheduler does not answer or its workers are lost.
    OutputError
        If the file cannot be written; nothing is left under its name.
    """
    from geoseg.polygonize.on_dask import client_of
    from geoseg.system.resources import parse_bytes

    extra = {} if workers is None else {"workers": workers}
    options = _Options(
        names, min_area or None, simplify or None, smooth, connectivity,
        None if only is None else tuple(only), tuple(exclude), tuple(keep), nodata, rounded,
        memory=parse_bytes(_MEMORY if memory is None else memory), **extra,
    )  # fmt: skip
    if path is not None:
        from geoseg.polygonize.files.write import checked_path

        path = checked_path(path, overwrite=overwrite)
    source = open_source(classes, band)
    certain = None if confidence is None else open_source(confidence, purpose="take confidence from")
    try:
        with client_of(scheduler, options.workers) as client:
            job = _job(source, certain, options, client)
            if path is None:
                return _collected(job, progress, client)
            return _written(job, path, provenance, progress, client)
    finally:
        source.close()
        if certain is not None:
            certain.close()


def _job(source: RowSource, confidence: RowSource | None, options: _Options, client: Any) -> PolygonizeJob:
    from geoseg.geodesy import PixelGeodesy
    from geoseg.polygonize.encode import Encoding
    from geoseg.polygonize.on_dask import check_sources, threads_of
    from geoseg.polygonize.request import PolygonizeJob
    from geoseg.polygonize.reshape import reshaping
    from geoseg.polygonize.stream import check_confidence, confidence_scale, strip_rows
    from geoseg.polygonize.strips import Tracing

    if confidence is not None:
        check_confidence(source, confidence)
    if options.names is not None:
        source.classes = tuple(options.names)
    numbers = {item.name: item.id for item in source.classes}
    only = None if options.only is None else _numbers(options.only, numbers)
    keep = tuple(_numbers(options.keep, numbers))
    coder = Coder(source, options.nodata, only, _numbers(options.exclude, numbers), rounded=options.rounded)
    ground = PixelGeodesy(source.transform, source.crs, source.height, source.width)
    encoding = Encoding(
        ground,
        np.array(source.transform[:6], np.float64),
        multi=options.connectivity == 8,
        confidence_scale=None if confidence is None else confidence_scale(confidence),
    )
    under_way = options.workers
    if client is not None:
        check_sources(source, confidence)
        under_way = threads_of(client)
    rows = strip_rows(source, options.memory, under_way)
    reshape = None
    if options.simplify or options.smooth:
        reshape = reshaping(
            ground, source.height, source.width, options.simplify or 0.0, options.memory // 3, smooth=options.smooth
        )
    tracing = Tracing(source.height, eight=options.connectivity == 8, nodes=reshape is not None)
    return PolygonizeJob(
        source, coder, tracing, encoding, confidence, options.workers, rows, reshape, options.min_area, keep
    )


def _numbers(chosen: Iterable[int | str], numbers: Mapping[str, int]) -> list[int]:
    found = []
    for item in chosen:
        if isinstance(item, str) and item in numbers:
            found.append(numbers[item])
            continue
        try:
            found.append(int(item))
        except ValueError as error:
            known = ", ".join(numbers) or "none"
            raise OptionError(f"class {item!r} is neither a number nor a name of this map (names: {known})") from error
    return found


def _collected(job: PolygonizeJob, progress: Callable[[int, int], None] | None, client: Any) -> geopandas.GeoDataFrame:
    import geopandas
    import pyarrow as pa
    import shapely

    from geoseg.polygonize.encode import GEOMETRY
    from geoseg.polygonize.stream import Totals, record_batches

    batches = list(record_batches(job, Totals(), progress, client))
    table = pa.Table.from_batches(batches, job.encoding.schema)
    frame = table.drop_columns([GEOMETRY]).to_pandas()
    geometry = shapely.from_wkb(table.column(GEOMETRY).to_numpy())
    return geopandas.GeoDataFrame(frame, geometry=geometry, crs=_wkt(job.source))


def _written(
    job: PolygonizeJob,
    path: Path,
    provenance: Mapping[str, Any] | None,
    progress: Callable[[int, int], None] | None,
    client: Any,
) -> PolygonSummary:
    from geoseg.polygonize.encode import rebatched
    from geoseg.polygonize.files.layer import VectorLayer
    from geoseg.polygonize.files.write import text_of, write
    from geoseg.polygonize.stream import Totals, record_batches

    totals = Totals()
    layer = VectorLayer(job.encoding.schema, _wkt(job.source), job.encoding.multi, text_of(provenance))
    write(path, layer, rebatched(record_batches(job, totals, progress, client)), lambda: _legend(job, totals))
    return PolygonSummary(
        path,
        {
            value: ClassPolygons(job.names[value], totals.polygons[value], totals.area[value])
            for value in sorted(totals.polygons)
        },
        _notes(job.source),
    )


def _legend(job: PolygonizeJob, totals: Totals) -> list[MapClass]:
    """Classes for the style: those that the map names and those that occur."""
    from geoseg.class_names import complete

    named = [item for item in job.source.classes if item.id in totals.polygons or len(job.source.classes) <= 64]
    found = complete({*(item.id for item in named), *totals.polygons}, job.source.classes)
    return [found[value] for value in sorted(found)]


def _notes(source: RowSource) -> tuple[str, ...]:
    if source.crs is None:
        return (f"{source.name} has no CRS: areas and lengths are in the units of its coordinates",)
    return ()


def _wkt(source: RowSource) -> str | None:
    return None if source.crs is None else source.crs.to_wkt()
