"""Labels on the pixels of an image, from class rasters on any grid or from polygons; read by box, never kept in memory.

A source gives *label values*: the numbers of a class raster, or the position of a polygon's class in the list of
classes. :class:`Labels` maps them to classes 0…K−1, and unlabelled pixels to :data:`~geoseg.classes.NODATA`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from geoseg.classes import NODATA, MapClass
from geoseg.errors import InputError
from geoseg.raster.files.georeference import Grid
from geoseg.raster.grids import bounds_in, place
from geoseg.raster.probe import FileInfo, probe
from geoseg.raster.sources import FileSource
from geoseg.raster.types import ReadRequest
from geoseg.system.stamps import check_stamp
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

NO_VALUE = int(np.iinfo(np.int64).min)
"""Stands for the value of an unlabelled pixel that has none: outside the labels, or masked."""

BACKGROUND = NO_VALUE + 1
"""Label value of unlabelled pixels where these are a class."""

# A raster with more different values holds measurements, not classes.
MOST_VALUES = 1000

_LARGEST = int(np.iinfo(np.int64).max)


class LabelSource(Protocol):
    """Label values on the pixels of one image."""

    @property
    def label(self) -> str:
        """Name for messages."""
        ...

    def read(self, box: Box) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the label values of a box, int64 (h, w), and which pixels are labelled, bool (h, w).

        Unlabelled pixels hold the nodata value that marks them, or :data:`NO_VALUE`.
        """
        ...

    def check_unchanged(self) -> None:
        """Check that the files are still those that were opened; raises ChangedError."""
        ...


@dataclass(frozen=True)
class RasterLabels:
    """Class rasters warped to an image's grid by the nearest pixel; where several overlap, the first wins.

    Attributes
    ----------
    sources
        The warped files.
    nodata
        Value of unlabelled pixels in each, or None where the file declares none or the value is a class.
    """

    label: str
    sources: tuple[FileSource, ...]
    nodata: tuple[float | None, ...]

    def read(self, box: Box) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """See :class:`LabelSource`.

        Raises
        ------
        InputError
            If a value is not a whole number.
        """
        shape = (box.height, box.width)
        values, labelled = np.full(shape, NO_VALUE, np.int64), np.zeros(shape, np.bool_)
        for source, nodata in zip(self.sources, self.nodata, strict=True):
            out = np.empty((1, *shape), np.dtype(source.dtypes[0]))
            valid = np.ones(shape, np.bool_)
            source.read(ReadRequest((1,), (None,), box, out, valid))
            take = valid & ~labelled
            if nodata is not None:
                hidden = take & (out[0] == out.dtype.type(nodata))
                take &= ~hidden
                if float(nodata).is_integer() and abs(nodata) < _LARGEST:
                    values[hidden & (values == NO_VALUE)] = int(nodata)
            if not take.any():
                continue
            found = out[0][take]
            if found.dtype == np.uint64:
                found = found.clip(max=_LARGEST)
            whole = found.astype(np.int64)
            if found.dtype.kind == "f" and (whole != found).any():
                wrong = float(found[whole != found][0])
                raise InputError(
                    f"{source.label}: labels must be whole numbers, but it holds {wrong:g}; is it a class raster?"
                )
            values[take], labelled = whole, labelled | take
        return values, labelled

    def check_unchanged(self) -> None:
        """See :class:`LabelSource`."""
        for source in self.sources:
            source.check_unchanged()


def place_rasters(
    paths: Sequence[str],
    grid: Grid,
    image: str,
    known: dict[str, FileInfo] | None = None,
    named: Collection[int] = (),
) -> RasterLabels | None:
    """Return the labels of ``image`` from class rasters, or None if none of them overlaps it.

    ``known`` caches the headers of files between images; ``named`` are values that are classes even if a file declares
    them nodata.

    Raises
    ------
    InputError
        If a file is not a class raster, or only one of image and labels has a CRS.
    """
    sources, nodata = [], []
    known = {} if known is None else known
    for path in paths:
        if path not in known:
            known[path] = probe(path, remote=False)
            _check_class_raster(known[path])
        info = known[path]
        if (info.grid.crs is None) != (grid.crs is None):
            without, having = (info.label, image) if info.grid.crs is None else (image, info.label)
            raise InputError(
                f"{without} has no CRS and {having} has one, so labels and image cannot be aligned; "
                f"set its CRS with: gdal_edit.py -a_srs EPSG:… {without}"
            )
        if not _overlap(bounds_in(info.grid, grid.crs, info.label), grid):
            continue
        sources.append(place(replace(info, categorical=True), grid))
        nodata.append(None if info.bands[0].nodata in named else info.bands[0].nodata)
    return RasterLabels(sources[0].label, tuple(sources), tuple(nodata)) if sources else None


def _check_class_raster(info: FileInfo) -> None:
    if len(info.bands) != 1:
        raise InputError(
            f"{info.label}: labels must have one band, it has {len(info.bands)}; extract it with: "
            "gdal_translate -b N IN OUT.tif"
        )
    if np.dtype(info.bands[0].dtype).kind == "c":
        raise InputError(f"{info.label}: labels must be whole numbers, but it holds complex ones")


def _overlap(bounds: tuple[float, float, float, float], grid: Grid) -> bool:
    west, south, east, north = bounds
    left, bottom, right, top = grid.bounds()
    # Less than a thousandth of a pixel is rounding, not overlap.
    sliver = 1e-3 * abs(grid.transform.a)
    return min(east, right) - max(west, left) > sliver and min(north, top) - max(south, bottom) > sliver


@dataclass(frozen=True, eq=False)
class PolygonLabels:
    """Polygons, lines and points rasterized box by box: a pixel gets the last in the file that labels it.

    See :func:`geoseg.raster.burn.burn`.

    Attributes
    ----------
    geometries
        (n,) shapely geometries in the image's CRS.
    codes
        (n,) int: label value of each.
    transform
        Transform of the image.
    stamps
        Files that they were read from, and their stamps.
    """

    label: str
    geometries: NDArray[Any]
    codes: NDArray[np.int64]
    transform: Any
    stamps: tuple[tuple[str, str], ...] = ()

    @cached_property
    def _tree(self) -> Any:
        from shapely import STRtree

        return STRtree(self.geometries)

    def __getstate__(self) -> dict[str, Any]:
        # The tree is rebuilt where it is needed.
        return {name: value for name, value in self.__dict__.items() if name != "_tree"}

    def read(self, box: Box) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """See :class:`LabelSource`."""
        found = self.instances(box)
        return np.where(found >= 0, self.codes[found], NO_VALUE), found >= 0

    def instances(self, box: Box) -> NDArray[np.int32]:
        """Return the position of each pixel's geometry, int32 (h, w); −1 for none."""
        import shapely
        from affine import Affine

        from geoseg.raster.burn import burn

        shape = (box.height, box.width)
        corners = [self.transform * (box.col + c, box.row + r) for c in (0, box.width) for r in (0, box.height)]
        xs, ys = zip(*corners, strict=True)
        near = np.sort(self._tree.query(shapely.box(min(xs), min(ys), max(xs), max(ys))))
        if not near.size:
            return np.full(shape, -1, np.int32)
        burned = burn(self.geometries[near], self.transform * Affine.translation(box.col, box.row), shape)
        return np.where(burned >= 0, near[burned], -1).astype(np.int32)

    def check_unchanged(self) -> None:
        """See :class:`LabelSource`."""
        for path, stamp in self.stamps:
            check_stamp(path, stamp, path)


@dataclass(frozen=True)
class WithBackground:
    """Labels whose unlabelled pixels have the value :data:`BACKGROUND`."""

    source: LabelSource

    @property
    def label(self) -> str:
        """Name for messages."""
        return self.source.label

    def read(self, box: Box) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """See :class:`LabelSource`; all pixels are labelled."""
        values, labelled = self.source.read(box)
        return np.where(labelled, values, BACKGROUND), np.ones_like(labelled)

    def check_unchanged(self) -> None:
        """See :class:`LabelSource`."""
        self.source.check_unchanged()


@dataclass(frozen=True, eq=False)
class Labels:
    """Classes on the pixels of one image.

    Attributes
    ----------
    source
        Label values.
    values, indices
        Label values in ascending order and the class of each, NODATA for those to ignore. Other values are unlabelled.
    """

    source: LabelSource
    values: NDArray[np.int64]
    indices: NDArray[np.uint8]

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Return the classes of a box, uint8 (h, w): 0…K−1, 255 for unlabelled pixels."""
        raw, labelled = self.source.read(box)
        found = np.searchsorted(self.values, raw).clip(max=len(self.values) - 1)
        known = labelled & (self.values[found] == raw)
        return np.where(known, self.indices[found], np.uint8(NODATA)).astype(np.uint8)


@dataclass(frozen=True)
class Vocabulary:
    """Classes that the labels themselves name.

    Attributes
    ----------
    classes
        Classes whose ``id`` is the label value.
    closed
        Whether no other value can occur, as with polygons.
    ignored
        Values of ``classes`` that the labels themselves leave open, such as crowds.
    """

    classes: tuple[MapClass, ...]
    closed: bool
    ignored: frozenset[int] = frozenset()
