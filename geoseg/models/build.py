"""Weights and card -> the network of a model folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geoseg.errors import ModelError
from geoseg.models.card.card import ModelCard
from geoseg.models.networks.smp import build_architecture
from geoseg.models.weights import read_weights, weights_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch


def build_module(folder: Path, card: ModelCard) -> torch.nn.Module:
    """Build the network of a folder and load its weights.

    Raises
    ------
    ModelError
        If architecture or weights are wrong.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    data = read_weights(folder, card)
    if weights_path(folder, card).suffix.lower() == ".onnx":
        from geoseg.models.networks.onnx import build_network

        network: torch.nn.Module = build_network(data, card).eval()
        return network
    module = build_architecture(card)
    try:
        state = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelError(
            f"model {card.name!r}: {weights_path(folder, card)} is not a safetensors file: {error}"
        ) from None
    load_state(module, state, card)
    return module.eval().requires_grad_(requires_grad=False)


def load_state(module: torch.nn.Module, state: Mapping[str, torch.Tensor], card: ModelCard) -> None:
    """Load a state dict into a network.

    Raises
    ------
    ModelError
        If the weights do not fit the network.
    """
    try:
        # assign=False copies into float32 parameters, so weights stored in half precision load too.
        module.load_state_dict(state, strict=True)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        defect = " ".join((lines[1:] or lines)[0].split())[:200]
        raise ModelError(
            f"model {card.name!r}: the weights do not fit architecture {card.architecture!r} "
            f"with encoder {card.hyperparameters.get('encoder')!r}: {defect}"
        ) from None
