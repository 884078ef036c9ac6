"""Saving model folders: ``model.json`` (the card) and ``weights.safetensors``.

Loading one never executes code from it: weights are read from safetensors or ONNX only (pickles run code when loaded),
the architecture is built from names and numbers in the card, and nothing is downloaded.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError
from geoseg.models.build import build_architecture, load_state, with_temperature
from geoseg.models.card.card import CARD_FILE, ModelCard, Weights, card_with, multihash, window_side
from geoseg.models.card.known_answer import make_test_vector
from geoseg.models.card.stac import ENCODER_GEOMETRY
from geoseg.models.model import Model, open_folder
from geoseg.models.networks.smp import PIXEL_NET
from geoseg.models.weights import SAFETENSORS
from geoseg.system.files import complete
from geoseg.system.outputs import local_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

WEIGHTS_FILE = f"weights{SAFETENSORS}"
"""Name of the weights in folders that geoseg writes."""

# Memory beyond the tensors that are counted: scratch space and reordered copies of oneDNN and cuDNN. Measured for
# Unet(resnet18) on a CPU at 512–1536 px: 1.03–1.36 times the count.
_SCRATCH = 1.35

# Side of the window on which memory is counted, in pixels.
_FOOTPRINT_SIDE = 512


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
        Created if it does not exist; card and weights in it are replaced.
    card
        Architecture, encoder, weights, test vector and memory per pixel are filled in; so are stride, margin and
        minimum window if its stride is 1.
    module
        The network or its state dict.
    arch, encoder, **kwargs
        Architecture of segmentation-models-pytorch, its encoder and further arguments; the card's by default.

    Raises
    ------
    ModelError
        If the weights do not fit the architecture, or the folder cannot be written. No partial file is left.
    OutputError
        If the folder is a URL.

    Examples
    --------
    >>> import tempfile
    >>> import segmentation_models_pytorch as smp
    >>> from geoseg.classes import MapClass
    >>> from geoseg.models import BandSpec, ModelCard, save_model
    >>> card = ModelCard(
    ...     name="water", architecture="Unet", bands=[BandSpec(name="green"), BandSpec(name="nir")],
    ...     classes=[MapClass(0, "land", "#999966"), MapClass(1, "water", "#3366cc")],
    ... )
    >>> net = smp.Unet("resnet18", encoder_weights=None, in_channels=2, classes=2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(folder, card, net, encoder="resnet18").card.stride
    32
    """
    import torch

    target = local_path(folder)
    card = card_with(card, **_network_fields(card, arch, encoder, kwargs))
    state = module.state_dict() if isinstance(module, torch.nn.Module) else dict(module)
    # Load before writing, so that no folder is ever written that cannot be loaded.
    network = build_architecture(card)
    load_state(network, state, card)
    card = card_with(card, **_measured_fields(card, network))
    return _write(target, card, state)


def _network_fields(card: ModelCard, arch: str | None, encoder: str | None, kwargs: dict[str, Any]) -> dict[str, Any]:
    parameters = dict(card.hyperparameters)
    if encoder is not None:
        parameters["encoder"] = encoder
    if kwargs:
        parameters["kwargs"] = kwargs
    fields = {"architecture": arch or card.architecture, "hyperparameters": parameters}
    if card.stride > 1 or fields["architecture"] == PIXEL_NET:
        return fields
    return fields | ENCODER_GEOMETRY | {"margin": card.margin or ENCODER_GEOMETRY["margin"]}


def _measured_fields(card: ModelCard, network: torch.nn.Module) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if card.bytes_per_pixel is None:
        fields["bytes_per_pixel"] = _footprint(network, card)
    return fields | {"test_vector": make_test_vector(with_temperature(network.eval(), card), card)}


def _footprint(network: torch.nn.Module, card: ModelCard) -> float | None:
    from geoseg.models.inference.memory_footprint import bytes_per_pixel

    if card.boxes is not None:
        # The rest of a detector cannot be counted without data; it needs less than the maps do.
        network = network.backbone  # type: ignore[assignment]
    counted = bytes_per_pixel(network, len(card.bands), window_side(card, _FOOTPRINT_SIDE))
    return None if counted is None else round(counted * _SCRATCH, 1)


def _write(folder: Path, card: ModelCard, state: Mapping[str, torch.Tensor]) -> Model:
    from safetensors.torch import save

    data = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in state.items()})
    card = card_with(card, weights=Weights(href=WEIGHTS_FILE, size=len(data), checksum=multihash(data)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with complete(folder / WEIGHTS_FILE) as part:
            part.write_bytes(data)
    except OSError as error:
        raise ModelError(f"model folder {folder} cannot be written: {error.strerror or error}") from None
    card.write(folder / CARD_FILE)
    return open_folder(folder, str(folder))
