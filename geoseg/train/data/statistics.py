"""Mean, standard deviation and range of each band over the training part, for the card's value scaling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import InputError
from geoseg.models import BandSpec, ValueScaling
from geoseg.models.card.contract import pixel_size
from geoseg.models.card.percentiles import ValuePercentiles, evenly, percentiles_of, summarize
from geoseg.models.card.scaling import to_card_units
from geoseg.models.card.units import BELOW
from geoseg.raster import release_handles
from geoseg.system.threads import ordered_map
from geoseg.tiling import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.raster import Raster
    from geoseg.train.validation.split import Parts


# Cells that are read: more do not change the third digit of a mean or deviation.
_MOST_CELLS = 2000

# Values of each cell that are kept for percentiles, and for the distribution over images; pixels that an image needs.
_KEPT = 64
_EVENLY, _LEAST_OF_IMAGE = 256, 200

# Usual full scales: a scene may be brighter than the training part and still be in the same units.
_FULL_SCALES = (1.0, 255.0, 10_000.0, 65_535.0)


@dataclass(frozen=True, eq=False)
class Statistics:
    """Statistics of the training part, in the units of the card.

    Attributes
    ----------
    mean, deviation
        (bands,) float64.
    low, high
        (bands,) 0.1th and 99.9th percentile.
    pixels
        Valid pixels that were read.
    percentiles
        Distribution over images; None where it cannot tell units apart.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    pixels: int
    percentiles: ValuePercentiles | None = None

    def scaling(self) -> tuple[ValueScaling, ...]:
        """Return the z-score scaling of each band; constant bands are only centred."""
        return tuple(
            ValueScaling(type="z-score", mean=float(f"{m:.7g}"), stddev=float(f"{d:.7g}") if d > 0 else 1.0)
            for m, d in zip(self.mean, self.deviation, strict=True)
        )

    def value_range(self, dtype: np.dtype[np.generic]) -> tuple[float, float]:
        """Return the smallest and largest plausible value, to detect scenes in other units."""
        low, high = float(self.low.min()), float(self.high.max())
        span = max(high - low, 1e-6)
        if dtype == np.uint8:
            return 0.0, 255.0
        # Reflectance may fall a little below 0. Heights of some metres, or powers of some thousandths, are darker than
        # any of these scales: the check of units would refuse the training data themselves.
        full = next((full for full in _FULL_SCALES if full / BELOW < high <= 1.6 * full), None)
        if low < -0.05 * high or full is None or high <= 0:
            return round(low - span / 2, 6), round(high + span / 2, 6)
        return 0.0, full


def measure(
    rasters: Sequence[Raster], bands: Sequence[BandSpec], parts: Sequence[Parts], cell: int, seed: int
) -> Statistics:
    """Measure the training part; validation pixels are never read.

    Parameters
    ----------
    rasters
        Images, bands in the order of ``bands``.
    bands
        Scale and offset of the card.
    parts
        Split of each image.
    cell
        Side of its cells in pixels.
    seed
        Seed of the sample.

    Raises
    ------
    InputError
        If no pixel with a training label is valid.
    """
    places = [
        (i, int(row), int(col)) for i, part in enumerate(parts) for row, col in np.argwhere(part.training.sum(-1) > 0)
    ]
    rng = np.random.default_rng(seed)
    if len(places) > _MOST_CELLS:
        places = [places[i] for i in np.sort(rng.choice(len(places), _MOST_CELLS, replace=False))]

    def read(place: tuple[int, int, int]) -> NDArray[np.float64]:
        image, row, col = place
        raster = rasters[image]
        pixels = raster.read(Box(row * cell, col * cell, cell, cell).intersection(raster.box))
        values = pixels.data[:, pixels.valid].astype(np.float64)
        for i, (band, spec) in enumerate(zip(raster.bands, bands, strict=True)):
            step = to_card_units(band, spec.scale, spec.offset)
            values[i] = values[i] * step.a + step.b
        return values

    number, kept = 0, []
    cells: dict[int, list[NDArray[np.float64]]] = {}
    mean, square = np.zeros(len(bands)), np.zeros(len(bands))
    try:
        for (image, _, _), values in zip(places, ordered_map(read, places, 2, ahead=8), strict=True):
            new = values.shape[1]
            if not new:
                continue
            # Chan et al. 1983: means and sums of squares of parts, joined without cancellation.
            part = values.mean(1)
            delta = part - mean
            square += ((values - part[:, None]) ** 2).sum(1) + delta**2 * number * new / (number + new)
            mean += delta * new / (number + new)
            number += new
            kept.append(values[:, rng.integers(0, new, min(_KEPT, new))])
            cells.setdefault(image, []).append(evenly(values, _EVENLY))
    finally:
        release_handles()
    if not number:
        raise InputError("no training label is on a valid pixel: is the images' nodata value right?")
    low, high = np.percentile(np.concatenate(kept, 1), (0.1, 99.9), axis=1)
    return Statistics(mean, np.sqrt(square / number), low, high, number, _percentiles(cells))


def _percentiles(cells: dict[int, list[NDArray[np.float64]]]) -> ValuePercentiles | None:
    """Return the distribution over images from evenly spaced pixels of their cells."""
    images = [np.concatenate(parts, 1) for _, parts in sorted(cells.items())]
    large = [image for image in images if image.shape[1] >= _LEAST_OF_IMAGE]
    if not large:
        return None
    return summarize([percentiles_of(image) for image in large], np.concatenate(images, 1))


def resolution_of(rasters: Sequence[Raster], zoom: float) -> tuple[float, float] | None:
    """Return the range of pixel sizes in metres seen in training, zoom included; None without any CRS."""
    sizes = [size for size in (pixel_size(raster) for raster in rasters) if size]
    if not sizes:
        return None
    zoom = max(zoom, 1.05)
    return float(f"{min(sizes) / zoom:.3g}"), float(f"{max(sizes) * zoom:.3g}")
