"""Finished blocks on disk: what makes a run survive being killed.

Each block is a small GeoTIFF (classes, confidence, probabilities if wanted; see :mod:`geoseg.write.packed`), written
under a temporary name, brought to the disk and renamed. A manifest says of which scene, model and options the blocks
are; its fingerprint is part of every block's name, so that a worker of another run that is not yet dead cannot mix its
blocks in.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geoseg.classes import NODATA
from geoseg.errors import OutputError
from geoseg.models.boxes.detections import Detections
from geoseg.segment.block import BlockResult, Quicklook
from geoseg.system.files import fsync, put, temporary_beside, write_text
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
    """The finished blocks of one scene in a folder that all workers see.

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
    """

    folder: Path
    tiling: Tiling
    geobox: GeoBox
    tag: str = "blocks"

    def path(self, index: int) -> Path:
        """File of a finished block with at least one valid pixel."""
        return self.folder / f"{index:07d}.{self.tag}.tif"

    def empty_path(self, index: int) -> Path:
        """Zero-byte file that marks a finished block without a valid pixel."""
        return self.folder / f"{index:07d}.{self.tag}.empty"

    def quicklook_path(self, index: int) -> Path:
        """File with the block's part of the reduced view."""
        return self.folder / f"{index:07d}.{self.tag}.npy"

    def detections_path(self, index: int) -> Path:
        """File with what a detector found in the block's windows."""
        return self.folder / f"{index:07d}.{self.tag}.npz"

    def has(self, index: int) -> bool:
        """Whether a block need not be computed again."""
        return self.path(index).exists() or self.empty_path(index).exists()

    def finished(self) -> set[int]:
        """Numbers of the blocks that need not be computed again."""
        return finished_blocks(self.folder, self.tag)

    def write(self, index: int, result: BlockResult) -> None:
        """Keep a block; it counts as finished only when it is complete and on the disk.

        Raises
        ------
        OutputError
            If the disk is full or the folder cannot be written.
        """
        if not result.forwards and not (result.classes != NODATA).any():
            with _reported(self.folder):
                self.empty_path(index).touch()
            return
        part = self.geobox[result.box.within(self.tiling.scene)]
        layers = result.classes, result.confidence, result.probabilities
        data = pack(*layers, side=self.tiling.block, geo_tags=geo_tags_of(part)[0])
        with _reported(self.folder):
            if result.quicklook is not None:  # before the block itself: a finished block has all its parts
                with _completed(self.quicklook_path(index)) as temporary, temporary.open("wb") as file:
                    np.save(file, result.quicklook)
            if result.detections is not None:
                with _completed(self.detections_path(index)) as temporary:
                    temporary.write_bytes(result.detections.to_bytes())
            with _completed(self.path(index)) as temporary:
                temporary.write_bytes(data)

    def detections(self) -> Detections:
        """Return what a detector found in all finished blocks.

        Raises
        ------
        OutputError
            If a block is damaged; it is deleted, so that running again computes it anew.
        """
        parts = []
        for index in range(self.tiling.block_count):
            if self.path(index).exists():
                try:
                    parts.append(Detections.from_bytes(self.detections_path(index).read_bytes()))
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
            return unpack(self.path(index).read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise self._damaged(index) from error

    def read(self, box: Box, bands: Sequence[int]) -> NDArray[np.uint8]:
        """Return bands of a part of the scene (uint8, bands × height × width), 255 where no block is.

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
                path = self.path(index)
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
        path = self.path(index)
        path.unlink(missing_ok=True)
        return OutputError(
            f"the finished block at {self.tiling.block_box(index)} is damaged ({path}) and was deleted: "
            "run the same command again"
        )

    def read_quicklook(self, quicklook: Quicklook, dtype: Any) -> NDArray[Any]:
        """Return the reduced view of the whole scene (bands, h, w); 0 where nothing is valid."""
        height, width = (-(-size // quicklook.step) for size in (self.tiling.height, self.tiling.width))
        whole = np.zeros((len(quicklook.bands), height, width), dtype)
        for index, box in enumerate(self.tiling.blocks()):
            if self.quicklook_path(index).exists():
                part = np.load(self.quicklook_path(index), allow_pickle=False)
                row, col = -(-box.row // quicklook.step), -(-box.col // quicklook.step)
                whole[:, row : row + part.shape[1], col : col + part.shape[2]] = part
        return whole

    def remove(self) -> None:
        """Delete all blocks and the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def _completed(path: Path) -> Iterator[Path]:
    """Hand out a temporary name; what is written there is brought to the disk and gets the final name."""
    temporary = temporary_beside(path)
    try:
        yield temporary
        fsync(temporary)
        put(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def _reported(folder: Path) -> Iterator[None]:
    import rasterio

    try:
        yield
    except (OSError, rasterio.errors.RasterioError) as error:
        full = folder.exists() and shutil.disk_usage(folder).free < 10 * 2**20
        cause = "the disk is full" if full else str(error)
        raise OutputError(
            f"cannot write finished blocks to {folder}: {cause}; free some space or choose another folder with -o, "
            "then run the same command again"
        ) from error


def finished_blocks(folder: Path, tag: str) -> set[int]:
    """Numbers of the finished blocks in a folder that bear ``tag``."""
    ends = (f".{tag}.tif", f".{tag}.empty")
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return set()
    return {int(name.partition(".")[0]) for name in names if name.endswith(ends)}


def tag_of(manifest: dict[str, Any]) -> str:
    """Return what the names of a manifest's blocks contain."""
    return str(manifest.get("fingerprint", ""))[:_TAG] or "blocks"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what the blocks in ``folder`` are of; empty if nobody said."""
    try:
        found = json.loads((folder / _MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def open_store(folder: Path, tiling: Tiling, geobox: GeoBox, manifest: dict[str, Any]) -> BlockStore:
    """Open the store for blocks described by ``manifest``; blocks of anything else are deleted first."""
    found = read_manifest(folder)
    with _reported(folder):
        if not found or found != manifest:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
            write_text(folder / _MANIFEST, json.dumps(manifest))
        else:
            for path in folder.glob("*.partial"):  # what killed processes left
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return BlockStore(folder, tiling, geobox, tag_of(manifest))
