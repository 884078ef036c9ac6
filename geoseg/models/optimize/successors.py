"""Pairs of layers of which the second is the only consumer of the first's output, found by running a network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Kind = Callable[[Any], bool]
"""A predicate of layers."""


def sole_consumers(module: torch.nn.Module, sample: torch.Tensor, first: Kind, second: Kind) -> list[tuple[str, str]]:
    """Return the names of pairs of layers: the second is the only layer that takes the first's output.

    Both must run exactly once; identities between them are skipped. What the network does with an output outside of
    layers (in ``forward``) is not seen, so compare the rewritten network with the original.

    Parameters
    ----------
    module, sample
        A network and an input; the network runs once.
    first, second
        The kinds of the two layers. Considered are layers without children, and those with children that match.
    """
    producer: dict[int, str] = {}  # by id of its output
    consumers: dict[str, list[str]] = {}
    runs: dict[str, int] = {}
    alive: list[torch.Tensor] = []  # the id of a freed tensor would be reused
    layers = {
        name: layer
        for name, layer in module.named_modules()
        if not list(layer.children()) or first(layer) or second(layer)
    }
    names = {layer: name for name, layer in layers.items()}

    def before(layer: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        runs[names[layer]] = runs.get(names[layer], 0) + 1
        if inputs and id(inputs[0]) in producer and type(layer) is not torch.nn.Identity:
            consumers.setdefault(producer[id(inputs[0])], []).append(names[layer])

    def after(layer: torch.nn.Module, _: tuple[Any, ...], output: Any) -> None:
        if first(layer) and isinstance(output, torch.Tensor):
            producer[id(output)] = names[layer]
            alive.append(output)
        elif type(layer) is not torch.nn.Identity:
            producer.pop(id(output), None)  # modified in place: no longer the first layer's output

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
    return [
        (name, users[0])
        for name, users in consumers.items()
        if len(users) == 1 and second(layers[users[0]]) and runs[name] == runs[users[0]] == 1
    ]


def replace_layer(module: torch.nn.Module, name: str, layer: torch.nn.Module) -> None:
    """Replace the layer called ``name``."""
    parent, _, last = name.rpartition(".")
    setattr(module.get_submodule(parent), last, layer)
