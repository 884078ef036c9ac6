"""The pairs of an object and a reference object that overlap, quadrant by quadrant.

A quadrant with too many objects is split into four. A pair belongs to the quadrant that holds the south-western corner
of what the bounds of both have in common, so that each is measured once, from whole geometries: the result does not
depend on how space is split.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.evaluate.objects.layer import ObjectLayer

MOST = 50_000
"""Objects of both sides whose geometries are in memory at a time, unless more lie on one spot."""

_CHUNK = 5000  # objects that meet the reference at a time: each may overlap many
_MOST_REPEATED = 1.5


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of one class, (n,), sorted by object and reference object.

    Attributes
    ----------
    objects, reference
        int64, numbers of the object and of the reference object in their layers.
    iou
        float64, area of the intersection over that of the union.
    """

    objects: NDArray[np.int64]
    reference: NDArray[np.int64]
    iou: NDArray[np.float64]


@dataclass(frozen=True)
class _Quadrant:
    """West, south, east and north, half open; and the numbers of the objects that touch it."""

    box: tuple[float, float, float, float]
    objects: NDArray[np.int64]
    reference: NDArray[np.int64]

    @property
    def count(self) -> int:
        return len(self.objects) + len(self.reference)


def find_overlaps(
    objects: ObjectLayer,
    reference: ObjectLayer,
    least: float,
    *,
    most: int = MOST,
    progress: Callable[[int, int], None] | None = None,
) -> Overlaps:
    """Return the pairs of one class whose IoU is at least ``least``, in 0…1 and above 0.

    Parameters
    ----------
    objects, reference
        Both layers, with one list of classes.
    least
        Least IoU of a pair.
    most
        Number of objects of both sides whose geometries may be in memory at a time.
    progress
        Called with the number of objects done and in total.
    """
    parts: list[tuple[NDArray[Any], ...]] = []
    todo = _whole(objects, reference)
    done = 0
    while todo:
        one = todo.pop()
        if not (len(one.objects) and len(one.reference)):
            continue
        if one.count > most:
            smaller = _split(one, objects, reference)
            # Objects that lie on one spot cannot be told apart by place: splitting would only repeat them.
            if smaller and sum(part.count for part in smaller) <= _MOST_REPEATED * one.count:
                todo += smaller
                continue
        parts += [
            _measure(replace(one, objects=one.objects[at : at + _CHUNK]), objects, reference, least)
            for at in range(0, len(one.objects), _CHUNK)
        ]
        done = min(done + len(one.objects), len(objects))
        if progress is not None:
            progress(done, len(objects))
    if progress is not None and len(objects):
        progress(len(objects), len(objects))
    empty = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0)
    first, second, iou = (np.concatenate(columns) for columns in zip(empty, *parts, strict=True))
    order = np.lexsort((second, first))
    return Overlaps(first[order], second[order], iou[order])


def _whole(objects: ObjectLayer, reference: ObjectLayer) -> list[_Quadrant]:
    if not (len(objects) and len(reference)):
        return []
    bounds = np.concatenate([objects.bounds, reference.bounds])
    west, south = bounds[:, :2].min(0)
    east, north = np.nextafter(bounds[:, 2:].max(0), np.inf)
    box = float(west), float(south), float(east), float(north)
    return [_Quadrant(box, np.arange(len(objects)), np.arange(len(reference)))]


def _split(one: _Quadrant, objects: ObjectLayer, reference: ObjectLayer) -> list[_Quadrant]:
    """Split at the median of the objects' places, so that clusters come apart at once."""
    west, south, east, north = one.box
    bounds = np.concatenate([objects.bounds[one.objects], reference.bounds[one.reference]])
    x, y = np.median((bounds[:, :2] + bounds[:, 2:]) / 2, axis=0).tolist()
    if not (west < x < east and south < y < north):
        return []
    boxes = (west, south, x, y), (x, south, east, y), (west, y, x, north), (x, y, east, north)
    return [
        _Quadrant(box, _touching(one.objects, objects.bounds, box), _touching(one.reference, reference.bounds, box))
        for box in boxes
    ]


def _touching(numbers: NDArray[np.int64], bounds: NDArray[np.float64], box: Any) -> NDArray[np.int64]:
    west, south, east, north = box
    own = bounds[numbers]
    inside = (own[:, 0] < east) & (own[:, 2] >= west) & (own[:, 1] < north) & (own[:, 3] >= south)
    return np.asarray(numbers[inside], np.int64)


def _measure(
    one: _Quadrant, objects: ObjectLayer, reference: ObjectLayer, least: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    import shapely

    ours, theirs = one.objects, one.reference
    tree = shapely.STRtree(shapely.box(*reference.bounds[theirs].T))
    first, second = tree.query(shapely.box(*objects.bounds[ours].T))
    first, second = ours[first], theirs[second]
    keep = _candidates(one, objects, reference, least, (first, second))
    first, second = first[keep], second[keep]
    if not len(first):
        return first, second, np.zeros(0)
    a, b = _shapes(objects, first), _shapes(reference, second)
    common = shapely.area(shapely.intersection(a, b))
    iou = common / (objects.flat_areas[first] + reference.flat_areas[second] - common)
    keep = iou >= least
    return first[keep], second[keep], iou[keep]


def _candidates(
    one: _Quadrant, objects: ObjectLayer, reference: ObjectLayer, least: float, pairs: tuple[Any, Any]
) -> NDArray[np.bool_]:
    """Return which pairs are of one class, belong to the quadrant, and could reach the IoU."""
    first, second = pairs
    a, b = objects.bounds[first], reference.bounds[second]
    low, high = np.maximum(a[:, :2], b[:, :2]), np.minimum(a[:, 2:], b[:, 2:])
    west, south, east, north = one.box
    here = (low[:, 0] >= west) & (low[:, 0] < east) & (low[:, 1] >= south) & (low[:, 1] < north)
    own, other = objects.flat_areas[first], reference.flat_areas[second]
    # They have no more in common than the smaller one, and than their bounds have. But for rounding:
    common = np.minimum(np.minimum(own, other), np.clip(high - low, 0, None).prod(1)) * (1 + 1e-9)
    enough = common >= least * (own + other - common)
    same = objects.class_codes[first] == reference.class_codes[second]
    return np.asarray(here & enough & same & (common > 0), bool)


def _shapes(layer: ObjectLayer, numbers: NDArray[np.int64]) -> NDArray[Any]:
    unique, inverse = np.unique(numbers, return_inverse=True)
    return np.asarray(layer.shapes(unique)[inverse])
