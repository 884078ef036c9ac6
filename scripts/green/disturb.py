"""Training crops: tiles turned, scaled and recoloured, as other cameras and processing would show them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name

from green.data import OTHER

if TYPE_CHECKING:
    from collections.abc import Sequence


class Draw:
    """Random numbers of one generator."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def uniform(self, low: float, high: float) -> float:
        """Return a number in low…high."""
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def normal(self, deviation: float) -> float:
        """Return a number of mean 0."""
        return deviation * float(torch.randn((), generator=self.generator))

    def chance(self, share: float) -> bool:
        """Return True in this share of cases."""
        return self.uniform(0, 1) < share

    def integer(self, end: int) -> int:
        """Return a whole number in 0…end − 1."""
        return int(torch.randint(end, (), generator=self.generator))

    def noise(self, shape: Sequence[int]) -> torch.Tensor:
        """Return standard normal noise."""
        return torch.randn(tuple(shape), generator=self.generator)


def crop(
    image: torch.Tensor, layers: torch.Tensor, side: int, draw: Draw, whole: float = 0.4
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return a turned and scaled crop of a tile, with pixels of 0.3 to 1.2 m.

    Parameters
    ----------
    image
        (bands, h, w), 0…1.
    layers
        Labels and weights (layers, h, w): taken from the nearest pixel.
    side
        Of the crop, in pixels.
    whole
        Share of the crops that are turned by quarters and not scaled.

    Returns
    -------
    (bands, side, side) and (layers, side, side).
    """
    if draw.chance(whole):
        row, col = (draw.integer(size - side + 1) for size in image.shape[1:])
        turn, mirror = draw.integer(4), draw.chance(0.5)
        both = (part[:, row : row + side, col : col + side].rot90(turn, (1, 2)) for part in (image, layers))
        first, second = (part.flip(2) if mirror else part for part in both)
        return first, second
    zoom = 2 ** draw.uniform(-1, 1)
    turn = draw.uniform(0, 2 * math.pi)
    reach = zoom * side / image.shape[1]
    free = max(1 - reach, 0.0)
    cos, sin = math.cos(turn) * reach, math.sin(turn) * reach
    mirrored = -1.0 if draw.chance(0.5) else 1.0
    rows = ((cos * mirrored, -sin, draw.uniform(-free, free)), (sin * mirrored, cos, draw.uniform(-free, free)))
    matrix = torch.tensor([rows])
    fine = 2 if zoom > 1.4 else 1
    grids = [F.affine_grid(matrix, [1, 1, side * n, side * n], align_corners=False) for n in (1, fine)]
    picture = F.grid_sample(image[None], grids[1], padding_mode="reflection", align_corners=False)
    picture = F.avg_pool2d(picture, fine) if fine > 1 else picture
    nearest = F.grid_sample(layers[None], grids[0], mode="nearest", padding_mode="reflection", align_corners=False)
    if zoom < 0.8 and draw.chance(0.6):
        picture = sharpen(picture, draw.uniform(0.5, 2.5))
    return picture[0], nearest[0]


def sharpen(picture: torch.Tensor, amount: float) -> torch.Tensor:
    """Return the picture (N, bands, h, w) with an unsharp mask."""
    return picture + amount * (picture - F.avg_pool2d(picture, 3, 1, 1, count_include_pad=False))


def recolour(picture: torch.Tensor, draw: Draw) -> torch.Tensor:
    """Return a picture (bands, h, w) in other light: exposure, white balance, gamma, saturation, haze, noise, blur.

    The first three bands are red, green and blue; a fourth, nir, has an exposure of its own.
    """
    x = picture.clamp(0, 1)
    if draw.chance(0.5):
        x = x.clamp(min=1e-3) ** math.exp(draw.normal(0.2))
        x = x * math.exp(draw.normal(0.2)) * torch.exp(0.06 * draw.noise((len(x), 1, 1)))
        colour, grey = x[:3], x[:3].mean(0, keepdim=True)
        x = torch.cat([grey + (colour - grey) * draw.uniform(0.6, 1.6), x[3:]])
        mean = x.mean((1, 2), keepdim=True)
        x = mean + (x - mean) * draw.uniform(0.7, 1.35)
    if draw.chance(0.1):  # haze
        veil = torch.tensor([0.75, 0.8, 0.85] + [0.6] * (len(x) - 3))[:, None, None]
        x = x + draw.uniform(0, 0.35) * (veil - x)
    if draw.chance(0.12):
        side = draw.integer(2) + 2
        x = x + draw.uniform(0.3, 1) * (F.avg_pool2d(x, 2 * side - 1, 1, side - 1, count_include_pad=False) - x)
    if draw.chance(0.12):  # colour of blocks of pixels, as JPEG stores it
        cell = 2 ** (1 + draw.integer(2))
        light = x[:3].mean(0, keepdim=True)
        tint = F.interpolate(F.avg_pool2d((x[:3] - light)[None], cell), scale_factor=float(cell))[0]
        x = torch.cat([light + tint, x[3:]])
    if draw.chance(0.12):
        x = x + draw.uniform(0, 0.03) * draw.noise(x.shape)
    return x.clamp(0, 1)


def flood(picture: torch.Tensor, layers: torch.Tensor, draw: Draw) -> None:
    """Paint water over part of a crop: smooth, and dark in blue, green or brown, or bright as a pool.

    The tiles show pools but no lake, river or sea, which look like dark trees to a network that has seen none.

    Parameters
    ----------
    picture
        (bands, side, side).
    layers
        Labels, weights and vegetation index (3, side, side).
    """
    side = picture.shape[-1]
    coarse = draw.noise((1, 1, 4, 4))
    field = F.interpolate(coarse, (side, side), mode="bicubic", align_corners=True)[0, 0]
    pool = draw.chance(0.2)
    where = field > draw.uniform(1.2, 1.8) if pool else field > draw.uniform(-0.5, 1)
    light = draw.uniform(0.5, 0.85) if pool else draw.uniform(0.02, 0.28)
    red, blue = (0.5, 1.05) if pool else (draw.uniform(0.4, 1), draw.uniform(0.6, 1.5))
    colour = light * torch.tensor([red, 1.0, blue, draw.uniform(0.1, 0.7)])[: len(picture), None, None]
    waves = (
        1 + draw.uniform(0, 0.1) * F.avg_pool2d(draw.noise((1, side, side)), 3, 1, 1) + draw.uniform(-0.1, 0.1) * field
    )
    water = (colour * waves).expand_as(picture)
    picture[:, where] = water[:, where]
    layers[0, where], layers[1, where], layers[2, where] = OTHER, 1, -0.2


def black_out(picture: torch.Tensor, weight: torch.Tensor, draw: Draw) -> None:
    """Set one side of a crop to 0, as pixels without data are passed to the network; nothing is learned there."""
    side = picture.shape[-1]
    cut = draw.integer(side // 2)
    where = slice(0, cut) if draw.chance(0.5) else slice(side - cut, side)
    picture[:, where] = 0
    weight[where] = 0
