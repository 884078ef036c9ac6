"""The layer ``changes``: polygons of the change raster with the classes of both dates."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from geoseg.change.transitions import UNCERTAIN, UNCHANGED, Numbering
from geoseg.polygonize.files.layer import LayerView

_SCHEMA = pa.schema(
    [
        ("change_id", pa.int32()),
        ("from_class", pa.string()),
        ("to_class", pa.string()),
        ("confidence", pa.float64()),
        ("area_m2", pa.float64()),
        ("geometry", pa.binary()),
    ]
)


def changes_layer(numbering: Numbering) -> LayerView:
    """Return the layer's name, columns and style.

    ``confidence`` is null where the dates' confidences are unknown.
    """
    pairs = numbering.pairs()

    def convert(batch: pa.RecordBatch) -> pa.RecordBatch:
        ids = batch.column("class_id")
        codes, index = np.unique(ids.to_numpy(), return_inverse=True)
        names = [pa.array([pairs[code][k].name for code in codes.tolist()], pa.string()) for k in (0, 1)]
        taken = [known.take(pa.array(index)) for known in names]
        confidence = (
            batch.column("confidence") if "confidence" in batch.schema.names else pa.nulls(len(ids), pa.float64())
        )
        columns = [ids, *taken, confidence, batch.column("area_m2"), batch.column("geometry")]
        return pa.record_batch(columns, schema=_SCHEMA)

    return LayerView("changes", "Changes", "change_id", _SCHEMA, convert, without=(UNCHANGED, UNCERTAIN))
