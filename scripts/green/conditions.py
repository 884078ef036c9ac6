"""Other cameras, light and pixel sizes, made from the tiles: how far scores hold there."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name

if TYPE_CHECKING:
    from numpy.typing import NDArray

Change = Callable[[torch.Tensor], torch.Tensor]


def _gains(*gains: float) -> Change:
    return lambda x: x * torch.tensor((*gains, 1.0))[: x.shape[1], None, None]


def _saturation(amount: float) -> Change:
    def change(x: torch.Tensor) -> torch.Tensor:
        grey = x[:, :3].mean(1, keepdim=True)
        return torch.cat([grey + amount * (x[:, :3] - grey), x[:, 3:]], 1)

    return change


CONDITIONS: dict[str, Change] = {
    "warm light": _gains(1.12, 1.0, 0.88),
    "cold light": _gains(0.9, 1.0, 1.12),
    "dark": lambda x: x**1.5,
    "bright": lambda x: x**0.7,
    "pale": _saturation(0.6),
    "vivid": _saturation(1.6),
    "haze": lambda x: x + 0.25 * (0.8 - x),
    "blurred": lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
}
"""Changes of pictures (N, bands, h, w) of values 0…1."""


def changed(images: NDArray[np.uint8], change: Change) -> NDArray[np.uint8]:
    """Return images (tiles, bands, h, w) under a condition."""
    values = change(torch.from_numpy(images).float() / 255).clamp(0, 1)
    return np.asarray((values * 255).round().byte().numpy())


def coarser(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images with pixels of 1.2 m."""
    return np.asarray(F.avg_pool2d(torch.from_numpy(images).float(), 2).round().byte().numpy())


def finer(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return images with pixels of 0.3 m; they show no more detail than those of 0.6 m."""
    large = F.interpolate(torch.from_numpy(images).float(), scale_factor=2.0, mode="bicubic", align_corners=False)
    return np.asarray(large.clamp(0, 255).round().byte().numpy())
