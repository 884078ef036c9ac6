"""Logits to class, confidence and percents per class, on the device, without full-size float temporaries on a CPU."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from geoseg.models.inference.prediction import Prediction

__all__ = ["Decision", "Prediction", "decide", "decide_strip", "decide_sums", "percents_of", "strip_rows"]

# Bytes of logits processed at a time on a CPU. The passes below are fastest in a core's second-level cache, but each
# of them also takes the interpreter's lock, for which streams contend: 1 MiB costs half of 256 KiB.
_STRIP_BYTES = 2**20

# Rows processed at a time on other devices if percents are wanted, whose temporaries take a few bytes per class.
_DEVICE_ROWS = 256


@dataclass(frozen=True)
class Decision:
    """A prediction as uint8 tensors on the network's device, allocated to be filled.

    Attributes
    ----------
    classes
        (…, h, w): winning class; of several equal logits, the first.
    confidence
        (…, h, w): percent of the winning class, rounded half to even, 0…100.
    percents
        (…, P, h, w): percents of the classes in ``bands``; see :func:`percents_of`.
    bands
        Positions of P classes in the logits; empty if percents are not wanted.
    """

    classes: torch.Tensor
    confidence: torch.Tensor
    percents: torch.Tensor
    bands: tuple[int, ...] = ()

    @classmethod
    def empty(cls, n: int, h: int, w: int, bands: tuple[int, ...] = (), device: torch.device | str = "cpu") -> Decision:
        """Allocate for N windows of h × w."""
        classes = torch.empty((n, h, w), dtype=torch.uint8, device=device)
        percents = torch.empty((n, len(bands), h, w), dtype=torch.uint8, device=device)
        return cls(classes, torch.empty_like(classes), percents, bands)

    def rows(self, window: int, rows: slice) -> Decision:
        """View some rows of one window."""
        return Decision(
            self.classes[window, rows], self.confidence[window, rows], self.percents[window, :, rows], self.bands
        )

    def to_host(self) -> Prediction:
        """Return the tensors as arrays in the host's memory."""
        return Prediction(self.classes.cpu().numpy(), self.confidence.cpu().numpy(), self.percents.cpu().numpy())


def decide(logits: torch.Tensor, bands: tuple[int, ...] = ()) -> tuple[Decision, bool]:
    """Return winning class, confidence and percents.

    Parameters
    ----------
    logits
        (N, K, h, w), floating point.
    bands
        Positions of the classes whose percents are wanted.

    Returns
    -------
    The decision for N windows, and whether all logits are finite as far as the winner is concerned (a NaN or +inf
    anywhere makes it false; −inf means "never this class").
    """
    n, k, h, w = logits.shape
    out = Decision.empty(n, h, w, bands, logits.device)
    rows = _rows(logits, bands)
    # One plane per class, even if logits are stored channels last: vector instructions need neighbours of one class.
    # Transposing a strip is cheap because it stays in cache.
    planes = torch.empty((k, rows, w), device=logits.device)
    finite = True
    for i in range(n):
        for row in range(0, h, rows):
            part = slice(row, min(row + rows, h))
            strip = planes[:, : part.stop - row].copy_(logits[i, :, part])
            finite &= decide_strip(strip, out.rows(i, part))
    return out, finite


def strip_rows(channels: int, width: int) -> int:
    """Rows of a strip with ``channels`` float32 planes that stays in cache."""
    return max(_STRIP_BYTES // (4 * channels * width), 1)


def _rows(logits: torch.Tensor, bands: tuple[int, ...]) -> int:
    """Rows of (…, K, h, w) to process at a time."""
    k, h, w = logits.shape[-3:]
    if logits.device.type == "cpu":
        return min(strip_rows(k, w), h)
    return min(_DEVICE_ROWS, h) if bands else h


def decide_strip(logits: torch.Tensor, out: Decision) -> bool:
    """Fill ``out`` (h × w) and return whether the winners are finite; if not, only its classes are filled.

    ``logits``, float32 (K, h, w), are overwritten.
    """
    k = len(logits)
    best = torch.amax(logits, 0)
    # torch's argmax over the first axis takes 100 times as long as amax. The first class that equals the maximum is the
    # largest K − k over the classes k that do; uint8 planes make that pass a quarter of a float one.
    order = torch.arange(k, 0, -1, dtype=torch.uint8, device=logits.device).view(k, 1, 1)
    hit = _compare(operator.eq, logits, best).mul_(order)
    # NaN equals nothing and would wrap around to class K − 0; the caller raises before that class is used.
    torch.sub(k, torch.amax(hit, 0), out=out.classes)
    weights = logits.sub_(best).exp_()
    share = weights.sum(0).reciprocal_().mul_(100)
    finite = not bool(torch.isnan(share.amax()))
    if finite:
        out.confidence.copy_(share.round())
        if out.bands:
            fill_percents(weights.mul_(share), out)
    return finite


def decide_sums(sums: torch.Tensor, bands: tuple[int, ...] = ()) -> Decision:
    """Return the decision for weighted sums of probabilities, float32 (K, h, w); where they are 0 it has no meaning."""
    _, h, w = sums.shape
    best, classes = sums.max(0)
    # The sum over classes is the sum of weights, since each window's probabilities sum to 1. It is formed class by
    # class: torch.sum adds in an order that depends on the shape, so that the last bit would depend on the block size.
    total = sums[0].clone()
    for share in sums[1:]:
        total += share
    total.clamp_min_(1e-30)
    confidence = (best / total).mul_(100).round_().clamp_(0, 100)
    percents = torch.empty((len(bands), h, w), dtype=torch.uint8, device=sums.device)
    out = Decision(classes.to(torch.uint8), confidence.to(torch.uint8), percents, bands)
    rows = _rows(sums, bands)
    for row in range(0, h if bands else 0, rows):
        part = slice(row, min(row + rows, h))
        # NaN can only be at invalid pixels, but numpy would warn of it.
        shares = torch.nan_to_num_((sums[:, part] / total[part]).mul_(100))
        fill_percents(shares, Decision(out.classes[part], out.confidence[part], out.percents[:, part], bands))
    return out


def fill_percents(shares: torch.Tensor, out: Decision) -> None:
    """Fill ``out.percents`` for the classes in ``out.bands``; see :func:`percents_of`. Overwrites ``shares``."""
    percents = percents_of(shares, out.classes, out.confidence)
    for number, band in enumerate(out.bands):
        out.percents[number].copy_(percents[band])


def percents_of(shares: torch.Tensor, classes: torch.Tensor, confidence: torch.Tensor) -> torch.Tensor:
    """Round shares to whole percents that sum to 100, by the largest-remainder (Hamilton) method.

    The winning class keeps its confidence, so that both rasters agree. Every other class gets its share rounded down,
    and what is then missing to 100 goes, one percent each, to the classes with the largest remainders (compared in
    steps of 1/256); of equal remainders, to the first class. No percent is off by 1 or more. Where shares are nearly
    equal, a class can end one percent above the winner: (33.4, 33.3, 33.3) becomes (33, 34, 33).

    Parameters
    ----------
    shares
        float32 (K, h, w): percents that sum to 100. Overwritten.
    classes, confidence
        uint8 (h, w): the class of the largest share, and that share rounded.

    Returns
    -------
    uint8 (K, h, w), 0…100.
    """
    percents, remainders = _truncated(shares), _truncated(shares.frac_().mul_(256))
    positions = torch.arange(len(shares), dtype=torch.uint8, device=shares.device).view(-1, 1, 1)
    # Masks of 0 and 255 and bitwise operations: masked assignment branches, which costs a CPU ten times as much.
    winner = _compare(operator.eq, positions, classes).neg_()
    loser = winner.bitwise_not()
    percents.bitwise_and_(loser).bitwise_or_(winner.bitwise_and_(confidence))
    remainders.bitwise_and_(loser)
    missing = torch.sub(100, percents.sum(0, dtype=torch.uint8))
    # The largest threshold, bit by bit, that at least ``missing`` remainders reach.
    threshold = torch.zeros_like(classes)
    for bit in (128, 64, 32, 16, 8, 4, 2, 1):
        reached = _compare(operator.ge, remainders, threshold + bit).sum(0, dtype=torch.uint8)
        threshold.add_(_compare(operator.ge, reached, missing).mul_(bit))
    above = _compare(operator.gt, remainders, threshold)
    percents.add_(above)
    missing.sub_(above.sum(0, dtype=torch.uint8))
    equal = _compare(operator.eq, remainders, threshold).bitwise_and_(loser)
    for percent, candidate in zip(percents, equal, strict=True):
        taken = torch.minimum(candidate, missing)
        percent.add_(taken)
        missing.sub_(taken)
    return percents


def _compare(operation: Callable[[Any, Any], Any], one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Compare element by element to uint8, 0 or 1; on a CPU with numpy, eight times as fast as torch for float32."""
    if one.device.type != "cpu":
        return operation(one, other).view(torch.uint8)  # type: ignore[no-any-return]
    return torch.from_numpy(operation(one.numpy(), other.numpy()).view(np.uint8))


def _truncated(values: torch.Tensor) -> torch.Tensor:
    """Round down to uint8; on a CPU with numpy, six times as fast as torch."""
    if values.device.type != "cpu":
        return values.to(torch.uint8)
    return torch.from_numpy(values.numpy().astype(np.uint8))
