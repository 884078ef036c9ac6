"""Values of the scenes: how each band enters the network, and what the card says of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import InputError
from geoseg.models import BandSpec, ValueScaling
from geoseg.models.card.percentiles import ValuePercentiles, evenly, percentiles_of, summarize
from geoseg.models.card.scaling import to_card_units
from geoseg.raster.fill import find_fill
from geoseg.tiling import Box
from geoseg.train.data.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from geoseg.raster import Pixels, Raster

# Scenes that are sampled, and pixels that are kept of each.
_MOST_SCENES, _MOST_PIXELS = 20, 200_000

# Boxes that are read around drawings, and their side in pixels.
_MOST_BOXES, _BOX = 25, 64

# Ratios are taken between bands whose medians differ by less than this factor: others measure different things.
_ALIKE = 20.0

# The largest number of ratios: those of eight bands.
MOST_PAIRS = 28

# Below this share of the median, logarithms and ratios mean noise.
_NOISE = 0.05


@dataclass(frozen=True, eq=False)
class SceneValues:
    """Robust statistics of the scenes' bands, in the units of the card.

    Attributes
    ----------
    bands
        The bands of the card.
    minimum, maximum
        (bands,) ends of the card's value scaling; ``minimum`` is a value that does not occur.
    logs
        Positions of bands that cannot be negative, which enter as logarithms.
    pairs
        Positions of bands whose ratios are features.
    zero, floor, center, spread
        (bands,) buffers of the network, see :class:`~geoseg.models.networks.sketch.SketchNet`.
    constant
        Names of bands that hold one value.
    value_range, percentiles
        As in the card.
    """

    bands: tuple[BandSpec, ...]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]
    logs: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]
    zero: NDArray[np.float64]
    floor: NDArray[np.float64]
    center: NDArray[np.float64]
    spread: NDArray[np.float64]
    constant: tuple[str, ...]
    value_range: tuple[float, float]
    percentiles: ValuePercentiles | None

    @property
    def scaling(self) -> tuple[ValueScaling, ...]:
        """Value scaling of the card: 0…1 from ``minimum`` to ``maximum``, not clipped."""
        return tuple(
            ValueScaling(type="min-max", minimum=float(low), maximum=float(high))
            for low, high in zip(self.minimum, self.maximum, strict=True)
        )


def scene_values(rasters: Sequence[Raster], drawn: Sequence[NDArray[np.int64]]) -> SceneValues:
    """Measure the values of scenes from a sample of each; the cost does not grow with their size.

    Parameters
    ----------
    rasters
        The scenes.
    drawn
        Drawn pixels of each, row × width + column: their surroundings are read where the sample holds no data.

    Raises
    ------
    InputError
        If no sampled pixel is valid.
    """
    bands = tuple(BandSpec(name=b.name, scale=b.scale, offset=b.offset) for b in rasters[0].bands)
    step = -(-len(rasters) // _MOST_SCENES)
    samples = [sample for raster in rasters[::step] if (sample := _sample(raster, bands)).shape[1]]
    if not samples:
        pairs = list(zip(rasters, drawn, strict=True))[::step]
        samples = [sample for raster, own in pairs if (sample := _around(raster, own, bands)).shape[1]]
    if not samples:
        raise InputError(f"{rasters[0].name}: nothing is drawn on pixels with data; check its nodata value")
    values = np.concatenate(samples, 1)
    low, high = np.percentile(values, (0.1, 99.9), axis=1)
    middle = np.median(values, 1)
    constant = high <= low
    integer = rasters[0].dtype.kind in "ui"
    span = np.where(constant, np.maximum(np.abs(high), 1.0), high - low)
    # Values that the bands never hold: the network's input is 0 only where there are no data.
    minimum = np.floor(low) - 0.5 if integer else low - span * 0.137_035_999
    maximum = minimum + np.where(constant, span, high - minimum)
    offset = np.array([-band.offset / band.scale for band in bands])
    zero_value = np.where([band.scaled for band in rasters[0].bands], offset, 0.0)
    above = middle - zero_value
    logs = tuple(np.flatnonzero((low - zero_value > -0.02 * above) & (above > 0) & ~constant).tolist())
    floor_value = np.ones(len(bands))
    for band in logs:
        like = [other for other in logs if 1 / _ALIKE < above[other] / above[band] < _ALIKE]
        floor_value[band] = _NOISE * float(np.median(above[like]))
    width = maximum - minimum
    is_log = np.isin(np.arange(len(bands)), logs)
    zero, floor = np.where(is_log, (zero_value - minimum) / width, 0.0), floor_value / width
    entered = (values - minimum[:, None]) / width[:, None] - zero[:, None]
    entered[is_log] = np.log1p(np.maximum(entered[is_log], 0) / floor[is_log, None])
    quarter, center, three = np.percentile(entered, (25, 50, 75), axis=1)
    spread = np.maximum((three - quarter) / 1.349, 0.2 * entered.std(1))
    sizes = Statistics(values.mean(1), values.std(1), low, high, values.shape[1])
    return SceneValues(
        bands=bands,
        minimum=minimum,
        maximum=maximum,
        logs=logs,
        pairs=_pairs(logs, above),
        zero=zero,
        floor=floor,
        center=center,
        spread=np.where(spread > 0, spread, 1.0),
        constant=tuple(band.name for band, one in zip(bands, constant, strict=True) if one),
        value_range=sizes.value_range(rasters[0].dtype),
        percentiles=summarize([percentiles_of(sample) for sample in samples], values),
    )


def _sample(raster: Raster, bands: Sequence[BandSpec]) -> NDArray[np.float64]:
    """Return valid pixels (bands, n) of a scene in the units of the card."""
    sample = raster.sample()
    fill = find_fill(raster, sample)
    return _in_card_units(sample if fill is None else fill.left_out(sample), raster, bands)


def _around(raster: Raster, drawn: NDArray[np.int64], bands: Sequence[BandSpec]) -> NDArray[np.float64]:
    """Return valid pixels (bands, n) around some of the drawn ones."""
    chosen = drawn[np.linspace(0, len(drawn) - 1, min(len(drawn), _MOST_BOXES)).round().astype(int)]
    rows, cols = np.divmod(chosen, raster.shape[1])
    boxes = {Box(int(r) // _BOX * _BOX, int(c) // _BOX * _BOX, _BOX, _BOX) for r, c in zip(rows, cols, strict=True)}
    read = (raster.read(box.intersection(raster.box)) for box in sorted(boxes))
    return np.concatenate([_in_card_units(pixels, raster, bands) for pixels in read], 1)


def _in_card_units(pixels: Pixels, raster: Raster, bands: Sequence[BandSpec]) -> NDArray[np.float64]:
    values = evenly(pixels.data[:, pixels.valid], _MOST_PIXELS)
    values = values[:, np.isfinite(values).all(0)]
    for row, band, spec in zip(values, raster.bands, bands, strict=True):
        step = to_card_units(band, spec.scale, spec.offset)
        np.add(row * step.a, step.b, out=row)
    return values


def _pairs(logs: Sequence[int], above: NDArray[np.float64]) -> tuple[tuple[int, int], ...]:
    """Return the pairs of bands whose ratios are features: all, or evenly chosen ones if there are too many."""
    alike = [(j, i) for i, j in combinations(logs, 2) if 1 / _ALIKE < above[i] / above[j] < _ALIKE]
    if len(alike) <= MOST_PAIRS:
        return tuple(alike)
    chosen = np.linspace(0, len(alike) - 1, MOST_PAIRS).round().astype(int)
    return tuple(alike[i] for i in chosen)
