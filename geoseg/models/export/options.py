"""What may be chosen when a model is exported."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

OPSET = 18
"""Version of the ONNX operators: what torch's exporter is written for, read by onnxruntime since 1.14."""


@dataclass(frozen=True)
class ExportOptions:
    """How to export.

    Attributes
    ----------
    raw
        Build the normalisation into the graph: it then takes the card's digital numbers.
    logits
        Return logits, not probabilities.
    int8
        Quantise to 8-bit integers: with calibration scenes static (all of it), without dynamic (weights; activations
        as they come).
    calibration
        Scenes from which the ranges of activations are taken.
    reading
        Keyword arguments of :func:`geoseg.open_raster` for them.
    opset
        Version of the ONNX operators.
    overwrite
        Replace a file that is there.
    """

    raw: bool = False
    logits: bool = False
    int8: bool = False
    calibration: tuple[Any, ...] = ()
    reading: dict[str, Any] = field(default_factory=dict)
    opset: int = OPSET
    overwrite: bool = False
