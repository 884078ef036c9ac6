"""A measured quantity on the pixels of training images, such as height: what a second head of the network learns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geoseg.classes import NODATA
from geoseg.errors import InputError
from geoseg.raster.grids import overlaps
from geoseg.raster.open import open_on_grid
from geoseg.raster.probe import probe
from geoseg.train.data.images import label_files, related_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geoseg.progress.reporters import Reporter
    from geoseg.raster import Raster
    from geoseg.tiling import Box

UNKNOWN = float(NODATA)
"""Stands for pixels without a value, among standardised ones."""

# Standardised values beyond are errors of measurement, and would rule a squared loss.
_LIMIT = 10.0


@dataclass(frozen=True, eq=False)
class Quantity:
    """A quantity on the pixels of one image.

    Attributes
    ----------
    raster
        Its raster, on the image's grid.
    mean, deviation
        Of all images together, in its own units.
    """

    raster: Raster
    mean: float
    deviation: float

    def read(self, box: Box) -> NDArray[np.float32]:
        """Return standardised values (h, w) of a box within the image, :data:`UNKNOWN` where there is none."""
        pixels = self.raster.read(box)
        values = (pixels.data[0].astype(np.float64) - self.mean) / self.deviation
        known = pixels.valid & np.isfinite(values)
        return np.where(known, np.clip(values, -_LIMIT, _LIMIT), UNKNOWN).astype(np.float32)


def open_quantities(name: str, path: str, rasters: Sequence[Raster], reporter: Reporter) -> list[Quantity | None]:
    """Return the quantity on each image, None where there is none.

    Parameters
    ----------
    name
        Name of the quantity, for messages.
    path
        A raster of one band, in any CRS and resolution; or a folder of those, named as the images are.
    rasters
        The images.
    reporter
        Hears which images have none.

    Raises
    ------
    InputError
        If a file cannot be read, has several bands or holds classes, or no image has two different values.
    """
    files = label_files([path])
    opened = [_open(name, raster, files) for raster in rasters]
    found = [one for one in opened if one is not None]
    samples = [sample.data[0][sample.valid] for sample in (one.sample() for one in found)]
    values = np.concatenate(samples).astype(np.float64) if samples else np.empty(0)
    values = values[np.isfinite(values)]
    if not len(values):
        raise InputError(f"{path}: has no value of {name} on any of the images; does it show the same place?")
    mean, deviation = float(values.mean()), float(values.std())
    if deviation <= 0:
        raise InputError(f"{path}: {name} is {mean:g} everywhere on the images, so there is nothing to learn")
    if missing := [raster.name for raster, one in zip(rasters, opened, strict=True) if one is None]:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        reporter.warning(f"no {name} on {', '.join(missing[:3])}{more}: learned on the other images alone")
    reporter.info(f"also learned: {name}, {mean:.4g} ± {deviation:.4g}")
    return [None if one is None else Quantity(one, mean, deviation) for one in opened]


def _open(name: str, raster: Raster, files: Sequence[str]) -> Raster | None:
    """Return the raster of the quantity on the grid of an image."""
    own = list(files) if len(files) == 1 else related_files(raster, files)
    if not own:
        return None
    if len(own) > 1:
        raise InputError(f"{raster.name}: {' and '.join(own[:2])} both hold its {name}; leave one of them out")
    info = probe(own[0], remote=False)
    if info.categorical:
        raise InputError(f"{own[0]}: holds classes; {name} must be a measured quantity, such as height in metres")
    if len(info.bands) != 1:
        raise InputError(f"{own[0]}: has {len(info.bands)} bands; give a raster of {name} alone")
    if raster.georeferenced and info.own.crs is not None and not overlaps(info.own, raster.grid, own[0]):
        return None
    return open_on_grid(own[0], raster.grid)
