"""The network of the ``landcover`` model: scale-free indices at five widths of surroundings, and a small decision.

Six bands of surface reflectance go in, logits of six classes come out. Every pixel is described by its normalised
differences and levels, and by the means and deviations of the same over surroundings of about 4 to 80 pixels, all
from fixed arithmetic; only the decision over these numbers is learned. That keeps the capacity where few places of
training data can support it, and makes the network cheap: all but two layers work at a half, a quarter or less of the
resolution.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import nn

BANDS = ("blue", "green", "red", "nir", "swir16", "swir22")
"""Bands in the network's order, surface reflectance 0…1."""

STRIDE = 16
"""Window sides must be multiples of this, in pixels."""

MARGIN = 64
"""How far a pixel's surroundings reach, in pixels: 40 of the widest mean, 16 of its smoothing and interpolation."""

CLASS_COUNT = 6

PAIRS = tuple((i, j) for i in range(len(BANDS)) for j in range(i))
"""Band pairs of the normalised differences: (band i − band j) / (band i + band j)."""

# Pairs whose ratio's deviation says how mixed the surroundings are: nir/red, green/nir, green/swir16, nir/swir16,
# swir16/swir22, red/swir16.
_RATIOS = ((3, 2), (1, 3), (1, 4), (3, 4), (4, 5), (2, 4))

_FLOOR = 0.01
"""Added to reflectance: below it sensors measure noise, and logarithms and ratios of noise must not matter."""

LEVELS = (2, 4, 8, 16, 16)
"""Pixel sizes of the surroundings' grids; the last is the fourth again over a wider box."""

PIXEL_FEATURES = len(PAIRS) + len(BANDS)
LEVEL_FEATURES = PIXEL_FEATURES + len(BANDS) + len(_RATIOS)


def _selection(pairs: tuple[tuple[int, int], ...], second: float) -> torch.Tensor:
    """1×1 kernel that adds ``second`` times the second band of each pair to the first."""
    kernel = torch.zeros(len(pairs), len(BANDS), 1, 1)
    for row, (i, j) in enumerate(pairs):
        kernel[row, i], kernel[row, j] = 1.0, second
    return kernel


def soft_log(reflectance: torch.Tensor) -> torch.Tensor:
    """Return the logarithm of reflectance, flat where there is only noise; finite for any finite number."""
    return torch.log(reflectance.clamp(0.0, 2.0) + _FLOOR)


def soft_exp(logs: torch.Tensor) -> torch.Tensor:
    """Return the reflectance of :func:`soft_log`."""
    return torch.exp(logs) - _FLOOR


def _smooth(values: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    channels, reach = values.shape[1], kernel.shape[-1] // 2
    padded = F.pad(values, (reach,) * 4, mode="replicate")
    return F.conv2d(padded, kernel.expand(channels, 1, -1, -1), groups=channels)


def double(values: torch.Tensor) -> torch.Tensor:
    """Interpolate bilinearly to twice the size."""
    return F.interpolate(values, scale_factor=2, mode="bilinear", align_corners=False)


class Pyramid(nn.Module):
    """Logarithms of the bands, and their means and deviations over growing surroundings. Nothing in it is learned."""

    spread: torch.Tensor
    near: torch.Tensor
    wide: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        eye = torch.eye(len(BANDS))[:, :, None, None]
        self.register_buffer("spread", torch.cat([eye, _selection(_RATIOS, -1.0)]), persistent=False)
        line = torch.tensor([0.25, 0.5, 0.25])
        self.register_buffer("near", (line[:, None] * line)[None, None], persistent=False)
        self.register_buffer("wide", torch.full((1, 1, 5, 5), 1 / 25), persistent=False)

    def forward(self, reflectance: torch.Tensor) -> tuple[torch.Tensor, list[tuple[torch.Tensor, torch.Tensor]]]:
        """Describe pixels and surroundings.

        Parameters
        ----------
        reflectance
            (N, 6, h, w), h and w multiples of 16.

        Returns
        -------
        Logarithms (N, 6, h, w), and for each of :data:`LEVELS` the means (N, 6, h/level, w/level) and deviations
        (N, 12, h/level, w/level) of logarithms of bands and of band ratios.
        """
        logs = soft_log(reflectance)
        first = F.conv2d(logs, self.spread)
        second = first * first
        found = []
        for _ in range(4):
            first, second = F.avg_pool2d(first, 2), F.avg_pool2d(second, 2)
            found.append(self._moments(first, second, self.near))
        found.append(self._moments(first, second, self.wide))
        return logs, found

    @staticmethod
    def _moments(first: torch.Tensor, second: torch.Tensor, kernel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean = _smooth(first, kernel)
        variance = _smooth(second, kernel) - mean * mean
        return mean[:, : len(BANDS)], variance.clamp(min=1e-6).sqrt()


class LandcoverNet(nn.Module):
    """Reflectance (N, 6, h, w) to logits (N, 6, h, w); h and w multiples of :data:`STRIDE`.

    Parameters
    ----------
    width
        Channels of the hidden layer at full resolution.
    decide
        Channels of the layer after it.
    context
        Channels of the hidden layer at a quarter of the resolution, which sees the wide surroundings.
    """

    minus: torch.Tensor
    plus: torch.Tensor

    def __init__(self, width: int = 64, decide: int = 40, context: int = 128) -> None:
        super().__init__()
        self.pyramid = Pyramid()
        self.register_buffer("minus", _selection(PAIRS, -1.0), persistent=False)
        self.register_buffer("plus", _selection(PAIRS, 1.0), persistent=False)
        self.pixel = nn.Conv2d(PIXEL_FEATURES, width, 1)
        self.near = nn.Conv2d(LEVEL_FEATURES, width, 1, bias=False)
        self.far = nn.ModuleList(nn.Conv2d(LEVEL_FEATURES, context, 1, bias=i == 0) for i in range(4))
        self.bring = nn.Conv2d(context, width, 1, bias=False)
        self.decide = nn.Conv2d(width, decide, 1)
        self.head = nn.Conv2d(decide, CLASS_COUNT, 1)

    def forward(self, reflectance: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        logs, levels = self.pyramid(reflectance)
        described = [self._describe(mean, deviation) for mean, deviation in levels]
        far = double(self.far[2](described[3]) + self.far[3](described[4]))
        far = double(far + self.far[1](described[2])) + self.far[0](described[1])
        near = double(self.bring(F.relu(far))) + self.near(described[0])
        # (a − b) / (a + b) of reflectance plus floor is what tanh makes of half the difference of logarithms.
        values = reflectance.clamp(0.0, 2.0) + _FLOOR
        ratios = F.conv2d(values, self.minus) / F.conv2d(values, self.plus)
        # In place: at full resolution a fresh tensor costs more than the arithmetic on it.
        hidden = self.pixel(torch.cat([ratios, logs], 1)).add_(double(near)).relu_()
        return self.head(self.decide(hidden).relu_())  # type: ignore[no-any-return]

    def _describe(self, mean: torch.Tensor, deviation: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.tanh(F.conv2d(mean, self.minus) * 0.5), mean, deviation], 1)
