"""GeoParquet 1.1 with bounding-box columns, https://geoparquet.org/releases/v1.1.0/."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from geoseg.polygonize.encode import GEOMETRY

if TYPE_CHECKING:
    from geoseg.polygonize.files.layer import VectorLayer

_BBOX = pa.struct([(name, pa.float64()) for name in ("xmin", "ymin", "xmax", "ymax")])
_GROUP = 65_536
"""Rows of a row group: small enough that a bbox filter skips most of a file."""


def write_geoparquet(part: Path, layer: VectorLayer, batches: Iterator[pa.RecordBatch]) -> None:
    """Write batches as row groups of 65,536 polygons, with ``geo`` metadata and provenance."""
    import pyarrow.parquet as pq
    import shapely

    schema = layer.schema.append(pa.field("bbox", _BBOX))
    total = np.array([np.inf, np.inf, -np.inf, -np.inf])
    waiting: list[pa.RecordBatch] = []
    count = 0
    with pq.ParquetWriter(part, schema, compression="zstd", write_page_index=True) as writer:

        def flush() -> None:
            nonlocal count
            writer.write_table(pa.Table.from_batches(waiting, schema), row_group_size=_GROUP)
            waiting.clear()
            count = 0

        for batch in batches:
            boxes = shapely.bounds(shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False)))
            if not len(boxes):
                continue
            total[:2] = np.minimum(total[:2], boxes[:, :2].min(axis=0))
            total[2:] = np.maximum(total[2:], boxes[:, 2:].max(axis=0))
            columns = [pa.array(np.ascontiguousarray(boxes[:, k])) for k in range(4)]
            waiting.append(
                pa.record_batch(
                    [*batch.columns, pa.StructArray.from_arrays(columns, fields=list(_BBOX))], schema=schema
                )
            )
            count += batch.num_rows
            if count >= _GROUP:
                flush()
        flush()
        writer.add_key_value_metadata({"geo": json.dumps(_geo(layer, total)), **layer.provenance})


def _geo(layer: VectorLayer, total: Any) -> dict[str, Any]:
    import pyproj

    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": [layer.geometry_type],
        # No "crs" would mean longitude and latitude: an unknown CRS is null.
        "crs": None if layer.crs is None else pyproj.CRS.from_user_input(layer.crs).to_json_dict(),
        "orientation": "counterclockwise",
        "edges": "planar",
        "covering": {"bbox": {name: ["bbox", name] for name in ("xmin", "ymin", "xmax", "ymax")}},
    }
    if np.isfinite(total).all():
        column["bbox"] = total.tolist()
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
