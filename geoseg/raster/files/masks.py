"""Find out which pixels of a file are missing: alpha bands, data masks, mask bands.

An alpha band is sampled, for aerial images often mark near infrared as alpha. A mask has hardly any values but 0 and
its largest; where it has many, it is data.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.windows import Window

from geoseg.raster.bands import names
from geoseg.raster.sampling import sample_boxes
from geoseg.raster.sources import Masks

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Pixels of one band that may be decoded when a file is opened: exports of the Copernicus browser have up to 2500².
_CHEAP = 2**23

# Values between 0 and the largest that a mask with soft edges may have: up to this many different ones, or in this
# share of its pixels.
_FEW_VALUES = 16
_SOFT_EDGES = 0.05

# Partly transparent pixels that must all be no brighter than their alpha to count as multiplied by it.
_ENOUGH = 16


@dataclass(frozen=True)
class _Alpha:
    """What a sample of an alpha band says: its largest value as a mask, or None for data."""

    largest: int | None
    premultiplied: bool = False


def find_masks(
    data: Any, label: str, stem: str, data_bands: frozenset[int]
) -> tuple[Masks, tuple[int, ...], list[str]]:
    """Return how a file marks missing pixels, the numbers of its data bands, and notes.

    Parameters
    ----------
    data
        The open dataset.
    label, stem
        Name for notes, and file name without suffix.
    data_bands
        Numbers of bands that are data, whatever the file says.
    """
    notes = []
    marked = [i for i, c in zip(data.indexes, data.colorinterp, strict=True) if c == ColorInterp.alpha]
    alpha, found = 0, _Alpha(0)
    for band in marked:
        if band in data_bands or data.count == 1:
            notes.append(f"{label}: band {band} is marked as transparency (alpha) and used as data nevertheless")
        elif not alpha and (sampled := _sampled(data, band)).largest is not None:
            alpha, found = band, sampled
            kept = "lower than the largest value" if found.premultiplied else "0"
            notes.append(f"{label}: band {band} is transparency (alpha) and masks the pixels where it is {kept}")
        elif not alpha:
            notes.append(f"{label}: {_data_note(data, band)}")
    largest = found.largest or 0
    if not alpha and (largest := _mask_value(data, stem, data_bands)):
        alpha = 2
        notes.append(f"{label}: its second band holds only 0 and {largest} and is used as mask of valid pixels")
    indexes = tuple(i for i in data.indexes if i != alpha)
    flags = [data.mask_flag_enums[index - 1] for index in indexes]
    masks = Masks(
        alpha=alpha,
        alpha_max=largest or 255,
        dataset=any(MaskFlags.per_dataset in f and MaskFlags.alpha not in f for f in flags),
        # For GDAL, no flag means that each band has a mask band of its own.
        bands=any(not f for f in flags),
        opaque_only=found.premultiplied,
    )
    return masks, indexes, notes


def _data_note(data: Any, alpha: int) -> str:
    text = f"band {alpha} is marked as transparency (alpha) but has many values, so it is used as data, not as mask"
    if data.count == 4 and alpha == 4:
        return f"{text}; if it is near infrared, add --bands red=1,green=2,blue=3,nir=4"
    return text


def _sampled(data: Any, alpha: int) -> _Alpha:
    """Tell a mask from data by pixels from all over the file, at full resolution: overviews blur masks."""
    boxes = sample_boxes((data.height, data.width), data.block_shapes[alpha - 1], 10**6)
    readable = []
    for box in boxes:
        with suppress(RasterioError):  # a damaged part is met again when it is read
            pixels = data.read(window=Window(box.col, box.row, box.width, box.height))
            readable.append(pixels.reshape(data.count, -1))
    if not readable:
        return _Alpha(_highest(data.dtypes[alpha - 1]))
    pixels = np.concatenate(readable, axis=1)
    mask, colors = pixels[alpha - 1], np.delete(pixels, alpha - 1, axis=0)
    highest = _highest(data.dtypes[alpha - 1])
    values = np.unique(mask)
    largest = values[-1]
    partly = (mask != 0) & (mask != largest)
    share = float(partly.mean())
    few = values.size <= _FEW_VALUES and share <= 0.5
    opaque = mask == largest
    # Soft edges: most pixels are opaque, or else clear ones are, and under these there is nothing.
    mostly = bool(opaque.mean() >= 0.5) and not _uniform(colors[:, opaque])
    empty = share <= 0.5 and bool((mask == 0).any()) and _uniform(colors[:, mask == 0])
    full = largest in (255, highest)
    if partly.any() and not (full and (few or share <= _SOFT_EDGES or mostly or empty)):
        return _Alpha(None)
    declared = data.tags(alpha, ns="IMAGE_STRUCTURE").get("ALPHA") == "PREMULTIPLIED"
    darker = np.count_nonzero(partly) >= _ENOUGH and bool((colors[:, partly] <= mask[partly]).all())
    found = int(largest) if largest > 0 and np.issubdtype(mask.dtype, np.integer) else highest
    return _Alpha(found, premultiplied=bool(partly.any() and (declared or darker)))


def _uniform(colors: NDArray[Any]) -> bool:
    return bool((colors == colors[:, :1]).all())


def _mask_value(data: Any, stem: str, data_bands: frozenset[int]) -> int:
    """Return the value of valid pixels if the second band of a file of one band is its data mask, else 0.

    Exports of the Copernicus browser ("B02_(Raw).tiff") contain such an undeclared mask. It is recognized by a file
    name that names one band, and by holding only 0 and either 1, 255 or the type's largest value.
    """
    unnamed = data.count == 2 and not any(data.descriptions) and data.colorinterp[1] == ColorInterp.undefined
    if not unnamed or 2 in data_bands or names.band_token(stem) is None:
        return 0
    marks = _some_values(data, 2) - {0}
    if len(marks) != 1 or not marks <= {1, 255, _highest(data.dtypes[1])}:
        return 0
    return int(marks.pop())


def _some_values(data: Any, band: int) -> set[float]:
    """Return values that occur in a band: of nearest pixels if it is cheap to decode, else of sampled blocks."""
    if data.height * data.width <= _CHEAP:
        return set(np.unique(data.read(band, out_shape=(min(data.height, 512), min(data.width, 512)))).tolist())
    boxes = sample_boxes((data.height, data.width), data.block_shapes[band - 1], 10**6)
    windows = [Window(box.col, box.row, box.width, box.height) for box in boxes]
    return {value for window in windows for value in np.unique(data.read(band, window=window)).tolist()}


def _highest(dtype: str) -> int:
    kind = np.dtype(dtype)
    return int(np.iinfo(kind).max) if np.issubdtype(kind, np.integer) else 1
