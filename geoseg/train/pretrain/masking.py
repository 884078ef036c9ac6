"""Windows with squares hidden, and the error of what a network fills in there.

Masked reconstruction (He et al. 2022, Masked autoencoders are scalable vision learners, arXiv 2111.06377; for
convolutional networks SimMIM, Xie et al. 2022, arXiv 2111.09886): hidden pixels are 0, the mean of their band.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from geoseg.train.data.samples import TrainingSample
from geoseg.train.semi.scenes import Unlabelled
from geoseg.train.semi.views import WithUnlabelled


class MaskedWindows:
    """Windows (bands, h, w) with squares hidden; the target is NaN where nothing is hidden, or nothing known.

    Number ``i`` is the same on every machine.

    Parameters
    ----------
    scenes
        Where windows are drawn.
    window, patch
        Sides of windows and of hidden squares, in pixels.
    masked
        Share of the squares that is hidden.
    zoom
        Windows differ in scale by up to this factor.
    seed
        Random seed.
    """

    def __init__(self, scenes: Unlabelled, *, window: int, patch: int, masked: float, zoom: float, seed: int) -> None:
        self._views = WithUnlabelled(self, scenes, scenes.sampler(window, zoom), seed)
        self.patch, self.masked, self.seed = patch, masked, seed

    def __getitem__(self, number: int) -> TrainingSample:
        pair = self._views.pair(number)
        rng = np.random.default_rng((self.seed, number, 2))
        hidden = random_squares(pair.valid.shape[-1], self.patch, self.masked, rng)
        known = torch.from_numpy(hidden) & pair.valid
        x = pair.weak * ~known
        return TrainingSample(x, pair.weak.masked_fill(~known, float("nan")), (0, 0, 0))


def random_squares(
    side: int, patch: int, share: float, rng: np.random.Generator
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Return a mask (side, side) of squares of a lattice, so many that about ``share`` of them are True."""
    count = -(-side // patch)
    chosen = np.zeros(count * count, np.bool_)
    chosen[rng.permutation(count * count)[: max(round(share * count * count), 1)]] = True
    grid = chosen.reshape(count, count)
    return np.repeat(np.repeat(grid, patch, 0), patch, 1)[:side, :side]


class Reconstruction(nn.Module):
    """Mean Huber loss of what is filled in (N, bands, h, w), where the target is not NaN.

    In the network's input, whose bands have deviation 1: clouds and glints, far from the mean, count by their distance
    only, not its square.
    """

    def forward(self, filled: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the loss; 0 if nothing is known."""
        known = torch.isfinite(target)
        if not bool(known.any()):
            return filled.sum() * 0.0
        return nn.functional.huber_loss(filled.float()[known], target[known])
