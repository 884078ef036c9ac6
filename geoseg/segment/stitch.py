"""Stitching of windows into blocks.

``trim`` takes each pixel from the one window whose keep region contains it: nothing but the result is held in memory,
but a seam shows where neighbouring windows disagree. ``linear`` and ``gaussian`` average the class probabilities of all
windows that read a pixel, with weights that fall towards the window's border but never reach zero (a zero weight at the
scene's edge would leave a frame without data).
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

    from geoseg.models.inference.prediction import Prediction
    from geoseg.tiling import Box, Tiling, Window

# Standard deviation of the Gaussian as a fraction of the window side, and the minimum weight, as in the sliding
# windows of nnU-Net (Isensee et al. 2021, doi:10.1038/s41592-020-01008-z) and MONAI.
_SIGMA = 0.125
_FLOOR = 1e-3


def check_stitch(name: str) -> Stitch:
    """Return ``name`` if it is a stitching method.

    Raises
    ------
    OptionError
        If it is not.
    """
    if name not in STITCHES:
        raise OptionError(f"stitch {name!r} is unknown: use one of {', '.join(STITCHES)}")
    return name  # type: ignore[return-value]


def overlaps(stitch: str) -> bool:
    """Whether windows contribute to pixels outside their keep regions."""
    return stitch != "trim"


def profile(kind: Stitch, read: tuple[int, int], keep: tuple[int, int], tiling: Tiling) -> NDArray[np.float32]:
    """Return the weights of one window along one axis.

    Parameters
    ----------
    kind
        ``"linear"`` or ``"gaussian"``.
    read, keep
        Start and size of the read and keep regions along the axis, in scene pixels.
    tiling
        The lattice; its margin is the width of the ramp on either side of a keep region's border.

    Returns
    -------
    float32 array of length ``read[1]``, values in (0, 1]. The profile depends on the lattice cell, not on the clipped
    read region, so a window at the scene's edge is weighted like any other.
    """
    position = np.arange(read[0], read[0] + read[1], dtype=np.float64) + 0.5
    if kind == "linear":
        reach = 2 * tiling.margin
        if reach == 0:
            return np.ones(read[1], np.float32)
        begin, end = keep[0] - tiling.margin, keep[0] + tiling.keep + tiling.margin
        ramp = np.minimum(position - begin, end - position) / reach
        # Padding outside the scene can lie beyond both ramps; its weight is unused but must not be negative.
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
        The lattice, and the shape of the weights.
    """

    box: Box
    tiling: Tiling
    kind: Stitch
    _sum: torch.Tensor | None = None

    def add(self, window: Window, scores: torch.Tensor) -> None:
        """Add the probabilities ``scores`` (float32, classes × read height × read width) of one window."""
        import torch

        # Pixels beyond the margin only pad the window to the model's minimum size and are not blended.
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
        # Product and sum are rounded one after the other: a fused multiply-add, which addcmul_ uses for some layouts
        # of memory and not for others, would make the result depend on the size of the block.
        self._sum[:, in_block[0], in_block[1]] += scores[:, in_window[0], in_window[1]] * weight

    def result(self, probabilities: tuple[int, ...] = ()) -> Prediction:
        """Return classes, confidence and the percents of the classes at the positions ``probabilities``.

        Arrays are uint8, block height × block width. Pixels that no window reached (their windows hold no valid pixel)
        have no meaning; the caller masks them.
        """
        from geoseg.models.inference.argmax import Prediction, decide_sums

        if self._sum is None:
            layers = np.zeros((2 + len(probabilities), self.box.height, self.box.width), np.uint8)
            return Prediction(layers[0], layers[1], layers[2:])
        return decide_sums(self._sum, probabilities).to_host()
