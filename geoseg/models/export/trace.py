"""A network traced by torch's exporters: to an ONNX graph, or to a program for PT2."""

from __future__ import annotations

import contextlib
import copy
import io
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import ModelError, one_line
from geoseg.models.card.card import window_side
from geoseg.models.card.known_answer import normalise, synthetic_pixels
from geoseg.models.card.scaling import card_transforms

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard
    from geoseg.models.export.options import ExportOptions
    from geoseg.models.model import Model

INPUT = "scene"
"""Name of the graph's input."""


def graph_input(card: ModelCard, options: ExportOptions, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return pixels in the card's digital numbers as the exported graph takes them."""
    return pixels if options.raw else normalise(card, pixels)


def wrapped(model: Model, options: ExportOptions) -> torch.nn.Module:
    """Return a copy of the network with normalisation before it and softmax after it, as the options ask."""
    import torch

    class Exported(torch.nn.Module):
        scale: torch.Tensor
        offset: torch.Tensor
        low: torch.Tensor
        high: torch.Tensor

        def __init__(self, network: torch.nn.Module) -> None:
            super().__init__()
            self.network = network
            steps = card_transforms(model.card.value_scaling, len(model.card.bands))
            for name, values in zip(("scale", "offset", "low", "high"), zip(*steps, strict=True), strict=True):
                column = torch.tensor([max(min(value, 3e38), -3e38) for value in values], dtype=torch.float64)
                self.register_buffer(name, column.float().view(1, -1, 1, 1))
            self._clips = any(math.isfinite(step.lo) or math.isfinite(step.hi) for step in steps)

        def forward(self, scene: torch.Tensor) -> torch.Tensor:
            x = scene * self.scale + self.offset if options.raw else scene
            if options.raw and self._clips:
                x = torch.minimum(torch.maximum(x, self.low), self.high)
            logits: torch.Tensor = self.network(x)
            return logits if options.logits else torch.softmax(logits, 1)

    return Exported(copy.deepcopy(model.module())).eval().requires_grad_(requires_grad=False)


def check_installed() -> None:
    """Check that the packages of the extra ``onnx`` are installed.

    Raises
    ------
    ModelError
        If one is missing.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ModelError(f'{error.name} is not installed: pip install "geoseg[onnx]"') from None


def trace_onnx(card: ModelCard, network: torch.nn.Module, options: ExportOptions, batch: int | None = None) -> Any:
    """Return the ONNX graph of a network; batch size free, or fixed to ``batch``.

    Raises
    ------
    ModelError
        If onnx, onnxruntime or onnxscript is not installed, or the network cannot be traced.
    """
    import torch

    check_installed()
    example = _example(card, options, batch)
    try:
        # The exporter prints its progress and warns of its own deprecations.
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                network, (example,), dynamo=True, opset_version=options.opset, dynamic_shapes=_free_sides(batch),
                verbose=False, input_names=[INPUT], output_names=[options.output],
            )  # fmt: skip
        assert program is not None
        return _with_side_names(program.model_proto, batch)
    except Exception as error:  # noqa: BLE001 - the exporter raises exceptions of any type
        text = one_line(error)[:300]
        raise ModelError(f"model {card.name!r} cannot be exported to ONNX: {text}") from None


def trace_pt2(card: ModelCard, network: torch.nn.Module, options: ExportOptions, batch: int | None = None) -> Any:
    """Return ``torch.export``'s program of a network; batch size free, or fixed to ``batch``.

    Raises
    ------
    ModelError
        If the network cannot be traced.
    """
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            example = _example(card, options, batch)
            return torch.export.export(network, (example,), dynamic_shapes=_free_sides(batch))
    except Exception as error:  # noqa: BLE001 - the exporter raises exceptions of any type
        text = one_line(error)[:300]
        raise ModelError(f"model {card.name!r} cannot be exported to PT2: {text}") from None


def _example(card: ModelCard, options: ExportOptions, batch: int | None) -> torch.Tensor:
    """Return an input for tracing: sides that differ, and none of 1 or 2, which would be taken for constants."""
    import torch

    side = max(window_side(card, 2 * card.stride), 8)
    pixels = synthetic_pixels(card, batch or 2, side, side + 2 * card.stride)
    return torch.from_numpy(graph_input(card, options, pixels))


def _free_sides(batch: int | None) -> tuple[dict[int, Any]]:
    import torch

    free = torch.export.Dim.AUTO
    return ({2: free, 3: free} if batch else {0: free, 2: free, 3: free},)


def _with_side_names(proto: Any, batch: int | None) -> Any:
    """Name the free sides of the input batch, height and width, and leave those of the output unnamed.

    Deepness requires outputs whose height and width are equal, by number or by name.
    """
    names = ("batch", None, "height", "width")
    for entry, sides in ((proto.graph.input[0], names), (proto.graph.output[0], ("batch", None, None, None))):
        for number, (dim, name) in enumerate(zip(entry.type.tensor_type.shape.dim, sides, strict=True)):
            if number != 1 and not (number == 0 and batch):
                dim.Clear()
                if name:
                    dim.dim_param = name
    del proto.graph.value_info[:]  # it refers to the old names
    for node in proto.graph.node:
        del node.metadata_props[:]  # the exporter's stack traces: half a megabyte that names folders of this machine
    return proto
