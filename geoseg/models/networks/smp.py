"""Networks of segmentation-models-pytorch (smp), built from the names and numbers in a model card."""

from __future__ import annotations

import inspect
import re
import warnings
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError, OptionError, one_line
from geoseg.models.card.card import ModelCard
from geoseg.models.card.inputs import fusions_of, layout_of
from geoseg.models.card.values import short

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

PIXEL_NET = "geoseg:pixel-net"
"""A network without context: each pixel for itself."""

FUSION = "fusion"
"""The hyperparameter that says how several inputs are joined."""

# timm fetches names with prefixes such as "hf-hub:" from the network; plain names it never does.
_ENCODER = re.compile(r"[A-Za-z0-9_.\-]+")

# Arguments of smp models that fetch files or change what the network returns, and those that the card decides.
_FORBIDDEN = ("encoder_weights", "activation", "in_channels", "classes", "encoder_name", "aux_params")


def smp_class(architecture: str) -> type[torch.nn.Module]:
    """Return the smp class of an architecture: ``"U-Net"``, ``"unet"`` → ``Unet``, ``"Unet++"`` → ``UnetPlusPlus``.

    Raises
    ------
    OptionError
        If smp has no such architecture; the message lists those it has.
    """
    # Importing smp takes seconds; only models that need it pay.
    import segmentation_models_pytorch as smp

    known: dict[str, type[torch.nn.Module]] = smp.MODEL_ARCHITECTURES_MAPPING
    key = re.sub(r"[\s_\-]", "", architecture.lower()).replace("++", "plusplus").replace("+", "plus")
    if key not in known:
        names = ", ".join(cls.__name__ for cls in known.values())
        raise OptionError(f"architecture {architecture!r} is unknown: use one of {names}")
    return known[key]


def build_smp(card: ModelCard) -> torch.nn.Module:
    """Return the card's network with random weights; nothing is downloaded.

    Raises
    ------
    ModelError
        If smp has no such architecture or encoder, or rejects the arguments.
    """
    if card.inputs:
        return _build_inputs(card)
    return _build(card, len(card.bands))


def _build_inputs(card: ModelCard) -> torch.nn.Module:
    """Return the network of a card of several inputs, joined as its ``fusion`` says."""
    from geoseg.models.networks import inputs as networks

    fusion, layout = card.hyperparameters.get(FUSION), layout_of(card.inputs)
    known = fusions_of(card.inputs)
    if fusion not in known:
        raise ModelError(
            f"model {card.name!r}: {FUSION} {short(fusion)} is unknown for inputs "
            f"{', '.join(spec.name for spec in card.inputs)}: use {', '.join(known)}"
        )
    kinds: dict[str, Callable[[networks.Make], torch.nn.Module]] = {
        "early": lambda make: networks.Early(layout, make),
        "late": lambda make: networks.Late(layout, make),
        "gated": lambda make: networks.Gated(layout, make),
        "attention": lambda make: networks.Series(layout, make, recurrent=False),
        "convgru": lambda make: networks.Series(layout, make, recurrent=True),
        "difference": lambda make: networks.Change(layout, make, concatenate=False),
        "concatenation": lambda make: networks.Change(layout, make, concatenate=True),
    }
    try:
        return kinds[fusion](lambda channels: _build(card, channels))
    except ModelError:
        raise
    except Exception as error:  # noqa: BLE001 - encoders and decoders that do not suit raise exceptions of any type
        raise ModelError(
            f"model {card.name!r}: {card.architecture} with encoder {card.hyperparameters.get('encoder')!r} cannot be "
            f"built with fusion {fusion}: {one_line(error)[:200]}"
        ) from None


def _build(card: ModelCard, channels: int) -> torch.nn.Module:
    """Return the card's network for so many channels."""
    if card.architecture == PIXEL_NET:
        from geoseg.models.networks.inputs import Pixel

        return Pixel(channels, len(card.classes))
    try:
        cls = smp_class(card.architecture)
    except OptionError as error:
        raise ModelError(f"model {card.name!r}: {error}") from None
    encoder, kwargs = card.hyperparameters.get("encoder"), card.hyperparameters.get("kwargs") or {}
    if not isinstance(encoder, str) or not _ENCODER.fullmatch(encoder):
        raise ModelError(
            f"model {card.name!r}: encoder {encoder!r} is not a plain name; mlm:hyperparameters must name one, "
            "such as 'resnet18'"
        )
    if not isinstance(kwargs, dict):
        raise ModelError(f"model {card.name!r}: kwargs in mlm:hyperparameters must be an object, got {kwargs!r}")
    accepted = set(inspect.signature(cls).parameters)
    for key in kwargs:
        if key in _FORBIDDEN or key not in accepted:
            raise ModelError(f"model {card.name!r}: {card.architecture} takes no argument {key!r} from a card")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return cls(
                encoder_name=encoder,
                encoder_weights=None,
                in_channels=channels,
                classes=len(card.classes),
                **_tuples(kwargs),
            )
    except Exception as error:  # noqa: BLE001 - smp and timm raise exceptions of any type on unexpected arguments
        raise ModelError(
            f"model {card.name!r}: {card.architecture} with encoder {encoder!r} cannot be built: "
            f"{one_line(error)[:300]}"
        ) from None


def _tuples(value: Any) -> Any:
    """Turn JSON lists into the tuples that smp's signatures expect."""
    if isinstance(value, dict):
        return {key: _tuples(entry) if isinstance(entry, list) else entry for key, entry in value.items()}
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value
