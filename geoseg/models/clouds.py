"""Models that map clouds, shadows or snow themselves: what they map is not masked before they see it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from geoseg.raster.clouds.kinds import CLOUDS, SHADOWS, SNOW

if TYPE_CHECKING:
    from geoseg.models.card.card import ModelCard

# In this order: a cloud shadow is a shadow.
_NAMES = {
    SHADOWS: re.compile(r"shadow"),
    CLOUDS: re.compile(r"cloud|cirrus"),
    SNOW: re.compile(r"snow|\bice\b|glacier"),
}
_NOT = re.compile(r"\b(?:no|non|not|free|less)\b|cloudless|clear")


def mapped(card: ModelCard) -> dict[str, tuple[int, ...]]:
    """Return the numbers of the model's classes that are clouds, shadows or snow, by these names.

    Examples
    --------
    >>> import geoseg
    >>> from geoseg.models.clouds import mapped
    >>> mapped(geoseg.load_model("water").card)
    {'snow': (1,), 'clouds': (2,), 'shadows': (3,)}
    """
    found: dict[str, tuple[int, ...]] = {}
    for number, item in enumerate(card.classes):
        name = item.name.lower().replace("_", " ")
        kind = next((kind for kind, pattern in _NAMES.items() if pattern.search(name) and not _NOT.search(name)), None)
        if kind is not None:
            found[kind] = (*found.get(kind, ()), number)
    return found
