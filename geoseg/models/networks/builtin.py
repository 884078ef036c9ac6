"""geoseg's own networks: architectures called ``geoseg:NAME``."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import TYPE_CHECKING

from geoseg.errors import ModelError

if TYPE_CHECKING:
    import torch

    from geoseg.models.card.card import ModelCard

LANDCOVER_NET = "geoseg:landcover-net"
"""The trained network of ``scripts/train_landcover.py`` and ``scripts/train_water.py``; its weights are in the model
folder."""

GREEN_NET = "geoseg:green-net"
"""The trained network of ``scripts/train_green.py``; its weights are in the model folder."""

TREE_NET = "geoseg:tree-net"
"""The trained network of ``scripts/train_trees.py``; its weights are in the model folder."""

SKETCH_NET = "geoseg:sketch-net"
"""The network of ``geoseg sketch``; its weights, and those of the pretrained network in it, are in the model folder."""

# Architectures without weights, and the file that defines each.
_SOURCES = {"geoseg:spectral": "spectral.py"}


def source_of(card: ModelCard) -> bytes:
    """Return the source of a network without weights: it is part of the fingerprint, so a change invalidates results.

    Raises
    ------
    ModelError
        If the card names no such network.
    """
    return files("geoseg.models.networks").joinpath(_source(card)).read_bytes()


def build_rules(card: ModelCard) -> torch.nn.Module:
    """Return a network without weights in eval mode.

    Raises
    ------
    ModelError
        If the card names no such network, or bands and classes other than the network's.
    """
    _source(card)
    from geoseg.models.networks.spectral import BANDS, Spectral

    if tuple(band.name for band in card.bands) != BANDS or len(card.classes) != Spectral.class_count:
        raise ModelError(
            f"model {card.name!r}: {card.architecture} needs the bands {', '.join(BANDS)} and "
            f"{Spectral.class_count} classes"
        )
    return Spectral().eval()


def build_landcover(card: ModelCard) -> torch.nn.Module:
    """Return the network :data:`LANDCOVER_NET` with random weights in eval mode.

    Raises
    ------
    ModelError
        If the card's arguments are not those of the network.
    """
    from geoseg.models.networks.landcover import LandcoverNet

    kwargs = card.hyperparameters.get("kwargs") or {}
    try:
        return LandcoverNet(**kwargs).eval()
    except (TypeError, RuntimeError) as error:
        raise ModelError(f"model {card.name!r}: {card.architecture} cannot be built from {kwargs!r}: {error}") from None


def build_pictures(card: ModelCard) -> torch.nn.Module:
    """Return the network :data:`GREEN_NET` or :data:`TREE_NET` with random weights in eval mode.

    Raises
    ------
    ModelError
        If the card's bands, classes or arguments are not those of the network.
    """
    from geoseg.models.networks.green import CLASS_COUNT, GreenNet, TreeNet

    kinds: dict[str, Callable[..., torch.nn.Module]] = {GREEN_NET: GreenNet, TREE_NET: TreeNet}
    names = tuple(band.name for band in card.bands)
    if names not in (("red", "green", "blue"), ("red", "green", "blue", "nir")) or len(card.classes) != CLASS_COUNT:
        raise ModelError(
            f"model {card.name!r}: {card.architecture} needs the bands red, green, blue and at most nir, and "
            f"{CLASS_COUNT} classes"
        )
    kwargs = card.hyperparameters.get("kwargs") or {}
    try:
        return kinds[card.architecture](len(card.bands), **kwargs).eval()
    except (TypeError, RuntimeError) as error:
        raise ModelError(f"model {card.name!r}: {card.architecture} cannot be built from {kwargs!r}: {error}") from None


def _source(card: ModelCard) -> str:
    if card.architecture not in _SOURCES:
        raise ModelError(
            f"model {card.name!r}: the card names no weights, and architecture {card.architecture!r} is not one that "
            f"needs none ({', '.join(_SOURCES)})"
        )
    return _SOURCES[card.architecture]
