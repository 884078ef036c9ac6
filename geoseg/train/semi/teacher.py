"""The mean teacher: an average of the student's past weights, whose confident answers are pseudo-labels.

Tarvainen & Valpola 2017, Mean teachers are better role models (arXiv 1703.01780); confidence threshold and strong views
as in FixMatch (Sohn et al. 2020, arXiv 2001.07685). With a decay of 0 the teacher is the student itself: plain
pseudo-labels (Lee 2013).
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import nn

from geoseg.classes import NODATA

if TYPE_CHECKING:
    from geoseg.train.data.samples import ViewPair

# The weight of pseudo-labels rises during this share of the training, by exp(−5 (1 − t)²) (Laine & Aila 2017, arXiv
# 1610.02242): the first answers are guesses.
_RAMP = 0.3


class Pseudo(NamedTuple):
    """Strong views (N, bands, h, w) with pseudo-labels (N, h, w), NODATA where unsure; number of valid pixels."""

    x: torch.Tensor
    labels: torch.Tensor
    valid: torch.Tensor


class MeanTeacher(nn.Module):
    """Labels weak views of unlabelled windows, for the student to find in strong ones.

    Parameters
    ----------
    student
        float32 (N, bands, h, w) → logits (N, K, h, w).
    decay
        Share of the old average in the new one, per optimizer step; smaller during the first steps.
    threshold
        Least probability of a pseudo-label.
    weight
        Weight of the loss of pseudo-labels beside that of labels, after the rise.
    """

    def __init__(self, student: nn.Module, *, decay: float, threshold: float, weight: float) -> None:
        super().__init__()
        self.decay, self.threshold, self.weight = decay, threshold, weight
        self.network = copy.deepcopy(student).requires_grad_(requires_grad=False)
        self.eval()

    def train(self, mode: bool = True) -> MeanTeacher:  # noqa: ARG002, FBT001, FBT002 - torch's signature
        """Stay in eval mode: statistics of batch normalisation are averages, too."""
        return super().train(mode=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits."""
        return self.network(x)  # type: ignore[no-any-return]

    @torch.no_grad()
    def follow(self, student: nn.Module, step: int) -> None:
        """Move the average towards the student after optimizer step ``step``, counted from 1."""
        decay = min(self.decay, step / (step + 9))
        own, theirs = self.network.state_dict(), student.state_dict()
        for name, value in own.items():
            if value.is_floating_point():
                value.lerp_(theirs[name], 1 - decay)
            else:
                value.copy_(theirs[name])

    @torch.no_grad()
    def pseudo_labels(self, pair: ViewPair) -> Pseudo:
        """Label the weak views; in each strong view the rectangle is pasted from the window before it."""
        confidence, labels = self(pair.weak).float().softmax(1).max(1)
        labels = labels.masked_fill((confidence < self.threshold) | ~pair.valid, NODATA)
        valid, cut = pair.valid, pair.cut
        return Pseudo(
            torch.where(cut[:, None], pair.strong.roll(1, 0), pair.strong),
            torch.where(cut, labels.roll(1, 0), labels),
            torch.where(cut, valid.roll(1, 0), valid).sum(),
        )

    def loss(self, logits: torch.Tensor, pseudo: Pseudo, progress: float) -> torch.Tensor:
        """Return the weighted cross-entropy with pseudo-labels, averaged over all valid pixels.

        Unsure pixels count as 0, so that a teacher that is seldom sure says little. ``progress`` is the share of the
        training that is done, 0…1.
        """
        each = nn.functional.cross_entropy(logits.float(), pseudo.labels, ignore_index=NODATA, reduction="sum")
        return self.weight * rise(progress) * each / pseudo.valid.clamp(min=1)


def rise(progress: float) -> float:
    """Return the factor of the weight after a share of the training, from 0.0067 to 1.

    Examples
    --------
    >>> from geoseg.train.semi.teacher import rise
    >>> round(rise(0.0), 4), round(rise(0.15), 3), rise(0.5)
    (0.0067, 0.287, 1.0)
    """
    return math.exp(-5 * (1 - min(progress / _RAMP, 1.0)) ** 2)
