"""What an ONNX graph takes and returns, read from the file once, without running it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.models.networks.onnx_safety import PROBE_SIDE, check_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onnx import ModelProto

Shape = tuple[int | None, ...]

# Operators after which values still mean what the activation before them made: "softmax, then resize".
_TRANSPARENT = (
    *("Identity", "Cast", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Resize", "Upsample", "Slice"),
    *("QuantizeLinear", "DequantizeLinear", "Dropout"),
)
_ACTIVATIONS = {
    "Softmax": "softmax",
    "LogSoftmax": "logsoftmax",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "sigmoid",
    "QLinearSigmoid": "sigmoid",
    "QLinearSoftmax": "softmax",
    "ArgMax": "argmax",
}

# Weights up to this many elements stay in the copy whose shapes are inferred: sizes and axes are among them.
_SMALL = 1024

# Bands for which sizes are computed where the graph leaves their number free.
_PROBE_BANDS = 4

# Reductions beyond this are no network's stride, but come from operators that are read wrongly here.
_MAX_REDUCTION = 128


@dataclass(frozen=True)
class Port:
    """An input or output of a graph.

    Attributes
    ----------
    name
        Its name.
    dtype
        Numpy name of its data type: ``"float32"``.
    shape
        Sides, None where the graph leaves one free; None if even the number of axes is unknown.
    probe
        The same for one window of 512 px where the graph leaves its sides free, as far as they can be inferred.
    activation
        Of outputs: what computed it, ``"softmax"``, ``"logsoftmax"``, ``"sigmoid"``, ``"argmax"`` or ``""``.
    """

    name: str
    dtype: str
    shape: Shape | None
    probe: Shape | None = None
    activation: str = ""

    def __str__(self) -> str:
        sides = "of any shape" if self.shape is None else "×".join("?" if n is None else str(n) for n in self.shape)
        return f"{self.name!r} ({self.dtype} {sides})"


@dataclass(frozen=True)
class GraphContract:
    """What a graph takes and returns.

    Attributes
    ----------
    inputs, outputs
        Those that are not constants.
    reduction
        Factor by which the graph reduces its input at most; 1 if it does not.
    channels_last
        Whether the first operator moves channels from the last axis to the second, as in graphs of TensorFlow.
    metadata
        The file's metadata.
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    reduction: int
    channels_last: bool
    metadata: Mapping[str, str]


def read_contract(proto: ModelProto, label: str) -> GraphContract:
    """Read a graph's contract.

    Parameters
    ----------
    proto
        The graph, after :func:`~geoseg.models.networks.onnx_safety.check_safe`.
    label
        What error messages call it.

    Raises
    ------
    ModelError
        If a value inside it would exhaust the memory.
    """
    constants = {tensor.name for tensor in proto.graph.initializer}
    inputs = tuple(_port(entry) for entry in proto.graph.input if entry.name not in constants)
    inferred = _with_shapes(proto, inputs)
    for where in _graphs(inferred.graph):
        for entry in (*where.value_info, *where.output):
            port = _port(entry)
            if port.shape is not None and None not in port.shape:
                check_bytes(
                    [side or 0 for side in port.shape], _itemsize(port.dtype), label, f"value {port.name[:60]!r}"
                )
    known = {entry.name: _port(entry).shape for entry in (*inferred.graph.input, *inferred.graph.output)}
    activations = _Activations(proto)
    outputs = tuple(
        replace(port, probe=known.get(port.name) or port.shape, activation=activations.of(port.name))
        for port in map(_port, proto.graph.output)
    )
    inputs = tuple(replace(port, probe=known.get(port.name)) for port in inputs)
    names = {port.name for port in inputs}
    consumers = [node for node in proto.graph.node if names & set(node.input)]
    return GraphContract(
        inputs=inputs,
        outputs=outputs,
        reduction=_reduction(proto),
        channels_last=bool(consumers) and all(_moves_channels(node) for node in consumers),
        metadata={entry.key: entry.value for entry in proto.metadata_props},
    )


def _port(entry: Any) -> Port:
    kind = entry.type.tensor_type
    shape: Shape | None = None
    if kind.HasField("shape"):
        shape = tuple(dim.dim_value if dim.dim_value > 0 else None for dim in kind.shape.dim)
    return Port(entry.name, _dtype(kind.elem_type), shape)


def _dtype(number: int) -> str:
    import onnx

    try:
        return str(onnx.helper.tensor_dtype_to_np_dtype(number))
    except (KeyError, ValueError, TypeError):
        return "unknown"


def _itemsize(dtype: str) -> int:
    try:
        return np.dtype(dtype).itemsize
    except TypeError:
        return 1


# Shapes -------------------------------------------------------------------------------------------------------------


def _with_shapes(proto: ModelProto, inputs: tuple[Port, ...]) -> ModelProto:
    """Return the graph without large weights, with the shape of every value for one window of a usual size."""
    import onnx

    light = onnx.ModelProto()
    light.ir_version = proto.ir_version
    light.opset_import.extend(proto.opset_import)
    light.functions.extend(proto.functions)
    graph = light.graph
    graph.name = "shapes"
    graph.node.extend(proto.graph.node)
    graph.output.extend(proto.graph.output)
    graph.input.extend(proto.graph.input)
    stated = {entry.name for entry in graph.input}
    for tensor in proto.graph.initializer:
        if math.prod(tensor.dims) <= _SMALL:
            graph.initializer.append(tensor)
        elif tensor.name not in stated:
            graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    names = {port.name for port in inputs}
    for entry in graph.input:
        if entry.name in names:
            _bind(entry)
    try:
        return onnx.shape_inference.infer_shapes(light, data_prop=True)
    except Exception:  # noqa: BLE001 - onnx raises exception types of its own; onnxruntime will name the defect
        return light


def _bind(entry: Any) -> None:
    """Give the free sides of an input the values of a single window."""
    dims = entry.type.tensor_type.shape.dim
    usual = (1, _PROBE_BANDS, PROBE_SIDE, PROBE_SIDE) if len(dims) == 4 and dims[-1].dim_value <= 0 else ()
    for axis, dim in enumerate(dims):
        if dim.dim_value <= 0:
            dim.dim_value = usual[axis] if usual else (1 if axis == 0 and len(dims) == 4 else PROBE_SIDE)


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _graphs(inner)


# Operators ----------------------------------------------------------------------------------------------------------


class _Activations:
    """Finds which activation computed a value, through operators that only move or rescale it."""

    def __init__(self, proto: ModelProto) -> None:
        self._functions = {(f.domain, f.name): f for f in proto.functions}
        self._graph = proto.graph

    def of(self, name: str) -> str:
        return self._in(self._graph, name, 0)

    def _in(self, graph: Any, name: str, depth: int) -> str:
        makers = {output: node for node in graph.node for output in node.output}
        seen: set[str] = set()
        while name in makers and name not in seen:
            seen.add(name)
            node = makers[name]
            function = self._functions.get((node.domain, node.op_type))
            if function is not None:
                position = list(node.output).index(name)
                return self._in(function, function.output[position], depth + 1) if depth < 8 else ""
            if node.op_type in _ACTIVATIONS:
                return _ACTIVATIONS[node.op_type]
            if _is_softmax(node, makers):
                return "softmax"
            if node.op_type not in _TRANSPARENT or not node.input:
                return ""
            name = node.input[0]
        return ""


def _is_softmax(node: Any, makers: Mapping[str, Any]) -> bool:
    """Whether a node divides exponentials by their sum: softmax as some exporters write it."""
    if node.op_type != "Div" or len(node.input) != 2:
        return False
    top, bottom = (makers.get(name) for name in node.input)
    return (
        top is not None
        and bottom is not None
        and (top.op_type, bottom.op_type) == ("Exp", "ReduceSum")
        and bottom.input[0] == node.input[0]
    )


def _moves_channels(node: Any) -> bool:
    if node.op_type != "Transpose":
        return False
    order = next((list(a.ints) for a in node.attribute if a.name == "perm"), [])
    return order in ([0, 3, 1, 2], [2, 0, 1])


def _reduction(proto: ModelProto) -> int:
    """Return the largest product of strides on any path from the input, less what is enlarged again on the way."""
    from onnx import numpy_helper

    scales = {t.name: t for t in proto.graph.initializer if 0 < math.prod(t.dims) <= 8}
    scales |= {
        node.output[0]: a.t
        for node in proto.graph.node
        if node.op_type == "Constant" and node.output
        for a in node.attribute
        if a.name == "value" and math.prod(a.t.dims) <= 8
    }
    factors: dict[str, float] = {}
    largest = 1.0
    for node in proto.graph.node:
        before = max((factors.get(name, 1.0) for name in node.input if name), default=1.0)
        if node.op_type in ("Resize", "Upsample"):
            tensors = [scales[name] for name in node.input[1:] if name in scales]
            numbers = [numpy_helper.to_array(t).ravel() for t in tensors if t.data_type == 1 and len(t.dims) == 1]
            factor = next((float(max(n)) for n in numbers if len(n) >= 3 and max(n) > 0), before)
            after = before / factor
        else:
            after = before * _stride(node)
        for name in node.output:
            factors[name] = after
        if after <= _MAX_REDUCTION:
            largest = max(largest, after)
    return int(largest) if largest == int(largest) else 1


def _stride(node: Any) -> float:
    attributes = {a.name: a for a in node.attribute}
    if node.op_type in ("SpaceToDepth", "DepthToSpace"):
        size = max(attributes["blocksize"].i, 1) if "blocksize" in attributes else 1
        return float(size) if node.op_type == "SpaceToDepth" else 1 / size
    if "strides" not in attributes or not attributes["strides"].ints:
        return 1.0
    stride = max(*attributes["strides"].ints, 1)
    return 1 / stride if node.op_type == "ConvTranspose" else float(stride)
