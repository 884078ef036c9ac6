"""Which classes are learned, and which raw value of the labels is which."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geoseg.classes import MAX_CLASSES, NODATA, MapClass, default_color, unnamed
from geoseg.errors import InputError, OptionError
from geoseg.train.data.labels import Vocabulary

_ENTRY = re.compile(r"(?:(?P<key>[^=]+)=)?(?P<name>[^=]+?)(?::(?P<color>#[0-9a-fA-F]{6}))?")


@dataclass(frozen=True)
class Entry:
    """One class asked for: ``key`` is its value in the labels (None: by its name or place), ``color`` may be None."""

    key: str | None
    name: str
    color: str | None


@dataclass(frozen=True, eq=False)
class ClassMapping:
    """The decision: classes 0…K−1, and the class of each raw value in ascending order (NODATA: ignored)."""

    classes: tuple[MapClass, ...]
    values: NDArray[np.int64]
    indices: NDArray[np.uint8]
    left_out: tuple[str, ...] = ()


def parse_classes(text: str | Sequence[str] | Mapping[str, str] | None) -> tuple[Entry, ...] | None:
    """Parse ``"water,forest:#117733"`` or ``"1=water,4=forest"``; also a list of these, or a mapping value → name.

    Raises
    ------
    OptionError
        If it cannot be understood.
    """
    if text is None:
        return None
    if isinstance(text, Mapping):
        parts = [f"{key}={name}" for key, name in text.items()]
    else:
        parts = [p.strip() for p in text.split(",")] if isinstance(text, str) else [str(p).strip() for p in text]
    entries = []
    for part in parts:
        match = _ENTRY.fullmatch(part)
        if not match or ":#" in match["name"]:
            raise OptionError(f"classes: {part!r} is not understood; write NAME, VALUE=NAME or VALUE=NAME:#rrggbb")
        key = match["key"]
        entries.append(Entry(key and key.strip(), match["name"].strip(), match["color"]))
    names = [entry.name for entry in entries]
    if len(entries) < 2 or len(entries) > MAX_CLASSES:
        raise OptionError(f"classes: {len(entries)} given; a segmentation needs 2 to {MAX_CLASSES}")
    if twice := next((name for i, name in enumerate(names) if name in names[:i] and entries[i].key is None), None):
        raise OptionError(f"classes: {twice!r} is named twice")
    return tuple(entries)


def decide(
    counts: Mapping[int, int], words: Vocabulary, wanted: tuple[Entry, ...] | None, ignore: Sequence[str], where: str
) -> ClassMapping:
    """Decide what is learned.

    Parameters
    ----------
    counts
        Labelled pixels of each raw value that occurs.
    words
        What the labels themselves say of their values.
    wanted
        The classes asked for; None takes those that occur.
    ignore
        Raw values or names that count as unlabelled.
    where
        What messages call the labels.

    Raises
    ------
    InputError
        If values occur that are none of the classes, or fewer than two classes occur.
    OptionError
        If ``ignore`` or ``wanted`` name a value that cannot be one.
    """
    ignored = _ignored(ignore, words)
    occurring = {value: n for value, n in counts.items() if n and value not in ignored}
    if not words.closed:
        # What uint8 class rasters of every origin mean by 255, unless somebody gives it a name.
        named = {c.id for c in words.classes} | {int(e.key) for e in wanted or () if e.key and e.key.isdigit()}
        if NODATA not in named:
            occurring.pop(NODATA, None)
    if wanted is None:
        return _from_labels(occurring, words, where)
    classes = tuple(_unique(wanted))
    mapping = _mapping(wanted, [c.name for c in classes], words)
    unknown = sorted(set(occurring) - set(mapping))
    if unknown:
        spoken = next((c.name for c in words.classes if words.closed and c.id == unknown[0]), str(unknown[0]))
        raise InputError(
            f"{where}: {_named(unknown[0], words)} ({occurring[unknown[0]]} pixels) is none of the classes "
            f"{', '.join(c.name for c in classes)}; add it to --classes, or leave it out with --ignore {spoken!r}"
            + (f" ({len(unknown) - 1} more such values)" if len(unknown) > 1 else "")
        )
    values = np.array(sorted(mapping), np.int64)
    return ClassMapping(classes, values, np.array([mapping[int(v)] for v in values], np.uint8))


def _unique(wanted: tuple[Entry, ...]) -> list[MapClass]:
    """Return the classes of the entries; several values may share one name."""
    found: dict[str, MapClass] = {}
    for entry in wanted:
        number = len(found)
        if entry.name not in found:
            found[entry.name] = MapClass(number, entry.name, entry.color or default_color(number))
    return list(found.values())


def _from_labels(occurring: Mapping[int, int], words: Vocabulary, where: str) -> ClassMapping:
    named = {c.id: c for c in words.classes}
    if not occurring:
        raise InputError(f"{where}: no labelled pixel on the images; do labels and images lie on the same place?")
    if len(occurring) > MAX_CLASSES:
        raise InputError(
            f"{where}: {len(occurring)} different values; class maps have at most {MAX_CLASSES}: is it a class raster?"
        )
    if len(occurring) < 2:
        only = _named(next(iter(occurring)), words)
        raise InputError(
            f"{where}: {only} is all that is labelled; a segmentation needs 2 classes at least: label what it is not, "
            "too"
        )
    values = sorted(occurring)
    found = [named.get(value, unnamed(value)) for value in values]
    classes = tuple(MapClass(i, c.name, c.color) for i, c in enumerate(found))
    left = tuple(c.name for c in words.classes if c.id not in occurring)
    return ClassMapping(classes, np.array(values, np.int64), np.arange(len(values), dtype=np.uint8), left)


def _mapping(wanted: tuple[Entry, ...], names: list[str], words: Vocabulary) -> dict[int, int]:
    """Return the class of each raw value."""
    by_name = {c.name: c.id for c in words.classes}
    spoken = {by_name[e.name]: names.index(e.name) for e in wanted if e.key is None and e.name in by_name}
    keyless = [entry for entry in wanted if entry.key is None]
    mapping: dict[int, int] = {}
    # Without keys: by the labels' own names if they have any of these, else by place (0, 1, 2, …).
    if keyless and (spoken or words.closed):
        mapping |= spoken
        if words.closed and not spoken:
            numbers = {c.name: c.id for c in words.classes}
            mapping |= {numbers[str(i)]: i for i in range(len(names)) if str(i) in numbers}
    elif keyless:
        mapping |= {i: names.index(entry.name) for i, entry in enumerate(wanted) if entry.key is None}
    for entry in wanted:
        if entry.key is None:
            continue
        if entry.key in by_name:
            mapping[by_name[entry.key]] = names.index(entry.name)
        elif not words.closed and re.fullmatch(r"-?\d+", entry.key):
            mapping[int(entry.key)] = names.index(entry.name)
        elif not words.closed:
            raise OptionError(f"classes: {entry.key!r} is no value of a class raster; write NUMBER={entry.name}")
    return mapping


def _ignored(ignore: Sequence[str], words: Vocabulary) -> set[int]:
    by_name = {c.name: c.id for c in words.classes}
    found = set()
    for text in ignore:
        if text in by_name:
            found.add(by_name[text])
        elif not words.closed and re.fullmatch(r"-?\d+", text):
            found.add(int(text))
        else:
            known = ", ".join(by_name) or "numbers"
            raise OptionError(f"ignore: {text!r} is no value of the labels; they have {known}")
    return found


def _named(value: int, words: Vocabulary) -> str:
    name = next((c.name for c in words.classes if c.id == value), None)
    return f"class {name!r}" if words.closed else f"label value {value}" + (f" ({name})" if name else "")
