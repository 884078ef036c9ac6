"""Layers folded into their neighbours: the same function with fewer passes over memory and fewer products.

In eval mode a batch normalisation multiplies and adds constants per channel; so does the convolution it follows, and
the pass over activations that do not fit the cache is saved. The other fold: :mod:`geoseg.models.upsample`.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

from geoseg.models.upsample import fold_upsampling

# Largest difference of logits, relative to their size, that reordering float32 arithmetic may cause.
_TOLERANCE = 1e-3


def fused(module: torch.nn.Module, sample: torch.Tensor, *, upsampling: bool = True) -> torch.nn.Module:
    """Return a copy of a network in which what can be folded is: batch normalisation, and upsampling if asked.

    What follows what is seen by running ``sample`` (float32, the network's input) through it, and the result is held
    against the original; a fold after which it differs or anything fails is not made.
    """
    plain = copy.deepcopy(module).eval()
    with torch.no_grad():  # tensors made in inference mode could not be laid out anew
        best = _tried(_fold_norms, plain, sample)
        return _tried(fold_upsampling, best, sample) if upsampling else best


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
    pairs = _pairs(module, sample)
    for conv_name, norm_name in pairs:
        conv, norm = module.get_submodule(conv_name), module.get_submodule(norm_name)
        assert isinstance(conv, torch.nn.Conv2d)
        assert isinstance(norm, torch.nn.BatchNorm2d)
        rest = _rest(norm)
        assert rest is not None
        _replace(module, conv_name, fuse_conv_bn_eval(conv, norm))
        _replace(module, norm_name, rest)
    return len(pairs)


def _rest(layer: Any) -> torch.nn.Module | None:
    """Return what a batch normalisation does beyond that: nothing, or what timm's appends; None for any other layer."""
    if type(layer) is torch.nn.BatchNorm2d:
        return torch.nn.Identity()
    appended = getattr(sys.modules.get("timm.layers"), "BatchNormAct2d", None)
    return torch.nn.Sequential(layer.drop, layer.act) if appended is not None and type(layer) is appended else None


def _pairs(module: torch.nn.Module, sample: torch.Tensor) -> list[tuple[str, str]]:
    """Names of convolutions and of the batch normalisation that is the only layer to take their output."""
    made: dict[int, str] = {}
    taken: dict[str, list[str]] = {}
    runs: dict[str, int] = {}
    kept: list[torch.Tensor] = []  # a freed tensor's id would be given to the next
    names = {
        layer: name
        for name, layer in module.named_modules()
        if not list(layer.children()) or isinstance(layer, torch.nn.BatchNorm2d)
    }

    def before(layer: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        runs[names[layer]] = runs.get(names[layer], 0) + 1
        if inputs and id(inputs[0]) in made:
            taken.setdefault(made[id(inputs[0])], []).append(names[layer])

    def after(layer: torch.nn.Module, _: tuple[Any, ...], output: Any) -> None:
        if type(layer) is torch.nn.Conv2d and isinstance(output, torch.Tensor):
            made[id(output)] = names[layer]
            kept.append(output)

    hooks = [
        hook
        for layer in names
        for hook in (layer.register_forward_pre_hook(before), layer.register_forward_hook(after))
    ]
    try:
        module(sample)
    finally:
        for hook in hooks:
            hook.remove()
    layers = {name: layer for layer, name in names.items()}
    return [
        (conv, norms[0])
        for conv, norms in taken.items()
        if len(norms) == 1
        and _rest(layers[norms[0]]) is not None
        and runs[conv] == runs[norms[0]] == 1
        and layers[norms[0]].track_running_stats
    ]


def _replace(module: torch.nn.Module, name: str, layer: torch.nn.Module) -> None:
    parent, _, last = name.rpartition(".")
    setattr(module.get_submodule(parent), last, layer)
