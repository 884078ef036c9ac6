"""Class maps to polygonize: six correlated classes, of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio

NOISE = {"smooth": 0.0, "fragmented": 0.0125, "large": 0.002}
"""Share of the pixels that get a class at random."""

_CELLS, _WEIGHTS = (1024, 400, 150, 60, 24, 10, 5), (1, 0.7, 0.5, 0.3, 0.18, 0.1, 0.06)
_TILE = 5000


def make_map(path: Path, size: int, kind: str, seed: int = 7) -> None:
    """Write a map of half-metre pixels; ``large`` mirrors one tile, so that boundaries go on from tile to tile."""
    generator = np.random.default_rng(seed)
    tile = min(size, _TILE) if kind == "large" else size
    base = _classes(generator, tile)
    mirrored = np.concatenate([base, base[:, ::-1]], axis=1)
    row = np.concatenate([mirrored] * -(-size // (2 * tile)), axis=1)[:, :size]
    profile = {
        "driver": "GTiff", "width": size, "height": size, "count": 1, "dtype": "uint8", "crs": "EPSG:32633",
        "transform": rasterio.transform.from_origin(500000, 5400000, 0.5, 0.5), "tiled": True,
        "blockxsize": 512, "blockysize": 512, "compress": "deflate", "BIGTIFF": "IF_SAFER",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        for start in range(0, size, 512):
            place = np.arange(start, min(start + 512, size))
            turn, within = np.divmod(place, tile)
            values = row[np.where(turn % 2, tile - 1 - within, within)]
            if NOISE[kind]:
                chosen = generator.random(values.shape, dtype=np.float32) < NOISE[kind]
                values[chosen] = generator.integers(0, 6, int(chosen.sum()), dtype=np.uint8)
            file.write(values, 1, window=((start, start + len(place)), (0, size)))


def boundary_of(path: Path) -> int:
    """Length of all boundaries in pixel sides, the frame included."""
    with rasterio.open(path) as file:
        total, above = 2 * (file.width + file.height), None
        for start in range(0, file.height, 512):
            values = file.read(1, window=((start, min(start + 512, file.height)), (0, file.width)))
            total += int((values[1:] != values[:-1]).sum() + (values[:, 1:] != values[:, :-1]).sum())
            total += 0 if above is None else int((above != values[0]).sum())
            above = values[-1]
    return total


def _classes(generator: np.random.Generator, size: int) -> np.ndarray:
    fields = [
        [generator.standard_normal((size // cell + 3, size // cell + 3)).astype(np.float32) for cell in _CELLS]
        for _ in range(2)
    ]
    out = np.empty((size, size), np.uint8)
    for start in range(0, size, 512):
        stop = min(start + 512, size)
        one, two = (_rows(grids, start, stop, size) for grids in fields)
        out[start:stop] = np.digitize(one, [-0.43, 0.43]) * 2 + (two > 0)
    return out


def _rows(grids: list[np.ndarray], start: int, stop: int, size: int) -> np.ndarray:
    out = np.zeros((stop - start, size), np.float32)
    for grid, cell, weight in zip(grids, _CELLS, _WEIGHTS, strict=True):
        i, f = _axis(start, stop, cell)
        j, g = _axis(0, size, cell)
        lines = grid[i] * (1 - f)[:, None] + grid[i + 1] * f[:, None]
        out += weight * (lines[:, j] * (1 - g) + lines[:, j + 1] * g)
    return out / np.float32(0.74 * sum(w * w for w in _WEIGHTS) ** 0.5)


def _axis(start: int, stop: int, cell: int) -> tuple[np.ndarray, np.ndarray]:
    place = np.arange(start, stop, dtype=np.float32) / cell
    index = place.astype(np.int64)
    part = place - index
    return index, part * part * (3 - 2 * part)
