"""Comparison of an exported network with the original at several input shapes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import ModelError, one_line
from geoseg.models.card.card import window_side
from geoseg.models.card.known_answer import synthetic_pixels
from geoseg.models.export.trace import graph_input
from geoseg.system.resources import cpu_count

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from geoseg.models.card.card import ModelCard
    from geoseg.models.export.options import ExportOptions

Runner = Callable[["NDArray[np.float32]"], "NDArray[np.float32]"]
"""A network as a function of arrays."""

Differences = tuple[tuple[tuple[int, ...], float], ...]
"""Shape of each input tried, and the largest difference."""

# Allowed difference of probabilities; float32 summed in another order differs by 1e-5.
_TOLERANCE = 1e-3


def compare(
    card: ModelCard, exported: Runner, original: Runner, options: ExportOptions, batch: int | None = None
) -> Differences:
    """Return the largest difference at each of several input shapes.

    Raises
    ------
    ModelError
        If a difference is too large, or the export does not run.
    """
    differences = []
    for number, shape in enumerate(_shapes(card, batch)):
        pixels = graph_input(card, options, synthetic_pixels(card, *shape, seed=number + 1))
        expected = original(pixels)
        try:
            actual = exported(pixels)
        except Exception as error:  # noqa: BLE001 - onnxruntime raises exception types of its own
            text = one_line(error)[-250:]
            raise ModelError(f"model {card.name!r}: the export does not run on {pixels.shape}: {text}") from None
        magnitude = max(float(np.abs(expected).max()), 1.0) if options.logits else 1.0
        same_shape = actual.shape == expected.shape
        difference = float(np.abs(actual - expected).max()) / magnitude if same_shape else math.inf
        differences.append((tuple(pixels.shape), difference))
        if not difference <= _TOLERANCE:
            raise ModelError(
                f"model {card.name!r}: the export differs from torch by {difference:.3g} for an input of "
                f"{pixels.shape}, {_TOLERANCE:g} is allowed; nothing was written: try another --opset"
            )
    return tuple(differences)


def _shapes(card: ModelCard, batch: int | None) -> list[tuple[int, int, int]]:
    """Return batch, height and width of the inputs to try: other shapes than the network was traced with."""
    side = window_side(card, 2 * card.stride)
    large = max(window_side(card, 256), side)
    return [(1, side, side), (batch or 3, side, side + card.stride), (1, large, large + 2 * card.stride)]


def onnx_runner(data: bytes) -> Runner:
    """Return an ONNX graph on the CPU as a function of arrays."""
    from geoseg.models.networks.onnx import make_session

    session = make_session(data, "cpu", cpu_count(), "export")
    name = session.get_inputs()[0].name

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        scores: NDArray[np.float32] = session.run(None, {name: pixels})[0]
        return scores

    return run


def torch_runner(network: torch.nn.Module) -> Runner:
    """Return a torch module on the CPU as a function of arrays."""
    import torch

    def run(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            scores: NDArray[np.float32] = network(torch.from_numpy(pixels)).numpy()
        return scores

    return run
