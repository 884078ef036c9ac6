"""Pretrained weights from a file, a URL, or the hubs of smp and timm. Reads tensors only, never runs code."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from geoseg.errors import ModelError, OptionError, one_line
from geoseg.system.folders import user_folder

if TYPE_CHECKING:
    from torch import nn

_SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin")

# Where the part of a network that a file is for may be: the whole, its encoder, a timm network in that.
_PLACES = ("", "encoder.", "encoder.model.")

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
        ``.safetensors`` or a PyTorch file of tensors; ``https://…`` of one (downloaded once, into geoseg's cache); or a
        name that smp or timm know for this encoder, such as ``imagenet`` (downloaded from the Hugging Face hub).
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
    if "://" in weights:
        state = read_state(fetch(weights))
    elif Path(weights).is_file():
        state = read_state(Path(weights))
    elif Path(weights).suffix.lower() in _SUFFIXES or "/" in weights or "\\" in weights:
        raise ModelError(f"weights {weights}: no such file")
    else:
        state = _from_hub(encoder, weights)
    fitted, share = fit_state(module, state, bands)
    if share < _LEAST_SHARE:
        raise ModelError(
            f"weights {weights!r} do not fit encoder {encoder!r}: {share:.0%} of its tensors are in them; "
            "name their encoder with --encoder"
        )
    module.load_state_dict(fitted, strict=False)
    return f"weights {Path(weights).name if Path(weights).is_file() else weights}: {len(fitted)} tensors loaded"


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


def fit_state(
    module: nn.Module, state: Mapping[str, torch.Tensor], bands: Sequence[str]
) -> tuple[dict[str, torch.Tensor], float]:
    """Match foreign tensors to a network by name, with any prefix, and shape.

    Parameters
    ----------
    module
        The network.
    state
        Foreign tensors by name.
    bands
        Names of the network's bands.

    Returns
    -------
    The tensors under the network's names, and the share of the encoder's tensors that were matched.
    """
    own = module.state_dict()
    # timm names one layer "blocks.0" or "blocks_0", depending on how the network is built.
    plain = {name.replace(".", "_"): name for name in own}
    prefixes = {""} | {".".join(name.split(".")[:n]) + "." for name in state for n in (1, 2, 3) if name.count(".") >= n}
    best: dict[str, torch.Tensor] = {}
    for prefix in sorted(prefixes):
        for place in _PLACES:
            matched = {}
            for name, tensor in state.items():
                target = plain.get((place + name.removeprefix(prefix)).replace(".", "_"))
                if target is not None and name.startswith(prefix):
                    fitted = _fitted(tensor, own[target], bands)
                    if fitted is not None:
                        matched[target] = fitted
            if len(matched) > len(best):
                best = matched
    encoder = [n for n, t in own.items() if n.startswith("encoder.") and t.is_floating_point()]
    wanted = encoder or list(own)
    return best, sum(name in best for name in wanted) / max(len(wanted), 1)


def _fitted(tensor: torch.Tensor, own: torch.Tensor, bands: Sequence[str]) -> torch.Tensor | None:
    if tensor.shape == own.shape:
        return tensor
    first = tensor.ndim == own.ndim == 4 and own.shape[1] == len(bands)
    if first and tensor.shape[:1] == own.shape[:1] and tensor.shape[2:] == own.shape[2:]:
        return adapt_first(tensor, bands)
    return None


def adapt_first(kernel: torch.Tensor, bands: Sequence[str]) -> torch.Tensor:
    """Adapt a first convolution to other bands.

    Three channels are taken as red, green and blue and go to the bands of these names; other bands get their mean. Any
    other number of channels is repeated in turn. The kernel is scaled so that activations keep their magnitude.

    Parameters
    ----------
    kernel
        (out, channels, k, k).
    bands
        Names of the new channels.

    Returns
    -------
    (out, len(bands), k, k).
    """
    channels = kernel.shape[1]
    if channels == 3:
        known = {"red": kernel[:, 0], "green": kernel[:, 1], "blue": kernel[:, 2]}
        new = torch.stack([known.get(band, kernel.mean(1)) for band in bands], 1)
    else:
        new = torch.stack([kernel[:, i % channels] for i in range(len(bands))], 1)
    return new * (channels / len(bands))


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
        text = one_line(error)[:160]
        raise ModelError(
            f"weights {weights!r} of encoder {encoder!r} cannot be downloaded ({text}); check the connection and "
            "the name, or name a file"
        ) from None
    return {f"encoder.{key}": value for key, value in source.state_dict().items()}
