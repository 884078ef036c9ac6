"""Lists of scenes: a text file with one per line, a CSV with names, or a STAC ItemCollection."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from geoseg.errors import InputError, OutputError
from geoseg.raster.gdal.environment import is_virtual
from geoseg.system.files import check_regular_file, exists, name_key
from geoseg.system.json_text import parse_json
from geoseg.system.storage.address import Address, object_address
from geoseg.system.storage.storage import storage_of
from geoseg.system.text import check_unique_columns

MOST_BYTES = 2**26
"""Size of the largest list of scenes that is read: half a million addresses."""

_COLUMNS = ("scene", "path", "href", "location", "file", "filename")


@dataclass(frozen=True)
class SceneEntry:
    """A scene with a name of its own.

    Attributes
    ----------
    source
        Anything that :func:`geoseg.open_raster` takes, or a list of the files that make one scene.
    name
        Its name, with which its outputs begin; derived from its source if None.

    Examples
    --------
    >>> from geoseg.job import SceneEntry
    >>> SceneEntry(["B04.tif", "B08.tif"], "north").label
    'north'
    """

    source: Any
    name: str | None = None

    @classmethod
    def of(cls, entry: Any) -> SceneEntry:
        """Wrap an entry of ``Job.scenes``, unless it is a SceneEntry already."""
        return entry if isinstance(entry, SceneEntry) else cls(entry)

    @property
    def label(self) -> str:
        """Name of the scene in messages."""
        if self.name:
            return self.name
        if isinstance(self.source, list | tuple):
            more = len(self.source) - 1
            return f"{self.source[0]} and {more} more" if more else str(self.source[0])
        if isinstance(self.source, str | os.PathLike):
            return str(self.source)
        if isinstance(self.source, Mapping):
            return " and ".join(SceneEntry(one).label for one in self.source.values())
        return str(getattr(self.source, "name", None) or self.source)


def read_scenes(path: Path) -> list[SceneEntry]:
    """Return the scenes that a file lists.

    A text file has one scene per line; empty lines and lines that begin with ``#`` are skipped; several files separated
    by tabs or semicolons are one scene. A CSV (``.csv``) has a column ``scene`` and may have a column ``name``. A STAC
    ItemCollection (``.json``, ``.geojson``) has one scene per item. Relative paths are resolved against the working
    folder, then against the folder of the list; in a list at ``s3://…``, only against its prefix.

    Raises
    ------
    InputError
        If the file cannot be read, lists nothing, or lists a scene or name twice; names the line or item.
    """
    address = _address(path)
    text, folder = (_read_text(path), path.parent) if address is None else _read_object(address)
    suffix = path.suffix.lower()
    if suffix in (".json", ".geojson") and address is not None:
        raise InputError(f"{address}: STAC ItemCollections are read from local files only; download it, or list paths")
    if suffix in (".json", ".geojson"):
        entries = _from_stac(path, text)
    elif suffix == ".csv":
        entries = _from_csv(path, text, folder)
    else:
        entries = _from_text(text, folder)
    shown = path if address is None else address
    if not entries:
        raise InputError(f"{shown}: lists no scene; write one per line")
    check_duplicates([entry for _, entry in entries], [f"{shown}, {place}" for place, _ in entries])
    return [entry for _, entry in entries]


def _address(path: Path) -> Address | None:
    try:
        return object_address(path)
    except OutputError as error:
        raise InputError(str(error)) from error


def _read_object(address: Address) -> tuple[str, str]:
    """Return a list in a bucket, and the address to which its relative paths are added."""
    folder = replace(address, prefix=address.prefix.rpartition("/")[0])
    try:
        data = storage_of(str(folder)).read(address.prefix.rpartition("/")[2], MOST_BYTES)
    except OSError as error:
        raise InputError(f"{address}: the list of scenes cannot be read: {error.strerror or error}") from error
    return _decoded(str(address), data), str(folder)


def _read_text(path: Path) -> str:
    """Read a list that is a regular file of sensible size: devices and pipes may never end."""
    check_regular_file(path, limit=MOST_BYTES)
    try:
        return _decoded(str(path), path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: the list of scenes cannot be read: {error.strerror or error}") from error


def _decoded(path: str, data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8 ({error.reason}); save the list as UTF-8") from error
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise InputError(f"{path}, line {line}: has a NUL character, so it is no text; save the list as UTF-8")
    return text


def check_duplicates(scenes: Iterable[Any], places: Iterable[str] | None = None) -> None:
    """Check that no scene and no name is listed twice.

    Raises
    ------
    InputError
        If one is; names both places.
    """
    entries = [SceneEntry.of(scene) for scene in scenes]
    if places is None:
        places = [f"scene {number}" for number in range(1, len(entries) + 1)]
    seen: dict[Any, str] = {}
    for entry, place in zip(entries, places, strict=True):
        keys = [("scene", _key(entry.source))] if isinstance(entry.source, str | os.PathLike | list | tuple) else []
        for kind, key in [*keys, *([("name", name_key(entry.name))] if entry.name else [])]:
            if (kind, key) in seen:
                raise InputError(f"{place}: {entry.label} is listed twice (first: {seen[kind, key]}); remove one")
            seen[kind, key] = place


def _key(source: Any) -> Any:
    if isinstance(source, list | tuple):
        return tuple(_key(one) for one in source)
    text = os.fspath(source)
    return text if is_virtual(text) else os.path.normcase(os.path.abspath(text))  # noqa: PTH100 - also URLs


def _from_text(text: str, folder: Path | str) -> list[tuple[str, SceneEntry]]:
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        source = line.strip()
        if source and not source.startswith("#"):
            entries.append((f"line {number}", SceneEntry(_sources(source, folder))))
    return entries


def _from_csv(path: Path, text: str, folder: Path | str) -> list[tuple[str, SceneEntry]]:
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    try:
        return _csv_entries(path, rows, folder)
    except csv.Error as error:
        raise InputError(
            f"{path}, line {rows.line_num + 1}: not CSV ({error}); check the quotation marks there"
        ) from error


def _csv_entries(path: Path, rows: csv.DictReader[str], folder: Path | str) -> list[tuple[str, SceneEntry]]:
    columns = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
    column = next((columns[name] for name in _COLUMNS if name in columns), None)
    if column is None:
        raise InputError(f"{path}: has no column 'scene'; its columns are {', '.join(columns) or 'none'}")
    check_unique_columns(path, rows.fieldnames or (), (column, columns.get("name")))
    entries = []
    for row in rows:
        source = (row[column] or "").strip()
        if source and not source.startswith("#"):
            name = (row.get(columns.get("name", ""), "") or "").strip() or None
            entries.append((f"line {rows.line_num}", SceneEntry(_sources(source, folder), name)))
    return entries


def _from_stac(path: Path, text: str) -> list[tuple[str, SceneEntry]]:
    content = parse_json(text, str(path), "a STAC ItemCollection")
    items = content.get("features") if isinstance(content, dict) else None
    if not isinstance(items, list) or content.get("type") != "FeatureCollection":
        raise InputError(f"{path}: not a STAC ItemCollection (a FeatureCollection of items)")
    entries = []
    for number, item in enumerate(items, 1):
        name = str(item.get("id") or "") if isinstance(item, dict) else ""
        if not name:
            raise InputError(f"{path}: item {number} has no id; a STAC item needs one")
        entries.append((f"item {number}", SceneEntry(f"{path}#{name}", name)))
    return entries


def _sources(text: str, folder: Path | str) -> Any:
    """Return one path, or a list of the files that make one scene."""
    if _exists(text, folder):
        return _located(text, folder)
    parts = [part.strip() for part in text.replace("\t", ";").split(";") if part.strip()]
    return [_located(part, folder) for part in parts] if len(parts) > 1 else _located(text, folder)


def _exists(text: str, folder: Path | str) -> bool:
    return isinstance(folder, Path) and not is_virtual(text) and (exists(text) or exists(folder / text))


def _located(text: str, folder: Path | str) -> str:
    """Resolve a path against the working folder, then against the folder of the list; or against an address."""
    if isinstance(folder, str):
        return text if is_virtual(text) or Path(text).is_absolute() else f"{folder}/{text}"
    if is_virtual(text) or exists(text) or not exists(folder / text):
        return text
    return str(folder / text)
