"""Sentinel-2 scenes without labels, at pixels of 10 to 30 m, to test maps on."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
import torch
import torch.nn.functional as F  # noqa: N812 - the usual name

from geoseg.models.networks.landcover import BANDS, STRIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


SIZES = (10.0, 20.0, 30.0)
"""Pixel sizes in metres at which maps are tested."""

_BAND_FILES = dict(zip(BANDS, ("B02", "B03", "B04", "B08", "B11", "B12"), strict=True))
_METRES_PER_DEGREE = 111_320.0


@dataclass(frozen=True)
class Scene:
    """A scene.

    Attributes
    ----------
    name
        Its folder.
    image
        Reflectance (6, h, w) float32, 0 where there are no data.
    size
        Pixel size in metres.
    """

    name: str
    image: NDArray[np.float32]
    size: float

    @property
    def sizes(self) -> list[float]:
        """The pixel sizes of :data:`SIZES` that are not finer than the scene's."""
        return [size for size in SIZES if size > 0.75 * self.size]

    def at(self, size: float) -> NDArray[np.float32]:
        """Return the image averaged to about a pixel size: (6, h, w), cells without data 0."""
        return shrink(self.image, max(round(size / self.size), 1))


def shrink(image: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Average cells of ``factor`` × ``factor`` pixels; cells with pixels without data become 0."""
    height, width = (side // factor for side in image.shape[1:])
    cells = image[:, : height * factor, : width * factor].reshape(-1, height, factor, width, factor)
    valid = (cells > 0).all((0, 2, 4))
    return np.where(valid, cells.mean((2, 4)), 0).astype(np.float32)


def read_scenes(folder: Path) -> list[Scene]:
    """Read the Sentinel-2 L2A scenes that have all bands, one file per band."""
    scenes = []
    for first in sorted(folder.glob("sentinel2_l2a_*/**/*_B02_*.tif*")):
        paths = [first.with_name(first.name.replace("_B02_", f"_{band}_")) for band in _BAND_FILES.values()]
        if all(path.exists() for path in paths):
            scenes.append(_read(paths))
    return scenes


def _read(paths: Sequence[Path]) -> Scene:
    bands = []
    for path in paths:
        with rasterio.open(path) as source:
            bands.append(np.where(source.read(2) > 0, source.read(1), 0) / np.float32(65535))
            latitude = radians((source.bounds.top + source.bounds.bottom) / 2)
            size = _METRES_PER_DEGREE * (source.res[1] + source.res[0] * cos(latitude)) / 2
    image = np.stack(bands).astype(np.float32)
    return Scene(paths[0].parent.name, np.where((image > 0).all(0), image, 0), size)


@torch.inference_mode()
def probabilities(net: torch.nn.Module, image: NDArray[np.float32]) -> torch.Tensor:
    """Return the probabilities of the classes (classes, h, w) of an image (6, h, w) of any size."""
    height, width = image.shape[1:]
    padded = F.pad(torch.from_numpy(image)[None], (0, -width % STRIDE, 0, -height % STRIDE))
    return net(padded)[0, :, :height, :width].softmax(0)  # type: ignore[no-any-return]
