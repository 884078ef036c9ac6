"""Two views of an unlabelled window: the teacher sees the weak one, the student the strong one.

Both have the same flips, rotation and scale, so that a pixel of one is the same pixel of the other. The strong view
differs as scenes do: gain and offset of each band (illumination, haze), noise, now and then a missing band. A rectangle
in which another window of the batch is pasted (CutMix, Yun et al. 2019, arXiv 1905.04899; for segmentation French et
al. 2020, arXiv 1906.01916) is drawn with it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from geoseg.train.data.augment import add_noise, dihedral, drop_band, random_gain, random_offset
from geoseg.train.data.samples import Samples, TrainingSample, ViewPair, resized

if TYPE_CHECKING:
    from geoseg.train.data.windows import WindowSampler
    from geoseg.train.semi.scenes import Unlabelled

# Draws until a window without any valid pixel is accepted.
_DRAWS = 8

# Gain and offset are twice, noise is as strong as in the augmentation of labelled windows.
_GAIN, _OFFSET, _NOISE = 0.4, 0.4, 0.1
_NOISE_CHANCE, _DROP_CHANCE = 0.5, 0.1

# Share of the window that is pasted from another one.
_PASTED = 0.5


def strong_view(
    x: torch.Tensor, valid: torch.Tensor, generator: torch.Generator, *, strength: float = 1.0
) -> torch.Tensor:
    """Return a window (C, h, w) as it may look to another sensor on another day; pixels stay where they are.

    Below a ``strength`` of 1 gain, offset and noise are smaller, and no band is missing.
    """
    x = random_gain(x, _GAIN * strength, generator)
    x = random_offset(x, valid, _OFFSET * strength, generator)
    chance = torch.rand((2,), generator=generator)
    if chance[0] < _NOISE_CHANCE:
        x = add_noise(x, valid, _NOISE * strength, generator)
    if chance[1] < _DROP_CHANCE and len(x) > 2 and strength >= 1:
        x = drop_band(x, generator)
    return (x * valid).contiguous()


def random_rectangle(side: int, generator: torch.Generator) -> torch.Tensor:
    """Return a mask (side, side), True in a rectangle of half the area at a random place."""
    stretch = math.exp((float(torch.rand((1,), generator=generator)) - 0.5) * math.log(1 / _PASTED))
    height = min(max(round(side * math.sqrt(_PASTED) * stretch), 1), side)
    width = min(max(round(side * side * _PASTED / height), 1), side)
    row, col = (int(torch.randint(side - n + 1, (1,), generator=generator)) for n in (height, width))
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[row : row + height, col : col + width] = True
    return mask


class WithUnlabelled:
    """Training windows, each together with two views of a window of unlabelled scenes.

    Number ``i`` is the same in every process and on every machine, as of the labelled windows alone.

    Parameters
    ----------
    labelled
        Training windows with labels.
    unlabelled
        The unlabelled scenes.
    sampler
        Draws locations in them.
    seed
        Random seed.
    """

    def __init__(self, labelled: Samples, unlabelled: Unlabelled, sampler: WindowSampler, seed: int) -> None:
        self.labelled, self.scenes, self.sampler, self.seed = labelled, unlabelled.scenes, sampler, seed

    def __getitem__(self, number: int) -> TrainingSample:
        return self.labelled[number]._replace(pair=self.pair(number))

    def pair(self, number: int) -> ViewPair:
        """Return the two views that go with sample ``number``."""
        rng = np.random.default_rng((self.seed, number, 1))
        for _ in range(_DRAWS):
            image, box = self.sampler.draw(rng)
            x, valid = self.scenes[image].read(box)
            if valid.any():
                break
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        side = self.sampler.window
        nothing = torch.zeros(valid.shape, dtype=torch.uint8)
        weak, _, mask = resized(torch.from_numpy(x), nothing, torch.from_numpy(valid), side)
        kind = int(torch.randint(8, (1,), generator=generator))
        weak, mask = dihedral(weak, kind).contiguous(), dihedral(mask, kind).contiguous()
        return ViewPair(weak, strong_view(weak, mask, generator), mask, random_rectangle(side, generator))
