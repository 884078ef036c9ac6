"""The raster: bands on one grid, read by box."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from geoseg.errors import ContractError, InputError
from geoseg.raster.bbox import pixels_in
from geoseg.raster.types import Band, BandSource, Pixels, ReadRequest
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from geoseg.raster.probe import Grid


@dataclass(frozen=True)
class Part:
    """Which band of which source a band of the raster is; both counted as their owners count them."""

    source: int
    band: int


@dataclass(frozen=True, eq=False, repr=False)
class Raster:
    """Bands of one scene on one grid: a recipe that can be pickled and read from any thread or process.

    It holds no pixels and no open files, unless it was made from an array in memory. Made by
    :func:`geoseg.open_raster`.

    Attributes
    ----------
    name
        The scene's name, safe as a file name.
    grid
        Shape, transform and CRS as rasterio has them; ``geobox`` is the same for odc-geo and xarray.
    bands
        What each band is; the order is that of ``Pixels.data``.
    notes
        What the user should know, one line each: no CRS, resampled from control points ….
    parts, inputs, origin
        The recipe: where each band comes from, and the row and column of the first pixel in the sources' grid.
    """

    name: str
    grid: Grid
    bands: tuple[Band, ...]
    notes: tuple[str, ...]
    parts: tuple[Part, ...]
    inputs: tuple[BandSource, ...]
    origin: tuple[int, int] = (0, 0)

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The type that holds the stored values of every band exactly, and in which pixels are read."""
        return np.result_type(*(np.dtype(band.dtype) for band in self.bands))

    @cached_property
    def geobox(self) -> GeoBox:
        """Shape, transform and CRS; where the scene has no georeference the CRS is None and coordinates are pixels."""
        # odc-geo brings xarray and dask along, seconds that opening and reading files can do without.
        from odc.geo.geobox import GeoBox

        crs = self.grid.crs
        return GeoBox(self.shape, self.grid.transform, None if crs is None else crs.to_string())

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.grid.height, self.grid.width

    @property
    def crs(self) -> Any:
        """Coordinate reference system (``odc.geo.crs.CRS``), or None."""
        return self.geobox.crs

    @property
    def transform(self) -> Affine:
        """Map from pixel corners (column, row) to coordinates."""
        return self.grid.transform

    @property
    def georeferenced(self) -> bool:
        """Whether the scene has a coordinate reference system."""
        return self.grid.crs is not None

    @property
    def box(self) -> Box:
        """The whole scene as a box."""
        return Box(0, 0, *self.shape)

    @property
    def block_shape(self) -> tuple[int, int]:
        """Height and width of the blocks in which the first source stores its pixels."""
        height, width = self.inputs[self.parts[0].source].block_shape
        return int(height), int(width)

    @property
    def sources(self) -> tuple[str, ...]:
        """Files, URLs or arrays that are read, each once, as the user named them."""
        return tuple(dict.fromkeys(self.inputs[part.source].label for part in self.parts))

    def select(self, bands: Iterable[str | int]) -> Raster:
        """Return a raster of some of the bands, in the order given.

        Parameters
        ----------
        bands
            Names, or numbers counted from 1.

        Raises
        ------
        ContractError
            If a band is not there; the message lists those that are.
        """
        wanted = [self._position(band) for band in bands]
        if not wanted:
            raise ContractError(f"{self.name}: no band chosen; it has {self._listing()}")
        return replace(self, bands=tuple(self.bands[i] for i in wanted), parts=tuple(self.parts[i] for i in wanted))

    def _position(self, band: str | int) -> int:
        names = [known.name for known in self.bands]
        if isinstance(band, str) and band in names:
            return names.index(band)
        if isinstance(band, int | np.integer) and 1 <= band <= len(names):
            return int(band) - 1
        lowered = [name.lower() for name in names]
        if isinstance(band, str) and lowered.count(band.lower()) == 1:
            return lowered.index(band.lower())
        raise ContractError(
            f"{self.name}: no band {band!r}; it has {self._listing()}; "
            "say which band is which with bands (--bands), for example blue=1,green=2"
        )

    def _listing(self) -> str:
        return ", ".join(f"{number} {band.name}" for number, band in enumerate(self.bands, start=1))

    def crop(self, bbox: Sequence[float], crs: Any = None) -> Raster:
        """Return the part of the scene inside a bounding box, snapped outward to whole pixels.

        Parameters
        ----------
        bbox
            West, south, east, north (xmin, ymin, xmax, ymax). In degrees, west > east crosses the antimeridian.
        crs
            CRS of the box: anything PROJ understands. By default the scene's own.

        Raises
        ------
        InputError
            If the box is none, or does not touch the scene.
        """
        part = pixels_in(bbox, crs, self.grid, self.name)
        return self.cut(part)

    def cut(self, part: Box) -> Raster:
        """Return the part of the scene inside a box of pixels."""
        if not part.area or not self.box.contains(part):
            raise InputError(
                f"{self.name}: {part} does not lie inside the scene of {self.shape[0]} x {self.shape[1]} pixels"
            )
        moved = self.transform * Affine.translation(part.col, part.row)
        return replace(
            self,
            grid=replace(self.grid, height=part.height, width=part.width, transform=moved),
            origin=(self.origin[0] + part.row, self.origin[1] + part.col),
        )

    def read(self, box: Box) -> Pixels:
        """Read the pixels of a box inside the scene; safe to call from many threads at once.

        Returns
        -------
        Pixels
            ``data`` (bands, height, width) of ``dtype`` with stored values, ``valid`` (height, width) bool.

        Raises
        ------
        ReadError
            If a file is truncated, corrupt or lost; names the file and the box.
        """
        if not box.area or not self.box.contains(box):
            raise ValueError(f"{box} does not lie inside the scene of {self.shape[0]} x {self.shape[1]} pixels")
        return self._read(box, (box.height, box.width))

    def sample(self, max_pixels: int = 1_000_000) -> Pixels:
        """Read the whole scene at reduced size, by nearest pixels and from overviews where there are any.

        Returns
        -------
        Pixels
            As ``read``, with at most about ``max_pixels`` pixels.
        """
        height, width = self.shape
        factor = max(math.sqrt(height * width / max(max_pixels, 1)), 1.0)
        return self._read(self.box, (max(int(height / factor), 1), max(int(width / factor), 1)))

    def _read(self, box: Box, shape: tuple[int, int]) -> Pixels:
        data: NDArray[Any] = np.empty((len(self.parts), *shape), self.dtype)
        valid = np.ones(shape, np.bool_)
        placed = Box(box.row + self.origin[0], box.col + self.origin[1], box.height, box.width)
        start = 0
        for source, run in groupby(self.parts, key=lambda part: part.source):
            bands = tuple(part.band for part in run)
            stop = start + len(bands)
            nodata = tuple(band.nodata for band in self.bands[start:stop])
            self.inputs[source].read(ReadRequest(bands, nodata, placed, data[start:stop], valid))
            start = stop
        return Pixels(data, valid)

    @cached_property
    def _fingerprint(self) -> str:
        used = sorted({part.source for part in self.parts})
        recipe = (
            [(index, self.inputs[index].recipe()) for index in used],
            [(part.source, part.band) for part in self.parts],
            [(band.name, band.dtype, band.nodata, band.scale, band.offset, band.scaled) for band in self.bands],
            (self.shape, tuple(self.transform)[:6], self.origin, _crs_text(self.grid)),
        )
        return hashlib.sha256(repr(recipe).encode()).hexdigest()

    def fingerprint(self) -> str:
        """Return a sha256 that changes with anything that changes the pixels: files' sizes and times, bands, grid."""
        return self._fingerprint

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Raster):
            return NotImplemented
        same = self.name == other.name and self.sources == other.sources
        return same and self.fingerprint() == other.fingerprint()

    def __hash__(self) -> int:
        return int(self.fingerprint()[:15], 16)

    def __dask_tokenize__(self) -> str:
        return self.fingerprint()

    def __repr__(self) -> str:
        height, width = self.shape
        crs = _crs_text(self.grid) or "no CRS"
        if len(crs) > 40:
            crs = "custom CRS"
        names = ", ".join(band.name for band in self.bands)
        return f"Raster({self.name!r}, {height} x {width} px, {len(self.bands)} x {self.dtype} [{names}], {crs})"


def _crs_text(grid: Grid) -> str:
    return "" if grid.crs is None else str(grid.crs.to_string())
