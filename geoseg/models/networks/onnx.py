"""ONNX networks: loaded safely, run by onnxruntime behind the interface of a torch module.

A graph holds arithmetic only, but it may refer to custom operators of other libraries and to weights in other files.
Both are refused, so that only the bytes that were checked are used.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import ModelError, one_line
from geoseg.models.card.card import ModelCard

if TYPE_CHECKING:
    from onnx import ModelProto


CARD_KEY = "geoseg:card"
"""Metadata key of the model card, a STAC MLM item."""

OUTPUT_KEY = "geoseg:output"
"""Metadata key of what the graph returns: ``probabilities`` or ``logits``."""

# The standard operators, and those built into onnxruntime (quantisation, fused layers).
_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc")

_MISSING = "onnx and onnxruntime are not installed; install them with: pip install 'geoseg[onnx]'"


def parse(data: bytes, label: str) -> ModelProto:
    """Return the graph in a file's bytes after checking that it is safe to run.

    Parameters
    ----------
    data
        Content of an ``.onnx`` file.
    label
        What error messages call it.

    Raises
    ------
    ModelError
        If it is damaged, needs custom operators, keeps weights in other files, or contains compiled code.
    """
    try:
        import onnx
    except ImportError:
        raise ModelError(f"{label}: {_MISSING}") from None
    try:
        proto = onnx.load_model_from_string(data)
    except Exception as error:  # noqa: BLE001 - protobuf raises exception types of its own
        raise ModelError(
            f"{label}: not an ONNX file, or a damaged one ({type(error).__name__}); get it again"
        ) from None
    own = {function.domain for function in proto.functions}
    graphs = [proto.graph, *proto.functions]
    for node in (node for graph in graphs for node in _nodes(graph.node)):
        if node.domain not in _DOMAINS and node.domain not in own:
            raise ModelError(
                f"{label}: custom operator {node.op_type!r} of {node.domain!r} needs a library of its own, which could "
                "run any code; export the model with standard ONNX operators"
            )
        if node.op_type == "EPContext":
            raise ModelError(f"{label}: contains code compiled for one kind of device; export the model itself")
    for tensor in _tensors(proto):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise ModelError(
                f"{label}: keeps weights in other files, which the checksum does not cover; save it as one file with "
                "onnx.save_model(model, path, save_as_external_data=False)"
            )
    return proto


def _nodes(nodes: Any) -> Iterator[Any]:
    """Yield the nodes of a graph, and those of the graphs inside its branches and loops."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _nodes(graph.node)


def _tensors(proto: ModelProto) -> Iterator[Any]:
    """Yield the tensors of a graph, wherever they are stored."""
    graphs: list[Any] = [proto.graph]
    for node in _nodes([*proto.graph.node, *(node for function in proto.functions for node in function.node)]):
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            graphs += [attribute.g, *attribute.graphs]
    for graph in graphs:
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from (sparse.values, sparse.indices)


def metadata_of(proto: ModelProto) -> dict[str, str]:
    """Return the metadata of a graph's file."""
    return {entry.key: entry.value for entry in proto.metadata_props}


def build_network(data: bytes, card: ModelCard) -> Any:
    """Return the network of an ONNX file as a torch module: normalised pixels → logits.

    Raises
    ------
    ModelError
        If it is unsafe, or its inputs and outputs do not fit the card.
    """
    proto = parse(data, f"model {card.name!r}")
    constants = {tensor.name for tensor in proto.graph.initializer}
    inputs = [entry for entry in proto.graph.input if entry.name not in constants]
    for side, entries, channels in (
        ("input", inputs, len(card.bands)),
        ("output", proto.graph.output, len(card.classes)),
    ):
        if len(entries) != 1:
            raise ModelError(f"model {card.name!r}: its graph has {len(entries)} {side}s; export it with exactly one")
        shape = [dim.dim_value for dim in entries[0].type.tensor_type.shape.dim]
        if len(shape) not in (0, 4) or (shape and shape[1] not in (0, channels)):
            raise ModelError(
                f"model {card.name!r}: the {side} of its graph has shape {shape} (0: any), the card requires "
                f"(batch, {channels}, height, width)"
            )
    return _network()(data, metadata_of(proto).get(OUTPUT_KEY) == "probabilities", card.name)


def _network() -> type:
    """Return the module class; a function, since the class needs torch, which takes seconds to import."""
    import torch

    class OnnxNetwork(torch.nn.Module):
        """Runs a graph on torch tensors; sessions are created on first use, one per device and number of threads."""

        def __init__(self, data: bytes, probabilities: bool, name: str) -> None:  # noqa: FBT001
            super().__init__()
            self._data, self._probabilities, self._name = data, probabilities, name
            self._sessions: dict[tuple[str, int], Any] = {}
            self._lock = threading.Lock()

        def __deepcopy__(self, memo: dict[int, Any]) -> Any:
            return self  # immutable but for the cache of sessions

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Return logits (N, classes, h, w) of normalised pixels (N, bands, h, w)."""
            session = self._session(x.device.type, torch.get_num_threads())
            pixels = np.ascontiguousarray(x.detach().float().cpu().numpy())
            entry = session.get_inputs()[0]
            # Graphs with a fixed batch size of 1 take a batch window by window.
            parts = np.split(pixels, len(pixels)) if entry.shape and entry.shape[0] == 1 else [pixels]
            try:
                scores = np.concatenate([session.run(None, {entry.name: part})[0] for part in parts])
            except Exception as error:  # noqa: BLE001 - onnxruntime raises exception types of its own
                text = one_line(error)
                memory = "out of memory: " if "alloc" in text.lower() else ""
                raise RuntimeError(f"{memory}{text[-300:]}") from None
            out = torch.from_numpy(scores).to(x.device)
            # The caller expects logits, and softmax(log p) = p.
            return out.clamp_min(1e-30).log() if self._probabilities else out

        def _session(self, device: str, threads: int) -> Any:
            with self._lock:
                key = device, threads
                if key not in self._sessions:
                    self._sessions[key] = make_session(self._data, device, threads, self._name)
                return self._sessions[key]

    return OnnxNetwork


def make_session(data: bytes, device: str, threads: int, name: str) -> Any:
    """Return an onnxruntime session.

    Raises
    ------
    ModelError
        If onnxruntime is not installed or rejects the graph.
    """
    try:
        import onnxruntime as ort
    except ImportError:
        raise ModelError(f"model {name!r}: {_MISSING}") from None
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # errors are raised; do not log them too
    # Several sessions share the CPU: waiting threads must not spin.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    wanted = ["CUDAExecutionProvider"] if device == "cuda" else []
    providers = [entry for entry in wanted if entry in ort.get_available_providers()] + ["CPUExecutionProvider"]
    try:
        return ort.InferenceSession(data, options, providers=providers)
    except Exception as error:  # noqa: BLE001 - onnxruntime raises exception types of its own
        text = one_line(error)
        raise ModelError(f"model {name!r}: onnxruntime cannot run its graph: {text[-300:]}") from None
