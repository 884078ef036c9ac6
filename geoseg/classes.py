"""The classes of a map: number, name and colour, shared by class maps, polygons and model cards."""

from __future__ import annotations

import re
from dataclasses import dataclass

from geoseg.errors import OptionError

NODATA = 255
"""Value of invalid pixels in class maps and confidence rasters."""

MAX_CLASSES = 255
"""Classes are numbered 0…254 in uint8; 255 is nodata."""

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")

# Twelve colours that are distinct on satellite imagery and for colour-blind readers (after Paul Tol's "muted" and
# "bright" schemes, https://personal.sron.nl/~pault/), used where a model or map has none.
_PALETTE = (
    "#117733", "#ddcc77", "#cc6677", "#332288", "#aa4499", "#88ccee",
    "#999933", "#882255", "#44aa99", "#ee8866", "#bbcc33", "#777777",
)  # fmt: skip


@dataclass(frozen=True)
class MapClass:
    """One class of a map.

    Attributes
    ----------
    id
        Pixel value in the class map, 0…254 for maps that geoseg writes.
    name
        Short name, as in legends: ``"grass/shrub"``.
    color
        ``#rrggbb``.
    """

    id: int
    name: str
    color: str

    def __post_init__(self) -> None:
        if not _COLOR.fullmatch(self.color):
            raise OptionError(f"colour of class {self.name!r} is {self.color!r}: write it as #rrggbb")

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue, 0…255."""
        value = int(self.color[1:], 16)
        return value >> 16, value >> 8 & 255, value & 255


def default_color(class_id: int) -> str:
    """Return the colour ``#rrggbb`` of a class without one; a number always has the same colour."""
    return _PALETTE[class_id % len(_PALETTE)]


def unnamed(class_id: int) -> MapClass:
    """Return the class of a pixel value without a name: ``"class 7"``."""
    return MapClass(class_id, f"class {class_id}", default_color(class_id))


def is_number(text: str) -> bool:
    """Return whether a text is a value rather than a name: an integer of at most 18 digits."""
    return re.fullmatch(r"-?\d{1,18}", text) is not None


LAND_COVER = (
    MapClass(0, "tree", "#1b7434"),
    MapClass(1, "grass/shrub", "#a3cf62"),
    MapClass(2, "crop", "#f2c84b"),
    MapClass(3, "built", "#d1392b"),
    MapClass(4, "bare", "#b79a7d"),
    MapClass(5, "water", "#2b7bba"),
)
"""The six land-cover classes of the bundled models and of the demo scene."""
