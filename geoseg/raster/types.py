"""The small values that a raster is made of."""

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
        Common name (``"blue"``, ``"nir"``, ``"swir16"`` …) where one is known, else ``"band1"``, ``"band2"`` ….
    dtype
        Type of the stored values: ``"uint16"``.
    nodata
        Stored value that marks missing pixels, or None. NaN and infinity are always missing.
    scale, offset
        physical value = stored value x scale + offset.
    scaled
        Whether the file, its metadata or the caller gave scale and offset; False means they are 1 and 0 for want of
        any statement.
    description
        What the file itself calls the band; may be empty.
    """

    name: str
    dtype: str
    nodata: float | None = None
    scale: float = 1.0
    offset: float = 0.0
    scaled: bool = False
    description: str = ""


@dataclass(frozen=True, eq=False)
class Pixels:
    """Pixels of a box.

    Attributes
    ----------
    data
        (bands, height, width), the raster's dtype, stored values without scale and offset. Invalid pixels may hold
        anything.
    valid
        (height, width), bool: True where every band is valid.
    """

    data: NDArray[Any]
    valid: NDArray[np.bool_]


class BandSource(Protocol):
    """Where the pixels of some bands come from: a picklable recipe, never an open handle."""

    @property
    def label(self) -> str:
        """What messages and reports call it."""
        ...

    @property
    def block_shape(self) -> tuple[int, int]:
        """Height and width of the blocks in which it is stored."""
        ...

    def recipe(self) -> str:
        """Text that changes whenever the pixels read might change."""
        ...

    def read(self, request: ReadRequest) -> None:
        """Fill ``request.out`` and clear ``request.valid`` where pixels are missing."""
        ...


@dataclass(frozen=True, eq=False)
class ReadRequest:
    """What one source is asked for.

    Attributes
    ----------
    bands
        1-based numbers of the bands in the source.
    nodata
        Missing value of each band, or None.
    box
        Which pixels, on the scene's grid; may reach beyond the source, whose outside is invalid.
    out
        (len(bands), h, w) array to fill; h and w are the box's own or, for a decimated read, fewer.
    valid
        (h, w) bool, True at first.
    """

    bands: tuple[int, ...]
    nodata: tuple[float | None, ...]
    box: Box
    out: NDArray[Any]
    valid: NDArray[np.bool_]
