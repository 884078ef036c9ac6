"""Labels on the pixels of an image: class rasters of any grid, or polygons; read by box, nothing is kept in memory.

A source gives *raw* values: the numbers in a class raster, the position of a polygon's class in the list of classes.
:class:`Labels` turns them into class numbers 0…K−1 and :data:`~geoseg.classes.NODATA` where nothing is labelled.
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
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Label rasters hold at most this many different values: more is a measurement, not a class.
MOST_VALUES = 1000


class LabelSource(Protocol):
    """Raw labels on the pixels of one image."""

    @property
    def label(self) -> str:
        """What messages call it."""
        ...

    def read(self, box: Box) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return raw values (h, w) and where there is a label."""
        ...


@dataclass(frozen=True)
class RasterLabels:
    """Class rasters brought onto an image's grid by the nearest pixel; where several overlap the first counts.

    Attributes
    ----------
    sources
        Where the pixels come from.
    nodata
        Value of unlabelled pixels in each, or None.
    """

    label: str
    sources: tuple[FileSource, ...]
    nodata: tuple[float | None, ...]

    def read(self, box: Box) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return raw values (h, w) and where there is a label.

        Raises
        ------
        InputError
            If a value is no whole number.
        """
        shape = (box.height, box.width)
        values, labelled = np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
        for source, nodata in zip(self.sources, self.nodata, strict=True):
            out = np.empty((1, *shape), np.dtype(source.dtypes[0]))
            valid = np.ones(shape, np.bool_)
            source.read(ReadRequest((1,), (nodata,), box, out, valid))
            take = valid & ~labelled
            if not take.any():
                continue
            found = out[0][take]
            whole = found.astype(np.int64)
            if found.dtype.kind == "f" and (whole != found).any():
                wrong = float(found[whole != found][0])
                raise InputError(f"{source.label}: labels are whole numbers, it holds {wrong:g}; is it a class raster?")
            values[take], labelled = whole, labelled | take
        return values, labelled


def place_rasters(
    paths: Sequence[str], grid: Grid, image: str, known: dict[str, FileInfo] | None = None
) -> RasterLabels | None:
    """Return the labels of ``image`` from class rasters, or None if none of them overlaps it.

    ``known`` remembers files that were looked at, for the next image.

    Raises
    ------
    InputError
        If a file is no class raster, or only one of image and labels has a CRS.
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
                f"{without} has no CRS and {having} has one, so labels and image cannot be laid over each other; "
                f"give it its CRS with: gdal_edit.py -a_srs EPSG:… {without}"
            )
        if not _overlap(bounds_in(info.grid, grid.crs, info.label), grid):
            continue
        sources.append(place(replace(info, categorical=True), grid))
        nodata.append(info.bands[0].nodata)
    return RasterLabels(sources[0].label, tuple(sources), tuple(nodata)) if sources else None


def _check_class_raster(info: FileInfo) -> None:
    if len(info.bands) != 1:
        raise InputError(
            f"{info.label}: labels are a raster of one band, it has {len(info.bands)}; take the band with: "
            "gdal_translate -b N IN OUT.tif"
        )
    if np.dtype(info.bands[0].dtype).kind == "c":
        raise InputError(f"{info.label}: labels are whole numbers, it holds complex ones")


def _overlap(bounds: tuple[float, float, float, float], grid: Grid) -> bool:
    west, south, east, north = bounds
    left, bottom, right, top = grid.bounds()
    # A thousandth of a pixel of common ground is none.
    sliver = 1e-3 * abs(grid.transform.a)
    return min(east, right) - max(west, left) > sliver and min(north, top) - max(south, bottom) > sliver


@dataclass(frozen=True, eq=False)
class PolygonLabels:
    """Polygons burned into the pixels whose centres they hold, window by window; the last in the file lies on top.

    Attributes
    ----------
    geometries
        (n,) shapely geometries in the image's CRS.
    codes
        (n,) int: raw value of each.
    transform
        The image's.
    """

    label: str
    geometries: NDArray[Any]
    codes: NDArray[np.int64]
    transform: Any

    @cached_property
    def _tree(self) -> Any:
        from shapely import STRtree

        return STRtree(self.geometries)

    def __getstate__(self) -> dict[str, Any]:
        # The tree is made again where it is needed.
        return {name: value for name, value in self.__dict__.items() if name != "_tree"}

    def read(self, box: Box) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return raw values (h, w) and where there is a label."""
        import shapely
        from affine import Affine
        from rasterio.features import rasterize

        shape = (box.height, box.width)
        corners = [self.transform * (box.col + c, box.row + r) for c in (0, box.width) for r in (0, box.height)]
        xs, ys = zip(*corners, strict=True)
        near = np.sort(self._tree.query(shapely.box(min(xs), min(ys), max(xs), max(ys))))
        if not near.size:
            return np.zeros(shape, np.int64), np.zeros(shape, np.bool_)
        burned = rasterize(
            [(self.geometries[i], int(self.codes[i]) + 1) for i in near],
            out_shape=shape,
            transform=self.transform * Affine.translation(box.col, box.row),
            fill=0,
            dtype="int32",
        ).astype(np.int64)
        return burned - 1, burned > 0


@dataclass(frozen=True, eq=False)
class Labels:
    """Class numbers on the pixels of one image.

    Attributes
    ----------
    source
        Raw labels.
    values, indices
        Raw values in ascending order and the class of each; NODATA for those to ignore. Other values count as
        unlabelled: :mod:`geoseg.train.data.label_counts` has seen every one before.
    """

    source: LabelSource
    values: NDArray[np.int64]
    indices: NDArray[np.uint8]

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Return uint8 (h, w): class 0…K−1, 255 where nothing is labelled."""
        raw, labelled = self.source.read(box)
        found = np.searchsorted(self.values, raw).clip(max=len(self.values) - 1)
        known = labelled & (self.values[found] == raw)
        return np.where(known, self.indices[found], np.uint8(NODATA)).astype(np.uint8)


@dataclass(frozen=True)
class Vocabulary:
    """What raw values mean, as far as the labels themselves say.

    Attributes
    ----------
    classes
        ``id`` is the raw value.
    closed
        Whether no other value can occur: polygons.
    """

    classes: tuple[MapClass, ...]
    closed: bool
