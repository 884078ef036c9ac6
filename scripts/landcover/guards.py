"""Units of the network that are set, not learned: what a single pixel's indices rule out or settle.

Dry ground is not water, ground without green is not tree, and what reflects much less shortwave infrared than green
light is water unless it is as bright as snow or cloud. A network that has only seen a few places breaks these rules in
others, in whole fields. The units are added after training (trained along with the others they gained nothing), and are
ordinary ones of :class:`~geoseg.models.networks.landcover.LandcoverNet`: four or five of the first hidden layer,
three of the second, so that the network on images needs no code for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 - the usual name

from geoseg.classes import LAND_COVER
from geoseg.models.networks.landcover import BANDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geoseg.models.networks.landcover import LandcoverNet

HIDDEN, DECIDE = 8, 4
"""Units added to the two hidden layers. Half of the first and one of the second are spare: with 8 and 4 the network is
faster than with 4 and 3."""

_NAMES = tuple(c.name for c in LAND_COVER)

# Where the units start, as differences of soft_log, which flattens dark pixels: a little before the index of bright
# pixels is at the value in brackets. From there their weight grows with the difference, so that sure answers of the
# network may stand a little beyond: weights four times as large cost 0.008 of mean IoU on places not seen.
_DRY, _DRY_WEIGHT = 0.25, -12.0  # swir16 − green [MNDWI −0.2]: water
_PALE, _PALE_WEIGHT = 0.47, -20.0  # nir − red [NDVI 0.2]: tree
_WET, _WET_WEIGHT = 0.4, 40.0  # green − swir16 [MNDWI 0.3]: water
_BRIGHT = 3.15  # green [0.22], brighter than turbid water
_DARK = 1.79  # swir16 [0.05], below which MNDWI is noise or sun glint


def _knows_snow(names: Sequence[str]) -> bool:
    """Return whether the classes tell snow from water, so that a high MNDWI alone does not settle it."""
    return "snow" in names


def _hidden(names: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    weight = torch.zeros(HIDDEN, len(BANDS))
    green, red, nir, swir = (BANDS.index(name) for name in ("green", "red", "nir", "swir16"))
    weight[0, swir], weight[0, green] = 1, -1
    weight[1, red], weight[1, nir] = 1, -1
    weight[2, green], weight[2, swir] = 1, -1
    weight[3, green] = 1
    bias = torch.zeros(HIDDEN)
    bias[:4] = torch.tensor([-_DRY, _PALE, -_WET, -_BRIGHT])
    if _knows_snow(names):
        weight[4, swir], bias[4] = -1, _DARK
    return weight, bias


def _decide(names: Sequence[str]) -> torch.Tensor:
    weight = torch.zeros(DECIDE, HIDDEN)
    weight[0, 0], weight[1, 1], weight[2, 2], weight[2, 3] = 1, 1, 1, -4
    if _knows_snow(names):
        weight[0, 4] = -4
    return weight


def _head(names: Sequence[str]) -> torch.Tensor:
    weight = torch.zeros(len(names), DECIDE)
    water = names.index("water")
    weight[water, 0] = _DRY_WEIGHT
    if not _knows_snow(names):
        weight[water, 2] = _WET_WEIGHT
    if "tree" in names:
        weight[names.index("tree"), 1] = _PALE_WEIGHT
    return weight


def guard_logits(logs: torch.Tensor, names: Sequence[str] = _NAMES) -> torch.Tensor:
    """Return what the guards add to the logits, (pixels, classes), of the bands' soft logarithms (pixels, 6)."""
    return F.linear(F.relu(F.linear(F.relu(F.linear(logs, *_hidden(names))), _decide(names))), _head(names))


@torch.no_grad()
def install(net: LandcoverNet, names: Sequence[str] = _NAMES) -> None:
    """Set the last units of both hidden layers of a network whose other weights are set, with classes ``names``."""
    weight, bias = _hidden(names)
    for layer in (net.near, net.bring):
        layer.weight[-HIDDEN:] = 0
    net.near.bias[-HIDDEN:] = bias
    net.pixel.weight[-HIDDEN:] = weight
    net.decide.weight[-DECIDE:] = 0
    net.decide.weight[:-DECIDE, -HIDDEN:] = 0
    net.decide.weight[-DECIDE:, -HIDDEN:] = _decide(names)
    net.decide.bias[-DECIDE:] = 0
    net.head.weight[:, -DECIDE:] = _head(names)
