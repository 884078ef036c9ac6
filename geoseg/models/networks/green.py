"""The networks of the ``green`` and ``trees`` models: small U-Nets for pictures with pixels of 0.3 to 1 m.

Each cell of 2 × 2 pixels becomes one pixel with the channels of all four before the first convolution, so that all
convolutions run at half the resolution or less. They describe the surroundings; what a pixel is, a small classifier
decides from them and from the pixel's own colour.

The network of ``trees`` says of each pixel whether it belongs to a crown and how near the middle of a tree is. Middles
are the local maxima of the second map, as in CenterNet (Zhou et al. 2019, arXiv 1904.07850) and in the network of the
data's authors (Ventura et al. 2024, doi:10.1016/j.jag.2024.103848); each becomes a core, and what crown can be reached
from it within :data:`REACH` steps its rim. So its classes are those of a model of objects, and ``detect`` finds trees.
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
"""Tree canopy, low vegetation, other; of trees: other, rim, core."""

WIDTHS = (16, 32, 64, 96)
"""Channels at 1/2, 1/4, 1/8 and 1/16 of the resolution."""

HIDDEN = 16
"""Channels of the classifier of pixels."""

APART = 3
"""Of two maxima at most so many rows and columns apart, the higher one is a tree."""

REACH = 16
"""Farthest that a crown reaches from its middle, in steps between pixels that share an edge."""

RADIUS = 11
"""Farthest that a crown reaches from any middle, in rows and in columns: with :data:`REACH` about a circle."""

TREE_MARGIN = MARGIN + 16
"""As :data:`MARGIN`, of the network of trees."""

# Logits of what is not there, and of the least sure tree. The core's share of an object's probability, in logarithms.
_NOTHING, _LEAST, _MINOR = -30.0, 0.02, -6.0

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


def peaks(heat: torch.Tensor) -> torch.Tensor:
    """Return which pixels of (N, 1, h, w) are the highest around and above 0, bool."""
    return (heat >= _highest(heat, APART)) & (heat > _LEAST)


def _highest(values: torch.Tensor, far: int) -> torch.Tensor:
    """Return the highest of each pixel and those at most so many rows and columns away."""
    rows = F.max_pool2d(values, (2 * far + 1, 1), 1, (far, 0))
    return F.max_pool2d(rows, (1, 2 * far + 1), 1, (0, far))


class TreeNet(nn.Module):
    """Pictures (N, bands, h, w) of values 0…1 → logits (N, 3, h, w) of other, rim and core.

    The sides are multiples of :data:`STRIDE`. All pixels of a tree have the probability
    of its middle.

    Parameters
    ----------
    bands
        3 for red, green, blue; 4 with nir.
    widths
        Channels at 1/2, 1/4, 1/8 and 1/16 of the resolution.

    Examples
    --------
    >>> import torch
    >>> from geoseg.models.networks.green import TreeNet
    >>> TreeNet(3)(torch.zeros(1, 3, 32, 48)).shape
    torch.Size([1, 3, 32, 48])
    """

    def __init__(self, bands: int = 3, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.maps = GreenNet(bands, widths, classes=2)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        crown, heat = self.maps(picture).split(1, 1)
        peak = peaks(heat)
        middle = torch.where(peak, heat, _NOTHING)
        core = _beside(middle)
        reached = core
        allowed = (crown > 0) & (_highest(middle, RADIUS) > _NOTHING)
        for _ in range(REACH - 1):
            free = (reached == _NOTHING) & allowed
            reached = torch.where(free, _beside(reached), reached)
        tree, inner = reached > _NOTHING, core > _NOTHING
        # What is no tree is less sure to be none where crown or middle are nearly there.
        near = torch.minimum(crown, F.max_pool2d(heat, 3, 1, 1)).clamp(-12.0, -0.05)
        some = torch.where(tree, reached, near)
        minor = torch.full_like(some, _MINOR)
        rim = some + torch.where(inner, minor, 0.0)
        middles = some + torch.where(inner, 0.0, minor)
        return torch.cat([torch.zeros_like(some), rim, middles], 1)


def _beside(values: torch.Tensor) -> torch.Tensor:
    """Return the highest of each pixel and the four that share an edge with it."""
    rows = F.max_pool2d(values, (3, 1), 1, (1, 0))
    return torch.maximum(rows, F.max_pool2d(values, (1, 3), 1, (0, 1)))
