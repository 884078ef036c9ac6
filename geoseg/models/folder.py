"""Model folders: ``model.json`` (the card) and ``weights.safetensors``.

Nothing from a model folder is executed: weights come from safetensors only (pickles run code when loaded), the
architecture is built by segmentation-models-pytorch from names and numbers in the card, and nothing is fetched from
a network.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError
from geoseg.models.build import load_state
from geoseg.models.card.card import CARD_FILE, ModelCard, Weights, card_with, multihash
from geoseg.models.model import Model, open_folder
from geoseg.models.networks.smp import build_architecture
from geoseg.system.files import complete

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

WEIGHTS_FILE = "weights.safetensors"
"""Name of the weights in folders that geoseg writes."""


_SMP_STRIDE, _SMP_MARGIN = 32, 64


def save_model(
    folder: str | os.PathLike[str],
    card: ModelCard,
    module: torch.nn.Module | Mapping[str, torch.Tensor],
    *,
    arch: str | None = None,
    encoder: str | None = None,
    **kwargs: Any,
) -> Model:
    """Write a model folder and return the model in it.

    Parameters
    ----------
    folder
        Created if it is not there; card and weights in it are replaced.
    card
        Its architecture, encoder and weights are filled in.
    module
        The network or its state dict.
    arch, encoder, **kwargs
        How segmentation-models-pytorch builds it; the card's own if None.

    Raises
    ------
    ModelError
        If the weights do not fit the architecture, or the folder cannot be written. Nothing half-written is left.
    """
    import torch
    from safetensors.torch import save

    from geoseg.models.card.known_answer import make_test_vector

    parameters = dict(card.hyperparameters)
    if encoder is not None:
        parameters["encoder"] = encoder
    if kwargs:
        parameters["kwargs"] = kwargs
    geometry = (
        {}
        if card.stride > 1
        else {"stride": _SMP_STRIDE, "margin": card.margin or _SMP_MARGIN, "min_window": _SMP_STRIDE}
    )
    card = card_with(card, architecture=arch or card.architecture, hyperparameters=parameters, **geometry)
    state = module.state_dict() if isinstance(module, torch.nn.Module) else dict(module)
    # Loading before writing: a folder that cannot be loaded must never be made.
    network = build_architecture(card)
    load_state(network, state, card)
    if card.bytes_per_pixel is None:
        card = card_with(card, bytes_per_pixel=_footprint(network, card))
    card = card_with(card, test_vector=make_test_vector(network.eval(), card))
    data = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()})
    card = card_with(card, weights=Weights(href=WEIGHTS_FILE, size=len(data), checksum=multihash(data)))
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with complete(folder / WEIGHTS_FILE) as part:
            part.write_bytes(data)
    except OSError as error:
        raise ModelError(f"model folder {folder} cannot be written: {error.strerror or error}") from None
    card.write(folder / CARD_FILE)
    return open_folder(folder, str(folder))


# What the runtime takes beyond the tensors that are counted: scratch and reordered copies of oneDNN and cuDNN. Measured
# for Unet(resnet18) on a CPU at 512–1536 px: 1.03–1.36 times the count.
_SCRATCH = 1.35


def _footprint(network: torch.nn.Module, card: ModelCard) -> float | None:
    from geoseg.models.inference.memory_footprint import bytes_per_pixel

    side = max(-(-512 // card.stride) * card.stride, card.min_window)
    counted = bytes_per_pixel(network, len(card.bands), side)
    return None if counted is None else round(counted * _SCRATCH, 1)
