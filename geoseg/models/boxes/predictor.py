"""A detector on a device, ready for windows of one scene."""

from __future__ import annotations

import copy
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

from geoseg.errors import DeviceMemoryError, ModelError, one_line
from geoseg.models.boxes.network import set_limits
from geoseg.models.card.scaling import transform_columns
from geoseg.models.inference.execution import Execution
from geoseg.models.inference.prediction import not_finite
from geoseg.models.inference.predictor import intra_op_threads, out_of_memory, to_tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models.model import Model
    from geoseg.tiling import Box

_LEAST_SIDE = 0.5
"""Boxes that are thinner than this, in pixels, are no objects."""


class Found(NamedTuple):
    """What a detector finds in one window, the best first.

    Attributes
    ----------
    boxes
        float32 (n, 4): top, left, bottom and right edge in pixels of the window.
    scores
        float32 (n,), 0…1.
    classes
        uint8 (n,): class number in the card, from 1.
    masks
        float32 (n, 28, 28): how probable each part of a box is to belong to its object; None without masks.
    full
        Where as many were found as are returned at most, the lowest of their scores: there may be more below it. None
        where fewer were found.
    prototypes
        float32 (m, ph, pw) over the whole window: ``masks`` are then float32 (n, m), the weights with which they sum
        up to the logit of each object; None for masks on the grids of their boxes.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    classes: NDArray[np.uint8]
    masks: NDArray[np.float32] | None
    full: float | None
    prototypes: NDArray[np.float32] | None = None


class BoxPredictor:
    """Finds objects in windows, one window at a time: what is found does not depend on the windows beside it.

    Parameters
    ----------
    model
        A model whose card has ``boxes``.
    affine
        Transform from each band's digital numbers to the network's input: ``ModelCard.affine``, or pairs (a, b).
    execution
        Device and threads.
    limit
        Objects per window at most.

    Raises
    ------
    ModelError
        If the weights cannot be loaded, or are not finite numbers.
    """

    def __init__(self, model: Model, affine: Sequence[tuple[float, ...]], execution: Execution, limit: int) -> None:
        assert model.card.boxes is not None
        self.card, self.execution, self.limit = model.card, execution, limit
        self._device = torch.device(execution.device)
        columns = torch.from_numpy(transform_columns(affine, len(model.card.bands), model.card.name))
        self._scale, self._offset, *clip = columns.reshape(len(columns), -1, 1, 1).to(self._device)
        self._clip = tuple(clip) if clip else None
        # A copy: the model's own module is shared with other users, perhaps with other limits.
        network = copy.deepcopy(model.module()).eval()
        if not all(bool(torch.isfinite(value).all()) for value in network.state_dict().values()):
            raise ModelError(f"model {model.card.name!r}: its weights are damaged: some are not finite numbers")
        set_limits(network, model.card, limit)
        self._network = network.to(self._device)
        # Torchvision leaves out boxes whose score is not a number: to find nothing would be taken for an empty place.
        self._broken = threading.local()
        backbone: Any = network.backbone
        backbone.register_forward_hook(self._look)

    def _look(self, _module: Any, _inputs: Any, maps: dict[str, torch.Tensor]) -> None:
        self._broken.found = not all(bool(torch.isfinite(one).all()) for one in maps.values())

    def find(self, data: NDArray[Any], valid: NDArray[np.bool_]) -> Found:
        """Return the objects in a window.

        Parameters
        ----------
        data
            (bands, h, w), digital numbers as the raster stores them; h and w multiples of the model's stride.
        valid
            (h, w): invalid pixels enter the network as 0 after value scaling, whatever they hold.

        Raises
        ------
        ModelError
            If the network returns NaN or infinity, or the window does not fit the device's memory.
        """
        threads = intra_op_threads(self.execution.threads, self._device)
        with torch.inference_mode(), threads:
            try:
                return self._found(self._network(self._input(data, valid))[0])
            except RuntimeError as error:
                size = f"{data.shape[-2]} × {data.shape[-1]} pixels"
                if out_of_memory(error):
                    raise DeviceMemoryError(
                        f"model {self.card.name!r}: one window of {size} does not fit the memory of {self._device}; "
                        "use a smaller --window or another --device"
                    ) from None
                raise ModelError(
                    f"model {self.card.name!r} does not run on windows of {size}: {one_line(error)[:300]}"
                ) from None

    def _input(self, data: NDArray[Any], valid: NDArray[np.bool_]) -> torch.Tensor:
        x = to_tensor(np.ascontiguousarray(data)).to(self._device, torch.float32, copy=True)
        x.mul_(self._scale).add_(self._offset)
        x = x if self._clip is None else torch.clamp(x, *self._clip)
        if not valid.all():
            x.masked_fill_(torch.from_numpy(~valid).to(self._device), 0.0)
        return x[None]

    def _found(self, result: dict[str, torch.Tensor]) -> Found:
        boxes, scores, classes = result["boxes"], result["scores"], result["labels"]
        if self._broken.found or not bool(torch.isfinite(boxes).all()) or not bool(torch.isfinite(scores).all()):
            raise not_finite(self.card, len(boxes), self.execution.precision)
        full = float(scores.min()) if len(scores) >= self.limit else None
        keep = ((boxes[:, 2:] - boxes[:, :2]) >= _LEAST_SIDE).all(1) & (classes > 0)
        if len(self.card.classes) > 2:
            keep &= self._once(boxes, scores)
        masks, prototypes = result.get("masks"), result.get("prototypes")
        if prototypes is not None:
            masks = result["coefficients"][:, None]
        return Found(
            boxes[keep][:, [1, 0, 3, 2]].float().cpu().numpy(),
            scores[keep].float().cpu().numpy(),
            classes[keep].to(torch.uint8).cpu().numpy(),
            None if masks is None else masks[keep][:, 0].float().cpu().numpy(),
            full,
            None if prototypes is None else prototypes.float().cpu().numpy(),
        )

    def _once(self, boxes: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return which boxes to keep of those that one place has in several classes."""
        from torchvision.ops import nms

        assert self.card.boxes is not None
        keep = torch.zeros(len(boxes), dtype=torch.bool, device=boxes.device)
        keep[nms(boxes, scores, self.card.boxes.overlap)] = True
        return keep


def pasted(masks: NDArray[np.float32], boxes: NDArray[np.float64], pixels: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return masks on the pixels of a window as :attr:`~geoseg.models.boxes.detections.Detections.bits`.

    Parameters
    ----------
    masks
        float32 (n, m, m): probabilities on the grids of their boxes.
    boxes
        float64 (n, 4): top, left, bottom, right.
    pixels
        int64 (n, 4): first row and column, last row and column + 1 of each mask.

    Returns
    -------
    uint8: 1 for pixels whose centres have at least 0.5, interpolated; nothing lies outside of a box.
    """
    parts = [np.zeros(0, np.uint8)]
    for mask, (top, left, bottom, right), (row, col, last_row, last_col) in zip(masks, boxes, pixels, strict=True):
        down = (np.arange(row, last_row) + 0.5 - top) / (bottom - top) * 2 - 1
        across = (np.arange(col, last_col) + 0.5 - left) / (right - left) * 2 - 1
        grid = np.stack(np.broadcast_arrays(across[None, :], down[:, None]), -1).astype(np.float32)
        values = F.grid_sample(
            torch.from_numpy(mask)[None, None], torch.from_numpy(grid)[None], padding_mode="border", align_corners=False
        )[0, 0].numpy()
        inside = (np.abs(down)[:, None] <= 1) & (np.abs(across)[None, :] <= 1)
        parts.append(np.packbits((values >= 0.5) & inside))
    return np.concatenate(parts)


def pasted_prototypes(
    found: Found, boxes: NDArray[np.float64], pixels: NDArray[np.int64], window: Box
) -> NDArray[np.uint8]:
    """Return masks that are sums of prototypes as :attr:`~geoseg.models.boxes.detections.Detections.bits`.

    The prototypes are brought to the window's size by bilinear interpolation, and cut at the edges of each box.

    Parameters
    ----------
    found
        With ``prototypes``; its masks belong to ``boxes``.
    boxes
        float64 (n, 4): top, left, bottom, right, in pixels of the scene.
    pixels
        int64 (n, 4): first row and column, last row and column + 1 of each mask, in pixels of the scene.
    window
        What the window reads, in pixels of the scene.

    Returns
    -------
    uint8: 1 for pixels whose centres have a probability of at least 0.5; nothing lies outside of a box.
    """
    assert found.masks is not None
    assert found.prototypes is not None
    parts = [np.zeros(0, np.uint8)]
    prototypes = torch.from_numpy(found.prototypes)
    for weights, (top, left, bottom, right), (row, col, last_row, last_col) in zip(
        found.masks, boxes, pixels, strict=True
    ):
        rows, cols = np.arange(row, last_row) + 0.5, np.arange(col, last_col) + 0.5
        down, across = (rows - window.row) / window.height * 2 - 1, (cols - window.col) / window.width * 2 - 1
        grid = np.stack(np.broadcast_arrays(across[None, :], down[:, None]), -1).astype(np.float32)
        logits = torch.tensordot(torch.from_numpy(weights), prototypes, 1)
        values = F.grid_sample(
            logits[None, None], torch.from_numpy(grid)[None], padding_mode="border", align_corners=False
        )[0, 0].numpy()
        inside = ((rows >= top) & (rows <= bottom))[:, None] & ((cols >= left) & (cols <= right))
        parts.append(np.packbits((values >= 0) & inside))
    return np.concatenate(parts)
