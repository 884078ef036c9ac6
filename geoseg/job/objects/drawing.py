"""Objects drawn over the reduced view of their scene, while they are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass
from geoseg.raster.quicklook import stretch
from geoseg.write.preview import Preview

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from geoseg.segment.recipe import Recipe

_FILL_ALPHA = 90
"""Of 255: the scene shows through."""


class Canvas:
    """The picture of a scene's objects.

    Parameters
    ----------
    recipe
        The scene, with its reduced view.
    quicklook
        (bands, h, w): stored values of that view.
    valid
        (h, w), bool: its pixels with data.
    classes
        Classes of the objects.
    """

    def __init__(
        self, recipe: Recipe, quicklook: NDArray[Any], valid: NDArray[np.bool_], classes: tuple[MapClass, ...]
    ) -> None:
        from PIL import Image, ImageDraw

        assert recipe.quicklook is not None
        self._recipe, self._quicklook, self._valid = recipe, quicklook, valid
        self._step = recipe.quicklook.step
        self._to_pixels = ~recipe.raster.transform
        self._image = Image.fromarray(stretch(quicklook, valid))
        self._pen = ImageDraw.Draw(self._image, "RGBA")
        self._dots = np.zeros((*valid.shape, 3), np.uint8)
        self._dotted: NDArray[np.bool_] = np.zeros(valid.shape, np.bool_)
        self._colors = {item.name: item.rgb for item in classes}

    def add(self, batch: pa.RecordBatch) -> None:
        """Draw the objects of a batch of the layer ``objects``; those below a pixel of the picture as dots."""
        import shapely

        if not batch.num_rows:
            return
        colors = np.array([self._colors[name] for name in batch.column("class_name").to_pylist()], np.uint8)
        shapes = shapely.from_wkb(batch.column("geometry").to_numpy(zero_copy_only=False))
        shapes = shapely.transform(shapes, self._place)
        bounds = shapely.bounds(shapes)
        large = (bounds[:, 2:] - bounds[:, :2]).max(1, initial=0) >= 2
        height, width = self._valid.shape
        rows = bounds[~large, 1].astype(int).clip(0, height - 1)
        cols = bounds[~large, 0].astype(int).clip(0, width - 1)
        self._dots[rows, cols], self._dotted[rows, cols] = colors[~large], True
        for number in np.flatnonzero(large):
            self._outline(shapes[number], tuple(colors[number].tolist()))

    def _place(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        col, row = self._to_pixels * (xy[:, 0], xy[:, 1])
        return np.stack([col / self._step, row / self._step], 1)

    def _outline(self, shape: Any, color: tuple[int, ...]) -> None:
        rings = [shape.exterior, *shape.interiors]
        # Corners of pixels lie between the pixels of the picture.
        lines = [[(x - 0.5, y - 0.5) for x, y in ring.coords] for ring in rings]
        if len(lines) == 1:
            self._pen.polygon(lines[0], fill=(*color, _FILL_ALPHA))
        for line in lines:
            self._pen.line(line, fill=(*color, 255))

    def preview(self, counts: Mapping[str, int]) -> Preview:
        """Return the picture beside its scene, with the number of objects of each class as its legend."""
        recipe, step = self._recipe, self._step
        legend = tuple(("#" + bytes(self._colors[name]).hex(), name, f"{n:,}") for name, n in counts.items())
        title = f"{recipe.raster.name}: scene, and objects by model {recipe.model.card.name}"
        picture = np.where(self._dotted[..., None], self._dots, np.asarray(self._image))
        nothing = np.zeros(self._valid.shape, np.uint8)
        return Preview(
            self._quicklook, self._valid, nothing, (), {}, step, recipe.raster.geobox, title,
            picture=picture, caption="objects", legend=legend,
        )  # fmt: skip
