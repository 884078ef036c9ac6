"""Pretrained weights from a file, a URL, or the hubs of smp and timm. Reads tensors only, never runs code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from geoseg.errors import ModelError, OptionError, one_line
from geoseg.models.imports.torchgeo_weights import NAME, torchgeo_encoder
from geoseg.system.folders import user_folder
from geoseg.train.start.weight_matching import encoder_tensors, first_note, fit_state

if TYPE_CHECKING:
    from torch import nn

_SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin")

ENCODER_FILE, FACTS_FILE = "encoder.safetensors", "encoder.json"
"""The files of an encoder's folder: its tensors; its name, its bands and how it was trained."""

# A file with a smaller share of the encoder's tensors is for another network.
_LEAST_SHARE = 0.6


def load_weights(module: nn.Module, encoder: str, weights: str, bands: Sequence[str]) -> str:
    """Load pretrained weights into a network; the first convolution is adapted to its bands.

    Parameters
    ----------
    module
        A network of segmentation-models-pytorch.
    encoder
        Name of its encoder.
    weights
        ``.safetensors`` or a PyTorch file of tensors; the folder of :func:`~geoseg.train.pretrain.pretrain`;
        ``https://…`` of a file (downloaded once, into geoseg's cache); a name of weights that torchgeo lists, such as
        ``ResNet18_Weights.SENTINEL2_ALL_MOCO``, if it is installed and torch has downloaded
        them; a name that smp or timm know for this encoder, such as ``imagenet``; or the name of a network of timm,
        such as ``resnet18.a1_in1k`` or ``timm/resnet18.a1_in1k`` (both from the Hugging Face hub, or its cache).
    bands
        Names of the network's bands.

    Returns
    -------
    One line on what was loaded, for the user and the card.

    Raises
    ------
    ModelError
        If they cannot be downloaded or read, are a pickle with code, or are for another network.
    OptionError
        If they are neither a file nor a name that the hub knows.
    """
    given, pretrained = weights, Path(weights) / ENCODER_FILE
    order: tuple[str, ...] = ()
    source = "its card has them"
    if "://" not in weights and pretrained.is_file():
        _check_encoder(pretrained, encoder)
        weights = str(pretrained)
    if "://" in weights:
        state = read_state(fetch(weights))
    elif Path(weights).is_file():
        state = read_state(Path(weights))
    elif NAME.fullmatch(weights):
        path, order = torchgeo_encoder(weights)
        source = "torchgeo lists them"
        state = read_state(path)
    elif _is_timm(weights):
        state = _from_timm(weights)
    elif Path(weights).suffix.lower() in _SUFFIXES or "/" in weights or "\\" in weights:
        raise ModelError(f"weights {weights}: no such file")
    else:
        state = _from_hub(encoder, weights)
    if Path(weights).is_file():
        order = _bands_of(Path(weights))
    fitted, share = fit_state(module, state, bands, order)
    wanted = encoder_tensors(module)
    if share < _LEAST_SHARE:
        raise ModelError(
            f"weights {weights!r} do not fit encoder {encoder!r}: {100 * share:.0f} % of its tensors are in them "
            f"({sum(name in fitted for name in wanted)} of {len(wanted)}); name their encoder with --encoder"
        )
    module.load_state_dict(fitted, strict=False)
    name = Path(given).name if Path(given).exists() else given
    found = sum(tensor in fitted for tensor in wanted)
    return (
        f"weights {name}: {found} of {len(wanted)} encoder tensors loaded, {len(fitted)} of {len(state)} in all"
        f"{first_note(module, state, fitted, bands, order, source)}"
    )


def _bands_of(path: Path) -> tuple[str, ...]:
    """Return the bands of the model or encoder whose weights a file holds, if its card is beside it."""
    from geoseg.models.card.card import CARD_FILE, ModelCard

    if path.name == ENCODER_FILE:
        return tuple(str(band) for band in _encoder_facts(path).get("bands", ()))
    if not (path.parent / CARD_FILE).is_file():
        return ()
    card = ModelCard.read(path.parent)
    return tuple(band.name for band in card.bands) if card.weights and card.weights.href == path.name else ()


def _encoder_facts(path: Path) -> dict[str, Any]:
    """Return what stands beside an encoder of ``geoseg pretrain``; empty if nothing does."""
    beside = path.with_name(FACTS_FILE)
    if not beside.is_file():
        return {}
    try:
        facts = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{beside} cannot be read ({one_line(error)[:160]}); pretrain the encoder again") from None
    return facts if isinstance(facts, dict) else {}


def _check_encoder(path: Path, encoder: str) -> None:
    known = _encoder_facts(path).get("encoder", encoder)
    if known != encoder:
        raise ModelError(f"weights {path.parent}: are of encoder {known!r}, not {encoder!r}: use --encoder {known}")


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Read the named tensors of a file; prefixes of training frameworks are kept.

    Raises
    ------
    ModelError
        If the file holds more than tensors and plain values, or cannot be read.
    """
    try:
        if path.suffix.lower() == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(str(path)))
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - unpicklers and safetensors raise many kinds
        text = one_line(error)
        if "weights_only" in text or "WeightsUnpickler" in text:
            raise ModelError(
                f"weights {path}: holds more than tensors, and loading a pickle can execute code, so it is refused; "
                "if you trust it, save its state_dict as .safetensors"
            ) from None
        raise ModelError(f"weights {path}: cannot be read ({text[:200] or type(error).__name__})") from None
    state = _most_tensors(content)
    if not state:
        raise ModelError(f"weights {path}: holds no named tensors; it must hold a state_dict")
    return state


def _most_tensors(content: Any) -> dict[str, torch.Tensor]:
    """Return the largest dictionary of tensors, at any depth (``state_dict``, ``model``, ``teacher`` …)."""
    if not isinstance(content, Mapping):
        return {}
    own = {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)}
    inner = [_most_tensors(value) for value in content.values() if isinstance(value, Mapping)]
    return max([own, *inner], key=len)


def fetch(address: str) -> Path:
    """Download a file once, into geoseg's cache folder, and return its path.

    Raises
    ------
    ModelError
        If it cannot be downloaded.
    """
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    path = user_folder("cache") / "weights" / f"{name}{Path(address.partition('?')[0]).suffix}"
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Downloads under a temporary name and renames.
        torch.hub.download_url_to_file(address, str(path), progress=False)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"weights {address}: cannot be downloaded ({getattr(error, 'reason', None) or error}); check URL and "
            "connection, or name a file"
        ) from None
    return path


def _from_hub(encoder: str, weights: str) -> dict[str, torch.Tensor]:
    from segmentation_models_pytorch.encoders import encoders, get_encoder

    universal = encoder.startswith(("tu-", "timm-"))
    known = list(encoders[encoder]["pretrained_settings"]) if encoder in encoders and not universal else []
    if not universal and weights not in known:
        have = f"it has {', '.join(known)}" if known else "it has none"
        raise OptionError(f"weights {weights!r} are neither a file nor weights of encoder {encoder!r}: {have}")
    name = encoder if not universal or weights in ("imagenet", "timm", "default") else f"{encoder}.{weights}"
    try:
        source = get_encoder(name, in_channels=3, weights=weights)
    except Exception as error:  # noqa: BLE001 - hub, timm and network raise many kinds
        repository = (
            _timm_repository(name[3:]) if universal else encoders[encoder]["pretrained_settings"][weights]["repo_id"]
        )
        raise _unreachable(f"{weights!r} of encoder {encoder!r}", repository, error) from None
    return {f"encoder.{key}": value for key, value in source.state_dict().items()}


def _is_timm(weights: str) -> bool:
    """Whether a name is one of timm's networks: ``resnet18.a1_in1k``, also with ``timm/`` before it."""
    import timm

    name = weights.removeprefix("timm/").removeprefix("tu-")
    return "/" not in name and timm.is_model(name)


def _from_timm(weights: str) -> dict[str, torch.Tensor]:
    import timm

    name = weights.removeprefix("timm/").removeprefix("tu-")
    try:
        source = timm.create_model(name, pretrained=True)
    except Exception as error:  # noqa: BLE001 - hub, timm and network raise many kinds
        raise _unreachable(f"{weights!r} of timm", _timm_repository(name), error) from None
    return dict(source.state_dict())


def _timm_repository(name: str) -> str | None:
    import timm

    try:
        known = timm.get_pretrained_cfg(name)
    except (RuntimeError, ValueError, KeyError):
        return None
    if known is None or not known.hf_hub_id:
        return None
    return str(known.hf_hub_id) + (f"{known.architecture}.{known.tag}" if known.hf_hub_id.endswith("/") else "")


def _unreachable(what: str, repository: str | None, error: Exception) -> ModelError:
    place = f"model.safetensors of https://huggingface.co/{repository}" if repository else "the file of the weights"
    return ModelError(
        f"weights {what} cannot be downloaded ({one_line(error)[:160]}); check the name and the connection, or fetch "
        f"{place} on another machine and give the file to --weights"
    )
