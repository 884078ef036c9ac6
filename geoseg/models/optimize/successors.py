"""Which layer alone takes another's output, seen by running a network once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Kind = Callable[[Any], bool]
"""Whether a layer is of the wanted kind."""


def sole_consumers(module: torch.nn.Module, sample: torch.Tensor, first: Kind, second: Kind) -> list[tuple[str, str]]:
    """Return names of layers of one kind and of the layer of another kind that is the only one to take their output.

    Both run once; layers that hand on what they are given are looked through. What a network does with an output
    outside of layers is not seen: compare the results of whatever is made of this.

    Parameters
    ----------
    module, sample
        A network and an input; it is run once.
    first, second
        The kinds. A layer without children is looked at, and one with children if it is of a kind.
    """
    made: dict[int, str] = {}
    taken: dict[str, list[str]] = {}
    runs: dict[str, int] = {}
    kept: list[torch.Tensor] = []  # a freed tensor's id would be given to the next
    layers = {
        name: layer
        for name, layer in module.named_modules()
        if not list(layer.children()) or first(layer) or second(layer)
    }
    names = {layer: name for name, layer in layers.items()}

    def before(layer: torch.nn.Module, inputs: tuple[Any, ...]) -> None:
        runs[names[layer]] = runs.get(names[layer], 0) + 1
        if inputs and id(inputs[0]) in made and type(layer) is not torch.nn.Identity:
            taken.setdefault(made[id(inputs[0])], []).append(names[layer])

    def after(layer: torch.nn.Module, _: tuple[Any, ...], output: Any) -> None:
        if first(layer) and isinstance(output, torch.Tensor):
            made[id(output)] = names[layer]
            kept.append(output)
        elif type(layer) is not torch.nn.Identity:
            made.pop(id(output), None)  # changed in place: another output now

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
        (name, takers[0])
        for name, takers in taken.items()
        if len(takers) == 1 and second(layers[takers[0]]) and runs[name] == runs[takers[0]] == 1
    ]


def replace_layer(module: torch.nn.Module, name: str, layer: torch.nn.Module) -> None:
    """Put another layer in the place of the one called ``name``."""
    parent, _, last = name.rpartition(".")
    setattr(module.get_submodule(parent), last, layer)
