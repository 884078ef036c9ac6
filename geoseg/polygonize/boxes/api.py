"""``write_boxes``: detections of a scene's windows -> a file of objects, each of them once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.geodesy import PixelGeodesy
from geoseg.models.boxes.detections import Detections, mask_bytes
from geoseg.polygonize.boxes.merge import Merged, merge
from geoseg.polygonize.boxes.shapes import measure, outlines, rectangles
from geoseg.polygonize.encode import rebatched
from geoseg.polygonize.kernels.types import Array
from geoseg.polygonize.objects.layer import ObjectCounts, ObjectFilter, ObjectsView

if TYPE_CHECKING:
    import pyarrow as pa

    from geoseg.classes import MapClass
    from geoseg.tiling import Tiling

_ROWS = 8192
"""Objects whose outlines are in memory at a time."""

EXTRA = ("width_m", "height_m", "angle")
"""Columns of boxes beyond those of all objects: see :class:`geoseg.polygonize.boxes.shapes.Measures`."""


@dataclass(frozen=True)
class BoxMap:
    """What objects are made of.

    Attributes
    ----------
    found
        Detections of all windows of a scene.
    tiling
        The windows.
    classes
        Classes of objects, by the numbers of the detections.
    masks
        Whether detections have masks.
    transform, crs
        Pixel corners (column, row) → CRS; and the CRS, or None.
    """

    found: Detections
    tiling: Tiling
    classes: Sequence[MapClass]
    masks: bool
    transform: Any
    crs: Any


@dataclass(frozen=True)
class BoxSummary:
    """What :func:`write_boxes` has written.

    Attributes
    ----------
    path
        The file.
    counts
        Objects, area and cut objects per class id.
    too_large
        Objects that end where their window did.
    """

    path: Path
    counts: ObjectCounts
    too_large: int


def write_boxes(
    boxes: BoxMap,
    path: Path,
    chosen: ObjectFilter,
    *,
    provenance: Mapping[str, Any] | None = None,
    seen: Callable[[pa.RecordBatch], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> BoxSummary:
    """Write the objects that a detector found, each of them once.

    The same bytes for any blocks, workers and order of arrival. Objects are numbered from 1 by the lower edge of their
    boxes. Memory grows with the number of detections, by some 60 bytes each and by their masks; outlines are made a few
    thousand at a time.

    Parameters
    ----------
    boxes
        Detections and where they lie.
    path
        ``.gpkg``, ``.parquet`` or ``.fgb``; replaced if it exists.
    chosen
        Which objects are written. ``reshape`` simplifies outlines of masks, or makes them regular, each for itself.
    provenance
        Layer metadata.
    seen
        Called with every batch of rows written.
    progress
        Called with the number of objects done and their total.

    Raises
    ------
    OutputError
        If the file cannot be written; no partial file is left.
    """
    import pyarrow as pa

    from geoseg.polygonize.files.layer import VectorLayer
    from geoseg.polygonize.files.write import metadata_text, write

    merged = merge(boxes.found, boxes.tiling)
    objects = ObjectsView(chosen, seen, tuple(pa.field(name, pa.float64()) for name in EXTRA))
    view = objects.view()
    crs = None if boxes.crs is None else boxes.crs.to_wkt()
    layer = VectorLayer(view.schema, crs, False, metadata_text(provenance), view.name, view.title, view.class_field)
    batches = rebatched(map(view.of, _batches(boxes, merged, chosen, progress or (lambda _done, _total: None))))
    write(path, layer, batches, lambda: boxes.classes)
    large = merged.cut & (boxes.found.scores[merged.kept] >= chosen.score)
    return BoxSummary(path, objects.counts, int(large.sum()))


def _batches(
    boxes: BoxMap, merged: Merged, chosen: ObjectFilter, report: Callable[[int, int], None]
) -> Iterator[pa.RecordBatch]:
    tiling = boxes.tiling
    ground = PixelGeodesy(boxes.transform, boxes.crs, tiling.height, tiling.width)
    sizes = mask_bytes(boxes.found.boxes) if boxes.masks else np.zeros(len(boxes.found), np.int64)
    offsets = np.cumsum(sizes) - sizes
    total = len(merged.kept)
    for start in range(0, total, _ROWS):
        part = merged.kept[start : start + _ROWS]
        own = boxes.found.boxes[part]
        shapes = outlines(own, boxes.found.bits, offsets[part]) if boxes.masks else rectangles(own)
        there = np.array([shape is not None for shape in shapes], np.bool_)
        if there.any():
            yield _batch(boxes, part[there], _reshaped(boxes, shapes[there], chosen, ground), ground)
        report(min(start + _ROWS, total), total)


def _reshaped(boxes: BoxMap, shapes: Array, chosen: ObjectFilter, ground: PixelGeodesy) -> Array:
    import shapely

    from geoseg.geodesy import pixel_sides
    from geoseg.polygonize.boxes.regular import regular

    if not boxes.masks or not chosen.reshape:
        return shapes
    if chosen.reshape.regularize:
        affine, size = boxes.transform, (boxes.tiling.height, boxes.tiling.width)
        # By the pixel size at the scene's centre, as in simplification.
        sides = pixel_sides(boxes.crs, affine, size) or (math.hypot(affine.a, affine.d), math.hypot(affine.b, affine.e))
        return regular(shapes, chosen.reshape, sides)
    assert chosen.reshape.simplify is not None
    return np.asarray(shapely.simplify(shapes, chosen.reshape.simplify / ground.pixel_size))


def _batch(boxes: BoxMap, part: Array, shapes: Array, ground: PixelGeodesy) -> pa.RecordBatch:
    """Return rows with the columns that :class:`ObjectsView` takes."""
    import pyarrow as pa
    import shapely

    from geoseg.geodesy.polygons import PolygonAreas

    found, names = boxes.found, {item.id: item.name for item in boxes.classes}
    measures = measure(shapes, ground)
    placed = shapely.transform(shapes, lambda xy: np.stack(boxes.transform * (xy[:, 0], xy[:, 1]), 1))
    placed = shapely.orient_polygons(placed)
    classes = found.classes[part].astype(np.int32)
    columns = {
        "class_id": pa.array(classes),
        "class_name": pa.array([names[number] for number in classes.tolist()], pa.string()),
        # In whole hundredths of percents, as far as float32 is the same on all machines.
        "confidence": pa.array(np.round(found.scores[part].astype(np.float64), 4)),
        "confidence_min": pa.array((~found.cut[part]).astype(np.float64)),
        "area_m2": pa.array(PolygonAreas(boxes.crs)(placed)),
        "perimeter_m": pa.array(measures.perimeter),
        "width_m": pa.array(measures.width),
        "height_m": pa.array(measures.height),
        "angle": pa.array(np.round(measures.angle, 4)),
        "geometry": pa.array(shapely.to_wkb(placed), pa.binary()),
    }
    return pa.RecordBatch.from_pydict(columns)
