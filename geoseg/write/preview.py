"""The preview: a PNG with scene, class map, legend and scale bar side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import NODATA, MapClass
from geoseg.errors import OutputError
from geoseg.geodesy import pixel_sides
from geoseg.raster.quicklook import MISSING, stretch
from geoseg.system.files import complete

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox
    from PIL import Image, ImageDraw

PANEL = 900
"""Longest side of scene and class map in the picture, in pixels."""

_SPACE, _TEXT, _SMALL, _ROW = 24, 20, 16, 34
_PAPER, _INK, _SOFT = "#ffffff", "#222222", "#666666"
_FRAME, _SWATCH = "#bbbbbb", 32


@dataclass(frozen=True)
class Preview:
    """The content of a preview.

    Attributes
    ----------
    quicklook
        (bands, h, w), stored values of one or three bands at reduced size.
    valid
        (h, w), bool: pixels with data.
    classes
        (h, w), uint8 class numbers, 255 = nodata, at the same reduced size.
    names
        Classes of the map.
    pixels
        Pixels per class number at full size, for the shares in the legend.
    step
        Scene pixels per picture pixel.
    geobox
        Grid of the whole scene.
    title
        One line above the picture.
    picture, caption
        (h, w, 3): what is shown beside the scene, and its caption; the class map if None.
    legend
        Colour, name and text of each entry; the classes and their shares if None.
    """

    quicklook: NDArray[Any]
    valid: NDArray[np.bool_]
    classes: NDArray[np.uint8]
    names: Sequence[MapClass]
    pixels: Mapping[int, int]
    step: int
    geobox: GeoBox
    title: str
    picture: NDArray[np.uint8] | None = None
    caption: str = "classes"
    legend: tuple[tuple[str, str, str], ...] | None = None


def step_of(height: int, width: int) -> int:
    """Return the scene pixels per picture pixel for which the longer side fits the panel."""
    return max(math.ceil(max(height, width) / PANEL), 1)


def write_preview(path: Path, preview: Preview) -> None:
    """Draw the preview and write it as PNG.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    image = draw(preview)
    try:
        with complete(path) as part:
            image.save(part, format="PNG", optimize=True)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error}; free some space or choose another folder with -o"
        ) from error


def draw(preview: Preview) -> Image.Image:
    """Return the preview as an image."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = preview.valid.shape
    # Small scenes are enlarged by whole factors, so that pixels stay sharp squares; narrow ones get a minimum width.
    factor = max(PANEL // 2 // max(height, width), 1)
    high, wide = max(height * factor, 8), max(width * factor, 8)
    big, small = ImageFont.load_default(_TEXT), ImageFont.load_default(_SMALL)
    panels = [
        Image.fromarray(array).resize((wide, high), Image.Resampling.NEAREST)
        for array in (stretch(preview.quicklook, preview.valid), _beside(preview))
    ]
    legend = _legend(preview)
    names = max((big.getlength(name) for _, name, _ in legend), default=0)
    shares = max((small.getlength(share) for _, _, share in legend), default=0)
    column = int(_SWATCH + names + _SPACE + shares)
    top = 2 * _SPACE + 2 * _TEXT
    title_width = max(big.getlength(preview.title), column)
    canvas_width = int(max(2 * wide + 3 * _SPACE + column, title_width) + _SPACE)
    canvas_height = top + max(high + 2 * _SPACE, len(legend) * _ROW) + _SPACE // 2
    canvas = Image.new("RGB", (canvas_width, canvas_height), _PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((_SPACE, _SPACE // 2), preview.title, fill=_INK, font=big)
    for number, (panel, caption) in enumerate(zip(panels, ("scene", preview.caption), strict=True)):
        left = _SPACE + number * (wide + _SPACE)
        canvas.paste(panel, (left, top))
        pen.rectangle((left - 1, top - 1, left + wide, top + high), outline=_FRAME)
        if wide >= small.getlength(caption):
            pen.text((left, top - 8), caption, fill=_SOFT, font=small, anchor="ls")
    left = 2 * wide + 3 * _SPACE
    for row, (color, name, share) in enumerate(legend):
        middle = top + row * _ROW + _ROW // 2 - 5
        pen.rectangle((left, middle - 10, left + 20, middle + 10), fill=color, outline=_FRAME)
        pen.text((left + _SWATCH, middle), name, fill=_INK, font=big, anchor="lm")
        pen.text((left + column, middle), share, fill=_SOFT, font=small, anchor="rm")
    _scale_bar(pen, preview, wide / width, (_SPACE, top + high + 16), wide, small)
    return canvas


def _beside(preview: Preview) -> NDArray[np.uint8]:
    return paint(preview.classes, preview.names) if preview.picture is None else preview.picture


def paint(classes: NDArray[np.uint8], names: Sequence[MapClass]) -> NDArray[np.uint8]:
    """Return a class map (h, w) as RGB (h, w, 3)."""
    table = np.full((256, 3), int(MISSING[1:3], 16), np.uint8)
    for item in names:
        table[item.id] = item.rgb
    return table[classes]


def _legend(preview: Preview) -> list[tuple[str, str, str]]:
    """Return colour, name and share of the valid area of every class, and an entry for missing pixels."""
    if preview.legend is not None:
        return list(preview.legend)
    total = sum(preview.pixels.get(item.id, 0) for item in preview.names)
    rows = [(c.color, c.name, _percent(preview.pixels.get(c.id, 0), total)) for c in preview.names]
    if preview.pixels.get(NODATA, 0):
        rows.append((MISSING, "no data", ""))
    return rows


def _percent(part: int, total: int) -> str:
    if not total or not part:
        return "0 %"
    share = 100 * part / total
    return "< 0.1 %" if share < 0.1 else f"{share:.1f} %"


def _scale_bar(
    pen: ImageDraw.ImageDraw, preview: Preview, zoom: float, at: tuple[int, int], width: int, font: Any
) -> None:
    """Draw a bar of a round length, at most two fifths of the panel."""
    sides = pixel_sides(preview.geobox.crs, preview.geobox.affine, preview.geobox.shape)
    size, unit = (sides[0], "m") if sides else (1.0, "px")
    per_pixel = size * preview.step / zoom
    longest = per_pixel * width * 0.4
    if longest <= 0:
        return
    power = 10.0 ** math.floor(math.log10(longest))
    length = next(power * digit for digit in (5, 2, 1) if power * digit <= longest)
    x, y = at
    end = x + round(length / per_pixel)
    pen.rectangle((x, y, end, y + 6), fill=_INK)
    text = f"{length / 1000:g} km" if unit == "m" and length >= 1000 else f"{length:g} {unit}"
    pen.text((end + 8, y - 6), text, fill=_INK, font=font)
