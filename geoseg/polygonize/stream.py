"""The engine: strips traced in parallel, joined in order, handed on as record batches.

Reading, labelling, tracing and encoding run in a few threads (compiled code and GDAL release the GIL); joining is
short and runs in the caller's thread, which also writes. At most a few strips are under way at any time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from geoseg.errors import InputError
from geoseg.polygonize.encode import Encoded, Encoding, batches, encode
from geoseg.polygonize.names import complete
from geoseg.polygonize.source import Coder, RowCache, Source
from geoseg.polygonize.strips import Finished, Frontier, Strip, Tracing, trace_strip

Progress = Callable[[int, int], None]

_BYTES_PER_PIXEL = 192
"""Memory that one pixel of a strip may need in the worst map, one with a polygon per pixel: corners and WKB."""


@dataclass(frozen=True)
class Job:
    """Everything that decides the polygons, apart from where they go."""

    source: Source
    coder: Coder
    tracing: Tracing
    encoding: Encoding
    confidence: Source | None = None
    workers: int = 2
    rows: int = 512
    names: dict[int, str] = field(default_factory=dict)


@dataclass
class Totals:
    """Polygons and true area per class, counted while they pass."""

    polygons: dict[int, int] = field(default_factory=dict)
    area: dict[int, float] = field(default_factory=dict)
    bounds: list[float] = field(default_factory=lambda: [np.inf, np.inf, -np.inf, -np.inf])

    def add(self, part: Encoded) -> None:
        """Count a set of polygons."""
        values, index, counts = np.unique(part.class_id, return_inverse=True, return_counts=True)
        areas = np.bincount(index, part.area, minlength=values.size)
        for value, count, area in zip(values.tolist(), counts.tolist(), areas.tolist(), strict=True):
            self.polygons[value] = self.polygons.get(value, 0) + count
            self.area[value] = self.area.get(value, 0.0) + area
        if len(part):
            low, high = part.bounds.min(axis=0), part.bounds.max(axis=0)
            self.bounds = [min(self.bounds[0], low[0]), min(self.bounds[1], low[1]),
                           max(self.bounds[2], high[2]), max(self.bounds[3], high[3])]  # fmt: skip


def strip_rows(source: Source, memory: int, workers: int) -> int:
    """Rows of a strip: as many whole blocks of the file as the budget allows, at least one row."""
    pixels = max(memory // 2 // (_BYTES_PER_PIXEL * (2 * workers + 1)), source.width)
    rows = max(min(pixels, 4_000_000) // source.width, 1)
    block = source.block_rows
    if rows >= block:
        return int(min(rows // block * block, 4096))
    return int(max(block // -(-block // rows), 1))


def record_batches(job: Job, totals: Totals, progress: Progress | None = None) -> Iterator[pa.RecordBatch]:
    """Yield all polygons of a raster, in the order in which a scan meets their last pixels."""
    source = job.source
    count = -(-source.height // job.rows)
    slab = max(job.rows, source.block_rows) if source.block_rows < source.height else job.rows
    keep = 2 + -(-job.workers * job.rows // slab)
    pixels = RowCache(source, slab, keep)
    confidence = None if job.confidence is None else RowCache(job.confidence, slab, keep)
    frontier = Frontier()
    pending: deque[Future[tuple[Strip, Encoded]]] = deque()
    with ThreadPoolExecutor(max_workers=job.workers, thread_name_prefix="polygonize") as pool:
        try:
            following = 0
            for done in range(count):
                while following < count and len(pending) <= job.workers + 1:
                    pending.append(pool.submit(_strip, job, pixels, confidence, following))
                    following += 1
                strip, inner = pending.popleft().result()
                joined = _encode(job, frontier.push(strip))
                for part in (inner, joined):
                    totals.add(part)
                for value in totals.polygons:
                    if value not in job.names:
                        job.names[value] = complete([value], source.classes)[value].name
                yield from batches(inner, joined, job.encoding, job.names)
                if progress is not None:
                    progress(done + 1, count)
        finally:
            for future in pending:
                future.cancel()


def _strip(job: Job, pixels: RowCache, confidence: RowCache | None, index: int) -> tuple[Strip, Encoded]:
    first = index * job.rows
    last = min(first + job.rows, job.source.height)
    data, valid = pixels.read(max(first - 1, 0), last)
    codes, absent = job.coder.code(data, valid, int(first == 0), int(last == job.source.height))
    certain: tuple[Any, int] = np.zeros((0, 0), np.uint8), 255
    if confidence is not None:
        certain = confidence_counts(*confidence.read(first, last), job.confidence)
    strip = trace_strip(codes, absent, first, job.tracing, job.encoding.ground.areas(first, last), certain)
    assert strip.finished is not None
    return strip._replace(finished=None), _encode(job, strip.finished)


def _encode(job: Job, finished: Finished) -> Encoded:
    return encode(finished, job.encoding)


def confidence_counts(data: Any, valid: Any, source: Source | None) -> tuple[Any, int]:
    """Confidence as whole counts, and the count that means none; see ``confidence_scale``."""
    assert source is not None
    if data.dtype == np.uint8:
        none = 255 if source.nodata is None else int(source.nodata)
        if valid is not None:
            data = np.where(valid, data, none).astype(np.uint8)
        return data, none
    none = -(2**31)
    missing = np.isnan(data) if data.dtype.kind == "f" else np.zeros(data.shape, bool)
    if source.nodata is not None:
        missing |= data == source.nodata
    if valid is not None:
        missing |= ~valid
    counts = np.where(missing, 0, data) / confidence_scale(source)
    if np.abs(counts).max(initial=0) >= 2**31:
        raise InputError(f"{source.name}: values up to {np.abs(data[~missing]).max():g} are no confidence; use 0…100")
    out = np.rint(counts).astype(np.int32)
    out[missing] = none
    return out, none


def confidence_scale(source: Source) -> float:
    """Confidence per count: floats are kept to five digits after the point, so that sums are exact in any order."""
    return 1e-5 if source.dtype.kind == "f" else 1.0


def check_confidence(source: Source, confidence: Source) -> None:
    """Raise InputError unless the two rasters lie pixel on pixel."""
    if (source.height, source.width) != (confidence.height, confidence.width):
        raise InputError(
            f"{confidence.name} is {confidence.width} × {confidence.height} pixels, "
            f"{source.name} is {source.width} × {source.height}: the confidence raster must lie on the class map's grid"
        )
    near = source.transform.almost_equals(confidence.transform, precision=abs(source.transform.a) * 1e-3)
    if not near:
        raise InputError(
            f"{confidence.name} does not lie where {source.name} lies: both need the same grid, got transforms "
            f"{tuple(confidence.transform)[:6]} and {tuple(source.transform)[:6]}"
        )
