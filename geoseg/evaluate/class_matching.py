"""Match the classes of two files: by name if both name their classes, else by number."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import MAX_CLASSES, MapClass, default_color, is_number, unnamed
from geoseg.errors import InputError, OptionError
from geoseg.write.class_names import tidy

if TYPE_CHECKING:
    from numpy.typing import NDArray

IGNORED = -1
"""Code of pixels that are not compared."""

_UNKNOWN = -2

# Numbers of classes of one map lie in a table of at most so many entries.
_WIDEST = 1 << 20


@dataclass(frozen=True)
class Side:
    """One of the two things compared.

    Attributes
    ----------
    label
        Name for messages.
    classes
        The classes that it names; empty if it has numbers only.
    numbered
        Whether its class numbers are meaningful: False if only names were given.
    """

    label: str
    classes: tuple[MapClass, ...] = ()
    numbered: bool = True


@dataclass(frozen=True)
class Scheme:
    """The common classes, and how the values of both sides map to them.

    Attributes
    ----------
    classes
        Classes with ids 0…K−1; names and colours are the map's if it has any.
    predicted, reference
        Map pixel values of the map, and of the reference, to class ids.
    notes
        Messages for the user, one line each.
    """

    classes: tuple[MapClass, ...]
    predicted: Codes
    reference: Codes
    notes: tuple[str, ...] = ()


# What parts words: any sign that tells nothing, points and commas that are not in a number, hyphens that are not its
# sign or a range, nor a grade at the end.
_PARTS = re.compile(
    r"_|[^\w\s+#*<>=%\u2264\u2265\u00b1.,-]|(?<!\d)[.,]|[.,](?!\d)|-(?=[^\W\d])|(?<=[^\W\d])-(?=\w)|(?<!\S)-(?!\S)"
)
_SIGNS = re.compile(r"\s*([+#*<>=%\u2264\u2265\u00b1])\s*")


class Codes:
    """Maps pixel values to positions in a list of classes.

    Parameters
    ----------
    label
        Name of the raster, for messages.
    positions
        Position of each value; :data:`IGNORED` for values that are not compared.
    remedy
        What to do about other values, for messages.
    """

    def __init__(self, label: str, positions: Mapping[int, int], remedy: str) -> None:
        self._label = label
        self._remedy = remedy
        low, high = min(positions, default=0), max(positions, default=0)
        check_span(label, low, high)
        self._low = low
        self._table = np.full(high - low + 1, _UNKNOWN, np.int16)
        for value, position in positions.items():
            self._table[value - low] = position

    def __call__(self, values: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[np.int16]:
        """Return positions, int16 of the values' shape; :data:`IGNORED` where a pixel is invalid.

        Raises
        ------
        InputError
            If a valid pixel holds an unknown value.
        """
        whole = self._whole(values, valid)
        known = valid & (whole >= self._low) & (whole < self._low + self._table.size)
        index = np.where(known, whole, self._low).astype(np.int64) - self._low
        found = self._table[index]
        if (strange := valid & (~known | (found == _UNKNOWN))).any():
            listed = np.unique(whole[strange])
            text = ", ".join(str(value) for value in listed[:6]) + (", …" if listed.size > 6 else "")
            plural = "s" * (listed.size > 1)
            raise InputError(f"{self._label} holds the value{plural} {text}, which no class has; {self._remedy}")
        return np.where(known, found, np.int16(IGNORED)).astype(np.int16, copy=False)

    def _whole(self, values: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[Any]:
        if values.dtype.kind == "b":
            return values.astype(np.uint8)
        if values.dtype.kind != "f":
            return values
        known = np.where(valid, values, 0)
        if (off := known != np.rint(known)).any():
            raise InputError(
                f"{self._label} holds {float(known[off][0]):g}, which is not a class number; classify or round it first"
            )
        return known.astype(np.int64)


def plain(name: str) -> str:
    """Normalize a class name for comparison: case, blanks and what parts words do not count.

    Signs that tell classes apart do: those of numbers and grades, and of quantities.

    Examples
    --------
    >>> from geoseg.evaluate.class_matching import plain
    >>> plain("Grass / Shrub") == plain("grass-shrub")
    True
    >>> [plain(name) for name in ("-1", "1", "1.5", "A-", "< 5 m", ">5 m")]
    ['-1', '1', '1.5', 'a-', '<5 m', '>5 m']
    """
    text = _PARTS.sub(" ", tidy(name).casefold().replace("\N{MINUS SIGN}", "-"))
    text = _SIGNS.sub(r"\1", " ".join(text.split()))
    return text if re.search(r"\w", text) else name


def alike(label: str, classes: Sequence[MapClass]) -> list[str]:
    """Return a note for each group of classes of one map whose names are equal as :func:`plain` sees them."""
    groups: dict[str, list[MapClass]] = {}
    for item in classes:
        groups.setdefault(plain(item.name), []).append(item)
    return [
        f"{label}: {', '.join(f'{item.id} {item.name}' for item in group[:6])} have names that are alike: one class"
        for group in groups.values()
        if len(group) > 1
    ]


def check_span(label: str, low: int, high: int) -> None:
    """Check that the numbers of a class map are not too far apart.

    Raises
    ------
    InputError
        If they are, which mostly is a value of missing pixels that nobody has declared.
    """
    if high - low > _WIDEST:
        fill = low if low < 0 else high
        raise InputError(
            f"{label}: class numbers from {low} to {high} are too far apart for a class map; if {fill} marks missing "
            f"pixels, declare it with: gdal_edit.py -a_nodata {fill} FILE"
        )


def parse_renames(text: str | Mapping[str, str] | None) -> dict[str, str]:
    """Parse ``forest=tree,shrub=grass/shrub,255=`` into pairs.

    Raises
    ------
    OptionError
        If it is malformed or empty.
    """
    if text is None:
        return {}
    if not isinstance(text, str):
        return {str(key): str(value or "") for key, value in text.items()}
    if not text.strip(" ,"):
        raise OptionError("map is empty: write --map forest=tree,255=, or leave it out")
    pairs: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        left, equals, right = part.partition("=")
        if not equals or not left.strip():
            raise OptionError(f"map {part!r} is not of the form class=class: write --map forest=tree,255=")
        if pairs.setdefault(left.strip(), right.strip()) != right.strip():
            both = " and ".join(text or "nothing" for text in (pairs[left.strip()], right.strip()))
            raise OptionError(f"map names {left.strip()} twice, with {both}")
    return pairs


def match(predicted: Side, reference: Side, renames: Mapping[str, str]) -> Scheme:
    """Match the classes of a map and a reference.

    Parameters
    ----------
    predicted, reference
        The map and the reference.
    renames
        ``{"forest": "tree"}`` renames forest to tree on both sides. A number on the left is a value of the reference;
        an empty right side ignores the class.

    Raises
    ------
    InputError
        If the reference has classes that the map lacks.
    OptionError
        If ``renames`` names a class that neither has.
    """
    bare = not predicted.classes and not reference.classes
    names_p, names_r = ({item.id: item.name for item in side.classes} for side in (predicted, reference))
    if not names_p and names_r and not reference.numbered:
        raise InputError(
            f"{predicted.label} names no classes, and {reference.label} gives names without numbers "
            f"({', '.join(list(names_r.values())[:6])}): choose a field with the map's class numbers"
        )
    if not names_p and not names_r:
        names_p = names_r = {value: unnamed(value).name for value in range(MAX_CLASSES)}
    names_p, names_r = dict(names_p or names_r), dict(names_r or names_p)
    numbers = {int(left): right for left, right in renames.items() if is_number(left)}
    words = {left: right for left, right in renames.items() if not is_number(left)}
    _check_words(words, (predicted, names_p), (reference, names_r))
    for value, right in numbers.items():
        names_r[value] = names_p.get(int(right), right) if is_number(right) else right
    targets = {plain(left): right for left, right in words.items()}
    names_p, names_r = (
        {value: targets.get(plain(name), name) if name else "" for value, name in names.items()}
        for names in (names_p, names_r)
    )
    classes = _common(names_p, predicted.classes or reference.classes)
    position = {plain(item.name): item.id for item in classes}
    _check_reference(names_r, position, predicted, reference)
    listing = ", ".join(f"{value} {name}" for value, name in list(names_p.items())[:8] if name)
    listing = f"0…{MAX_CLASSES - 1}" if bare else listing
    remedy = f"the map's classes are {listing}: rename the value with --map VALUE=CLASS, or ignore it: --map VALUE="
    return Scheme(
        classes,
        Codes(predicted.label, _positions(names_p, position), "the file's list of classes is incomplete"),
        Codes(reference.label, _positions(names_r, position), remedy),
        (
            *_notes(names_p, names_r, predicted, reference),
            *(note for side in (predicted, reference) for note in alike(side.label, side.classes)),
        ),
    )


def _positions(names: Mapping[int, str], position: Mapping[str, int]) -> dict[int, int]:
    return {value: position[plain(name)] if name else IGNORED for value, name in names.items()}


def _common(names: Mapping[int, str], known: Sequence[MapClass]) -> tuple[MapClass, ...]:
    """Return the map's classes after renaming, each once, in order of their numbers."""
    colors = {plain(item.name): item.color for item in known}
    found: dict[str, MapClass] = {}
    for value in sorted(names):
        name = names[value]
        if name and plain(name) not in found:
            color = colors.get(plain(name)) or next((c.color for c in known if c.id == value), default_color(value))
            found[plain(name)] = MapClass(len(found), name, color)
    if not found:
        raise OptionError("map leaves no class to compare: --map ignores all of them")
    return tuple(found.values())


def _check_words(words: Mapping[str, str], *sides: tuple[Side, Mapping[int, str]]) -> None:
    known = {plain(name) for _, names in sides for name in names.values()}
    for left in words:
        if plain(left) not in known:
            first = list(dict.fromkeys(name for _, names in sides for name in names.values()))[:10]
            raise OptionError(f"map names the class {left!r}, which neither has; they have {', '.join(first)}")


def _check_reference(names: Mapping[int, str], position: Mapping[str, int], predicted: Side, reference: Side) -> None:
    strange = list(dict.fromkeys(name for name in names.values() if name and plain(name) not in position))
    if strange:
        have = ", ".join(repr(item) for item in strange[:6]) + (", …" if len(strange) > 6 else "")
        wanted = ", ".join(item.name for item in predicted.classes[:10]) or "numbers without names"
        raise InputError(
            f"{reference.label} has the class{'es' * (len(strange) > 1)} {have}, which {predicted.label} ({wanted}) "
            f"does not have: rename them with --map {_shown(strange[0])}=CLASS, or ignore them: "
            f"--map {_shown(strange[0])}="
        )


def _shown(name: str) -> str:
    return f'"{name}"' if " " in name else name


def _notes(names_p: Mapping[int, str], names_r: Mapping[int, str], predicted: Side, reference: Side) -> tuple[str, ...]:
    if not (predicted.classes and reference.classes):
        if predicted.classes or reference.classes:
            bare = reference if predicted.classes else predicted
            return (f"{bare.label} names no classes; its numbers are taken as those of the other",)
        return ()
    known = {plain(name) for name in names_r.values()}
    absent = list(dict.fromkeys(name for name in names_p.values() if name and plain(name) not in known))
    if not absent:
        return ()
    return (f"{reference.label} lacks {', '.join(absent[:6])}: map pixels of these classes count as errors",)


def numbered(classes: Sequence[MapClass]) -> tuple[MapClass, ...]:
    """Return the classes with ids 0…K−1."""
    return tuple(replace(item, id=position) for position, item in enumerate(classes))
