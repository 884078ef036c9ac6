"""From a file's digital numbers (DN) to the network's input: one multiply-add per band, then a clip.

Three conventions meet here. The file may state ``physical = DN * scale + offset``. The card states the digital numbers
the model was trained on (``reflectance = DN * 0.0001``, say) and how they are normalised: the value scaling of STAC
MLM. All of it is affine except for the clips, and folds into ``min(max(a * DN + b, lo), hi)`` per band.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, model_validator

from geoseg.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray


class RasterBand(Protocol):
    """The attributes of a raster's band that scaling needs."""

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
    """``x = min(max(a * DN + b, lo), hi)``: from one band's digital numbers to the network's input.

    Examples
    --------
    >>> from geoseg.models import BandTransform
    >>> BandTransform(a=0.0001, b=-0.1).then(2.0, -1.0)
    BandTransform(a=0.0002, b=-1.2, lo=-inf, hi=inf)
    """

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


def transform_columns(affine: Sequence[tuple[float, ...]], bands: int, name: str) -> NDArray[np.float32]:
    """Return the transforms of all bands as rows a, b and, if any band is clipped, lo, hi: float32 (2 or 4, bands).

    They are computed in float64 and applied in float32.

    Raises
    ------
    ModelError
        If model ``name`` has another number of bands.
    """
    transforms = [BandTransform(*entry) for entry in affine]
    if len(transforms) != bands:
        raise ModelError(f"model {name!r} sees {bands} bands, the scaling has {len(transforms)}")
    columns = np.array(transforms, np.float64).T.astype(np.float32)
    return columns if np.isfinite(columns[2:]).any() else columns[:2]


_NEEDS = {
    "min-max": ("minimum", "maximum"),
    "z-score": ("mean", "stddev"),
    "clip": ("minimum", "maximum"),
    "clip-min": ("minimum",),
    "clip-max": ("maximum",),
    "offset": ("value",),
    "scale": ("value",),
}


# Numbers beyond this, or divisors below its inverse, overflow float32.
_MAX = 1e30


class ValueScaling(BaseModel):
    """Normalisation of one band: a value scaling object of STAC MLM.

    Attributes
    ----------
    type
        For a value V in the card's digital numbers: ``"min-max"``: (V − minimum) / (maximum − minimum);
        ``"z-score"``: (V − mean) / stddev; ``"offset"``: V − value; ``"scale"``: V / value; ``"clip"``, ``"clip-min"``,
        ``"clip-max"``: V limited to minimum and maximum.
    minimum, maximum, mean, stddev, value
        Those that the type needs.

    Raises
    ------
    ValueError
        pydantic's ValidationError, if the type is unknown, a number is missing, or a divisor is 0.

    Examples
    --------
    >>> from geoseg.models import ValueScaling
    >>> ValueScaling(type="z-score", mean=500, stddev=200).to_json()
    {'type': 'z-score', 'mean': 500.0, 'stddev': 200.0}

    References
    ----------
    https://github.com/stac-extensions/mlm
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
                "a processing expression is code, which geoseg never runs; write it as min-max, z-score, scale or clip"
            )
        if self.type not in _NEEDS:
            raise ValueError(f"type {self.type!r} is unknown: use one of {', '.join(_NEEDS)}")
        missing = [name for name in _NEEDS[self.type] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{self.type} needs {' and '.join(missing)}")
        beyond = [name for name in _NEEDS[self.type] if abs(self._number(name)) > _MAX]
        if beyond:
            raise ValueError(f"{beyond[0]} {self._number(beyond[0])} is too large")
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
    """Return the transform from a file's digital numbers to the card's.

    Parameters
    ----------
    band
        The raster's band. If it is not ``scaled``, its numbers are assumed to be the card's already.
    scale, offset
        The card's convention: ``physical = V * scale + offset``.
    """
    if not band.scaled:
        return BandTransform(1.0, 0.0)
    return BandTransform(band.scale / scale, (band.offset - offset) / scale)


def fold(
    bands: Sequence[RasterBand], conventions: Sequence[tuple[float, float]], scalings: Sequence[ValueScaling | None]
) -> tuple[BandTransform, ...]:
    """Combine file scale, card scale and value scaling of each band into one transform.

    Parameters
    ----------
    bands
        Raster bands in the card's order.
    conventions
        (scale, offset) of the card's bands.
    scalings
        One per band; None, or an empty sequence, for none.
    """
    steps = scalings or [None] * len(conventions)
    transforms = []
    for band, (scale, offset), scaling in zip(bands, conventions, steps, strict=True):
        transform = to_card_units(band, scale, offset)
        transforms.append(scaling.after(transform) if scaling else transform)
    return tuple(transforms)


def card_transforms(scalings: Sequence[ValueScaling | None], bands: int) -> list[BandTransform]:
    """Return the transforms from the card's digital numbers to the network's input, one per band.

    Parameters
    ----------
    scalings
        One per band; None, or an empty sequence, for none.
    bands
        Number of bands.
    """
    identity = BandTransform(1.0, 0.0)
    return [step.after(identity) if step else identity for step in scalings or [None] * bands]
