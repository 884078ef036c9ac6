"""Weights to start from: a file, an address, or a name that the hubs of smp and timm know. Tensors only, no code."""

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

# Where a network may hold the part that the file is for: all of it, its encoder, a timm network in that.
_PLACES = ("", "encoder.", "encoder.model.")

# Less than this share of the encoder's tensors, and the file is for another network.
_LEAST_SHARE = 0.6


def load_weights(module: nn.Module, encoder: str, weights: str, bands: Sequence[str]) -> str:
    """Load weights into a network, its first convolution adapted to the bands.

    Parameters
    ----------
    module
        A network of segmentation-models-pytorch.
    encoder
        Name of its encoder.
    weights
        ``.safetensors`` or a PyTorch file of tensors; ``https://…`` of one (fetched once into geoseg's cache); or a
        name that smp or timm have for this encoder, such as ``imagenet`` (fetched from the Hugging Face hub).
    bands
        Names of the network's bands.

    Returns
    -------
    One line that says what was loaded.

    Raises
    ------
    ModelError
        If they cannot be fetched or read, are a pickle with code, or are for another network.
    OptionError
        If neither file nor hub has them.
    """
    if "://" in weights:
        state = read_state(fetch(weights))
    elif Path(weights).is_file():
        state = read_state(Path(weights))
    elif Path(weights).suffix.lower() in _SUFFIXES or "/" in weights or "\\" in weights:
        raise ModelError(f"weights {weights}: there is no such file")
    else:
        state = _from_hub(encoder, weights)
    fitted, share = fit_state(module, state, bands)
    if share < _LEAST_SHARE:
        raise ModelError(
            f"weights {weights!r} do not fit encoder {encoder!r}: {share:.0%} of its tensors are in them; "
            "name the encoder that they are for with --encoder"
        )
    module.load_state_dict(fitted, strict=False)
    return f"weights {Path(weights).name if Path(weights).is_file() else weights}: {len(fitted)} tensors loaded"


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Read the tensors of a file, by name; prefixes of training frameworks are left as they are.

    Raises
    ------
    ModelError
        If it holds anything but plain values and tensors, or cannot be read.
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
                f"weights {path}: holds more than tensors, and a pickle can execute code when it is loaded, so it is "
                "refused; save its state_dict as .safetensors where you trust it"
            ) from None
        raise ModelError(f"weights {path}: cannot be read ({text[:200]})") from None
    found = _most_tensors(content)
    if not found:
        raise ModelError(f"weights {path}: no tensors by name in it; it must hold a state_dict")
    return found


def _most_tensors(content: Any) -> dict[str, torch.Tensor]:
    """Return the dictionary of tensors, however deep frameworks put it (``state_dict``, ``model``, ``teacher`` …)."""
    if not isinstance(content, Mapping):
        return {}
    own = {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)}
    inner = [_most_tensors(value) for value in content.values() if isinstance(value, Mapping)]
    return max([own, *inner], key=len)


def fit_state(
    module: nn.Module, state: Mapping[str, torch.Tensor], bands: Sequence[str]
) -> tuple[dict[str, torch.Tensor], float]:
    """Fit foreign tensors to a network: by name, whatever stands before it, and shape.

    Parameters
    ----------
    module
        The network.
    state
        Foreign tensors.
    bands
        Of the network.

    Returns
    -------
    The tensors under the network's names, and the share of its encoder's tensors among them.
    """
    own = module.state_dict()
    # timm writes "blocks.0" or "blocks_0" for one layer, depending on how a network is built.
    plain = {name.replace(".", "_"): name for name in own}
    prefixes = {""} | {".".join(name.split(".")[:n]) + "." for name in state for n in (1, 2, 3) if name.count(".") >= n}
    best: dict[str, torch.Tensor] = {}
    for prefix in sorted(prefixes):
        for place in _PLACES:
            found = {}
            for name, tensor in state.items():
                target = plain.get((place + name.removeprefix(prefix)).replace(".", "_"))
                if target is not None and name.startswith(prefix):
                    fitted = _fitted(tensor, own[target], bands)
                    if fitted is not None:
                        found[target] = fitted
            if len(found) > len(best):
                best = found
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

    Of three channels (red, green, blue) each goes to the band of that name, other bands get their mean; of any other
    number they are repeated in turn. The whole is scaled so that activations keep their size.

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
    """Return a file of an address, fetched once into geoseg's cache folder.

    Raises
    ------
    ModelError
        If it cannot be fetched.
    """
    name = hashlib.sha256(address.encode()).hexdigest()[:16]
    path = user_folder("cache") / "weights" / f"{name}{Path(address.partition('?')[0]).suffix}"
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Writes under a temporary name and renames.
        torch.hub.download_url_to_file(address, str(path), progress=False)
    except (OSError, ValueError) as error:
        raise ModelError(
            f"weights {address}: cannot be fetched ({getattr(error, 'reason', None) or error}); check the address and "
            "the connection, or give a file"
        ) from None
    return path


def _from_hub(encoder: str, weights: str) -> dict[str, torch.Tensor]:
    from segmentation_models_pytorch.encoders import encoders, get_encoder

    universal = encoder.startswith(("tu-", "timm-"))
    known = list(encoders[encoder]["pretrained_settings"]) if encoder in encoders and not universal else []
    if not universal and weights not in known:
        have = f"it has {', '.join(known)}" if known else "it has none"
        raise OptionError(f"weights {weights!r} are no file and none of encoder {encoder!r}: {have}")
    name = encoder if not universal or weights in ("imagenet", "timm", "default") else f"{encoder}.{weights}"
    try:
        source = get_encoder(name, in_channels=3, weights=weights)
    except Exception as error:  # noqa: BLE001 - hub, timm and network raise many kinds
        text = one_line(error)[:160]
        raise ModelError(
            f"weights {weights!r} of encoder {encoder!r} cannot be fetched ({text}); check the connection and the "
            "name, or give a file"
        ) from None
    return {f"encoder.{key}": value for key, value in source.state_dict().items()}
