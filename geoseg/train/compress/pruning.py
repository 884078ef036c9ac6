"""Structured pruning: whole channels are removed, so that what remains is an ordinary, narrower network.

Of every group of layers that must keep the same channels (as a residual connection demands), those with the smallest
weights go (DepGraph: Fang et al. 2023, arXiv 2301.12900; torch-pruning).
"""

from __future__ import annotations

import copy
import warnings

import torch
from torch import nn

from geoseg.errors import ModelError, OptionError, one_line
from geoseg.models import Model, ModelCard
from geoseg.models.build import build_architecture
from geoseg.models.card.card import card_with, window_side
from geoseg.models.networks.temperature import without_temperature
from geoseg.models.networks.widths import WIDTHS, widths_of
from geoseg.models.weights import ONNX

# Layers keep multiples of this many channels: vector units of processors compute 8 or 16 at a time.
_MULTIPLE = 8

# Architectures whose layers torch-pruning follows; in MAnet's attention it finds no end.
_NOT_FOLLOWED = ("MAnet",)

# Side of the windows on which networks are traced, in pixels: PAN's pyramid needs 128.
_SIDE = 128


def check_prunable(card: ModelCard) -> None:
    """Check that a model's network is one that can be pruned.

    Raises
    ------
    ModelError
        If it is not of segmentation-models-pytorch; the message says what to do instead.
    """
    remedy = (
        "only networks of segmentation-models-pytorch can be; teach a small one instead: --distil MODEL --arch unet "
        "--encoder tu-mobilenetv4_conv_small_035"
    )
    if card.weights is not None and card.weights.href.lower().endswith(ONNX):
        raise ModelError(f"model {card.name!r} is an ONNX graph and cannot be pruned: {remedy}")
    if card.architecture.startswith("geoseg:") or card.architecture in _NOT_FOLLOWED:
        raise ModelError(f"model {card.name!r} ({card.architecture}) cannot be pruned: {remedy}")


def pruned(model: Model, share: float) -> Model:
    """Return a model without a share of the channels of each layer, in memory; it must be trained before use.

    Parameters
    ----------
    model
        A model of segmentation-models-pytorch; it stays as it is.
    share
        Share of the channels to remove from each layer, between 0 and 1. What is kept is rounded to a multiple of 8,
        and layers of 8 or fewer stay as they are.

    Raises
    ------
    ModelError
        If the network cannot be pruned.
    OptionError
        If torch-pruning is not installed, or no layer has channels enough to lose one.
    """
    check_prunable(model.card)
    network = copy.deepcopy(without_temperature(model.module())).requires_grad_(requires_grad=True)
    before = sum(parameter.numel() for parameter in network.parameters())
    _prune(network, model.card, share)
    if sum(parameter.numel() for parameter in network.parameters()) == before:
        raise OptionError(f"prune {share:g} removes no channel of model {model.card.name!r}: give a larger share")
    card = model.card
    full = card_with(card, hyperparameters={key: v for key, v in card.hyperparameters.items() if key != WIDTHS})
    widths = widths_of(network, build_architecture(full))
    parameters = card.hyperparameters | {WIDTHS: widths}
    card = card_with(card, hyperparameters=parameters, temperature=None, bytes_per_pixel=None, weights=None)
    _check_rebuilt(card, network)
    return Model(card, module=network.eval().requires_grad_(requires_grad=False))


def _prune(network: nn.Module, card: ModelCard, share: float) -> None:
    try:
        import torch_pruning
    except ModuleNotFoundError:
        raise OptionError('pruning needs another package: pip install "geoseg[compress]"') from None
    side = window_side(card, max(_SIDE, 2 * card.stride))
    example = torch.zeros(2, len(card.bands), side, side)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # The mappings are given because the library's defaults are shared between calls.
            torch_pruning.pruner.BasePruner(
                network, example, importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
                pruning_ratio=share, pruning_ratio_dict=_rounded(network, share),
                ignored_layers=[network.segmentation_head], in_channel_groups={}, out_channel_groups={},
            ).step()  # fmt: skip
            with torch.no_grad():
                network.eval()(example)
    except Exception as error:  # noqa: BLE001 - it raises what the network's own code makes it raise
        raise ModelError(
            f"model {card.name!r} ({_network(card)}) cannot be pruned: {one_line(error)[:200]}; teach a small network "
            "instead: --distil"
        ) from None


def _rounded(network: nn.Module, share: float) -> dict[nn.Module, float]:
    """Return for each layer the share to remove so that the nearest multiple of 8 channels is kept.

    (The library's own rounding is downwards: of 16 channels, a share of 0.1 would remove 8.)
    """
    shares: dict[nn.Module, float] = {}
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            count = layer.out_features if isinstance(layer, nn.Linear) else layer.out_channels
            kept = min(max(round(count * (1 - share) / _MULTIPLE), 1) * _MULTIPLE, count)
            shares[layer] = 1 - (kept + 0.5) / count  # half a channel more: the library rounds down
    return shares


def _check_rebuilt(card: ModelCard, network: nn.Module) -> None:
    """Check that card and weights alone give the same network."""
    rebuilt = build_architecture(card)
    try:
        rebuilt.load_state_dict(network.state_dict())
        x = torch.randn(1, len(card.bands), *[window_side(card, max(_SIDE, 2 * card.stride))] * 2)
        with torch.no_grad():
            same = torch.equal(rebuilt.eval()(x), network.eval()(x))
    except (RuntimeError, ValueError):
        same = False
    if not same:
        raise ModelError(
            f"model {card.name!r} ({_network(card)}) cannot be pruned: a model card cannot describe what remains of "
            "its layers; teach a small network instead: --distil"
        )


def _network(card: ModelCard) -> str:
    return f"{card.architecture} {card.hyperparameters.get('encoder')}"
