"""Data augmentation for any number of bands.

Libraries for photographs vary hue and contrast of three channels. Satellite images vary otherwise: illumination and
haze change gain and offset of each band, sensors lack bands, clouds hide parts. Each function takes the network's input
(C, h, w) and draws from a ``torch.Generator``; amounts are in standard deviations of the window's bands, so that they
suit any value scaling.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

from geoseg.classes import NODATA
from geoseg.models.card.inputs import Layout

ZOOM = 1.25
"""Largest change of scale at strength 1."""


def dihedral(tensor: torch.Tensor, kind: int) -> torch.Tensor:
    """Return one of the 8 flips and rotations of the last two axes, which must have one length; 0 is the identity."""
    tensor = torch.rot90(tensor, kind % 4, (-2, -1))
    return tensor.flip(-1) if kind >= 4 else tensor


def band_deviation(x: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return the standard deviation of each band over valid pixels, (C, 1, 1); 0 without any."""
    number = valid.sum().clamp(min=1)
    mean = (x * valid).sum((-2, -1), keepdim=True) / number
    return (((x - mean) * valid).square().sum((-2, -1), keepdim=True) / number).sqrt()


def random_gain(x: torch.Tensor, amount: float, generator: torch.Generator) -> torch.Tensor:
    """Multiply by a gain for all bands and one for each, both within ``1 ± amount / 2``."""
    common = 1 + amount * 0.5 * _uniform((1, 1, 1), generator)
    return x * common * (1 + amount * 0.5 * _uniform((len(x), 1, 1), generator))


def random_offset(x: torch.Tensor, valid: torch.Tensor, amount: float, generator: torch.Generator) -> torch.Tensor:
    """Add an offset for all bands and one for each, together at most ``amount`` standard deviations."""
    offset = _uniform((1, 1, 1), generator) + _uniform((len(x), 1, 1), generator)
    return x + amount * 0.5 * offset * band_deviation(x, valid)


def add_noise(x: torch.Tensor, valid: torch.Tensor, amount: float, generator: torch.Generator) -> torch.Tensor:
    """Add Gaussian noise of ``amount`` standard deviations."""
    return x + amount * band_deviation(x, valid) * torch.randn(x.shape, generator=generator)


def drop_band(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Set one band to 0, its mean after value scaling; never the only band."""
    if len(x) < 2:
        return x
    kept = torch.ones(len(x), 1, 1)
    kept[int(torch.randint(len(x), (1,), generator=generator))] = 0
    return x * kept


def add_cloud(
    x: torch.Tensor, y: torch.Tensor, valid: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Cover part of the window by a soft bright patch, and remove the labels that it hides.

    The patch is smooth noise above a threshold, as bright as the window's brightest pixel in every band.
    """
    coarse = torch.randn((1, 1, 4, 4), generator=generator)
    field = F.interpolate(coarse, x.shape[-2:], mode="bicubic", align_corners=True)[0, 0]
    threshold = 0.6 + 0.6 * torch.rand((1,), generator=generator)
    cover = ((field - threshold) * 3).clamp(0, 1) * 0.95
    shown = x * valid
    bright = shown.flatten(1).amax(1)[:, None, None]
    return x * (1 - cover) + bright * cover, torch.where(cover > 0.5, torch.full_like(y, NODATA), y)


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return torch.rand(shape, generator=generator) * 2 - 1


@dataclass(frozen=True)
class Augment:
    """All augmentations together.

    Attributes
    ----------
    strength
        0 for none, 1 is usual, at most 3.
    layout
        Slots of a model of several inputs: each varies on its own, and its validity and day do not.
    drop
        Chance that an optional slot is left out; one that has data in the window always stays.
    """

    strength: float = 1.0
    layout: tuple[Layout, ...] = ()
    drop: float = 0.0

    @property
    def zoom(self) -> float:
        """Largest factor by which a window's side differs before it is resampled."""
        return 1 + (ZOOM - 1) * min(self.strength, 2.0)

    def __call__(
        self, x: torch.Tensor, y: torch.Tensor, valid: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Augment a square window.

        Parameters
        ----------
        x
            (C, s, s) float32, the network's input.
        y
            (s, s) labels, or (1 + K, s, s) with soft targets below them.
        valid
            (s, s) bool; invalid pixels stay 0 and unlabelled.
        generator
            Source of random numbers.
        """
        if self.layout:
            x, y, valid = self._dropped(x, y, valid, generator)
        if not self.strength:
            return x, y
        kind = int(torch.randint(8, (1,), generator=generator))
        x, y, valid = (dihedral(tensor, kind) for tensor in (x, y, valid))
        if not self.layout:
            return self.values(x, y, valid, generator)
        x = x.clone()
        for slot in self.layout:
            # What a cloud hides here, other inputs may see: labels stay.
            seen = valid & (x[slot.valid] > 0)
            x[slot.data] = self._varied(x[slot.data], y, seen, generator)[0] * seen
        return (x * valid).contiguous(), y.masked_fill(~valid, NODATA).contiguous()

    def values(
        self, x: torch.Tensor, y: torch.Tensor, valid: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Change the values of a window, and leave pixels where they are; arguments as for a call."""
        if not self.strength:
            return x, y
        x, y = self._varied(x, y, valid, generator)
        return (x * valid).contiguous(), y.masked_fill(~valid, NODATA).contiguous()

    def _dropped(
        self, x: torch.Tensor, y: torch.Tensor, valid: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Leave slots out at random; pixels that none of the others has become invalid."""
        there = torch.tensor([bool((x[slot.valid] > 0).any()) for slot in self.layout])
        optional = torch.tensor([slot.optional for slot in self.layout])
        draw = torch.rand((len(self.layout),), generator=generator)
        gone = optional & there & (draw < self.drop)
        if bool(there.any()) and not bool((there & ~gone).any()):
            gone[int(torch.where(there, draw, -1.0).argmax())] = False
        if not bool(gone.any()):
            return x, y, valid
        x = x.clone()
        for slot, out in zip(self.layout, gone.tolist(), strict=True):
            if out:
                x[slot.start : slot.stop] = 0
        valid = valid & (torch.stack([x[slot.valid] for slot in self.layout]) > 0).any(0)
        return x * valid, y.masked_fill(~valid, NODATA), valid

    def _varied(
        self, x: torch.Tensor, y: torch.Tensor, valid: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Vary the values of a window as illumination, haze, noise and clouds do."""
        x = random_gain(x, 0.2 * self.strength, generator)
        x = random_offset(x, valid, 0.2 * self.strength, generator)
        chance = torch.rand((3,), generator=generator) / self.strength
        if chance[0] < 0.3:
            x = add_noise(x, valid, 0.1, generator)
        if chance[1] < 0.1 and len(x) > 2:
            x = drop_band(x, generator)
        if chance[2] < 0.1:
            x, y = add_cloud(x, y, valid, generator)
        return x, y
