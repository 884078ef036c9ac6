"""A raster whose pixels outside of an area are missing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine

from geoseg.raster.burn import burn
from geoseg.raster.raster import Part, Raster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from geoseg.raster.types import BandSource, ReadRequest
    from geoseg.tiling import Box


@dataclass(frozen=True, eq=False)
class ClippedSource:
    """The bands of a raster, missing where the centre of a pixel lies outside of an area.

    Attributes
    ----------
    raster
        What is read.
    area
        WKB of polygons in the raster's coordinates.
    """

    raster: Raster
    area: bytes

    @property
    def label(self) -> str:
        """Name of what is read."""
        return self.raster.sources[0]

    @property
    def block_shape(self) -> tuple[int, int]:
        """Height and width of the blocks of what is read."""
        return self.raster.block_shape

    @property
    def sources(self) -> tuple[BandSource, ...]:
        """What is read, composites as their files."""
        return self.raster.leaves

    def rasters_in(self, box: Box) -> Iterator[tuple[Raster, Box]]:
        """Yield what is read for a box."""
        yield self.raster, box

    def recipe(self) -> str:
        """Return text that changes whenever the pixels might change."""
        return f"{self.raster.fingerprint()} {hashlib.sha256(self.area).hexdigest()}"

    def overview(self, factor: float) -> int | None:
        """Return the reduction of the overview that is decoded at 1/``factor`` of the size; None if remote."""
        return self.raster.inputs[self.raster.parts[0].source].overview(factor)

    def unmasked(self, names: frozenset[str]) -> ClippedSource:
        """Return the same with some of clouds, shadows and snow not masked."""
        return replace(self, raster=self.raster.unmasked(names))

    def read(self, request: ReadRequest) -> None:
        """Fill ``request.out`` and clear ``request.valid`` outside of the area and where pixels are missing.

        Raises
        ------
        ReadError, ChangedError
            As the files raise them.
        """
        import shapely

        box, (height, width) = request.box, request.shape
        transform = self.raster.transform * Affine.translation(box.col, box.row)
        transform *= Affine.scale(box.width / width, box.height / height)
        inside = burn(np.array([shapely.from_wkb(self.area)]), transform, (height, width)) >= 0
        request.keep(inside)
        if not inside.any():
            request.out[...] = 0
            return
        chosen = self.raster.select(list(request.bands))
        request.out[...] = chosen._fill(box, request.valid)  # noqa: SLF001  same package


def clipped(raster: Raster, area: Any) -> Raster:
    """Return a raster in which the pixels whose centre lies outside of an area are missing.

    Parameters
    ----------
    raster
        On any grid with a CRS.
    area
        shapely polygons in its coordinates.
    """
    import shapely

    source = ClippedSource(raster, shapely.to_wkb(area))
    parts = tuple(Part(0, number) for number in range(1, len(raster.bands) + 1))
    bands = tuple(replace(band, dtype=str(raster.dtype)) for band in raster.bands)
    return replace(raster, bands=bands, parts=parts, inputs=(source,), origin=(0, 0), quality=None)
