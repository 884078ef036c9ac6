"""What a detector finds in one window -> detections in the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from geoseg.models.boxes.detections import Detections, touched

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models.boxes.predictor import Found
    from geoseg.tiling import Box, Tiling, Window


def in_scene(found: Found, window: Window, tiling: Tiling, valid: NDArray[np.bool_]) -> Detections:
    """Return what was found in a window, in pixels of the scene; what lies beyond the scene is clipped.

    Parameters
    ----------
    found
        Boxes in pixels of the window.
    window, tiling
        The window, one of the tiling's.
    valid
        (h, w) bool: valid pixels of what the window reads; False beyond the scene.
    """
    from geoseg.models.boxes.predictor import pasted, pasted_prototypes

    read = window.read
    inside = read.intersection(tiling.scene)
    boxes = found.boxes + np.array([read.row, read.col] * 2, np.float32)
    low, high = np.array([inside.row, inside.col]), np.array([inside.bottom, inside.right])
    boxes = np.clip(boxes, [*low, *low], [*high, *high]).astype(np.float32)
    keep = ((boxes[:, 2:] - boxes[:, :2]) > 0).all(1)
    boxes = boxes[keep]
    pixels = touched(boxes)
    cut = _reach(pixels - np.array([read.row, read.col] * 2), _invalid(read, tiling, valid))
    cell = np.array([[window.keep.row // tiling.keep, window.keep.col // tiling.keep]], np.int64)
    bits = {}
    if found.masks is not None:
        own, exact = found.masks[keep], boxes.astype(np.float64)
        if found.prototypes is None:
            bits = {"bits": pasted(own, exact, pixels)}
        else:
            bits = {"bits": pasted_prototypes(found._replace(masks=own), exact, pixels, read)}
    return Detections(
        boxes, found.scores[keep], found.classes[keep], np.repeat(cell, len(boxes), 0), cut, **bits,
        full=np.array([] if found.full is None else [found.full], np.float32),
    )  # fmt: skip


def _invalid(read: Box, tiling: Tiling, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the invalid pixels of a window with a frame of one pixel, which is invalid beyond the scene only."""
    invalid = np.pad(~valid, 1)
    invalid[0] |= read.row == 0
    invalid[:, 0] |= read.col == 0
    invalid[-1] |= read.bottom >= tiling.height
    invalid[:, -1] |= read.right >= tiling.width
    return invalid


def _reach(pixels: NDArray[np.int64], framed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rectangles of pixels hold or border on a pixel that is set, by sums over the frame's corner."""
    sums = np.pad(framed.cumsum(0, dtype=np.int64).cumsum(1), ((1, 0), (1, 0)))
    # A frame of one pixel around each rectangle: in the framed array it begins where the rectangle does in the window.
    top, left, bottom, right = np.clip(pixels + np.array([0, 0, 2, 2]), 0, [*framed.shape, *framed.shape]).T
    inside = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return np.asarray(inside > 0)
