"""Many scenes from a file: one a line, a table with names, or a STAC ItemCollection."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geoseg.errors import InputError
from geoseg.raster.gdal.environment import is_virtual

_COLUMNS = ("scene", "path", "href", "location", "file", "filename")


@dataclass(frozen=True)
class SceneEntry:
    """A scene of a list.

    Attributes
    ----------
    source
        What :func:`geoseg.open_raster` takes.
    name
        Its name; from its file if None.
    """

    source: Any
    name: str | None = None

    @classmethod
    def of(cls, entry: Any) -> SceneEntry:
        """Return an entry of ``Job.scenes`` as one of these."""
        return entry if isinstance(entry, SceneEntry) else cls(entry)

    @property
    def label(self) -> str:
        """What messages call it."""
        if self.name:
            return self.name
        if isinstance(self.source, list | tuple):
            more = len(self.source) - 1
            return f"{self.source[0]} and {more} more" if more else str(self.source[0])
        return str(getattr(self.source, "name", None) or self.source)


def read_scenes(path: Path) -> list[SceneEntry]:
    """Return the scenes that a file lists.

    A text file has one scene a line; empty lines and lines that begin with ``#`` are skipped; several files separated
    by tabs or semicolons are one scene. A CSV (``.csv``) has a column ``scene`` and may have a column ``name``. A STAC
    ItemCollection (``.json``, ``.geojson``) has one scene per item. Paths are looked for in the working folder, then
    beside the list.

    Raises
    ------
    InputError
        If the file cannot be read, lists nothing, or lists a scene or name twice; the message says where.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8 ({error.reason}); save the list as UTF-8") from error
    except OSError as error:
        raise InputError(f"{path}: the list of scenes cannot be read: {error.strerror or error}") from error
    ending = path.suffix.lower()
    if ending in (".json", ".geojson"):
        found = _from_stac(path, text)
    elif ending == ".csv":
        found = _from_csv(path, text)
    else:
        found = _from_text(path, text)
    if not found:
        raise InputError(f"{path}: lists no scene; write one a line")
    check_duplicates([listed for _, listed in found], [f"{path}, {where}" for where, _ in found])
    return [listed for _, listed in found]


def check_duplicates(scenes: Iterable[Any], places: Iterable[str] | None = None) -> None:
    """Refuse a scene, or a name that was given, that is there twice.

    Raises
    ------
    InputError
        Naming both places.
    """
    entries = [SceneEntry.of(scene) for scene in scenes]
    where = list(places) if places is not None else [f"scene {number}" for number in range(1, len(entries) + 1)]
    seen: dict[Any, str] = {}
    for entry, place in zip(entries, where, strict=True):
        keys = [("scene", _key(entry.source))] if isinstance(entry.source, str | os.PathLike | list | tuple) else []
        for kind, key in [*keys, *([("name", entry.name)] if entry.name else [])]:
            if (kind, key) in seen:
                raise InputError(f"{place}: {entry.label} is listed twice (first: {seen[kind, key]}); remove one")
            seen[kind, key] = place


def _key(source: Any) -> Any:
    if isinstance(source, list | tuple):
        return tuple(_key(one) for one in source)
    text = os.fspath(source)
    return text if is_virtual(text) else os.path.normcase(os.path.abspath(text))  # noqa: PTH100 - also URLs


def _from_text(path: Path, text: str) -> list[tuple[str, SceneEntry]]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        entry = line.strip()
        if entry and not entry.startswith("#"):
            found.append((f"line {number}", SceneEntry(_sources(entry, path.parent))))
    return found


def _from_csv(path: Path, text: str) -> list[tuple[str, SceneEntry]]:
    rows = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = {(name or "").strip().lower(): name for name in rows.fieldnames or ()}
    column = next((columns[name] for name in _COLUMNS if name in columns), None)
    if column is None:
        raise InputError(f"{path}: has no column 'scene'; its columns are {', '.join(columns) or 'none'}")
    found = []
    for row in rows:
        entry = (row[column] or "").strip()
        if entry and not entry.startswith("#"):
            name = (row.get(columns.get("name", ""), "") or "").strip() or None
            found.append((f"line {rows.line_num}", SceneEntry(_sources(entry, path.parent), name)))
    return found


def _from_stac(path: Path, text: str) -> list[tuple[str, SceneEntry]]:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON ({error}); a STAC ItemCollection is expected") from error
    items = content.get("features") if isinstance(content, dict) else None
    if not isinstance(items, list) or content.get("type") != "FeatureCollection":
        raise InputError(f"{path}: not a STAC ItemCollection (a FeatureCollection of items)")
    found = []
    for number, item in enumerate(items, 1):
        name = str(item.get("id") or "") if isinstance(item, dict) else ""
        if not name:
            raise InputError(f"{path}: item {number} has no id; a STAC item needs one")
        found.append((f"item {number}", SceneEntry(f"{path}#{name}", name)))
    return found


def _sources(entry: str, folder: Path) -> Any:
    """Return one path, or a list of the files that make one scene."""
    if _exists(entry, folder):
        return _located(entry, folder)
    parts = [part.strip() for part in entry.replace("\t", ";").split(";") if part.strip()]
    return [_located(part, folder) for part in parts] if len(parts) > 1 else _located(entry, folder)


def _exists(entry: str, folder: Path) -> bool:
    return not is_virtual(entry) and (Path(entry).exists() or (folder / entry).exists())


def _located(entry: str, folder: Path) -> str:
    """Look in the working folder, then beside the list."""
    if is_virtual(entry) or Path(entry).exists() or not (folder / entry).exists():
        return entry
    return str(folder / entry)
