"""What follows the ``#`` in ``cube.nc#data/grid,time=2024-06-01,red``: a group, one step of a dimension, variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import xarray as xr

_SHOWN = 4


@dataclass(frozen=True)
class Selection:
    """A part of a store.

    Attributes
    ----------
    words
        Names of groups or variables.
    steps
        A value of a coordinate by the name of its dimension.
    """

    words: tuple[str, ...] = ()
    steps: tuple[tuple[str, str], ...] = ()

    def named(self, stem: str) -> str:
        """Return a name for this part of a store: dates of one cube are scenes of their own."""
        return "_".join([stem, *(word.rpartition("/")[2] for word in self.words), *(value for _, value in self.steps)])

    def group(self, groups: Collection[str]) -> str | None:
        """Return the group that is named, None if there is none."""
        return next((word.strip("/") for word in self.words if word.strip("/") in groups), None)

    def variables(self, groups: Collection[str]) -> tuple[str, ...]:
        """Return the variables that are named; none means all."""
        return tuple(word for word in self.words if word.strip("/") not in groups)


def text_of(attributes: Mapping[Any, Any], key: str) -> str:
    """Return an attribute that should be text; empty if it is not there or anything else."""
    value = attributes.get(key)
    return value if isinstance(value, str) else ""


def parse_selection(text: str) -> Selection:
    """Return what is chosen.

    Examples
    --------
    >>> from geoseg.raster.cf.selection import parse_selection
    >>> parse_selection("time=2024-06-01,red")
    Selection(words=('red',), steps=(('time', '2024-06-01'),))
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    steps = tuple((name.strip(), value.strip()) for name, mark, value in (p.partition("=") for p in parts) if mark)
    return Selection(tuple(part for part in parts if "=" not in part), steps)


def chosen_steps(data: xr.Dataset, selection: Selection, label: str) -> xr.Dataset:
    """Return the data at the steps that are chosen.

    Raises
    ------
    InputError
        If a dimension or its value is not there, or several values begin so.
    """
    for name, value in selection.steps:
        if name not in data.dims:
            known = ", ".join(str(dim) for dim in data.dims)
            raise InputError(f"{label}: has no dimension {name!r}; it has {known}")
        texts = labels_of(data, name)
        found = [i for i, text in enumerate(texts) if text == value] or [
            i for i, text in enumerate(texts) if text.startswith(value)
        ]
        if len(found) != 1:
            kind = "several" if found else "no"
            shown = [texts[i] for i in found] or texts
            raise InputError(
                f"{label}: {name}={value} is {kind} of its {len(texts)} steps ({some_of(shown)}); name one"
            )
        data = data.isel({name: found[0]})
    return data


def labels_of(data: xr.Dataset | xr.DataArray, dim: str) -> list[str]:
    """Return the values of a coordinate as text: dates as 2024-06-01T10:20:30, numbers as short as they are exact."""
    if dim not in data.coords:
        return [str(number) for number in range(data.sizes[dim])]
    values = decoded(data[dim])
    if values.dtype.kind == "M":
        return [text.removesuffix("T00:00:00") for text in np.datetime_as_string(values, unit="s").tolist()]
    if values.dtype.kind in "SU":
        return [v.decode(errors="replace") if isinstance(v, bytes) else str(v) for v in values.tolist()]
    return [f"{value:.12g}" if isinstance(value, float) else str(value) for value in values.tolist()]


def some_of(texts: list[str]) -> str:
    """Return the first of several texts, for messages."""
    return ", ".join(text[:40] for text in texts[:_SHOWN]) + (", …" if len(texts) > _SHOWN else "")


def decoded(coordinate: xr.DataArray) -> np.ndarray[Any, np.dtype[Any]]:
    """Return the values of a coordinate with its scale, offset and calendar applied; stored ones if they cannot be."""
    import xarray as xr

    coordinate = coordinate.reset_coords(drop=True)
    for times in (True, False):
        try:
            made = xr.conventions.decode_cf_variable(coordinate.name, coordinate.variable, decode_times=times)
            return np.asarray(made.values)
        except (ValueError, TypeError, OverflowError, ImportError):
            continue
    return np.asarray(coordinate.values)
