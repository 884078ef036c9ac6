"""Variations of a window that leave its meaning as it is, for any number of bands.

Libraries for photographs vary hue and contrast of three channels. What changes between satellite images is another
thing: illumination and haze act on each band by its own gain and offset, sensors lack bands, clouds cover parts. Each
function takes the network's input (C, h, w) and draws from a ``torch.Generator``; amounts are in units of the window's
own deviation per band, so that they suit any value scaling.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

from geoseg.classes import NODATA

ZOOM = 1.25
"""Windows are seen up to this much larger or smaller at strength 1."""


def turned(tensor: torch.Tensor, kind: int) -> torch.Tensor:
    """Return one of the 8 flips and quarter turns of the last two axes, which must be alike; 0 changes nothing."""
    tensor = torch.rot90(tensor, kind % 4, (-2, -1))
    return tensor.flip(-1) if kind >= 4 else tensor


def spread(x: torch.Tensor, valid: torch.Tensor) -> torch.Tensor:
    """Return the deviation of each band over valid pixels, (C, 1, 1); 0 where there is none."""
    number = valid.sum().clamp(min=1)
    mean = (x * valid).sum((-2, -1), keepdim=True) / number
    return (((x - mean) * valid).square().sum((-2, -1), keepdim=True) / number).sqrt()


def gained(x: torch.Tensor, amount: float, generator: torch.Generator) -> torch.Tensor:
    """Multiply by a gain common to all bands, and one of each band's own, within ``1 ± amount`` each half."""
    common = 1 + amount * 0.5 * _even((1, 1, 1), generator)
    return x * common * (1 + amount * 0.5 * _even((len(x), 1, 1), generator))


def shifted(x: torch.Tensor, valid: torch.Tensor, amount: float, generator: torch.Generator) -> torch.Tensor:
    """Add an offset to all bands, and one to each, of up to ``amount`` deviations together."""
    offset = _even((1, 1, 1), generator) + _even((len(x), 1, 1), generator)
    return x + amount * 0.5 * offset * spread(x, valid)


def noisy(x: torch.Tensor, valid: torch.Tensor, amount: float, generator: torch.Generator) -> torch.Tensor:
    """Add normal noise of ``amount`` deviations."""
    return x + amount * spread(x, valid) * torch.randn(x.shape, generator=generator)


def without_band(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Set one band to 0, which value scaling makes its mean; never the only one."""
    if len(x) < 2:
        return x
    kept = torch.ones(len(x), 1, 1)
    kept[int(torch.randint(len(x), (1,), generator=generator))] = 0
    return x * kept


def clouded(
    x: torch.Tensor, y: torch.Tensor, valid: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Lay a soft bright patch over part of the window; what it hides is unlabelled from then on.

    Smooth noise above a height makes the patch; it is as bright as the window's brightest pixels, in every band.
    """
    coarse = torch.randn((1, 1, 4, 4), generator=generator)
    field = F.interpolate(coarse, x.shape[-2:], mode="bicubic", align_corners=True)[0, 0]
    height = 0.6 + 0.6 * torch.rand((1,), generator=generator)
    cover = ((field - height) * 3).clamp(0, 1) * 0.95
    shown = x * valid
    bright = shown.flatten(1).amax(1)[:, None, None]
    return x * (1 - cover) + bright * cover, torch.where(cover > 0.5, torch.full_like(y, NODATA), y)


def _even(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return torch.rand(shape, generator=generator) * 2 - 1


@dataclass(frozen=True)
class Augment:
    """All variations together.

    Attributes
    ----------
    strength
        0 for none, 1 as usual, more for more.
    """

    strength: float = 1.0

    @property
    def zoom(self) -> float:
        """How much larger or smaller windows may be cut before they are resampled to one size."""
        return 1 + (ZOOM - 1) * min(self.strength, 2.0)

    def __call__(
        self, x: torch.Tensor, y: torch.Tensor, valid: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Vary a square window.

        Parameters
        ----------
        x
            (C, s, s) float32, the network's input.
        y
            (s, s) int64 labels.
        valid
            (s, s) bool; invalid pixels stay 0 and unlabelled.
        generator
            Of all draws.
        """
        if not self.strength:
            return x, y
        kind = int(torch.randint(8, (1,), generator=generator))
        x, y, valid = (turned(tensor, kind) for tensor in (x, y, valid))
        x = gained(x, 0.2 * self.strength, generator)
        x = shifted(x, valid, 0.2 * self.strength, generator)
        chance = torch.rand((3,), generator=generator) / self.strength
        if chance[0] < 0.3:
            x = noisy(x, valid, 0.1, generator)
        if chance[1] < 0.1 and len(x) > 2:
            x = without_band(x, generator)
        if chance[2] < 0.1:
            x, y = clouded(x, y, valid, generator)
        return (x * valid).contiguous(), y.masked_fill(~valid, NODATA).contiguous()
