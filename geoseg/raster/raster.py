"""The raster: bands on one grid, read by box."""

from __future__ import annotations

import functools
import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from geoseg.errors import ContractError, InputError, ReadError
from geoseg.geodesy.crs import crs_name, crs_text
from geoseg.raster.bbox import pixels_in
from geoseg.raster.gdal.environment import is_remote
from geoseg.raster.repr_html import raster_html
from geoseg.raster.sampling import boxes_within, chunk_boxes, onto_areas, read_sample, sample_boxes
from geoseg.raster.sources import leaf_sources, read_all
from geoseg.raster.types import Band, BandSource, Pixels, ReadRequest
from geoseg.tiling import Box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import xarray as xr
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

    from geoseg.raster.clouds.quality import Quality
    from geoseg.raster.files.georeference import Grid
    from geoseg.raster.lazy import Chunks

    _Reads = list[tuple[BandSource, ReadRequest]]


@dataclass(frozen=True)
class Part:
    """Where a band comes from: index of the source in ``inputs``, and 1-based number of the band in it."""

    source: int
    band: int


@dataclass(frozen=True, eq=False, repr=False)
class Raster:
    """Bands of one scene on one grid: a recipe that can be pickled and read in any thread or process.

    It holds no pixels and no open files, unless it was made from an array in memory. Created by
    :func:`geoseg.open_raster`.

    Attributes
    ----------
    name
        The scene's name, safe as a file name.
    grid
        Shape, transform and CRS as rasterio has them; ``geobox`` is the same for odc-geo and xarray.
    bands
        Description of each band, in the order of ``Pixels.data``.
    notes
        Remarks for the user, one line each: no CRS, resampled from control points ….
    parts, inputs, origin
        The recipe: where each band comes from, and row and column of the first pixel in the grid of the sources.
    quality
        The quality band by which clouds, shadows and snow are missing; None if there is none.

    Examples
    --------
    >>> import geoseg
    >>> from geoseg.tiling import Box
    >>> raster = geoseg.open_raster("scene.tif").select(["red", "nir"])
    >>> pixels = raster.read(Box(0, 0, 64, 128))
    >>> pixels.data.shape, pixels.valid.shape
    ((2, 64, 128), (64, 128))
    """

    name: str
    grid: Grid
    bands: tuple[Band, ...]
    notes: tuple[str, ...]
    parts: tuple[Part, ...]
    inputs: tuple[BandSource, ...]
    origin: tuple[int, int] = (0, 0)
    quality: Quality | None = None

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """Type in which pixels are read: it holds the stored values of every band exactly."""
        return np.result_type(*(np.dtype(band.dtype) for band in self.bands))

    @cached_property
    def geobox(self) -> GeoBox:
        """Shape, transform and CRS; where the scene has no georeference the CRS is None and coordinates are pixels."""
        # Imported late: odc-geo imports xarray and dask, which take seconds and are not needed to read files.
        from odc.geo.geobox import GeoBox

        crs = self.grid.crs
        return GeoBox(self.shape, self.grid.transform, None if crs is None else crs_text(crs))

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
        """Whether the scene has a CRS."""
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
        """Distinct files, URLs or arrays that are read, as the user named them."""
        return tuple(dict.fromkeys(source.label for source in self.leaves))

    @property
    def leaves(self) -> tuple[BandSource, ...]:
        """What is read in the end, each once: of a composite the files of its dates, with their quality bands."""
        read = [self.inputs[part.source] for part in self.parts]
        return leaf_sources(read if self.quality is None else [*read, self.quality.source])

    @property
    def remote(self) -> bool:
        """Whether pixels are read from a server: each request then costs more than decoding what it brings."""
        return any(is_remote(name) for name in self.sources)

    def select(self, bands: Iterable[str | int]) -> Raster:
        """Return a raster of some of the bands, in the order given.

        Parameters
        ----------
        bands
            Names, or numbers counted from 1.

        Raises
        ------
        ContractError
            If there is no such band; the message lists the bands.
        """
        wanted = [self._position(band) for band in bands]
        if not wanted:
            raise ContractError(f"{self.name}: no band chosen; it has {self._listing()}")
        return replace(self, bands=tuple(self.bands[i] for i in wanted), parts=tuple(self.parts[i] for i in wanted))

    def unmasked(self, names: Iterable[str]) -> Raster:
        """Return the raster with some of clouds, shadows and snow not masked, if that was not asked for.

        Parameters
        ----------
        names
            Of :data:`geoseg.raster.clouds.kinds.MASKED`.
        """
        kept = frozenset(names)
        quality = self.quality if self.quality is None or self.quality.chosen else self.quality.without(kept)
        inputs = tuple(one.unmasked(kept) if hasattr(one, "unmasked") else one for one in self.inputs)
        same = quality is self.quality and all(one is old for one, old in zip(inputs, self.inputs, strict=True))
        return self if same else replace(self, inputs=inputs, quality=quality)

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
            If ``bbox`` is no bounding box, or does not touch the scene.
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
        self._check_inside(box)
        return self._read(box, (box.height, box.width))

    def read_by_band(self, box: Box) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Read as :meth:`read` does, with the validity of each band, as rasterio's ``read(masked=True)`` has it.

        Returns
        -------
        Values of ``dtype`` and validity, both (bands, height, width).

        Raises
        ------
        ReadError
            As :meth:`read`.
        """
        self._check_inside(box)
        valid = np.ones((len(self.parts), box.height, box.width), np.bool_)
        return self._fill(box, valid), valid

    def sample(self, max_pixels: int = 1_000_000) -> Pixels:
        """Read pixels from all over the scene, at a cost that does not grow with it.

        Small windows are read at up to 25 places, spread evenly: see :mod:`geoseg.raster.sampling`. Windows that
        cannot be read are left out, unless they are more than half. Of a dask array one chunk of ten is computed, at
        most nine, and not again for further samples.

        Returns
        -------
        Pixels
            ``data`` (bands, 1, n) and ``valid`` (1, n), n at most ``max_pixels``; the whole scene as ``read`` returns
            it if it is no larger.

        Raises
        ------
        ReadError
            If more than half of the windows cannot be read.
        """
        if self.computed:
            # Of the first chunk if none can be computed, which then says why.
            chunks = self.computed_chunks() or [self.box.intersection(Box(0, 0, *self.block_shape))]
            return read_sample(self.read, boxes_within(chunks, max_pixels))
        boxes = sample_boxes(self.shape, self.block_shape, max_pixels)
        if boxes == [self.box]:
            with suppress(ReadError):  # part of it may be readable
                return self.read(self.box)
            boxes = sample_boxes(self.shape, self.block_shape, max(self.box.area // 2, 1))
        areas = getattr(self.inputs[self.parts[0].source], "areas", None)
        return read_sample(self.read, boxes if areas is None else onto_areas(boxes, areas, self.origin, self.shape))

    @property
    def computed(self) -> bool:
        """Whether reading computes pixels, as of a dask array."""
        return any(getattr(self.inputs[part.source], "lazy", False) for part in self.parts)

    @property
    def in_memory(self) -> bool:
        """Whether every pixel is in the memory of this process."""
        return all(getattr(self.inputs[part.source], "lazy", True) is False for part in self.parts)

    def computed_chunks(self) -> list[Box]:
        """Compute some chunks of dask arrays, and return the boxes whose pixels are there now."""
        row, col = self.origin
        lazy = {part.source for part in self.parts if getattr(self.inputs[part.source], "lazy", False)}
        sources: list[Any] = [self.inputs[number] for number in sorted(lazy)]
        boxes: list[Box] = []
        for chunk in chunk_boxes(Box(row, col, *self.shape), *sources[0].array.chunks[1:]):
            with suppress(ReadError):
                kept = [source.keep(chunk) for source in sources]
                common = functools.reduce(Box.intersection, kept)
                boxes.append(Box(common.row - row, common.col - col, common.height, common.width))
        return boxes

    def quicklook(self, max_side: int = 256) -> Pixels:
        """Read the whole scene at reduced size, by nearest pixels, from overviews where there are any.

        Without overviews the whole scene is decoded: use :meth:`sample` to learn about the values of a large one.

        Returns
        -------
        Pixels
            As ``read``, with at most ``max_side`` rows and columns.
        """
        height, width = self.shape
        factor = max(max(height, width) / max_side, 1.0)
        return self._read(self.box, (max(int(height / factor), 1), max(int(width / factor), 1)))

    def to_xarray(self, chunks: Chunks = "auto", *, masked: bool = True, scaled: bool = True) -> xr.DataArray:
        """Return the raster as a lazy array; chunks are read when they are computed, on any dask scheduler.

        :func:`geoseg.segment` takes such an array, but reads less from the raster itself where nothing was computed.

        Parameters
        ----------
        chunks
            Chunk sizes as xarray takes them: a number for all dimensions, a tuple for (band, y, x), or a dict such as
            ``{"y": 1024, "x": 1024}``, -1 meaning the whole dimension. By default, and for dimensions that the dict
            leaves out, the bands of one file together and as many whole blocks of it as fit dask's
            ``array.chunk-size`` (128 MiB).
        masked
            Make missing pixels of a band NaN. Otherwise stored values stay, and the attribute ``_FillValue`` (or
            ``nodatavals``, where bands differ) says what marks missing pixels; masks and alpha bands are not applied.
        scaled
            Return physical values, stored x scale + offset, of bands whose scale is known. Otherwise stored values,
            with ``scale_factor`` and ``add_offset`` (or ``scales`` and ``offsets``) in the attributes.

        Returns
        -------
        DataArray (band, y, x) on the raster's GeoBox (``.odc.geobox``), chunked with dask. Of the stored type if
        neither masked nor scaled; else float32, or float64 for stored integers of 32 and 64 bits and for float64.
        Coordinates along ``band``: names, ``description``, and ``scaled``: whether values are physical. Attributes:
        ``sources``, and ``units`` where the file states them.

        Raises
        ------
        OptionError
            If ``chunks`` does not fit.
        ReadError
            While computing, if a file cannot be read.

        Examples
        --------
        >>> import geoseg, numpy as np, xarray as xr
        >>> reflectance = xr.DataArray(np.full((2, 4, 4), 2500, "uint16"), dims=("band", "y", "x"))
        >>> reflectance[1] = 7500
        >>> scene = geoseg.open_raster(reflectance, bands="red=1,nir=2", scale=0.0001)
        >>> array = scene.to_xarray()  # nothing is read yet
        >>> red, nir = array.sel(band="red"), array.sel(band="nir")
        >>> float(((nir - red) / (nir + red)).mean())
        0.5
        """
        from geoseg.raster.lazy import to_dataarray

        together = max(len(list(run)) for _, run in groupby(self.parts, key=lambda part: part.source))
        return to_dataarray(self, chunks, masked=masked, scaled=scaled, bands_per_file=together)

    def _check_inside(self, box: Box) -> None:
        if not box.area or not self.box.contains(box):
            raise ValueError(f"{box} does not lie inside the scene of {self.shape[0]} x {self.shape[1]} pixels")

    def _read(self, box: Box, shape: tuple[int, int]) -> Pixels:
        valid = np.ones(shape, np.bool_)
        return Pixels(self._fill(box, valid), valid)

    def _fill(self, box: Box, valid: NDArray[np.bool_]) -> NDArray[Any]:
        """Read a box at the size of ``valid``, (h, w) or (bands, h, w), and clear that where pixels are missing."""
        data, reads, finish = self.reads(box, valid)
        read_all(reads)
        finish()
        return data

    def reads(self, box: Box, valid: NDArray[np.bool_]) -> tuple[NDArray[Any], _Reads, Callable[[], None]]:
        """Return an array for a box at the size of ``valid``, the reads that fill both, and what to call after them."""
        data: NDArray[Any] = np.empty((len(self.parts), *valid.shape[-2:]), self.dtype)
        placed = Box(box.row + self.origin[0], box.col + self.origin[1], box.height, box.width)
        start, reads = 0, list[tuple[BandSource, ReadRequest]]()
        for source, run in groupby(self.parts, key=lambda part: part.source):
            bands = tuple(part.band for part in run)
            stop = start + len(bands)
            nodata = tuple(band.nodata for band in self.bands[start:stop])
            own = valid if valid.ndim == 2 else valid[start:stop]
            reads.append((self.inputs[source], ReadRequest(bands, nodata, placed, data[start:stop], own)))
            start = stop
        if self.quality is None:
            return data, reads, lambda: None
        quality, mask = self.quality, self.quality.request(placed, valid.shape[-2:])

        def hide_clouds() -> None:
            np.logical_and(valid, quality.kept(mask), out=valid)

        return data, [*reads, (quality.source, mask)], hide_clouds

    @cached_property
    def _fingerprint(self) -> str:
        used = sorted({part.source for part in self.parts})
        recipe: tuple[Any, ...] = (
            [(index, self.inputs[index].recipe()) for index in used],
            [(part.source, part.band) for part in self.parts],
            [(band.name, band.dtype, band.nodata, band.scale, band.offset, band.scaled) for band in self.bands],
            (self.shape, tuple(self.transform)[:6], self.origin, crs_text(self.grid.crs) if self.georeferenced else ""),
        )
        recipe = recipe if self.quality is None else (*recipe, self.quality.recipe())
        return hashlib.sha256(repr(recipe).encode()).hexdigest()

    def fingerprint(self) -> str:
        """Return a sha256 that changes with the pixels: with sizes and times of files, bands, or the grid."""
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
        crs = "no CRS" if self.grid.crs is None else crs_name(self.grid.crs)
        names = ", ".join(band.name for band in self.bands)
        return f"Raster({self.name!r}, {height} x {width} px, {len(self.bands)} x {self.dtype} [{names}], {crs})"

    def _repr_html_(self) -> str:
        return raster_html(self)
