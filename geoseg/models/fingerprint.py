"""SHA-256 of models: equal fingerprints give equal results, so finished blocks may be reused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geoseg.models.card.card import ModelCard
from geoseg.models.networks.builtin import SKETCH_NET, source_of
from geoseg.models.weights import weights_path

if TYPE_CHECKING:
    import torch


def model_fingerprint(card: ModelCard, folder: Path | None, module: torch.nn.Module | None) -> str:
    """Return the SHA-256 of a card and of what determines its network, in hexadecimal.

    That is the given module; else the weights (by the checksum in the card, or by the file if the card has none); else
    the source of the built-in network.

    Raises
    ------
    ModelError
        If the weights file is missing, or the card names neither weights nor a built-in network.
    """
    digest = hashlib.sha256(json.dumps(card.to_item(), sort_keys=True).encode())
    if module is not None:
        _add_module(digest, module)
    elif card.weights is None:
        digest.update(source_of(card))
    elif card.weights.checksum is None and folder is not None:
        digest.update(hashlib.sha256(weights_path(folder, card).read_bytes()).digest())
    return digest.hexdigest()


def pace_key(card: ModelCard, fingerprint: str) -> str:
    """Return what measurements of a model's speed are kept under: its fingerprint.

    Sketches share theirs with all of the same bands, windows and pretrained network. What else differs between them,
    weights, classes and a few units of the classifier, hardly changes how fast they are, and not what is fastest; a
    sketch that is drawn on and on would else be measured again with every polygon.
    """
    kwargs = card.hyperparameters.get("kwargs")
    if card.architecture != SKETCH_NET or not isinstance(kwargs, Mapping):
        return fingerprint
    alike = [SKETCH_NET, len(card.bands), kwargs.get("windows"), kwargs.get("base")]
    return hashlib.sha256(json.dumps(alike, sort_keys=True).encode()).hexdigest()


def _add_module(digest: Any, module: torch.nn.Module) -> None:
    import torch

    digest.update(f"{type(module).__module__}.{type(module).__qualname__}\n{module!r}".encode())
    for name, part in module.named_modules():
        # Plain attributes beside the tensors; repr() shows them only if the layer's author chose to.
        plain = {
            key: value
            for key, value in vars(part).items()
            if isinstance(value, (bool, int, float, str, tuple, type(None)))
        }
        digest.update(f"{name}{sorted(plain.items(), key=lambda entry: entry[0])!r}".encode())
    for name, tensor in sorted(module.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().flatten().view(dtype=torch.uint8).numpy().tobytes())
