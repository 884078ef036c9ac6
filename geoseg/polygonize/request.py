"""The parameters of one run, and the row readers that its strips share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from geoseg.polygonize.codes import Coder
from geoseg.polygonize.encode import Encoding
from geoseg.polygonize.kernels.types import Array
from geoseg.polygonize.minimum_mapping_unit import NewClasses
from geoseg.polygonize.regular.api import Regularize
from geoseg.polygonize.regular.groups import LargeGroups
from geoseg.polygonize.reshape import Reshape
from geoseg.polygonize.source import RowCache, RowSource
from geoseg.polygonize.strips import Tracing


class Rows(Protocol):
    """A reader of rows that several strips share."""

    def read(self, first: int, last: int) -> tuple[Array, Array | None]:
        """See ``RowSource.read``."""


@dataclass(frozen=True)
class PolygonizeJob:
    """Everything that decides the polygons, but not where they are written."""

    source: RowSource
    coder: Coder
    tracing: Tracing
    encoding: Encoding
    confidence: RowSource | None = None
    workers: int = 2
    rows: int = 512
    reshape: Reshape | Regularize | None = None
    min_area: float | None = None
    keep: tuple[int, ...] = ()
    classes: NewClasses | None = None
    large: LargeGroups | None = None
    flags: int = 0
    names: dict[int, str] = field(default_factory=dict)

    @property
    def strips(self) -> int:
        """Number of strips."""
        return -(-self.source.height // self.rows)


def row_caches(job: PolygonizeJob) -> tuple[RowCache, RowCache | None]:
    """Return readers of the class map and of its confidence, shared by all strips."""
    source = job.source
    slab = max(job.rows, source.block_rows) if source.block_rows < source.height else job.rows
    # As many slabs as the strips in flight can touch, each with the row above it.
    keep = 1 + -(-((job.workers + 1) * job.rows + 1) // slab)
    pixels = RowCache(source, slab, keep)
    confidence = None if job.confidence is None else RowCache(job.confidence, slab, keep)
    return pixels, confidence
