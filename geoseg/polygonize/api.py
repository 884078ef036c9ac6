"""``polygonize``: a class map in, polygons out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, overload

import numpy as np

from geoseg.classes import MapClass
from geoseg.errors import OptionError
from geoseg.polygonize.codes import Coder
from geoseg.polygonize.reshape import ReshapeOptions
from geoseg.polygonize.source import RowSource, open_source
from geoseg.system.outputs import Inputs
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    import geopandas
    import pyarrow as pa

    from geoseg.polygonize.files.layer import LayerView
    from geoseg.polygonize.request import PolygonizeJob
    from geoseg.polygonize.stream import Totals

_MEMORY = "1.5GB"


@dataclass(frozen=True)
class ClassPolygons:
    """Polygons of one class: their number and their area on the ellipsoid in m².

    Examples
    --------
    >>> import geoseg
    >>> summary = geoseg.polygonize("classes.tif", "land.gpkg")
    >>> {number: part.polygons for number, part in summary.classes.items()} == {
    ...     number: part.polygons for number, part in geoseg.polygonize("classes.tif", "land.fgb").classes.items()
    ... }
    True
    """

    name: str
    polygons: int
    area_m2: float


@dataclass(frozen=True)
class PolygonSummary:
    """What ``polygonize`` has written to a file.

    Attributes
    ----------
    path
        The file.
    classes
        For each class id that occurs: its name, number of polygons and area in m².
    notes
        Warnings for the user, one line each, such as a missing CRS.
    outlines
        Those of them that concern new outlines: areas that they change.

    Examples
    --------
    >>> import geoseg
    >>> summary = geoseg.polygonize("classes.tif", "summary.gpkg")
    >>> summary.path.name, summary.polygons > 0
    ('summary.gpkg', True)
    """

    path: Path
    classes: Mapping[int, ClassPolygons]
    notes: tuple[str, ...] = ()
    outlines: tuple[str, ...] = ()

    @property
    def polygons(self) -> int:
        """Number of polygons of all classes."""
        return sum(item.polygons for item in self.classes.values())

    @property
    def area_m2(self) -> float:
        """Area of all classes in m²."""
        return sum(item.area_m2 for item in self.classes.values())


@dataclass(frozen=True)
class _Options:
    """The arguments of ``polygonize`` that decide its polygons and its resources, validated."""

    names: Sequence[MapClass] | None
    min_area: float | None
    reshape: ReshapeOptions
    connectivity: int
    only: tuple[int | str, ...] | None
    exclude: tuple[int | str, ...]
    keep: tuple[int | str, ...]
    nodata: float | None
    rounded: bool = False
    workers: int = field(default_factory=lambda: min(cpu_count(), 16))
    memory: int = 0

    def __post_init__(self) -> None:
        if self.min_area is not None and not (0 <= self.min_area < math.inf):
            raise OptionError(f"min-area must be 0 or larger, got {self.min_area}")
        if self.nodata is not None and not math.isfinite(self.nodata):
            raise OptionError(f"nodata must be a finite number, got {self.nodata}")
        if self.connectivity not in (4, 8):
            raise OptionError(f"connectivity is {self.connectivity!r}: use 4 (shared edges) or 8 (corners too)")
        if self.connectivity == 8 and self.reshape.regularize:
            raise OptionError(
                "regularize needs connectivity 4: polygons that touch at corners only have no walls there"
            )
        if self.workers < 1:
            raise OptionError(f"workers must be 1 or larger, got {self.workers}")


class _Arguments(TypedDict, total=False):
    """The keyword arguments of ``polygonize``, for its overloads."""

    confidence: Any
    names: Sequence[MapClass] | None
    min_area: float | None
    simplify: float | None
    smooth: bool
    regularize: str | None
    connectivity: int
    only: Iterable[int | str] | None
    exclude: Iterable[int | str]
    keep: Iterable[int | str]
    nodata: float | None
    band: int | None
    rounded: bool
    workers: int | None
    scheduler: Any
    memory: str | int | None
    overwrite: bool
    provenance: Mapping[str, Any] | None
    view: LayerView | None
    progress: Callable[[int, int], None] | None


@overload
def polygonize(classes: Any, path: None = None, **options: Unpack[_Arguments]) -> geopandas.GeoDataFrame: ...


@overload
def polygonize(classes: Any, path: str | Path, **options: Unpack[_Arguments]) -> PolygonSummary: ...


def polygonize(
    classes: Any,
    path: str | Path | None = None,
    *,
    confidence: Any = None,
    names: Sequence[MapClass] | None = None,
    min_area: float | None = None,
    simplify: float | None = None,
    smooth: bool = False,
    regularize: str | None = None,
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
    view: LayerView | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> geopandas.GeoDataFrame | PolygonSummary:
    """Convert a class map to polygons, exactly as one pass over the whole raster would, in bounded memory.

    Each 4-connected region of equal pixels becomes one polygon. The result does not depend on how the raster is cut
    into strips, nor on the number of workers. Polygons are sorted by their last pixel in row-major order.

    Parameters
    ----------
    classes
        Path or URL of a raster, or an ``xarray.DataArray`` (rows, columns), in memory or backed by dask. Values are
        integers within int32; floats are accepted if all are whole numbers, or with ``rounded``.
    path
        File to write: ``.gpkg`` (GeoPackage 1.2, layer ``polygons``, with a style), ``.parquet`` (GeoParquet 1.1 with
        bounding boxes) or ``.fgb`` (FlatGeobuf). None returns a GeoDataFrame.
    confidence
        Raster on the same grid, path or DataArray; adds the columns ``confidence`` (mean) and ``confidence_min``.
    names
        Classes with names and colours; by default those stored in the raster.
    min_area
        Minimum mapping unit in m²: smaller regions are merged into the neighbour with the longest shared boundary.
    simplify
        Maximum distance, in metres, by which simplification may move a boundary. Boundaries shared by two polygons
        move together: no gaps, no overlaps.
    smooth
        Round the stair steps of pixels, also without gaps and overlaps.
    regularize
        ``"square"`` turns edges to the main directions of each polygon and of those that it touches, ``"circle"`` makes
        circles of what is round. ``simplify`` is the distance by which outlines may move; two pixels if None.
    connectivity
        4 or 8. With 8, pixels that touch at a corner are connected as well, and the result is MultiPolygons.
    only, exclude
        Classes (ids or names) to polygonize, or to leave out.
    keep
        Classes (ids or names) that ``min_area`` never merges into others.
    nodata
        Value of pixels without a class; overrides the raster's own.
    band
        Band of the raster, counted from 1; required if there are several.
    rounded
        Round floats to the nearest integer, halves to the even one.
    workers
        Number of threads that read and trace, or of processes with ``scheduler="local"``; by default one per core, at
        most 16.
    scheduler
        Where strips are traced: None or ``"threads"`` in this process, ``"local"`` in worker processes, or on a dask
        cluster: the address of its scheduler or a ``distributed.Client``. Workers must be able to open the rasters by
        the same paths; an array must be backed by dask. The output is identical to the byte.
    memory
        Memory budget of this process, in bytes or such as ``"2GB"``; 1.5 GB by default.
    overwrite
        Replace an existing file.
    provenance
        Layer metadata to store: scene, model, version.
    view
        Another name and other columns of the layer, for rasters whose values are no classes.
    progress
        Called with the number of strips done and their total.

    Returns
    -------
    geopandas.GeoDataFrame or PolygonSummary
        Columns ``class_id``, ``class_name``, ``area_m2``, ``perimeter_m`` (both measured on the ellipsoid; in the
        transform's units where there is no CRS), ``confidence``, ``confidence_min``.

    Raises
    ------
    InputError
        If a raster cannot be opened, read or polygonized, or changes meanwhile (ChangedError).
    OptionError
        If an option is out of range or names an unknown class.
    ClusterError
        If the scheduler does not answer or its workers are lost.
    OutputError
        If the file cannot be written, or is one of the rasters; no partial file is left under its name.

    Examples
    --------
    >>> import numpy as np
    >>> import xarray as xr
    >>> from geoseg import polygonize
    >>> classes = xr.DataArray(np.array([[0, 0, 1], [0, 1, 1]], np.uint8), dims=("y", "x"))
    >>> polygonize(classes)[["class_id", "area_m2"]]
       class_id  area_m2
    0         0      3.0
    1         1      3.0
    """
    from geoseg.polygonize.on_dask import client_of
    from geoseg.system.resources import parse_bytes

    extra = {} if workers is None else {"workers": workers}
    options = _Options(
        names, min_area or None, ReshapeOptions(simplify or None, smooth, regularize), connectivity,
        None if only is None else tuple(only), tuple(exclude), tuple(keep), nodata, rounded,
        memory=parse_bytes(_MEMORY if memory is None else memory), **extra,
    )  # fmt: skip
    if path is not None:
        from geoseg.polygonize.files.write import checked_path

        path = checked_path(path, overwrite=overwrite)
        Inputs(classes, confidence).check(path)
    source = open_source(classes, band)
    confidence_source = None if confidence is None else open_source(confidence, purpose="take confidence from")
    try:
        if path is not None:
            Inputs([one.files() for one in (source, confidence_source) if one is not None]).check(path)
        with client_of(scheduler, options.workers) as client:
            job = _plan(source, confidence_source, options, client)
            if path is None:
                return _to_frame(job, view, progress, client)
            summary = _to_file(job, path, (view, provenance), progress, client)
            absent = [] if view is not None else _absent(summary, job, options)
            return replace(summary, notes=(*summary.notes, *absent))
    finally:
        source.close()
        if confidence_source is not None:
            confidence_source.close()


def _plan(source: RowSource, confidence: RowSource | None, options: _Options, client: Any) -> PolygonizeJob:
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
    ids_by_name = {item.name: item.id for item in source.classes}
    only = None if options.only is None else _class_ids(options.only, ids_by_name)
    keep = tuple(_class_ids(options.keep, ids_by_name))
    coder = Coder(source, options.nodata, only, _class_ids(options.exclude, ids_by_name), rounded=options.rounded)
    ground = PixelGeodesy(source.transform, source.crs, source.height, source.width)
    encoding = Encoding(
        ground,
        np.array(source.transform[:6], np.float64),
        multi=options.connectivity == 8,
        confidence_scale=None if confidence is None else confidence_scale(confidence),
    )
    parallel_strips = options.workers
    if client is not None:
        check_sources(source, confidence)
        parallel_strips = threads_of(client)
    rows = strip_rows(source, options.memory, parallel_strips)
    reshape = reshaping(ground, source.height, source.width, options.reshape, options.memory // 3)
    regular = options.reshape.regularize is not None
    tracing = Tracing(source.height, options.connectivity == 8, nodes=reshape is not None, clusters=regular)
    return PolygonizeJob(
        source, coder, tracing, encoding, confidence, options.workers, rows, reshape, options.min_area, keep
    )


def _class_ids(chosen: Iterable[int | str], ids_by_name: Mapping[str, int]) -> list[int]:
    ids = []
    for item in chosen:
        if isinstance(item, str) and item in ids_by_name:
            ids.append(ids_by_name[item])
            continue
        try:
            ids.append(int(item))
        except ValueError as error:
            known = ", ".join(ids_by_name) or "none"
            raise OptionError(f"class {item!r} is neither a number nor a name of this map (names: {known})") from error
    return ids


def _to_frame(
    job: PolygonizeJob, view: LayerView | None, progress: Callable[[int, int], None] | None, client: Any
) -> geopandas.GeoDataFrame:
    import geopandas
    import pyarrow as pa
    import shapely

    from geoseg.polygonize.encode import GEOMETRY
    from geoseg.polygonize.stream import Totals, record_batches

    batches = _checked(record_batches(job, Totals(), progress, client), job)
    schema = job.encoding.schema if view is None else view.schema
    table = pa.Table.from_batches(list(_viewed(batches, view)), schema)
    frame = table.drop_columns([GEOMETRY]).to_pandas()
    geometry = shapely.from_wkb(table.column(GEOMETRY).to_numpy())
    return geopandas.GeoDataFrame(frame, geometry=geometry, crs=_wkt(job.source))


def _to_file(
    job: PolygonizeJob,
    path: Path,
    described: tuple[LayerView | None, Mapping[str, Any] | None],
    progress: Callable[[int, int], None] | None,
    client: Any,
) -> PolygonSummary:
    from geoseg.polygonize.encode import rebatched
    from geoseg.polygonize.files.layer import VectorLayer
    from geoseg.polygonize.files.write import metadata_text, write
    from geoseg.polygonize.stream import Totals, record_batches

    totals = Totals()
    view, provenance = described
    layer = VectorLayer(job.encoding.schema, _wkt(job.source), job.encoding.multi, metadata_text(provenance))
    if view is not None:
        layer = replace(layer, schema=view.schema, name=view.name, title=view.title, class_field=view.class_field)
    batches = _checked(rebatched(_viewed(record_batches(job, totals, progress, client), view)), job)
    left_out = () if view is None else view.without
    write(path, layer, batches, lambda: [one for one in _style_classes(job, totals) if one.id not in left_out])
    return PolygonSummary(
        path,
        {
            value: ClassPolygons(job.names[value], totals.polygons[value], totals.area[value])
            for value in sorted(set(totals.polygons).difference(left_out))
        },
        (*_notes(job.source), *totals.notes),
        tuple(totals.notes),
    )


def _absent(summary: PolygonSummary, job: PolygonizeJob, options: _Options) -> list[str]:
    """Return a note on classes that were asked for and have no polygon."""
    ids_by_name = {item.name: item.id for item in job.source.classes}
    asked = options.only or ()
    numbers = zip(asked, _class_ids(asked, ids_by_name), strict=True)
    missing = [str(one) for one, number in numbers if number not in summary.classes]
    if not missing:
        return []
    least = f" of at least {options.min_area:g} m²" if options.min_area else ""
    return [f"the map has no region of class {', '.join(missing)}{least}"]


def _viewed(batches: Iterable[pa.RecordBatch], view: LayerView | None) -> Iterable[pa.RecordBatch]:
    return batches if view is None else map(view.of, batches)


def _checked(batches: Iterable[pa.RecordBatch], job: PolygonizeJob) -> Iterator[pa.RecordBatch]:
    """Yield polygons, and after the last check that the rasters have not changed, before the file gets its name."""
    yield from batches
    for source in (job.source, job.confidence):
        if source is not None:
            source.check_unchanged()


def _style_classes(job: PolygonizeJob, totals: Totals) -> list[MapClass]:
    """Return the classes of the style: those that the map names and those that occur."""
    from geoseg.write.class_names import complete

    named = [item for item in job.source.classes if item.id in totals.polygons or len(job.source.classes) <= 64]
    by_id = complete({*(item.id for item in named), *totals.polygons}, job.source.classes)
    return [by_id[value] for value in sorted(by_id)]


def _notes(source: RowSource) -> tuple[str, ...]:
    from geoseg.geodesy.crs import is_measurable

    if source.crs is None:
        return (f"{source.name} has no CRS: areas and lengths are in the units of its coordinates",)
    if not is_measurable(source.crs):
        return (f"{source.name} has a CRS of unknown unit: areas and lengths are in the units of its coordinates",)
    return ()


def _wkt(source: RowSource) -> str | None:
    return None if source.crs is None else source.crs.to_wkt()
