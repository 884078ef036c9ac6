"""Logits to class and confidence, on the device, without full-size float temporaries on a CPU."""

from __future__ import annotations

import numpy as np
import torch

# Bytes of logits that are worked on at a time on a CPU. The passes below are fastest in a core's second-level cache,
# but each of them also takes the interpreter's lock, for which streams contend: 1 MiB costs half of 256 KiB.
_STRIP_BYTES = 2**20


def decide(logits: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, bool]:
    """Return winning class and confidence.

    Parameters
    ----------
    logits
        (N, K, h, w), floating point.

    Returns
    -------
    Classes uint8 (N, h, w), confidence uint8 (N, h, w) = round(100 · softmax of the winner), and whether all logits are
    finite as far as the winner is concerned (a NaN or +inf anywhere makes it false; −inf means "never this class").
    """
    n, k, h, w = logits.shape
    classes = torch.empty((n, h, w), dtype=torch.uint8, device=logits.device)
    confidence = torch.empty_like(classes)
    rows = h if logits.device.type != "cpu" else min(strip_rows(k, w), h)
    # Planes, also of what is stored pixel by pixel: vector instructions want neighbours of one class. A strip is cheap
    # to turn around, since it stays in cache.
    planes = torch.empty((k, rows, w), device=logits.device)
    finite = True
    for i in range(n):
        for row in range(0, h, rows):
            part = slice(row, min(row + rows, h))
            strip = planes[:, : part.stop - row].copy_(logits[i, :, part])
            finite &= decide_strip(strip, classes[i, part], confidence[i, part])
    return classes, confidence, finite


def strip_rows(channels: int, width: int) -> int:
    """Rows of a strip with ``channels`` float32 planes that stays in cache."""
    return max(_STRIP_BYTES // (4 * channels * width), 1)


def decide_strip(logits: torch.Tensor, classes: torch.Tensor, confidence: torch.Tensor) -> bool:
    """Fill ``classes`` and ``confidence`` (uint8, h × w) and return whether the winners are finite.

    ``logits``, float32 (K, h, w), are overwritten.
    """
    k = len(logits)
    best = torch.amax(logits, 0)
    # argmax over the first axis is slow in torch (100× an amax). The first class that equals the maximum is found as
    # the largest of K − k over the classes k that do; uint8 planes make that pass a quarter of a float one.
    order = torch.arange(k, 0, -1, dtype=torch.uint8, device=logits.device).view(k, 1, 1)
    hit = _equal(logits, best).view(torch.uint8).mul_(order)
    # NaN equals nothing, which would wrap around to class K − 0; the caller raises before anybody sees it.
    torch.sub(k, torch.amax(hit, 0), out=classes)
    share = logits.sub_(best).exp_().sum(0).reciprocal_().mul_(100)
    finite = not bool(torch.isnan(share.amax()))
    if finite:
        confidence.copy_(share.round_())
    return finite


def _equal(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Compare; on a CPU by numpy, whose loop over float32 is eight times as fast as torch's."""
    if one.device.type != "cpu":
        return one == other
    return torch.from_numpy(np.equal(one.numpy(), other.numpy()))
