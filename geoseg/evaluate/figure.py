"""The figure of an evaluation: confusion matrix, error map and reliability diagram, drawn with Pillow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL import Image, ImageDraw

    from geoseg.classes import MapClass
    from geoseg.evaluate.calibration import Reliability
    from geoseg.evaluate.comparison import ComparisonCounts, ErrorMap
    from geoseg.evaluate.metrics import Scores

_PAPER, _INK, _SOFT, _LINE = (255, 255, 255), (34, 34, 34), (110, 110, 110), (200, 200, 200)
_MISSING = (222, 222, 222)
_RIGHT, _WRONG = (250, 246, 240), (165, 15, 30)
_BLUE = (33, 102, 172)
_SPACE, _BIG, _SMALL, _HEAD = 28, 20, 15, 84
_MATRIX, _MAP, _CURVE = 540, 640, 300
_MOST_NUMBERS = 14


@dataclass(frozen=True)
class _Fonts:
    big: Any
    small: Any


def draw(title: str, classes: Sequence[MapClass], counts: ComparisonCounts, found: Scores) -> Image.Image:
    """Draw confusion matrix, error map and reliability diagram side by side.

    Parameters
    ----------
    title
        Headline.
    classes
        Common classes, in the order of rows and columns of the matrix.
    counts, found
        All counts, and their scores.
    """
    from PIL import Image, ImageDraw, ImageFont

    fonts = _Fonts(ImageFont.load_default(_BIG), ImageFont.load_default(_SMALL))
    panels = [_matrix(classes, counts.matrix, fonts)]
    if counts.errors is not None:
        panels.append(_errors(counts.errors, fonts))
    reliability = counts.reliability
    if reliability is not None and reliability.pixels.sum():
        panels.append(_curve(reliability, fonts))
    line = (
        f"overall accuracy {found.overall_accuracy:.3f}   mean IoU {found.mean_iou:.3f}   kappa {found.kappa:.3f}   "
        f"{int(found.total):,} pixels"
    )
    width = sum(panel.width for panel in panels) + _SPACE * (len(panels) + 1)
    width = int(max(width, fonts.big.getlength(title) + 2 * _SPACE, fonts.small.getlength(line) + 2 * _SPACE))
    canvas = Image.new("RGB", (width, _HEAD + max(panel.height for panel in panels) + _SPACE), _PAPER)
    pen = ImageDraw.Draw(canvas)
    pen.text((_SPACE, 18), title, fill=_INK, font=fonts.big)
    pen.text((_SPACE, 48), line, fill=_SOFT, font=fonts.small)
    left = _SPACE
    for panel in panels:
        canvas.paste(panel, (left, _HEAD))
        left += panel.width + _SPACE
    return canvas


def _matrix(classes: Sequence[MapClass], matrix: NDArray[np.int64], fonts: _Fonts) -> Image.Image:
    """Draw the confusion matrix; each row sums to 100 % of the reference's pixels of that class."""
    from PIL import Image, ImageDraw

    names = [item.name for item in classes]
    count = len(names)
    side = max(min(_MATRIX // count, 72), 10)
    numbers = count <= _MOST_NUMBERS
    room = int(max(fonts.small.getlength(_short(name)) for name in names)) + 34
    panel = Image.new("RGB", (room + count * side + 2, 56 + count * side + room), _PAPER)
    pen = ImageDraw.Draw(panel)
    pen.text((0, 0), "confusion: rows reference, columns map, % of the row", fill=_SOFT, font=fonts.small)
    support = matrix.sum(1, keepdims=True)
    share = matrix / np.maximum(support, 1)
    top = 30
    for row in range(count):
        empty = not support[row, 0]
        for col in range(count):
            color = _MISSING if empty else _mix(_PAPER, _BLUE if row == col else _WRONG, float(share[row, col]) ** 0.6)
            box = (room + col * side, top + row * side, room + (col + 1) * side - 1, top + (row + 1) * side - 1)
            pen.rectangle(box, fill=color, outline=_LINE if side > 14 else None)
            if numbers and not empty and share[row, col] >= 0.0005:
                percent = 100 * share[row, col]
                text = f"{percent:.0f}" if percent >= 9.95 else f"{percent:.1f}"
                middle = ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2)
                dark = share[row, col] ** 0.6 > 0.55
                pen.text(middle, text, fill=_PAPER if dark else _INK, font=fonts.small, anchor="mm")
        if side >= _SMALL or row % 2 == 0:
            _class_label(pen, classes[row], (room - 8, top + row * side + side // 2), fonts)
    _column_labels(panel, classes, (room, top + count * side + 6), side, fonts)
    return panel


def _class_label(pen: ImageDraw.ImageDraw, item: MapClass, at: tuple[int, int], fonts: _Fonts) -> None:
    x, y = at
    pen.rectangle((x - 12, y - 6, x, y + 6), fill=item.color, outline=_LINE)
    pen.text((x - 18, y), _short(item.name), fill=_INK, font=fonts.small, anchor="rm")


def _column_labels(
    panel: Image.Image, classes: Sequence[MapClass], at: tuple[int, int], side: int, fonts: _Fonts
) -> None:
    """Write the class names under the columns, rotated so that long ones fit."""
    from PIL import Image, ImageDraw

    left, top = at
    for k, item in enumerate(classes):
        if side < _SMALL and k % 2:
            continue
        strip = Image.new("RGB", (panel.height - top, 18), _PAPER)
        _class_label(ImageDraw.Draw(strip), item, (strip.width - 1, 9), fonts)
        panel.paste(strip.rotate(90, expand=True), (left + k * side + side // 2 - 9, top))


def _errors(errors: ErrorMap, fonts: _Fonts) -> Image.Image:
    """Draw the error map: the share of wrong pixels in each cell."""
    from PIL import Image, ImageDraw

    rows, cols = errors.compared.shape
    scale = _MAP / max(rows, cols)
    size = max(round(cols * scale), 8), max(round(rows * scale), 8)
    picture = Image.fromarray(error_colors(errors))
    picture = picture.resize(size, Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX)
    panel = Image.new("RGB", (max(size[0], 470) + 2, size[1] + 70), _PAPER)
    pen = ImageDraw.Draw(panel)
    cell = "wrong pixels" if errors.step == 1 else f"share of wrong pixels, cells of {errors.step} x {errors.step}"
    pen.text((0, 0), f"error map: {cell}", fill=_SOFT, font=fonts.small)
    panel.paste(picture, (1, 30))
    pen.rectangle((0, 29, size[0] + 1, size[1] + 30), outline=_LINE)
    left = 0
    for color, text in ((_RIGHT, "right"), (_WRONG, "wrong"), (_MISSING, "not compared")):
        y = size[1] + 50
        pen.rectangle((left, y - 7, left + 14, y + 7), fill=color, outline=_LINE)
        pen.text((left + 22, y), text, fill=_INK, font=fonts.small, anchor="lm")
        left += 42 + int(fonts.small.getlength(text))
    return panel


def error_colors(errors: ErrorMap) -> NDArray[np.uint8]:
    """Return the cells as colours, uint8 (rows, columns, 3)."""
    share = errors.wrong / np.maximum(errors.compared, 1)
    # The square root keeps cells with few wrong pixels visible.
    weight = np.sqrt(share)[..., None]
    colors = np.asarray(_RIGHT) * (1 - weight) + np.asarray(_WRONG) * weight
    colors[errors.compared == 0] = _MISSING
    painted: NDArray[np.uint8] = np.rint(colors).astype(np.uint8)
    return painted


def _curve(reliability: Reliability, fonts: _Fonts) -> Image.Image:
    """Draw the reliability diagram: accuracy by confidence; on the diagonal the map is calibrated."""
    from PIL import Image, ImageDraw

    left, top = 44, 30
    panel = Image.new("RGB", (left + _CURVE + 16, top + _CURVE + 84), _PAPER)
    pen = ImageDraw.Draw(panel)
    pen.text((0, 0), f"reliability: ECE {reliability.ece:.3f}", fill=_SOFT, font=fonts.small)
    most = max(entry["pixels"] for entry in reliability.bins())
    for entry in reliability.bins():
        if not entry["pixels"]:
            continue
        x0, x1 = (left + _CURVE * entry[side] // 100 for side in ("from", "to"))
        y = top + round(_CURVE * (1 - entry["accuracy"]))
        color = _mix((205, 220, 235), _BLUE, (entry["pixels"] / most) ** 0.5)
        pen.rectangle((x0 + 1, y, x1 - 1, top + _CURVE), fill=color)
    pen.line((left, top + _CURVE, left + _CURVE, top), fill=_WRONG, width=2)
    pen.rectangle((left, top, left + _CURVE, top + _CURVE), outline=_LINE)
    for percent in (0, 50, 100):
        pen.text(
            (left + _CURVE * percent // 100, top + _CURVE + 6), str(percent), fill=_SOFT, font=fonts.small, anchor="mt"
        )
        pen.text(
            (left - 6, top + _CURVE * (100 - percent) // 100), str(percent), fill=_SOFT, font=fonts.small, anchor="rm"
        )
    pen.text((left + _CURVE // 2, top + _CURVE + 28), "confidence, %", fill=_SOFT, font=fonts.small, anchor="mt")
    pen.text((left, top + _CURVE + 54), "bars: accuracy, %; darker: more pixels", fill=_SOFT, font=fonts.small)
    return panel


def _mix(one: tuple[int, int, int], other: tuple[int, int, int], weight: float) -> tuple[int, int, int]:
    red, green, blue = (round(a + (b - a) * min(max(weight, 0.0), 1.0)) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _short(name: str, most: int = 20) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
