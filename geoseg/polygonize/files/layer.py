"""Metadata of a layer of polygons, whatever the file format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

FORMATS = {".gpkg": "GeoPackage", ".parquet": "GeoParquet", ".fgb": "FlatGeobuf"}

LAYER = "polygons"

DATE = "2000-01-01T00:00:00.000Z"
"""Written where a format requires a date of change: fixed, so that the same map always gives the same bytes."""


@dataclass(frozen=True)
class LayerView:
    """Another layer than ``polygons`` made of the same polygons: its name, columns and style.

    Attributes
    ----------
    name
        Name of the layer in a GeoPackage.
    title
        One line about its style.
    class_field
        Integer column with the class id, by which the style tells polygons apart.
    schema
        Columns of the layer, ``geometry`` last.
    convert
        From a batch of polygons with the columns of :func:`geoseg.polygonize` to one with ``schema``.
    without
        Class ids that are left out of the layer, although small regions may be merged into theirs.
    """

    name: str
    title: str
    class_field: str
    schema: pa.Schema
    convert: Callable[[pa.RecordBatch], pa.RecordBatch]
    without: tuple[int, ...] = ()

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the rows of the layer that a batch of polygons gives."""
        if self.without:
            ids = batch.column("class_id").to_numpy()
            batch = batch.filter(pa.array(~np.isin(ids, self.without)))
        return self.convert(batch)


@dataclass(frozen=True)
class VectorLayer:
    """Metadata of a layer of polygons.

    Attributes
    ----------
    schema
        Columns of the batches.
    crs
        WKT, or None.
    multi
        MultiPolygons instead of Polygons.
    provenance
        Layer metadata, names and texts.
    name, title, class_field
        See :class:`LayerView`.
    """

    schema: pa.Schema
    crs: str | None
    multi: bool
    provenance: Mapping[str, str]
    name: str = LAYER
    title: str = "Land-cover classes"
    class_field: str = "class_id"

    @property
    def geometry_type(self) -> str:
        """The geometry type, as GDAL and GeoParquet spell it."""
        return "MultiPolygon" if self.multi else "Polygon"
