"""Static quantisation of a graph by onnxruntime, block by block: 8-bit weights, 8-bit activations of calibrated ranges.

A block is a convolution or matrix product with the operators after it, up to the next one. Blocks may be left in
float32; the last one always is: scores of 256 levels would tie, and confidence would come in steps. The graph carries
QuantizeLinear and DequantizeLinear (QDQ), which ONNX Runtime and OpenVINO both turn into integer kernels.

Weights use 7 of their 8 bits. Processors without 8-bit dot products (VNNI, AMX) add two products of activation and
weight in 16 bits, which saturate at full range: the same file would give other maps there, without a word.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError, one_line

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PRODUCTS = ("Conv", "MatMul", "Gemm")
"""Operators with weights that are quantised; each begins a block."""

# Operators after them that pass integers on, so that these need not become floats between two products.
_BETWEEN = ("Relu", "Clip", "Add", "MaxPool", "AveragePool", "GlobalAveragePool", "Concat", "Resize")


class StaticQuantizer:
    """A graph with the ranges of its activations, of which quantised copies can be made.

    Parameters
    ----------
    proto
        The graph in float32 (ModelProto), with one input.
    windows
        Inputs (N, bands, h, w), float32, that give the ranges of the activations: smallest and largest value.
    name
        The model's name, for error messages.

    Raises
    ------
    ModelError
        If onnxruntime cannot calibrate the graph, or it has no convolution or matrix product with weights but the last.

    Attributes
    ----------
    blocks
        Names of the nodes of each block that can be quantised, in the order of the graph.
    """

    def __init__(self, proto: Any, windows: Sequence[NDArray[np.float32]], name: str) -> None:
        self._name = name
        with tempfile.TemporaryDirectory(prefix="geoseg-quantise-", ignore_cleanup_errors=True) as folder:
            try:
                self._graph, self._ranges = _calibrated(proto, windows, Path(folder))
            except Exception as error:  # noqa: BLE001 - onnxruntime raises exception types of its own
                raise self._failed(error) from None
        self.blocks = _blocks(self._graph)[:-1]
        if not self.blocks:
            raise ModelError(
                f"model {name!r} has no convolutions or matrix products with weights before its last layer: nothing of "
                "it can be quantised"
            )

    def quantized(self, blocks: Collection[int] | None = None) -> Any:
        """Return a copy of the graph (ModelProto) with some blocks, by position, in 8 bits; all if None.

        Raises
        ------
        ModelError
            If onnxruntime cannot quantise it.
        """
        import copy

        from onnxruntime.quantization import QuantType
        from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

        chosen = range(len(self.blocks)) if blocks is None else sorted(blocks)
        nodes = [node for number in chosen for node in self.blocks[number]]
        try:
            quantizer = QDQQuantizer(
                copy.deepcopy(self._graph), per_channel=True, reduce_range=True, weight_qType=QuantType.QInt8,
                activation_qType=QuantType.QUInt8, tensors_range=self._ranges, nodes_to_quantize=nodes,
                nodes_to_exclude=[], op_types_to_quantize=[*PRODUCTS, *_BETWEEN], extra_options={},
            )  # fmt: skip
            quantizer.quantize_model()
        except Exception as error:  # noqa: BLE001 - as above
            raise self._failed(error) from None
        return quantizer.model.model

    def _failed(self, error: Exception) -> ModelError:
        text = one_line(error)[:250]
        return ModelError(f"model {self._name!r} cannot be quantised: {type(error).__name__}: {text}")


def _calibrated(proto: Any, windows: Sequence[NDArray[np.float32]], folder: Path) -> tuple[Any, Any]:
    """Return the graph as onnxruntime prepares it, and the ranges of its activations."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod
    from onnxruntime.quantization.calibrate import create_calibrator
    from onnxruntime.quantization.shape_inference import quant_pre_process

    name = proto.graph.input[0].name

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Yields each window once."""

        def __init__(self) -> None:
            self._remaining = iter(windows)

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            """Return the next window, or None."""
            window = next(self._remaining, None)
            return None if window is None else {name: window}

    source, prepared, augmented = (folder / f"{stem}.onnx" for stem in ("source", "prepared", "augmented"))
    source.write_bytes(proto.SerializeToString())
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    graph = onnx.load(prepared)
    _name_nodes(graph)
    onnx.save(graph, prepared)
    calibrator = create_calibrator(
        prepared, [*PRODUCTS, *_BETWEEN], augmented_model_path=str(augmented),
        calibrate_method=CalibrationMethod.MinMax, extra_options={"symmetric": False},
    )  # fmt: skip
    calibrator.collect_data(Reader())
    ranges = calibrator.compute_data()
    del calibrator  # its session holds the file open, and Windows deletes no open file
    return graph, ranges


def _name_nodes(graph: Any) -> None:
    """Give every node a name of its own: nodes are chosen by name."""
    known: set[str] = set()
    for number, node in enumerate(graph.graph.node):
        if not node.name or node.name in known:
            node.name = f"{node.op_type}_{number}"
        known.add(node.name)


def _blocks(graph: Any) -> list[tuple[str, ...]]:
    """Return the names of each block's nodes, in the order of the graph."""
    weights = {tensor.name for tensor in graph.graph.initializer}
    blocks: list[list[str]] = []
    for node in graph.graph.node:
        # Weights, and a bias if there is one; a sum that only looks like a bias has no integer kernel.
        if node.op_type in PRODUCTS and len(node.input) > 1 and weights.issuperset(filter(None, node.input[1:])):
            blocks.append([node.name])
        elif node.op_type in _BETWEEN and blocks:
            blocks[-1].append(node.name)
    return [tuple(block) for block in blocks]
