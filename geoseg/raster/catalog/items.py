"""What a search finds: items with footprint, date, clouds and bands, checked one by one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from geoseg.errors import GeosegError, InputError
from geoseg.raster.bands.sensors import name_bands
from geoseg.raster.catalog.place import within_degrees
from geoseg.raster.gdal.addresses import shown_address, signed_when_read
from geoseg.raster.gdal.environment import is_virtual
from geoseg.raster.scenes.scene import File, QualityFile, SceneFiles
from geoseg.raster.scenes.stac import item_files

if TYPE_CHECKING:
    from geoseg.raster.catalog.catalogs import Catalog

# Where the files of an item may lie: an answer from the network names no file of this machine.
_SCHEMES = ("https://", "http://", "s3://", "gs://", "az://")


@dataclass(frozen=True, eq=False)
class Item:
    """One item.

    Attributes
    ----------
    id
        Its id.
    when
        When it was taken, in UTC; the middle of its period if it has one.
    cloud
        Percent of clouds, None where the item does not state it.
    footprint
        Its area in degrees, valid.
    files
        Files with bands, those asked for only, and what the item says about them.
    bands
        Names of all its bands.
    content
        The item.
    """

    id: str
    when: datetime
    cloud: float | None
    footprint: Any
    files: SceneFiles = field(repr=False)
    bands: tuple[str, ...]
    content: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return self.id


def read_items(
    found: Iterable[dict[str, Any]], catalog: Catalog, wanted: Sequence[str] | None
) -> tuple[list[Item], list[str]]:
    """Return the items that can be used, each once, and one note for each reason for which others were left out.

    Parameters
    ----------
    found
        Items as the catalogue returned them.
    catalog
        Where they come from: relative addresses begin there.
    wanted
        Names of the bands that are needed; items that lack one are left out. None for all.
    """
    items: dict[str, Item] = {}
    reasons: dict[str, list[str]] = {}
    for content in found:
        name = str(content.get("id") or "")[:200]
        try:
            item = _read_item(content, catalog, wanted)
        except _Unusable as error:
            reasons.setdefault(str(error), []).append(name or "an item without id")
            continue
        known = items.get(item.id)
        if known is None:
            items[item.id] = item
        elif known.content != content:
            reasons.setdefault("listed twice with other content; the one updated last is used", []).append(name)
            if _updated(content) > _updated(known.content):
                items[item.id] = item
    notes = [
        f"{names[0]}: {reason}" if len(names) == 1 else f"{len(names)} items ({names[0]}, …): {reason}"
        for reason, names in reasons.items()
    ]
    return list(items.values()), notes


class _Unusable(Exception):  # noqa: N818 - not an error of the user: the item is left out
    """Why an item cannot be used."""


def _read_item(content: dict[str, Any], catalog: Catalog, wanted: Sequence[str] | None) -> Item:
    name, properties = content.get("id"), content.get("properties")
    if not isinstance(name, str) or not name or not isinstance(content.get("assets"), dict):
        raise _Unusable("no id or no assets; left out")
    properties = properties if isinstance(properties, dict) else {}
    when = _when(properties)
    if when is None:
        raise _Unusable("no date; left out")
    cloud = properties.get("eo:cloud_cover")
    usable = isinstance(cloud, int | float) and not isinstance(cloud, bool) and math.isfinite(cloud)
    footprint = _footprint(content)
    files, bands = _files(content, catalog, wanted)
    return Item(name, when, float(cloud) if usable else None, footprint, files, bands, content)  # type: ignore[arg-type]


def _when(properties: dict[str, Any]) -> datetime | None:
    dates = [_date(properties.get(key)) for key in ("datetime", "start_datetime", "end_datetime")]
    if dates[0] is not None:
        return dates[0]
    if dates[1] is None or dates[2] is None:
        return dates[1] or dates[2]
    return dates[1] + (dates[2] - dates[1]) / 2


def _date(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)


def _updated(content: dict[str, Any]) -> str:
    properties = content.get("properties")
    value = (properties if isinstance(properties, dict) else {}).get("updated")
    return value if isinstance(value, str) else ""


def _footprint(content: dict[str, Any]) -> Any:
    import shapely
    import shapely.geometry

    geometry, bbox = content.get("geometry"), content.get("bbox")
    try:
        if isinstance(geometry, dict):
            area = shapely.make_valid(shapely.force_2d(shapely.geometry.shape(geometry)))
        else:
            west, south, *_, east, north = (float(value) for value in bbox)  # type: ignore[union-attr]
            if len(bbox) == 6:  # type: ignore[arg-type]
                west, south, _, east, north, _ = (float(value) for value in bbox)  # type: ignore[union-attr]
            area = shapely.box(west, south, east + 360 if west > east else east, north)
        if area.area > 0 and math.isfinite(area.area) and -90.5 <= area.bounds[1] <= area.bounds[3] <= 90.5:
            return within_degrees(area)
    except (TypeError, ValueError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError):
        pass
    raise _Unusable("no usable footprint; left out")


def _files(
    content: dict[str, Any], catalog: Catalog, wanted: Sequence[str] | None
) -> tuple[SceneFiles, tuple[str, ...]]:
    """Return the files that are needed, signed where they have to be, and the names of all bands."""
    try:
        found = item_files(content, _own_address(content, catalog), remote=True)
    except GeosegError as error:
        raise _Unusable(str(error).partition(": ")[2] or str(error)) from None
    # A file without metadata may hold any bands.
    flat = [(file, band.name or band.code or "") for file in found.files for band in (file.bands or ()) if file.bands]
    names = name_bands([name for _, name in flat], [found.evidence]).names
    kept = found.files
    if wanted is not None:
        absent = [name for name in wanted if name not in names]
        if absent:
            raise _Unusable(f"no band {', '.join(absent)}; left out")
        needed = {id(file) for (file, _), name in zip(flat, names, strict=True) if name in wanted}
        kept = tuple(file for file in kept if id(file) in needed)
    placed = tuple(_placed(file, catalog) for file in kept)
    quality = tuple(QualityFile(one.kind, _placed(one.file, catalog)) for one in found.quality)
    return SceneFiles(placed, found.name, found.notes, evidence=found.evidence, quality=quality), names


def _own_address(content: dict[str, Any], catalog: Catalog) -> str:
    """Return the address that relative ones are relative to: the item's own, if it says so, else the collection's."""
    links = content.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "self":
            href = str(link.get("href"))
            if href.lower().startswith(("https://", "http://")):
                return href
    if catalog.is_table:
        return catalog.url
    return f"{catalog.url}/collections/{catalog.collection}/items/{content['id']}"


def _placed(file: File, catalog: Catalog) -> File:
    local = catalog.is_table and catalog.is_local and "://" not in file.path and not is_virtual(file.path)
    if local:  # as of an item in a JSON file
        return File(file.path, remote=False, bands=file.bands, size=file.size)
    if not file.path.lower().startswith(_SCHEMES):
        raise _Unusable(f"refers to {shown_address(file.path)[:100]}, which is no address on the network; left out")
    path = signed_when_read(file.path, catalog.collection) if catalog.signs(file.path) else file.path
    return File(path, remote=True, bands=file.bands, size=file.size)


def as_collection(items: Sequence[Item]) -> dict[str, Any]:
    """Return items as a STAC ItemCollection without signatures and logins in their addresses.

    Raises
    ------
    InputError
        If there is none.
    """
    if not items:
        raise InputError("no item to write")
    return {"type": "FeatureCollection", "features": [_without_secrets(item.content) for item in items]}


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_secrets(entry) for entry in value]
    if isinstance(value, str) and "://" in value:
        return shown_address(value).removesuffix("?…")
    return value
