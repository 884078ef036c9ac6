"""Layers folded into their neighbours: the same function with fewer passes over memory and fewer products.

In eval mode a batch normalisation multiplies and adds constants per channel; so does the convolution it follows, and
the pass over activations that do not fit the cache is saved. The other folds: ``upsampling`` and ``relu``. Beside them,
U-Nets free what they have used: ``unet_memory``.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

from geoseg.models.optimize.relu import fold_activations
from geoseg.models.optimize.successors import replace_layer, sole_consumers
from geoseg.models.optimize.unet_memory import free_features
from geoseg.models.optimize.upsampling import fold_upsampling

# Largest difference of logits, relative to their size, that reordering float32 arithmetic may cause.
_TOLERANCE = 1e-3


def fused(
    module: torch.nn.Module, sample: torch.Tensor, *, upsampling: bool = True, activations: bool = False
) -> torch.nn.Module:
    """Return a copy of a network in which what can be folded is: batch normalisation, and what is asked for.

    What follows what is seen by running ``sample`` (float32, the network's input) through it, and the result is held
    against the original; a fold after which it differs or anything fails is not made.

    Parameters
    ----------
    module, sample
        A network and an input of it.
    upsampling
        Whether to fold upsampling, see :mod:`geoseg.models.optimize.upsampling`.
    activations
        Whether to fold ReLUs, see :mod:`geoseg.models.optimize.relu`: for float32 on a CPU, channels last.
    """
    plain = copy.deepcopy(module).eval()
    with torch.no_grad():  # tensors made in inference mode could not be laid out anew
        best = _tried(_fold_norms, plain, sample)
        if upsampling:
            best = _tried(fold_upsampling, best, sample)
        if activations:
            last = torch.channels_last
            best = _tried(fold_activations, best.to(memory_format=last), sample.contiguous(memory_format=last))
        return _tried(free_features, best, sample)


def _tried(
    fold: Callable[[torch.nn.Module, torch.Tensor], int], plain: torch.nn.Module, sample: torch.Tensor
) -> torch.nn.Module:
    """Return a folded copy, or the network itself if nothing was folded or the result is not the same."""
    try:
        folded = copy.deepcopy(plain)
        if not fold(folded, sample):
            return plain
        expected, found = plain(sample), folded(sample)
        size = expected.abs().amax().clamp_min(1e-6)
        same = bool((expected - found).abs().amax() <= _TOLERANCE * size)
    except Exception:  # noqa: BLE001 - other people's networks raise what they like; the predictor will say so
        return plain  # an unusual network: leave it as its author made it
    return folded if same else plain


def _fold_norms(module: torch.nn.Module, sample: torch.Tensor) -> int:
    """Fold, in place, batch normalisations into their convolutions; return their number."""
    if not any(isinstance(layer, torch.nn.BatchNorm2d) for layer in module.modules()):
        return 0
    pairs = sole_consumers(module, sample, lambda layer: type(layer) is torch.nn.Conv2d, _is_norm)
    for conv_name, norm_name in pairs:
        conv, norm = module.get_submodule(conv_name), module.get_submodule(norm_name)
        assert isinstance(conv, torch.nn.Conv2d)
        assert isinstance(norm, torch.nn.BatchNorm2d)
        appended = list(norm.children())  # timm's
        replace_layer(module, conv_name, fuse_conv_bn_eval(conv, norm))
        replace_layer(module, norm_name, torch.nn.Sequential(*appended) if appended else torch.nn.Identity())
    return len(pairs)


def _is_norm(layer: Any) -> bool:
    """Whether this is a batch normalisation, torch's or timm's, which has dropout and activation for children."""
    timm = getattr(sys.modules.get("timm.layers"), "BatchNormAct2d", None)
    return type(layer) in (torch.nn.BatchNorm2d, timm) and layer.track_running_stats
