"""Training of the network, with batch normalisation that is folded into its convolutions afterwards."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from geoseg.models.networks.green import CLASS_COUNT, GreenNet
from green.disturb import Draw, black_out, crop, flood, recolour

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from green.crowns import Labels


@dataclass(frozen=True)
class Recipe:
    """How the network is trained."""

    steps: int = 9000
    batch: int = 8
    side: int = 128
    rate: float = 4e-3
    decay: float = 0.02
    averaging: float = 0.99
    dice: float = 0.3
    index: float = 4.0


def with_norms(net: GreenNet) -> GreenNet:
    """Put a batch normalisation behind the convolutions."""
    for module in list(net.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d) and child not in (net.head, net.pixel, net.around):
                setattr(module, name, nn.Sequential(child, nn.BatchNorm2d(child.out_channels)))
    return net


def folded(net: GreenNet) -> GreenNet:
    """Return a copy of a network of :func:`with_norms` without its normalisations, which predicts the same."""
    net = copy.deepcopy(net).eval()
    for module in list(net.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Sequential):
                setattr(module, name, fuse_conv_bn_eval(child[0], child[1]))
    net.head.weight = nn.Parameter(net.head.weight[:CLASS_COUNT])
    net.head.bias = nn.Parameter(net.head.bias[:CLASS_COUNT])
    net.head.out_channels = CLASS_COUNT
    return net


def train(
    images: NDArray[np.uint8],
    labels: Labels,
    tiles: NDArray[np.integer],
    recipe: Recipe,
    seed: int,
    *,
    start: GreenNet | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> GreenNet:
    """Return a trained network with its normalisations, in eval mode.

    Parameters
    ----------
    images
        (tiles, 3 or 4, side, side).
    labels
        Of all images.
    tiles
        Those to learn from.
    start
        A network with normalisations to begin with; random weights if None.
    """
    torch.manual_seed(seed)
    draw = Draw(seed)
    net = with_norms(GreenNet(images.shape[1], classes=CLASS_COUNT + 1)) if start is None else copy.deepcopy(start)
    net = net.to(memory_format=torch.channels_last).train()
    pictures = torch.from_numpy(images[tiles])
    parts = (labels.classes, labels.weights, labels.index)
    layers = torch.stack([torch.from_numpy(part[tiles]).float() for part in parts], 1)
    return fitted(
        net, lambda: _batch(pictures, layers, recipe, draw), lambda out, *truth: _loss(out, *truth, recipe), recipe,
        say=say,
    )  # fmt: skip


def fitted(
    net: GreenNet,
    batch: Callable[[], Sequence[torch.Tensor]],
    loss_of: Callable[..., torch.Tensor],
    recipe: Recipe,
    *,
    say: Callable[[str], None],
) -> GreenNet:
    """Train a network, and return the average of its weights in eval mode.

    Parameters
    ----------
    batch
        Returns pictures, and what is true of them.
    loss_of
        Given the network's answers and what is true, returns the loss.
    """
    average = copy.deepcopy(net)
    optimizer = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, recipe.steps, pct_start=0.1)
    losses = []
    for step in range(recipe.steps):
        x, *truth = batch()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = net(x)
        loss = loss_of(outputs.float(), *truth)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        follow(average, net, min(recipe.averaging, (step + 1) / (step + 10)))
        losses.append(loss.item())
        if step % 50 == 49:
            say(f"step {step + 1}: loss {np.mean(losses[-50:]):.4f}")
    return average.eval()


def _batch(pictures: torch.Tensor, layers: torch.Tensor, recipe: Recipe, draw: Draw) -> list[torch.Tensor]:
    batch = []
    for _ in range(recipe.batch):
        tile = draw.integer(len(pictures))
        picture, drawn = (part.clone() for part in crop(pictures[tile].float() / 255, layers[tile], recipe.side, draw))
        if draw.chance(0.1):
            flood(picture, drawn, draw)
        label, weight, index = drawn
        picture = recolour(picture, draw)
        if draw.chance(0.05):
            black_out(picture, weight, draw)
        batch.append((picture, label.long(), weight, index))
    x, *rest = (torch.stack(parts) for parts in zip(*batch, strict=True))
    return [x.contiguous(memory_format=torch.channels_last), *rest]


def _loss(
    outputs: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, index: torch.Tensor, recipe: Recipe
) -> torch.Tensor:
    """Return weighted cross entropy, plus the classes' Dice loss and the error of the vegetation index.

    Parameters
    ----------
    outputs
        Logits of the classes, then the index (NDVI) as the network guesses it.
    """
    logits = outputs[:, :CLASS_COUNT]
    entropy = (F.cross_entropy(logits, labels, reduction="none") * weights).sum() / weights.sum()
    truth = F.one_hot(labels, CLASS_COUNT).permute(0, 3, 1, 2) * weights[:, None]
    shares = logits.softmax(1)
    sums = (truth + shares * weights[:, None]).sum((0, 2, 3))
    dice = 1 - (2 * (truth * shares).sum((0, 2, 3)) / sums.clamp(min=1)).mean()
    error = ((outputs[:, CLASS_COUNT] - index).abs() * (weights > 0)).mean()
    return entropy + recipe.dice * dice + recipe.index * error


def follow(average: GreenNet, net: GreenNet, keep: float) -> None:
    """Move an average of weights and statistics towards a network."""
    with torch.no_grad():
        for mean, value in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - keep)


def sharpened(net: GreenNet, temperature: float) -> GreenNet:
    """Return a copy of a network that divides its logits by a temperature."""
    net = copy.deepcopy(net)
    with torch.no_grad():
        net.head.weight /= temperature
        net.head.bias /= temperature
    return net


@torch.inference_mode()
def predict(net: GreenNet, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the logits (tiles, classes, h, w) of whole tiles."""
    parts = [net(torch.from_numpy(images[i : i + 8]).float() / 255).numpy() for i in range(0, len(images), 8)]
    return np.concatenate(parts)
