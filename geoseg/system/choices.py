"""Names that options of several packages accept. Imports nothing heavy, so that ``geoseg --help`` stays fast."""

from __future__ import annotations

from typing import Literal, get_args

Stitch = Literal["trim", "linear", "gaussian"]
"""How overlapping windows become one map; see :mod:`geoseg.segment.stitch`."""

Precision = Literal["fp32", "bf16", "fp16"]
"""Floating-point formats of a forward pass."""

Runtime = Literal["torch", "openvino", "onnx"]
"""Libraries that compute a network; see :mod:`geoseg.models.runtimes`."""

STITCHES: tuple[str, ...] = get_args(Stitch)

PRECISIONS: tuple[Precision, ...] = get_args(Precision)

PRECISION_OPTIONS: tuple[str, ...] = ("auto", *PRECISIONS)
"""Values of the ``precision`` options; "auto" takes half precision where it is faster and agrees with float32."""

RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)

RUNTIME_OPTIONS: tuple[str, ...] = ("auto", *RUNTIMES)
"""Values of the ``runtime`` options; "auto" takes another than the model's own where it is faster and agrees."""

COMPOSITES = ("median", "medoid", "mean", "first", "best")
"""How dates become one scene; see :mod:`geoseg.raster.composite`."""

POLYGON_FORMATS = ("gpkg", "parquet", "fgb")
"""Suffixes of GeoPackage, GeoParquet and FlatGeobuf."""

REGULAR_SHAPES = ("square", "circle")
"""What the ``regularize`` options may make of outlines."""

LOCAL_SCHEDULERS = ("threads", "local")
"""Threads of this process, worker processes on this machine."""

BATCH_SYSTEMS = ("slurm", "pbs", "lsf", "kubernetes")
"""Systems that geoseg submits workers to."""

DATE_ENCODINGS = ("day-of-year", "days-since-first")
"""How a series of dates tells a network its dates: 1…366, or days from its first date, which is 0."""

FUSIONS = {
    "sources": ("gated", "early", "late"),
    "dates": ("attention", "convgru", "early"),
    "change": ("difference", "concatenation", "early"),
}
"""How several inputs of a network can be joined, by what they are; the default first."""
