"""The objects of an image, and those in a window of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from affine import Affine

from geoseg.classes import NODATA
from geoseg.train.data.labels import PolygonLabels, WithBackground

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.classes import MapClass
    from geoseg.raster import Raster
    from geoseg.tiling import Box
    from geoseg.train.data.labels import Labels

_VISIBLE = 0.3
"""An object of which a window shows a smaller part is none there."""

_LEAST_SIDE = 2.0
"""Boxes that are thinner than this, in pixels of a window, cannot be learned."""


class Seen(NamedTuple):
    """Objects that a window shows.

    Attributes
    ----------
    boxes
        float32 (n, 4): left, top, right, bottom in pixels of the window, clipped to it.
    classes
        int64 (n,): numbers of the detector's classes, from 1.
    centres
        float64 (n, 2): row and column of the centres of the whole boxes, in pixels of the image.
    positions
        int64 (n,): which of the image's objects they are.
    """

    boxes: NDArray[np.float32]
    classes: NDArray[np.int64]
    centres: NDArray[np.float64]
    positions: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ImageObjects:
    """The objects of one image.

    Attributes
    ----------
    shapes
        (n,) shapely geometries in pixels (column, row).
    boxes
        float64 (n, 4): left, top, right, bottom.
    classes
        int64 (n,): numbers of the detector's classes, from 1.
    """

    shapes: NDArray[Any]
    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]

    @cached_property
    def _tree(self) -> Any:
        from shapely import STRtree, box

        return STRtree(box(*self.boxes.T))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_tree"}

    def seen(self, window: Box, factor: float = 1.0) -> Seen:
        """Return the objects that a window shows.

        Parameters
        ----------
        window
            The window, in pixels of the image.
        factor
            By which its sides are resampled.
        """
        import shapely

        near = np.sort(self._tree.query(shapely.box(window.col, window.row, window.right, window.bottom)))
        whole = self.boxes[near]
        low, high = np.array([window.col, window.row]), np.array([window.right, window.bottom])
        clipped = np.hstack([np.maximum(whole[:, :2], low), np.minimum(whole[:, 2:], high)])
        sides = np.maximum(clipped[:, 2:] - clipped[:, :2], 0)
        shown = sides.prod(1) >= _VISIBLE * (whole[:, 2:] - whole[:, :2]).prod(1)
        shown &= (sides * factor >= _LEAST_SIDE).all(1)
        boxes = ((clipped - [*low, *low]) * factor)[shown].astype(np.float32)
        centres = ((whole[:, :2] + whole[:, 2:]) / 2)[shown][:, ::-1]
        return Seen(boxes, self.classes[near][shown], centres, near[shown])

    def masks(self, positions: NDArray[np.int64], window: Box, side: int, factor: float) -> torch.Tensor:
        """Return the outlines of objects as masks, uint8 (n, side, side): 1 at pixels whose centres are inside."""
        from rasterio.features import rasterize

        to_image = Affine.translation(window.col, window.row) * Affine.scale(1 / factor)
        masks = np.zeros((len(positions), side, side), np.uint8)
        for number, position in enumerate(positions.tolist()):
            masks[number] = rasterize([(self.shapes[position], 1)], (side, side), transform=to_image, dtype="uint8")
        return torch.from_numpy(masks)


def objects_of(labels: Labels, raster: Raster, classes: Sequence[MapClass], background: str) -> ImageObjects:
    """Return the objects of an image that are of the model's classes and have an area.

    Parameters
    ----------
    labels
        Labels of polygons with a background.
    raster
        The image.
    classes
        Classes by the numbers of the labels.
    background
        Name of the one that is no object; the others are counted from 1 in their order.
    """
    import shapely

    source = _polygons(labels)
    to_pixels = ~source.transform
    shapes = shapely.transform(source.geometries, lambda xy: np.stack(to_pixels * (xy[:, 0], xy[:, 1]), 1))
    numbers = np.zeros(256, np.int64)
    kinds = [item for item in classes if item.name != background]
    for number, item in enumerate(kinds, 1):
        numbers[item.id] = number
    numbers[NODATA] = 0
    found = np.searchsorted(labels.values, source.codes).clip(max=len(labels.values) - 1)
    known = labels.values[found] == source.codes
    own = np.where(known, numbers[labels.indices[found]], 0)
    boxes = shapely.bounds(shapes)
    height, width = raster.shape
    boxes = np.clip(boxes, 0, [width, height, width, height])
    sound = (own > 0) & np.isfinite(boxes).all(1) & ((boxes[:, 2:] - boxes[:, :2]) > 0).all(1)
    return ImageObjects(np.asarray(shapes, object)[sound], boxes[sound], own[sound])


def leaves_open(labels: Labels) -> bool:
    """Return whether some of the polygons are of no class: places that are to be ignored."""
    return not bool(np.isin(_polygons(labels).codes, labels.values).all())


def _polygons(labels: Labels) -> PolygonLabels:
    source = labels.source.source if isinstance(labels.source, WithBackground) else labels.source
    assert isinstance(source, PolygonLabels)
    return source


def turned(boxes: torch.Tensor, kind: int, side: int) -> torch.Tensor:
    """Return boxes (n, 4) in a window that :func:`geoseg.train.data.augment.dihedral` has turned."""
    left, top, right, bottom = boxes.unbind(1)
    for _ in range(kind % 4):
        left, top, right, bottom = top, side - right, bottom, side - left
    if kind >= 4:
        left, right = side - right, side - left
    return torch.stack([left, top, right, bottom], 1)
