"""Polygons as objects: the classes "core" and "rim" of each, by the distance to the object's border.

The levels of a distance map cut in two, which a network of classes learns as it learns classes ("deep watershed", Bai &
Urtasun 2017, CVPR, doi:10.1109/CVPR.2017.305, has 16 of them): objects that touch have one core each, with their rims
between. Distances count up to half of an object's own width, so that small objects have cores, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from geoseg.classes import MapClass
from geoseg.errors import InputError, OptionError
from geoseg.models.boxes.checks import check_finds_classes
from geoseg.models.card.objects import ObjectHeads, ObjectKind
from geoseg.tiling import Box
from geoseg.train.data.class_mapping import Entry
from geoseg.train.data.labels import NO_VALUE, PolygonLabels, Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.models import ModelCard

DEEPEST = 8
"""Distances from the border count up to this, in pixels: rims are at most half as wide, and objects grow so far. (AP of
made-up crowns that touch: 0.349 with half of it, 0.540 with it, 0.539 with twice as much.)"""

_MARGIN = 32
"""Pixels around a box that are looked at for the width of the objects in it."""

_LEAST = 2
"""Cores of fewer pixels are taken for rim. (Made-up crowns that touch, reach 8: AP 0.540 with 1, 0.552 with 2, 0.556
with 4; but objects of 3 × 3 pixels have cores of 1.)"""

_PERCENTILES = (5, 25, 50, 75, 95)

RIM, CORE = "rim", "core"


def cores(instances: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which pixels are cores of objects.

    Parameters
    ----------
    instances
        (h, w): number of each pixel's object, −1 for none. What lies beyond the array counts as part of the objects at
        its border.

    Returns
    -------
    bool (h, w): pixels farther from the border of their object than half of its greatest depth, or than half of
    :data:`DEEPEST`. Depth is counted in pixels by erosion with octagons: 1 for pixels at the border.
    """
    depth = _depth(instances)
    inside = instances >= 0
    deepest = np.zeros(int(instances.max(initial=-1)) + 1, np.int16)
    np.maximum.at(deepest, instances[inside], depth[inside])
    out = np.zeros(instances.shape, np.bool_)
    out[inside] = 2 * depth[inside] > deepest[instances[inside]]
    return out


def _depth(instances: NDArray[np.int32]) -> NDArray[np.int16]:
    height, width = instances.shape
    padded = np.pad(instances, 1, mode="edge")
    shifts = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)]
    views = {shift: (slice(1 + shift[0], 1 + shift[0] + height), slice(1 + shift[1], 1 + shift[1] + width))
             for shift in shifts}  # fmt: skip
    same = {shift: padded[view] == instances for shift, view in views.items()}
    left = instances >= 0
    depth = left.astype(np.int16)
    for step in range(2, DEEPEST + 1):
        around = np.pad(left, 1, mode="edge")
        for shift in shifts:
            # Edges and, every other time, corners: octagons are closer to circles than squares and diamonds are.
            if step % 2 == 0 or 0 in shift:
                left = left & around[views[shift]] & same[shift]
        if not left.any():
            break
        depth += left
    return depth


@dataclass(frozen=True, eq=False)
class InstanceLabels:
    """Cores and rims of polygons: label value 2·code for rims and 2·code + 1 for cores.

    Attributes
    ----------
    polygons
        One per object; where they overlap, the last in the file wins.
    """

    polygons: PolygonLabels

    @property
    def label(self) -> str:
        """Name for messages."""
        return self.polygons.label

    def read(self, box: Box) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """See :class:`~geoseg.train.data.labels.LabelSource`."""
        wide = Box(box.row - _MARGIN, box.col - _MARGIN, box.height + 2 * _MARGIN, box.width + 2 * _MARGIN)
        instances = self.polygons.instances(wide)
        inner = slice(_MARGIN, -_MARGIN), slice(_MARGIN, -_MARGIN)
        core, own = cores(instances)[inner], instances[inner]
        values = 2 * self.polygons.codes[own] + core if self.polygons.codes.size else own.astype(np.int64)
        return np.where(own >= 0, values, NO_VALUE), own >= 0

    def check_unchanged(self) -> None:
        """See :class:`~geoseg.train.data.labels.LabelSource`."""
        self.polygons.check_unchanged()


def instance_vocabulary(vocabulary: Vocabulary) -> Vocabulary:
    """Return a rim and a core for every class of objects."""
    classes = []
    for item in vocabulary.classes:
        red, green, blue = ((value + 255) // 2 for value in item.rgb)
        classes.append(MapClass(2 * item.id, f"{item.name} {RIM}", f"#{red:02x}{green:02x}{blue:02x}"))
        classes.append(MapClass(2 * item.id + 1, f"{item.name} {CORE}", item.color))
    ignored = frozenset(2 * code + part for code in vocabulary.ignored for part in (0, 1))
    return Vocabulary(tuple(classes), closed=vocabulary.closed, ignored=ignored)


def instance_entries(entries: Sequence[Entry], background: str) -> tuple[Entry, ...]:
    """Return a rim and a core for every class of objects that the user names."""
    parts = []
    for entry in entries:
        if entry.name == background:
            parts.append(entry)
            continue
        for part in (RIM, CORE):
            key = f"{entry.name if entry.key is None else entry.key} {part}"
            parts.append(Entry(key, f"{entry.name} {part}", entry.color if part == CORE else None))
    return tuple(parts)


def object_heads(
    classes: Sequence[MapClass], background: str, sizes: Mapping[str, Mapping[str, float]], label: str
) -> ObjectHeads:
    """Return which of a model's classes are cores and rims.

    Raises
    ------
    InputError
        If a class of objects has no rim or no core: its objects are a pixel wide, or there is nothing but core.
    """
    by_name = {item.name: item for item in classes}
    names = list(dict.fromkeys(name.rpartition(" ")[0] for name in by_name if name != background))
    kinds = []
    for name in names:
        core, rim = by_name.get(f"{name} {CORE}"), by_name.get(f"{name} {RIM}")
        if core is None or rim is None:
            raise InputError(
                f"{label}: no object of class {name!r} is wide enough to tell its core from its rim: objects need 3 "
                "pixels across; train on finer images"
            )
        area = dict(sizes.get(name, {}))
        kinds.append(ObjectKind(name=name, color=core.color, core=core.id, rim=rim.id, area_m2=area))
    return ObjectHeads(kinds=tuple(kinds), background=by_name[background].id, reach=DEEPEST, least_core=_LEAST)


def object_sizes(placed: Sequence[tuple[PolygonLabels, object]], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return percentiles of the areas of objects in m², per class; empty without CRS.

    Parameters
    ----------
    placed
        Polygons on each image, and its CRS.
    names
        Class of each code.
    """
    from geoseg.geodesy.polygons import PolygonAreas

    found: dict[int, list[NDArray[np.float64]]] = {}
    for polygons, crs in placed:
        if crs is None:
            continue
        areas = PolygonAreas(crs)(polygons.geometries)
        for code in np.unique(polygons.codes).tolist():
            found.setdefault(code, []).append(areas[polygons.codes == code])
    return {
        names[code]: {
            str(percent): float(f"{value:.4g}")
            for percent, value in zip(_PERCENTILES, np.percentile(np.concatenate(areas), _PERCENTILES), strict=True)
        }
        for code, areas in found.items()
    }


def check_base(card: ModelCard, task: str) -> None:
    """Check that a model can be fine-tuned for a task.

    Raises
    ------
    OptionError
        If it finds objects and classes are to be learned, or the other way round.
    """
    check_finds_classes(card)
    if task == "instances" and card.objects is None:
        raise OptionError(f"model {card.name!r} tells classes, not objects: leave --from out, or --task instances")
    if task != "instances" and card.objects is not None:
        raise OptionError(f"model {card.name!r} finds objects: fine-tune it with --task instances")


def with_sizes(heads: ObjectHeads, sizes: Mapping[str, Mapping[str, float]]) -> ObjectHeads:
    """Return heads with the sizes of other objects, where they are known."""
    kinds = [
        ObjectKind(**{**kind.model_dump(), "area_m2": dict(sizes.get(kind.name) or kind.area_m2)})
        for kind in heads.kinds
    ]
    return heads.model_copy(update={"kinds": tuple(kinds)})
