"""The layer ``objects``: which polygons it has, and its columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from geoseg.errors import OptionError
from geoseg.polygonize.files.layer import LayerView
from geoseg.polygonize.reshape import ReshapeOptions

SCHEMA = pa.schema(
    [
        ("object_id", pa.int64()),
        ("class_id", pa.int32()),
        ("class_name", pa.string()),
        ("score", pa.float64()),
        ("area_m2", pa.float64()),
        ("perimeter_m", pa.float64()),
        ("cut", pa.bool_()),
        ("geometry", pa.binary()),
    ]
)
"""Columns of the layer."""


_AS_TRACED = ReshapeOptions()


@dataclass(frozen=True)
class ObjectFilter:
    """Which objects are written, and how exactly.

    Attributes
    ----------
    score
        Lowest score, 0…1.
    min_area
        Smallest area in m²; None for any.
    classes
        Ids of the classes that are written; None for all.
    reshape
        How outlines change. A border of two objects changes once, for both.
    """

    score: float = 0.5
    min_area: float | None = None
    classes: tuple[int, ...] | None = None
    reshape: ReshapeOptions = _AS_TRACED

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise OptionError(f"score must lie in 0…1, got {self.score}")
        if self.min_area is not None and not 0 <= self.min_area < float("inf"):
            raise OptionError(f"min-area must be 0 or larger, got {self.min_area}")


@dataclass
class ObjectCounts:
    """Objects per class id: how many, of what area in m², how many of them cut; and how many were left out."""

    objects: dict[int, int] = field(default_factory=dict)
    area: dict[int, float] = field(default_factory=dict)
    cut: dict[int, int] = field(default_factory=dict)
    left_out: int = 0


class ObjectsView:
    """From polygons to rows of the layer; numbers objects in the order of their polygons.

    Parameters
    ----------
    chosen
        Which objects are written.
    seen
        Called with every batch of rows.
    extra
        Further columns of the polygons that the layer has, too, before the geometry.
    """

    def __init__(
        self,
        chosen: ObjectFilter,
        seen: Callable[[pa.RecordBatch], None] | None = None,
        extra: tuple[pa.Field, ...] = (),
    ) -> None:
        self.counts = ObjectCounts()
        self._filter, self._seen, self._next = chosen, seen, 1
        self._extra = extra
        own = list(SCHEMA)
        self._schema = pa.schema([*own[:-1], *extra, own[-1]])

    def view(self) -> LayerView:
        """Return the layer's name, columns and style."""
        return LayerView("objects", "Objects", "class_id", self._schema, self._convert)

    def _convert(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        score, area = batch.column("confidence").to_numpy(), batch.column("area_m2").to_numpy()
        keep = score >= self._filter.score
        if self._filter.min_area is not None:
            keep &= area >= self._filter.min_area
        if self._filter.classes is not None:
            keep &= np.isin(batch.column("class_id").to_numpy(), self._filter.classes)
        kept = batch.filter(pa.array(keep))
        ids = pa.array(np.arange(self._next, self._next + kept.num_rows))
        # The lowest flag of a score pixel: 0 where one of its edges is that of the scene's valid pixels.
        cut = kept.column("confidence_min").to_numpy() == 0
        columns = [
            ids,
            kept.column("class_id"),
            kept.column("class_name"),
            kept.column("confidence"),
            kept.column("area_m2"),
            kept.column("perimeter_m"),
            pa.array(cut),
            *(kept.column(field.name) for field in self._extra),
            kept.column("geometry"),
        ]
        rows = pa.record_batch(columns, schema=self._schema)
        self._next += rows.num_rows
        self._count(rows, cut, batch.num_rows - rows.num_rows)
        if self._seen is not None:
            self._seen(rows)
        return rows

    def _count(self, rows: pa.RecordBatch, cut: np.ndarray, left_out: int) -> None:
        counts, classes = self.counts, rows.column("class_id").to_numpy()
        counts.left_out += left_out
        areas = rows.column("area_m2").to_numpy()
        for number in np.unique(classes).tolist():
            own = classes == number
            counts.objects[number] = counts.objects.get(number, 0) + int(own.sum())
            counts.area[number] = counts.area.get(number, 0.0) + float(areas[own].sum())
            counts.cut[number] = counts.cut.get(number, 0) + int(cut[own].sum())
