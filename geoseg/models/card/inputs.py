"""What a model of several inputs takes: sensors, dates of one sensor, or a scene before and after.

The network sees one stack of channels, as of any scene: for each slot its bands, a band ``NAME:valid`` that is 1 where
there is data, and in a series ``NAME:day``. :mod:`geoseg.raster.stacks` reads scenes as such stacks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from geoseg.models.card.percentiles import ValuePercentiles
from geoseg.models.card.scaling import ValueScaling
from geoseg.models.card.values import without_controls
from geoseg.raster.stacks.source import DAY, VALID
from geoseg.system.choices import DATE_ENCODINGS, FUSIONS

YEAR = 365.25
"""Days by which the network's input is divided."""

BEFORE, AFTER = "before", "after"
"""The two inputs of a model of change."""

MOST_STEPS = 128
"""Most dates that a model can take."""


class InputSpec(BaseModel):
    """One input of a model of several.

    Attributes
    ----------
    name
        ``"optical"``; letters, digits, ``_`` and ``-``.
    bands
        Names of its bands, as of :class:`~geoseg.models.BandSpec`.
    steps
        Most dates that it takes, in the order of time; 1 for an input without dates.
    dates
        How dates are encoded, one of :data:`~geoseg.system.choices.DATE_ENCODINGS`; None for an input without dates.
    optional
        Whether it, or single dates of it, may be missing, as a whole or in places.
    days
        First and last day in training, as the network was told them; None without dates.
    resolution
        Smallest and largest side of its own pixels in training, in metres; None if unknown.
    value_range, value_percentiles
        As of :class:`~geoseg.models.ModelCard`, for the bands of this input.

    Examples
    --------
    >>> from geoseg.models.card.inputs import InputSpec
    >>> InputSpec(name="date", bands=("red", "nir"), steps=2, dates="day-of-year").slots
    ('date1', 'date2')
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_\-]*$", max_length=64)
    bands: tuple[str, ...] = Field(min_length=1)
    steps: int = Field(default=1, ge=1, le=MOST_STEPS)
    dates: str | None = None
    optional: bool = False
    days: tuple[int, int] | None = None
    resolution: tuple[float, float] | None = None
    value_range: tuple[float, float] | None = None
    value_percentiles: ValuePercentiles | None = None

    @field_validator("bands")
    @classmethod
    def _valid_bands(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        for name in bands:
            without_controls(name, "band name")
        if len(set(bands)) < len(bands) or {VALID, DAY} & set(bands):
            raise ValueError(f"bands are {', '.join(bands)}: no name may occur twice or be {VALID} or {DAY}")
        return bands

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.dates is not None and self.dates not in DATE_ENCODINGS:
            raise ValueError(f"dates {self.dates!r}: use one of {', '.join(DATE_ENCODINGS)}")
        if self.steps > 1 and self.dates is None:
            raise ValueError(f"input {self.name!r} has {self.steps} steps and no encoding of dates")
        if self.value_percentiles is not None and len(self.value_percentiles.center) != len(self.bands):
            raise ValueError(f"value_percentiles of input {self.name!r} are of another number of bands")
        return self

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of its slots: its own, or in a series one for each date."""
        return (self.name,) if self.dates is None else tuple(f"{self.name}{k}" for k in range(1, self.steps + 1))

    @property
    def width(self) -> int:
        """Channels of each slot."""
        return len(self.bands) + (1 if self.dates is None else 2)

    def channels(self, slot: str) -> tuple[str, ...]:
        """Return the names of a slot's channels."""
        return tuple(f"{slot}:{name}" for name in (*self.bands, VALID, DAY)[: self.width])

    def encode(self, days: Sequence[date]) -> list[int]:
        """Return dates, in the order of time, as the network is told them.

        Examples
        --------
        >>> from datetime import date
        >>> from geoseg.models.card.inputs import InputSpec
        >>> spec = InputSpec(name="date", bands=("red",), steps=2, dates="days-since-first")
        >>> spec.encode([date(2024, 3, 1), date(2024, 3, 11)])
        [0, 10]
        """
        if self.dates == "day-of-year":
            return [day.timetuple().tm_yday for day in days]
        return [(day - days[0]).days for day in days]

    def text(self) -> str:
        """Return it as text: ``"sar: vv, vh (may be missing)"``."""
        facts = []
        if self.dates is not None:
            facts.append(f"up to {self.steps} dates, told as {self.dates}")
        if self.resolution is not None:
            finest, coarsest = self.resolution
            facts.append(f"{finest:g} m" if finest == coarsest else f"{finest:g}–{coarsest:g} m")
        if self.optional:
            facts.append("may have gaps" if self.dates else "may be missing")
        return f"{self.name}: {', '.join(self.bands)}" + (f" ({'; '.join(facts)})" if facts else "")


@dataclass(frozen=True)
class Layout:
    """Where the channels of a slot stand among all: ``start`` … its bands, then validity, then the day if ``dated``."""

    start: int
    bands: int
    dated: bool
    optional: bool

    @property
    def data(self) -> slice:
        """The bands."""
        return slice(self.start, self.start + self.bands)

    @property
    def valid(self) -> int:
        """The channel of validity."""
        return self.start + self.bands

    @property
    def stop(self) -> int:
        """The channel after the last."""
        return self.valid + (2 if self.dated else 1)


def layout_of(inputs: Sequence[InputSpec]) -> tuple[Layout, ...]:
    """Return where the channels of each slot stand.

    Examples
    --------
    >>> from geoseg.models.card.inputs import InputSpec, layout_of
    >>> [slot.valid for slot in layout_of([InputSpec(name="a", bands=("x", "y")), InputSpec(name="b", bands=("z",))])]
    [2, 4]
    """
    found: list[Layout] = []
    for spec in inputs:
        for _ in spec.slots:
            start = found[-1].stop if found else 0
            found.append(Layout(start, len(spec.bands), spec.dates is not None, spec.optional))
    return tuple(found)


def channels_of(inputs: Sequence[InputSpec]) -> tuple[str, ...]:
    """Return the names of all channels, which are the bands of the card."""
    return tuple(name for spec in inputs for slot in spec.slots for name in spec.channels(slot))


def spread_fields(
    inputs: Sequence[InputSpec],
    units: Mapping[str, Sequence[tuple[float, float]]],
    scalings: Mapping[str, Sequence[Any]],
) -> dict[str, Any]:
    """Return bands and value scaling of a card from those of its inputs.

    Parameters
    ----------
    inputs
        The inputs.
    units
        Scale and offset of each band, by input.
    scalings
        Value scaling of each band, by input; an empty sequence for none.
    """
    bands: list[dict[str, Any]] = []
    steps: list[Any] = []
    for spec in inputs:
        extra = spec.width - len(spec.bands)
        for slot in spec.slots:
            pairs = [*units[spec.name], *[(1.0, 0.0)] * extra]
            bands += [
                {"name": name, "scale": scale, "offset": offset}
                for name, (scale, offset) in zip(spec.channels(slot), pairs, strict=True)
            ]
            own = list(scalings[spec.name]) or [None] * len(spec.bands)
            steps += [*own, None, *([ValueScaling(type="scale", value=YEAR)] * (extra - 1))]
    return {"bands": bands, "value_scaling": steps}


def check_inputs(inputs: Sequence[InputSpec], bands: Sequence[str]) -> None:
    """Check that the bands of a card are the channels of its inputs.

    Raises
    ------
    ValueError
        If they are not, or a name occurs twice.
    """
    slots = [slot for spec in inputs for slot in spec.slots]
    if len(set(slots)) < len(slots):
        raise ValueError(f"inputs: a name occurs twice among {', '.join(slots)}")
    if tuple(bands) != channels_of(inputs):
        raise ValueError("inputs: the bands are not those of the inputs, slot by slot")


def is_change(inputs: Sequence[InputSpec]) -> bool:
    """Whether a model with these inputs compares a scene before with one after."""
    return [spec.name for spec in inputs] == [BEFORE, AFTER]


def kind_of(inputs: Sequence[InputSpec]) -> str:
    """Return what the inputs are: ``"sources"``, ``"dates"`` or ``"change"``."""
    if is_change(inputs):
        return "change"
    return "dates" if len(inputs) == 1 and inputs[0].dates is not None else "sources"


def fusions_of(inputs: Sequence[InputSpec]) -> tuple[str, ...]:
    """Return the names of the ways in which these inputs can be joined."""
    return FUSIONS[kind_of(inputs)]


def how_to_run(inputs: Sequence[InputSpec]) -> str:
    """Return the command that runs a model of these inputs, for messages."""
    if is_change(inputs):
        return "geoseg change BEFORE AFTER -m MODEL"
    if kind_of(inputs) == "dates":
        return "geoseg segment --dates FILE… -m MODEL"
    return f"geoseg segment {' '.join(f'--source {spec.name}=FILE' for spec in inputs)} -m MODEL"


def slots_of(inputs: Sequence[InputSpec]) -> Iterator[tuple[InputSpec, int, str]]:
    """Yield input, number of the step and name of each slot."""
    for spec in inputs:
        for step, slot in enumerate(spec.slots):
            yield spec, step, slot
