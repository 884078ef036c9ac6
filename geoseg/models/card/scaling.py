"""From the numbers in a file to the numbers that a network sees: one multiply-add per band, then a clip.

Three conventions meet here. The file may say ``physical = DN * scale + offset``. The card says in which digital numbers
the model was made (``reflectance = DN * 0.0001``, say), and what it does with them: the value scaling of STAC MLM. All
of it is affine but the clips, and folds into ``min(max(a * DN + b, lo), hi)`` per band.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, Self

from pydantic import BaseModel, ConfigDict, model_validator


class RasterBand(Protocol):
    """What is asked of a raster's band."""

    @property
    def name(self) -> str:
        """Common name, or ``band1``."""

    @property
    def scale(self) -> float:
        """``physical = DN * scale + offset``."""

    @property
    def offset(self) -> float:
        """``physical = DN * scale + offset``."""

    @property
    def scaled(self) -> bool:
        """Whether the file or the user gave scale and offset."""


class BandTransform(NamedTuple):
    """``x = min(max(a * DN + b, lo), hi)``: what one band's digital numbers become before the network."""

    a: float
    b: float
    lo: float = -math.inf
    hi: float = math.inf

    def then(self, a: float, b: float) -> BandTransform:
        """Return this transform followed by ``x * a + b``."""
        ends = sorted((self.lo * a + b, self.hi * a + b)) if a else (b, b)
        return BandTransform(self.a * a, self.b * a + b, *ends)

    def clipped(self, lo: float = -math.inf, hi: float = math.inf) -> BandTransform:
        """Return this transform followed by a clip to ``lo … hi``."""
        return self._replace(lo=min(max(self.lo, lo), hi), hi=min(max(self.hi, lo), hi))


_NEEDS = {
    "min-max": ("minimum", "maximum"),
    "z-score": ("mean", "stddev"),
    "clip": ("minimum", "maximum"),
    "clip-min": ("minimum",),
    "clip-max": ("maximum",),
    "offset": ("value",),
    "scale": ("value",),
}


class ValueScaling(BaseModel):
    """Value scaling object of STAC MLM for one band.

    ``min-max``: (V − minimum) / (maximum − minimum); ``z-score``: (V − mean) / stddev; ``offset``: V − value;
    ``scale``:
    V / value; ``clip``, ``clip-min``, ``clip-max``: V held within minimum and maximum.
    """

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    type: str
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    stddev: float | None = None
    value: float | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.type == "processing":
            raise ValueError(
                "a processing expression is code; geoseg runs none: express it as min-max, z-score, scale or clip"
            )
        if self.type not in _NEEDS:
            raise ValueError(f"type {self.type!r} is unknown: use one of {', '.join(_NEEDS)}")
        missing = [name for name in _NEEDS[self.type] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{self.type} needs {' and '.join(missing)}")
        if self.type in ("min-max", "clip") and not self._number("minimum") < self._number("maximum"):
            raise ValueError(f"minimum {self.minimum} must be below maximum {self.maximum}")
        if (self.type == "z-score" and self._number("stddev") <= 0) or (self.type == "scale" and self.value == 0):
            raise ValueError(f"{'stddev' if self.type == 'z-score' else 'value'} must not be 0")
        return self

    def _number(self, name: str) -> float:
        return float(getattr(self, name))

    def after(self, transform: BandTransform) -> BandTransform:
        """Return ``transform`` followed by this scaling."""
        number = self._number
        match self.type:
            case "min-max":
                span = number("maximum") - number("minimum")
                return transform.then(1 / span, -number("minimum") / span)
            case "z-score":
                return transform.then(1 / number("stddev"), -number("mean") / number("stddev"))
            case "offset":
                return transform.then(1, -number("value"))
            case "scale":
                return transform.then(1 / number("value"), 0)
            case "clip-min":
                return transform.clipped(lo=number("minimum"))
            case "clip-max":
                return transform.clipped(hi=number("maximum"))
            case _:
                return transform.clipped(number("minimum"), number("maximum"))

    def to_json(self) -> dict[str, Any]:
        """Return the object as STAC MLM has it."""
        return self.model_dump(exclude_none=True)


def to_card_units(band: RasterBand, scale: float, offset: float) -> BandTransform:
    """Return the transform from a file's digital numbers to those of the card's convention.

    Parameters
    ----------
    band
        The raster's band. If it is not ``scaled``, its numbers are taken as the card's.
    scale, offset
        The card's convention: ``physical = V * scale + offset``.
    """
    if not band.scaled:
        return BandTransform(1.0, 0.0)
    return BandTransform(band.scale / scale, (band.offset - offset) / scale)


def fold(
    bands: Sequence[RasterBand], conventions: Sequence[tuple[float, float]], scalings: Sequence[ValueScaling | None]
) -> tuple[BandTransform, ...]:
    """Fold file scale, card scale and value scaling of each band into one transform.

    Parameters
    ----------
    bands
        Raster bands in the card's order.
    conventions
        (scale, offset) of the card's bands.
    scalings
        One per band, or empty.
    """
    steps = scalings or [None] * len(conventions)
    transforms = []
    for band, (scale, offset), scaling in zip(bands, conventions, steps, strict=True):
        transform = to_card_units(band, scale, offset)
        transforms.append(scaling.after(transform) if scaling else transform)
    return tuple(transforms)
