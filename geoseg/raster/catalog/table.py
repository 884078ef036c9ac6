"""Search of a GeoParquet file of STAC items, here or on a server: only the rows that match are read whole.

Specification: https://github.com/radiantearth/stac-geoparquet-spec, 1.0 and 1.1. Row groups that lie elsewhere are
left out by their statistics, then rows by their place and date, of which a million take little; only of those that are
left the assets are decoded.
"""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.errors import InputError, one_line
from geoseg.raster.catalog.client import MOST_ITEMS, login_of
from geoseg.system.download import Redirects, check_same_host, is_address
from geoseg.system.files import check_regular_file
from geoseg.system.json_text import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from geoseg.raster.catalog.catalogs import Catalog
    from geoseg.raster.catalog.client import Query

_OWN = ("type", "stac_version", "stac_extensions", "id", "geometry", "bbox", "links", "assets", "collection")
_DATES = ("datetime", "start_datetime", "end_datetime")
_CLOUD = "eo:cloud_cover"
# Rows that are looked at together, and those that are read whole together.
_ROWS, _WHOLE_ROWS = 65_536, 2_048
_SIDES = ("xmin", "ymin", "xmax", "ymax")
_SIDES_3D = ("xmin", "ymin", "zmin", "xmax", "ymax", "zmax")
# A box across the antimeridian begins east of the one and ends west of the other; none is half the world wide.
_EAST, _WEST = 90.0, -90.0
_SECONDS = 60


def search_table(catalog: Catalog, query: Query) -> tuple[list[dict[str, Any]], Catalog]:
    """Return all items in a box and period, in the order of the file, and the catalogue with their collection.

    They may overlap the box only. Items are as a STAC API answers with them.

    Raises
    ------
    InputError
        If the file cannot be read, has no STAC items, has several collections of which none is named, or too many
        items.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    label = catalog.url
    try:
        with _opened(label) as source:
            table = pq.ParquetFile(source, pre_buffer=is_address(label), buffer_size=2**20)
            _check_columns(table, label)
            rows = _matching(table, query)
            clear = (
                rows
                if len(rows) <= MOST_ITEMS
                else [row for row in rows if not row[2] > (100 if query.max_cloud is None else query.max_cloud)]
            )
            chosen = _of_one_collection(clear, catalog)
            _check_count(chosen, label)
            found = [_item(row, label) for row in _read(table, [(group, row) for group, row, *_ in chosen])]
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(f"{label}: no such file; check the path") from error
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise InputError(
            f"{label}: cannot be read as Parquet ({one_line(error)[:200]}); copy or download it again"
        ) from error
    names = {name for *_, name in chosen if name}
    known = catalog.collection or next(iter(names), "") or PurePath(label.partition("?")[0]).stem
    return found, replace(catalog, collection=known)


def _check_count(rows: list[_Row], label: str) -> None:
    if len(rows) > MOST_ITEMS:
        raise InputError(
            f"{label}: finds more than {MOST_ITEMS:,} items; give a smaller place, a shorter period, less --max-cloud"
        )


def _opened(label: str) -> Any:
    if is_address(label):
        return io.BufferedReader(_OnServer(label), 2**16)
    check_regular_file(label)
    return open(label, "rb")  # noqa: PTH123 - the caller closes it


def _check_columns(table: Any, label: str) -> None:
    names = set(table.schema_arrow.names)
    missing = [name for name in ("id", "assets") if name not in names]
    missing += [] if {"bbox", "geometry"} & names else ["bbox or geometry"]
    missing += [] if {"datetime", "start_datetime"} & names else ["datetime"]
    if missing:
        raise InputError(
            f"{label}: is no table of STAC items: it has no column {', '.join(missing)}; it has "
            f"{', '.join(table.schema_arrow.names[:8])}"
        )


# Which rows ---------------------------------------------------------------------------------------------------------

_Row = tuple[int, int, float, str]  # row group, row in it, percent of clouds (NaN: unknown), collection


def _matching(table: Any, query: Query) -> list[_Row]:
    """Return the rows that may lie in the box and the period."""
    names = set(table.schema_arrow.names)
    place = "bbox" if "bbox" in names else "geometry"
    wanted = [place, *(name for name in (*_DATES, _CLOUD, "collection") if name in names)]
    start, end = (np.datetime64(text.removesuffix("Z"), "us") for text in query.period.split("/"))
    found: list[_Row] = []
    for group in range(table.num_row_groups):
        if not _may_overlap(_ranges(table.metadata.row_group(group)), query):
            continue
        done = 0
        for batch in table.iter_batches(_ROWS, row_groups=[group], columns=wanted):
            inside = _overlaps(_boxes(batch.column(place)), query) & _within(batch, start, end)
            clouds = _floats(batch, _CLOUD)
            collections = batch.column("collection") if "collection" in names else None
            for row in np.flatnonzero(inside):
                name = "" if collections is None else str(collections[int(row)].as_py() or "")
                found.append((group, done + int(row), float(clouds[row]), name))
            done += batch.num_rows
    return found


def _ranges(group: Any) -> dict[str, tuple[float, float]]:
    """Return the least and the greatest value of each side of the boxes in a row group, where it is known."""
    found = {}
    for number in range(group.num_columns):
        column = group.column(number)
        side = column.path_in_schema.removeprefix("bbox.")
        if side in _SIDES and column.path_in_schema != side and column.is_stats_set and column.statistics.has_min_max:
            found[side] = float(column.statistics.min), float(column.statistics.max)
    return found


def _may_overlap(ranges: dict[str, tuple[float, float]], query: Query) -> bool:
    if len(ranges) < len(_SIDES):
        return True
    _, south, _, north = query.bbox
    if ranges["ymin"][0] > north or ranges["ymax"][1] < south:
        return False
    if ranges["xmin"][1] > _EAST and ranges["xmax"][0] < _WEST:
        return True
    return any(ranges["xmin"][0] <= east and ranges["xmax"][1] >= west for west, east in _spans(query))


def _spans(query: Query) -> list[tuple[float, float]]:
    west, _, east, _ = query.bbox
    return [(west, east)] if west <= east else [(west, 180.0), (-180.0, east)]


def _boxes(column: Any) -> NDArray[np.float64]:
    """Return west, south, east, north of each row (n, 4); NaN where it is missing."""
    import pyarrow as pa

    if pa.types.is_struct(column.type):
        sides = [column.field(side) for side in _SIDES]
        return np.stack([side.cast(pa.float64()).to_numpy(zero_copy_only=False) for side in sides], axis=1)
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        import shapely

        found: NDArray[np.float64] = shapely.bounds(
            shapely.from_wkb(column.to_numpy(zero_copy_only=False), on_invalid="ignore")
        )
        return found
    flat = np.full((len(column), 4), np.nan)
    for number, box in enumerate(column.to_pylist()):  # of lists, as versions before 1.0 have it
        if box is not None and len(box) in (4, 6):
            flat[number] = [*box[:2], *(box[2:4] if len(box) == 4 else box[3:5])]
    return flat


def _overlaps(boxes: NDArray[np.float64], query: Query) -> NDArray[np.bool_]:
    _, south, _, north = query.bbox
    inside: NDArray[np.bool_] = np.zeros(len(boxes), bool)
    across = boxes[:, 0] > boxes[:, 2]
    for west, east in _spans(query):
        plain = (boxes[:, 0] <= east) & (boxes[:, 2] >= west)
        inside |= np.where(across, (boxes[:, 0] <= east) | (boxes[:, 2] >= west), plain)
    return inside & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)


def _within(batch: Any, start: Any, end: Any) -> NDArray[np.bool_]:
    """Return which rows have a date in the period, or a period that overlaps it."""
    when, first, last = (_times(batch, name) for name in _DATES)
    first, last = (np.where(np.isnat(one), other, one) for one, other in ((first, last), (last, first)))
    dated = (when >= start) & (when <= end)
    inside: NDArray[np.bool_] = np.where(np.isnat(when), (first <= end) & (last >= start), dated)
    return inside


def _times(batch: Any, name: str) -> NDArray[Any]:
    import pyarrow as pa

    nothing = np.full(batch.num_rows, "NaT", "datetime64[us]")
    if name not in batch.schema.names:
        return nothing
    column = batch.column(name)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.cast(pa.timestamp("us", tz="UTC"), safe=False)
    if not pa.types.is_timestamp(column.type):
        return nothing
    # In UTC where a zone is stated; without one it is UTC by the specification.
    plain = column.cast(pa.timestamp("us", tz=column.type.tz), safe=False).cast(pa.int64())
    values = plain.fill_null(np.iinfo(np.int64).min).to_numpy(zero_copy_only=False)
    found: NDArray[Any] = values.astype("datetime64[us]")
    return found


def _floats(batch: Any, name: str) -> NDArray[np.float64]:
    import pyarrow as pa

    if name in batch.schema.names:
        with suppress(pa.ArrowException):
            found: NDArray[np.float64] = batch.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False)
            return found
    return np.full(batch.num_rows, np.nan)


def _of_one_collection(rows: list[_Row], catalog: Catalog) -> list[_Row]:
    if catalog.collection:
        return [row for row in rows if row[-1] == catalog.collection]
    names = sorted({row[-1] for row in rows})
    if len(names) > 1:
        raise InputError(
            f"{catalog.url}: has items of several collections there ({', '.join(names[:5])}); name one: "
            f"{catalog.url}#{names[-1]}"
        )
    return rows


# Whole items --------------------------------------------------------------------------------------------------------


def _read(table: Any, rows: list[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    """Yield rows of a file, by row group and number in it, in their order."""
    groups: dict[int, list[int]] = {}
    for group, row in rows:
        groups.setdefault(group, []).append(row)
    for group, numbers in groups.items():
        done = 0
        for batch in table.iter_batches(_WHOLE_ROWS, row_groups=[group]):
            here = [row - done for row in numbers if done <= row < done + batch.num_rows]
            yield from (batch.slice(row, 1).to_pylist()[0] for row in here)
            done += batch.num_rows
            if done > numbers[-1]:
                break


def _item(row: dict[str, Any], label: str) -> dict[str, Any]:
    """Return a row as a STAC item: columns that are not of the item itself are its properties."""
    item = {name: _plain(row[name]) for name in _OWN if row.get(name) is not None and name not in ("geometry", "bbox")}
    item["type"] = "Feature"
    for name in ("assets", "links"):
        if isinstance(item.get(name), str):  # as JSON, which has no columns for assets of one item alone
            item[name] = parse_json(item[name], label, f"the {name} of a STAC item")
    if (box := row.get("bbox")) is not None:
        sides = [box[key] for key in _SIDES_3D if box.get(key) is not None] if isinstance(box, dict) else list(box)
        item["bbox"] = sides
    if isinstance(row.get("geometry"), bytes):
        import shapely

        with suppress(shapely.errors.ShapelyError):
            item["geometry"] = json.loads(shapely.to_geojson(shapely.from_wkb(row["geometry"])))
    inner = row.get("properties")
    own = {name: value for name, value in row.items() if name not in (*_OWN, "properties") and value is not None}
    item["properties"] = _plain({**(inner if isinstance(inner, dict) else {}), **own})
    return item


def _plain(value: Any) -> Any:
    """Return a value as JSON has it, without the fields that other rows of the file have and this one has not."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items() if one is not None and not isinstance(one, bytes)}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=value.tzinfo or UTC).astimezone(UTC).isoformat()
    return value


# On a server --------------------------------------------------------------------------------------------------------

_OPENER = urllib.request.build_opener(Redirects(check_same_host))


class _OnServer(io.RawIOBase):
    """A file that is read in pieces over HTTP, at the host that the user named."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url, self._at = url, 0
        with self._ask("bytes=0-0") as answer:
            size = str(answer.headers.get("Content-Range", "")).rpartition("/")[2]
            if answer.status != 206 or not size.isdigit():
                raise InputError(f"{url}: the server does not give parts of files (HTTP range requests); download it")
            self._size = int(size)

    def _ask(self, span: str) -> Any:
        request = urllib.request.Request(self._url, headers={"User-Agent": "geoseg", "Range": span})  # noqa: S310
        if (login := login_of(self._url)) is not None:
            request.add_unredirected_header("Authorization", login)
        try:
            return _OPENER.open(request, timeout=_SECONDS)
        except urllib.error.HTTPError as error:
            raise InputError(f"{self._url}: answers {error.code} {error.reason}; check the address") from None
        except OSError as error:
            raise InputError(f"{self._url}: cannot be reached ({one_line(error)}); check the address") from None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self._size - self._at)
        if count <= 0:
            return 0
        with self._ask(f"bytes={self._at}-{self._at + count - 1}") as answer:
            data = answer.read(count)
        if len(data) != count:
            raise InputError(f"{self._url}: ended after {self._at + len(data):,} of {self._size:,} bytes; try again")
        buffer[:count] = data
        self._at += count
        return count
