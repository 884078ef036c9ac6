"""Finished blocks on disk or in a bucket: what makes a run survive being killed.

Each block is a small GeoTIFF (classes, confidence, probabilities if wanted; see :mod:`geoseg.write.packed`) that is
there whole or not at all; see :mod:`geoseg.system.storage`. A manifest says of which scene, model and options the
blocks are; its fingerprint is part of every block's name, so that a worker of another run that is not yet dead cannot
mix its blocks in.
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import NODATA
from geoseg.errors import OutputError
from geoseg.models.boxes.detections import Detections
from geoseg.segment.recipe import BlockResult, Quicklook
from geoseg.system.storage.local import LocalStorage
from geoseg.system.storage.storage import Storage, storage_of, stored_json
from geoseg.tiling import Box, Tiling
from geoseg.write.packed import PackedBlock, pack, unpack
from geoseg.write.sidecar import geo_tags_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

_MANIFEST = "manifest.json"

# Digits of the fingerprint in a block's name.
_TAG = 10


@dataclass(frozen=True)
class BlockStore:
    """The finished blocks of one scene in a place that all workers see.

    Attributes
    ----------
    folder
        Where the files are.
    tiling
        Which blocks there are.
    geobox
        The scene's grid: finished blocks can be opened in a GIS while the run goes on.
    tag
        What the blocks are of: part of their names.
    origin
        Where the blocks were copied from, if these are copies.
    """

    folder: Storage
    tiling: Tiling
    geobox: GeoBox
    tag: str = "blocks"
    origin: Storage | None = None

    def block_name(self, index: int) -> str:
        """File of a finished block with at least one valid pixel."""
        return f"{index:07d}.{self.tag}.tif"

    def empty_name(self, index: int) -> str:
        """Empty file that marks a finished block without a valid pixel."""
        return f"{index:07d}.{self.tag}.empty"

    def quicklook_name(self, index: int) -> str:
        """File with the block's part of the reduced view."""
        return f"{index:07d}.{self.tag}.npy"

    def detections_name(self, index: int) -> str:
        """File with what a detector found in the block's windows."""
        return f"{index:07d}.{self.tag}.npz"

    def has(self, index: int) -> bool:
        """Whether a block need not be computed again."""
        return self.folder.exists(self.block_name(index)) or self.folder.exists(self.empty_name(index))

    def finished(self) -> set[int]:
        """Numbers of the blocks that need not be computed again."""
        return finished_blocks(self.folder, self.tag)

    def not_empty(self) -> list[int]:
        """Numbers of the finished blocks with at least one valid pixel, in order."""
        end = f".{self.tag}.tif"
        return [int(name.partition(".")[0]) for name in sorted(self.folder.names()) if name.endswith(end)]

    def write(self, index: int, result: BlockResult) -> None:
        """Keep a block; it counts as finished only when it is complete and on the disk.

        Raises
        ------
        OutputError
            If the disk is full, the folder cannot be written, or the server does not take it.
        """
        if not result.forwards and not (result.classes != NODATA).any():
            with _reported(self.folder):
                self.folder.write(self.empty_name(index), b"")
            return
        part = self.geobox[result.box.within(self.tiling.scene)]
        layers = result.classes, result.confidence, result.probabilities
        data = pack(*layers, side=self.tiling.block, geo_tags=geo_tags_of(part)[0])
        with _reported(self.folder):
            if result.quicklook is not None:  # before the block itself: a finished block has all its parts
                array = io.BytesIO()
                np.save(array, result.quicklook)
                self.folder.write(self.quicklook_name(index), array.getvalue())
            if result.detections is not None:
                self.folder.write(self.detections_name(index), result.detections.to_bytes())
            self.folder.write(self.block_name(index), data)

    @contextmanager
    def at_hand(self) -> Iterator[BlockStore]:
        """Yield the store of the same blocks on a local disk: itself, or copies that are deleted afterwards.

        Raises
        ------
        OutputError
            If they cannot be copied.
        """
        if not self.folder.remote:
            yield self
            return
        copies = self.folder.scratch / "blocks"
        try:
            with _reported(self.folder):
                copies.mkdir()
                ends = (f".{self.tag}.tif", f".{self.tag}.npy", f".{self.tag}.npz")
                self.folder.fetch([name for name in self.folder.names() if name.endswith(ends)], copies)
            yield replace(self, folder=LocalStorage(copies), origin=self.folder)
        finally:
            shutil.rmtree(copies, ignore_errors=True)

    def detections(self) -> Detections:
        """Return what a detector found in all finished blocks.

        Raises
        ------
        OutputError
            If a block is damaged; it is deleted, so that running again computes it anew.
        """
        parts = []
        for index in range(self.tiling.block_count):
            if self.folder.exists(self.block_name(index)):
                try:
                    parts.append(Detections.from_bytes(self.folder.read(self.detections_name(index))))
                except (OSError, ValueError) as error:
                    raise self._damaged(index) from error
        return Detections.joined(parts)

    def packed(self, index: int) -> PackedBlock | None:
        """Return a finished block as it was packed; None if it has no valid pixel.

        Raises
        ------
        OutputError
            If the block is damaged; it is deleted, so that running again computes it anew.
        """
        try:
            return unpack(self.folder.read(self.block_name(index)))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise self._damaged(index) from error

    def read(self, box: Box, bands: Sequence[int]) -> NDArray[np.uint8]:
        """Return bands of a part of the scene (uint8, bands × height × width), 255 where no block is; local files only.

        Band 1 is the class map, band 2 its confidence, those from band 3 on the probabilities wanted.

        Raises
        ------
        OutputError
            If a finished block is damaged; it is deleted, so that running again computes it anew.
        """
        import rasterio
        from rasterio.windows import Window

        from geoseg.raster.gdal.datasets import open_dataset
        from geoseg.raster.gdal.environment import environment

        values = np.full((len(bands), box.height, box.width), NODATA, np.uint8)
        side, cols = self.tiling.block, self.tiling.block_shape[1]
        for row in range(box.row // side, -(-box.bottom // side)):
            for col in range(box.col // side, -(-box.right // side)):
                index = row * cols + col
                path = Path(self.folder.location(self.block_name(index)))
                if not path.exists():
                    continue  # no valid pixel in it
                block = self.tiling.block_box(index)
                part = block.intersection(box)
                here = part.within(box)
                window = Window(part.col - block.col, part.row - block.row, part.width, part.height)
                try:
                    with environment(), open_dataset(str(path)) as file:
                        values[:, here[0], here[1]] = file.read(list(bands), window=window)
                except rasterio.errors.RasterioError as error:
                    raise self._damaged(index) from error
        return values

    def _damaged(self, index: int) -> OutputError:
        kept = self.origin or self.folder
        for place in {kept, self.folder}:
            place.remove(self.block_name(index))
        path = kept.location(self.block_name(index))
        return OutputError(
            f"the finished block at {self.tiling.block_box(index)} is damaged ({path}) and was deleted: "
            "run the same command again"
        )

    def read_quicklook(self, quicklook: Quicklook, dtype: Any) -> NDArray[Any]:
        """Return the reduced view of the whole scene (bands, h, w); 0 where nothing is valid."""
        height, width = (-(-size // quicklook.step) for size in (self.tiling.height, self.tiling.width))
        whole = np.zeros((len(quicklook.bands), height, width), dtype)
        for index, box in enumerate(self.tiling.blocks()):
            if self.folder.exists(self.quicklook_name(index)):
                part = np.load(io.BytesIO(self.folder.read(self.quicklook_name(index))), allow_pickle=False)
                row, col = -(-box.row // quicklook.step), -(-box.col // quicklook.step)
                whole[:, row : row + part.shape[1], col : col + part.shape[2]] = part
        return whole


@contextmanager
def _reported(folder: Storage) -> Iterator[None]:
    import rasterio

    try:
        yield
    except (OSError, rasterio.errors.RasterioError) as error:
        cause, advice = _cause(folder, error)
        raise OutputError(
            f"finished blocks cannot be written to {folder}: {cause}; {advice}, then run the same command again"
        ) from error


def _cause(folder: Storage, error: Exception) -> tuple[str, str]:
    if folder.remote and not (isinstance(error, OSError) and error.filename):
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        return reason, "finished ones are kept: see to the connection and permissions"
    scratch = folder.scratch
    full = scratch.exists() and shutil.disk_usage(scratch).free < 10 * 2**20
    return "the disk is full" if full else str(error), "free some space or choose another folder with -o"


def finished_blocks(folder: Storage | Path, tag: str) -> set[int]:
    """Numbers of the finished blocks in a folder that bear ``tag``."""
    ends = (f".{tag}.tif", f".{tag}.empty")
    return {int(name.partition(".")[0]) for name in storage_of(folder).names() if name.endswith(ends)}


def tag_of(manifest: dict[str, Any]) -> str:
    """Return what the names of a manifest's blocks contain."""
    return str(manifest.get("fingerprint", ""))[:_TAG] or "blocks"


def read_manifest(folder: Storage | Path) -> dict[str, Any]:
    """Return what the blocks in ``folder`` are of; empty if nobody said.

    Raises
    ------
    OSError
        If a server does not answer or denies access.
    """
    return stored_json(storage_of(folder), _MANIFEST)


def open_store(folder: Storage | Path, tiling: Tiling, geobox: GeoBox, manifest: dict[str, Any]) -> BlockStore:
    """Open the store for blocks described by ``manifest``; blocks of anything else are deleted first."""
    place = storage_of(folder)
    with _reported(place):
        found = read_manifest(place)
        if not found or found != manifest:
            place.clear()
            place.write(_MANIFEST, json.dumps(manifest).encode())
        else:
            place.clean()
    return BlockStore(place, tiling, geobox, tag_of(manifest))
