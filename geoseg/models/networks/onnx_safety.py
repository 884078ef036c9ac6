"""Bounds on what an ONNX graph may do, checked before onnxruntime sees it.

A graph holds arithmetic only, but it may refer to operators of other libraries and to weights in other files, repeat
its steps 2^62 times, double itself at each of thirty levels of functions, or ask for a tensor larger than the memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError

if TYPE_CHECKING:
    from onnx import ModelProto

MAX_FILE_BYTES = 2**31
"""Largest ONNX file: protobuf's own limit."""

MAX_STEPS = 1_000_000
"""Most operators that one forward pass may execute, loops and functions expanded. Large networks have some 10,000."""

MAX_VALUE_BYTES = 4 * 2**30
"""Largest value inside a graph, in bytes, for windows of :data:`PROBE_SIDE` or of the graph's own size."""

PROBE_SIDE = 512
"""Side of the windows, in pixels, for which sizes are computed where the graph leaves it free."""

# Functions that call functions, at most this deep.
_MAX_DEPTH = 64

# Steps assumed for a Scan, whose length is that of its input: rows of a large window.
_SCAN_STEPS = 4096

# The standard operators, and those built into onnxruntime (quantisation, fused layers).
_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc")

# Text and growing lists have no place in a network for rasters; text generation runs whole graphs in a loop.
_FOREIGN_KINDS = ("String", "Sequence", "Optional", "Regex", "Tokenizer", "TfIdf", "BeamSearch", "GreedySearch")
_FOREIGN_OPS = ("Sampling", "WordConvEmbedding", "SplitToSequence")
_ALLOWED_KINDS = ("SequenceAt",)


def check_safe(proto: ModelProto, label: str) -> None:
    """Refuse graphs that run foreign code, read other files, or cannot be run in bounded time.

    Parameters
    ----------
    proto
        The parsed graph.
    label
        What error messages call it.

    Raises
    ------
    ModelError
        One line with the first defect and the remedy.
    """
    # protobuf hands out text that is not UTF-8 as bytes.
    if any(isinstance(text, bytes) for text in _texts(proto)):
        raise ModelError(f"{label}: a damaged ONNX file: it contains names that are not UTF-8; get it again")
    _check_operators(proto, label)
    _check_tensors(proto, label)
    steps = _Steps(proto, label).of(proto.graph, _constants(proto.graph, {}), 0)
    if steps > MAX_STEPS:
        raise ModelError(
            f"{label}: its graph executes more than {MAX_STEPS:,} operators for one window, since loops or functions "
            "multiply them; export the model without loops (traced, not scripted)"
        )


def _check_operators(proto: ModelProto, label: str) -> None:
    own = {(function.domain, function.name) for function in proto.functions}
    for node in (node for graph in (proto.graph, *proto.functions) for node in nodes_of(graph.node)):
        if (node.domain, node.op_type) in own:
            continue
        if node.domain not in _DOMAINS:
            raise ModelError(
                f"{label}: custom operator {node.op_type!r} of {node.domain!r} needs a library of its own, which could "
                "run any code; export the model with standard ONNX operators"
            )
        if node.op_type == "EPContext":
            raise ModelError(f"{label}: contains code compiled for one kind of device; export the model itself")
        foreign = node.op_type in _FOREIGN_OPS or node.op_type.startswith(_FOREIGN_KINDS)
        if foreign and node.op_type not in _ALLOWED_KINDS:
            raise ModelError(
                f"{label}: operator {node.op_type!r} works on text or lists, which no network for rasters needs; "
                "export the network alone, without the steps before and after it"
            )


def _check_tensors(proto: ModelProto, label: str) -> None:
    import onnx

    for tensor in _tensors(proto):
        if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
            raise ModelError(
                f"{label}: keeps weights in other files, which the checksum does not cover; save it as one file with "
                "onnx.save_model(model, path, save_as_external_data=False)"
            )
        if tensor.data_type == onnx.TensorProto.STRING:
            raise ModelError(f"{label}: contains text among its weights; export the network alone")
        if any(side < 0 for side in tensor.dims):
            raise ModelError(
                f"{label}: weights {_name(tensor)} have a negative size; the file is damaged, get it again"
            )
    for graph in _graphs(proto):
        sparse = [*graph.sparse_initializer] if hasattr(graph, "sparse_initializer") else []
        sparse += [a.sparse_tensor for n in graph.node for a in n.attribute if a.HasField("sparse_tensor")]
        sparse += [entry for n in graph.node for a in n.attribute for entry in a.sparse_tensors]
        for entry in sparse:
            check_bytes(list(entry.dims), 8, label, f"sparse weights {_name(entry.values)}")


def check_bytes(shape: list[int], itemsize: int, label: str, what: str) -> None:
    """Refuse a value that is larger than :data:`MAX_VALUE_BYTES`.

    Raises
    ------
    ModelError
        If it is.
    """
    size = math.prod(shape) * itemsize
    if size > MAX_VALUE_BYTES or any(side < 0 for side in shape):
        raise ModelError(
            f"{label}: {what} would take {size / 1e9:,.3g} GB for one window, more than the "
            f"{MAX_VALUE_BYTES / 1e9:.2g} GB allowed; the file is damaged or was made to exhaust the memory"
        )


def nodes_of(nodes: Any) -> Iterator[Any]:
    """Yield the nodes of a graph, and those of the graphs inside its branches and loops."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in _subgraphs(attribute):
                yield from nodes_of(graph.node)


def _subgraphs(attribute: Any) -> list[Any]:
    return [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]


def _graphs(proto: ModelProto) -> Iterator[Any]:
    """Yield the main graph, the functions, and all graphs inside them."""
    for outer in (proto.graph, *proto.functions):
        yield outer
        for node in nodes_of(outer.node):
            for attribute in node.attribute:
                yield from _subgraphs(attribute)


def _tensors(proto: ModelProto) -> Iterator[Any]:
    """Yield the tensors of a graph, wherever they are stored."""
    for graph in _graphs(proto):
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.HasField("t"):
                    yield attribute.t
                yield from attribute.tensors
                for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                    yield from (sparse.values, sparse.indices)
        if hasattr(graph, "initializer"):
            yield from graph.initializer
            for sparse in graph.sparse_initializer:
                yield from (sparse.values, sparse.indices)


def _texts(proto: ModelProto) -> Iterator[Any]:
    """Yield all names in a graph, as protobuf returns them."""
    for entry in proto.metadata_props:
        yield from (entry.key, entry.value)
    for opset in proto.opset_import:
        yield opset.domain
    for function in proto.functions:
        yield from (function.name, function.domain, *function.input, *function.output, *function.attribute)
    for graph in _graphs(proto):
        for node in graph.node:
            yield from (node.op_type, node.domain, node.name, *node.input, *node.output)
            for attribute in node.attribute:
                yield from (attribute.name, attribute.ref_attr_name)
        if hasattr(graph, "initializer"):
            yield from (entry.name for entry in (*graph.input, *graph.output, *graph.value_info))
    yield from (tensor.name for tensor in _tensors(proto))


def _name(tensor: Any) -> str:
    return repr(tensor.name[:60])


# Loops and functions ------------------------------------------------------------------------------------------------


class _Steps:
    """Counts the operators that a graph executes, with every loop and function expanded.

    Each function is counted once, however often it is called, so that counting is quick where expanding is not.
    """

    def __init__(self, proto: ModelProto, label: str) -> None:
        self._functions = {(f.domain, f.name): f for f in proto.functions}
        self._label = label
        self._counted: dict[tuple[str, str], int] = {}

    def of(self, graph: Any, constants: Mapping[str, int], depth: int) -> int:
        return sum(self._of_node(node, constants, depth) for node in graph.node)

    def _of_node(self, node: Any, constants: Mapping[str, int], depth: int) -> int:
        key = (node.domain, node.op_type)
        if key in self._functions:
            return 1 + self._of_function(key, depth)
        inner = [graph for attribute in node.attribute for graph in _subgraphs(attribute)]
        if not inner:
            return 1
        steps = sum(self.of(graph, _constants(graph, constants), depth) for graph in inner)
        return 1 + steps * self._turns(node, constants)

    def _of_function(self, key: tuple[str, str], depth: int) -> int:
        if depth > _MAX_DEPTH:
            raise ModelError(
                f"{self._label}: its functions call each other more than {_MAX_DEPTH} levels deep, or themselves; "
                "export the model with its functions inlined"
            )
        if key not in self._counted:
            function = self._functions[key]
            self._counted[key] = self.of(function, _constants(function, {}), depth + 1)
        return self._counted[key]

    def _turns(self, node: Any, constants: Mapping[str, int]) -> int:
        if node.op_type == "Scan":
            return _SCAN_STEPS
        if node.op_type != "Loop":
            return 1
        turns = constants.get(node.input[0]) if node.input else None
        if turns is None:
            raise ModelError(
                f"{self._label}: contains a loop whose number of turns is not written in the graph, so that it may "
                "never end; export the model without loops (traced, not scripted)"
            )
        return max(turns, 1)


def _constants(graph: Any, outer: Mapping[str, int]) -> dict[str, int]:
    """Return the whole numbers stored in a graph, and in those around it, by name."""
    from onnx import numpy_helper

    tensors = {tensor.name: tensor for tensor in getattr(graph, "initializer", ())}
    hidden = {entry if isinstance(entry, str) else entry.name for entry in graph.input}
    hidden.update(name for node in graph.node for name in node.output)
    numbers = {name: value for name, value in outer.items() if name and name not in hidden}
    for node in graph.node:
        if node.op_type != "Constant" or not node.output:
            continue
        for attribute in node.attribute:
            if attribute.name == "value":
                tensors[node.output[0]] = attribute.t
            elif attribute.name == "value_int":
                numbers[node.output[0]] = attribute.i
            elif attribute.name == "value_ints" and len(attribute.ints) == 1:
                numbers[node.output[0]] = attribute.ints[0]
    for name, tensor in tensors.items():
        if math.prod(tensor.dims) == 1:
            try:
                array = numpy_helper.to_array(tensor)
            except (ValueError, TypeError):
                continue
            if array.dtype.kind in "iu":
                numbers[name] = int(array.item())
    return numbers
