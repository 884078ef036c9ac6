"""The network to train: new, from weights of others, or from a model of geoseg."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn

from geoseg.errors import ModelError, one_line
from geoseg.models import Model, ModelCard
from geoseg.models.networks.smp import build_architecture
from geoseg.train.weights import load_weights

if TYPE_CHECKING:
    from geoseg.train.options import TrainOptions


def start_network(card: ModelCard, options: TrainOptions, base: Model | None, window: int) -> tuple[nn.Module, str]:
    """Return the network in float32 on the CPU, and one line that says where its weights come from.

    Parameters
    ----------
    card
        Architecture, encoder, bands and classes.
    options
        Weights and seed.
    base
        Model to start from.
    window
        Side of the windows that it will see.

    Raises
    ------
    ModelError, OptionError
        If it cannot be built, or weights cannot be had or do not fit.
    """
    torch.manual_seed(options.seed)
    if base is not None:
        module, said = _continued(card, base), f"model {base.card.name} {base.card.version}"
    else:
        module = build_architecture(card)
        said = "random weights"
        if options.weights:
            said = load_weights(module, options.encoder, options.weights, [band.name for band in card.bands])
    _try(module, card, window)
    return module.train().requires_grad_(requires_grad=True), said


def check_trainable(base: Model) -> None:
    """Refuse models that are code, not weights.

    Raises
    ------
    ModelError
        Saying so.
    """
    if base.card.weights is None and base.folder is not None:
        raise ModelError(
            f"model {base.card.name!r} is made of rules and has no weights to train further; start from another model, "
            "or from none with --arch and --encoder"
        )


def _continued(card: ModelCard, base: Model) -> nn.Module:
    module = copy.deepcopy(base.module())
    if card.classes == base.card.classes:
        return module
    fresh = build_architecture(card)
    fresh.load_state_dict(with_classes(module.state_dict(), fresh.state_dict(), base.card, card))
    return fresh


def with_classes(
    old: dict[str, torch.Tensor], new: dict[str, torch.Tensor], before: ModelCard, after: ModelCard
) -> dict[str, torch.Tensor]:
    """Return the old weights with rows of the last layer moved to where their classes are now.

    Classes that both have, by name, keep what was learned of them; others start as in ``new``.
    """
    places = {c.name: c.id for c in before.classes}
    moved = dict(new)
    for name, tensor in old.items():
        if name not in new:
            continue
        by_class = tensor.ndim and len(tensor) == len(before.classes) and name.startswith("segmentation_head")
        if by_class and new[name].shape[1:] == tensor.shape[1:]:
            rows = new[name].clone()
            for c in after.classes:
                if c.name in places:
                    rows[c.id] = tensor[places[c.name]]
            moved[name] = rows
        elif tensor.shape == new[name].shape:
            moved[name] = tensor
    return moved


def _try(module: nn.Module, card: ModelCard, window: int) -> None:
    """Run the network once: what does not work must be said before an hour of reading images."""
    module.eval()
    try:
        with torch.no_grad():
            out = module(torch.zeros(1, len(card.bands), window, window))
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        text = one_line(error)[:200]
        raise ModelError(
            f"{card.architecture} with encoder {card.hyperparameters.get('encoder')!r} does not run on windows of "
            f"{window} px: {text}"
        ) from None
    if out.shape != (1, len(card.classes), window, window):
        raise ModelError(
            f"{card.architecture} with encoder {card.hyperparameters.get('encoder')!r} returns scores of shape "
            f"{tuple(out.shape)} for a window of {window} px and {len(card.classes)} classes: use another architecture"
        )
