"""A network's graph with normalisation before it and arg-max and confidence behind it: integers in, uint8 out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.models.runtimes.openvino_convert import openvino

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_FINITE = 255
"""Confidence of pixels for which the network returned NaN or infinity."""

# Maxima of logits below this are of pixels for which all are −inf.
_LOWEST = -3.3e38


@dataclass(frozen=True)
class GraphShape:
    """What determines a compiled graph, but for the network and the device.

    Attributes
    ----------
    height, width
        Of the windows, in pixels.
    dtype
        Numpy name of the digital numbers: ``"uint16"``.
    clips
        Whether normalised values are limited.
    logits
        Whether it returns logits instead of classes and confidence.
    """

    height: int
    width: int
    dtype: str
    clips: bool
    logits: bool


def whole_graph(network: Any, shape: GraphShape, bands: int, classes: int) -> Any:
    """Return the graph that computes one window.

    Inputs: pixels (1, bands, h, w); scale and offset, and low and high if it clips, float32 (1, bands, 1, 1); invalid,
    bool (1, 1, h, w). Outputs: classes and confidence, uint8 (1, h, w), with :data:`NOT_FINITE` where the network
    returned NaN or infinity; or logits float32 (1, classes, h, w).

    Parameters
    ----------
    network
        Of :func:`~geoseg.models.runtimes.openvino_convert.network_graph`; changed.
    shape
        Of windows and results.
    bands, classes
        Their numbers.

    Raises
    ------
    RuntimeError
        If the network does not take windows of this size, or returns another shape.
    """
    from openvino import opset13 as ops

    ov = openvino()
    size = [shape.height, shape.width]
    pixels = ops.parameter([1, bands, *size], ov.Type(np.dtype(shape.dtype)), name="pixels")
    columns = [ops.parameter([1, bands, 1, 1], ov.Type.f32) for _ in range(4 if shape.clips else 2)]
    invalid = ops.parameter([1, 1, *size], ov.Type.boolean, name="invalid")
    values = ops.add(ops.multiply(ops.convert(pixels, "f32"), columns[0]), columns[1])
    if shape.clips:
        values = ops.minimum(ops.maximum(values, columns[2]), columns[3])
    # Where the card standardises, 0 is the mean of the training data: the most neutral value.
    values = ops.select(invalid, np.float32(0), values)
    network.reshape([1, bands, *size])
    entry = network.get_parameters()[0]
    for target in entry.output(0).get_target_inputs():
        target.replace_source_output(values.output(0))
    logits = network.get_results()[0].input_value(0)
    if list(logits.get_partial_shape().get_max_shape()) != [1, classes, *size]:
        raise RuntimeError(f"it returns {logits.get_partial_shape()} instead of (1, {classes}, {size[0]}, {size[1]})")
    outputs = [logits] if shape.logits else _decision(logits, classes)
    return ov.Model([ops.result(output) for output in outputs], [pixels, *columns, invalid])


def _decision(logits: Any, classes: int) -> Sequence[Any]:
    """Return classes and confidence, computed as :func:`geoseg.models.inference.argmax.decide` does."""
    from openvino import opset13 as ops

    axis, one, none = np.array([1]), np.float32(1), np.float32(0)
    best = ops.reduce_max(logits, axis, keep_dims=True)
    # Of several equal logits, the first.
    order = np.arange(classes, 0, -1, dtype=np.float32).reshape(1, -1, 1, 1)
    hit = ops.reduce_max(ops.select(ops.equal(logits, best), order, none), axis, keep_dims=False)
    winner = ops.subtract(np.float32(classes), hit)
    total = ops.reduce_sum(ops.exp(ops.subtract(logits, best)), axis, keep_dims=False)
    share = ops.round(ops.divide(np.float32(100), total), "half_to_even")
    # Told explicitly: maxima, exponentials and conversions of NaN are whatever the processor makes of them.
    bad = ops.logical_or(ops.is_nan(logits), ops.is_inf(logits, {"detect_negative": False, "detect_positive": True}))
    bad = ops.reduce_max(ops.select(bad, one, none), axis, keep_dims=False)
    # Maxima start at the lowest number, not at −inf.
    never = ops.less(ops.squeeze(best, axis), np.float32(_LOWEST))
    bad = ops.logical_or(ops.greater(bad, none), never)
    share = ops.select(bad, np.float32(NOT_FINITE), share)
    return ops.convert(winner, "u8"), ops.convert(share, "u8")
