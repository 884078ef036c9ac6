"""A stratified random sample of a class map, to be interpreted by people.

Olofsson et al., "Good practices for estimating area and assessing accuracy of land change", Remote Sensing of
Environment 148 (2014), doi 10.1016/j.rse.2014.02.015: strata are the map's classes, the number of points follows from
the standard error wanted for the overall accuracy (their eq. 13), rare classes get a minimum, and the others share the
rest by their area (section 5.1.2).

Two passes over the map find the points: one counts, one picks. Neither holds more than a few windows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MapClass
from geoseg.errors import InputError, OptionError
from geoseg.evaluate.class_matching import Codes, match, plain
from geoseg.evaluate.comparison import windows
from geoseg.evaluate.reference import RasterLayer
from geoseg.system.threads import ordered_map
from geoseg.tiling import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXPECTED = 0.8
"""Default for the expected user's accuracy of a class."""

# Relative difference of pixel areas below which they are taken as equal; in UTM zones it is below 0.001.
_EQUAL = 0.002


@dataclass(frozen=True, eq=False)
class Strata:
    """The classes of a map and their areas.

    Attributes
    ----------
    classes
        Classes that occur, in the map's order.
    pixels
        int64 (windows, K): pixels of each class in each window.
    areas
        float64 (K,): true ground area of each class in m², or in squared units of the transform without CRS.
    largest_pixel
        Area of the largest pixel.
    unit
        ``"m2"`` or ``"units2"``.
    codes
        Maps pixel values to positions in ``classes``.
    """

    classes: tuple[MapClass, ...]
    pixels: NDArray[np.int64]
    areas: NDArray[np.float64]
    largest_pixel: float
    unit: str
    codes: Callable[[NDArray[Any], NDArray[np.bool_]], NDArray[np.int16]]

    @property
    def weights(self) -> NDArray[np.float64]:
        """Share of each class in the map's area, (K,)."""
        return np.asarray(self.areas / self.areas.sum())


@dataclass(frozen=True, eq=False)
class Picked:
    """Pixels of a sample in random order: rows and columns, int64 (n,), and positions of their classes."""

    rows: NDArray[np.int64]
    cols: NDArray[np.int64]
    classes: NDArray[np.int64]


def strata_of(layer: RasterLayer, progress: Callable[[int, int], None] | None = None) -> Strata:
    """Count a map's classes and measure their areas on the ground, window by window.

    Raises
    ------
    InputError
        If the map has no valid pixel.
    """
    from geoseg.geodesy import PixelGeodesy
    from geoseg.geodesy.crs import is_measurable

    scheme = match(layer.side, layer.side, {})
    raster = layer.raster
    height, width = raster.shape
    crs = None if raster.grid.crs is None else raster.grid.crs.to_wkt()
    ground = PixelGeodesy(raster.transform, crs, height, width)
    count = len(scheme.classes)
    boxes = list(windows(height, width))
    pixels = np.zeros((len(boxes), count), np.int64)
    areas, largest = np.zeros(count), 0.0

    def measure(box: Box) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
        found = scheme.predicted(*layer.read(box))
        chosen = found >= 0
        of_pixels = pixel_areas(ground, box)
        which = found[chosen]
        summed = np.asarray(np.bincount(which, weights=of_pixels[chosen], minlength=count), np.float64)
        return np.bincount(which, minlength=count).astype(np.int64), summed, float(of_pixels.max())

    for number, (counted, measured, most) in enumerate(ordered_map(measure, boxes)):
        pixels[number] = counted
        areas += measured
        largest = max(largest, most)
        if progress is not None:
            progress(number + 1, len(boxes))
    if not pixels.any():
        raise InputError(f"{layer.label} has no pixel with a class; there is nothing to sample")
    present = np.flatnonzero(pixels.any(0))
    classes = tuple(scheme.classes[k] for k in present)
    codes = _Renumbered(scheme.predicted, present, count)
    return Strata(classes, pixels[:, present], areas[present], largest, "m2" if is_measurable(crs) else "units2", codes)


@dataclass(frozen=True, eq=False)
class _Renumbered:
    """Codes of the classes that occur, numbered without gaps."""

    codes: Codes
    present: NDArray[np.int64]
    count: int

    def __call__(self, values: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.int16]:
        table = np.full(self.count + 1, -1, np.int16)
        table[self.present] = np.arange(self.present.size)
        return table[self.codes(values, valid)]  # −1 finds the last entry, which is −1


def pixel_areas(ground: Any, box: Box) -> NDArray[np.float64]:
    """Return the true area of each pixel of a box, (h, w)."""
    found = ground.areas(box.row, box.bottom)
    steps = np.diff(found.prefix[:, box.col : box.right + 1])
    below = np.minimum(found.table + 1, len(steps) - 1)
    mix, scale = found.mix[:, None], found.scale[:, None]
    result: NDArray[np.float64] = (steps[found.table] * (1 - mix) + steps[below] * mix) * scale * ground.unit
    return result


def parse_expected(text: str | float | Mapping[str, float] | None, classes: tuple[MapClass, ...]) -> list[float]:
    """Return the expected user's accuracy of each class from ``0.85`` or ``tree=0.9,crop=0.8``.

    Raises
    ------
    OptionError
        If a class is not the map's or a number lies outside 0…1.
    """
    if text is None:
        return [EXPECTED] * len(classes)
    pairs: Mapping[str, Any]
    if isinstance(text, Mapping):
        pairs = text
    elif isinstance(text, str) and "=" in text:
        pairs = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
    else:
        return [_share(text)] * len(classes)
    given = {plain(name.strip()): _share(value) for name, value in pairs.items()}
    known = {plain(item.name) for item in classes}
    if strange := [name for name in given if name not in known]:
        raise OptionError(f"expected names {strange[0]!r}; the map has {', '.join(item.name for item in classes)}")
    return [given.get(plain(item.name), EXPECTED) for item in classes]


def _share(value: Any) -> float:
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = math.nan
    if not 0 < share < 1:
        raise OptionError(f"expected user's accuracy {value!r} is not between 0 and 1: write 0.85 or tree=0.9,crop=0.8")
    return share


def sample_size(weights: NDArray[np.float64], expected: list[float], standard_error: float) -> int:
    """Return the number of points that gives the overall accuracy a standard error: Olofsson et al. 2014, eq. 13.

    ``n = (Σ W_i S_i / S(Ô))²`` with ``S_i = √(U_i (1 − U_i))``; the population is taken as infinite.

    Raises
    ------
    OptionError
        If the standard error is not between 0 and 0.5.
    """
    if not 0 < standard_error < 0.5:
        raise OptionError(f"standard error {standard_error:g} is not between 0 and 0.5: 0.01 means ± 2 % at 95 %")
    accuracy = np.asarray(expected)
    return math.ceil(float(weights @ np.sqrt(accuracy * (1 - accuracy)) / standard_error) ** 2 - 1e-9)


def allocate(total: int, weights: NDArray[np.float64], minimum: int, available: NDArray[np.int64]) -> NDArray[np.int64]:
    """Share points among strata: by weight, but at least ``minimum`` each, and never more than there are pixels.

    The sum is ``total`` unless the minima ask for more, or the map has fewer pixels.
    """
    least = np.minimum(np.maximum(minimum, 2), available)
    wanted = int(np.clip(total, least.sum(), available.sum()))
    # The factor that turns weights into sizes, found by halving: the clipped sum only grows with it.
    low, high = 0.0, float(available.max() / weights.min())
    for _ in range(200):
        middle = (low + high) / 2
        enough = np.clip(middle * weights, least, available).sum() >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return _rounded(np.clip(high * weights, least, available), wanted)


def _rounded(values: NDArray[np.float64], total: int) -> NDArray[np.int64]:
    """Round to whole numbers that sum to ``total``: largest remainders first."""
    floor = np.floor(values).astype(np.int64)
    order = np.argsort(floor - values, kind="stable")
    floor[order[: max(total - int(floor.sum()), 0)]] += 1
    return floor


def draw(
    layer: RasterLayer,
    strata: Strata,
    sizes: NDArray[np.int64],
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Picked:
    """Pick pixels at random without replacement: uniform over the ground of each class, reproducible by ``seed``.

    Where pixels cover different areas (degrees, Web Mercator), large ones are picked more often in proportion.
    """
    rng = np.random.default_rng(seed)
    totals = strata.pixels.sum(0)
    mean = strata.areas / totals / strata.largest_pixel
    equal = bool((mean > 1 - _EQUAL).all())
    spare = 1.0
    while True:
        wanted = sizes if equal else np.ceil(sizes / mean * 1.2 * spare + 30 * spare).astype(np.int64)
        wanted = np.minimum(wanted, totals)
        ranks = [rng.choice(int(total), int(size), replace=False) for total, size in zip(totals, wanted, strict=True)]
        rows, cols, which = _locate(layer, strata, ranks, progress)
        kept = np.ones(len(rows), np.bool_) if equal else _thinned(layer, strata, rows, cols, rng)
        chosen = [np.flatnonzero((which == k) & kept)[:size] for k, size in enumerate(sizes)]
        enough = all(len(part) == size for part, size in zip(chosen, sizes, strict=True))
        if enough or (wanted == totals).all():
            break
        spare *= 2
    order = rng.permutation(np.concatenate(chosen))
    return Picked(rows[order], cols[order], which[order])


def _locate(
    layer: RasterLayer, strata: Strata, ranks: list[NDArray[np.int64]], progress: Callable[[int, int], None] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return rows, columns and classes of the pixels with these ranks among their class, in the order given."""
    height, width = layer.raster.shape
    ends = np.cumsum(strata.pixels, axis=0)
    which = np.repeat(np.arange(len(ranks)), [len(part) for part in ranks])
    rank = np.concatenate(ranks)
    window = np.concatenate([np.searchsorted(ends[:, k], part, "right") for k, part in enumerate(ranks)])
    local = rank - (ends - strata.pixels)[window, which]
    rows, cols = np.zeros(len(rank), np.int64), np.zeros(len(rank), np.int64)
    hit = np.unique(window)
    boxes = list(windows(height, width))

    def pick(number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        members = np.flatnonzero(window == number)
        found = strata.codes(*layer.read(boxes[number])).ravel()
        flat = np.empty(len(members), np.int64)
        for k in np.unique(which[members]):
            mine = which[members] == k
            flat[mine] = np.flatnonzero(found == k)[local[members[mine]]]
        return members, flat

    for done, (members, flat) in enumerate(ordered_map(pick, hit.tolist()), 1):
        box = boxes[int(window[members[0]])]
        rows[members], cols[members] = box.row + flat // box.width, box.col + flat % box.width
        if progress is not None:
            progress(done, len(hit))
    return rows, cols, which


def _thinned(
    layer: RasterLayer, strata: Strata, rows: NDArray[np.int64], cols: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Keep each pixel with a probability proportional to its area."""
    from geoseg.geodesy import PixelGeodesy

    raster = layer.raster
    crs = None if raster.grid.crs is None else raster.grid.crs.to_wkt()
    ground = PixelGeodesy(raster.transform, crs, *raster.shape)
    areas = np.empty(len(rows))
    for i in np.argsort(rows, kind="stable"):  # in order of rows: neighbours share the tables of areas
        areas[i] = pixel_areas(ground, Box(int(rows[i]), int(cols[i]), 1, 1))[0, 0]
    return np.asarray(rng.random(len(rows)) * strata.largest_pixel < areas)
