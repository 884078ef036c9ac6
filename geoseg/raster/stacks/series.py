"""The dates of a series: from what the user writes, from names of files, or from their tags."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from geoseg.errors import InputError, OptionError
from geoseg.raster.composite.dates import as_date, date_in, when_taken
from geoseg.raster.raster import Raster

# "2024-06-01=FILE": digits and what dates have between them, before the first equals sign; not names with one in them.
_DATED = re.compile(r"(\d[\d.:+\-TZ /]*)=(.+)", re.DOTALL)


def dated(sources: Mapping[Any, Any] | Sequence[Any]) -> list[tuple[date, Any]]:
    """Return the scenes of a series with their dates, in the order of time.

    Parameters
    ----------
    sources
        Scenes by date, or a list of scenes: files whose name or tags tell the date, ``"2024-06-01=FILE"``, rasters
        whose name tells it.

    Raises
    ------
    InputError
        If there are none, one has no date, or two have the same.

    Examples
    --------
    >>> from geoseg.raster.stacks.series import dated
    >>> [str(day) for day, _ in dated(["S2_20240701.tif", "2024-06-01=before.tif"])]
    ['2024-06-01', '2024-07-01']
    """
    return in_order(dates_of(sources))


def dates_of(sources: Mapping[Any, Any] | Sequence[Any]) -> list[tuple[date, Any]]:
    """Return scenes with their dates in the order given; see :func:`dated`."""
    if isinstance(sources, Mapping):
        return [(_given(day), source) for day, source in sources.items()]
    each = [sources] if isinstance(sources, str | Path | Raster) else list(sources)
    return [_dated(source) for source in each]


def in_order(found: Sequence[tuple[date, Any]]) -> list[tuple[date, Any]]:
    """Return scenes with their dates in the order of time; see :func:`dated`."""
    if not found:
        raise InputError("no date is given: name the scenes of the series")
    found = sorted(found, key=lambda entry: entry[0])
    for (day, one), (other_day, other) in itertools.pairwise(found):
        if day == other_day:
            raise InputError(
                f"{_label(one)} and {_label(other)} are both of {day}: a series takes one scene a day; leave one "
                "out, or join them first with geoseg composite"
            )
    return list(found)


def _dated(source: Any) -> tuple[date, Any]:
    if isinstance(source, str) and not source:
        raise InputError("the path of a date is empty: name a file")
    written = _DATED.fullmatch(source) if isinstance(source, str) else None
    if written is not None and not Path(source).exists():
        return _given(written[1]), written[2]
    day, several = (date_in(source.name), ()) if isinstance(source, Raster) else when_taken(source)
    if day is None:
        lacks = (
            f"its tags state several dates ({', '.join(map(str, several))})"
            if several
            else ("has no date in its name, tags or STAC item")
        )
        raise InputError(
            f'{_label(source)}: {lacks}; write it before the file: --dates 2024-06-01=FILE ({{"2024-06-01": FILE}})'
        )
    return day, source


def _label(source: Any) -> str:
    if isinstance(source, Raster):
        return source.name
    return Path(str(source[0] if isinstance(source, list | tuple) else source)).name


def _given(day: Any) -> date:
    when = as_date(day)
    if when is None:
        raise OptionError(f"{day!r} is no date: write it as 2024-06-01")
    return when
