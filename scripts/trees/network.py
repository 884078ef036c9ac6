"""Training of the network, and its answers on whole tiles."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import green.network
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from green.data import OTHER, TREE
from green.disturb import Draw, black_out, crop, flood, recolour
from green.network import fitted, folded, with_norms
from torch import nn

from geoseg.models.networks.green import WIDTHS, GreenNet, TreeNet

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Crowns, middles, and the vegetation index as the network guesses it, which is left out in the end.
_OUTPUTS = 3


@dataclass(frozen=True)
class Recipe(green.network.Recipe):
    """How the network is trained."""

    steps: int = 4000
    averaging: float = 0.995
    index: float = 2.0
    middle: float = 4.0
    whole: float = 0.7


def train(
    images: NDArray[np.uint8],
    layers: NDArray[np.float32],
    tiles: NDArray[np.integer],
    recipe: Recipe,
    seed: int,
    *,
    say: Callable[[str], None] = lambda _: None,
) -> TreeNet:
    """Return a trained network in eval mode; a logit of 0 is a middle that is as likely as not.

    Parameters
    ----------
    images
        (tiles, 3 or 4, side, side).
    layers
        Of all images, see :func:`trees.labels.layers_of`.
    tiles
        Those to learn from.
    """
    torch.manual_seed(seed)
    draw = Draw(seed)
    net = with_norms(GreenNet(images.shape[1], WIDTHS, classes=_OUTPUTS)).to(memory_format=torch.channels_last).train()
    pictures, drawn_from = torch.from_numpy(images[tiles]), torch.from_numpy(layers[tiles])
    average = fitted(
        net, lambda: _batch(pictures, drawn_from, recipe, draw), lambda out, truth: _loss(out, truth, recipe), recipe,
        say=say,
    )  # fmt: skip
    return _finished(average, images.shape[1])


def _finished(net: GreenNet, bands: int) -> TreeNet:
    """Return a network with the maps of crowns and middles, normalisations folded into them."""
    maps, result = folded(net), TreeNet(bands)
    maps.head.weight, maps.head.bias = nn.Parameter(maps.head.weight[:2]), nn.Parameter(maps.head.bias[:2])
    result.maps.load_state_dict(maps.state_dict())
    return result.eval()


def _batch(
    pictures: torch.Tensor, layers: torch.Tensor, recipe: Recipe, draw: Draw
) -> tuple[torch.Tensor, torch.Tensor]:
    xs, truths = [], []
    for _ in range(recipe.batch):
        tile = draw.integer(len(pictures))
        picture, drawn = (
            part.clone() for part in crop(pictures[tile].float() / 255, layers[tile], recipe.side, draw, recipe.whole)
        )
        if draw.chance(0.1):
            flood(picture, drawn[:3], draw)
            drawn[3] *= drawn[0] != OTHER
        picture = recolour(picture, draw)
        if draw.chance(0.05):
            black_out(picture, drawn[1], draw)
        xs.append(picture)
        truths.append(drawn)
    return torch.stack(xs).contiguous(memory_format=torch.channels_last), torch.stack(truths)


def _loss(outputs: torch.Tensor, truth: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """Return the entropies of crowns and middles, the crowns' Dice loss, and the error of the vegetation index."""
    crown, heat, guess = outputs.unbind(1)
    classes, weights, index, near = truth.unbind(1)
    tree = (classes == TREE).float()
    seen = (weights > 0).float()
    entropy = (F.binary_cross_entropy_with_logits(crown, tree, reduction="none") * weights).sum() / weights.sum()
    share = crown.sigmoid()
    dice = 1 - 2 * (share * tree * weights).sum() / ((share + tree) * weights).sum().clamp(min=1)
    middle = F.binary_cross_entropy_with_logits(heat, near, reduction="none") * seen * (1 + 2 * near)
    error = ((guess - index).abs() * seen).mean()
    return entropy + recipe.dice * dice + recipe.middle * middle.mean() + recipe.index * error


def calibrated(net: TreeNet, threshold: float, slope: float) -> TreeNet:
    """Return a copy whose trees are the maxima above a threshold, with ``slope`` times the distance to it as logits."""
    net = copy.deepcopy(net)
    with torch.no_grad():
        head = net.maps.head
        head.weight[1] *= slope
        head.bias[1] = (head.bias[1] - threshold) * slope
    return net
