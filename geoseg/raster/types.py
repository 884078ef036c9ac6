"""The values that a raster is made of: bands, pixels, sources and reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from geoseg.tiling import Box


@dataclass(frozen=True)
class Band:
    """One band of a raster.

    Attributes
    ----------
    name
        Common name (``"blue"``, ``"nir"``, ``"swir16"`` …) where one is known, else the file's own name or code
        (``"B8"``), else ``"band1"``, ``"band2"`` ….
    dtype
        Type of the stored values: ``"uint16"``.
    nodata
        Stored value that marks missing pixels, or None. NaN and infinity are always missing.
    scale, offset
        physical value = stored value x scale + offset.
    scaled
        Whether the file, its metadata or the caller states scale and offset; if not, they are 1 and 0.
    description
        What the file itself calls the band, or the band code in its name; may be empty.
    units
        Units of the physical values, as the file states them; may be empty.

    Examples
    --------
    >>> import geoseg
    >>> band = geoseg.open_raster("scene.tif").bands[3]
    >>> band.name, band.dtype, band.nodata
    ('nir', 'uint16', 0.0)
    """

    name: str
    dtype: str
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    scaled: bool = False
    description: str = ""
    units: str = ""


@dataclass(frozen=True, eq=False)
class Pixels:
    """Pixels of a box.

    Attributes
    ----------
    data
        (bands, height, width), the raster's dtype, stored values without scale and offset. Invalid pixels have
        unspecified values.
    valid
        (height, width), bool: True where every band is valid.

    Examples
    --------
    >>> import geoseg
    >>> raster = geoseg.open_raster("scene.tif")
    >>> pixels = raster.read(raster.box)
    >>> pixels.data.dtype, bool(pixels.valid.any())
    (dtype('uint16'), True)
    """

    data: NDArray[Any]
    valid: NDArray[np.bool_]


class BandSource(Protocol):
    """Source of the pixels of some bands: a picklable recipe, never an open handle."""

    @property
    def label(self) -> str:
        """Name for messages and reports."""
        ...

    @property
    def block_shape(self) -> tuple[int, int]:
        """Height and width of the blocks in which pixels are stored."""
        ...

    def recipe(self) -> str:
        """Return text that changes whenever the pixels might change."""
        ...

    def overview(self, factor: float) -> int | None:
        """Return the reduction of the overview that a read at 1/``factor`` of the size decodes; 1 if there is none.

        None if such a read would use the network or compute a dask graph.
        """
        ...

    def read(self, request: ReadRequest) -> None:
        """Fill ``request.out`` and clear ``request.valid`` where pixels are missing."""
        ...


@dataclass(frozen=True, eq=False)
class ReadRequest:
    """A read from one source.

    Attributes
    ----------
    bands
        1-based numbers of the bands in the source.
    nodata
        Missing value of each band, or None.
    box
        Pixels to read, on the scene's grid; pixels outside the source are invalid.
    out
        (len(bands), h, w) array to fill; h and w are the box's own or, for a decimated read, smaller.
    valid
        (h, w) bool: validity of all bands together; or (len(bands), h, w): of each band. All True at first.
    """

    bands: tuple[int, ...]
    nodata: tuple[float | None, ...]
    box: Box
    out: NDArray[Any]
    valid: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the arrays to fill."""
        height, width = self.valid.shape[-2:]
        return height, width

    def keep(self, mask: NDArray[Any], band: int | None = None) -> None:
        """Clear ``valid`` where ``mask`` (h, w) is False: for all bands, or for the band at position ``band``."""
        valid = self.valid if band is None or self.valid.ndim == 2 else self.valid[band]
        np.logical_and(valid, mask, out=valid)
