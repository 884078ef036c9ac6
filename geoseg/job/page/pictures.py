"""Pictures for a scene's page: scene, classes and confidence at reduced size, and its least certain places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import NODATA
from geoseg.errors import GeosegError
from geoseg.geodesy import pixel_sides
from geoseg.tiling import Box
from geoseg.write.html.element import Html, element, join
from geoseg.write.html.pictures import class_picture, confidence_picture, photograph, ramp_css
from geoseg.write.html.viewer import Layer, View, class_legend
from geoseg.write.tiff import TILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.classes import MapClass
    from geoseg.raster import Raster
    from geoseg.segment.recipe import Recipe
    from geoseg.write.preview import Preview

_PLACES = 6
_CELLS = 24
"""Cells along the longer side, in which the mean confidence is compared."""

_SIDES = 64, 256
"""Least and largest side of the picture of a place, in pixels of the scene."""

_TILES = 64
"""Tiles whose confidence is counted: all of scenes up to 4096 × 4096 pixels."""

_CERTAIN = 99.5


@dataclass(frozen=True)
class Place:
    """A part of the scene that the model is least certain of.

    Attributes
    ----------
    box
        Where it is, in pixels of the scene.
    confidence
        Mean of its valid pixels, in percent.
    shares
        The most frequent classes and their share of its valid pixels, at most three.
    scene, classes
        Pictures of it.
    """

    box: Box
    confidence: float
    shares: tuple[tuple[MapClass, float], ...]
    scene: str
    classes: str


@dataclass(frozen=True)
class Pictures:
    """What a scene's page shows beside what its report says.

    Attributes
    ----------
    view
        Size and scale of scene and layers.
    step
        Pixels of the scene per pixel of these pictures.
    scene
        The scene's picture.
    layers
        Pictures over it.
    histogram
        Pixels per whole percent of confidence, 0…100; empty if it is not known.
    counted
        Share of the scene's pixels that the histogram is of.
    places
        The least certain places.
    """

    view: View
    step: int
    scene: str
    layers: tuple[Layer, ...]
    histogram: tuple[int, ...] = ()
    counted: float = 1.0
    places: tuple[Place, ...] = ()


def scene_pictures(recipe: Recipe, preview: Preview, paths: Mapping[str, Path]) -> Pictures:
    """Make the pictures of a scene whose class map and confidence are written."""
    from geoseg.raster.quicklook import stretch

    names = recipe.model.card.classes
    confidence = _reduced(paths["confidence"], preview.classes.shape)
    histogram, counted = _histogram(paths["confidence"])
    classes = Layer("classes", class_picture(preview.classes, names), _shares_text(preview), _class_legend(preview))
    sure = Layer("confidence", confidence_picture(confidence), "Map of confidence, percent of the winning class",
                 _ramp_legend())  # fmt: skip
    return Pictures(
        view_of(preview),
        preview.step,
        photograph(stretch(preview.quicklook, preview.valid)),
        (classes, sure),
        tuple(int(count) for count in histogram),
        counted,
        tuple(_places(recipe, confidence, preview, paths)),
    )


def object_pictures(preview: Preview) -> Pictures:
    """Return the pictures of a scene whose objects are drawn."""
    from geoseg.raster.quicklook import stretch

    assert preview.picture is not None
    entries = preview.legend or ()
    text = "Objects found: " + ", ".join(f"{name} {number}" for _, name, number in entries)
    legend = class_legend([(color, f"{name} {number}") for color, name, number in entries])
    layer = Layer("objects", photograph(preview.picture), text, legend)
    return Pictures(view_of(preview), preview.step, photograph(stretch(preview.quicklook, preview.valid)), (layer,))


def view_of(preview: Preview) -> View:
    """Return size and scale of a preview's pictures."""
    height, width = preview.valid.shape
    sides = pixel_sides(preview.geobox.crs, preview.geobox.affine, preview.geobox.shape)
    size, unit = (sides[0], "m") if sides else (1.0, "px")
    return View(height, width, size * preview.step, unit)


def _shares_text(preview: Preview) -> str:
    total = sum(preview.pixels.get(item.id, 0) for item in preview.names) or 1
    shares = sorted(((preview.pixels.get(item.id, 0) / total, item.name) for item in preview.names), reverse=True)
    return "Class map: " + ", ".join(f"{name} {100 * share:.1f} %" for share, name in shares if share > 0)


def _class_legend(preview: Preview) -> Html:
    return class_legend([(item.color, item.name) for item in preview.names if preview.pixels.get(item.id, 0)])


def _ramp_legend() -> Html:
    return element("p", "0 % ", element("span", class_="ramp", style=f"background:{ramp_css()}"), " 100 % sure")


# --- confidence


def _reduced(path: Path, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Read a whole raster at reduced size, from its overviews."""
    from geoseg.raster.gdal.datasets import open_dataset
    from geoseg.raster.gdal.environment import environment

    with environment(), open_dataset(str(path)) as file:
        reduced: NDArray[np.uint8] = file.read(1, out_shape=shape)
        return reduced


def _histogram(path: Path) -> tuple[NDArray[np.int64], float]:
    """Count pixels per percent in tiles spread over the file; return the counts and the share of pixels looked at."""
    from rasterio.windows import Window

    from geoseg.raster.gdal.datasets import open_dataset
    from geoseg.raster.gdal.environment import environment

    counts = np.zeros(256, np.int64)
    seen = 0
    with environment(), open_dataset(str(path)) as file:
        height, width = file.shape
        corners = [(row, col) for row in range(0, height, TILE) for col in range(0, width, TILE)]
        chosen = sorted({int(k) for k in np.linspace(0, len(corners) - 1, min(len(corners), _TILES))})
        for row, col in (corners[k] for k in chosen):
            part = file.read(1, window=Window(col, row, min(TILE, width - col), min(TILE, height - row)))
            counts += np.bincount(part.ravel(), minlength=256)
            seen += part.size
    return counts[:101], seen / (height * width)


def _places(recipe: Recipe, confidence: NDArray[np.uint8], preview: Preview, paths: Mapping[str, Path]) -> list[Place]:
    """Return the least certain places, none beside another, the least certain first."""
    cell = max(-(-max(confidence.shape) // _CELLS), 4)
    means, centres = cell_means(confidence, cell)
    chosen: list[tuple[int, int]] = []
    for flat in np.argsort(means, axis=None, kind="stable"):
        row, col = divmod(int(flat), means.shape[1])
        if len(chosen) == _PLACES or not means[row, col] < _CERTAIN:  # NaN: too little of it is valid
            break
        if all(max(abs(row - other), abs(col - another)) > 1 for other, another in chosen):
            chosen.append((row, col))
    side = int(np.clip(cell * preview.step, *_SIDES))
    found = []
    for row, col in chosen:
        top, left = (int(centre * preview.step) for centre in (centres[0][row], centres[1][col]))
        box = _around(top, left, side, recipe.raster.shape)
        found.append(_place(recipe, box, preview, paths))
    return sorted(found, key=lambda place: place.confidence)


def cell_means(confidence: NDArray[np.uint8], side: int) -> tuple[NDArray[np.float64], tuple[NDArray[np.float64], ...]]:
    """Return the mean of each square cell of a confidence (h, w) in percent, and the centres of rows and columns.

    Pixels above 100 are missing; a cell with less than half of a whole cell's pixels is NaN.
    """
    known = confidence <= 100
    rows, cols = (np.arange(0, length, side) for length in confidence.shape)

    def sums(values: NDArray[Any]) -> NDArray[np.int64]:
        by_row = np.add.reduceat(values.astype(np.int64), rows, axis=0)
        return np.asarray(np.add.reduceat(by_row, cols, axis=1), np.int64)

    counts, totals = sums(known), sums(np.where(known, confidence, 0))
    means = np.where(2 * counts >= min(side * side, confidence.size), totals / np.maximum(counts, 1), np.nan)
    centres = tuple(
        (starts + np.minimum(starts + side, length)) / 2
        for starts, length in zip((rows, cols), confidence.shape, strict=True)
    )
    return means, centres


def _around(row: int, col: int, side: int, shape: tuple[int, int]) -> Box:
    """Return a square around a place, moved and cut so that it lies in the scene."""
    height, width = (min(side, length) for length in shape)
    top = min(max(row - height // 2, 0), shape[0] - height)
    left = min(max(col - width // 2, 0), shape[1] - width)
    return Box(top, left, height, width)


def _place(recipe: Recipe, box: Box, preview: Preview, paths: Mapping[str, Path]) -> Place:
    from rasterio.windows import Window

    from geoseg.raster.gdal.datasets import open_dataset
    from geoseg.raster.gdal.environment import environment

    window = Window(box.col, box.row, box.width, box.height)
    parts = []
    for kind in ("classes", "confidence"):
        with environment(), open_dataset(str(paths[kind])) as file:
            parts.append(file.read(1, window=window))
    classes, confidence = parts
    valid = classes != NODATA
    names = recipe.model.card.classes
    counts = np.bincount(classes[valid], minlength=256)
    order = sorted((item for item in names if counts[item.id]), key=lambda item: -counts[item.id])[:3]
    shares = tuple((item, float(counts[item.id] / max(valid.sum(), 1))) for item in order)
    sure = float(confidence[valid].mean()) if valid.any() else 0.0
    colors = _scene_at(recipe.raster, box, preview)
    return Place(box, sure, shares, photograph(colors), class_picture(classes, names))


def _scene_at(raster: Raster, box: Box, preview: Preview) -> NDArray[np.uint8]:
    """Return the scene's colours at a place; from the reduced view if it would be fetched or computed again."""
    from geoseg.raster.quicklook import choose_bands, stretch

    step = preview.step
    if step > 1 and not raster.remote and not raster.computed:
        try:
            bands = [raster.bands[k].name for k in choose_bands([band.name for band in raster.bands])]
            pixels = raster.select(bands).read(box)
            return stretch(pixels.data, pixels.valid)
        except GeosegError:
            pass  # the class map is finished: its page does without
    rows = slice(box.row // step, -(-(box.row + box.height) // step))
    cols = slice(box.col // step, -(-(box.col + box.width) // step))
    return stretch(preview.quicklook, preview.valid)[rows, cols]


def shares_of(place: Place) -> Html:
    """Return the classes of a place in words."""
    return join([", ".join(f"{item.name} {100 * share:.0f}\u00a0%" for item, share in place.shares)])
