"""Layers fused into their neighbours: the same function with fewer passes over memory and fewer multiplications.

In eval mode a batch normalisation is an affine function per channel, which the convolution before it can absorb; that
saves a pass over activations that do not fit the cache. The modules ``upsampling`` and ``relu`` fuse other layers, and
``unet_memory`` lets U-Nets free feature maps early.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

from geoseg.models.networks.temperature import Tempered
from geoseg.models.optimize.relu import fold_activations
from geoseg.models.optimize.successors import replace_layer, sole_consumers
from geoseg.models.optimize.unet_memory import free_features
from geoseg.models.optimize.upsampling import fold_upsampling

# Largest difference of logits, relative to the largest, that reordered float32 arithmetic may cause.
_TOLERANCE = 1e-3


def fused(
    module: torch.nn.Module, sample: torch.Tensor, *, upsampling: bool = True, activations: bool = False
) -> torch.nn.Module:
    """Return a copy of a network with batch normalisations fused, and other layers as asked for.

    Running ``sample`` through the network shows which layer follows which. Each rewrite is compared with the network
    before it, and dropped if the output differs or anything fails.

    Parameters
    ----------
    module
        The network.
    sample
        An input of it, float32.
    upsampling
        Whether to fuse upsampling, see :mod:`geoseg.models.optimize.upsampling`.
    activations
        Whether to fuse ReLUs, see :mod:`geoseg.models.optimize.relu`; for float32 on a CPU, channels last.
    """
    if isinstance(module, Tempered):
        inner = fused(module.network, sample, upsampling=upsampling, activations=activations)
        return Tempered(inner, module.temperature)
    plain = copy.deepcopy(module).eval()
    with torch.no_grad():  # not inference mode, whose tensors cannot change their memory format later
        best = _rewritten(_fold_norms, plain, sample)
        if upsampling:
            best = _rewritten(fold_upsampling, best, sample)
        if activations:
            last = torch.channels_last
            best = _rewritten(fold_activations, best.to(memory_format=last), sample.contiguous(memory_format=last))
        return _rewritten(free_features, best, sample)


def _rewritten(
    fold: Callable[[torch.nn.Module, torch.Tensor], int], plain: torch.nn.Module, sample: torch.Tensor
) -> torch.nn.Module:
    """Return a rewritten copy, or the network itself if nothing was rewritten or the output differs."""
    try:
        folded = copy.deepcopy(plain)
        if not fold(folded, sample):
            return plain
        expected, actual = plain(sample), folded(sample)
        magnitude = expected.abs().amax().clamp_min(1e-6)
        same = bool((expected - actual).abs().amax() <= _TOLERANCE * magnitude)
    except Exception:  # noqa: BLE001 - a network may raise anything; if it does so unchanged, the predictor reports it
        return plain
    return folded if same else plain


def _fold_norms(module: torch.nn.Module, sample: torch.Tensor) -> int:
    """Fuse, in place, batch normalisations into their convolutions; return their number."""
    if not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in module.modules()):
        return 0
    pairs = sole_consumers(module, sample, lambda layer: type(layer) is torch.nn.Conv2d, _is_norm)
    for conv_name, norm_name in pairs:
        conv, norm = module.get_submodule(conv_name), module.get_submodule(norm_name)
        assert isinstance(conv, torch.nn.Conv2d)
        assert isinstance(norm, torch.nn.BatchNorm2d)
        appended = list(norm.children())  # timm's dropout and activation
        replace_layer(module, conv_name, fuse_conv_bn_eval(conv, norm))
        replace_layer(module, norm_name, torch.nn.Sequential(*appended) if appended else torch.nn.Identity())
    return len(pairs)


def _is_norm(layer: Any) -> bool:
    """Return whether this is a batch normalisation with fixed statistics, of torch or timm."""
    timm = getattr(sys.modules.get("timm.layers"), "BatchNormAct2d", None)
    return type(layer) in (torch.nn.BatchNorm2d, timm) and layer.track_running_stats
