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

# Logits beyond this are infinite: there are none such, and what processors make of infinity differs.
_INFINITE = 3.3e38


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

    # Class by class: OpenVINO makes one loop of operations between elements, and its reductions over classes take ten
    # times as long.
    planes, number = ops.split(logits, np.int64(1), classes).outputs(), np.float32
    best, total, winner = planes[0], None, None
    for plane in planes[1:]:
        best = ops.maximum(best, plane)
    # Of several equal logits, the first.
    for position, plane in reversed(list(enumerate(planes))):
        last = number(position) if winner is None else winner
        winner = ops.select(ops.equal(plane, best), number(position), last)
        weight = ops.exp(ops.subtract(plane, best))
        total = weight if total is None else ops.add(total, weight)
    share = ops.round(ops.divide(number(100), total), "half_to_even")
    # Told explicitly: maxima, exponentials and conversions of NaN are whatever the processor makes of them. No
    # comparison with NaN is true.
    for plane in planes:
        share = ops.select(ops.less(plane, number(_INFINITE)), share, number(NOT_FINITE))
    share = ops.select(ops.less(best, number(-_INFINITE)), number(NOT_FINITE), share)
    return [ops.squeeze(ops.convert(values, "u8"), np.array([1])) for values in (winner, share)]
