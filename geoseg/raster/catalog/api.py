"""``find_scene``: a place, a period and a catalogue in; one scene out."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError, OptionError
from geoseg.raster.bands.names import scene_name
from geoseg.raster.catalog.catalogs import Catalog, catalog_of
from geoseg.raster.catalog.client import Query, search
from geoseg.raster.catalog.clip import clipped
from geoseg.raster.catalog.cover import Cover, fewest
from geoseg.raster.catalog.items import Item, as_collection, read_items
from geoseg.raster.catalog.place import DEGREES, Place, read_place
from geoseg.raster.catalog.table import search_table
from geoseg.raster.composite import composite
from geoseg.raster.composite.api import METHODS
from geoseg.raster.open import open_raster
from geoseg.raster.raster import Raster
from geoseg.system.resources import format_bytes
from geoseg.system.text import printable_json

if TYPE_CHECKING:
    from geoseg.system.storage.storage import Storage

_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")

# A place of which less is covered is said to be covered in part.
_WHOLE = 0.9995


@dataclass(frozen=True)
class Search:
    """What is looked for.

    Attributes
    ----------
    aoi
        The place: a vector file with polygons, ``west,south,east,north`` in degrees, or WKT.
    when
        The period: ``"2026-06/2026-08"``, ``"2026-06-14"``, ``"2026"``; both ends included.
    catalog
        ``sentinel-2``, ``landsat``, ``naip``, ``URL#COLLECTION`` of any STAC API, or a GeoParquet file of
        STAC items, ``items.parquet`` or ``items.parquet#COLLECTION``, here or at an address.
    max_cloud
        Percent of clouds that an item may have; items that do not state it pass.
    composite
        How items are joined where they overlap, as in :func:`geoseg.composite`; ``first`` takes the clearest.
    observations
        How many times the place shall be covered. More than once is for composites other than ``first``.

    Raises
    ------
    OptionError
        If a value is impossible.

    Examples
    --------
    >>> from geoseg.raster.catalog import Search
    >>> Search("13.1,52.3,13.7,52.7", "2026-06/2026-08", "sentinel-2").composite
    'first'
    """

    aoi: str
    when: str
    catalog: str
    max_cloud: float = 20.0
    composite: str = "first"
    observations: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.max_cloud <= 100:
            raise OptionError(f"max-cloud must be a percentage, 0…100, got {self.max_cloud:g}")
        if self.composite not in METHODS:
            raise OptionError(f"composite {self.composite!r} is unknown: use one of {', '.join(METHODS)}")
        if self.observations is not None and not 1 <= self.observations <= 100:
            raise OptionError(f"observations must lie in 1…100, got {self.observations}")
        period_of(self.when)

    @property
    def times(self) -> int:
        """How many times the place shall be covered."""
        return self.observations or (1 if self.composite == "first" else 5)


@dataclass(frozen=True, eq=False)
class FoundScene:
    """The scene that a search leads to.

    Attributes
    ----------
    raster
        The items as one raster, cut to the place; nothing of it is read yet.
    items
        Items that it is made of, the clearest first.
    covered
        Part of the place that they cover, 0…1.
    notes
        Remarks, one line each.
    searched
        Number of items that the catalogue has there in the period, and of those that are clear enough.
    fetch
        Bytes to fetch.
    exact
        Whether ``fetch`` is from the sizes of the files; else it is an upper bound, as if nothing was compressed.
    """

    raster: Raster
    items: tuple[Item, ...]
    covered: float
    notes: tuple[str, ...]
    searched: tuple[int, int]
    fetch: int
    exact: bool

    @property
    def to_fetch(self) -> str:
        """What is fetched, in words: ``about 12.3 MB``."""
        return f"{'about' if self.exact else 'up to'} {format_bytes(self.fetch)}"

    def collection(self) -> dict[str, Any]:
        """Return the items as a STAC ItemCollection, without signatures."""
        return as_collection(self.items)

    def write_items(self, storage: Storage, name: str) -> None:
        """Write ``NAME_items.json``, the items as a STAC ItemCollection, beside the results of a run."""
        storage.write(f"{name}_items.json", printable_json(self.collection()).encode())


def find_scene(wanted: Search, *, model_bands: Sequence[str] | None = None, **reading: Any) -> FoundScene:
    """Search a catalogue for the fewest items that cover a place, and open them as one scene.

    Items are compared by the number that is needed first, then by their clouds, then by days from the middle of the
    period. Several items become one raster on the pixels of the clearest (:func:`geoseg.composite`).

    Parameters
    ----------
    wanted
        Where, when, and in which catalogue.
    model_bands
        Names of the bands that are needed: only their files are opened, and items that lack one are left out.
    reading
        How items are read, as :func:`geoseg.open_raster` takes it: ``bands``, ``resolution``, ``scale``, ….

    Raises
    ------
    InputError
        If there is no such place, the catalogue cannot be searched, nothing is found, or an item cannot be read.
    OptionError
        If an option is impossible.
    """
    place, catalog = read_place(wanted.aoi), catalog_of(wanted.catalog)
    start, end = period_of(wanted.when)
    query = Query(place.bounds, f"{start:%Y-%m-%dT%H:%M:%SZ}/{end:%Y-%m-%dT%H:%M:%SZ}", wanted.max_cloud)
    needed = None if reading.get("bands") else model_bands
    if catalog.is_table:
        listed, catalog = search_table(catalog, query)
    else:
        listed = search(catalog, query)
    found, notes = read_items(listed, catalog, needed)
    there = [item for item in found if start <= item.when <= end and item.footprint.intersects(place.area)]
    if not there:
        raise InputError(_nothing(wanted, catalog, place, found, notes))
    clear = [item for item in there if item.cloud is None or item.cloud <= wanted.max_cloud]
    if not clear:
        least = min(item.cloud for item in there if item.cloud is not None)
        raise InputError(
            f"{catalog.collection}: all {len(there)} items of {wanted.when} over {place.label} have more than "
            f"{wanted.max_cloud:g} % clouds, the clearest {least:.3g} %; raise --max-cloud or widen --when"
        )
    if unstated := [item for item in clear if item.cloud is None]:
        notes.append(f"{len(unstated)} of {len(clear)} items state no clouds and are taken as clear")
    items, cover, more = _choose(place, clear, start + (end - start) / 2, wanted.times)
    notes += more
    raster = _open(items, place, wanted, catalog, reading)
    fetch, exact = _bytes_to_fetch(items, place, raster)
    return FoundScene(raster, tuple(items), cover.covered, tuple(notes), (len(there), len(clear)), fetch, exact)


def period_of(text: str) -> tuple[datetime, datetime]:
    """Return the first and the last second of a period, in UTC.

    Raises
    ------
    OptionError
        If it is none.

    Examples
    --------
    >>> from geoseg.raster.catalog.api import period_of
    >>> [str(end) for end in period_of("2026-02/2026-06-14")]
    ['2026-02-01 00:00:00+00:00', '2026-06-14 23:59:59+00:00']
    """
    first, slash, last = text.strip().partition("/")
    try:
        start, end = _days(first)[0], _days(last if slash else first)[1]
    except ValueError:
        raise OptionError(f"when {text!r} is no period: write 2026-06/2026-08, 2026-06-14 or 2026") from None
    if start > end:
        raise OptionError(f"when {text!r} ends before it begins")
    begin = datetime(start.year, start.month, start.day, tzinfo=UTC)
    return begin, datetime(end.year, end.month, end.day, tzinfo=UTC) + timedelta(days=1, seconds=-1)


def _days(text: str) -> tuple[date, date]:
    """Return the first and last day of a year, a month or a day."""
    match = _DAY.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    year, month, day = (None if part is None else int(part) for part in match.groups())
    assert year is not None
    if day is not None:
        return date(year, month or 0, day), date(year, month or 0, day)
    last = month or 12
    if not 1 <= last <= 12:
        raise ValueError(text)
    return date(year, month or 1, 1), date(year, last, calendar.monthrange(year, last)[1])


def _nothing(wanted: Search, catalog: Catalog, place: Place, found: list[Item], notes: list[str]) -> str:
    if found:
        reason = f"{len(found)} items are near, and none overlaps it in that time"
    else:
        reason = notes[0] if notes else "the catalogue has no item there in that time"
    return f"{catalog.collection}: nothing for {place.label} in {wanted.when}: {reason}; widen --when, or check --aoi"


def _choose(place: Place, items: list[Item], middle: datetime, times: int) -> tuple[list[Item], Cover, list[str]]:
    """Cover the place so many times, with other items each time; the cover returned is the first."""
    items = sorted(items, key=lambda item: item.id)
    left, chosen, notes, first = list(items), [], [], None
    for time in range(times):
        keys = [(100.0 if i.cloud is None else i.cloud, abs((i.when - middle).total_seconds()) / 86400) for i in left]
        cover = fewest(place.area, [item.footprint for item in left], keys)
        if not cover.chosen:
            break
        first = first or cover
        if not cover.proven and time == 0:
            notes.append(f"{len(cover.chosen)} items cover the place; fewer might, but not all ways were tried")
        chosen += [left[number] for number in cover.chosen]
        left = [item for number, item in enumerate(left) if number not in cover.chosen]
    if first is None:
        raise InputError(f"{place.label}: the items found only touch its border; check --aoi")
    if first.covered < _WHOLE:
        notes.append(f"the items found cover {100 * first.covered:.3g} % of the place; the rest will be nodata")
    return sorted(chosen, key=lambda item: (100.0 if item.cloud is None else item.cloud, item.id)), first, notes


def _open(items: list[Item], place: Place, wanted: Search, catalog: Catalog, reading: dict[str, Any]) -> Raster:
    """Return the items as one raster, cut to the place."""
    name = scene_name(items[0].id if len(items) == 1 else _name_of(items, catalog))
    files: list[Any] = [item.files for item in items]
    how: dict[str, Any] = {**reading, "name": name, "bbox": place.bounds, "bbox_crs": DEGREES}
    try:
        if len(items) == 1:
            raster = open_raster(files[0], **how)
        else:
            dates = [item.when.date() for item in items]
            joined = composite(files, method=wanted.composite, dates=dates, **how)
            # The number of dates is no band of the scene.
            raster = joined.select([band.name for band in joined.bands[:-1]])
    except InputError as error:
        raise InputError(f"{catalog.collection}: {error}") from error
    if place.is_box:
        return raster
    if raster.grid.crs is None:
        raise InputError(f"{name}: its files have no CRS, so the place cannot be cut out of them; give it as a box")
    return clipped(raster, place.in_crs(raster.grid.crs, name))


def _name_of(items: Sequence[Item], catalog: Catalog) -> str:
    days = sorted(item.when.date() for item in items)
    return f"{catalog.collection}_{days[0]}" + (f"_{days[-1]}" if days[-1] > days[0] else "")


def _bytes_to_fetch(items: Sequence[Item], place: Place, raster: Raster) -> tuple[int, bool]:
    """Return bytes to fetch, and whether sizes of files were known; else it is what is fetched without compression."""
    import shapely

    total, known = 0.0, True
    pixels = raster.shape[0] * raster.shape[1] * place.area.area / shapely.box(*place.area.bounds).area
    for item in items:
        shared = item.footprint.intersection(place.area).area
        for file in (*item.files.files, *(one.file for one in item.files.quality)):
            if file.size is not None:
                total += file.size * min(shared / item.footprint.area, 1.0)
            else:
                known = False
                total += pixels * shared / place.area.area * np.dtype(raster.dtype).itemsize * max(len(file.bands), 1)
    return int(total), known
