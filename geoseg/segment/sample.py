"""A few windows of a scene, on which ways of computing a model are compared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import ReadError
from geoseg.models.inference.agreement import Sample
from geoseg.tiling import Box

if TYPE_CHECKING:
    from geoseg.models import Model
    from geoseg.models.card.card import ModelCard
    from geoseg.raster import Raster

# Side of the windows in pixels, and where they lie, as shares of the scene's sides.
_SIDE = 512
_PLACES = (0.5, 0.25, 0.75)


def scene_sample(raster: Raster, model: Model) -> Sample | None:
    """Return up to three windows of a scene; None if it is too small, unreadable or empty there.

    Parameters
    ----------
    raster
        The scene, its bands in the order of the model card.
    model
        The model.
    """
    windows = []
    for box in _boxes_in_chunks(raster, model.card) if raster.computed else _boxes(raster.shape, model.card):
        with suppress(ReadError):
            windows.append(raster.read(box))
    if not any(pixels.valid.any() for pixels in windows):
        return None
    data, valid = (np.stack([getattr(pixels, name) for pixels in windows]) for name in ("data", "valid"))
    return Sample(data, valid, model.card.affine(raster.bands))


def _boxes_in_chunks(raster: Raster, card: ModelCard) -> Iterator[Box]:
    """Yield the window in the middle of each of the chunks that are computed anyway."""
    for chunk in raster.computed_chunks()[: len(_PLACES)]:
        for box in list(_boxes((chunk.height, chunk.width), card))[:1]:
            yield Box(chunk.row + box.row, chunk.col + box.col, box.height, box.width)


def _boxes(shape: tuple[int, int], card: ModelCard) -> Iterator[Box]:
    """Yield windows that lie in the scene, with sides that the network takes; none if the scene is too small."""
    height, width = shape
    sides = [card.window or min(_SIDE, side) // card.stride * card.stride for side in shape]
    if sides[0] < max(card.min_window, 1) or sides[1] < max(card.min_window, 1):
        return
    if sides[0] > height or sides[1] > width:
        return
    for row, col in dict.fromkeys((int(p * (height - sides[0])), int(p * (width - sides[1]))) for p in _PLACES):
        yield Box(row, col, *sides)
