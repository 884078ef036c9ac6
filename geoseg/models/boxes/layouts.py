"""What ONNX detectors return: the layouts of YOLO, and raw numbers -> boxes, scores and classes.

Written after the output formats that the exporters document; no package of theirs is used. With C classes, M
coefficients of masks (0 without masks) and N boxes, all in pixels of the window:

- ``columns`` (1, 4 + C + M, N): centre x, centre y, width, height, a score for each class (YOLOv8, v9, v11);
- ``objectness`` (1, N, 5 + C + M): after the box a score for any object, which multiplies the others (YOLOv5, v7);
- ``classes`` (1, N, 5 + C + M): the same, but the score for any object is not used (YOLOv6);
- ``final`` (1, N, 6 + M): left, top, right, bottom, score, class number; nothing is left to suppress (YOLOv10, v26).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torchvision.ops import batched_nms

_MOST = 30_000
"""Candidates that are compared with one another, the best ones."""


class Candidates(NamedTuple):
    """Boxes of one window.

    Attributes
    ----------
    boxes
        float32 (n, 4): left, top, right, bottom in pixels of the window.
    scores
        float32 (n,).
    classes
        int64 (n,), from 0.
    coefficients
        float32 (n, M): what the prototypes of masks are weighted with.
    """

    boxes: torch.Tensor
    scores: torch.Tensor
    classes: torch.Tensor
    coefficients: torch.Tensor


def decode(raw: torch.Tensor, layout: str, classes: int, least_score: float) -> Candidates:
    """Return the boxes in what a detector returned for one window, of at least a score.

    Parameters
    ----------
    raw
        float32 (1, …) in one of the layouts above.
    layout
        Its name.
    classes
        Number of classes.
    least_score
        Lowest score that counts.

    Examples
    --------
    >>> import torch
    >>> from geoseg.models.boxes.layouts import decode
    >>> found = decode(torch.tensor([[[10.0, 20, 4, 6, 0.9, 0.5, 0.8]]]), "objectness", 2, 0.25)
    >>> found.boxes.tolist(), [round(float(one), 2) for one in found.scores], found.classes.tolist()
    ([[8.0, 17.0, 12.0, 23.0]], [0.72], [1])
    """
    rows = raw[0].T if layout == "columns" else raw[0]
    if layout == "final":
        keep = rows[:, 4] >= least_score
        rows = rows[keep]
        return Candidates(rows[:, :4], rows[:, 4], rows[:, 5].round().long(), rows[:, 6:])
    first = 4 if layout == "columns" else 5
    scores, numbers = rows[:, first : first + classes].max(1)
    if layout == "objectness":
        scores = scores * rows[:, 4]
    keep = scores >= least_score
    rows, scores, numbers = rows[keep], scores[keep], numbers[keep]
    half = rows[:, 2:4] / 2
    boxes = torch.cat([rows[:, :2] - half, rows[:, :2] + half], 1)
    return Candidates(boxes, scores, numbers, rows[:, first + classes :])


def best(found: Candidates, layout: str, overlap: float, limit: int) -> Candidates:
    """Return the best candidates, the best first: of those of a class that overlap, the one with the highest score."""
    order = torch.argsort(found.scores, descending=True, stable=True)[:_MOST]
    if layout != "final":
        order = order[batched_nms(found.boxes[order], found.scores[order], found.classes[order], overlap)]
    return Candidates(*(part[order[:limit]] for part in found))
