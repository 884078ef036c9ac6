"""Networks that are code of geoseg, not weights: ``geoseg:NAME`` architectures."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from geoseg.errors import ModelError

if TYPE_CHECKING:
    import torch

    from geoseg.models.card.card import ModelCard

# Architecture to the module that defines it.
_SOURCES = {"geoseg:spectral": "spectral.py"}


def source_of(card: ModelCard) -> bytes:
    """Return the source of a built-in network: when it changes, finished blocks of the old one are not reused."""
    return files("geoseg.models.networks").joinpath(_source(card)).read_bytes()


def build_builtin(card: ModelCard) -> torch.nn.Module:
    """Return a built-in network in eval mode.

    Raises
    ------
    ModelError
        If the card has no weights and names no built-in architecture, or bands and classes differ from the network's.
    """
    _source(card)
    from geoseg.models.networks.spectral import BANDS, Spectral

    if tuple(band.name for band in card.bands) != BANDS or len(card.classes) != Spectral.class_count:
        raise ModelError(
            f"model {card.name!r}: {card.architecture} needs the bands {', '.join(BANDS)} and "
            f"{Spectral.class_count} classes"
        )
    return Spectral().eval()


def _source(card: ModelCard) -> str:
    if card.architecture not in _SOURCES:
        raise ModelError(
            f"model {card.name!r}: the card names no weights, and architecture {card.architecture!r} is not one "
            "of geoseg's own "
            f"({', '.join(_SOURCES)})"
        )
    return _SOURCES[card.architecture]
