"""The network that computes all features, and the one that is saved: with the features and the classifier chosen."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from geoseg.models.networks.sketch import ANSWERS, Layout, SketchNet
from geoseg.train.sketch.pretrained import base_buffers

if TYPE_CHECKING:
    from geoseg.models import Model
    from geoseg.models.card.scaling import BandTransform
    from geoseg.raster import Raster
    from geoseg.train.sketch.learn import Expert
    from geoseg.train.sketch.values import SceneValues

WINDOWS = (3, 9)
"""Sides of the windows over which means and deviations are features, in pixels."""


@dataclass(frozen=True, eq=False)
class Describer:
    """The network with all features, and what belongs to it.

    Attributes
    ----------
    network
        Computes all features; its classifier is not used.
    affine
        Transform of the stored values of each scene to its input, per band.
    stride, margin
        Windows of the network, in pixels.
    """

    network: SketchNet
    affine: tuple[tuple[BandTransform, ...], ...]
    stride: int
    margin: int


def describer(values: SceneValues, rasters: list[Raster], affine: list[tuple[BandTransform, ...]],
              pretrained: Model | None) -> Describer:  # fmt: skip
    """Return the network that computes all features of scenes."""
    names = [band.name for band in values.bands]
    card = None if pretrained is None else pretrained.card
    layout = Layout(
        bands=len(names),
        logs=values.logs,
        pairs=values.pairs,
        windows=WINDOWS,
        base_bands=() if card is None else tuple(names.index(band.name) for band in card.bands),
        base_classes=0 if card is None else len(card.classes),
        answers=card is not None,
        prior=False,
        hidden=0,
        classes=2,
    )
    base = None
    if pretrained is not None:
        from geoseg.models.networks.temperature import without_temperature

        base = copy.deepcopy(without_temperature(pretrained.module()))
    network = SketchNet(layout, base).eval()
    state = {name: getattr(values, name) for name in ("zero", "floor", "center", "spread")}
    if pretrained is not None:
        state |= base_buffers(pretrained, rasters[0], affine[0])
    for name, numbers in state.items():
        _fill(getattr(network, name), numbers)
    stride = max(16, 1 if card is None else card.stride)
    margin = max(-(-(max(WINDOWS) // 2) // stride) * stride, 0 if card is None else -(-card.margin // stride) * stride)
    return Describer(network, tuple(affine), stride, margin)


def finished(described: Describer, expert: Expert, classes: int) -> tuple[Layout, SketchNet]:
    """Return layout and network with the features and the classifier that were chosen."""
    full = described.network.layout
    groups = expert.candidate.groups
    uses_base = ANSWERS in groups or expert.mixture is not None
    pairs = full.pairs if "ratios" in groups else ()
    layout = replace(
        full,
        pairs=pairs,
        windows=tuple(side for side in full.windows if f"window {side}" in groups),
        base_bands=full.base_bands if uses_base else (),
        base_classes=full.base_classes if uses_base else 0,
        answers=ANSWERS in groups,
        prior=expert.mixture is not None,
        hidden=expert.candidate.hidden,
        classes=classes,
        # A classifier of single pixels is noisy; a pretrained network has seen their surroundings.
        smooth=not uses_base,
    )
    network = SketchNet(layout, copy.deepcopy(described.network.base) if uses_base else None).eval()
    source = described.network.state_dict()
    for name, tensor in network.state_dict().items():
        if name in source and source[name].shape == tensor.shape and not name.startswith(("first", "second")):
            tensor.copy_(source[name])
    for layer, (weight, bias) in zip((network.first, network.second), expert.classifier.layers, strict=False):
        assert isinstance(layer, torch.nn.Conv2d)
        _fill(layer.weight, weight)
        _fill(layer.bias, bias)
    if expert.mixture is not None:
        _fill(network.mixture, expert.mixture)
        _fill(network.trust, np.array([expert.candidate.trust]))
    return layout, network.requires_grad_(requires_grad=False)


def _fill(tensor: torch.Tensor | None, numbers: np.ndarray) -> None:
    assert tensor is not None
    with torch.no_grad():
        tensor.copy_(torch.from_numpy(np.asarray(numbers, np.float32)).view(tensor.shape))
