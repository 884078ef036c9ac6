"""Metadata of a layer of polygons, whatever the file format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

FORMATS = {".gpkg": "GeoPackage", ".parquet": "GeoParquet", ".fgb": "FlatGeobuf"}

LAYER = "polygons"

DATE = "2000-01-01T00:00:00.000Z"
"""Written where a format requires a date of change: fixed, so that the same map always gives the same bytes."""


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
    """

    schema: pa.Schema
    crs: str | None
    multi: bool
    provenance: Mapping[str, str]

    @property
    def geometry_type(self) -> str:
        """The geometry type, as GDAL and GeoParquet spell it."""
        return "MultiPolygon" if self.multi else "Polygon"
