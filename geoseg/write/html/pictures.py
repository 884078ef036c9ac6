"""Pictures inside a page, as ``data:`` addresses: photographs as JPEG, maps of few colours as PNG."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.classes import MapClass

_QUALITY = 82

_STEP = 5
"""Confidence is shown in steps of so many percent: noise that nobody sees would be most of the file."""

_RAMP = ((103, 0, 31), (214, 96, 77), (253, 219, 199), (209, 229, 240), (247, 250, 252))
"""Colours of a confidence of 0, 25 … 100 %: the least certain places stand out."""


def photograph(colors: NDArray[np.uint8]) -> str:
    """Return colours (h, w, 3) as a JPEG."""
    from PIL import Image

    return _url(Image.fromarray(colors), "jpeg", quality=_QUALITY)


def class_picture(classes: NDArray[np.uint8], names: Sequence[MapClass]) -> str:
    """Return a class map (h, w) in the colours of its classes; other values are transparent."""
    table = {item.id: item.rgb for item in names}
    values, shrunk = np.unique(classes, return_inverse=True)
    palette = [table.get(int(value), (0, 0, 0)) for value in values]
    hidden = bytes(255 if int(value) in table else 0 for value in values)
    return _indexed(shrunk.reshape(classes.shape).astype(np.uint8), palette, hidden)


def confidence_picture(confidence: NDArray[np.uint8]) -> str:
    """Return a confidence (h, w) in percent as colours, in steps of 5 %; above 100 it is transparent."""
    levels = np.where(confidence > 100, 255, (confidence.astype(np.uint16) + _STEP // 2) // _STEP)
    count = 100 // _STEP + 1
    index = np.minimum(levels, count).astype(np.uint8)
    return _indexed(index, [ramp(k * _STEP / 100) for k in range(count)] + [(0, 0, 0)], bytes([255] * count + [0]))


def ramp(share: float) -> tuple[int, int, int]:
    """Return the colour of a confidence, 0…1."""
    place = min(max(share, 0.0), 1.0) * (len(_RAMP) - 1)
    k = min(int(place), len(_RAMP) - 2)
    red, green, blue = (round(a + (b - a) * (place - k)) for a, b in zip(_RAMP[k], _RAMP[k + 1], strict=True))
    return red, green, blue


def ramp_css() -> str:
    """Return the colours as a CSS gradient, from 0 to 100 %."""
    return f"linear-gradient(90deg,{','.join(f'rgb{color}' for color in _RAMP)})".replace(" ", "")


def plain_picture(colors: NDArray[np.uint8]) -> str:
    """Return colours (h, w, 3) as a PNG."""
    from PIL import Image

    return _url(Image.fromarray(colors), "png")


def _indexed(index: NDArray[np.uint8], palette: Sequence[tuple[int, int, int]], alpha: bytes) -> str:
    from PIL import Image

    height, width = index.shape
    indexed = Image.frombytes("P", (width, height), np.ascontiguousarray(index).tobytes())
    indexed.putpalette([value for color in palette for value in color])
    return _url(indexed, "png", transparency=alpha)


def _url(image: Any, kind: str, **options: Any) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format=kind.upper(), **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
