"""Which classes are trained, and which label values belong to each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from geoseg.classes import MAX_CLASSES, NODATA, MapClass, default_color, unnamed
from geoseg.errors import InputError, OptionError
from geoseg.train.data.labels import BACKGROUND, Vocabulary
from geoseg.write.class_names import tidy

# Largest values of int16, uint16, int32, uint32 and int64: like 255 and negative values, by convention no class.
_FILLS = {NODATA, 2**15 - 1, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1}

_NUMBER = re.compile(r"-?\d+")
_ENTRY = re.compile(r"(?:(?P<key>[^=]+)=)?(?P<name>[^=]+?)(?::(?P<color>#[0-9a-fA-F]{6}))?")


@dataclass(frozen=True)
class Entry:
    """A class that the user names: ``key`` is its label value; without, it is found by name or position."""

    key: str | None
    name: str
    color: str | None


@dataclass(frozen=True, eq=False)
class ClassMapping:
    """Which label values are which class.

    Attributes
    ----------
    classes
        Classes 0…K−1.
    values, indices
        Label values in ascending order, and the class of each.
    left_out
        Names of classes that do not occur.
    fills, ignored
        Pixels of each value that is unlabelled by convention, and that the user ignores.
    """

    classes: tuple[MapClass, ...]
    values: NDArray[np.int64]
    indices: NDArray[np.uint8]
    left_out: tuple[str, ...] = ()
    fills: Mapping[int, int] = field(default_factory=dict)
    ignored: Mapping[int, int] = field(default_factory=dict)


def parse_classes(
    text: str | Sequence[str] | Mapping[str, str] | None, background: str | None = None
) -> tuple[Entry, ...] | None:
    """Parse ``"water,forest:#117733"`` or ``"1=water,4=forest"``; or a list of these, or a mapping from value to name.

    ``background`` names the class of unlabelled pixels, which is added as the last if ``text`` lacks it.

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
        entries.append(Entry(key and tidy(key), tidy(match["name"]), match["color"]))
    if background is not None and all(entry.name != background for entry in entries):
        entries.append(Entry(None, background, None))
    names = [entry.name for entry in entries]
    if len(entries) < 2 or len(entries) > MAX_CLASSES:
        raise OptionError(f"classes: {len(entries)} given; a model has 2 to {MAX_CLASSES}")
    if twice := next((name for i, name in enumerate(names) if name in names[:i] and entries[i].key is None), None):
        raise OptionError(f"classes: {twice!r} is named twice")
    return tuple(entries)


def named_values(wanted: tuple[Entry, ...] | None, vocabulary: Vocabulary) -> frozenset[int]:
    """Return the values of class rasters that the user names, by number or by a name in the file."""
    by_name = {c.name: c.id for c in vocabulary.classes}
    keys = [entry.name if entry.key is None else entry.key for entry in wanted or ()]
    numbers = {int(entry.key) for entry in wanted or () if entry.key and _NUMBER.fullmatch(entry.key)}
    return frozenset(numbers | {by_name[key] for key in keys if key in by_name})


def map_classes(
    counts: Mapping[int, int],
    vocabulary: Vocabulary,
    wanted: tuple[Entry, ...] | None,
    ignore: Sequence[str],
    name: str,
    *,
    nodata: Mapping[int, int] | None = None,
    background: str | None = None,
    drawn: bool = False,
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
    nodata
        Unlabelled pixels of each value that the files declare nodata, for messages.
    background
        Name of the class of :data:`~geoseg.train.data.labels.BACKGROUND` and of values unlabelled by convention; None
        if unlabelled pixels are no class.
    drawn
        Labels are drawn by hand, so that what is not drawn cannot become a class; for messages.

    Raises
    ------
    InputError
        If a value belongs to none of the classes, or fewer than two classes occur.
    OptionError
        If ``ignore`` or ``wanted`` name a value that the labels cannot have.
    """
    ignored = _ignored(ignore, vocabulary)
    present = {value: n for value, n in counts.items() if n}
    fills = _fills(present, wanted, vocabulary) - ignored
    occurring = {value: n for value, n in present.items() if value not in ignored | fills | {BACKGROUND}}
    left = {value: present[value] for value in fills}
    if not occurring:
        raise InputError(f"{name}: no labelled pixel on the images{why_none({**(nodata or {}), **left})}")
    if wanted is None:
        if len(occurring) < 2 and background is None:
            text = _only_one(next(iter(occurring)), vocabulary, {**(nodata or {}), **left}, drawn=drawn)
            raise InputError(f"{name}: {text}")
        mapping = _from_labels(occurring, vocabulary, name, background)
    else:
        mapping = _from_entries(occurring, vocabulary, wanted, name, background)
    if background is not None:
        mapping = _with_background(mapping, background, fills)
    return replace(mapping, fills=left, ignored={value: present[value] for value in ignored if value in present})


def unlabelled_notes(
    name: str, mapping: ClassMapping, nodata: Mapping[int, int], vocabulary: Vocabulary
) -> tuple[list[str], list[str]]:
    """Return warnings and notes about the values of labels that are no class, with their pixels."""
    one = len(mapping.fills) == 1
    naming = f"name {'it' if one else 'them'} in --classes to make {'it a class' if one else 'them classes'}"
    warnings = (
        [f"{name}: {_listed(mapping.fills)} {'is' if one else 'are'} unlabelled; {naming}"] if mapping.fills else []
    )
    notes = []
    if nodata:
        notes.append(f"{name}: {_listed(nodata)} unlabelled: nodata in the file; named in --classes, it is a class")
    if mapping.ignored:
        names = [f"{_named(value, vocabulary)} ({n:,} px)" for value, n in sorted(mapping.ignored.items())]
        notes.append(f"{name}: ignored: {', '.join(names)}")
    return warnings, notes


def _listed(pixels: Mapping[int, int]) -> str:
    """Write ``value 255 (12,345 px)``, the most frequent values first."""
    order = sorted(pixels, key=lambda value: (-pixels[value], value))
    text = ", ".join(f"{value} ({pixels[value]:,} px)" for value in order[:6])
    return f"value{'s' * (len(order) > 1)} {text}" + (f" and {len(order) - 6} more" if len(order) > 6 else "")


def _fills(occurring: Mapping[int, int], wanted: tuple[Entry, ...] | None, vocabulary: Vocabulary) -> set[int]:
    """Return the values that by convention are no class, unless file or user name them."""
    if vocabulary.closed:
        return set()
    named = {c.id for c in vocabulary.classes if c.name != unnamed(c.id).name} | named_values(wanted, vocabulary)
    return {v for v in occurring if (v < 0 or v in _FILLS) and v not in named | {BACKGROUND}}


def why_none(unlabelled: Mapping[int, int]) -> str:
    """Return why no pixel is labelled, to end a message."""
    if not unlabelled:
        return "; do labels and images cover the same place?"
    values = sorted(unlabelled)[:2]
    example = ",".join(f"{value}=NAME{i}" for i, value in enumerate(values, 1))
    verb = "is" if len(unlabelled) == 1 else "are"
    return f": {_listed(unlabelled)} {verb} taken as unlabelled; name what is a class: --classes {example}"


def _from_entries(
    occurring: Mapping[int, int], vocabulary: Vocabulary, wanted: tuple[Entry, ...], name: str, background: str | None
) -> ClassMapping:
    classes = tuple(_unique(wanted))
    mapping = _mapping(wanted, [c.name for c in classes], vocabulary, background)
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


def _with_background(mapping: ClassMapping, background: str, fills: set[int]) -> ClassMapping:
    """Make unlabelled pixels the class ``background``: the first if no class has that name yet."""
    classes, indices = mapping.classes, mapping.indices
    number = next((c.id for c in classes if c.name == background), None)
    if number is None:
        number, indices = 0, indices + np.uint8(1)
        classes = (MapClass(0, background, default_color(0)), *(replace(c, id=c.id + 1) for c in classes))
    codes = dict(zip(mapping.values.tolist(), indices.tolist(), strict=True))
    codes |= dict.fromkeys({BACKGROUND, *fills}, number)
    values = sorted(codes)
    own = np.array([codes[value] for value in values], np.uint8)
    return replace(mapping, classes=classes, values=np.array(values, np.int64), indices=own)


def _from_labels(
    occurring: Mapping[int, int],
    vocabulary: Vocabulary,
    name: str,
    background: str | None,
) -> ClassMapping:
    named = {c.id: c for c in vocabulary.classes}
    if len(occurring) + (background is not None) > MAX_CLASSES:
        raise InputError(
            f"{name}: {len(occurring)} different values, class maps have at most {MAX_CLASSES}: is it a class raster?"
        )
    values = sorted(occurring)
    known = [named.get(value, unnamed(value)) for value in values]
    classes = tuple(MapClass(i, c.name, c.color) for i, c in enumerate(known))
    left = tuple(c.name for c in vocabulary.classes if c.id not in occurring)
    return ClassMapping(classes, np.array(values, np.int64), np.arange(len(values), dtype=np.uint8), left)


def _only_one(value: int, vocabulary: Vocabulary, unlabelled: Mapping[int, int], *, drawn: bool) -> str:
    text = f"{_named(value, vocabulary)} is all that is labelled, but a model needs 2 classes: "
    if drawn:
        return f"{text}draw what is not of this class, too"
    rest = "add --background NAME to make unlabelled pixels a class"
    if not unlabelled:
        return f"{text}label what is not of this class, too, or {rest}"
    most = max(unlabelled, key=lambda other: unlabelled[other])
    example = ",".join(f"{v}=NAME{i}" for i, v in enumerate(sorted((value, most)), 1))
    verb = "is" if len(unlabelled) == 1 else "are"
    return (
        f"{text}{_listed(unlabelled)} {verb} taken as unlabelled; name what is a class (--classes {example}), or {rest}"
    )


def _mapping(
    wanted: tuple[Entry, ...], names: list[str], vocabulary: Vocabulary, background: str | None
) -> dict[int, int]:
    """Return the class of each label value."""
    by_name = {c.name: c.id for c in vocabulary.classes}
    mapping = {by_name[e.name]: names.index(e.name) for e in wanted if e.key is None and e.name in by_name}
    keyless = [entry for entry in wanted if entry.key is None and entry.name != background]
    # Without keys: by the names in the labels, if any matches, else by position (0, 1, 2, …). The class of unlabelled
    # pixels has no position.
    if not any(entry.name in by_name for entry in keyless):
        if keyless and vocabulary.closed:
            mapping |= {by_name[str(i)]: i for i, n in enumerate(names) if n != background and str(i) in by_name}
        elif keyless:
            mapping |= {i: names.index(entry.name) for i, entry in enumerate(wanted) if entry in keyless}
    for entry in wanted:
        if entry.key is None:
            continue
        if entry.key in by_name:
            mapping[by_name[entry.key]] = names.index(entry.name)
        elif not vocabulary.closed and _NUMBER.fullmatch(entry.key):
            mapping[int(entry.key)] = names.index(entry.name)
        elif not vocabulary.closed:
            raise OptionError(
                f"classes: {entry.key!r} is not a number, but the labels are class rasters; write NUMBER={entry.name}"
            )
    return mapping


def _ignored(ignore: Sequence[str], vocabulary: Vocabulary) -> set[int]:
    by_name = {c.name: c.id for c in vocabulary.classes}
    values = set(vocabulary.ignored)
    for text in ignore:
        if text in by_name:
            values.add(by_name[text])
        elif not vocabulary.closed and _NUMBER.fullmatch(text):
            values.add(int(text))
        else:
            known = ", ".join(by_name) or "numbers"
            raise OptionError(f"ignore: {text!r} is no value of the labels; they have {known}")
    return values


def _named(value: int, vocabulary: Vocabulary) -> str:
    name = next((c.name for c in vocabulary.classes if c.id == value), None)
    return f"class {name!r}" if vocabulary.closed else f"label value {value}" + (f" ({name})" if name else "")
