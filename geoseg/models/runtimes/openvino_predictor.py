"""OpenVINO behind the protocol of runtimes: windows one by one, as many at a time as the execution has streams."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import DeviceMemoryError, ModelError, one_line
from geoseg.models.card.scaling import transform_columns
from geoseg.models.inference.prediction import Prediction, not_finite
from geoseg.models.runtimes.openvino_convert import core, network_graph
from geoseg.models.runtimes.openvino_graph import NOT_FINITE, GraphShape, whole_graph
from geoseg.system.kept_blocks import KeptBlocks

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from geoseg.models.inference.execution import Execution
    from geoseg.models.model import Model

_HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}

# Shapes of windows for which graphs are kept: a scene has nine at most, by blocks at its edges and corners.
_MOST_GRAPHS = 16

# Digital numbers that graphs take as they are; others are converted to float32 first.
_DTYPES = ("uint8", "int8", "uint16", "int16", "int32", "float32")


class OpenVinoPredictor:
    """A model compiled by OpenVINO; see :class:`geoseg.models.runtimes.protocol.WindowPredictor`.

    Parameters
    ----------
    model
        The model.
    affine
        Transform from each band's digital numbers to the network's input: ``ModelCard.affine``, or pairs (a, b).
    execution
        Device, precision, streams, threads.

    Raises
    ------
    ModelError
        If the network cannot be converted.
    OptionError
        If openvino is not installed.
    """

    def __init__(self, model: Model, affine: Sequence[tuple[float, ...]], execution: Execution) -> None:
        self.card, self.execution = model.card, execution
        self._model = model
        columns = transform_columns(affine, len(model.card.bands), model.card.name)
        self._columns = [column.reshape(1, -1, 1, 1) for column in columns]
        self._clips = len(columns) > 2
        self._graphs: KeptBlocks[_CompiledGraph] = KeptBlocks(lambda _: 1, _MOST_GRAPHS)
        self._latest: GraphShape | None = None
        self._lock = threading.Lock()
        network_graph(model)  # cannot be converted: told now, not at the first window

    def classify(
        self, data: NDArray[Any], valid: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return class and confidence of every pixel of some windows; see :meth:`predict`."""
        prediction = self.predict(data, valid)
        return prediction.classes, prediction.confidence

    def predict(
        self, data: NDArray[Any], valid: NDArray[np.bool_] | None = None, probabilities: tuple[int, ...] = ()
    ) -> Prediction:
        """Return class, confidence and, if asked for, probabilities of every pixel of some windows."""
        if probabilities:
            return self._with_percents(data, valid, probabilities)
        layers = np.empty((2, len(data), *data.shape[-2:]), np.uint8)
        for number, outputs in enumerate(self._windows(data, valid, logits=False)):
            for layer, output in zip(layers, outputs, strict=True):
                layer[number] = output[0]
        bad = layers[1] == NOT_FINITE
        if bad.any():
            self._check_finite(bad, valid)
            layers[1][bad] = 0
        return Prediction(layers[0], layers[1], np.empty((len(data), 0, *data.shape[-2:]), np.uint8))

    def scores(self, data: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> torch.Tensor:
        """Return the probability of every class: float32 (N, classes, h, w). See :meth:`predict`."""
        import torch

        return torch.softmax(self._logits(data, valid), 1)

    def _with_percents(
        self, data: NDArray[Any], valid: NDArray[np.bool_] | None, probabilities: tuple[int, ...]
    ) -> Prediction:
        import torch

        from geoseg.models.inference.argmax import decide

        logits = self._logits(data, valid)
        decision, finite = decide(logits, probabilities)
        if not finite:  # only invalid pixels are affected
            decision, _ = decide(torch.nan_to_num(logits), probabilities)
        return decision.to_host()

    def _logits(self, data: NDArray[Any], valid: NDArray[np.bool_] | None) -> torch.Tensor:
        import torch

        logits = np.concatenate([outputs[0] for outputs in self._windows(data, valid, logits=True)])
        bad = (np.isnan(logits) | np.isposinf(logits)).any(1) | np.isneginf(logits).all(1)
        if bad.any():
            self._check_finite(bad, valid)
        return torch.from_numpy(logits)

    def _windows(
        self, data: NDArray[Any], valid: NDArray[np.bool_] | None, *, logits: bool
    ) -> list[list[NDArray[Any]]]:
        """Return what the graph returns for each window."""
        if data.dtype.name not in _DTYPES or not data.dtype.isnative:
            data = data.astype(np.float32)
        if self._clips and data.dtype.kind == "f":
            # Limiting makes numbers of NaN.
            bad = np.isnan(data).any(1)
            if bad.any():
                self._check_finite(bad, valid)
        height, width = data.shape[-2:]
        graph = self._graph(GraphShape(height, width, data.dtype.name, self._clips, logits))
        nothing = np.zeros((1, 1, height, width), np.bool_)
        results = []
        for number in range(len(data)):
            invalid = nothing if valid is None else ~valid[number][None, None]
            pixels = np.ascontiguousarray(data[number : number + 1])
            results.append(graph.run([pixels, *self._columns, invalid], self.card.name))
        return results

    def _check_finite(self, bad: NDArray[np.bool_], valid: NDArray[np.bool_] | None) -> None:
        if count := int(np.count_nonzero(bad if valid is None else bad & valid)):
            raise not_finite(self.card, count, self.execution.precision)

    def _graph(self, shape: GraphShape) -> _CompiledGraph:
        """Return the graph for windows of a shape, compiled on first use; others that are idle give memory back.

        Streams that need graphs of different shapes compile them side by side.
        """
        graph = self._graphs.get(shape, lambda: self._compiled(shape))
        with self._lock:
            if shape != self._latest:
                for other in self._graphs.kept():
                    if other is not graph:
                        other.release_if_idle()
                self._latest = shape
        return graph

    def _compiled(self, shape: GraphShape) -> _CompiledGraph:
        card, execution = self.card, self.execution
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": _HINTS[execution.precision],
            "NUM_STREAMS": execution.streams,
        }
        if execution.device == "cpu":
            settings["INFERENCE_NUM_THREADS"] = execution.streams * execution.threads
            # Threads that are bound to cores stand still while another program uses those.
            settings["ENABLE_CPU_PINNING"] = False
        try:
            graph = whole_graph(network_graph(self._model), shape, len(card.bands), len(card.classes))
            compiled = core().compile_model(graph, execution.device.upper(), settings)
        except RuntimeError as error:
            raise _run_error(error, card.name, (shape.height, shape.width)) from None
        return _CompiledGraph(compiled, execution.streams)


class _CompiledGraph:
    """A compiled graph with a request for each stream."""

    def __init__(self, compiled: Any, streams: int) -> None:
        self._compiled, self._streams = compiled, streams
        self._idle: SimpleQueue[Any] = SimpleQueue()
        for _ in range(streams):
            self._idle.put(compiled.create_infer_request())

    def run(self, inputs: list[NDArray[Any]], name: str) -> list[NDArray[Any]]:
        """Compute one window; waits if all streams are busy."""
        request = self._idle.get()
        try:
            request.infer(inputs, share_inputs=True)
            return [tensor.data.copy() for tensor in request.output_tensors]
        except RuntimeError as error:
            raise _run_error(error, name, inputs[0].shape[-2:]) from None
        finally:
            self._idle.put(request)

    def release_if_idle(self) -> None:
        """Give the memory of activations back; they are allocated again when the graph runs next."""
        if self._idle.qsize() == self._streams:
            self._compiled.release_memory()


def _run_error(error: RuntimeError, name: str, size: Sequence[int]) -> ModelError:
    text = one_line(error)
    if "alloc" in text.lower() or "out of memory" in text.lower():
        return DeviceMemoryError(
            f"model {name!r}: one window of {size[0]} × {size[1]} pixels does not fit the memory; use a smaller "
            "--window"
        )
    return ModelError(f"model {name!r} does not run in OpenVINO on windows of {size[0]} × {size[1]}: {text[-200:]}")
