"""A second head on the encoder and decoder of a network: what it learns helps the first, which alone is the model.

Multi-task learning (Caruana 1997, Machine Learning 28, doi:10.1023/A:1007379606734): height, or where classes meet
(as in Marmanis et al. 2018, ISPRS J. 135, doi:10.1016/j.isprsjprs.2017.11.009), is learned from the same features.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from torch import nn

from geoseg.classes import NODATA
from geoseg.errors import ModelError
from geoseg.train.data.quantity import UNKNOWN
from geoseg.train.options import EDGES

WEIGHT = 0.3
"""Weight of its loss beside that of the labels."""


class SecondHead(nn.Module):
    """One more channel from the features of which the network makes its logits.

    Parameters
    ----------
    network
        A network whose last layers are its ``segmentation_head``.
    name
        Name of a quantity, or :data:`~geoseg.train.options.EDGES`.

    Raises
    ------
    ModelError
        If the network has no such head.
    """

    def __init__(self, network: nn.Module, name: str) -> None:
        super().__init__()
        self.edges = name == EDGES
        self.head = _like(getattr(network, "segmentation_head", None), name)

    def run(self, network: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the network's logits (N, K, h, w), and this head's output (N, h, w)."""
        seen: list[torch.Tensor] = []

        def look(_: nn.Module, given: tuple[Any, ...]) -> None:
            seen.append(given[0])

        # Only for this pass: copies of the network must not report here.
        hook = network.segmentation_head.register_forward_pre_hook(look)  # type: ignore[union-attr]
        try:
            logits = network(x)
        finally:
            hook.remove()
        return logits, self.head(seen[0])[:, 0]

    def targets(self, y: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return labels int64 (N, h, w) and what this head learns, float32 (N, h, w), UNKNOWN where it is not known."""
        if self.edges:
            return y, edges_of(y)
        return y[:, 0].long(), y[:, 1]

    def loss(self, found: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the weighted loss: Huber's of a quantity, the cross-entropy of edges; 0 where nothing is known."""
        known = target != UNKNOWN
        if not bool(known.any()):
            return found.sum() * 0.0
        measure = F.binary_cross_entropy_with_logits if self.edges else F.smooth_l1_loss
        return WEIGHT * measure(found.float()[known], target[known])


def edges_of(labels: torch.Tensor) -> torch.Tensor:
    """Return 1 where a pixel has a 4-neighbour of another class, 0 where not, UNKNOWN where it has no label.

    Parameters
    ----------
    labels
        (N, h, w); a neighbour without label is none of another class.

    Examples
    --------
    >>> import torch
    >>> from geoseg.train.second_head import edges_of
    >>> edges_of(torch.tensor([[[0, 0, 1, 255]]])).tolist()
    [[[0.0, 1.0, 1.0, 255.0]]]
    """
    edges = torch.zeros(labels.shape, dtype=torch.bool, device=labels.device)
    for dim in (1, 2):
        length = labels.shape[dim] - 1
        one, other = labels.narrow(dim, 0, length), labels.narrow(dim, 1, length)
        differ = (one != other) & (one != NODATA) & (other != NODATA)
        edges.narrow(dim, 0, length).logical_or_(differ)
        edges.narrow(dim, 1, length).logical_or_(differ)
    return edges.float().masked_fill(labels == NODATA, UNKNOWN)


def _like(head: object, name: str) -> nn.Sequential:
    """Return a head with one channel and random weights, else as that of the network."""
    layers = list(head.children()) if isinstance(head, nn.Sequential) else []
    at = next((i for i, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)), None)
    if at is None:
        raise ModelError(f"this network has no place for a second head that learns {name}: train one of --arch instead")
    old = layers[at]
    assert isinstance(old, nn.Conv2d)
    new = nn.Conv2d(old.in_channels, 1, old.kernel_size, padding=old.padding)  # type: ignore[arg-type]
    return nn.Sequential(*(copy.deepcopy(layer) for layer in layers[:at]), new, *map(copy.deepcopy, layers[at + 1 :]))
