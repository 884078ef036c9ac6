"""Networks with fewer channels than their architecture has, as structured pruning leaves them.

The card lists the layers that differ: ``"widths": {"encoder.conv1": {"out": 48}, …}`` among its hyperparameters. The
network is built from its architecture as ever, and these layers are then cut to size: numbers in a card, no code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from geoseg.errors import ModelError

WIDTHS = "widths"
"""Key of the hyperparameters under which a card lists narrower layers."""

_SIDES = ("out", "in")


def widths_of(module: nn.Module, full: nn.Module) -> dict[str, dict[str, int]]:
    """Return the channels of the layers of ``module`` that are narrower than those of the unpruned network ``full``.

    Parameters
    ----------
    module, full
        Networks of the same layers, by name.

    Returns
    -------
    For each layer that differs, ``"out"`` and ``"in"``, each only where it differs; empty if none does.
    """
    whole = dict(full.named_modules())
    found = {}
    for name, layer in module.named_modules():
        here, there = _channels(layer), _channels(whole[name])
        if narrower := {side: count for side, count in here.items() if count != there[side]}:
            found[name] = narrower
    return found


def set_widths(module: nn.Module, widths: Any, label: str) -> None:
    """Cut layers of a network, in place, to the channels that a card lists; the weights that remain mean nothing.

    Parameters
    ----------
    module
        The network as its architecture builds it.
    widths
        As :func:`widths_of` returns them; read from a card, so anything is possible.
    label
        What messages call the model.

    Raises
    ------
    ModelError
        If a layer does not exist or cannot be cut, or a number is not in 1…the layer's channels.
    """
    layers = dict(module.named_modules())
    if not isinstance(widths, Mapping):
        raise ModelError(f"{label}: widths in mlm:hyperparameters must be an object, got {str(widths)[:80]}")
    for name, wanted in widths.items():
        have = _channels(layers[name]) if name in layers else {}
        if not isinstance(wanted, Mapping) or not wanted or not set(wanted) <= set(have):
            raise ModelError(f"{label}: widths of {name!r}: no layer of this network with these channels")
        for side, count in wanted.items():
            if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= have[side]:
                raise ModelError(
                    f"{label}: widths of {name!r}: {side} must be a whole number in 1…{have[side]}, got {count!r}"
                )
        _cut(layers[name], {**have, **wanted}, f"{label}: widths of {name!r}")


def _channels(layer: nn.Module) -> dict[str, int]:
    """Return the channels of a layer by side; empty if it has none that can be cut."""
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        return {"out": layer.out_channels} if _depthwise(layer) else dict(_sides(layer.out_channels, layer.in_channels))
    if isinstance(layer, nn.Linear):
        return dict(_sides(layer.out_features, layer.in_features))
    if isinstance(layer, nn.BatchNorm2d):
        return {"out": layer.num_features}
    if isinstance(layer, nn.GroupNorm):
        return {"out": layer.num_channels}
    if isinstance(layer, nn.LayerNorm) and len(layer.normalized_shape) == 1:
        return {"out": layer.normalized_shape[0]}
    return {}


def _sides(out: int, into: int) -> zip[tuple[str, int]]:
    return zip(_SIDES, (out, into), strict=True)


def _depthwise(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    return layer.groups == layer.in_channels == layer.out_channels > 1


def _cut(layer: nn.Module, sides: Mapping[str, int], label: str) -> None:
    out, into = sides["out"], sides.get("in", sides["out"])
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        groups = out if _depthwise(layer) else layer.groups
        if out % groups or into % groups:
            raise ModelError(f"{label}: {out} and {into} channels are no multiples of the layer's {groups} groups")
        rows, columns = (into, out // groups) if layer.transposed else (out, into // groups)
        layer.out_channels, layer.in_channels, layer.groups = out, into, groups
    elif isinstance(layer, nn.Linear):
        rows, columns = out, into
        layer.out_features, layer.in_features = out, into
    else:
        rows, columns = out, 0
        _cut_norm(layer, out, label)
    for name, tensor in [*layer.named_parameters(recurse=False), *layer.named_buffers(recurse=False)]:
        if tensor.ndim:
            length = out if name == "bias" else rows
            part = tensor.detach()[:length, :columns] if tensor.ndim > 1 else tensor.detach()[:length]
            _replace(layer, name, part.clone())


def _cut_norm(layer: nn.Module, count: int, label: str) -> None:
    if isinstance(layer, nn.BatchNorm2d):
        layer.num_features = count
    elif isinstance(layer, nn.LayerNorm):
        layer.normalized_shape = (count,)
    else:
        assert isinstance(layer, nn.GroupNorm)
        if count % layer.num_groups:
            raise ModelError(f"{label}: {count} channels are no multiple of the layer's {layer.num_groups} groups")
        layer.num_channels = count


def _replace(layer: nn.Module, name: str, values: torch.Tensor) -> None:
    setattr(layer, name, nn.Parameter(values) if name in dict(layer.named_parameters(recurse=False)) else values)
