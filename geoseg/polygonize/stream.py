"""Trace strips in parallel, join them in order, yield their polygons as record batches.

Reading, labelling, tracing and encoding run in a few threads (compiled code and GDAL release the GIL); joining is
cheap and runs in the caller's thread, which also writes. Only a few strips are in flight at any time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa

from geoseg.errors import InputError
from geoseg.polygonize import on_dask
from geoseg.polygonize.encode import Encoded, batches, encode
from geoseg.polygonize.kernels.runs import NO_CONFIDENCE, Confidence
from geoseg.polygonize.minimum_mapping_unit import Sides, StripRegions, merge_small, strip_regions
from geoseg.polygonize.regular.groups import TOO_LARGE, StripGroups, large_groups, strip_groups
from geoseg.polygonize.request import PolygonizeJob, Rows, row_caches
from geoseg.polygonize.source import RowSource
from geoseg.polygonize.strips import Finished, Frontier, Strip, trace_strip
from geoseg.system.threads import map_ahead
from geoseg.write.class_names import complete

_T = TypeVar("_T")
Progress = Callable[[int, int], None]
Item: TypeAlias = tuple[Rows, Rows | None, int]
"""Input of a strip: readers of the class map and of the confidence raster, and the strip's index."""

_CHANGED = 0.05
"""Share of a class's area that new outlines may add or take without a note."""

_BYTES_PER_PIXEL = 192
"""Memory per pixel of a strip in the worst case, a polygon per pixel: vertices and WKB."""


@dataclass
class Totals:
    """Number and area of polygons per class, summed while they are streamed; and what the user should know of them.

    ``traced`` is the area of their pixels, in m² as ``area``, from which reshaped outlines differ.
    """

    polygons: dict[int, int] = field(default_factory=dict)
    area: dict[int, float] = field(default_factory=dict)
    traced: dict[int, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    bounds: list[float] = field(default_factory=lambda: [np.inf, np.inf, -np.inf, -np.inf])

    def add(self, part: Encoded) -> None:
        """Add a set of polygons."""
        values, index, counts = np.unique(part.class_id, return_inverse=True, return_counts=True)
        areas, traced = (np.bincount(index, each, minlength=values.size).tolist() for each in (part.area, part.traced))
        for value, count, area, before in zip(values.tolist(), counts.tolist(), areas, traced, strict=True):
            self.polygons[value] = self.polygons.get(value, 0) + count
            self.area[value] = self.area.get(value, 0.0) + area
            self.traced[value] = self.traced.get(value, 0.0) + before
        if len(part):
            low, high = part.bounds.min(axis=0), part.bounds.max(axis=0)
            self.bounds = [min(self.bounds[0], low[0]), min(self.bounds[1], low[1]),
                           max(self.bounds[2], high[2]), max(self.bounds[3], high[3])]  # fmt: skip

    def changed_areas(self, names: Mapping[int, str]) -> list[str]:
        """Return a note on the classes whose area new outlines change, if there are any; the worst first."""
        shares = {value: self.area[value] / before - 1 for value, before in self.traced.items() if before > 0}
        worst = sorted((value for value in shares if abs(shares[value]) > _CHANGED), key=lambda v: -abs(shares[v]))
        if not worst:
            return []
        listing = ", ".join(f"{names[value]} by {100 * shares[value]:+.0f} %" for value in worst[:3])
        more = f" and {len(worst) - 3} more" if len(worst) > 3 else ""
        remedy = "move outlines less (--simplify), or take areas from the map"
        return [f"the new outlines change areas: {listing}{more}; {remedy}"]


def strip_rows(source: RowSource, memory: int, workers: int) -> int:
    """Return the rows of a strip: as many whole blocks of the file as the budget allows, at least one row."""
    pixels = max(memory // 2 // (_BYTES_PER_PIXEL * (2 * workers + 1)), source.width)
    rows = max(min(pixels, 4_000_000) // source.width, 1)
    block = source.block_rows
    if rows >= block:
        return int(min(rows // block * block, 4096))
    return int(max(block // -(-block // rows), 1))


class Runner:
    """Yields the results of strips in order: from threads, or from a dask cluster.

    Parameters
    ----------
    pool
        Threads of this process.
    client
        A dask client, or None.
    """

    def __init__(self, pool: ThreadPoolExecutor, client: Any) -> None:
        self._pool = pool
        self._client = client

    def strips(self, job: PolygonizeJob, work: Callable[[PolygonizeJob, Any], _T]) -> Iterator[_T]:
        """Yield ``work(job, (pixels, confidence, index))`` for every strip, in order."""
        if self._client is not None:
            return on_dask.in_order(self._client, job, work)
        caches = row_caches(job)
        return self.in_threads(job, work, ((*caches, index) for index in range(job.strips)))

    def in_threads(
        self, job: PolygonizeJob, work: Callable[[PolygonizeJob, Any], _T], inputs: Iterator[Any]
    ) -> Iterator[_T]:
        """Yield ``work(job, item)`` for every input, in order, a few items ahead of the consumer."""
        return map_ahead(self._pool, partial(work, job), inputs, job.workers + 1)


def record_batches(
    job: PolygonizeJob, totals: Totals, progress: Progress | None = None, client: Any = None
) -> Iterator[pa.RecordBatch]:
    """Yield all polygons of a raster, sorted by their last pixel in row-major order.

    Parameters
    ----------
    job
        What to polygonize and how.
    totals
        Updated with every batch.
    progress
        Called with the number of strips done and their total, over all passes.
    client
        A dask client whose workers trace the strips; None traces them in threads.
    """
    passes = 1 + (job.min_area is not None) + job.tracing.clusters
    report = progress or (lambda _done, _total: None)
    with ThreadPoolExecutor(max_workers=job.workers, thread_name_prefix="polygonize") as pool:
        runner = Runner(pool, client)
        if job.min_area is not None:
            job = _merge_small(job, runner, lambda done: report(done, passes * job.strips))
        before = (passes - 1) * job.strips
        if job.tracing.clusters:
            job = _group(job, runner, lambda done: report(before - job.strips + done, passes * job.strips))
            if job.large is not None and job.large.is_large.any():
                totals.notes.append(TOO_LARGE)
        for done, (inner, joined) in enumerate(_encoded(job, runner), before + 1):
            for part in (inner, joined):
                totals.add(part)
            for value in totals.polygons:
                if value not in job.names:
                    job.names[value] = complete([value], job.source.classes)[value].name
            yield from batches(inner, joined, job.encoding, job.names)
            report(done, passes * job.strips)
    totals.notes += totals.changed_areas(job.names)


def _encoded(job: PolygonizeJob, runner: Runner) -> Iterator[tuple[Encoded, Encoded]]:
    """Yield, per strip, the polygons that lie within it and those of earlier strips that it completes."""
    if job.reshape is None:
        frontier = Frontier()
        for strip, inner in runner.strips(job, _trace_and_encode):
            yield inner, encode(frontier.push(strip), job.encoding)
        return
    # Reshaping looks at the boundaries below a polygon: wait until they have been traced.
    ahead = -(-job.reshape.lines_ahead // job.rows)
    yield from runner.in_threads(job, _reshape_and_encode, _delayed(_joined(job, runner), ahead))


def _joined(job: PolygonizeJob, runner: Runner) -> Iterator[tuple[Finished, Finished]]:
    frontier = Frontier(clusters=job.tracing.clusters)
    for strip in runner.strips(job, _trace):
        assert strip.finished is not None
        yield strip.finished, frontier.push(strip._replace(finished=None))


def _delayed(items: Iterator[_T], count: int) -> Iterator[_T]:
    """Yield each item only when ``count`` more have been drawn or there are none left."""
    held: deque[_T] = deque()
    for item in items:
        held.append(item)
        if len(held) > count:
            yield held.popleft()
    yield from held


def _codes(job: PolygonizeJob, pixels: Rows, first: int, last: int) -> tuple[Any, int]:
    data, valid = pixels.read(max(first - 1, 0), last)
    return job.coder.code(data, valid, int(first == 0), int(last == job.source.height))


def _merge_small(job: PolygonizeJob, runner: Runner, report: Callable[[int], None]) -> PolygonizeJob:
    """Return the job with the regions' classes after the minimum mapping unit is applied."""
    assert job.min_area is not None
    ground = job.encoding.ground
    work = partial(_strip_regions, sides=Sides.of(ground))

    def reported() -> Iterator[StripRegions]:
        for done, regions in enumerate(runner.strips(job, work), 1):
            yield regions
            report(done)

    return replace(job, classes=merge_small(reported(), job.min_area / ground.unit, job.keep))


def _group(job: PolygonizeJob, runner: Runner, report: Callable[[int], None]) -> PolygonizeJob:
    """Return the job with the groups of touching polygons that are too large to be held together."""

    def reported() -> Iterator[StripGroups]:
        for done, groups in enumerate(runner.strips(job, _strip_groups), 1):
            yield groups
            report(done)

    return replace(job, large=large_groups(reported()))


def _strip_groups(job: PolygonizeJob, item: Item) -> StripGroups:
    return strip_groups(*_strip_codes(job, item))


def _strip_codes(job: PolygonizeJob, item: Item) -> tuple[Any, int]:
    """Return the codes of a strip, small regions merged, and that of absent pixels."""
    pixels, _, index = item
    first = index * job.rows
    codes, absent = _codes(job, pixels, first, min(first + job.rows, job.source.height))
    if job.classes is not None:
        codes, absent = job.classes.apply(codes, absent, index, eight=job.tracing.eight)
    return codes, absent


def _strip_regions(job: PolygonizeJob, item: Item, sides: Sides) -> StripRegions:
    pixels, _, index = item
    first = index * job.rows
    last = min(first + job.rows, job.source.height)
    codes, absent = _codes(job, pixels, first, last)
    areas = job.encoding.ground.areas(first, last)
    return strip_regions(codes, absent, first, areas, sides, eight=job.tracing.eight)


def _trace(job: PolygonizeJob, item: Item) -> Strip:
    _, confidence, index = item
    first = index * job.rows
    last = min(first + job.rows, job.source.height)
    codes, absent = _strip_codes(job, item)
    counts = NO_CONFIDENCE
    if confidence is not None:
        counts = Confidence(*confidence_counts(*confidence.read(first, last), job.confidence), job.flags)
    if job.reshape is not None:
        job.reshape.mark(codes, first)
    large = None if job.large is None else job.large.part(index).is_large
    return trace_strip(codes, absent, first, job.tracing, job.encoding.ground.areas(first, last), counts, large)


def _trace_and_encode(job: PolygonizeJob, item: Item) -> tuple[Strip, Encoded]:
    strip = _trace(job, item)
    assert strip.finished is not None
    return strip._replace(finished=None), encode(strip.finished, job.encoding)


def _reshape_and_encode(job: PolygonizeJob, item: tuple[Finished, Finished]) -> tuple[Encoded, Encoded]:
    assert job.reshape is not None
    inner, joined = (encode(part._replace(rings=job.reshape(part)), job.encoding, reshaped=True) for part in item)
    return inner, joined


def confidence_counts(data: Any, valid: Any, source: RowSource | None) -> tuple[Any, int]:
    """Return confidence as integer counts of ``confidence_scale``, and the count that stands for nodata."""
    assert source is not None
    if data.dtype == np.uint8:
        nodata = 255 if source.nodata is None else int(source.nodata)
        if valid is not None:
            data = np.where(valid, data, nodata).astype(np.uint8)
        return data, nodata
    nodata = -(2**31)
    missing = ~np.isfinite(data) if data.dtype.kind == "f" else np.zeros(data.shape, bool)
    if source.nodata is not None:
        missing |= data == source.nodata
    if valid is not None:
        missing |= ~valid
    counts = np.where(missing, 0, data) / confidence_scale(source)
    if np.abs(counts).max(initial=0) >= 2**31:
        raise InputError(
            f"{source.name}: values reach {np.abs(data[~missing]).max():g}; confidence must be within 0…100"
        )
    out = np.rint(counts).astype(np.int32)
    out[missing] = nodata
    return out, nodata


def confidence_scale(source: RowSource) -> float:
    """Return the confidence of one count: floats are rounded to five decimals, so that sums are exact in any order."""
    return 1e-5 if source.dtype.kind == "f" else 1.0


def check_confidence(source: RowSource, confidence: RowSource) -> None:
    """Raise InputError unless both rasters have the same grid."""
    if (source.height, source.width) != (confidence.height, confidence.width):
        raise InputError(
            f"{confidence.name} is {confidence.width} × {confidence.height} pixels, "
            f"{source.name} is {source.width} × {source.height}: the confidence raster must lie on the class map's grid"
        )
    near = source.transform.almost_equals(confidence.transform, precision=abs(source.transform.a) * 1e-3)
    if not near:
        raise InputError(
            f"{confidence.name} does not cover the same area as {source.name}: both need the same grid, got transforms "
            f"{tuple(confidence.transform)[:6]} and {tuple(source.transform)[:6]}"
        )
