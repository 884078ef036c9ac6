"""Networks of segmentation-models-pytorch, built from the names and numbers in a model card."""

from __future__ import annotations

import inspect
import re
import warnings
from typing import TYPE_CHECKING, Any

from geoseg.errors import ModelError, OptionError, one_line
from geoseg.models.card.card import ModelCard

if TYPE_CHECKING:
    import torch


# Names of timm models reach out to a hub with prefixes such as "hf-hub:"; plain names never do.
_ENCODER = re.compile(r"[A-Za-z0-9_.\-]+")


# Arguments of smp models that fetch files or change what the network returns.
_FORBIDDEN = ("encoder_weights", "activation", "in_channels", "classes", "encoder_name", "aux_params")


def build_architecture(card: ModelCard) -> torch.nn.Module:
    """Return the card's network with untrained weights; never touches a network connection.

    Raises
    ------
    ModelError
        If segmentation-models-pytorch has no such architecture or encoder, or refuses the arguments.
    """
    if card.architecture == _LANDCOVER_NET:
        return _landcover_net(card)
    # smp takes seconds to import; only models that need it pay.
    import segmentation_models_pytorch as smp

    known = smp.MODEL_ARCHITECTURES_MAPPING
    arch = re.sub(r"[\s_\-]", "", card.architecture.lower()).replace("++", "plusplus").replace("+", "plus")
    if arch not in known:
        raise ModelError(
            f"model {card.name!r}: architecture {card.architecture!r} is unknown: use one of "
            f"{', '.join(cls.__name__ for cls in known.values())}"
        )
    encoder, kwargs = card.hyperparameters.get("encoder"), card.hyperparameters.get("kwargs") or {}
    if not isinstance(encoder, str) or not _ENCODER.fullmatch(encoder):
        raise ModelError(
            f"model {card.name!r}: encoder {encoder!r} is not a plain name; mlm:hyperparameters must name one, "
            "such as 'resnet18'"
        )
    if not isinstance(kwargs, dict):
        raise ModelError(f"model {card.name!r}: kwargs in mlm:hyperparameters must be an object, got {kwargs!r}")
    accepted = set(inspect.signature(known[arch]).parameters)
    for key in kwargs:
        if key in _FORBIDDEN or key not in accepted:
            raise ModelError(f"model {card.name!r}: {card.architecture} takes no argument {key!r} from a card")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module: torch.nn.Module = known[arch](
                encoder_name=encoder,
                encoder_weights=None,
                in_channels=len(card.bands),
                classes=len(card.classes),
                **_tuples(kwargs),
            )
    except Exception as error:  # noqa: BLE001 - whatever smp or timm make of a foreign card, it is one line for the user
        raise ModelError(
            f"model {card.name!r}: {card.architecture} with encoder {encoder!r} cannot be built: "
            f"{one_line(error)[:300]}"
        ) from None
    return module


def _tuples(value: Any) -> Any:
    """JSON has lists where smp's signatures have tuples."""
    if isinstance(value, dict):
        return {key: _tuples(entry) if isinstance(entry, list) else entry for key, entry in value.items()}
    return tuple(_tuples(entry) for entry in value) if isinstance(value, list) else value


# The network of scripts/train_landcover.py.
_LANDCOVER_NET = "geoseg:landcover-net"


def _landcover_net(card: ModelCard) -> torch.nn.Module:
    from geoseg.models.networks.landcover import LandcoverNet

    kwargs = card.hyperparameters.get("kwargs") or {}
    try:
        return LandcoverNet(**kwargs).eval()
    except (TypeError, RuntimeError) as error:
        raise ModelError(f"model {card.name!r}: {card.architecture} cannot be built from {kwargs!r}: {error}") from None


def architecture_name(arch: str) -> str:
    """Return the class of segmentation-models-pytorch that ``arch`` names: ``"unet++"`` → ``"UnetPlusPlus"``.

    Raises
    ------
    OptionError
        If there is none.
    """
    import segmentation_models_pytorch as smp

    known = smp.MODEL_ARCHITECTURES_MAPPING
    plain = re.sub(r"[\s_\-]", "", arch.lower()).replace("++", "plusplus").replace("+", "plus")
    if plain not in known:
        names = ", ".join(cls.__name__.lower() for cls in known.values())
        raise OptionError(f"architecture {arch!r} is unknown: use one of {names}")
    return str(known[plain].__name__)
