"""What a vector file says about its polygons, whatever its format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

FORMATS = {".gpkg": "GeoPackage", ".parquet": "GeoParquet", ".fgb": "FlatGeobuf"}


LAYER = "polygons"


DATE = "2000-01-01T00:00:00.000Z"
"""Written where a format wants the date of the last change: the same map gives the same bytes, whenever it is made."""


@dataclass(frozen=True)
class VectorLayer:
    """What a file says about its polygons.

    Attributes
    ----------
    schema
        Columns of the batches.
    crs
        WKT, or None.
    multi
        MultiPolygons instead of Polygons.
    provenance
        Layer metadata.
    """

    schema: pa.Schema
    crs: str | None
    multi: bool
    provenance: Mapping[str, str]

    @property
    def geometry_type(self) -> str:
        """Name of the geometry type, as GDAL and GeoParquet spell it."""
        return "MultiPolygon" if self.multi else "Polygon"
