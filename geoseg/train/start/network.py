"""The network to train: with random weights, pretrained weights, or those of a geoseg model."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn

from geoseg.errors import ModelError, one_line
from geoseg.models import Model, ModelCard
from geoseg.models.build import build_architecture
from geoseg.models.networks.inputs import encoders_of
from geoseg.models.networks.temperature import without_temperature
from geoseg.train.start.weights import load_weights

if TYPE_CHECKING:
    from geoseg.train.options import TrainOptions


def start_network(card: ModelCard, options: TrainOptions, base: Model | None, window: int) -> tuple[nn.Module, str]:
    """Return the network in float32 on the CPU, and one line on the origin of its weights.

    Parameters
    ----------
    card
        Architecture, encoder, bands and classes.
    options
        Encoder, weights and seed.
    base
        Model to fine-tune.
    window
        Side of the training windows in pixels.

    Raises
    ------
    ModelError, OptionError
        If the network cannot be built, or weights cannot be loaded or do not fit.
    """
    torch.manual_seed(options.seed)
    if base is not None:
        module, origin = _continued(card, base), f"model {base.card.name} {base.card.version}"
    else:
        module = build_architecture(card)
        origin = "random weights"
        if options.weights:
            origin = _pretrained(module, card, options.encoder, options.weights)
    _check_runs(module, card, window)
    return module.train().requires_grad_(requires_grad=True), origin


def _pretrained(module: nn.Module, card: ModelCard, encoder: str, weights: str) -> str:
    """Load pretrained weights, of a network of several inputs into each of its encoders."""
    if not card.inputs:
        return load_weights(module, encoder, weights, [band.name for band in card.bands])
    lines = [load_weights(part, encoder, weights, bands) for part, bands in encoders_of(module, card.inputs)]
    return lines[0] + (f" (so also the other {len(lines) - 1})" if len(lines) > 1 else "")


def check_trainable(base: Model) -> None:
    """Check that a model has weights.

    Raises
    ------
    ModelError
        If it is built of rules.
    """
    if base.card.weights is None and base.folder is not None:
        raise ModelError(
            f"model {base.card.name!r} is made of rules and has no weights to fine-tune; name another model, or train "
            "a new network with --arch and --encoder"
        )


def _continued(card: ModelCard, base: Model) -> nn.Module:
    module = copy.deepcopy(without_temperature(base.module()))
    if card.classes == base.card.classes:
        return module
    fresh = build_architecture(card)
    fresh.load_state_dict(with_classes(module.state_dict(), fresh.state_dict(), base.card, card))
    return fresh


def with_classes(
    old: dict[str, torch.Tensor], new: dict[str, torch.Tensor], before: ModelCard, after: ModelCard
) -> dict[str, torch.Tensor]:
    """Return the old weights with the rows of the last layer in the order of the new classes.

    Classes that both cards name keep their weights; others start as in ``new``.
    """
    places = {c.name: c.id for c in before.classes}
    moved = dict(new)
    for name, tensor in old.items():
        if name not in new:
            continue
        by_class = tensor.ndim and len(tensor) == len(before.classes) and "segmentation_head" in name
        if by_class and new[name].shape[1:] == tensor.shape[1:]:
            rows = new[name].clone()
            for c in after.classes:
                if c.name in places:
                    rows[c.id] = tensor[places[c.name]]
            moved[name] = rows
        elif tensor.shape == new[name].shape:
            moved[name] = tensor
    return moved


def _check_runs(module: nn.Module, card: ModelCard, window: int) -> None:
    """Run the network once, so that errors come before images are read."""
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
