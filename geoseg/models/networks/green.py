"""The network of the ``green`` models: a small U-Net for pictures with pixels of 0.3 to 1 m.

Each cell of 2 × 2 pixels becomes one pixel with the channels of all four before the first convolution, so that all
convolutions run at half the resolution or less. They describe the surroundings; what a pixel is, a small classifier
decides from them and from the pixel's own colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name
from torch import nn

STRIDE = 16
"""Window sides must be multiples of this, in pixels."""

MARGIN = 64
"""Pixels at a window's edge that see too little of their surroundings."""

CLASS_COUNT = 3

WIDTHS = (16, 32, 64, 96)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the resolution."""

HIDDEN = 16
"""Channels of the classifier of pixels."""

_CELL = 2

# Added to sums of bands: below it, normalised differences are mostly noise.
_DARK = 0.05


def _conv(channels: int, out: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, out, 3, stride, 1)


def _double(x: torch.Tensor) -> torch.Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Down(nn.Module):
    """Half the resolution, then a residual block."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.shrink = _conv(channels, out, 2)
        self.first = _conv(out, out)
        self.second = _conv(out, out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, out, h/2, w/2)."""
        x = F.relu(self.shrink(x))
        return F.relu(x + self.second(F.relu(self.first(x))))


class Up(nn.Module):
    """Twice the resolution, added to the encoder's features of that resolution."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(channels, out, 1)
        self.merge = _conv(out, out)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """Return (N, out, 2h, 2w)."""
        return F.relu(self.merge(skip + _double(self.project(x))))


class GreenNet(nn.Module):
    """Pictures (N, bands, h, w) of values 0…1 → logits (N, 3, h, w); h and w are multiples of :data:`STRIDE`.

    Parameters
    ----------
    bands
        3 for red, green, blue; 4 with nir.
    widths
        Channels at 1/2, 1/4, 1/8 and 1/16 of the resolution.
    classes
        Channels that it returns.

    Examples
    --------
    >>> import torch
    >>> from geoseg.models.networks.green import GreenNet
    >>> GreenNet(3)(torch.zeros(1, 3, 32, 48)).shape
    torch.Size([1, 3, 32, 48])
    """

    def __init__(self, bands: int = 3, widths: Sequence[int] = WIDTHS, classes: int = CLASS_COUNT) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.stem = _conv((2 * bands - 1) * _CELL**2, widths[0])
        self.down = nn.ModuleList(Down(few, many) for few, many in pairs)
        self.up = nn.ModuleList(Up(many, few) for few, many in reversed(pairs))
        self.around = nn.Conv2d(widths[0], HIDDEN, 1)
        self.pixel = nn.Conv2d(2 * bands - 1, HIDDEN, 1, bias=False)
        self.decide = nn.Conv2d(HIDDEN, HIDDEN, 1)
        self.head = nn.Conv2d(HIDDEN, classes, 1)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        one, other = picture[:, 1:], picture[:, :-1]
        ratios = (one - other) / (one + other + _DARK)
        colours = torch.cat([picture - 0.5, 2 * ratios], 1)
        x = F.relu(self.stem(F.pixel_unshuffle(colours, _CELL)))
        skips = []
        for down in self.down:
            skips.append(x)
            x = down(x)
        for up, skip in zip(self.up, reversed(skips), strict=True):
            x = up(x, skip)
        # Interpolated, not shuffled back: shuffled channels draw a checkerboard where the network is in doubt.
        hidden = F.relu(self.pixel(colours) + _double(self.around(x)))
        logits: torch.Tensor = self.head(F.relu(self.decide(hidden)))
        return logits
