"""Training of the network on single pixels drawn from all tiles.

The features of :class:`geoseg.models.networks.landcover.Pyramid` have no weights, so they are computed once; a batch is
then thousands of pixels from everywhere instead of a few tiles full of similar neighbours, which trains ten times as
fast. Augmentation (gain, offset, haze, lost bands) turns the stored logarithms back into reflectance, and is applied
before the ratios are taken.

The exported network has a few more units, which are not learned but set: see :mod:`landcover.guards`.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import nn

from geoseg.models.networks.landcover import (
    CLASS_COUNT,
    DEVIATIONS,
    LEVEL_FEATURES,
    LEVELS,
    MEANS,
    PAIRS,
    LandcoverNet,
    Pyramid,
    differences,
    double,
    soft_exp,
    soft_log,
)
from landcover import guards
from landcover.data import CLASS_NAMES, trusted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from landcover.data import Tiles

_LEVEL_COUNT = len(LEVELS)
_HAZE = torch.tensor([1.0, 0.75, 0.55, 0.3, 0.1, 0.05])  # per band: scattering decreases with wavelength
_WIDE = 3  # number of levels with cells of 8 pixels and more
_CENTRE = 2.6  # typical soft_log over land


@dataclass(frozen=True)
class Recipe:
    """Hyperparameters of network and training; the card records them.

    Attributes
    ----------
    width, decide, context
        Learned units of the layers of :class:`~geoseg.models.networks.landcover.LandcoverNet`; the guards come on top.
    narrow
        Rank of the connection from the wide surroundings to the pixel.
    steps, batch, rate, decay, averaging
        Steps, pixels per step, peak learning rate, weight decay, and decay of the running average of the weights, which
        is the result. Dropout and label smoothing lowered the scores and are not used.
    balance
        Class weights are ``frequency ** -balance``: 0 keeps the frequencies, 1 balances them fully.
    gain, band_gain, offset, haze
        Standard deviations of the logarithmic gain common to all bands and of each band's own, and of the reflectance
        added to single bands and, decreasing with wavelength, to all.
    lost_band
        Probability that one of a pixel's bands is replaced by its neighbour.
    zoomed
        Share of pixels from tiles magnified two or three times, as sensors of 10 to 15 m see them.
    strange
        Probability that a pixel gets the wide surroundings of another, so that the near ones must suffice.
    doubted
        Weight of labels that the image contradicts, see :func:`~landcover.data.trusted`: 0 ignores them, 1 treats them
        like others.
    """

    width: int = 64
    decide: int = 40
    context: int = 256
    narrow: int = 48
    steps: int = 2000
    batch: int = 4096
    rate: float = 5e-3
    decay: float = 0.005
    averaging: float = 0.995
    balance: float = 0.35
    gain: float = 0.05
    band_gain: float = 0.015
    offset: float = 0.001
    haze: float = 0.0015
    lost_band: float = 0.01
    zoomed: float = 0.3
    strange: float = 0.4
    doubted: float = 0.3


@dataclass(frozen=True)
class Pixels:
    """Pixels of all tiles, with their features.

    Attributes
    ----------
    features
        (tiles, pixels, features) float16, see :func:`pixel_features`.
    labels
        (tiles, pixels) int64, 255 where unknown.
    trust
        (tiles, pixels) bool: false where the image contradicts the label, see :func:`~landcover.data.trusted`.
    """

    features: torch.Tensor
    labels: torch.Tensor
    trust: torch.Tensor


def magnify(images: NDArray[np.float32], zoom: int) -> NDArray[np.float32]:
    """Magnify images (n, bands, h, w) by bicubic interpolation."""
    return F.interpolate(torch.from_numpy(images), scale_factor=zoom, mode="bicubic", align_corners=False).numpy()


@torch.inference_mode()
def describe(tiles: Tiles, zoom: int = 1, *, seed: int = 0, count: int = 1024) -> Pixels:
    """Compute the features of every tile, magnified ``zoom`` times; of magnified tiles, of ``count`` random pixels."""
    pyramid = Pyramid()
    generator = np.random.default_rng(seed)
    features, labels, trust = [], [], []
    for image, label in zip(tiles.images, tiles.labels, strict=True):
        pixels = torch.from_numpy(image)[None]
        classes = torch.from_numpy(label)
        if zoom > 1:
            pixels = torch.from_numpy(magnify(image[None], zoom))
            classes = classes.repeat_interleave(zoom, 0).repeat_interleave(zoom, 1)
        consistent = torch.from_numpy(trusted(classes.numpy(), pixels[0].numpy())) == classes
        flat, targets = pixel_features(pyramid, pixels), classes[::2, ::2].flatten()
        chosen = torch.arange(len(targets))
        if zoom > 1:
            chosen = torch.from_numpy(np.sort(generator.choice(len(targets), count, replace=False)))
        features.append(flat[chosen].half())
        labels.append(targets[chosen].long())
        trust.append(consistent[::2, ::2].flatten()[chosen])
    return Pixels(torch.stack(features), torch.stack(labels), torch.stack(trust))


def pixel_features(pyramid: Pyramid, reflectance: torch.Tensor) -> torch.Tensor:
    """Return the features (cells, features) of the upper left pixel of each cell of 2 × 2 pixels.

    Logarithms of the bands, then means and standard deviations of every level, upsampled to half the resolution as in
    :class:`~geoseg.models.networks.landcover.LandcoverNet`. :class:`PixelNet` computes the nonlinear features.

    Parameters
    ----------
    pyramid
        The fixed features of the network.
    reflectance
        One image (1, 6, h, w), h and w multiples of 16.
    """
    quarters, levels = pyramid(reflectance)
    stack = [quarters[0].permute(0, 3, 1, 2)]
    for level, moments in zip(LEVELS, levels, strict=True):
        values = torch.cat(moments, 1)
        for _ in range(level.bit_length() - 2):
            values = double(values)
        stack.append(values)
    return torch.cat(stack, 1)[0].flatten(1).T


class PixelNet(nn.Module):
    """The network on features of single pixels, with batch normalisation; :meth:`export` folds it away."""

    def __init__(self, recipe: Recipe, names: Sequence[str] = CLASS_NAMES) -> None:
        super().__init__()
        self.recipe, self.names = recipe, tuple(names)
        self.minus = differences(PAIRS, 0.5).T
        self.around = nn.Linear(LEVEL_FEATURES * (_LEVEL_COUNT - 1), recipe.context, bias=False)
        self.around_norm = nn.BatchNorm1d(recipe.context)
        self.bring = nn.Linear(recipe.context, recipe.narrow, bias=False)
        self.hidden = nn.Linear(MEANS + LEVEL_FEATURES + recipe.narrow, recipe.width, bias=False)
        self.hidden_norm = nn.BatchNorm1d(recipe.width)
        self.decide = nn.Linear(recipe.width, recipe.decide, bias=False)
        self.decide_norm = nn.BatchNorm1d(recipe.decide)
        self.head = nn.Linear(recipe.decide, len(self.names))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return logits (pixels, classes) of features (pixels, features)."""
        levels = features[:, MEANS:].reshape(len(features), _LEVEL_COUNT, -1)
        logs = torch.cat([features[:, None, :MEANS], levels[:, :, :MEANS]], 1)
        if self.training:
            logs = self._disturb(logs)
            logs, levels = self._exchange_surroundings(logs, levels)
        # The constants scale features to about unit variance, so that weight decay treats them alike.
        pixel = 0.7 * (logs[:, 0] - _CENTRE)
        means = torch.cat([2.0 * torch.tanh(logs[:, 1:] @ self.minus), 0.7 * (logs[:, 1:] - _CENTRE)], -1)
        described = torch.cat([means, 4.0 * levels[:, :, MEANS:]], 2)
        around = self.bring(F.relu(self.around_norm(self.around(described[:, 1:].flatten(1)))))
        hidden = F.relu(self.hidden_norm(self.hidden(torch.cat([pixel, described[:, 0], around], 1))))
        return self.head(F.relu(self.decide_norm(self.decide(hidden))))  # type: ignore[no-any-return]

    def _exchange_surroundings(self, logs: torch.Tensor, levels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        count = len(logs)
        source = torch.where(
            torch.rand(count) < self.recipe.strange, torch.randint(count, (count,)), torch.arange(count)
        )
        return torch.cat([logs[:, :-_WIDE], logs[source, -_WIDE:]], 1), torch.cat(
            [levels[:, :-_WIDE], levels[source, -_WIDE:]], 1
        )

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
        """Return the network on images, with the normalisations folded into its weights.

        Guards are added. Its logits are otherwise the same but for one approximation: in wide surroundings it
        interpolates normalised differences, not the means they are computed from, since it evaluates those levels at a
        lower resolution.
        """
        recipe = self.recipe
        net = LandcoverNet(recipe.width + guards.HIDDEN, recipe.decide + guards.DECIDE, recipe.context, len(self.names))
        pairs = len(PAIRS)
        scale = torch.cat([torch.full((pairs,), 2.0), torch.full((MEANS,), 0.7), torch.full((DEVIATIONS,), 4.0)])
        shift = torch.cat([torch.zeros(pairs), torch.full((MEANS,), -0.7 * _CENTRE), torch.zeros(DEVIATIONS)])
        with torch.no_grad():
            gain, bias = _folded(self.hidden_norm)
            own, near, around = (self.hidden.weight * gain[:, None]).split([MEANS, LEVEL_FEATURES, recipe.narrow], 1)
            _set(net.bring, around @ self.bring.weight)
            _set(net.near, near * scale, bias + near @ shift - 0.7 * _CENTRE * own.sum(1))
            _set(net.pixel, 0.7 * own)
            gain, bias = _folded(self.around_norm)
            parts = (self.around.weight * gain[:, None]).chunk(_LEVEL_COUNT - 1, 1)
            for index, (layer, part) in enumerate(zip(net.around, parts, strict=True)):
                total = bias + sum((p @ shift for p in parts), torch.zeros_like(bias))
                _set(layer, part * scale, total if index == 0 else None)
            gain, bias = _folded(self.decide_norm)
            _set(net.decide, self.decide.weight * gain[:, None], bias)
            _set(net.head, self.head.weight, self.head.bias)
        guards.install(net, self.names)
        return net.eval()


def _folded(norm: nn.BatchNorm1d) -> tuple[torch.Tensor, torch.Tensor]:
    assert norm.running_var is not None
    assert norm.running_mean is not None
    gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return gain, norm.bias - norm.running_mean * gain


def _set(layer: nn.Module, weight: torch.Tensor, bias: torch.Tensor | None = None) -> None:
    """Set the first weights of a layer, as many as are given."""
    layer.weight[: len(weight), : weight.shape[1]] = weight  # type: ignore[index, operator]
    if bias is not None:
        layer.bias[: len(bias)] = bias  # type: ignore[index, operator]


def frequencies(labels: torch.Tensor, count: int = CLASS_COUNT) -> torch.Tensor:
    """Return the share of each of ``count`` classes in the known labels, 0.002 at least."""
    shares = torch.bincount(labels[labels < count], minlength=count).float()
    return (shares / shares.sum()).clamp(min=0.002)


def train(
    zooms: Sequence[Pixels], tiles: NDArray[np.int64], recipe: Recipe, seed: int, names: Sequence[str] = CLASS_NAMES
) -> PixelNet:
    """Train on the given tiles.

    Parameters
    ----------
    zooms
        Pixels of all tiles at their own scale, then magnified.
    tiles
        Numbers of the tiles to train on.
    recipe, seed
        Hyperparameters and random seed; equal ones give the same network.
    names
        Classes by number.
    """
    torch.manual_seed(seed)
    net = PixelNet(recipe, names)
    chosen = torch.from_numpy(tiles)
    frequency = frequencies(zooms[0].labels[chosen], len(names))
    weight = frequency**-recipe.balance
    weight = weight / (weight * frequency).sum()
    optimizer = torch.optim.AdamW(net.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.rate, recipe.steps, pct_start=0.1)
    average = copy.deepcopy(net)
    net.train()
    zoomed = int(recipe.batch * recipe.zoomed / max(1, len(zooms) - 1)) if len(zooms) > 1 else 0
    counts = [recipe.batch - zoomed * (len(zooms) - 1)] + [zoomed] * (len(zooms) - 1)
    for step in range(recipe.steps):
        features, labels, trust = [], [], []
        for pixels, count in zip(zooms, counts, strict=True):
            tile = chosen[torch.randint(len(chosen), (count,))]
            pixel = torch.randint(pixels.labels.shape[1], (count,))
            features.append(pixels.features[tile, pixel])
            labels.append(pixels.labels[tile, pixel])
            trust.append(torch.where(pixels.trust[tile, pixel], 1.0, recipe.doubted))
        loss = _loss(net(torch.cat(features).float()), torch.cat(labels), weight, torch.cat(trust))
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


def _loss(logits: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor, trust: torch.Tensor) -> torch.Tensor:
    """Return the mean cross entropy of known labels, weighted by class and by trust in the label."""
    count = logits.shape[1]
    losses = F.cross_entropy(logits, labels.clamp(max=count - 1), weight, reduction="none")
    known = trust * (labels < count)
    return (losses * known).sum() / known.sum()


@torch.inference_mode()
def logits(net: LandcoverNet, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the logits (tiles, classes, h, w) of whole tiles."""
    return np.concatenate([net(torch.from_numpy(images[i : i + 8])).numpy() for i in range(0, len(images), 8)])


def classify(net: LandcoverNet, images: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the classes (tiles, h, w) of whole tiles."""
    return logits(net, images).argmax(1).astype(np.uint8)
