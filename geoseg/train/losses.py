"""Losses and sums of them that ignore unlabelled pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from geoseg.classes import NODATA
from geoseg.errors import OptionError
from geoseg.train.options import parse_loss


class Loss(nn.Module):
    """Sum of losses over labelled pixels.

    ``ce`` cross-entropy; ``dice`` 1 − soft Dice (Milletari et al. 2016); ``focal`` (Lin et al. 2017); ``lovasz``
    Lovász-softmax (Berman et al. 2018).

    Parameters
    ----------
    text
        ``"ce"``, ``"ce+dice"`` ….
    weights
        (K,) weight of each class in ce, dice and focal; None weighs all alike.
    """

    def __init__(self, text: str, weights: NDArray[np.float32] | None = None) -> None:
        super().__init__()
        from segmentation_models_pytorch import losses as smp

        given = None if weights is None else torch.as_tensor(weights, dtype=torch.float32)
        listed = None if given is None else {"class_weights": given.tolist()}
        self.parts = nn.ModuleList()
        for name in parse_loss(text):
            if name == "ce":
                self.parts.append(nn.CrossEntropyLoss(weight=given, ignore_index=NODATA))
            elif name == "dice":
                self.parts.append(smp.DiceLoss("multiclass", ignore_index=NODATA, **(listed or {})))
            elif name == "focal":
                self.parts.append(smp.FocalLoss("multiclass", ignore_index=NODATA, **(listed or {})))
            else:
                self.parts.append(smp.LovaszLoss("multiclass", ignore_index=NODATA))

    def forward(self, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Return the loss of logits (N, K, h, w) for labels (N, h, w) int64; 0 where nothing is labelled."""
        if not bool((labels != NODATA).any()):
            return logits.sum() * 0.0  # the mean over no pixels would be NaN
        # Sums over a window overflow half precision.
        terms = [part(logits.float(), labels) for part in self.parts]
        return torch.stack(terms).sum()


class SoftLoss(nn.Module):
    """A loss of labels, plus the Kullback–Leibler divergence from the soft targets, averaged over their pixels.

    Knowledge distillation (Hinton et al. 2015, arXiv 1503.02531), pixel by pixel (Liu et al. 2019, arXiv 1903.04197).

    Parameters
    ----------
    loss
        Loss of logits and labels.
    """

    def __init__(self, loss: nn.Module) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Return the loss of logits (N, K, h, w).

        ``targets`` are uint8 (N, 1 + K, h, w), labels and percents, or labels (N, h, w) alone.
        """
        if targets.ndim == 3:
            return self.loss(logits, targets)  # type: ignore[no-any-return]
        percents = targets[:, 1:]
        known = percents[:, 0] != NODATA
        shares = percents.float()
        shares = shares / shares.sum(1, keepdim=True).clamp(min=1)
        each = nn.functional.kl_div(logits.float().log_softmax(1), shares, reduction="none").sum(1)
        distance = (each * known).sum() / known.sum().clamp(min=1)
        return self.loss(logits, targets[:, 0].long()) + distance  # type: ignore[no-any-return]


def parse_class_weights(
    text: str | None, names: Sequence[str], pixels: NDArray[np.int64]
) -> NDArray[np.float32] | None:
    """Parse class weights.

    Parameters
    ----------
    text
        ``"balanced"`` (1/√frequency, mean 1), ``"tree=1,water=2"`` (others 1), or a number for each class.
    names
        Class names.
    pixels
        (K,) labelled training pixels.

    Returns
    -------
    (K,) float32, or None if ``text`` is None.

    Raises
    ------
    OptionError
        If ``text`` has none of these forms.
    """
    if text is None:
        return None
    if text.strip().lower() == "balanced":
        weights = 1 / np.sqrt(np.maximum(pixels, 1).astype(np.float64))
        return np.asarray(weights / weights.mean(), np.float32)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        if any("=" in part for part in parts):
            given = {name.strip(): float(value) for name, _, value in (part.rpartition("=") for part in parts)}
            if unknown := set(given) - set(names):
                raise OptionError(f"class weights: unknown class {min(unknown)!r}; the classes are {', '.join(names)}")
            values = [given.get(name, 1.0) for name in names]
        else:
            values = [float(part) for part in parts]
    except ValueError:
        raise OptionError(f"class weights {text!r}: write balanced, NAME=WEIGHT,… or a number for each class") from None
    if len(values) != len(names):
        raise OptionError(f"class weights: {len(values)} given for {len(names)} classes: {', '.join(names)}")
    if not all(np.isfinite(value) and value >= 0 for value in values) or not any(values):
        raise OptionError(f"class weights {text!r}: they must be 0 or more, and not all 0")
    return np.array(values, np.float32)
