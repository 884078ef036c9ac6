"""Class names of both sides: renamed as asked, and matched whatever their case and spaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from geoseg.errors import InputError, OptionError
from geoseg.evaluate.class_matching import plain

if TYPE_CHECKING:
    from geoseg.evaluate.objects.layer import ObjectLayer


class Renamer:
    """Returns the class name for the text of a class field; empty for objects that are left out.

    Parameters
    ----------
    renames
        Old name or number to new name, as :func:`geoseg.evaluate.class_matching.parse_renames` returns them.
    """

    def __init__(self, renames: Mapping[str, str]) -> None:
        self._known = {plain(left): right for left, right in renames.items()}
        self._unused = {plain(left): left for left in renames}
        self._seen: dict[str, None] = {}

    def __call__(self, text: str) -> str:
        """Return the name."""
        if not text:
            return ""
        key = plain(text)
        self._unused.pop(key, None)
        self._seen.setdefault(text)
        return self._known.get(key, text)

    def check_used(self) -> None:
        """Check that every name that was to be renamed has occurred, if any has.

        Raises
        ------
        OptionError
            If one has not.
        """
        if self._unused and self._seen:
            name = next(iter(self._unused.values()))
            raise OptionError(
                f"map names the class {name!r}, which neither has; they have {', '.join(list(self._seen)[:10])}"
            )


def with_common_classes(
    objects: ObjectLayer, reference: ObjectLayer
) -> tuple[ObjectLayer, ObjectLayer, tuple[str, ...]]:
    """Return both layers with one list of classes, sorted by name, and notes on classes that one side lacks.

    Raises
    ------
    InputError
        If both sides have objects and no class is in both.
    """
    # Of several spellings the first by alphabet stands for all, whatever the order of features.
    sides = [{plain(name): name for name in sorted(layer.classes, reverse=True)} for layer in (objects, reference)]
    ours, theirs = (set(side) for side in sides)
    if ours and theirs and not ours & theirs:
        first, second = (", ".join(sorted(layer.classes)[:6]) for layer in (objects, reference))
        raise InputError(
            f"{objects.label} and {reference.label} have no class in common: {first} and {second}; rename with --map"
        )
    keys = sorted(ours | theirs)
    position = {key: k for k, key in enumerate(keys)}
    names = tuple(sides[0].get(key) or sides[1][key] for key in keys)
    found = []
    for layer in (objects, reference):
        table = np.array([position[plain(name)] for name in layer.classes] or [0], np.int32)
        found.append(replace(layer, classes=names, class_codes=table[layer.class_codes]))
    notes = []
    if len(objects) and len(reference):
        for layer, missing in ((objects, theirs - ours), (reference, ours - theirs)):
            if missing:
                listing = ", ".join(names[position[key]] for key in sorted(missing)[:6])
                notes.append(f"{layer.label} has no object of: {listing}")
    return found[0], found[1], tuple(notes)
