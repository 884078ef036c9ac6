"""Which classes are trained, and which label values belong to each."""

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
    """A class that the user names: ``key`` is its label value; without, it is found by name or position."""

    key: str | None
    name: str
    color: str | None


@dataclass(frozen=True, eq=False)
class ClassMapping:
    """Classes 0…K−1; label values in ascending order and the class of each; names of classes that do not occur."""

    classes: tuple[MapClass, ...]
    values: NDArray[np.int64]
    indices: NDArray[np.uint8]
    left_out: tuple[str, ...] = ()


def parse_classes(text: str | Sequence[str] | Mapping[str, str] | None) -> tuple[Entry, ...] | None:
    """Parse ``"water,forest:#117733"`` or ``"1=water,4=forest"``; or a list of these, or a mapping from value to name.

    Raises
    ------
    OptionError
        If ``text`` has none of these forms.
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
            raise OptionError(f"classes: {part!r} is malformed; write NAME, VALUE=NAME or VALUE=NAME:#rrggbb")
        key = match["key"]
        entries.append(Entry(key and key.strip(), match["name"].strip(), match["color"]))
    names = [entry.name for entry in entries]
    if len(entries) < 2 or len(entries) > MAX_CLASSES:
        raise OptionError(f"classes: {len(entries)} given; a model has 2 to {MAX_CLASSES}")
    if twice := next((name for i, name in enumerate(names) if name in names[:i] and entries[i].key is None), None):
        raise OptionError(f"classes: {twice!r} is named twice")
    return tuple(entries)


def map_classes(
    counts: Mapping[int, int],
    vocabulary: Vocabulary,
    wanted: tuple[Entry, ...] | None,
    ignore: Sequence[str],
    name: str,
) -> ClassMapping:
    """Map label values to classes.

    Parameters
    ----------
    counts
        Labelled pixels of each label value.
    vocabulary
        Classes that the labels themselves name.
    wanted
        Classes that the user names; None takes those that occur.
    ignore
        Label values or names to treat as unlabelled.
    name
        Name of the labels, for messages.

    Raises
    ------
    InputError
        If a value belongs to none of the classes, or fewer than two classes occur.
    OptionError
        If ``ignore`` or ``wanted`` name a value that the labels cannot have.
    """
    ignored = _ignored(ignore, vocabulary)
    occurring = {value: n for value, n in counts.items() if n and value not in ignored}
    if not vocabulary.closed:
        # By convention 255 is unlabelled in uint8 class rasters, unless it is named.
        named = {c.id for c in vocabulary.classes} | {int(e.key) for e in wanted or () if e.key and e.key.isdigit()}
        if NODATA not in named:
            occurring.pop(NODATA, None)
    if wanted is None:
        return _from_labels(occurring, vocabulary, name)
    classes = tuple(_unique(wanted))
    mapping = _mapping(wanted, [c.name for c in classes], vocabulary)
    unknown = sorted(set(occurring) - set(mapping))
    if unknown:
        label = next((c.name for c in vocabulary.classes if vocabulary.closed and c.id == unknown[0]), str(unknown[0]))
        raise InputError(
            f"{name}: {_named(unknown[0], vocabulary)} ({occurring[unknown[0]]} pixels) is none of the classes "
            f"{', '.join(c.name for c in classes)}; add it to --classes, or leave it out with --ignore {label!r}"
            + (f" ({len(unknown) - 1} more such values)" if len(unknown) > 1 else "")
        )
    values = np.array(sorted(mapping), np.int64)
    return ClassMapping(classes, values, np.array([mapping[int(v)] for v in values], np.uint8))


def _unique(wanted: tuple[Entry, ...]) -> list[MapClass]:
    """Return the classes of the entries; several values may share one name."""
    classes: dict[str, MapClass] = {}
    for entry in wanted:
        number = len(classes)
        if entry.name not in classes:
            classes[entry.name] = MapClass(number, entry.name, entry.color or default_color(number))
    return list(classes.values())


def _from_labels(occurring: Mapping[int, int], vocabulary: Vocabulary, name: str) -> ClassMapping:
    named = {c.id: c for c in vocabulary.classes}
    if not occurring:
        raise InputError(f"{name}: no labelled pixel on the images; do labels and images cover the same place?")
    if len(occurring) > MAX_CLASSES:
        raise InputError(
            f"{name}: {len(occurring)} different values, class maps have at most {MAX_CLASSES}: is it a class raster?"
        )
    if len(occurring) < 2:
        only = _named(next(iter(occurring)), vocabulary)
        raise InputError(
            f"{name}: {only} is all that is labelled, but a model needs 2 classes: label what is not of this class, too"
        )
    values = sorted(occurring)
    known = [named.get(value, unnamed(value)) for value in values]
    classes = tuple(MapClass(i, c.name, c.color) for i, c in enumerate(known))
    left = tuple(c.name for c in vocabulary.classes if c.id not in occurring)
    return ClassMapping(classes, np.array(values, np.int64), np.arange(len(values), dtype=np.uint8), left)


def _mapping(wanted: tuple[Entry, ...], names: list[str], vocabulary: Vocabulary) -> dict[int, int]:
    """Return the class of each label value."""
    by_name = {c.name: c.id for c in vocabulary.classes}
    named = {by_name[e.name]: names.index(e.name) for e in wanted if e.key is None and e.name in by_name}
    keyless = [entry for entry in wanted if entry.key is None]
    mapping: dict[int, int] = {}
    # Without keys: by the names in the labels, if any matches, else by position (0, 1, 2, …).
    if keyless and (named or vocabulary.closed):
        mapping |= named
        if vocabulary.closed and not named:
            mapping |= {by_name[str(i)]: i for i in range(len(names)) if str(i) in by_name}
    elif keyless:
        mapping |= {i: names.index(entry.name) for i, entry in enumerate(wanted) if entry.key is None}
    for entry in wanted:
        if entry.key is None:
            continue
        if entry.key in by_name:
            mapping[by_name[entry.key]] = names.index(entry.name)
        elif not vocabulary.closed and re.fullmatch(r"-?\d+", entry.key):
            mapping[int(entry.key)] = names.index(entry.name)
        elif not vocabulary.closed:
            raise OptionError(
                f"classes: {entry.key!r} is not a number, but the labels are class rasters; write NUMBER={entry.name}"
            )
    return mapping


def _ignored(ignore: Sequence[str], vocabulary: Vocabulary) -> set[int]:
    by_name = {c.name: c.id for c in vocabulary.classes}
    values = set()
    for text in ignore:
        if text in by_name:
            values.add(by_name[text])
        elif not vocabulary.closed and re.fullmatch(r"-?\d+", text):
            values.add(int(text))
        else:
            known = ", ".join(by_name) or "numbers"
            raise OptionError(f"ignore: {text!r} is no value of the labels; they have {known}")
    return values


def _named(value: int, vocabulary: Vocabulary) -> str:
    name = next((c.name for c in vocabulary.classes if c.id == value), None)
    return f"class {name!r}" if vocabulary.closed else f"label value {value}" + (f" ({name})" if name else "")
