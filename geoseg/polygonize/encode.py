"""Encode finished polygons as Arrow record batches: WKB and attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from geoseg.geodesy import PixelGeodesy
from geoseg.polygonize.kernels.rings import bounds, lengths, strip_flags, write_wkb
from geoseg.polygonize.kernels.types import Array
from geoseg.polygonize.strips import Finished

GEOMETRY = "geometry"
_BATCH_ROWS = 32_768
_BATCH_BYTES = 2**28
_MAX_BYTES = 2**31 - 2**20  # Arrow's binary columns count bytes in int32


@dataclass(frozen=True)
class Encoding:
    """Options of encoding, the same for all strips.

    Attributes
    ----------
    ground
        Areas and lengths of pixels.
    affine
        float64 (6): ``a b c d e f`` of the transform.
    multi
        Write MultiPolygons.
    confidence_scale
        Confidence of one count, or None without a confidence raster.
    class_ids
        From the codes of polygons to their class ids, where these differ.
    """

    ground: PixelGeodesy
    affine: Array
    multi: bool
    confidence_scale: float | None
    class_ids: Callable[[Array], Array] | None = None

    @property
    def schema(self) -> pa.Schema:
        """Columns of every batch."""
        fields = [
            ("class_id", pa.int32()),
            ("class_name", pa.string()),
            ("area_m2", pa.float64()),
            ("perimeter_m", pa.float64()),
        ]
        if self.confidence_scale is not None:
            fields += [("confidence", pa.float64()), ("confidence_min", pa.float64())]
        return pa.schema([*(pa.field(*field) for field in fields), pa.field(GEOMETRY, pa.binary())])


@dataclass(frozen=True)
class Encoded:
    """Encoded polygons of one strip: WKB in one buffer, one array per attribute; sorted by ``last``.

    ``traced`` is the area of a polygon's pixels; ``area`` that of its outline, which may be reshaped.
    """

    wkb: Array
    offsets: Array
    last: Array
    class_id: Array
    area: Array
    perimeter: Array
    confidence: Array
    confidence_min: Array
    bounds: Array
    traced: Array

    def __len__(self) -> int:
        return int(self.class_id.size)


def encode(finished: Finished, encoding: Encoding, *, reshaped: bool = False) -> Encoded:
    """Encode polygons; with ``reshaped``, areas follow the rings instead of the pixels."""
    rings, feature = finished.rings, finished.feature
    if rings.xy.dtype == np.int32:
        strip_flags(rings.xy)
    perimeter, pixels = lengths(rings, feature, encoding.ground.edges)
    area = traced = finished.sums[:, 1] * encoding.ground.unit
    if reshaped:
        # The mean area of the region's own pixels times the number of pixels that the new outline encloses.
        area = traced * (pixels / np.maximum(finished.sums[:, 0], 1))
    wkb, offsets = write_wkb(rings, feature, encoding.affine, multi=encoding.multi)
    known = finished.sums[:, 3]
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = encoding.confidence_scale or 1.0
        mean = np.where(known > 0, finished.sums[:, 2] / known * scale, np.nan)
    confidence_min = np.where(known > 0, finished.confidence_min * scale, np.nan)
    boxes = bounds(rings, feature, encoding.affine)
    value = finished.value if encoding.class_ids is None else encoding.class_ids(finished.value)
    return Encoded(wkb, offsets, finished.last, value, area, perimeter, mean, confidence_min, boxes, traced)


def merge(first: Encoded, second: Encoded) -> tuple[list[Encoded], Array]:
    """Return the non-empty parts and the order that sorts both together by last pixel."""
    parts = [part for part in (first, second) if len(part)]
    if len(parts) < 2:
        return parts, np.zeros(0, np.int64)
    return parts, np.argsort(np.concatenate([part.last for part in parts]), kind="stable")


def batches(first: Encoded, second: Encoded, encoding: Encoding, names: dict[int, str]) -> list[pa.RecordBatch]:
    """Return Arrow batches of two sets of polygons, sorted together by last pixel."""
    parts, order = merge(first, second)
    tables = [_batch(part, slice(begin, end), encoding, names) for part in parts for begin, end in _cuts(part.offsets)]
    if order.size == 0 or len(tables) > len(parts) or sum(part.wkb.size for part in parts) > _MAX_BYTES:
        if len(parts) < 2:
            return tables
        # Too long for one binary column: interleave slice by slice.
        return _interleaved(tables, order)
    joined = pa.Table.from_batches(tables).combine_chunks().to_batches()[0]
    return [joined.take(pa.array(order))]


def rebatched(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut a stream into batches whose sizes depend on the rows alone, not on how the raster was cut into strips."""
    waiting: list[pa.RecordBatch] = []
    rows, size = 0, 0
    for batch in batches:
        rest = batch
        while rest.num_rows:
            geometry = rest.column(GEOMETRY)
            offsets = np.frombuffer(geometry.buffers()[1], np.int32, len(geometry) + 1, 4 * geometry.offset)
            full = int(np.searchsorted(offsets[1:] - offsets[0], _BATCH_BYTES - size)) + 1
            taken = min(_BATCH_ROWS - rows, full, rest.num_rows)
            waiting.append(rest.slice(0, taken))
            rows += taken
            size += int(offsets[taken]) - int(offsets[0])
            rest = rest.slice(taken)
            if rows == _BATCH_ROWS or size >= _BATCH_BYTES:
                yield _combined(waiting)
                waiting, rows, size = [], 0, 0
    if waiting:
        yield _combined(waiting)


def _combined(parts: list[pa.RecordBatch]) -> pa.RecordBatch:
    return parts[0] if len(parts) == 1 else pa.Table.from_batches(parts).combine_chunks().to_batches()[0]


def _interleaved(tables: list[pa.RecordBatch], order: Array) -> list[pa.RecordBatch]:
    owner = np.repeat(np.arange(len(tables)), [table.num_rows for table in tables])
    within = np.concatenate([np.arange(table.num_rows) for table in tables])
    owner, within = owner[order], within[order]
    starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    ends = np.r_[starts[1:], owner.size]
    return [
        tables[owner[begin]].slice(int(within[begin]), int(end - begin))
        for begin, end in zip(starts, ends, strict=True)
    ]


def _cuts(offsets: Array) -> list[tuple[int, int]]:
    """Return ranges of polygons whose WKB fits one binary column each."""
    cuts = []
    begin, last = 0, offsets.size - 1
    while begin < last:
        end = int(np.searchsorted(offsets, offsets[begin] + _MAX_BYTES, side="right")) - 1
        end = min(max(end, begin + 1), last)
        cuts.append((begin, end))
        begin = end
    return cuts


def _batch(part: Encoded, cut: slice, encoding: Encoding, names: dict[int, str]) -> pa.RecordBatch:
    offsets = part.offsets[cut.start : cut.stop + 1]
    data = part.wkb[offsets[0] : offsets[-1]]
    geometry = pa.Array.from_buffers(
        pa.binary(),
        offsets.size - 1,
        [None, pa.py_buffer((offsets - offsets[0]).astype(np.int32)), pa.py_buffer(data)],
    )
    ids = part.class_id[cut]
    values, index = np.unique(ids, return_inverse=True)
    dictionary = pa.array([names.get(int(value), f"class {value}") for value in values], pa.string())
    columns: list[Any] = [
        pa.array(ids),
        dictionary.take(pa.array(index)),
        pa.array(part.area[cut]),
        pa.array(part.perimeter[cut]),
    ]
    if encoding.confidence_scale is not None:
        columns += [
            pa.array(part.confidence[cut], from_pandas=True),
            pa.array(part.confidence_min[cut], from_pandas=True),
        ]
    return pa.record_batch([*columns, geometry], schema=encoding.schema)
