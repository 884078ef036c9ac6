"""Windows to blocks: where neighbouring windows overlap, which one is believed, or how they are mixed.

``trim`` takes each pixel from the one window in whose keep region it lies: nothing is mixed, nothing is held in memory
but the result, and the price is a seam wherever two windows disagree in their trusted centres. ``linear`` and
``gaussian`` mix the class probabilities of all windows that read a pixel, with weights that fall towards the window's
border but never vanish (a zero weight at the scene's edge would leave a frame without data).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import OptionError
from geoseg.system.choices import STITCHES, Stitch

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

    from geoseg.tiling import Box, Tiling, Window

# Standard deviation of the Gaussian as a share of the window side, and the least weight: the values that
# nnU-Net (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z) and MONAI use for sliding windows.
_SIGMA = 0.125
_FLOOR = 1e-3


def check_stitch(name: str) -> Stitch:
    """Return ``name`` if it is a way of stitching.

    Raises
    ------
    OptionError
        If it is not.
    """
    if name not in STITCHES:
        raise OptionError(f"stitch {name!r} is unknown: use one of {', '.join(STITCHES)}")
    return name  # type: ignore[return-value]


def overlaps(stitch: str) -> bool:
    """Whether windows contribute to pixels beyond what they keep."""
    return stitch != "trim"


def profile(kind: Stitch, read: tuple[int, int], keep: tuple[int, int], tiling: Tiling) -> NDArray[np.float32]:
    """Weights of one window along one axis.

    Parameters
    ----------
    kind
        ``"linear"`` or ``"gaussian"``.
    read, keep
        Start and size of the read and keep region along the axis, in scene pixels.
    tiling
        The lattice: its margin is the width of the ramps on either side of a keep border.

    Returns
    -------
    float32 array of length ``read[1]``, values above 0 and at most 1. The profile belongs to the lattice cell, not to
    the clipped read, so a window at the scene's edge weighs its pixels like any other.
    """
    position = np.arange(read[0], read[0] + read[1], dtype=np.float64) + 0.5
    if kind == "linear":
        reach = 2 * tiling.margin
        if reach == 0:
            return np.ones(read[1], np.float32)
        begin, end = keep[0] - tiling.margin, keep[0] + tiling.keep + tiling.margin
        ramp = np.minimum(position - begin, end - position) / reach
        # Padding beyond the scene can lie outside both ramps: its weight is never used, but must not be negative.
        return np.clip(ramp, _FLOOR, 1.0).astype(np.float32)
    side = tiling.keep + 2 * tiling.margin
    distance = (position - (keep[0] + tiling.keep / 2)) / (_SIGMA * side)
    return np.maximum(np.exp(-0.5 * distance**2), _FLOOR).astype(np.float32)


@dataclass
class Blender:
    """Weighted sum of the class probabilities of all windows of one block, on the model's device.

    Parameters
    ----------
    box
        The block, in scene pixels.
    tiling, kind
        The lattice and the weights' shape.
    """

    box: Box
    tiling: Tiling
    kind: Stitch
    _sum: torch.Tensor | None = None

    def add(self, window: Window, scores: torch.Tensor) -> None:
        """Add probabilities ``scores`` (float32, classes × read height × read width) of one window."""
        import torch

        # What a window reads beyond its margin only pads it to the model's least size: no neighbour counts on it.
        part = window.keep.grown(self.tiling.margin).intersection(self.box).intersection(window.read)
        if not part.area:
            return
        if self._sum is None:
            shape = (scores.shape[0], self.box.height, self.box.width)
            self._sum = torch.zeros(shape, dtype=torch.float32, device=scores.device)
        read, keep = window.read, window.keep
        rows = profile(self.kind, (read.row, read.height), (keep.row, keep.height), self.tiling)
        cols = profile(self.kind, (read.col, read.width), (keep.col, keep.width), self.tiling)
        in_window, in_block = part.within(read), part.within(self.box)
        weight = torch.from_numpy(np.outer(rows[in_window[0]], cols[in_window[1]])).to(scores.device)
        self._sum[:, in_block[0], in_block[1]].addcmul_(scores[:, in_window[0], in_window[1]], weight)

    def result(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return classes and confidence (uint8, block height × block width).

        Pixels that no window reached (their windows hold no valid pixel) have class 0 and confidence 0; the caller
        masks them.
        """
        shape = (self.box.height, self.box.width)
        if self._sum is None:
            return np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
        best, classes = self._sum.max(0)
        # The sum over classes is the sum of weights, since each window's probabilities sum to 1.
        total = self._sum.sum(0).clamp_min_(1e-30)
        confidence = (best / total).mul_(100).round_().clamp_(0, 100)
        return classes.to("cpu").numpy().astype(np.uint8), confidence.to("cpu").numpy().astype(np.uint8)
