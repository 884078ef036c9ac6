"""A VRT of the finished blocks, which a GIS can open during the run."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from geoseg.classes import NODATA
from geoseg.raster.gdal.environment import gdal_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from geoseg.classes import MapClass
    from geoseg.job.block_store import BlockStore
    from geoseg.system.storage.storage import Storage

# Writing takes time that grows with the number of blocks: it gets at most this share of the run, and happens at most
# every so many seconds.
_MAX_SHARE, _MIN_SECONDS = 0.005, 5.0


NAME = "finished_so_far.vrt"
"""Its name among a scene's finished blocks."""


def live_path(folder: Storage) -> str:
    """Path under which GDAL opens the VRT of a scene's finished blocks."""
    return gdal_path(str(folder.location(NAME)))


class LiveView:
    """A VRT of classes and confidence of the finished blocks, rewritten from time to time.

    Parameters
    ----------
    store, classes
        The finished blocks, and the classes of the map.
    """

    def __init__(self, store: BlockStore, classes: Sequence[MapClass]) -> None:
        self._store, self._classes = store, classes
        self._next = 0.0

    @property
    def path(self) -> str:
        """Path of the VRT, for GDAL."""
        return live_path(self._store.folder)

    def update(self) -> None:
        """Rewrite the VRT if it is due; readers always see a complete file."""
        if time.monotonic() < self._next:
            return
        start = time.monotonic()
        # On Windows a GIS may hold the file open; a full disk is reported by the next block.
        with suppress(OSError):
            self._store.folder.write(NAME, self._text().encode())
        now = time.monotonic()
        self._next = now + max((now - start) / _MAX_SHARE, _MIN_SECONDS)

    def _text(self) -> str:
        store, tiling = self._store, self._store.tiling
        present = store.not_empty()
        transform = store.geobox.transform
        numbers = (transform.c, transform.a, transform.b, transform.f, transform.d, transform.e)
        lines = [f'<VRTDataset rasterXSize="{tiling.width}" rasterYSize="{tiling.height}">']
        if store.geobox.crs is not None:
            lines.append(f"  <SRS>{escape(store.geobox.crs.to_wkt())}</SRS>")
        lines.append(f"  <GeoTransform>{', '.join(repr(float(number)) for number in numbers)}</GeoTransform>")
        lines += self._band(1, "classes", present) + self._band(2, "confidence", present)
        return "\n".join([*lines, "</VRTDataset>", ""])

    def _band(self, number: int, name: str, present: list[int]) -> list[str]:
        lines = [
            f'  <VRTRasterBand dataType="Byte" band="{number}">',
            f"    <Description>{name}</Description>",
            f"    <NoDataValue>{NODATA}</NoDataValue>",
            f"    <ColorInterp>{'Palette' if number == 1 else 'Gray'}</ColorInterp>",
        ]
        if number == 1:
            lines += self._legend()
        for index in present:
            box = self._store.tiling.block_box(index)
            size = f'xSize="{box.width}" ySize="{box.height}"'
            lines.append(
                f'    <SimpleSource><SourceFilename relativeToVRT="1">{self._store.block_name(index)}</SourceFilename>'
                f"<SourceBand>{number}</SourceBand>"
                f'<SourceProperties RasterXSize="{box.width}" RasterYSize="{box.height}" DataType="Byte" '
                f'BlockXSize="{min(512, box.width)}" BlockYSize="{min(512, box.height)}"/>'
                f'<SrcRect xOff="0" yOff="0" {size}/><DstRect xOff="{box.col}" yOff="{box.row}" {size}/></SimpleSource>'
            )
        return [*lines, "  </VRTRasterBand>"]

    def _legend(self) -> list[str]:
        """Return category names and palette; both need an entry for every value up to the largest."""
        classes = {c.id: c for c in self._classes}
        lines = ["    <CategoryNames>"]
        lines += [
            f"      <Category>{escape(classes[i].name) if i in classes else ''}</Category>"
            for i in range(max(classes) + 1)
        ]
        lines += ["    </CategoryNames>", "    <ColorTable>"]
        for value in range(256):
            color = classes[value].color.lstrip("#") if value in classes else "000000"
            red, green, blue = (int(color[i : i + 2], 16) for i in (0, 2, 4))
            alpha = 255 if value in classes else 0
            lines.append(f'      <Entry c1="{red}" c2="{green}" c3="{blue}" c4="{alpha}"/>')
        return [*lines, "    </ColorTable>"]
