"""Pictures of a scene: which bands to show as colours, and how to stretch their values."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MISSING = "#ececec"
"""Colour of missing pixels."""

_COMPOSITES = (("red", "green", "blue"), ("nir", "red", "green"), ("swir16", "nir", "red"))


def choose_bands(names: Sequence[str]) -> tuple[int, ...]:
    """Return the positions of the bands to show as red, green and blue: true colour if it is there, else one false."""
    for composite in _COMPOSITES:
        if set(composite) <= set(names):
            return tuple(names.index(name) for name in composite)
    return (0, 1, 2) if len(names) >= 3 else (0,)


def stretch(quicklook: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return bands (bands, h, w) as colours (h, w, 3): 1st to 98th percentile of each band, missing pixels grey."""
    out = np.empty((*valid.shape, 3), np.uint8)
    out[:] = int(MISSING[1:3], 16)
    if not valid.any():
        return out
    for channel in range(3):
        values = quicklook[min(channel, len(quicklook) - 1)][valid].astype(np.float64)
        low, high = np.percentile(values, (1, 98))
        scaled = (values - low) / max(high - low, 1e-12)
        # Reflectance is linear in light, and forests look black on a screen; a gamma of 1.7 opens the shadows.
        out[..., channel][valid] = np.rint(np.clip(scaled, 0, 1) ** (1 / 1.7) * 255)
    return out


def data_url(colors: NDArray[np.uint8]) -> str:
    """Return colours (h, w, 3) as the ``data:`` URL of a PNG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(colors).save(buffer, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
