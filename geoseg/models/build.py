"""Card and weights -> network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from geoseg.errors import ModelError
from geoseg.models.card.card import ModelCard
from geoseg.models.networks.builtin import (
    GREEN_NET,
    LANDCOVER_NET,
    SKETCH_NET,
    TREE_NET,
    build_landcover,
    build_pictures,
)
from geoseg.models.networks.huggingface import PREFIX, build_huggingface
from geoseg.models.networks.smp import build_smp
from geoseg.models.weights import ONNX, PT2, read_weights, weights_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch


def build_module(folder: Path, card: ModelCard) -> torch.nn.Module:
    """Return the network of a model folder with its weights, in eval mode, on the CPU; without the card's temperature.

    Raises
    ------
    ModelError
        If the architecture is unknown, or the weights are damaged or do not fit it.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    data, path = read_weights(folder, card), weights_path(folder, card)
    if path.suffix.lower() == ONNX:
        if card.boxes is not None:
            if card.boxes.layout is None:
                raise ModelError(
                    f"model {card.name!r}: {path} is an ONNX graph, and torchvision's detectors run from safetensors"
                )
            from geoseg.models.boxes.onnx_network import build_onnx_detector

            return build_onnx_detector(data, card).eval()
        from geoseg.models.networks.onnx import build_network

        network: torch.nn.Module = build_network(data, card).eval()
        return network
    if path.suffix.lower() == PT2:
        from geoseg.models.programs.network import build_program

        return build_program(data, card).eval()
    module = build_architecture(card)
    try:
        state = load(data)
    except (SafetensorError, ValueError, KeyError) as error:
        raise ModelError(f"model {card.name!r}: {path} is not a safetensors file: {error}") from None
    load_state(module, state, card)
    return module.eval().requires_grad_(requires_grad=False)


def with_temperature(module: torch.nn.Module, card: ModelCard) -> torch.nn.Module:
    """Return the network whose logits are divided by the card's temperature; the network itself if it has none."""
    if card.temperature is None:
        return module
    from geoseg.models.networks.temperature import Tempered

    return Tempered(module, card.temperature).eval()


def build_architecture(card: ModelCard) -> torch.nn.Module:
    """Return the card's network with random weights; nothing is downloaded.

    Raises
    ------
    ModelError
        If the architecture or encoder is unknown, or rejects the card's arguments or widths.
    """
    from geoseg.models.networks.widths import WIDTHS, set_widths

    if card.architecture == SKETCH_NET:
        from geoseg.models.networks.sketch_card import build_sketch

        return build_sketch(card, build_architecture)
    if card.architecture.startswith(PREFIX):
        return build_huggingface(card)
    if card.boxes is not None:
        from geoseg.models.boxes.network import build_detector

        return build_detector(card)
    own = {LANDCOVER_NET: build_landcover, GREEN_NET: build_pictures, TREE_NET: build_pictures}
    build = own.get(card.architecture, build_smp)
    network = build(card)
    if WIDTHS in card.hyperparameters:
        set_widths(network, card.hyperparameters[WIDTHS], f"model {card.name!r}")
    return network


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
