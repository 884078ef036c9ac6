"""When a scene was taken, from the name of its file or folder."""

from __future__ import annotations

import re
from datetime import date, timedelta

# A year from 1970 to 2069, then month and day with or without separators: 20240601, 2024-06-01, 2024_06_01. Digits
# around it make it another number.
_PLAIN = re.compile(r"(?<!\d)(19[7-9]\d|20[0-6]\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
# Sentinel and others join the time of day: 20240601T101031.
_WITH_TIME = re.compile(r"(?<!\d)(19[7-9]\d|20[0-6]\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])T\d{4,6}")
# Year and day of the year, as HLS and MODIS have them: 2024153, 2024153T101031, A2024153.
_DAY_OF_YEAR = re.compile(r"(?<!\d)(19[7-9]\d|20[0-6]\d)(\d{3})(?:T\d{6}|(?!\d))")


def date_in(name: str) -> date | None:
    """Return the first date in a name; None if there is none.

    Examples
    --------
    >>> date_in("S2B_MSIL2A_20240601T101031_N0510_R022_T33UUU_20240601T143000.SAFE")
    datetime.date(2024, 6, 1)
    >>> date_in("HLS.S30.T33UUU.2024153T101031.v2.0")
    datetime.date(2024, 6, 1)
    >>> date_in("scene_12.tif") is None
    True
    """
    found = [(match.start(), _calendar(match)) for pattern in (_WITH_TIME, _PLAIN) for match in pattern.finditer(name)]
    found += [(match.start(), _ordinal(match)) for match in _DAY_OF_YEAR.finditer(name)]
    dates = sorted((place, when) for place, when in found if when is not None)
    return dates[0][1] if dates else None


def parse_date(text: str) -> date | None:
    """Return the date that a user has written, alone or at the beginning of a timestamp; None if it is none."""
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return date_in(text.strip())


def _calendar(match: re.Match[str]) -> date | None:
    *_, month, day = match.groups()
    try:
        return date(int(match[1]), int(month), int(day))
    except ValueError:  # 31 June
        return None


def _ordinal(match: re.Match[str]) -> date | None:
    year, day = int(match[1]), int(match[2])
    last = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    return date(year, 1, 1) + timedelta(day - 1) if 1 <= day <= last else None
