"""Training of the network on scattered pixels.

The features of :class:`geoseg.models.landcover.Pyramid` need no learning, so they are computed once; then a batch is
thousands of pixels from everywhere instead of a few tiles full of alike neighbours. That trains an order of magnitude
faster than whole windows do. Gain, offset, haze and lost bands are put on the stored logarithms, in reflectance, before
the ratios are taken.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

from geoseg.models.landcover import (
    CLASS_COUNT,
    LEVEL_FEATURES,
    LEVELS,
    PAIRS,
    PIXEL_FEATURES,
    LandcoverNet,
    Pyramid,
    double,
    soft_exp,
    soft_log,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from landcover.data import Tiles

_FIRST = [i for i, _ in PAIRS]
_SECOND = [j for _, j in PAIRS]
_LEVEL_COUNT = len(LEVELS)
_HAZE = torch.tensor([1.0, 0.75, 0.55, 0.3, 0.1, 0.05])  # scattering falls with wavelength


@dataclass(frozen=True)
class Recipe:
    """Numbers of the training.

    Attributes
    ----------
    width, decide, context
        Size of the network, see :class:`~geoseg.models.landcover.LandcoverNet`.
    steps, batch, rate, decay, dropout, smoothing, averaging
        Steps, pixels per step, highest learning rate, weight decay, dropout, label smoothing, and the decay of the
        running average of weights, which is what is kept.
    balance
        Classes weigh ``frequency ** -balance``: 0 follows the prior, 1 is fully balanced.
    gain, band_gain, offset, haze
        Standard deviations of the common and the bands' own logarithmic gain, and of reflectance added to single
        bands and, falling with wavelength, to all.
    lost_band
        Probability that a pixel's band is replaced by its neighbour.
    zoomed
        Share of pixels from tiles magnified two or three times, as sensors of 10 to 15 m see them.
    """

    width: int = 64
    decide: int = 40
    context: int = 128
    steps: int = 1000
    batch: int = 8192
    rate: float = 6e-3
    decay: float = 0.02
    dropout: float = 0.05
    smoothing: float = 0.02
    averaging: float = 0.99
    balance: float = 0.35
    gain: float = 0.08
    band_gain: float = 0.025
    offset: float = 0.0015
    haze: float = 0.003
    lost_band: float = 0.03
    zoomed: float = 0.15


@dataclass(frozen=True)
class Pixels:
    """Features and labels of scattered pixels: (tiles, pixels, features) float16 and (tiles, pixels) int64."""

    features: torch.Tensor
    labels: torch.Tensor


@torch.inference_mode()
def describe(tiles: Tiles, zoom: int = 1, *, seed: int = 0, count: int = 4096) -> Pixels:
    """Compute the features of ``count`` pixels of every tile, magnified ``zoom`` times.

    Each level's features are interpolated as the network does; the nonlinear ones are taken by :class:`PixelNet`.
    """
    pyramid = Pyramid()
    generator = np.random.default_rng(seed)
    features, labels = [], []
    for image, label in zip(tiles.images, tiles.labels, strict=True):
        pixels = torch.from_numpy(image)[None]
        classes = torch.from_numpy(label)
        if zoom > 1:
            pixels = F.interpolate(pixels, scale_factor=zoom, mode="bicubic", align_corners=False)
            classes = classes.repeat_interleave(zoom, 0).repeat_interleave(zoom, 1)
        logs, levels = pyramid(pixels)
        stack = [logs]
        for level, moments in zip(LEVELS, levels, strict=True):
            values = torch.cat(moments, 1)
            for _ in range(level.bit_length() - 1):
                values = double(values)
            stack.append(values)
        flat = torch.cat(stack, 1)[0].flatten(1)
        if zoom == 1:  # every second row and column: the whole tile, evenly
            side = classes.shape[0]
            chosen = torch.arange(side * side).reshape(side, side)[::2, ::2].flatten()
        else:
            chosen = torch.from_numpy(np.sort(generator.choice(flat.shape[1], count, replace=False)))
        features.append(flat[:, chosen].T.half())
        labels.append(classes.flatten()[chosen].long())
    return Pixels(torch.stack(features), torch.stack(labels))


class PixelNet(nn.Module):
    """The network on single pixels' features, with normalisation while it learns; :meth:`export` folds it away."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.recipe = recipe
        self.pixel = nn.Linear(PIXEL_FEATURES, recipe.width, bias=False)
        self.near = nn.Linear(LEVEL_FEATURES, recipe.width, bias=False)
        self.far = nn.Linear(LEVEL_FEATURES * (_LEVEL_COUNT - 1), recipe.context, bias=False)
        self.far_norm = nn.BatchNorm1d(recipe.context)
        self.bring = nn.Linear(recipe.context, recipe.width, bias=False)
        self.norm = nn.BatchNorm1d(recipe.width)
        self.decide = nn.Linear(recipe.width, recipe.decide, bias=False)
        self.decide_norm = nn.BatchNorm1d(recipe.decide)
        self.head = nn.Linear(recipe.decide, CLASS_COUNT)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits (pixels, classes) of features (pixels, features)."""
        levels = features[:, 6:].reshape(len(features), _LEVEL_COUNT, -1)
        logs = torch.cat([features[:, None, :6], levels[:, :, :6]], 1)
        if self.training:
            logs = self._disturb(logs)
        ratios = torch.tanh((logs[:, :, _FIRST] - logs[:, :, _SECOND]) * 0.5)
        described = torch.cat([2.0 * ratios, 0.7 * (logs + 2.0)], 2)
        # The constants bring features near unit deviation, so that weight decay treats them alike.
        around = torch.cat([described[:, 1:], 4.0 * levels[:, :, 6:]], 2)
        far = F.relu(self.far_norm(self.far(around[:, 1:].flatten(1))))
        hidden = self.pixel(described[:, 0]) + self.near(around[:, 0]) + self.bring(self._drop(far))
        hidden = self._drop(F.relu(self.norm(hidden)))
        return self.head(self._drop(F.relu(self.decide_norm(self.decide(hidden)))))  # type: ignore[no-any-return]

    def _drop(self, values: torch.Tensor) -> torch.Tensor:
        return F.dropout(values, self.recipe.dropout, self.training)

    def _disturb(self, logs: torch.Tensor) -> torch.Tensor:
        recipe, count = self.recipe, len(logs)
        values = soft_exp(logs)
        values = values * torch.exp(
            recipe.gain * torch.randn(count, 1, 1) + recipe.band_gain * torch.randn(count, 1, 6)
        )
        values = values + recipe.offset * torch.randn(count, 1, 6) + recipe.haze * torch.randn(count, 1, 1) * _HAZE
        lost = (torch.rand(count, 1, 1) < recipe.lost_band) & (torch.randint(6, (count, 1, 1)) == torch.arange(6))
        values = torch.where(lost, values[:, :, [1, 0, 1, 4, 5, 4]], values)
        return soft_log(values)

    def export(self) -> LandcoverNet:
        """Return the same function as a network on images."""
        recipe = self.recipe
        net = LandcoverNet(recipe.width, recipe.decide, recipe.context)
        scale = torch.cat([torch.full((len(PAIRS),), 2.0), torch.full((6,), 0.7)])
        shift = torch.cat([torch.zeros(len(PAIRS)), torch.full((6,), 1.4)])
        around_scale = torch.cat([scale, torch.full((LEVEL_FEATURES - PIXEL_FEATURES,), 4.0)])
        around_shift = torch.cat([shift, torch.zeros(LEVEL_FEATURES - PIXEL_FEATURES)])
        with torch.no_grad():
            gain, bias = _folded(self.norm)
            kernel = self.pixel.weight * gain[:, None]
            near = self.near.weight * gain[:, None]
            _set(net.pixel, kernel * scale, bias + kernel @ shift + near @ around_shift)
            _set(net.near, near * around_scale)
            _set(net.bring, self.bring.weight * gain[:, None])
            gain, bias = _folded(self.far_norm)
            parts = (self.far.weight * gain[:, None]).chunk(_LEVEL_COUNT - 1, 1)
            for index, (conv, part) in enumerate(zip(net.far, parts, strict=True)):
                total = bias + sum((p @ around_shift for p in parts), torch.zeros_like(bias))
                _set(conv, part * around_scale, total if index == 0 else None)
            gain, bias = _folded(self.decide_norm)
            _set(net.decide, self.decide.weight * gain[:, None], bias)
            _set(net.head, self.head.weight, self.head.bias)
        return net.eval()


def _folded(norm: nn.BatchNorm1d) -> tuple[torch.Tensor, torch.Tensor]:
    assert norm.running_var is not None
    assert norm.running_mean is not None
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return gain, norm.bias - norm.running_mean * gain


def _set(conv: nn.Module, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
    conv.weight.copy_(weight[:, :, None, None])  # type: ignore[operator]
    if bias is not None:
        conv.bias.copy_(bias)  # type: ignore[operator]


def train(zooms: Sequence[Pixels], tiles: NDArray[np.int64], recipe: Recipe, seed: int) -> PixelNet:
    """Train on the given tiles.

    Parameters
    ----------
    zooms
        Pixels of all tiles as they are, then magnified.
    tiles
        Numbers of the tiles to learn from; no other is looked at.
    recipe, seed
        Same numbers, same network.
    """
    torch.manual_seed(seed)
    net = PixelNet(recipe)
    chosen = torch.from_numpy(tiles)
    known = zooms[0].labels[chosen]
    frequency = torch.bincount(known[known < CLASS_COUNT], minlength=CLASS_COUNT).float()
    frequency = (frequency / frequency.sum()).clamp(min=0.002)
    weight = frequency**-recipe.balance
    weight = weight / (weight * frequency).sum()
    optimizer = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, recipe.steps, pct_start=0.1)
    average = copy.deepcopy(net)
    net.train()
    zoomed = int(recipe.batch * recipe.zoomed / max(1, len(zooms) - 1)) if len(zooms) > 1 else 0
    counts = [recipe.batch - zoomed * (len(zooms) - 1)] + [zoomed] * (len(zooms) - 1)
    for step in range(recipe.steps):
        features, labels = [], []
        for pixels, count in zip(zooms, counts, strict=True):
            tile = chosen[torch.randint(len(chosen), (count,))]
            pixel = torch.randint(pixels.labels.shape[1], (count,))
            features.append(pixels.features[tile, pixel])
            labels.append(pixels.labels[tile, pixel])
        target = torch.cat(labels)
        loss = F.cross_entropy(
            net(torch.cat(features).float()),
            torch.where(target < CLASS_COUNT, target, -100),
            weight=weight,
            label_smoothing=recipe.smoothing,
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        keep = min(recipe.averaging, (step + 1) / (step + 10))
        with torch.no_grad():
            for mean, value in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - keep)
    return average.eval()


@torch.inference_mode()
def classify(net: LandcoverNet, images: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Classes of whole tiles."""
    parts = [net(torch.from_numpy(images[i : i + 8])).argmax(1).byte().numpy() for i in range(0, len(images), 8)]
    return np.concatenate(parts)
