"""Semantic segmentation networks of transformers, built from a configuration in the card; nothing is downloaded."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError, one_line
from geoseg.models.card.card import ModelCard

if TYPE_CHECKING:
    import torch

PREFIX = "transformers:"
"""Beginning of the card's architecture: ``transformers:SegformerForSemanticSegmentation``."""

MASK2FORMER = "Mask2FormerForUniversalSegmentation"

CLASSES = (
    "SegformerForSemanticSegmentation",
    "UperNetForSemanticSegmentation",
    "DPTForSemanticSegmentation",
    MASK2FORMER,
)
"""Classes of transformers that tell the class of each pixel."""

# Least score of which the logarithm is taken.
_TINY = 1e-12

# Keys of a configuration with which transformers and timm fetch weights or code.
_FETCHING = ("auto_map", "backbone", "use_timm_backbone", "use_pretrained_backbone", "backbone_kwargs", "_name_or_path")

_MISSING = "transformers is not installed; install it with: pip install 'geoseg[transformers]'"


def build_huggingface(card: ModelCard) -> torch.nn.Module:
    """Return the card's network with random weights: normalised pixels (N, bands, h, w) → logits (N, classes, h, w).

    Raises
    ------
    ModelError
        If transformers is not installed, does not know the class, or rejects the configuration.
    """
    name = card.architecture.removeprefix(PREFIX)
    config = card.hyperparameters.get("config")
    if name not in CLASSES or not isinstance(config, dict):
        raise ModelError(f"model {card.name!r}: {card.architecture} is none of {', '.join(CLASSES)} with its config")
    check_config(config, f"model {card.name!r}")
    require_transformers(f"model {card.name!r}")
    import transformers

    cls: Any = getattr(transformers, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network = cls(cls.config_class.from_dict({**config, "num_labels": len(card.classes)}))
    except Exception as error:  # noqa: BLE001 - transformers raises exceptions of any type on unexpected values
        raise ModelError(f"model {card.name!r}: {name} cannot be built: {one_line(error)[:300]}") from None
    wrapped: torch.nn.Module = _wrapper()(network, masks=name == MASK2FORMER)
    return wrapped


def require_transformers(label: str) -> None:
    """Raise ModelError if transformers is not installed."""
    try:
        import transformers  # noqa: F401
    except ImportError:
        raise ModelError(f"{label}: {_MISSING}") from None


def check_config(config: dict[str, Any], label: str) -> None:
    """Raise ModelError if a configuration would make transformers fetch weights or code."""
    if found := _fetching(config):
        raise ModelError(f"{label}: its config has {found}, which fetches weights or code; rejected")


def _fetching(config: dict[str, Any]) -> str | None:
    for key, value in config.items():
        if key in _FETCHING and value not in (None, False, "", {}):
            return key
        if isinstance(value, dict) and (found := _fetching(value)):
            return f"{key}.{found}"
    return None


def _wrapper() -> type:
    """Return the module class; a function, since the class needs torch, which takes seconds to import."""
    import torch

    class Upsampled(torch.nn.Module):
        """Brings the logits to the size of the input, bilinear as in transformers' own examples."""

        def __init__(self, network: torch.nn.Module, *, masks: bool) -> None:
            super().__init__()
            self.network, self._masks = network, masks

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            """Return logits (N, classes, h, w) of normalised pixels (N, bands, h, w)."""
            logits = self._scores(x) if self._masks else self.network(pixel_values=x).logits
            resized: torch.Tensor = torch.nn.functional.interpolate(
                logits, size=x.shape[-2:], mode="bilinear", align_corners=False
            )
            # The caller takes a softmax, and softmax(log p) is p over the sum of all classes.
            return resized.clamp_min(_TINY).log() if self._masks else resized

        def _scores(self, x: torch.Tensor) -> torch.Tensor:
            """Return the sum over all queries of the class's probability times the mask's, as transformers has it."""
            found = self.network(pixel_values=x)
            classes = found.class_queries_logits.softmax(-1)[..., :-1]  # the last one is "no object"
            masks = found.masks_queries_logits.sigmoid()
            scores: torch.Tensor = torch.einsum("bqc,bqhw->bchw", classes, masks)
            return scores

    return Upsampled
