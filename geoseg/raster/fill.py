"""Fill that no file declares: pixels beyond the edge of a swath or mosaic that hold one value in every band.

Scenes are written with 0, 65535, -9999 … outside of what the sensor saw, and often nobody says that this means
nodata. Real ground hardly ever has one and the same number in every band, except where a sensor is saturated or black.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import ReadError
from geoseg.raster.probe import usable_nodata
from geoseg.raster.stacks.source import stack_of
from geoseg.raster.types import Pixels
from geoseg.tiling import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.raster.raster import Raster

LEAST_SHARE = 0.01
"""Share of a sample's valid pixels from which on a constant is reported as fill."""

# The border is a small part of the scene: less than this of it may be a few black or saturated pixels.
_LEAST_SHARE_OF_BORDER = 0.1

# In one band a repeated value may be anything (class 0, sea level); only these cannot be measurements.
_NEVER_MEASURED = (-9999.0, -99999.0, -32768.0, -32767.0, -3.4028234663852886e38, 3.4028234663852886e38, 1e20, -1e20)

_BORDER_SIDE = 64

# Fill of another value in each band is looked for in so many bands and more, and so many values of it are listed.
_LEAST_BANDS, _LISTED = 3, 6


@dataclass(frozen=True)
class Fill:
    """A value that looks like fill, or one for each band.

    Attributes
    ----------
    values
        The stored value of each band.
    share
        Share of the valid pixels that hold them, 0…1.
    where
        What the share is of: ``"a sample of the scene"`` or ``"the scene's border"``.
    others
        Further values that look like fill, and their shares; only one value can be nodata.
    """

    values: tuple[float, ...]
    share: float
    where: str = "a sample of the scene"
    others: tuple[tuple[float, float], ...] = ()

    @property
    def value(self) -> float | None:
        """The value that all bands have in common; None if they differ."""
        return self.values[0] if len(set(self.values)) == 1 else None

    @property
    def text(self) -> str:
        """The option's value: a number, or ``"auto"`` where bands differ."""
        return "auto" if self.value is None else number_text(self.value)

    def describe(self) -> str:
        """Return the finding as part of a sentence."""
        if self.value is not None:
            return f"{_percent(self.share)} of {self.where} is {self.text} in every band"
        listed = ", ".join(number_text(value) for value in self.values[:_LISTED]) + ", …" * (len(self.values) > _LISTED)
        return f"{_percent(self.share)} of {self.where} has the same extreme values ({listed}) in its bands"

    def holds(self, data: NDArray[Any]) -> NDArray[np.bool_]:
        """Return where (bands, …) holds the fill in every band."""
        values = np.array(self.values).astype(data.dtype)
        found: NDArray[np.bool_] = (data == values.reshape(-1, *[1] * (data.ndim - 1))).all(0)
        return found

    def left_out(self, sample: Pixels) -> Pixels:
        """Return a sample in which pixels that hold the fill are not valid."""
        return Pixels(sample.data, sample.valid & ~self.holds(sample.data))

    def warning(self, name: str) -> str:
        """Return a warning that names the option to add."""
        text = f"{name!r}: {self.describe()}: if that is fill, add --nodata {self.text}, or it is mapped as some class"
        if not self.others:
            return text
        more = " and ".join(f"{_percent(share)} is {number_text(value)}" for value, share in self.others)
        return f"{text}; another {more}, which the same option cannot name: write {self.text} there first"


def find_fill(raster: Raster, sample: Pixels) -> Fill | None:
    """Return the value that fills part of a scene although no file declares it as nodata.

    Parameters
    ----------
    raster
        The scene. Eight small boxes along its border are read if the sample does not cover the whole scene, and reading
        them computes nothing.
    sample
        ``raster.sample()``.

    Returns
    -------
    The most frequent value that (nearly) cannot be ground, if at least 1 % of the valid pixels of the sample, or 10 %
    of those at the border, hold it in every band; else None. See :func:`constant_fill`.
    """
    if stack_of(raster) is not None:
        return None  # each of its slots may have fill of its own
    fill = constant_fill(sample.data, sample.valid)
    if fill is not None or sample.valid.shape == raster.shape or raster.computed:
        return fill
    return _border_fill(raster)


def constant_fill(data: NDArray[Any], valid: NDArray[np.bool_], least: float = LEAST_SHARE) -> Fill | None:
    """Return the constant that at least a share of ``least`` of the valid pixels hold in every band, if there is one.

    Of one band: values that are never measured (-9999, -32768, the largest uint16 …). Of two and more bands: the
    smallest or largest value of the pixels, or any value if the data are no 8-bit picture. Failing that, of three and
    more bands that are no such picture: the smallest or largest value of each band, where they coincide. Never of a
    sample that is constant altogether.

    Parameters
    ----------
    data
        (bands, …) stored values.
    valid
        (…) bool.
    """
    pixels = data[:, valid]
    if not pixels.size:
        return None
    same = (pixels[1:] == pixels[0]).all(0)
    values, counts = np.unique(pixels[0][same], return_counts=True)
    frequent = [
        (int(count), value)
        for value, count in zip(values, counts, strict=True)
        if least * pixels.shape[1] <= count < pixels.shape[1] and _may_be_fill(value, pixels)
    ]
    if not frequent:
        return _extremes(pixels, least)
    (count, value), *rest = sorted(frequent, key=lambda found: -found[0])
    others = tuple((float(other), number / pixels.shape[1]) for number, other in rest if _is_extreme(other, pixels))
    return Fill((float(value),) * len(pixels), count / pixels.shape[1], others=others)


def _extremes(pixels: NDArray[Any], least: float) -> Fill | None:
    """Return the most frequent combination of values that are the smallest or the largest of each band (bands, n)."""
    if len(pixels) < _LEAST_BANDS or pixels.dtype.itemsize == 1:
        return None
    low, high = pixels.min(1, keepdims=True), pixels.max(1, keepdims=True)
    extreme = ((pixels == low) | (pixels == high)).all(0) & (low < high).all()
    if np.count_nonzero(extreme) < least * pixels.shape[1]:
        return None
    combinations, counts = np.unique(pixels[:, extreme], axis=1, return_counts=True)
    best = int(counts.argmax())
    if not least * pixels.shape[1] <= counts[best] < pixels.shape[1]:
        return None
    return Fill(tuple(map(float, combinations[:, best])), int(counts[best]) / pixels.shape[1])


def _may_be_fill(value: Any, pixels: NDArray[Any]) -> bool:
    kind = pixels.dtype
    if len(pixels) == 1:
        largest = kind.kind == "u" and kind.itemsize == 2 and value == np.iinfo(kind).max
        return bool(largest or any(value == kind.type(one) for one in _NEVER_MEASURED if _fits(one, kind)))
    # In grey 8-bit pictures every pixel has one value in all bands; so have the few levels of any coarse scale.
    return kind.itemsize > 1 or _is_extreme(value, pixels)


def _is_extreme(value: Any, pixels: NDArray[Any]) -> bool:
    return bool(value in (pixels.min(), pixels.max()))


def _fits(value: float, kind: np.dtype[Any]) -> bool:
    return usable_nodata(value, str(kind)) is not None


def _border_fill(raster: Raster) -> Fill | None:
    height, width = raster.shape
    high, wide = min(_BORDER_SIDE, height), min(_BORDER_SIDE, width)
    rows, cols = (0, (height - high) // 2, height - high), (0, (width - wide) // 2, width - wide)
    places = dict.fromkeys((row, col) for row in rows for col in cols if row != rows[1] or col != cols[1])
    parts = []
    for row, col in places:
        with suppress(ReadError):  # the run itself reports what cannot be read
            parts.append(raster.read(Box(row, col, high, wide)))
    if not parts:
        return None
    data = np.concatenate([part.data.reshape(len(part.data), -1) for part in parts], 1)
    fill = constant_fill(data, np.concatenate([part.valid.ravel() for part in parts]), _LEAST_SHARE_OF_BORDER)
    return None if fill is None else replace(fill, where="the scene's border")


def with_fill_as_nodata(raster: Raster) -> Raster:
    """Return the raster with the fill that is found as its nodata value, and a note that says so."""
    fill = find_fill(raster, raster.sample())
    if fill is None:
        note = f"{raster.name}: nodata auto: no fill value was found"
        return replace(raster, notes=(*raster.notes, note))
    bands = tuple(
        band if (nodata := usable_nodata(value, band.dtype)) is None else replace(band, nodata=nodata)
        for band, value in zip(raster.bands, fill.values, strict=True)
    )
    note = f"{raster.name}: nodata auto: {fill.describe()} and is taken as nodata (--nodata {fill.text})"
    return replace(raster, bands=bands, notes=(*raster.notes, note))


def number_text(value: float) -> str:
    """Return a number as an option takes it, without loss: ``0``, ``-9999``, ``-3.4028234663852886e+38``."""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"
