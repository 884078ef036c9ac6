"""Cost of a composite beside that of decoding its scenes, and memory as dates are added.

    python tests/benchmarks/bench_composite.py [--size 2048] [--dates 10 100] [--bands 4]

Scenes of ``size``², uint16, in DEFLATE tiles of 512, a third of their pixels missing in patches. Printed for each
number of dates and each method, in processor time of all threads: reading the composite in blocks of 1024² as a ratio
to reading all blocks of the scenes with rasterio in the same process (by turns); a whole run to a COG as a ratio to
that decoding and to writing the same pixels from a file; and peak memory. Four files are linked under as many names as
there are dates.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from process_memory import peak_bytes
from rasterio.transform import from_origin

import geoseg
from geoseg.raster.composite.api import METHODS
from geoseg.tiling import squares


def make_scenes(folder: Path, size: int, bands: int, count: int) -> list[str]:
    """Write four scenes and name them as many times as needed."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(4):
        smooth = rng.integers(200, 4000, (bands, size // 64 + 1, size // 64 + 1)).repeat(64, 1).repeat(64, 2)
        values = (smooth[:, :size, :size] + rng.integers(0, 128, (bands, size, size))).astype(np.uint16)
        holes = (rng.random((size // 128 + 1, size // 128 + 1)) < 0.33).repeat(128, 0).repeat(128, 1)
        values[:, holes[:size, :size]] = 0
        path = folder / f"{number}.tif"
        with rasterio.open(
            path, "w", driver="GTiff", height=size, width=size, count=bands, dtype="uint16", nodata=0, crs="EPSG:32633",
            transform=from_origin(500_000, 5_000_000, 10, 10), tiled=True, blockxsize=512, blockysize=512,
            compress="deflate", predictor=2, interleave="pixel",
        ) as file:  # fmt: skip
            file.write(values)
    for number in range(count):
        name = folder / f"scene_{2020 + number // 120}-{number // 10 % 12 + 1:02}-{number % 10 + 1:02}.tif"
        os.link(folder / f"{number % 4}.tif", name)
        paths.append(str(name))
    return paths


def decode(paths: list[str]) -> float:
    """Return the processor time of reading all blocks."""
    start = time.process_time()
    for path in paths:
        with rasterio.open(path) as file:
            for _, window in file.block_windows(1):
                file.read(window=window)
    return time.process_time() - start


def read(composite: geoseg.Raster) -> float:
    """Return the processor time of reading a composite block by block."""
    start = time.process_time()
    for box in squares(*composite.shape, 1024):
        composite.read(box)
    return time.process_time() - start


def write(raster: geoseg.Raster, path: Path) -> float:
    """Return the processor time of writing a raster as a COG."""
    start = time.process_time()
    geoseg.write_cog(raster, path)
    return time.process_time() - start


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--bands", type=int, default=4)
    parser.add_argument("--dates", type=int, nargs="+", default=[10, 100])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}")
    for count in options.dates:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            paths = make_scenes(folder, options.size, options.bands, count)
            decode(paths[:4])
            for method in options.methods:
                composite, out = geoseg.composite(paths, method=method), folder / f"{method}.tif"
                bare = decode(paths)
                reading, whole = read(composite), write(geoseg.composite(paths, method=method), out)
                bare = (bare + decode(paths)) / 2
                alone = write(geoseg.open_raster(out), folder / f"{method}_again.tif")
                line = f"{count:4} dates, {method:7}: reading {reading / bare:.2f} times the decoding ({bare:.1f} s), "
                line += f"whole run {whole / (bare + alone):.2f} times decoding and writing ({alone:.1f} s), "
                print(f"{line}{peak_bytes() / 1e6:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
