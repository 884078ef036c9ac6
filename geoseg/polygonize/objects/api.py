"""``write_objects``: a class map read as objects -> a file of polygons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.geodesy import PixelGeodesy
from geoseg.polygonize.codes import Coder
from geoseg.polygonize.encode import Encoding, rebatched
from geoseg.polygonize.objects.layer import ObjectCounts, ObjectFilter, ObjectsView
from geoseg.polygonize.objects.seeds import Seeds, Slabs, number_seeds
from geoseg.polygonize.objects.sources import FLAG_BITS, Instances, Scores
from geoseg.polygonize.request import PolygonizeJob
from geoseg.polygonize.source import RowSource
from geoseg.polygonize.strips import Tracing
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    import pyarrow as pa

    from geoseg.polygonize.objects.reading import ObjectReading
    from geoseg.polygonize.reshape import ReshapeOptions

_BYTES_PER_PIXEL = 24
"""Memory per pixel of a slab while its objects are found: classes, labels, objects, steps and queue."""

_ROWS = 512
"""Rows of a slab at most: those of the tiles of a file."""


@dataclass(frozen=True)
class ObjectMap:
    """What objects are made of.

    Attributes
    ----------
    classes
        uint8 class map, 255 where the scene is invalid.
    percent
        uint8 percents on its grid.
    reading
        How the class map is read.
    inverted
        Whether the percents are those of being no object.
    """

    classes: RowSource
    percent: RowSource
    reading: ObjectReading
    inverted: bool = False


@dataclass(frozen=True)
class ObjectSummary:
    """What :func:`write_objects` has written.

    Attributes
    ----------
    path
        The file.
    counts
        Objects, area and cut objects per class id.
    notes
        Warnings for the user, one line each.
    """

    path: Path
    counts: ObjectCounts
    notes: tuple[str, ...] = ()


def write_objects(
    found: ObjectMap,
    path: Path,
    chosen: ObjectFilter,
    *,
    memory: int = 1_500_000_000,
    workers: int | None = None,
    provenance: Mapping[str, Any] | None = None,
    seen: Callable[[pa.RecordBatch], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ObjectSummary:
    """Write the objects of a class map as polygons, as one pass over the whole map would find them.

    The same bytes for any memory and number of workers. Objects are numbered from 1 in the order of their last pixels;
    regular ones in that of the last pixels of the groups of objects that touch.

    Parameters
    ----------
    found
        Class map and percents.
    path
        ``.gpkg``, ``.parquet`` or ``.fgb``; replaced if it exists.
    chosen
        Which objects are written.
    memory
        Memory budget in bytes.
    workers
        Threads.
    provenance
        Layer metadata.
    seen
        Called with every batch of rows written.
    progress
        Called with the number of steps done and their total.

    Raises
    ------
    InputError, ReadError
        If a raster cannot be read.
    OutputError
        If the file cannot be written; no partial file is left.
    """
    from geoseg.polygonize.files.layer import VectorLayer
    from geoseg.polygonize.files.write import metadata_text, write
    from geoseg.polygonize.stream import Totals, record_batches

    workers = workers or min(cpu_count(), 16)
    report = progress or (lambda _done, _total: None)
    slabs = Slabs(found.classes, slab_rows(found.classes, memory // 2, workers, found.reading.reach), found.reading)
    before = slabs.count if found.reading.cores else 0
    seeds = _seeds(slabs, workers, lambda done: report(done, 2 * before))
    job = _job(found, Instances(slabs, seeds, workers), chosen.reshape, memory // 2, workers)

    def reported(done: int, total: int) -> None:
        report(before * total + max(before, 1) * done, (before + max(before, 1)) * total)

    objects = ObjectsView(chosen, seen)
    view = objects.view()
    crs = None if found.classes.crs is None else found.classes.crs.to_wkt()
    layer = VectorLayer(view.schema, crs, False, metadata_text(provenance), view.name, view.title, view.class_field)
    totals = Totals()
    batches = rebatched(map(view.of, record_batches(job, totals, reported)))
    write(path, layer, batches, lambda: found.reading.classes)
    return ObjectSummary(path, objects.counts, tuple(totals.notes))


def slab_rows(source: RowSource, memory: int, workers: int, reach: int) -> int:
    """Return the rows of a slab: not less than seeds grow, because each slab is read with that margin."""
    rows = memory // (_BYTES_PER_PIXEL * max(source.width, 1) * (workers + 1))
    return max(min(rows // 64 * 64, _ROWS), min(reach, _ROWS), 64)


def _seeds(slabs: Slabs, workers: int, report: Callable[[int], None]) -> Seeds:
    if not slabs.reading.cores:
        return Seeds(np.zeros(0, np.int32), np.zeros(slabs.count + 1, np.int64), np.zeros(0, np.uint8))
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        report(done)

    return number_seeds(slabs, workers, tick)


def _job(found: ObjectMap, instances: Instances, shape: ReshapeOptions, memory: int, workers: int) -> PolygonizeJob:
    from geoseg.polygonize.reshape import reshaping
    from geoseg.polygonize.stream import strip_rows

    scores = Scores(found.classes, found.percent, instances.block_rows, inverted=found.inverted)
    ground = PixelGeodesy(instances.transform, instances.crs, instances.height, instances.width)
    encoding = Encoding(
        ground,
        np.array(instances.transform[:6], np.float64),
        multi=False,
        confidence_scale=0.01,
        class_ids=instances.class_ids,
    )
    reshape = reshaping(ground, instances.height, instances.width, shape, memory // 3)
    job = PolygonizeJob(
        instances,
        Coder(instances, None, None, ()),
        Tracing(instances.height, nodes=reshape is not None, clusters=shape.regularize is not None),
        encoding,
        scores,
        workers,
        strip_rows(instances, memory, workers),
        reshape,
        names={item.id: item.name for item in found.reading.classes},
    )
    return replace(job, flags=FLAG_BITS)
