"""Options of an export."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from geoseg.models.weights import ONNX

PT2 = ".pt2"
"""File name extension of ``torch.export``'s archives."""

FORMATS = (ONNX, PT2)
"""Extensions of the files that models are exported to."""

OPSET = 18
"""Version of the ONNX operators: the one torch's exporter is written for; onnxruntime reads it since 1.14."""


@dataclass(frozen=True)
class ExportOptions:
    """Options of :func:`~geoseg.models.export.export.export_model`.

    Attributes
    ----------
    raw
        Build the normalisation into the graph, which then takes the card's digital numbers.
    logits
        Return logits instead of probabilities.
    int8
        Quantise to 8-bit integers: weights and activations if there are calibration scenes (static), else weights only,
        with activations quantised at run time (dynamic).
    calibration
        Scenes that give the value ranges of activations.
    reading
        Keyword arguments of :func:`geoseg.open_raster` for these scenes.
    opset
        Version of the ONNX operators, at least 18.
    overwrite
        Replace an existing file.
    huggingface
        Write a folder as the network's library does, segmentation-models-pytorch or transformers; without the options
        above.

    Examples
    --------
    >>> from geoseg.models.export.options import ExportOptions
    >>> ExportOptions(raw=True).opset
    18
    """

    raw: bool = False
    logits: bool = False
    int8: bool = False
    calibration: tuple[Any, ...] = ()
    reading: dict[str, Any] = field(default_factory=dict)
    opset: int = OPSET
    overwrite: bool = False
    huggingface: bool = False

    @property
    def output(self) -> str:
        """What the graph returns: ``"logits"`` or ``"probabilities"``."""
        return "logits" if self.logits else "probabilities"
