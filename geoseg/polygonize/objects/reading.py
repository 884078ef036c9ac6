"""How the values of a class map are read as objects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from geoseg.classes import MapClass
from geoseg.models.card.objects import MAX_REACH
from geoseg.polygonize.kernels.types import Array

if TYPE_CHECKING:
    from geoseg.models.card.objects import ObjectHeads


@dataclass(frozen=True)
class ObjectReading:
    """Which values of a class map are cores of objects, which are rims, and of which class the objects are.

    A *seed* is a 4-connected region of core pixels. Rim pixels join the seed that is nearest within the rim, up to
    ``reach`` pixels away; rim pixels that no seed reaches form objects of their own, one per 4-connected region and
    class, so that no pixel of an object is lost. Without cores, each 4-connected region of a class is an object.

    Attributes
    ----------
    classes
        Classes of objects. Their ids are those of the layer ``objects``.
    cores, rims
        Value of the class map → id in ``classes``.
    reach
        Farthest that a seed grows, in pixels (steps between pixels that share an edge), 1…1024.
    least
        Smallest seed in pixels; cores of fewer are taken for rims.
    """

    classes: tuple[MapClass, ...]
    cores: tuple[tuple[int, int], ...] = ()
    rims: tuple[tuple[int, int], ...] = ()
    reach: int = 16
    least: int = 1

    @classmethod
    def of_classes(cls, classes: Sequence[MapClass]) -> ObjectReading:
        """Read each 4-connected region of these classes as an object; objects that touch are one."""
        return cls(tuple(classes), rims=tuple((c.id, c.id) for c in classes), reach=1)

    @classmethod
    def of_heads(cls, heads: ObjectHeads) -> ObjectReading:
        """Read the classes of an instance model as its card says; the ids of objects count its kinds from 1."""
        kinds = tuple(MapClass(number, kind.name, kind.color) for number, kind in enumerate(heads.kinds, 1))
        # Cores and rims of all kinds are read, also of those that are not wanted: they hold their ground.
        cores = tuple((kind.core, number) for number, kind in enumerate(heads.kinds, 1))
        rims = tuple((kind.rim, number) for number, kind in enumerate(heads.kinds, 1))
        return cls(kinds, cores, rims, heads.reach, heads.least_core)

    def split(self, rows: float, cols: float) -> ObjectReading:
        """Return how a map is read of which each pixel became so many rows and columns of pixels.

        Seeds grow as far on the ground; what is too small for a seed stays so.
        """
        reach = min(max(math.ceil(self.reach * max(rows, cols)), 1), MAX_REACH)
        return replace(self, reach=reach, least=max(math.ceil((self.least - 0.5) * rows * cols), 1))

    @cached_property
    def is_core(self) -> Array:
        """uint8 (256): 1 where a value is a core."""
        return _table(self.cores, 1)

    @cached_property
    def is_rim(self) -> Array:
        """uint8 (256): 1 where a value is a rim."""
        return _table(self.rims, 1)

    @cached_property
    def position(self) -> Array:
        """uint8 (256): position of a value's object class in ``classes``; 255 for no object."""
        place = {item.id: number for number, item in enumerate(self.classes)}
        table = np.full(256, 255, np.uint8)
        for value, number in (*self.cores, *self.rims):
            table[value] = place[number]
        return table

    @property
    def ids(self) -> Array:
        """int32: id of the class at each position."""
        return np.array([item.id for item in self.classes], np.int32)


def _table(values: Sequence[tuple[int, int]], mark: int) -> Array:
    table = np.zeros(256, np.uint8)
    for value, _ in values:
        table[value] = mark
    return table
