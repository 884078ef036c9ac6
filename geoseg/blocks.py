"""Finished blocks on disk: what makes a run survive being killed.

Each block is a small two-band GeoTIFF (classes, confidence), written under a temporary name and renamed. A manifest
says of which scene, model and options the blocks are; blocks of anything else are never reused.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from geoseg.classes import NODATA
from geoseg.errors import OutputError
from geoseg.segment import BlockResult, Look
from geoseg.tiling import Box, Tiling

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from odc.geo.geobox import GeoBox

_MANIFEST = "manifest.json"


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
    """

    folder: Path
    tiling: Tiling
    geobox: GeoBox

    def path(self, index: int) -> Path:
        """File of a finished block with at least one valid pixel."""
        return self.folder / f"{index:07d}.tif"

    def empty_path(self, index: int) -> Path:
        """Zero-byte file that marks a finished block without a valid pixel."""
        return self.folder / f"{index:07d}.empty"

    def look_path(self, index: int) -> Path:
        """File with the block's part of the reduced view."""
        return self.folder / f"{index:07d}.npy"

    def finished(self) -> set[int]:
        """Numbers of the blocks that need not be computed again."""
        return {int(path.stem) for path in self.folder.iterdir() if path.suffix in (".tif", ".empty")}

    def write(self, index: int, result: BlockResult) -> None:
        """Keep a block; it counts as finished only when it is complete.

        Raises
        ------
        OutputError
            If the disk is full or the folder cannot be written.
        """
        import rasterio

        if not result.forwards and not (result.classes != NODATA).any():
            with _reported(self.folder):
                self.empty_path(index).touch()
            return
        temporary = self.folder / f"{index:07d}.{os.getpid()}.partial"
        rows, cols = result.box.within(self.tiling.scene)
        part = self.geobox[rows, cols]
        profile = {
            "crs": None if part.crs is None else str(part.crs),
            "transform": part.transform,
            "driver": "GTiff", "height": result.box.height, "width": result.box.width, "count": 2, "dtype": "uint8",
            "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "zstd", "zstd_level": 1, "nodata": NODATA,
        }  # fmt: skip
        with _reported(self.folder):
            if result.look is not None:  # before the block itself: a finished block has all its parts
                np.save(self.look_path(index), result.look)
            with rasterio.open(temporary, "w", **profile) as file:
                file.write(result.classes, 1)
                file.write(result.confidence, 2)
            temporary.replace(self.path(index))

    def read(self, box: Box) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return classes and confidence of a part of the scene (uint8, height × width); all its blocks are finished."""
        import rasterio
        from rasterio.windows import Window

        both = np.full((2, box.height, box.width), NODATA, np.uint8)
        side, cols = self.tiling.block, self.tiling.block_shape[1]
        for row in range(box.row // side, -(-box.bottom // side)):
            for col in range(box.col // side, -(-box.right // side)):
                path = self.path(row * cols + col)
                if not path.exists():
                    continue  # no valid pixel in it
                block = self.tiling.block_box(row * cols + col)
                part = block.intersection(box)
                here = part.within(box)
                window = Window(part.col - block.col, part.row - block.row, part.width, part.height)
                with rasterio.open(path) as file:
                    both[:, here[0], here[1]] = file.read(window=window)
        return both[0], both[1]

    def read_look(self, look: Look, dtype: Any) -> NDArray[Any]:
        """Return the reduced view of the whole scene (bands, h, w); 0 where nothing is valid."""
        height, width = (-(-size // look.step) for size in (self.tiling.height, self.tiling.width))
        whole = np.zeros((len(look.bands), height, width), dtype)
        for index, box in enumerate(self.tiling.blocks()):
            if self.look_path(index).exists():
                part = np.load(self.look_path(index), allow_pickle=False)
                row, col = -(-box.row // look.step), -(-box.col // look.step)
                whole[:, row : row + part.shape[1], col : col + part.shape[2]] = part
        return whole

    def remove(self) -> None:
        """Delete all blocks and the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


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


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder against other runs; the lock vanishes with its process, however that ends.

    Raises
    ------
    OutputError
        If another run holds it, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_suffix(".lock"))
        lock.acquire(timeout=0)
    except Timeout:
        raise OutputError(f"another run is writing to {folder}: wait for it or choose another folder with -o") from None
    except OSError as error:
        raise OutputError(
            f"cannot write to {folder}: {error.strerror or error}; choose another folder with -o"
        ) from error
    try:
        yield
    finally:
        lock.release()
        folder.with_suffix(".lock").unlink(missing_ok=True)


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
    if not found or found != manifest:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        temporary = folder / (_MANIFEST + ".partial")
        temporary.write_text(json.dumps(manifest), "utf-8")
        temporary.replace(folder / _MANIFEST)
    return BlockStore(folder, tiling, geobox)
