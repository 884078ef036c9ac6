"""Discriminators of output structure, which the network learns to deceive.

One tells label maps from predicted ones (Luc et al. 2016, arXiv 1611.08408); with unlabelled scenes another one tells
predictions on labelled images from predictions on these (Tsai et al. 2018, arXiv 1802.10349). Both see maps of classes
alone, never the image: what they find is structure, such as the size and shape of regions and what lies beside what.
Discriminators and network take their steps at once, from one sum of losses.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import nn

from geoseg.classes import NODATA
from geoseg.train.semi.teacher import rise

RATE = 3e-4
"""Maximum learning rate of discriminators."""

_CHANNELS = (32, 64, 128)

# Gradients of network and discriminators are clipped together, and those of the latter must not count. The steps of
# AdamW do not depend on the scale of a loss.
_FAINT = 1e-3


class Discriminator(nn.Module):
    """Maps of K classes (N, K, h, w) → logits (N, 1, h', w') of being of the first kind, one for each patch.

    Convolutions of stride 2 without normalisation, so that windows of a batch do not tell of one another.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip((classes, *_CHANNELS[:-1]), _CHANNELS, strict=True):
            layers += [nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(_CHANNELS[-1], 1, 3, 1, 1))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.layers(maps)  # type: ignore[no-any-return]

    def frozen(self, maps: torch.Tensor) -> torch.Tensor:
        """Return logits through which gradients reach the maps, but not the weights."""
        weights = {name: parameter.detach() for name, parameter in self.named_parameters()}
        logits: torch.Tensor = torch.func.functional_call(self, weights, (maps,))
        return logits


class Adversary(nn.Module):
    """The discriminators of a training.

    Parameters
    ----------
    classes
        Number of classes, K.
    weight
        Weight of the loss of being found out, beside that of labels; it rises as that of pseudo-labels.
    scenes
        Whether there are unlabelled scenes.
    """

    def __init__(self, classes: int, *, weight: float, scenes: bool) -> None:
        super().__init__()
        self.classes, self.weight = classes, weight
        self.of_maps = Discriminator(classes)
        self.of_scenes = Discriminator(classes) if scenes else None

    def against_labels(self, logits: torch.Tensor, labels: torch.Tensor, progress: float) -> torch.Tensor:
        """Return the loss of predictions that should look like labels, and of the discriminator.

        Parameters
        ----------
        logits
            (N, K, h, w).
        labels
            (N, h, w); unlabelled pixels are 0 in both maps.
        progress
            Share of the training that is done, 0…1.
        """
        known = (labels != NODATA)[:, None]
        drawn = F.one_hot(labels.masked_fill(~known[:, 0], 0), self.classes).permute(0, 3, 1, 2) * known
        return self._loss(self.of_maps, drawn.float(), logits.float().softmax(1) * known, progress)

    def across_scenes(
        self, labelled: tuple[torch.Tensor, torch.Tensor], other: tuple[torch.Tensor, torch.Tensor], progress: float
    ) -> torch.Tensor:
        """Return the loss of predictions on unlabelled scenes that should look like those on labelled images.

        ``labelled`` and ``other`` are logits (N, K, h, w) and validity (N, h, w) each.
        """
        assert self.of_scenes is not None
        here, there = (logits.float().softmax(1) * valid[:, None] for logits, valid in (labelled, other))
        return self._loss(self.of_scenes, here.detach(), there, progress)

    def _loss(self, judge: Discriminator, first: torch.Tensor, second: torch.Tensor, progress: float) -> torch.Tensor:
        """Return the loss of a discriminator, and that of the second kind of maps for not passing as the first."""
        if not len(first) or not len(second):
            return second.sum() * 0.0
        own = _ones(judge(first)) + _zeros(judge(second.detach()))
        deceiving = _ones(judge.frozen(second))
        return _FAINT * own + self.weight * rise(progress) * deceiving


def _ones(logits: torch.Tensor) -> torch.Tensor:
    return F.softplus(-logits.float()).mean()


def _zeros(logits: torch.Tensor) -> torch.Tensor:
    return F.softplus(logits.float()).mean()
