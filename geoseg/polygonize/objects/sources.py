"""Rasters that exist only while they are read: the object of each pixel, and how sure the model is of it.

Both are of the type ``RowSource``: the polygonizer traces them as it traces files.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from geoseg.classes import NODATA, MapClass
from geoseg.polygonize.kernels.runs import label, paint
from geoseg.polygonize.kernels.types import Array
from geoseg.polygonize.objects.growth import grow
from geoseg.polygonize.objects.reading import ObjectReading
from geoseg.polygonize.objects.seeds import Seeds, Slabs, number_seeds
from geoseg.polygonize.source import ArraySource, RowCache, RowSource

FLAG_BITS = 1
"""The lowest bit of a score pixel is 0 at the scene's edge; percents are above it."""


class _Derived:
    """The grid of a raster that is computed from another."""

    dtype: np.dtype[Any]

    def __init__(self, source: RowSource, block_rows: int, nodata: float) -> None:
        self._source = source
        self.name, self.height, self.width = source.name, source.height, source.width
        self.transform, self.crs = source.transform, source.crs
        self.classes: tuple[MapClass, ...] = ()
        self.block_rows = block_rows
        self.nodata: float | None = nodata

    def without_pixels(self) -> Any:
        """Return the source itself: it holds no pixels."""
        return self

    def check_unchanged(self) -> None:
        """See ``RowSource``."""
        self._source.check_unchanged()

    def files(self) -> tuple[str, ...]:
        """See ``RowSource``."""
        return self._source.files()

    def close(self) -> None:
        """See ``RowSource``."""
        self._source.close()


class Instances(_Derived):
    """The object of each pixel as a code: the number of its seed, or minus its class's position minus 1; 0 for none.

    Pixels that share an edge have the same code if and only if they belong to the same object.
    """

    dtype = np.dtype(np.int32)

    def __init__(self, slabs: Slabs, seeds: Seeds, workers: int) -> None:
        super().__init__(slabs.source, slabs.rows, 0.0)
        self._slabs, self._seeds = slabs, seeds
        reach = -(-slabs.reading.reach // slabs.rows)
        self._rows = RowCache(_SeedRows(slabs, seeds), slabs.rows, 2 * reach + workers + 1)

    def read(self, first: int, last: int) -> tuple[Array, Array | None]:
        """See ``RowSource``."""
        reading = self._slabs.reading
        reach = reading.reach if reading.cores else 0
        top, bottom = max(first - reach, 0), min(last + reach, self.height)
        ids, classes = self._rows.read(top, bottom)
        assert classes is not None
        free = reading.is_rim[classes]
        if reading.least > 1:
            free |= reading.is_core[classes] & (ids == 0)
        grown = grow(ids, free, reach) if reach else ids
        inside = slice(first - top, last - top)
        grown, classes = grown[inside], classes[inside]
        alone = (grown == 0) & (free[inside] != 0)
        return np.where(alone, -1 - reading.position[classes].astype(np.int32), grown), None

    def class_ids(self, codes: Array) -> Array:
        """Return the class id of each code, int32."""
        ids = self._slabs.reading.ids
        out = np.empty(codes.shape, np.int32)
        seeded = codes > 0
        out[seeded] = ids[self._seeds.position[codes[seeded] - 1]]
        out[~seeded] = ids[-1 - codes[~seeded]]
        return out


def label_objects(classes: Array, reading: ObjectReading) -> tuple[Array, Array]:
    """Find the objects of a class map in memory: those that :func:`write_objects` makes polygons of.

    Parameters
    ----------
    classes
        uint8 (rows, columns).
    reading
        How it is read as objects.

    Returns
    -------
    int32 (rows, columns): number of each pixel's object, from 1, 0 for none; and int32 (n,): its class's id.
    """
    import xarray as xr

    source = ArraySource(xr.DataArray(classes, dims=("y", "x")))
    slabs = Slabs(source, max(len(classes), 1), reading)
    found = Instances(slabs, number_seeds(slabs, 1, lambda: None), 1)
    codes = found.read(0, len(classes))[0]
    runs = label(np.pad(codes, ((0, 0), (1, 1))), 0, eight=False)
    count = int(runs.group.size)
    out = np.zeros((len(codes), codes.shape[1] + 2), np.int32)
    paint(*runs[:4], np.arange(1, count + 1, dtype=np.int32), out)
    ids = out[:, 1:-1]
    code_of = np.zeros(count + 1, np.int32)
    code_of[ids] = codes
    return ids, found.class_ids(code_of[1:])


class _SeedRows(_Derived):
    """Slabs of seed numbers, and the class map as if it were their mask."""

    dtype = np.dtype(np.int32)

    def __init__(self, slabs: Slabs, seeds: Seeds) -> None:
        super().__init__(slabs.source, slabs.rows, 0.0)
        self._slabs, self._seeds = slabs, seeds

    def read(self, first: int, last: int) -> tuple[Array, Array | None]:  # noqa: ARG002 - whole slabs only
        """Return the numbers of the slab that begins at row ``first``, int32, and its classes, uint8."""
        k = first // self._slabs.rows
        classes = self._slabs.classes(k)
        if not self._slabs.reading.cores:
            return np.zeros(classes.shape, np.int32), classes
        labels, _ = self._slabs.labels(classes)
        return self._seeds.of_slab(k)[labels], classes


class Scores(_Derived):
    """Percent that a pixel is of an object, times two, plus 1 away from the edge of the scene's valid pixels; uint8.

    Parameters
    ----------
    classes
        The class map, 255 where the scene is invalid.
    percent
        uint8 percents on its grid.
    inverted
        Whether they are percents of being no object.
    block_rows
        Rows that are read at a time.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, classes: RowSource, percent: RowSource, block_rows: int, *, inverted: bool) -> None:
        super().__init__(percent, block_rows, float(NODATA))
        self._classes, self._inverted = classes, inverted

    def read(self, first: int, last: int) -> tuple[Array, Array | None]:
        """See ``RowSource``."""
        top, bottom = max(first - 1, 0), min(last + 1, self.height)
        invalid = np.ones((last - first + 2, self.width + 2), np.bool_)
        invalid[top - first + 1 : bottom - first + 1, 1:-1] = self._classes.read(top, bottom)[0] == NODATA
        edge = invalid[:-2, 1:-1] | invalid[2:, 1:-1] | invalid[1:-1, :-2] | invalid[1:-1, 2:]
        percent = self._source.read(first, last)[0]
        known = np.minimum(percent, 100)
        counts = ((100 - known if self._inverted else known) << 1) | ~edge
        return np.where(percent == NODATA, np.uint8(NODATA), counts.astype(np.uint8)), None
