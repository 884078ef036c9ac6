"""When a scene was taken: from the name of its file or folder, from its STAC item, or from the tags of its file."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from geoseg.errors import GeosegError
from geoseg.raster.gdal.datasets import open_dataset
from geoseg.raster.gdal.environment import environment, gdal_path, is_remote
from geoseg.system.files import check_regular_file
from geoseg.system.json_text import parse_json

# A year from 1970 to 2069, then month and day with or without separators: 20240601, 2024-06-01, 2024_06_01. Digits
# around it make it another number.
_PLAIN = re.compile(r"(?<!\d)(19[7-9]\d|20[0-6]\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
# Sentinel and others join the time of day: 20240601T101031.
_WITH_TIME = re.compile(r"(?<!\d)(19[7-9]\d|20[0-6]\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])T\d{4,6}")
# Year and day of the year, as HLS and MODIS mark them: 2024153T101031, A2024153.
_DAY_OF_YEAR = re.compile(r"(?:(?<![A-Za-z\d])A(?=\d{7}(?!\d))|(?<!\d)(?=\d{7}T\d{6}))(19[7-9]\d|20[0-6]\d)(\d{3})")
# Seven digits alone may as well be the number of a tile.
_SEVEN = re.compile(r"(?<!\d)(19[7-9]\d|20[0-6]\d)(\d{3})(?!\d)")
# Sentinel-2's names of before December 2016 begin with when the product was made; V comes before when it was sensed.
_MADE_FIRST = re.compile(r"S2[A-D]_(?:OPER|USER)_")
_SENSED = re.compile(r"_V((?:19|20)\d{6}T\d{6})")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")

# Tags that state when a scene was taken; TIFFTAG_DATETIME mostly states when the file was written.
_TAGS = re.compile(
    r"(ACQUISITION|SENSING|DATATAKE|PRODUCT_START|START).*(DATE|TIME)|DATE_ACQUIRED|ACQUIRED", re.IGNORECASE
)
# … and what else they may state: when it was made, and when its acquisition ended.
_OTHER_TAGS = re.compile(r"PROCESS|GENERAT|CREAT|INGEST|PUBLISH|(?:^|_)(?:END|STOP)(?:_|$)", re.IGNORECASE)

_ITEMS = (".json", ".geojson")
_LARGEST_ITEM = 16 * 2**20


def date_in(name: str) -> date | None:
    """Return the first date in a name; None if there is none.

    A day of the year counts where it is marked, as in ``A2024153``, or where the name has no other date.

    Examples
    --------
    >>> date_in("S2B_MSIL2A_20240601T101031_N0510_R022_T33UUU_20240601T143000.SAFE")
    datetime.date(2024, 6, 1)
    >>> date_in("HLS.S30.T33UUU.2024153T101031.v2.0")
    datetime.date(2024, 6, 1)
    >>> date_in("scene_12.tif") is None
    True
    """
    if _MADE_FIRST.match(name):
        sensed = _SENSED.search(name)
        return None if sensed is None else date_in(sensed[1])
    found = [(match.start(), _calendar(match)) for pattern in (_WITH_TIME, _PLAIN) for match in pattern.finditer(name)]
    found += [(match.start(), _ordinal(match)) for match in _DAY_OF_YEAR.finditer(name)]
    if not any(when for _, when in found):
        found += [(match.start(), _ordinal(match)) for match in _SEVEN.finditer(name)]
    dates = sorted((place, when) for place, when in found if when is not None)
    return dates[0][1] if dates else None


def parse_date(text: str) -> date | None:
    """Return the date that a user or a tag has written, alone or at the beginning of a timestamp; None if it is none.

    A timestamp with a time zone is of the day that it was in UTC, as dates in names are.

    Examples
    --------
    >>> parse_date("2024-06-01T23:30:00-05:00")
    datetime.date(2024, 6, 2)
    """
    text = text.strip()
    try:
        return _utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        pass
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return date_in(text)


def as_date(value: Any) -> date | None:
    """Return what a user gives for a date as one: a date, a time, or text; None if it is none.

    Examples
    --------
    >>> as_date("2024-06-01") == as_date(datetime(2024, 6, 1, 10, 30))
    True
    """
    if isinstance(value, datetime):
        return _utc(value)
    return value if isinstance(value, date) else parse_date(str(value))


def when_taken(source: Any) -> tuple[date | None, Collection[date]]:
    """Return the date of a scene, and the dates among which its metadata leaves it open if there are several.

    Parameters
    ----------
    source
        Path, or list of them, of which the first counts. Its name decides; then, on this machine, the ``datetime`` of
        a STAC item, or tags such as ``ACQUISITION_DATE``.
    """
    first = source[0] if isinstance(source, list | tuple) and source else source
    if not isinstance(first, str | Path):
        return None, ()
    found = date_in(Path(str(first)).name)
    if found is not None or is_remote(str(first)) or not Path(first).is_file():
        return found, ()
    stated = _item_dates(Path(first)) if Path(first).suffix.lower() in _ITEMS else _tagged(str(first))
    return (stated.pop(), ()) if len(stated) == 1 else (None, sorted(stated))


def year_or_date(name: str) -> tuple[int, ...]:
    """Return the date in a name as year, month, day; or the one year in it; empty if there is neither.

    Examples
    --------
    >>> year_or_date("map_20240601"), year_or_date("2020_classes"), year_or_date("2020-2025")
    ((2024, 6, 1), (2020,), ())
    """
    if (when := date_in(name)) is not None:
        return when.year, when.month, when.day
    years = {int(text) for text in _YEAR.findall(name)}
    return (years.pop(),) if len(years) == 1 else ()


def out_of_order(names: list[str]) -> tuple[str, str] | None:
    """Return the first two neighbours among names of which the second is of an earlier time; None if there are none.

    Examples
    --------
    >>> out_of_order(["2020_classes", "2025_classes", "2022_classes"])
    ('2025_classes', '2022_classes')
    """
    for one, other in itertools.pairwise(names):
        first, second = year_or_date(one), year_or_date(other)
        if len(first) == len(second) and second < first:
            return one, other
    return None


def _utc(when: datetime) -> date:
    return (when if when.tzinfo is None else when.astimezone(UTC)).date()


def _calendar(match: re.Match[str]) -> date | None:
    *_, month, day = match.groups()
    try:
        return date(int(match[1]), int(month), int(day))
    except ValueError:  # 31 June
        return None


def _ordinal(match: re.Match[str]) -> date | None:
    year, day = (int(text) for text in match.groups())
    last = (date(year + 1, 1, 1) - date(year, 1, 1)).days
    return date(year, 1, 1) + timedelta(day - 1) if 1 <= day <= last else None


def _item_dates(path: Path) -> set[date]:
    """Return the date that a STAC item states; nothing if it states none or is none."""
    try:
        check_regular_file(path)
        with path.open("rb") as file:
            content = parse_json(file.read(_LARGEST_ITEM), str(path), "a STAC item")
    except (GeosegError, OSError):  # opened properly afterwards, with its own message
        return set()
    properties = content.get("properties") if isinstance(content, dict) else None
    if not isinstance(properties, dict):
        return set()
    stated = properties.get("datetime") or properties.get("start_datetime")
    when = parse_date(stated) if isinstance(stated, str) else None
    return set() if when is None else {when}


def _tagged(path: str) -> set[date]:
    """Return the dates that the tags of a file state."""
    target = gdal_path(path)
    try:
        with environment(target), open_dataset(target) as data:
            tags = data.tags()
    except Exception:  # noqa: BLE001 - opened properly afterwards, with its own message
        return set()
    taken = [text for key, text in tags.items() if _TAGS.search(key) and not _OTHER_TAGS.search(key)]
    return {day for text in taken if (day := parse_date(text)) is not None}
